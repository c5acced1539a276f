package protocol

import (
	"fmt"
	"slices"
	"time"
)

// Any, as an entry of a list of strings in a Policy, permits every value.
const Any = "*"

const defaultLifetime = 24 * time.Hour

// Policy is what a side permits. It fails closed: what is not listed is refused,
// an empty list permits nothing, and the zero Policy refuses all terms.
type Policy struct {
	Functions     []string // FunctionSet, FunctionEncodings
	Purposes      []string // or Any
	LegalBases    []string // or Any
	Jurisdictions []string // or Any; every one in the terms must be here
	Epochs        []string // or Any
	Suites        []string // names; FunctionSet only
	Receivers     []Role   // who may learn matches; FunctionSet only

	Schemas   []Hash // schema hashes
	Configs   []Hash // hashes of the encodings' configuration; FunctionEncodings only
	AnySchema bool   // any schema and configuration: for a linkage unit, which has none

	MaxProposer, MaxAcceptor int
	MinThreshold             float64 // 0: any; FunctionEncodings only

	// MaxLifetime bounds the time from issue to expiry. 0: a day.
	MaxLifetime time.Duration
}

// Check reports why the terms are invalid, not timely or not permitted, as a
// *TermError that names the first such term. A nil Policy permits nothing. Terms
// may have been issued up to skew after now; they expire by the clock of now.
func (p *Policy) Check(t *Terms, now time.Time, skew time.Duration) error {
	if p == nil {
		p = &Policy{}
	}
	if err := t.Validate(); err != nil {
		return err
	}
	if err := t.timely(now, skew); err != nil {
		return err
	}
	lifetime := p.MaxLifetime
	if lifetime == 0 {
		lifetime = defaultLifetime
	}
	switch {
	case !slices.Contains(p.Functions, t.Function):
		return notPermitted("function")
	case !permits(p.Purposes, t.Purpose):
		return notPermitted("purpose")
	case !permits(p.LegalBases, t.LegalBasis):
		return notPermitted("legal_basis")
	case slices.ContainsFunc(t.Jurisdictions, func(j string) bool { return !permits(p.Jurisdictions, j) }):
		return notPermitted("jurisdictions")
	case !permits(p.Epochs, t.Epoch):
		return notPermitted("epoch")
	case !p.AnySchema && !slices.Contains(p.Schemas, t.SchemaHash):
		return notPermitted("schema_hash")
	case t.MaxProposer > p.MaxProposer:
		return tooMuch("max_proposer", t.MaxProposer, p.MaxProposer)
	case t.MaxAcceptor > p.MaxAcceptor:
		return tooMuch("max_acceptor", t.MaxAcceptor, p.MaxAcceptor)
	case t.Expires.Sub(t.Issued) > lifetime:
		return &TermError{Term: "expires", Reason: fmt.Sprintf("more than the permitted %v after issued", lifetime)}
	}
	if t.Function == FunctionSet {
		return p.checkSet(t)
	}
	return p.checkEncodings(t)
}

func (p *Policy) checkSet(t *Terms) error {
	switch {
	case !slices.Contains(p.Suites, t.Suite):
		return notPermitted("suite")
	case !slices.Contains(p.Receivers, t.Receiver):
		return notPermitted("receiver")
	}
	return nil
}

func (p *Policy) checkEncodings(t *Terms) error {
	switch {
	case !p.AnySchema && !slices.Contains(p.Configs, t.ConfigHash):
		return notPermitted("config_hash")
	case t.Threshold < p.MinThreshold:
		return &TermError{Term: "threshold", Reason: fmt.Sprintf("%v, at least %v permitted", t.Threshold, p.MinThreshold)}
	}
	return nil
}

func permits(list []string, value string) bool {
	return slices.Contains(list, value) || slices.Contains(list, Any)
}

func notPermitted(term string) error {
	return &TermError{Term: term, Reason: "not permitted by the policy"}
}

func tooMuch(term string, n, max int) error {
	return &TermError{Term: term, Reason: fmt.Sprintf("%d, at most %d permitted", n, max)}
}
