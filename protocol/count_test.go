package protocol

import (
	"context"
	"errors"
	"testing"

	"github.com/comity-prl/comity/psi"
)

func countTerms() *Terms {
	t := goodTerms()
	t.Function = FunctionCount
	return t
}

// countBetween runs a count between two sessions.
func countBetween(ctx context.Context, receiver, sender *Session, r, s *psi.Set) (c *psi.Count, h *psi.Handles, receiveErr, sendErr error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		h, sendErr = sender.Send(ctx, s)
	}()
	c, receiveErr = receiver.Count(ctx, r)
	<-done
	return c, h, receiveErr, sendErr
}

func TestCount(t *testing.T) {
	for _, receiver := range []Role{Proposer, Acceptor} {
		for _, pad := range []bool{false, true} {
			pc, ac := agencies(t)
			ac.Policy.Rules[0].Functions = []string{FunctionCount}
			terms, sizes := countTerms(), [2]int{30, 70}
			if pad {
				terms = paddedTerms()
				terms.Function, sizes = FunctionCount, [2]int{64, 256}
			}
			terms.Receiver = receiver
			p, a := met(t, terms, pc, ac)
			r, s := p, a
			if receiver == Acceptor {
				r, s = a, p
			}
			c, h, receiveErr, sendErr := countBetween(t.Context(), r, s, recorded(items(0, 30), 10), recorded(items(20, 70), 70))
			if receiveErr != nil || sendErr != nil {
				t.Fatalf("receive: %v; send: %v", receiveErr, sendErr)
			}
			if want := (psi.Count{PeerSize: sizes[1], N: 10}); *c != want || h.PeerSize != sizes[0] || h.Len() != 0 {
				t.Errorf("%+v and %d items with %d handles; want %+v and %d with none", *c, h.PeerSize, h.Len(), want, sizes[0])
			}
		}
	}
}

// The receiver's own rule keeps a small count from it; the sender's run is a good one.
func TestCountBelowMinimum(t *testing.T) {
	for _, tt := range []struct {
		min  int
		want error
	}{{10, nil}, {11, ErrWithheld}} {
		pc, ac := agencies(t)
		ac.Policy.Rules[0].Functions, ac.Policy.Rules[0].MinCount = []string{FunctionCount}, tt.min
		terms := countTerms()
		terms.Receiver = Acceptor
		p, a := met(t, terms, pc, ac)
		c, _, receiveErr, sendErr := countBetween(t.Context(), a, p, psi.NewSet(items(0, 30), binding), psi.NewSet(items(20, 70), binding))
		if !errors.Is(receiveErr, tt.want) || (c == nil) != (tt.want != nil) || sendErr != nil {
			t.Errorf("at least %d: %v, %v; send: %v", tt.min, c, receiveErr, sendErr)
		}
	}
}

// Terms for a count give no matches, and others no count.
func TestCountIsNoSet(t *testing.T) {
	pc, ac := agencies(t)
	ac.Policy.Rules[0].Functions = []string{FunctionSet, FunctionCount}
	set := psi.NewSet(items(0, 3), binding)
	p, a := met(t, countTerms(), pc, ac)
	if _, err := p.Receive(t.Context(), set); !errors.Is(err, ErrRole) {
		t.Errorf("matches of a count: %v, want %v", err, ErrRole)
	}
	if _, err := a.Count(t.Context(), set); !errors.Is(err, ErrRole) {
		t.Errorf("the sender counts: %v, want %v", err, ErrRole)
	}
	if c, _, receiveErr, sendErr := countBetween(t.Context(), p, a, set, set); receiveErr != nil || sendErr != nil || c.N != 3 {
		t.Errorf("receive: %v; send: %v", receiveErr, sendErr)
	}
	p, a = met(t, goodTerms(), pc, ac)
	defer closeAll(p, a)
	if _, err := p.Count(t.Context(), set); !errors.Is(err, ErrRole) {
		t.Errorf("a count of matches: %v, want %v", err, ErrRole)
	}
}

// Terms name a suite that can count.
func TestCountingSuites(t *testing.T) {
	pc, _ := agencies(t)
	for _, suite := range psi.Suites() {
		terms := complete(t, countTerms(), pc)
		terms.Suite = suite.String()
		var at *TermError
		if err := terms.Validate(); (err == nil) != suite.Supports(psi.Cardinality) || err != nil && (!errors.As(err, &at) || at.Term != "suite") {
			t.Errorf("%v: %v", suite, err)
		}
	}
	if terms := complete(t, countTerms(), pc); terms.Suite != "ecdh-ristretto255" {
		t.Errorf("the default suite is %q", terms.Suite)
	}
}
