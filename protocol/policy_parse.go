package protocol

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/comity-prl/comity/psi"
)

// Sizes of a policy.
const (
	MaxPolicy      = 1 << 20 // bytes of JSON
	maxPolicyRules = 1000
	maxPolicyList  = 1000 // entries of one list in a rule
)

// ErrPolicy is a policy that cannot be read or means nothing. *PolicyError says
// where.
var ErrPolicy = errors.New("protocol: unusable policy")

// PolicyError says what is wrong with a policy. It is ErrPolicy.
type PolicyError struct {
	Rule   int    // from 1; 0 where no single rule is at fault
	Key    string // in the JSON form
	Reason string
}

func (e *PolicyError) Error() string {
	if e.Rule == 0 {
		return fmt.Sprintf("%v: %q: %s", ErrPolicy, e.Key, e.Reason)
	}
	return fmt.Sprintf("%v: rule %d: %q: %s", ErrPolicy, e.Rule, e.Key, e.Reason)
}

// Unwrap returns ErrPolicy.
func (e *PolicyError) Unwrap() error { return ErrPolicy }

// ParsePolicy reads a policy from JSON and validates it. Unknown and duplicate keys
// and trailing data are refused, another version by its number. Errors are
// ErrPolicy, or *PolicyError where one key is at fault.
func ParsePolicy(text []byte) (*Policy, error) {
	if len(text) > MaxPolicy {
		return nil, fmt.Errorf("%w: %d bytes, at most %d allowed", ErrPolicy, len(text), MaxPolicy)
	}
	// Another version may have other keys: it is told by its own before the rest counts.
	var any struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal(text, &any); err == nil && any.Version != PolicyVersion {
		return nil, &PolicyError{Key: "version", Reason: fmt.Sprintf("%d, here %d", any.Version, PolicyVersion)}
	}
	p := new(Policy)
	if err := decodeStrict(text, p); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPolicy, err)
	}
	if p.Rules == nil {
		return nil, &PolicyError{Key: "rules", Reason: "missing"}
	}
	if err := p.Validate(); err != nil {
		return nil, err
	}
	return p, nil
}

// Marshal returns the policy as indented JSON that ParsePolicy reads. What And
// returned has no text.
func (p *Policy) Marshal() ([]byte, error) {
	if p.and != nil {
		return nil, fmt.Errorf("%w: two policies in one", ErrPolicy)
	}
	if err := p.Validate(); err != nil {
		return nil, err
	}
	q := *p
	q.Version = PolicyVersion
	if q.Rules == nil {
		q.Rules = []Rule{}
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(&q); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPolicy, err)
	}
	if out.Len() > MaxPolicy {
		return nil, fmt.Errorf("%w: %d bytes, at most %d allowed", ErrPolicy, out.Len(), MaxPolicy)
	}
	return out.Bytes(), nil
}

// Validate reports the first key whose value means nothing, or contradicts another,
// as a *PolicyError. It does not judge what is permitted.
func (p *Policy) Validate() error {
	switch {
	case p.Version != 0 && p.Version != PolicyVersion:
		return &PolicyError{Key: "version", Reason: fmt.Sprintf("%d, here %d", p.Version, PolicyVersion)}
	case p.Profile != "" && p.Profile != ProfileFIPS:
		return &PolicyError{Key: "profile", Reason: fmt.Sprintf("not %q", ProfileFIPS)}
	case len(p.Rules) > maxPolicyRules:
		return &PolicyError{Key: "rules", Reason: fmt.Sprintf("%d, at most %d allowed", len(p.Rules), maxPolicyRules)}
	}
	for i := range p.Rules {
		r := &p.Rules[i]
		if err := r.validate(); err != nil {
			err.Rule = i + 1
			return err
		}
		if slices.ContainsFunc(p.Rules[:i], func(q Rule) bool { return q.Name == r.Name }) {
			return &PolicyError{Rule: i + 1, Key: "name", Reason: "that of a rule before"}
		}
	}
	if p.and != nil {
		return p.and.Validate()
	}
	return nil
}

func (r *Rule) validate() *PolicyError {
	if checkName(r.Name) != nil {
		return &PolicyError{Key: "name", Reason: fmt.Sprintf("not 1 to %d printable characters", maxName)}
	}
	for _, check := range []func() *PolicyError{r.validateLists, r.validateNumbers, r.validateDemands} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func (r *Rule) validateLists() *PolicyError {
	anyOr := func(ok func(string) bool) func(string) bool {
		return func(s string) bool { return s == Any || ok(s) }
	}
	among := func(known ...string) func(string) bool {
		return func(s string) bool { return slices.Contains(known, s) }
	}
	isName := func(s string) bool { return checkName(s) == nil }
	isSuite := func(s string) bool { _, err := psi.SuiteByName(s); return err == nil }
	var receivers []string
	for _, role := range r.Receivers {
		receivers = append(receivers, string(role))
	}
	for _, list := range []struct {
		key     string
		entries []string
		ok      func(string) bool
	}{
		{"peers", r.Peers, anyOr(isName)},
		{"purposes", r.Purposes, anyOr(isText)},
		{"legal_bases", r.LegalBases, anyOr(isText)},
		{"articles", r.Articles, anyOr(isText)},
		{"offences", r.Offences, anyOr(idForm.MatchString)},
		{"jurisdictions", r.Jurisdictions, anyOr(jurisdictionForm.MatchString)},
		{"categories", r.Categories, anyOr(among(categories...))},
		{"excluded_categories", r.ExcludedCategories, among(categories...)},
		{"scopes", r.Scopes, among(ScopeQuery, ScopeBulk)},
		{"functions", r.Functions, among(FunctionSet, FunctionCount, FunctionEncodings)},
		{"receivers", receivers, among(string(Proposer), string(Acceptor))},
		{"suites", r.Suites, isSuite},
		{"epochs", r.Epochs, anyOr(epochForm.MatchString)},
		{"require", r.Require, among(requirable...)},
		{"optional", r.Optional, among(lifted...)},
	} {
		if len(list.entries) > maxPolicyList {
			return tooLong(list.key, len(list.entries))
		}
		for i, entry := range list.entries {
			if !list.ok(entry) {
				return &PolicyError{Key: list.key, Reason: fmt.Sprintf("number %d is not a value that it can have", i+1)}
			}
		}
	}
	for _, list := range []struct {
		key string
		n   int
	}{{"schemas", len(r.Schemas)}, {"configs", len(r.Configs)}, {"officer_keys", len(r.OfficerKeys)}} {
		if list.n > maxPolicyList {
			return tooLong(list.key, list.n)
		}
	}
	return nil
}

func tooLong(key string, n int) *PolicyError {
	return &PolicyError{Key: key, Reason: fmt.Sprintf("%d entries, at most %d allowed", n, maxPolicyList)}
}

func (r *Rule) validateNumbers() *PolicyError {
	for _, number := range []struct {
		key   string
		n     int64
		bound int64 // 0: none
	}{
		{"max_proposer", int64(r.MaxProposer), 0}, {"max_acceptor", int64(r.MaxAcceptor), 0},
		{"min_fields", int64(r.MinFields), maxFields}, {"max_candidates", int64(r.MaxCandidates), 0},
		{"min_count", int64(r.MinCount), 0}, {"max_lifetime", int64(r.MaxLifetime), 0},
		{"retention", int64(r.Retention.MinDays), maxRetention}, {"retention", int64(r.Retention.MaxDays), maxRetention},
		{"approvals", int64(r.Approvals), maxApprovers}, {"padding", int64(r.Padding.MinBucket), 0},
	} {
		if number.n < 0 || number.bound > 0 && number.n > number.bound {
			return &PolicyError{Key: number.key, Reason: "a number is out of bounds"}
		}
	}
	if !(r.MinThreshold >= 0 && r.MinThreshold <= 1) { // NaN fails too
		return &PolicyError{Key: "min_threshold", Reason: "not from 0 to 1"}
	}
	return r.Limits.check()
}

// validateDemands refuses what no terms can satisfy, or what contradicts itself.
func (r *Rule) validateDemands() *PolicyError {
	for _, term := range r.Require {
		if slices.Contains(r.Optional, term) {
			return &PolicyError{Key: "optional", Reason: fmt.Sprintf("%q is required too", term)}
		}
	}
	optional := func(term string) bool { return slices.Contains(r.Optional, term) }
	switch {
	case r.Retention.MinDays > r.Retention.MaxDays:
		return &PolicyError{Key: "retention", Reason: "min_days is above max_days"}
	case slices.Contains(r.Require, "article") && len(r.Articles) == 0:
		return &PolicyError{Key: "articles", Reason: "empty, though an article is required"}
	case slices.Contains(r.Require, "offence") && len(r.Offences) == 0:
		return &PolicyError{Key: "offences", Reason: "empty, though an offence is required"}
	case slices.ContainsFunc(r.OfficerKeys, func(k ed25519.PublicKey) bool { return len(k) != ed25519.PublicKeySize }):
		return &PolicyError{Key: "officer_keys", Reason: "not all are Ed25519 keys"}
	case r.Limits.OfficerSessions > 0 && optional("officer"):
		return &PolicyError{Key: "optional", Reason: "\"officer\", though the limits count officers' sessions"}
	}
	return nil
}
