package protocol

import (
	"errors"
	"testing"
	"time"

	"github.com/comity-prl/comity/psi"
)

// A session in steps is reserved when it is proposed and when it is accepted, and
// settled at each side before its last message leaves; then the limit is reached.
func TestStepsLedger(t *testing.T) {
	p, a := stepSides(t, 4)
	p.c.Ledger, a.c.Ledger = newLedger(t), newLedger(t)
	a.c.Policy = limited(a.c.Policy, Limits{PeerSessions: 1})
	p.step(stepTerms(40, Proposer))
	wantUsage(t, &p.c, usageCount{1, 1, 40})
	wantUsage(t, &a.c, nothing)
	a.step(nil)
	wantUsage(t, &a.c, usageCount{1, 1, 40})
	for range 2 {
		p.step(nil)
		a.step(nil)
	}
	p.check(a, 4)
	wantUsage(t, &p.c, usageCount{1, 0, 4})
	wantUsage(t, &a.c, usageCount{1, 0, 4})
	if e := a.entries()[0]; e.Rule != "rule 1" {
		t.Errorf("the log names rule %q", e.Rule)
	}

	p.step(stepTerms(40, Proposer))
	status, err := a.run(nil)
	wantTerm(t, single(t, status, err).Err, "proposer")
	status, err = p.run(nil)
	var refused *RefusedError
	if got := single(t, status, err); !errors.As(got.Err, &refused) || refused.Term != "proposer" {
		t.Errorf("%+v", got)
	}
	wantUsage(t, &p.c, usageCount{1, 0, 4}) // its reservation is given back
	wantUsage(t, &a.c, usageCount{1, 0, 4})
}

// A reservation is given back where none of the own elements can have left, and counts
// in full from then on.
func TestStepsLedgerUnsettled(t *testing.T) {
	for runs, want := range []struct{ p, a usageCount }{
		{usageCount{}, usageCount{}},                // proposed
		{usageCount{}, usageCount{}},                // accepted
		{usageCount{1, 1, 40}, usageCount{}},        // the proposer's elements are out
		{usageCount{1, 1, 40}, usageCount{1, 0, 4}}, // the acceptor's, which is all of its part
	} {
		p, a := stepSides(t, 4)
		p.c.Ledger, a.c.Ledger = newLedger(t), newLedger(t)
		p.step(stepTerms(40, Proposer))
		turn, other := a, p
		for range runs {
			turn.step(nil)
			turn, other = other, turn
		}
		for _, s := range []*stepSide{p, a} {
			s.c.Clock = func() time.Time { return time.Now().Add(2 * time.Hour) }
			if _, err := s.run(nil); err != nil {
				t.Fatal(err)
			}
		}
		wantUsage(t, &p.c, want.p)
		wantUsage(t, &a.c, want.a)
		if t.Failed() {
			t.Fatalf("after %d runs", runs)
		}
	}
}

// A result with more matches than the terms allow is withheld, and the peer does not
// learn that.
func TestStepsWithheld(t *testing.T) {
	p, a := stepSides(t, 12)
	terms := stepTerms(40, Proposer)
	terms.MaxCandidates = 5
	p.step(terms)
	a.step(nil)
	p.step(nil)
	a.step(nil)
	status, err := p.run(nil)
	if got := single(t, status, err); !got.Over || !errors.Is(got.Err, ErrWithheld) || len(p.results) > 0 {
		t.Errorf("%+v, want ErrWithheld", got)
	}
	if e := p.entries(); len(e) != 1 || e[0].Outcome != outcomeWithheld || e[0].Found != 0 {
		t.Errorf("the log has %+v", e)
	}
	if a.step(nil); len(a.results) != 1 {
		t.Error("the sender has no handles")
	}
}

// A peer that this Run does not know waits; one whose key was revoked ends.
func TestStepsRevoked(t *testing.T) {
	p, a := stepSides(t, 4)
	p.step(stepTerms(4, Proposer))
	a.step(nil)
	known := p.c.Peers
	p.c.Peers = []Peer{identity(t, "Somebody else").Peer()}
	status, err := p.run(nil)
	if got := single(t, status, err); got.Over || !errors.Is(got.Err, ErrPeerUnknown) {
		t.Errorf("%+v, want ErrPeerUnknown for now", got)
	}
	p.c.Peers, p.c.Revoked = known, []Fingerprint{KeyFingerprint(known[0].SigningKey)}
	status, err = p.run(nil)
	if got := single(t, status, err); !got.Over || !errors.Is(got.Err, ErrRevoked) {
		t.Errorf("%+v, want ErrRevoked", got)
	}
}

// The profile of P-256 and SHA-2 has no room for the sealing of steps.
func TestStepsProfile(t *testing.T) {
	p, _ := stepSides(t, 4)
	p.c.Policy = &Policy{Profile: ProfileFIPS, Rules: stepPolicy().Rules}
	terms := stepTerms(4, Proposer)
	terms.Suite = psi.ECDHP256().String()
	if _, err := p.run(terms); !errors.Is(err, ErrProfile) {
		t.Errorf("%v, want ErrProfile", err)
	}
}
