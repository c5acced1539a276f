package protocol

import (
	"errors"
	"testing"
	"time"
)

// Every term that a policy can refuse is named at both ends, and nothing runs.
func TestRefusedTerms(t *testing.T) {
	tests := []struct {
		name string
		base func() *Terms
		with func(*Terms, *Policy)
		term string
	}{
		{"empty policy", goodTerms, func(_ *Terms, p *Policy) { *p = Policy{} }, "function"},
		{"function", encodingTerms, func(*Terms, *Policy) {}, "function"},
		{"purpose", goodTerms, func(t *Terms, _ *Policy) { t.Purpose = "tax arrears" }, "purpose"},
		{"no purposes listed", goodTerms, func(_ *Terms, p *Policy) { p.Purposes = nil }, "purpose"},
		{"legal basis", goodTerms, func(t *Terms, _ *Policy) { t.LegalBasis = "custom" }, "legal_basis"},
		{"one jurisdiction of three", goodTerms, func(t *Terms, _ *Policy) { t.Jurisdictions = []string{"DE", "US-CA", "FR"} }, "jurisdictions"},
		{"epoch", goodTerms, func(t *Terms, _ *Policy) { t.Epoch = "2026-Q3" }, "epoch"},
		{"schema", goodTerms, func(t *Terms, _ *Policy) { t.SchemaHash[0]++ }, "schema_hash"},
		{"suite", goodTerms, func(t *Terms, p *Policy) { p.Suites = []string{"ecdh-p256"} }, "suite"},
		{"receiver", goodTerms, func(t *Terms, p *Policy) { p.Receivers = []Role{Acceptor} }, "receiver"},
		{"proposer's size", goodTerms, func(t *Terms, _ *Policy) { t.MaxProposer = 1001 }, "max_proposer"},
		{"acceptor's size", goodTerms, func(t *Terms, _ *Policy) { t.MaxAcceptor = 2001 }, "max_acceptor"},
		{"lifetime", goodTerms, func(t *Terms, _ *Policy) { t.Expires = time.Now().Add(25 * time.Hour) }, "expires"},
		{"encodings: configuration", encodingTerms, func(_ *Terms, p *Policy) {
			p.Functions = []string{FunctionEncodings}
		}, "config_hash"},
		{"encodings: threshold", encodingTerms, func(_ *Terms, p *Policy) {
			p.Functions, p.AnySchema, p.MinThreshold = []string{FunctionEncodings}, true, 0.9
		}, "threshold"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			pc, ac := agencies(t)
			terms := tt.base()
			tt.with(terms, ac.Policy)
			e := meet(t, terms, pc, ac)
			checkRefused(t, tt.term, e.proposerErr, e.acceptorErr)
			if e.proposer != nil || e.acceptor != nil {
				t.Error("a session came of refused terms")
			}
		})
	}
}

// Terms that the acceptor's clock finds expired are refused by that name.
func TestExpiredAtTheAcceptor(t *testing.T) {
	pc, ac := agencies(t)
	terms := goodTerms()
	terms.Issued, terms.Expires = time.Now().Add(-time.Hour), time.Now().Add(30*time.Second)
	ac.Clock = func() time.Time { return time.Now().Add(time.Minute) }
	e := meet(t, terms, pc, ac)
	checkRefused(t, "expires", e.proposerErr, e.acceptorErr)
	if !errors.Is(e.acceptorErr, ErrExpired) {
		t.Errorf("acceptor: %v, want %v", e.acceptorErr, ErrExpired)
	}
}

func TestPolicyPermits(t *testing.T) {
	now := time.Now()
	c, _ := agencies(t)
	open := &Policy{
		Functions: []string{FunctionSet, FunctionEncodings}, Purposes: []string{Any}, LegalBases: []string{Any},
		Jurisdictions: []string{Any}, Epochs: []string{Any}, Suites: []string{"ecdh-ristretto255"},
		Receivers: []Role{Proposer}, AnySchema: true, MaxProposer: 1000, MaxAcceptor: 2000, MaxLifetime: 2 * time.Hour,
	}
	for name, terms := range map[string]*Terms{"set": goodTerms(), "encodings": encodingTerms()} {
		terms := complete(t, terms, c)
		if err := open.Check(terms, now, 0); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for what, closed := range map[string]*Policy{"nil": nil, "zero": {}} {
			var named *TermError
			if err := closed.Check(terms, now, 0); !errors.As(err, &named) {
				t.Errorf("%s: the %s policy: %v, want a TermError", name, what, err)
			}
		}
	}
}
