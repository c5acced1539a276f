package protocol

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/comity-prl/comity/psi"
)

func invalid(term, format string, args ...any) error {
	return &TermError{Term: term, Reason: fmt.Sprintf(format, args...), cause: ErrTerms}
}

const (
	maxText          = 1000 // runes in a purpose, legal basis or article
	maxJurisdictions = 32
	maxApprovers     = 8
	maxFields        = 64
	maxRules         = 1000
	maxRetention     = 36525 // days: a century
)

var (
	idForm           = regexp.MustCompile(`^[!-~]{1,64}$`)
	epochForm        = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)
	jurisdictionForm = regexp.MustCompile(`^[A-Z0-9]+(-[A-Z0-9]+)*$`)
)

// Validate reports the first term that is missing, malformed, or does not belong
// to the function, as a *TermError. An officer's signature must be good.
func (t *Terms) Validate() error {
	if t.Version != Version {
		return invalid("version", "%d, here %d", t.Version, Version)
	}
	for _, check := range []func() error{t.validateParties, t.validateReason, t.validateRequest, t.validateSubjects, t.validateAmount} {
		if err := check(); err != nil {
			return err
		}
	}
	switch t.Function {
	case FunctionSet, FunctionCount:
		return t.validateExact()
	case FunctionEncodings:
		return t.validateEncodings()
	case "sum", "labels":
		return invalid("function", "%s is not carried out by version %d", t.Function, Version)
	}
	return invalid("function", "not known")
}

func (t *Terms) validateParties() error {
	switch {
	case checkName(t.Proposer) != nil:
		return invalid("proposer", "not a name of 1 to %d printable characters", maxName)
	case checkName(t.Acceptor) != nil:
		return invalid("acceptor", "not a name of 1 to %d printable characters", maxName)
	case t.Acceptor == t.Proposer:
		return invalid("acceptor", "the same as the proposer")
	}
	return nil
}

func (t *Terms) validateReason() error {
	switch {
	case !isText(t.Purpose):
		return invalid("purpose", "not 1 to %d printable characters", maxText)
	case !isText(t.LegalBasis):
		return invalid("legal_basis", "not 1 to %d printable characters", maxText)
	case t.Article != "" && !isText(t.Article):
		return invalid("article", "not up to %d printable characters", maxText)
	}
	return nil
}

// validateRequest is about who asks, and why now.
func (t *Terms) validateRequest() error {
	for _, id := range []struct{ term, value string }{{"case", t.Case}, {"offence", t.Offence}, {"officer", t.Officer}} {
		if id.value != "" && !idForm.MatchString(id.value) {
			return invalid(id.term, "not 1 to 64 printable ASCII characters without a space")
		}
	}
	if len(t.Approvers) > maxApprovers {
		return invalid("approvers", "%d, at most %d allowed", len(t.Approvers), maxApprovers)
	}
	for i, a := range t.Approvers {
		switch {
		case !idForm.MatchString(a):
			return invalid("approvers", "number %d is not 1 to 64 printable ASCII characters without a space", i+1)
		case slices.Contains(t.Approvers[:i], a):
			return invalid("approvers", "number %d occurs twice", i+1)
		case a == t.Officer:
			return invalid("approvers", "number %d is the officer", i+1)
		}
	}
	return t.verifyOfficer()
}

func (t *Terms) validateSubjects() error {
	if len(t.Jurisdictions) < 1 || len(t.Jurisdictions) > maxJurisdictions {
		return invalid("jurisdictions", "not 1 to %d", maxJurisdictions)
	}
	for i, j := range t.Jurisdictions {
		if len(j) < 2 || len(j) > 16 || !jurisdictionForm.MatchString(j) {
			return invalid("jurisdictions", "number %d is not a code of 2 to 16 capital letters, digits and hyphens", i+1)
		}
		if slices.Contains(t.Jurisdictions[:i], j) {
			return invalid("jurisdictions", "number %d occurs twice", i+1)
		}
	}
	if len(t.Categories) == 0 {
		return invalid("categories", "missing: one or more of %s", strings.Join(categories, ", "))
	}
	for i, c := range t.Categories {
		if !slices.Contains(categories, c) {
			return invalid("categories", "number %d is not one of %s", i+1, strings.Join(categories, ", "))
		}
		if slices.Contains(t.Categories[:i], c) {
			return invalid("categories", "number %d occurs twice", i+1)
		}
	}
	if t.Scope != ScopeQuery && t.Scope != ScopeBulk {
		return invalid("scope", "neither %q nor %q", ScopeQuery, ScopeBulk)
	}
	return nil
}

// validateAmount is about with what, how much, and how long.
func (t *Terms) validateAmount() error {
	switch {
	case !epochForm.MatchString(t.Epoch):
		return invalid("epoch", "not 1 to 64 of A-Z, a-z, 0-9, dot, underscore and hyphen")
	case t.SchemaHash.IsZero():
		return invalid("schema_hash", "missing")
	case t.Fields < 0 || t.Fields > maxFields:
		return invalid("fields", "not between 0 and %d", maxFields)
	case t.MaxCandidates != 0 && !isSize(t.MaxCandidates):
		return invalid("max_candidates", "not between 0 and %d", int64(psi.MaxItems))
	case t.Bucket != 0 && !isSize(t.Bucket):
		return invalid("bucket", "not between 0 and %d", int64(psi.MaxItems))
	case t.Rules < 0 || t.Rules > maxRules:
		return invalid("rules", "not between 0 and %d", maxRules)
	case t.RetentionDays < 0 || t.RetentionDays > maxRetention:
		return invalid("retention_days", "not between 0 and %d", maxRetention)
	case t.Issued.IsZero():
		return invalid("issued", "missing")
	case !t.Expires.After(t.Issued):
		return invalid("expires", "not after issued")
	}
	return nil
}

func isText(s string) bool {
	return s != "" && utf8.RuneCountInString(s) <= maxText && printable(s)
}

func (t *Terms) validateExact() error {
	suite, err := psi.SuiteByName(t.Suite)
	if err != nil {
		return invalid("suite", "not known")
	}
	switch {
	case t.Function == FunctionCount && !suite.Supports(psi.Cardinality):
		return invalid("suite", "cannot count")
	case t.Receiver != Proposer && t.Receiver != Acceptor:
		return invalid("receiver", "neither %q nor %q", Proposer, Acceptor)
	case !isSize(t.MaxProposer):
		return invalid("max_proposer", "not between 1 and %d", int64(psi.MaxItems))
	case !isSize(t.MaxAcceptor):
		return invalid("max_acceptor", "not between 1 and %d", int64(psi.MaxItems))
	case t.Function == FunctionCount && t.MaxCandidates != 0:
		return invalid("max_candidates", "not for function %q, which holds no matches", FunctionCount)
	case t.Partner != "":
		return invalid("partner", "only for function %q", FunctionEncodings)
	case !t.ConfigHash.IsZero():
		return invalid("config_hash", "only for function %q", FunctionEncodings)
	case t.Length != 0:
		return invalid("length", "only for function %q", FunctionEncodings)
	case t.Threshold != 0:
		return invalid("threshold", "only for function %q", FunctionEncodings)
	}
	return nil
}

func isSize(n int) bool { return n >= 1 && int64(n) <= psi.MaxItems }

func (t *Terms) validateEncodings() error {
	switch {
	case t.Suite != "":
		return invalid("suite", "not for function %q", FunctionEncodings)
	case t.Receiver != "":
		return invalid("receiver", "not for function %q", FunctionEncodings)
	case t.Bucket != 0:
		return invalid("bucket", "not for function %q", FunctionEncodings)
	case t.Rules != 0:
		return invalid("rules", "not for function %q", FunctionEncodings)
	case !isSize(t.MaxProposer):
		return invalid("max_proposer", "not between 1 and %d", int64(psi.MaxItems))
	case t.MaxAcceptor != 0:
		return invalid("max_acceptor", "not 0: a linkage unit brings no records")
	case checkName(t.Partner) != nil:
		return invalid("partner", "not a name of 1 to %d printable characters", maxName)
	case t.Partner == t.Proposer || t.Partner == t.Acceptor:
		return invalid("partner", "the same as the proposer or the acceptor")
	case t.ConfigHash.IsZero():
		return invalid("config_hash", "missing")
	case t.Length < 64 || t.Length > 8192 || t.Length%64 != 0:
		return invalid("length", "not a multiple of 64 between 64 and 8192")
	case !(t.Threshold > 0 && t.Threshold <= 1): // NaN fails too
		return invalid("threshold", "not above 0 and at most 1")
	}
	return nil
}

// timely reports whether a run under the terms may begin now.
func (t *Terms) timely(now time.Time, skew time.Duration) error {
	if t.Issued.After(now.Add(skew)) {
		return &TermError{Term: "issued", Reason: "lies in the future"}
	}
	if !now.Before(t.Expires) {
		return &TermError{Term: "expires", Reason: "has passed", cause: ErrExpired}
	}
	return nil
}
