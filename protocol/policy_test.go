package protocol

import (
	"errors"
	"testing"
	"time"
)

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

// The zero policy, the nil one and the zero rule for the peer and purpose permit
// nothing, whatever the function.
func TestZeroPolicyPermitsNothing(t *testing.T) {
	c, _ := agencies(t)
	zero := &Policy{Rules: []Rule{{Name: "zero", Peers: []string{Any}, Purposes: []string{Any}}}}
	for name, terms := range map[string]*Terms{"set": goodTerms(), "encodings": encodingTerms()} {
		terms := complete(t, terms, c)
		for _, tt := range []struct {
			what   string
			policy *Policy
			term   string
			rule   string
		}{
			{"nil", nil, "proposer", ""},
			{"zero", &Policy{}, "proposer", ""},
			{"zero rule", zero, "legal_basis", "zero"},
			{"good and nil", goodPolicy().And(nil), "proposer", ""},
			{"nil and good", (*Policy)(nil).And(goodPolicy()), "proposer", ""},
		} {
			_, err := tt.policy.Decide(terms, Acceptor, time.Now(), 0)
			var named *TermError
			if !errors.As(err, &named) || named.Term != tt.term || named.Rule != tt.rule {
				t.Errorf("%s: the %s policy: %v, want term %q by rule %q", name, tt.what, err, tt.term, tt.rule)
			}
		}
	}
}

// The first rule for the peer and purpose decides, though a later one would permit.
func TestFirstRuleDecides(t *testing.T) {
	c, _ := agencies(t)
	terms := complete(t, goodTerms(), c)
	strict, open := goodRule(), goodRule()
	strict.Name, strict.MaxProposer = "strict", 10
	var named *TermError
	if _, err := (&Policy{Rules: []Rule{strict, open}}).Decide(terms, Acceptor, time.Now(), 0); !errors.As(err, &named) || named.Rule != "strict" {
		t.Errorf("%v, want a refusal by the first rule", err)
	}
	r, err := (&Policy{Rules: []Rule{open, strict}}).Decide(terms, Acceptor, time.Now(), 0)
	if err != nil || r.Name != open.Name {
		t.Errorf("%+v, %v, want the first rule", r, err)
	}
	strict.Peers = []string{"Customs of Syldavia"} // another's rule is none of this peer's affair
	if r, err := (&Policy{Rules: []Rule{strict, open}}).Decide(terms, Acceptor, time.Now(), 0); err != nil || r.Name != open.Name {
		t.Errorf("%+v, %v, want the rule for the peer", r, err)
	}
}

// And permits what both permit, in any depth, by the first one's rule.
func TestAnd(t *testing.T) {
	c, _ := agencies(t)
	terms := complete(t, goodTerms(), c)
	named := func(name string, change func(*Rule)) *Policy {
		r := goodRule()
		r.Name = name
		if change != nil {
			change(&r)
		}
		return &Policy{Rules: []Rule{r}}
	}
	narrow := func(r *Rule) { r.MaxAcceptor = 1 }
	a, b := named("a", nil), named("b", nil)
	if r, err := a.And(b).Decide(terms, Acceptor, time.Now(), 0); err != nil || r.Name != "a" {
		t.Errorf("%+v, %v", r, err)
	}
	for _, p := range []*Policy{
		named("n", narrow).And(a), a.And(named("n", narrow)), a.And(b).And(named("n", narrow)), a.And(named("n", narrow)).And(b),
	} {
		var refused *TermError
		if _, err := p.Decide(terms, Acceptor, time.Now(), 0); !errors.As(err, &refused) || refused.Term != "max_acceptor" || refused.Rule != "n" {
			t.Errorf("%v, want max_acceptor by rule n", err)
		}
	}
	if _, err := a.Decide(terms, Acceptor, time.Now(), 0); err != nil {
		t.Errorf("And changed its receiver: %v", err)
	}
}
