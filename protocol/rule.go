package protocol

import (
	"bytes"
	"crypto/ed25519"
	"fmt"
	"slices"
	"time"
)

const (
	defaultLifetime  = 24 * time.Hour
	defaultMinFields = 2 // Regulation (EU) 2024/982, article 42
	bulkApprovals    = 2
)

// Rule says what some peers may ask for some purposes. Lists of strings may hold
// Any. The zero value of each field is the safe one: a list that is empty permits
// nothing, a bound of 0 permits none, and what has another default says so.
type Rule struct {
	Name     string   `json:"name"`               // for the own log and people; peers never see it
	Peers    []string `json:"peers,omitempty"`    // names
	Purposes []string `json:"purposes,omitempty"` // to the letter

	LegalBases []string `json:"legal_bases,omitempty"`
	// Articles and Offences are optional terms: a list without Any also wants one
	// stated, unless Optional lifts that. Empty: none may be stated.
	Articles      []string `json:"articles,omitempty"`
	Offences      []string `json:"offences,omitempty"`
	Jurisdictions []string `json:"jurisdictions,omitempty"` // every one in the terms must be here
	Categories    []string `json:"categories,omitempty"`    // every one in the terms must be here
	// ExcludedCategories are refused even where Categories has Any.
	ExcludedCategories []string `json:"excluded_categories,omitempty"`

	Scopes    []string `json:"scopes,omitempty"`
	Functions []string `json:"functions,omitempty"`
	Receivers []Role   `json:"receivers,omitempty"` // who may learn the result; not for FunctionEncodings
	Suites    []string `json:"suites,omitempty"`    // not for FunctionEncodings
	Epochs    []string `json:"epochs,omitempty"`

	Schemas   []Hash `json:"schemas,omitempty"`    // schema hashes
	Configs   []Hash `json:"configs,omitempty"`    // of the encodings' configuration; FunctionEncodings only
	AnySchema bool   `json:"any_schema,omitempty"` // any of both: for a linkage unit, which has none

	MaxProposer  int     `json:"max_proposer,omitempty"`
	MaxAcceptor  int     `json:"max_acceptor,omitempty"`
	MinThreshold float64 `json:"min_threshold,omitempty"` // 0: any; FunctionEncodings only
	// MinFields is how many distinct fields a query must combine. 0: two.
	MinFields int `json:"min_fields,omitempty"`
	// MaxCandidates, if not 0, wants a bound on the matches stated, of so many at
	// most. 0: none need be, as no result is larger than the receiver's set.
	MaxCandidates int `json:"max_candidates,omitempty"`
	// MinCount is the least count that this side lets itself see where it is the
	// receiver of FunctionCount: a smaller one is withheld. The receiver computes its
	// own result, so that this binds an honest endpoint alone: in the sender's policy
	// it does nothing.
	MinCount int `json:"min_count,omitempty"`
	// MaxLifetime bounds the time from issue to expiry. 0: a day.
	MaxLifetime Duration `json:"max_lifetime,omitempty"`
	// Retention bounds how long the receiver may keep the result.
	Retention RetentionBounds `json:"retention,omitzero"`

	// Require lists optional terms that must be stated, by their keys. As Directive
	// (EU) 2016/680, article 25, wants them logged, "case" and "officer" must be stated
	// in any case, as must "fields" and "retention_days", and "approvers" where the
	// scope is bulk; Optional lifts that for those that it lists.
	Require  []string `json:"require,omitempty"`
	Optional []string `json:"optional,omitempty"`
	// Approvals is how many approvers the terms must name. At least two for
	// ScopeBulk, unless Optional lists "approvers".
	Approvals int `json:"approvals,omitempty"`
	// OfficerKeys, if not empty, want the officer's signature, by one of them.
	OfficerKeys []ed25519.PublicKey `json:"officer_keys,omitempty"`
	Padding     Padding             `json:"padding,omitzero"`

	// Limits need a Config.Ledger.
	Limits Limits `json:"limits,omitzero"`
}

// RetentionBounds are in days. MinDays is for a law under which a result must be kept.
// MaxDays 0 permits no term of retention at all.
type RetentionBounds struct {
	MinDays int `json:"min_days,omitempty"`
	MaxDays int `json:"max_days"`
}

// Padding is what the terms must say of hiding sizes. Zero: nothing.
type Padding struct {
	MinBucket int  `json:"min_bucket,omitempty"` // the least Terms.Bucket
	Rules     bool `json:"rules,omitempty"`      // Terms.Rules must be stated
}

// Terms that a rule may require, and those that it requires unless it lists them as
// optional.
var (
	requirable = []string{"article", "case", "offence", "officer", "fields", "max_candidates", "retention_days"}
	lifted     = []string{"article", "case", "offence", "officer", "approvers", "officer_signature", "fields", "retention_days"}
)

// check returns the first term that the rule does not permit.
func (r *Rule) check(t *Terms) error {
	for _, check := range []func(*Terms) *TermError{r.checkRequest, r.checkSubjects, r.checkAmount, r.checkFunction} {
		if err := check(t); err != nil {
			err.Rule = r.Name
			return err
		}
	}
	return nil
}

func (r *Rule) checkRequest(t *Terms) *TermError {
	if !permits(r.LegalBases, t.LegalBasis) {
		return notPermitted("legal_basis")
	}
	if err := r.stated("article", t.Article, r.Articles); err != nil {
		return err
	}
	if t.Case == "" && r.requires("case") {
		return missing("case")
	}
	if err := r.stated("offence", t.Offence, r.Offences); err != nil {
		return err
	}
	if t.Officer == "" && r.requires("officer") {
		return missing("officer")
	}
	if need := r.approvals(t); len(t.Approvers) < need {
		return &TermError{Term: "approvers", Reason: fmt.Sprintf("%d, at least %d required", len(t.Approvers), need)}
	}
	return r.checkOfficer(t.OfficerSignature)
}

// stated checks an optional term against the list of what it may say.
func (r *Rule) stated(term, value string, list []string) *TermError {
	narrow := len(list) > 0 && !slices.Contains(list, Any) && !slices.Contains(r.Optional, term)
	switch {
	case value == "" && (narrow || slices.Contains(r.Require, term)):
		return missing(term)
	case value != "" && !permits(list, value):
		return notPermitted(term)
	}
	return nil
}

// requires reports whether a term that is required by default must be stated.
func (r *Rule) requires(term string) bool { return !slices.Contains(r.Optional, term) }

// approvals is how many approvers the terms must name.
func (r *Rule) approvals(t *Terms) int {
	if t.Scope == ScopeBulk && r.requires("approvers") {
		return max(r.Approvals, bulkApprovals)
	}
	return r.Approvals
}

func (r *Rule) checkOfficer(s *OfficerSignature) *TermError {
	switch {
	case len(r.OfficerKeys) == 0 || s == nil && !r.requires("officer_signature"):
		return nil
	case s == nil:
		return missing("officer_signature")
	case !slices.ContainsFunc(r.OfficerKeys, func(k ed25519.PublicKey) bool { return bytes.Equal(k, s.Key) }):
		return notPermitted("officer_signature")
	}
	return nil
}

func (r *Rule) checkSubjects(t *Terms) *TermError {
	outside := func(list []string) func(string) bool {
		return func(value string) bool { return !permits(list, value) }
	}
	excluded := func(c string) bool { return slices.Contains(r.ExcludedCategories, c) }
	switch {
	case slices.ContainsFunc(t.Jurisdictions, outside(r.Jurisdictions)):
		return notPermitted("jurisdictions")
	case slices.ContainsFunc(t.Categories, outside(r.Categories)), slices.ContainsFunc(t.Categories, excluded):
		return notPermitted("categories")
	case !permits(r.Scopes, t.Scope):
		return notPermitted("scope")
	case !permits(r.Functions, t.Function):
		return notPermitted("function")
	case !permits(r.Epochs, t.Epoch):
		return notPermitted("epoch")
	case !r.AnySchema && !slices.Contains(r.Schemas, t.SchemaHash):
		return notPermitted("schema_hash")
	}
	return nil
}

func (r *Rule) checkAmount(t *Terms) *TermError {
	fields, lifetime := r.MinFields, time.Duration(r.MaxLifetime)
	if fields == 0 {
		fields = defaultMinFields
	}
	if lifetime == 0 {
		lifetime = defaultLifetime
	}
	switch {
	case t.Fields == 0 && r.requires("fields"):
		return missing("fields")
	case t.Fields != 0 && t.Fields < fields:
		return tooLittle("fields", t.Fields, fields)
	case t.MaxProposer > r.MaxProposer:
		return tooMuch("max_proposer", t.MaxProposer, r.MaxProposer)
	case t.MaxAcceptor > r.MaxAcceptor:
		return tooMuch("max_acceptor", t.MaxAcceptor, r.MaxAcceptor)
	case t.MaxCandidates == 0 && t.Function != FunctionCount && (r.MaxCandidates > 0 || slices.Contains(r.Require, "max_candidates")):
		return missing("max_candidates")
	case r.MaxCandidates > 0 && t.MaxCandidates > r.MaxCandidates:
		return tooMuch("max_candidates", t.MaxCandidates, r.MaxCandidates)
	case t.exact() && t.Bucket < r.Padding.MinBucket:
		return tooLittle("bucket", t.Bucket, r.Padding.MinBucket)
	case t.exact() && r.Padding.Rules && t.Rules == 0:
		return missing("rules")
	case t.RetentionDays == 0 && r.requires("retention_days"):
		return missing("retention_days")
	case t.RetentionDays > r.Retention.MaxDays:
		return tooMuch("retention_days", t.RetentionDays, r.Retention.MaxDays)
	case t.RetentionDays != 0 && t.RetentionDays < r.Retention.MinDays:
		return tooLittle("retention_days", t.RetentionDays, r.Retention.MinDays)
	case t.Expires.Sub(t.Issued) > lifetime:
		return &TermError{Term: "expires", Reason: fmt.Sprintf("more than the permitted %v after issued", lifetime)}
	}
	return nil
}

func (r *Rule) checkFunction(t *Terms) *TermError {
	switch {
	case t.exact() && !permits(r.Suites, t.Suite):
		return notPermitted("suite")
	case t.exact() && !slices.Contains(r.Receivers, t.Receiver):
		return notPermitted("receiver")
	case t.exact():
		return nil
	case !r.AnySchema && !slices.Contains(r.Configs, t.ConfigHash):
		return notPermitted("config_hash")
	case t.Threshold < r.MinThreshold:
		return &TermError{Term: "threshold", Reason: fmt.Sprintf("%v, at least %v permitted", t.Threshold, r.MinThreshold)}
	}
	return nil
}

func notPermitted(term string) *TermError {
	return &TermError{Term: term, Reason: "not permitted by the policy"}
}

func missing(term string) *TermError {
	return &TermError{Term: term, Reason: "required by the policy"}
}

func tooMuch(term string, n, max int) *TermError {
	return &TermError{Term: term, Reason: fmt.Sprintf("%d, at most %d permitted", n, max)}
}

func tooLittle(term string, n, min int) *TermError {
	return &TermError{Term: term, Reason: fmt.Sprintf("%d, at least %d required", n, min)}
}
