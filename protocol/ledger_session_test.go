package protocol

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/comity-prl/comity/psi"
)

// ledgers gives each of two agencies a ledger, and limits.
func ledgers(t testing.TB, pc, ac *Config, proposer, acceptor Limits) {
	t.Helper()
	limit(t, pc, proposer)
	limit(t, ac, acceptor)
}

func limit(t testing.TB, c *Config, limits Limits) {
	t.Helper()
	c.Ledger, c.Policy = newLedger(t), limited(c.Policy, limits)
}

// limited returns the policy, or that of goodTerms, with one rule that has limits.
func limited(p *Policy, limits Limits) *Policy {
	if p == nil {
		p = goodPolicy()
	}
	rule := p.Rules[0]
	rule.Name, rule.Limits = "rule 1", limits
	return &Policy{Rules: []Rule{rule}}
}

// usageCount is what a test wants of a Usage.
type usageCount struct {
	Sessions, Unsettled int
	Items               uint64
}

// wantUsage compares what a side has used with its only peer.
func wantUsage(t testing.TB, c *Config, want usageCount) {
	t.Helper()
	u, err := c.Ledger.Usage(time.Now(), c.Peers[0].Name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, usageCount{u.Sessions, u.Unsettled, u.Items}); diff != "" {
		t.Errorf("%s (-want +got):\n%s", c.Identity.Name(), diff)
	}
}

var nothing = usageCount{}

// A run that ends well is settled with what the receiver asked; then the limit is
// reached, and the peer hears the term alone.
func TestSessionLimit(t *testing.T) {
	pc, ac := agencies(t)
	ledgers(t, pc, ac, Limits{}, Limits{PeerSessions: 1})
	p, a := met(t, goodTerms(), pc, ac)
	whole := usageCount{1, 1, 1000}
	wantUsage(t, pc, whole)
	wantUsage(t, ac, whole)
	o := intersect(t.Context(), p, a, setOf(0, 30), setOf(10, 50))
	if err := errors.Join(o.receiveErr, o.sendErr); err != nil {
		t.Fatal(err)
	}
	used := usageCount{1, 0, 30}
	wantUsage(t, pc, used)
	wantUsage(t, ac, used)

	e := meet(t, goodTerms(), pc, ac)
	wantTerm(t, e.acceptorErr, "proposer")
	var refused *RefusedError
	if !errors.As(e.proposerErr, &refused) || refused.Term != "proposer" {
		t.Errorf("the proposer: %v", e.proposerErr)
	}
	wantUsage(t, pc, used) // its reservation is given back
	wantUsage(t, ac, used)
}

// The proposer's own limits stop it before the peer learns the terms.
func TestSessionLimitOfProposer(t *testing.T) {
	pc, ac := agencies(t)
	ledgers(t, pc, ac, Limits{Items: 999}, Limits{})
	e := meet(t, goodTerms(), pc, ac)
	wantTerm(t, e.proposerErr, "max_proposer")
	var aborted *AbortError
	if !errors.As(e.acceptorErr, &aborted) {
		t.Errorf("the acceptor: %v", e.acceptorErr)
	}
	wantUsage(t, pc, nothing)
	wantUsage(t, ac, nothing)
}

// With VOLEMalicious the sender counts what the receiver can have asked.
func TestSessionCountsBound(t *testing.T) {
	pc, ac := agencies(t)
	ledgers(t, pc, ac, Limits{}, Limits{})
	terms := goodTerms()
	terms.Suite = psi.VOLEMalicious().String()
	p, a := met(t, terms, pc, ac)
	o := intersect(t.Context(), p, a, setOf(0, 30), setOf(10, 50))
	if err := errors.Join(o.receiveErr, o.sendErr); err != nil {
		t.Fatal(err)
	}
	if o.handles.PeerBound <= 30 {
		t.Fatalf("the bound is %d", o.handles.PeerBound)
	}
	wantUsage(t, pc, usageCount{1, 0, 30})
	wantUsage(t, ac, usageCount{1, 0, uint64(min(o.handles.PeerBound, 1000))})
}

// A session that is closed before its run is given back, whoever closes it.
func TestUnusedSessionIsGivenBack(t *testing.T) {
	pc, ac := agencies(t)
	ledgers(t, pc, ac, Limits{}, Limits{})
	p, a := met(t, goodTerms(), pc, ac)
	if err := errors.Join(p.Close(), a.Close()); err != nil {
		t.Fatal(err)
	}
	wantUsage(t, pc, nothing)
	wantUsage(t, ac, nothing)
	if _, err := p.Receive(t.Context(), setOf(0, 1)); !errors.Is(err, ErrClosed) {
		t.Errorf("a run after Close: %v", err)
	}
	wantUsage(t, pc, nothing)
}

// A side whose set is not that of the terms has sent nothing; the other has begun.
func TestWrongSetIsGivenBack(t *testing.T) {
	pc, ac := agencies(t)
	ledgers(t, pc, ac, Limits{}, Limits{})
	p, a := met(t, goodTerms(), pc, ac)
	other := binding
	other.Epoch = "2027-Q1"
	o := intersect(t.Context(), p, a, setOf(0, 30), psi.NewSet(items(0, 5), other))
	if !errors.Is(o.sendErr, ErrEpoch) || !errors.Is(o.receiveErr, ErrEpoch) {
		t.Fatalf("%v; %v", o.sendErr, o.receiveErr)
	}
	wantUsage(t, ac, nothing)
	wantUsage(t, pc, usageCount{1, 1, 1000})
}

// Wherever a run breaks off, a side that sent some of it counts it in full, and one
// that has a result has it counted by both.
func TestBrokenSessionCounts(t *testing.T) {
	for _, breaks := range []Role{Proposer, Acceptor} {
		for write := range 40 {
			over := false
			t.Run(fmt.Sprintf("%s/write=%d", breaks, write), func(t *testing.T) {
				over = brokenSession(t, breaks, write)
			})
			if over {
				break
			}
		}
	}
}

func brokenSession(t *testing.T, breaks Role, write int) (whole bool) {
	pc, ac := agencies(t)
	ledgers(t, pc, ac, Limits{}, Limits{})
	here, there := wires(t)
	broken := &cut{left: write}
	if breaks == Proposer {
		broken.Conn, here = here, broken
	} else {
		broken.Conn, there = there, broken
	}
	e := over(t.Context(), t, here, there, goodTerms(), pc, ac)
	var o outcome
	set := setOf(0, 20)
	switch {
	case e.proposer != nil && e.acceptor != nil:
		o = intersect(t.Context(), e.proposer, e.acceptor, set, set)
	case e.proposer != nil:
		_, o.receiveErr = e.proposer.Receive(t.Context(), set)
	case e.acceptor != nil:
		_, o.sendErr = e.acceptor.Send(t.Context(), set)
	}
	for _, side := range []struct {
		c   *Config
		s   *Session
		err error
	}{{pc, e.proposer, o.receiveErr}, {ac, e.acceptor, o.sendErr}} {
		switch {
		case side.s == nil:
			wantUsage(t, side.c, nothing)
		case side.err != nil:
			wantUsage(t, side.c, usageCount{1, 1, 1000})
		default:
			wantUsage(t, side.c, usageCount{1, 0, 20})
		}
		if err := side.c.Ledger.Verify(); err != nil {
			t.Error(err)
		}
	}
	broken.mu.Lock()
	defer broken.mu.Unlock()
	return !broken.hit
}

// In bulk a set that has changed by too few items is refused before its first byte,
// with approvals it is not.
func TestSessionMinChange(t *testing.T) {
	pc, ac := agencies(t)
	ledgers(t, pc, ac, Limits{}, Limits{MinChange: 10, ChangeApprovals: 3})
	for _, c := range []*Config{pc, ac} {
		c.Policy.Rules[0].Scopes = []string{ScopeBulk}
	}
	bulk := func(approvers ...string) *Terms {
		terms := goodTerms()
		terms.Scope, terms.Approvers = ScopeBulk, append(approvers, "a-1", "a-2") // as bulk needs in any case
		return terms
	}
	run := func(terms *Terms, n int) outcome {
		p, a := met(t, terms, pc, ac)
		return intersect(t.Context(), p, a, setOf(0, 30), setOf(0, n))
	}
	for _, n := range []int{50, 50} {
		if o := run(bulk(), n); o.receiveErr != nil || o.sendErr != nil {
			t.Fatalf("%v; %v", o.receiveErr, o.sendErr)
		}
	}
	o := run(bulk(), 51)
	wantTerm(t, o.sendErr, "scope")
	var aborted *AbortError
	if !errors.As(o.receiveErr, &aborted) {
		t.Errorf("the receiver: %v", o.receiveErr)
	}
	wantUsage(t, ac, usageCount{2, 0, 60}) // the refused one is given back
	wantUsage(t, pc, usageCount{3, 1, 1060})
	if o := run(bulk("a-3"), 51); o.receiveErr != nil || o.sendErr != nil {
		t.Errorf("%v; %v", o.receiveErr, o.sendErr)
	}
}

// Owners and unit count the owners' rows.
func TestLinkageCounts(t *testing.T) {
	o := newTrio(t)
	for _, c := range []*Config{o.a, o.b, o.unit} {
		c.Policy = unitPolicy()
		limit(t, c, Limits{Items: 1000, MinChange: 5})
	}
	o.termsA.Scope = ScopeBulk
	l := o.meet(t).run(t.Context(), encodingSet(t, 0, 20, encodingBinding), encodingSet(t, 10, 30, encodingBinding))
	if err := errors.Join(l.errA, l.errB, l.err); err != nil {
		t.Fatal(err)
	}
	wantUsage(t, o.a, usageCount{1, 0, 20})
	wantUsage(t, o.b, usageCount{1, 0, 30})
	wantUsage(t, o.unit, usageCount{1, 0, 20})
	u, err := o.unit.Ledger.Usage(time.Now(), o.b.Identity.Name())
	if err != nil || u.Items != 30 {
		t.Errorf("%+v, %v", u, err)
	}
	o.termsA.MaxProposer = 900 // within the day's items
	e := meet(t, o.termsA, o.a, o.unit)
	if err := errors.Join(e.proposerErr, e.acceptorErr); err != nil {
		t.Fatal(err)
	}
	_, err = e.proposer.Submit(t.Context(), encodingSet(t, 0, 21, encodingBinding))
	wantTerm(t, err, "scope")
}

// No session comes about whose reservation cannot be written.
func TestNoLedgerNoSession(t *testing.T) {
	pc, ac := agencies(t)
	ledgers(t, pc, ac, Limits{}, Limits{})
	if err := ac.Ledger.Close(); err != nil {
		t.Fatal(err)
	}
	e := meet(t, goodTerms(), pc, ac)
	if !errors.Is(e.acceptorErr, ErrClosed) {
		t.Errorf("the acceptor: %v", e.acceptorErr)
	}
	if e.proposerErr == nil || e.proposer != nil || e.acceptor != nil {
		t.Error("a session came about")
	}
	wantUsage(t, pc, nothing)
}

// A policy that limits needs a ledger to count in.
func TestLimitsWithoutLedger(t *testing.T) {
	_, ac := agencies(t)
	ac.Policy = limited(ac.Policy, Limits{Counts: 1})
	if _, err := Listen("127.0.0.1:0", ac); !errors.Is(err, ErrConfig) {
		t.Errorf("%v", err)
	}
}

// Sessions of two Configs with one file, as of two processes, share its limits.
func TestSessionsShareLedger(t *testing.T) {
	pc, ac := agencies(t)
	path := filepath.Join(t.TempDir(), "ledger")
	for i, c := range []*Config{ac, {Identity: ac.Identity, Peers: ac.Peers, Policy: ac.Policy}} {
		l, err := OpenLedger(path)
		if err != nil {
			t.Fatal(err)
		}
		c.Ledger, c.Policy = l, limited(c.Policy, Limits{OfficerSessions: 1})
		terms := goodTerms()
		terms.Officer = "o-17"
		e := meet(t, terms, pc, c)
		if i == 0 && e.acceptorErr != nil {
			t.Fatal(e.acceptorErr)
		}
		if i == 1 {
			wantTerm(t, e.acceptorErr, "officer")
		}
	}
}
