package protocol

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/comity-prl/comity/psi"
)

// audited gives both agencies a log in memory.
func audited(t testing.TB, pc, ac *Config) (p, a *Log) {
	t.Helper()
	for _, c := range []*Config{pc, ac} {
		l, err := openLog(newCrashStore(0), c.Identity)
		if err != nil {
			t.Fatal(err)
		}
		c.Log = l
	}
	return pc.Log, ac.Log
}

// only returns the one entry of a log.
func only(t testing.TB, l *Log) *Entry {
	t.Helper()
	all := entries(t, l)
	if len(all) != 1 {
		t.Fatalf("%d entries, want 1", len(all))
	}
	return all[0].Entry
}

// A session leaves one entry on either side, and the two match.
func TestSessionIsLogged(t *testing.T) {
	pc, ac := agencies(t)
	pl, al := audited(t, pc, ac)
	p, a := met(t, goodTerms(), pc, ac)
	o := intersect(t.Context(), p, a, psi.NewSet(items(0, 3), binding), psi.NewSet(items(2, 5), binding))
	if o.receiveErr != nil || o.sendErr != nil {
		t.Fatal(o.receiveErr, o.sendErr)
	}
	for _, s := range []*Session{p, a} {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	want := &Entry{
		Version: LogVersion, Event: Consultation, Peer: "Bureau of Borduria", Role: Proposer,
		Purpose: "missing persons", LegalBasis: "Treaty of 2026, article 9", Function: FunctionSet, Suite: "ecdh-ristretto255",
		Case: "2026/117", Officer: "officer-4711", Categories: []string{CategoryOther}, Scope: ScopeQuery, RetentionDays: 30,
		Outcome: OutcomeDone, OwnSize: 3, PeerSize: 5, Found: 1, Transcript: p.Transcript(),
	}
	got := only(t, pl)
	ignored := cmpopts.IgnoreFields(Entry{}, "Time", "Terms")
	if diff := cmp.Diff(want, got, ignored); diff != "" {
		t.Error(diff)
	}
	want.Event, want.Peer, want.Role, want.OwnSize, want.PeerSize, want.Found = Disclosure, "Police of Arcadia", Acceptor, 5, 3, 0
	want.Rule = "missing persons"
	if diff := cmp.Diff(want, only(t, al), ignored); diff != "" {
		t.Error(diff)
	}
	pairs := PairSessions(entries(t, pl), pc.Identity.Name(), entries(t, al), ac.Identity.Name())
	if diff := cmp.Diff([]Pairing{{Transcript: p.Transcript()}}, pairs); diff != "" {
		t.Error(diff)
	}
}

// A side that cannot write its entry gets no result, and neither does the other.
func TestNoEntryNoResult(t *testing.T) {
	for _, r := range []Role{Proposer, Acceptor} {
		t.Run(string(r), func(t *testing.T) {
			pc, ac := agencies(t)
			pl, al := audited(t, pc, ac)
			p, a := met(t, goodTerms(), pc, ac)
			broken := pl
			if r == Acceptor {
				broken = al
			}
			broken.store.(*crashStore).left = 2
			o := intersect(t.Context(), p, a, psi.NewSet(items(0, 3), binding), psi.NewSet(items(2, 5), binding))
			if o.result != nil || o.handles != nil || o.receiveErr == nil || o.sendErr == nil {
				t.Errorf("result %v, handles %v; %v; %v", o.result, o.handles, o.receiveErr, o.sendErr)
			}
			own, other := o.receiveErr, o.sendErr
			if r == Acceptor {
				own, other = other, own
			}
			if !errors.Is(own, ErrLogWrite) || errors.Is(other, ErrLogWrite) {
				t.Errorf("own %v, other %v", own, other)
			}
		})
	}
}

// What fails is logged too, once, by a word that the peer may know.
func TestFailuresAreLogged(t *testing.T) {
	wrongKey := binding
	wrongKey.Key[0]++
	wrongEpoch := binding
	wrongEpoch.Epoch = "2026-Q3"
	for _, tt := range []struct {
		name               string
		change             func(*Terms, *Config)
		set                psi.Binding // of the acceptor
		proposer, acceptor *Entry
	}{
		{"refused", func(_ *Terms, c *Config) { c.Policy.Rules[0].Purposes = []string{"stolen cars"} }, binding,
			&Entry{Event: Refusal, Outcome: "refused", Term: "purpose"}, &Entry{Event: Refusal, Outcome: "not-permitted", Term: "purpose"}},
		{"clock", func(_ *Terms, c *Config) { c.Clock = func() time.Time { return time.Now().Add(time.Hour) } }, binding,
			&Entry{Event: Refusal, Outcome: "clock"}, &Entry{Event: Refusal, Outcome: "clock"}},
		{"key", nil, wrongKey, &Entry{Event: Consultation, Outcome: "run", OwnSize: 3}, &Entry{Event: Disclosure, Outcome: "run", OwnSize: 3}},
		{"epoch", nil, wrongEpoch, &Entry{Event: Consultation, Outcome: "epoch", OwnSize: 3}, &Entry{Event: Disclosure, Outcome: "epoch"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			pc, ac := agencies(t)
			pl, al := audited(t, pc, ac)
			terms := goodTerms()
			if tt.change != nil {
				tt.change(terms, ac)
			}
			e := meet(t, terms, pc, ac)
			if e.proposer != nil && e.acceptor != nil {
				intersect(t.Context(), e.proposer, e.acceptor, psi.NewSet(items(0, 3), binding), psi.NewSet(items(0, 3), tt.set))
			}
			for _, s := range []*Session{e.proposer, e.acceptor} {
				if s != nil {
					_ = s.Close()
				}
			}
			fields := cmpopts.IgnoreFields(Entry{}, "Version", "Time", "Peer", "Role", "Purpose", "LegalBasis", "Function", "Suite", "Terms",
				"Case", "Officer", "Categories", "Scope", "RetentionDays", "Rule")
			if diff := cmp.Diff(tt.proposer, only(t, pl), fields); diff != "" {
				t.Errorf("proposer: %s", diff)
			}
			if diff := cmp.Diff(tt.acceptor, only(t, al), fields); diff != "" {
				t.Errorf("acceptor: %s", diff)
			}
		})
	}
}

// A session that is closed without a run is logged, once.
func TestClosedSessionIsLogged(t *testing.T) {
	pc, ac := agencies(t)
	pl, _ := audited(t, pc, ac)
	p, _ := met(t, goodTerms(), pc, ac)
	for range 2 {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
	if e := only(t, pl); e.Outcome != "closed" || !e.Transcript.IsZero() {
		t.Errorf("%+v", e)
	}
}

// Connections of strangers are counted, probes are not logged.
func TestListenerCountsStrangers(t *testing.T) {
	pc, ac := agencies(t)
	_, al := audited(t, pc, ac)
	pc.Log = nil
	l, err := Listen("127.0.0.1:0", ac)
	if err != nil {
		t.Fatal(err)
	}
	stranger := &Config{Identity: identity(t, "X"), Peers: pc.Peers}
	for range 5 {
		if _, err := Dial(t.Context(), l.Addr().String(), goodTerms(), stranger); err == nil {
			t.Error("a stranger was let in")
		}
	}
	if _, err := Probe(t.Context(), l.Addr().String(), pc); err != nil {
		t.Error(err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	total := 0
	all := entries(t, al)
	for _, e := range all {
		if e.Entry.Event != Strangers {
			t.Errorf("%+v", e.Entry)
		}
		total += e.Entry.Count
	}
	if total != 5 || len(all) > 2 {
		t.Errorf("%d strangers in %d entries", total, len(all))
	}
}

// A link that breaks off anywhere leaves one entry on each side that knew the
// other, and a result on neither side without an entry on both.
func TestHangUpIsLogged(t *testing.T) {
	for write, whole := 0, false; !whole; write++ {
		for _, half := range []bool{false, true} {
			pc, ac := agencies(t)
			pl, al := audited(t, pc, ac)
			here, there := wires(t)
			broken := &cut{Conn: here, left: write, half: half}
			e := over(t.Context(), t, broken, there, goodTerms(), pc, ac)
			var o outcome
			set := psi.NewSet(items(0, 20), binding)
			if e.proposer != nil && e.acceptor != nil {
				o = intersect(t.Context(), e.proposer, e.acceptor, set, set)
			}
			for _, s := range []*Session{e.proposer, e.acceptor} {
				if s != nil {
					_ = s.Close()
				}
			}
			broken.mu.Lock()
			whole = !broken.hit
			broken.mu.Unlock()
			ps, as := entries(t, pl), entries(t, al)
			if len(ps) != 1 || len(as) != 1 {
				t.Errorf("write %d: %d and %d entries", write, len(ps), len(as))
				continue
			}
			done := func(all []Logged) bool {
				return slices.ContainsFunc(all, func(l Logged) bool { return l.Entry.Outcome == OutcomeDone })
			}
			if (o.result != nil || o.handles != nil) && !(done(ps) && done(as)) {
				t.Errorf("write %d: a result without entries on both sides", write)
			}
		}
	}
}
