package protocol

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/comity-prl/comity/psi"
)

// stepSide is one agency of a session in steps, which keeps nothing between two runs
// but its folder of checkpoints.
type stepSide struct {
	t       testing.TB
	c       Config
	box     string
	dir     string
	set     *psi.Set
	store   logStore // nil: dir
	changes func() error
	part    int

	results []*StepResult
}

// stepSides returns two agencies that share a folder, with a proposer that receives or
// sends.
func stepSides(t testing.TB, n int) (p, a *stepSide) {
	t.Helper()
	pc, ac := agencies(t)
	ac.Policy = stepPolicy()
	box := t.TempDir()
	p = &stepSide{t: t, c: *pc, box: box, dir: t.TempDir(), set: numbered(1, n)}
	a = &stepSide{t: t, c: *ac, box: box, dir: t.TempDir(), set: numbered(n/2+1, n+n/2)}
	for _, s := range []*stepSide{p, a} {
		log, err := OpenLog(t.TempDir(), s.c.Identity)
		if err != nil {
			t.Fatal(err)
		}
		s.c.Log = log
	}
	return p, a
}

// stepPolicy permits stepTerms.
func stepPolicy() *Policy {
	r := goodRule()
	r.MaxProposer, r.MaxAcceptor = 20_000, 20_000
	return &Policy{Rules: []Rule{r}}
}

func stepTerms(n int, receiver Role) *Terms {
	terms := goodTerms()
	terms.Receiver = receiver
	terms.MaxProposer, terms.MaxAcceptor = n, n
	return terms
}

func (s *stepSide) run(propose *Terms) ([]StepStatus, error) {
	steps := &Steps{
		Mailbox: &Mailbox{Dir: s.box}, Dir: s.dir, Config: &s.c, store: s.store, changes: s.changes, part: s.part,
		Set:  func(*Terms) (*psi.Set, error) { return s.set, nil },
		Done: func(r *StepResult) error { s.results = append(s.results, r); return nil },
	}
	return steps.Run(context.Background(), propose)
}

// step is run where nothing may fail.
func (s *stepSide) step(propose *Terms) []StepStatus {
	s.t.Helper()
	status, err := s.run(propose)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, x := range status {
		if x.Err != nil {
			s.t.Fatalf("%s: session with %q: %v", x.Role, x.Peer, x.Err)
		}
	}
	return status
}

// entries is the log without what holds of every run.
func (s *stepSide) entries() []*Entry {
	s.t.Helper()
	var all []*Entry
	for e, err := range s.c.Log.Entries() {
		if err != nil {
			s.t.Fatal(err)
		}
		all = append(all, e.Entry)
	}
	return all
}

// until has both sides run in turn until both have a result.
func until(t testing.TB, p, a *stepSide, terms *Terms) {
	t.Helper()
	p.step(terms)
	for range 8 {
		a.step(nil)
		p.step(nil)
		if len(p.results) > 0 && len(a.results) > 0 {
			return
		}
	}
	t.Fatalf("no end: %v", names(t, p.box))
}

// check compares what both sides got with what they must get.
func (p *stepSide) check(a *stepSide, n int) {
	t := p.t
	t.Helper()
	if len(p.results) != 1 || len(a.results) != 1 {
		t.Fatalf("%d and %d results, want one each", len(p.results), len(a.results))
	}
	one, two := p.results[0], a.results[0]
	receiver, sender := one, two
	first := n / 2 // of the own rows that match
	if one.Result == nil {
		receiver, sender = two, one
		first = 0
	}
	rows := map[uint32]int{}
	for handle, row := range sender.Handles.All() {
		rows[handle] = row
	}
	var got [][2]int
	for m := range receiver.Result.All() {
		got = append(got, [2]int{m.Item, rows[m.Handle]})
	}
	var want [][2]int
	for i := range n - n/2 {
		want = append(want, [2]int{first + i, n/2 - first + i})
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("pairs of rows (-want +got):\n%s", diff)
	}
	if receiver.Result.PeerSize != n || sender.Handles.PeerSize != n || receiver.Handles != nil || sender.Result != nil {
		t.Error("sizes or sides are wrong")
	}
	if one.Transcript != two.Transcript || one.Transcript.IsZero() {
		t.Error("the transcripts differ")
	}
	if diff := cmp.Diff(one.Agreement, two.Agreement); diff != "" {
		t.Errorf("agreements (-proposer +acceptor):\n%s", diff)
	}
	p.checkAgreed(a)
	for _, s := range []*stepSide{p, a} {
		entries := s.entries()
		if len(entries) != 1 {
			t.Fatalf("%d entries in the log, want one", len(entries))
		}
		e, r := entries[0], s.results[0]
		want := Disclosure
		if r.Result != nil {
			want = Consultation
			if e.Found != r.Result.Len() {
				t.Errorf("the log says %d were found", e.Found)
			}
		}
		if e.Event != want || e.Outcome != OutcomeDone || e.Transcript != r.Transcript || e.OwnSize != n || e.PeerSize != n || e.Role != r.Role {
			t.Errorf("the log has %+v", e)
		}
	}
}

// checkAgreed compares what both sides keep of the agreement and the commitments.
func (p *stepSide) checkAgreed(a *stepSide) {
	t := p.t
	t.Helper()
	for _, s := range [][2]*stepSide{{p, a}, {a, p}} {
		own, peer := s[0].results[0], s[1].results[0]
		if err := own.Agreement.Verify(); err != nil {
			t.Error(err)
		}
		if err := own.Commitment.Verify(&peer.Agreement, own.Role); err != nil {
			t.Error(err)
		}
		if err := own.Opening.Verify(peer.PeerCommitment, s[0].set); err != nil {
			t.Error(err)
		}
	}
}

// Sets are filled up as the terms ask, with the same dummies in each run; counts are
// counted; commitments are to what was asked.
func TestStepsFilledUp(t *testing.T) {
	for _, function := range []string{FunctionSet, FunctionCount} {
		for _, receiver := range []Role{Proposer, Acceptor} {
			t.Run(fmt.Sprintf("%s/receiver=%s", function, receiver), func(t *testing.T) {
				p, a := stepSides(t, 12)
				rule := stepPolicy().Rules[0]
				rule.Functions = []string{function}
				a.c.Policy = &Policy{Rules: []Rule{rule}}
				terms := stepTerms(64, receiver)
				terms.Function, terms.Bucket = function, 32
				until(t, p, a, terms)
				p.checkAgreed(a)
				r, s := p.results[0], a.results[0]
				if receiver == Acceptor {
					r, s = s, r
				}
				switch {
				case function == FunctionCount:
					if diff := cmp.Diff(&psi.Count{PeerSize: 32, N: 6}, r.Count); diff != "" || r.Result != nil {
						t.Errorf("count (-want +got):\n%s", diff)
					}
				case r.Result.PeerSize != 32 || r.Result.Len() != 6 || r.Count != nil:
					t.Errorf("%d matches of %d items", r.Result.Len(), r.Result.PeerSize)
				}
				if s.Handles.PeerSize != 32 {
					t.Errorf("the sender hears of %d items", s.Handles.PeerSize)
				}
			})
		}
	}
}

func stepSuites() []psi.Suite {
	return slices.DeleteFunc(psi.Suites(), func(s psi.Suite) bool { return !psi.HasSteps(s) })
}

// Two processes that never run at the same time come to the result that a live session
// has, and leave nothing in the folder.
func TestSteps(t *testing.T) {
	for _, suite := range stepSuites() {
		for _, receiver := range []Role{Proposer, Acceptor} {
			t.Run(fmt.Sprintf("suite=%v/receiver=%s", suite, receiver), func(t *testing.T) {
				p, a := stepSides(t, 40)
				foreign := filepath.Join(p.box, "minutes of the meeting.odt")
				if err := os.WriteFile(foreign, nil, 0o600); err != nil {
					t.Fatal(err)
				}
				terms := stepTerms(40, receiver)
				terms.Suite = suite.String()
				until(t, p, a, terms)
				p.check(a, 40)
				if left := names(t, p.box); len(left) != 1 {
					t.Errorf("left in the folder: %v", left)
				}
				for _, s := range []*stepSide{p, a} {
					if s.step(nil); len(s.results) != 1 {
						t.Error("a result was handed over again")
					}
					for _, name := range names(t, s.dir) {
						if strings.HasPrefix(name, stepPrefix) && s.results[0].Handles != nil {
							t.Errorf("the sender keeps %s", name) // the receiver may have to say farewell again
						}
					}
					s.c.Clock = func() time.Time { return time.Now().Add(stepGrace + 2*time.Hour) }
					s.step(nil)
					if left := names(t, s.dir); !slices.Equal(left, []string{"lock"}) {
						t.Errorf("left of checkpoints when the terms are long past: %v", left)
					}
				}
			})
		}
	}
}
