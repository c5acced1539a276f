package protocol

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/comity-prl/comity/psi"
)

// single returns the one status there is.
func single(t *testing.T, status []StepStatus, err error) StepStatus {
	t.Helper()
	if err != nil || len(status) != 1 {
		t.Fatalf("%+v, %v; want one status", status, err)
	}
	return status[0]
}

// outcomes are what the log says of how sessions went.
func (s *stepSide) outcomes() (out []string) {
	for _, e := range s.entries() {
		out = append(out, fmt.Sprintf("%s %s %s", e.Event, e.Outcome, e.Term))
	}
	return out
}

// A proposal that the acceptor does not permit is refused by the term, once, and the
// reason stays with the acceptor.
func TestStepsRefused(t *testing.T) {
	for _, tt := range []struct {
		term   string
		change func(*Terms)
		log    string // at the acceptor
	}{
		{"purpose", func(t *Terms) { t.Purpose = "curiosity" }, "refusal not-permitted purpose"},
		{"max_proposer", func(t *Terms) { t.MaxProposer = 30_000 }, "refusal not-permitted max_proposer"},
		{"epoch", func(t *Terms) { t.Epoch = "2027-Q1" }, "refusal not-permitted epoch"},
	} {
		t.Run(tt.term, func(t *testing.T) {
			p, a := stepSides(t, 4)
			terms := stepTerms(4, Proposer)
			tt.change(terms)
			if terms.Epoch != "2026-Q4" {
				b := binding
				b.Epoch = terms.Epoch
				p.set = psi.NewSet(items(0, 4), b)
			}
			p.step(terms)
			status, err := a.run(nil)
			got := single(t, status, err)
			var term *TermError
			if !got.Over || !errors.As(got.Err, &term) || term.Term != tt.term {
				t.Errorf("acceptor: %+v", got)
			}
			status, err = p.run(nil)
			got = single(t, status, err)
			var refused *RefusedError
			if !got.Over || !errors.As(got.Err, &refused) || refused.Term != tt.term {
				t.Errorf("proposer: %+v", got)
			}
			if len(p.step(nil))+len(a.step(nil)) > 0 {
				t.Error("a refused session goes on")
			}
			if diff := cmp.Diff([]string{tt.log}, a.outcomes()); diff != "" {
				t.Errorf("acceptor's log (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]string{"refusal refused " + tt.term}, p.outcomes()); diff != "" {
				t.Errorf("proposer's log (-want +got):\n%s", diff)
			}
			if left := names(t, p.box); len(left) > 0 {
				t.Errorf("left in the folder: %v", left)
			}
		})
	}
}

func TestStepsProposeRefuses(t *testing.T) {
	p, _ := stepSides(t, 4)
	for name, tt := range map[string]struct {
		change func(*Terms, *stepSide)
		want   error
		term   string
	}{
		"a suite without steps": {func(t *Terms, _ *stepSide) { t.Suite = "vole" }, nil, "suite"},
		"another's name":        {func(t *Terms, _ *stepSide) { t.Proposer = "X" }, ErrTerms, "proposer"},
		"no such peer":          {func(t *Terms, _ *stepSide) { t.Acceptor = "X" }, ErrTerms, "acceptor"},
		"expired": {func(t *Terms, _ *stepSide) {
			t.Issued = time.Now().Add(-time.Hour)
			t.Expires = time.Now().Add(-time.Minute)
		}, ErrExpired, "expires"},
		"a set of another epoch": {func(t *Terms, _ *stepSide) { t.Epoch = "2027-Q1" }, ErrEpoch, ""},
		"a set too large":        {func(t *Terms, _ *stepSide) { t.MaxProposer = 3 }, psi.ErrTooLarge, ""},
		"no own sealing key": {func(_ *Terms, s *stepSide) {
			id := *s.c.Identity
			id.sealing = nil
			s.c.Identity = &id
		}, ErrSealingKey, ""},
		"no sealing key of the peer": {func(_ *Terms, s *stepSide) {
			s.c.Peers = []Peer{s.c.Peers[0]}
			s.c.Peers[0].SealingKey = nil
		}, ErrSealingKey, ""},
		"a malformed sealing key": {func(_ *Terms, s *stepSide) {
			s.c.Peers = []Peer{s.c.Peers[0]}
			s.c.Peers[0].SealingKey = []byte("short")
		}, ErrConfig, ""},
		"no folder": {func(_ *Terms, s *stepSide) { s.box = filepath.Join(s.box, "nowhere") }, ErrMailbox, ""},
	} {
		t.Run(name, func(t *testing.T) {
			side := *p
			side.t, side.dir = t, t.TempDir()
			terms := stepTerms(4, Proposer)
			tt.change(terms, &side)
			_, err := side.run(terms)
			var term *TermError
			if tt.want != nil && !errors.Is(err, tt.want) || tt.term != "" && (!errors.As(err, &term) || term.Term != tt.term) {
				t.Errorf("%v, want %v about %q", err, tt.want, tt.term)
			}
			if left := names(t, p.box); len(left) > 0 {
				t.Errorf("left in the folder: %v", left)
			}
		})
	}
	if entries := p.entries(); len(entries) > 0 {
		t.Errorf("the log has %d entries", len(entries))
	}
	for name, s := range map[string]*Steps{
		"nothing":          {},
		"no configuration": {Mailbox: &Mailbox{Dir: p.box}, Dir: t.TempDir()},
		"no functions":     {Mailbox: &Mailbox{Dir: p.box}, Dir: t.TempDir(), Config: &p.c},
	} {
		if _, err := s.Run(t.Context(), nil); !errors.Is(err, ErrConfig) {
			t.Errorf("%s: %v, want ErrConfig", name, err)
		}
	}
}

// Whoever is not known, or not meant, gets no answer.
func TestStepsStrangers(t *testing.T) {
	p, a := stepSides(t, 4)
	p.step(stepTerms(4, Proposer))
	stranger := identity(t, "Nobody")
	p2 := *p
	p2.dir, p2.c.Identity = t.TempDir(), stranger
	p2.step(stepTerms(4, Proposer))
	other := *p
	other.dir = t.TempDir()
	meant := identity(t, "Somebody else")
	other.c.Peers = []Peer{meant.Peer()}
	other.step(stepTerms(4, Proposer))
	a.c.Peers = []Peer{p.c.Identity.Peer()}
	status, err := a.run(nil)
	if err != nil || len(status) != 2 {
		t.Fatalf("%+v, %v; want the peer and the stranger", status, err)
	}
	for _, s := range status {
		switch {
		case s.Peer == "" && (!errors.Is(s.Err, ErrPeerUnknown) || s.Over):
			t.Errorf("the stranger: %+v", s)
		case s.Peer != "" && s.Err != nil:
			t.Errorf("the peer: %+v", s)
		}
	}
	if files := names(t, p.box); len(files) != 3 { // the acceptance, and the files of others
		t.Errorf("the folder has %v", files)
	}
	if p.step(nil); len(a.outcomes()) > 0 {
		t.Errorf("the log has %v", a.outcomes())
	}
}

// A side whose terms expired while a file was on its way ends the session; the other is
// told where it waits for an answer.
func TestStepsExpire(t *testing.T) {
	for messages := 1; messages <= 6; messages++ {
		for _, receiver := range []Role{Proposer, Acceptor} {
			t.Run(fmt.Sprintf("messages=%d/receiver=%s", messages, receiver), func(t *testing.T) {
				last := 5
				if receiver == Acceptor {
					last = 6
				}
				if messages > last {
					t.Skip("the run is shorter")
				}
				p, a := stepSides(t, 4)
				p.step(stepTerms(4, receiver))
				turn, other := a, p
				for n := 1; n < messages; n++ {
					turn.step(nil)
					turn, other = other, turn
				}
				for _, s := range []*stepSide{p, a} {
					s.c.Clock = func() time.Time { return time.Now().Add(2 * time.Hour) }
				}
				status, err := turn.run(nil)
				got := single(t, status, err)
				if messages == last { // the farewell of the receiver is taken
					if got.Err != nil || len(turn.results) != 1 {
						t.Errorf("%+v", got)
					}
					return
				}
				if !got.Over || !errors.Is(got.Err, ErrExpired) {
					t.Errorf("%+v, want ErrExpired", got)
				}
				status, err = other.run(nil)
				got = single(t, status, err)
				if !got.Over || !errors.Is(got.Err, ErrExpired) && messages > 1 {
					t.Errorf("the other: %+v, want ErrExpired", got)
				}
				for _, s := range []*stepSide{p, a} {
					if s.step(nil); len(s.entries()) != 1 || len(s.results) != 0 {
						t.Errorf("%d entries and %d results", len(s.entries()), len(s.results))
					}
				}
				if left := names(t, p.box); len(left) > 0 {
					t.Errorf("left in the folder: %v", left)
				}
			})
		}
	}
}

// Nobody comes: the proposal is taken back when it has expired.
func TestStepsUnanswered(t *testing.T) {
	p, _ := stepSides(t, 4)
	p.step(stepTerms(4, Proposer))
	p.c.Clock = func() time.Time { return time.Now().Add(2 * time.Hour) }
	status, err := p.run(nil)
	if got := single(t, status, err); !got.Over || !errors.Is(got.Err, ErrExpired) {
		t.Errorf("%+v, want ErrExpired", got)
	}
	if left := names(t, p.box); len(left) > 0 {
		t.Errorf("left in the folder: %v", left)
	}
	if diff := cmp.Diff([]string{"refusal expired expires"}, p.outcomes()); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
}

// A set that changes after its elements went out ends the session at both sides.
func TestStepsSetChanges(t *testing.T) {
	p, a := stepSides(t, 4)
	p.step(stepTerms(4, Proposer))
	a.step(nil)
	p.step(nil)
	a.step(nil)
	p.set = numbered(1, 3)
	status, err := p.run(nil)
	if got := single(t, status, err); !got.Over || !errors.Is(got.Err, psi.ErrSet) {
		t.Errorf("%+v, want psi.ErrSet", got)
	}
	status, err = a.run(nil)
	var aborted *AbortError
	if got := single(t, status, err); !got.Over || !errors.As(got.Err, &aborted) || aborted.Code != CodeRun {
		t.Errorf("the peer: %+v, want an abort", got)
	}
	if diff := cmp.Diff([]string{"consultation run "}, p.outcomes()); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
}

// Secrets and sets that differ end as they do over a stream.
func TestStepsSetUpDiffers(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*psi.Binding)
		want   error // at the acceptor or, where it cannot tell, at the proposer
		at     Role
	}{
		"secret": {func(b *psi.Binding) { b.Key[0]++ }, psi.ErrKey, Proposer},
		"epoch":  {func(b *psi.Binding) { b.Epoch = "2027-Q1" }, ErrEpoch, Acceptor},
		"schema": {func(b *psi.Binding) { b.Config[0]++ }, ErrSchema, Acceptor},
	} {
		t.Run(name, func(t *testing.T) {
			p, a := stepSides(t, 4)
			b := binding
			tt.change(&b)
			a.set = psi.NewSet(items(0, 4), b)
			p.step(stepTerms(4, Proposer))
			var found []error
			for range 3 {
				for _, s := range []*stepSide{a, p} {
					status, err := s.run(nil)
					if err != nil {
						t.Fatal(err)
					}
					for _, x := range status {
						if x.Err != nil {
							found = append(found, x.Err)
						}
					}
				}
			}
			if len(found) != 2 || !errors.Is(found[0], tt.want) {
				t.Fatalf("errors %v, want %v and the peer's", found, tt.want)
			}
			var aborted *AbortError
			if !errors.As(found[1], &aborted) {
				t.Errorf("the other side: %v, want an abort", found[1])
			}
		})
	}
}

// A session waits where the caller has no set for it, and for as long as its result
// cannot be handed over.
func TestStepsWaitForTheCaller(t *testing.T) {
	p, a := stepSides(t, 4)
	set := a.set
	p.step(stepTerms(4, Acceptor))
	a.set = nil
	if got := a.step(nil); len(got) != 1 || got[0].Over {
		t.Errorf("%+v", got)
	}
	a.set = set
	until(t, p, a, nil)

	p, a = stepSides(t, 4)
	p.step(stepTerms(4, Acceptor))
	a.step(nil)
	p.step(nil)
	a.step(nil)
	p.step(nil)
	full := errors.New("no room on the disk")
	steps := &Steps{
		Mailbox: &Mailbox{Dir: a.box}, Dir: a.dir, Config: &a.c,
		Set:  func(*Terms) (*psi.Set, error) { return a.set, nil },
		Done: func(*StepResult) error { return full },
	}
	for range 2 {
		if _, err := steps.Run(t.Context(), nil); !errors.Is(err, full) {
			t.Errorf("%v, want the caller's error", err)
		}
	}
	steps.Set = func(*Terms) (*psi.Set, error) { return nil, full }
	if _, err := steps.Run(t.Context(), nil); !errors.Is(err, full) {
		t.Errorf("%v, want the caller's error", err)
	}
	p.step(nil)
	a.step(nil)
	p.check(a, 4)
}

// A log that cannot be written holds the session up before its last message leaves.
func TestStepsNoEntryNoResult(t *testing.T) {
	p, a := stepSides(t, 4)
	disk := a.crashing(1)
	p.step(stepTerms(4, Proposer))
	a.step(nil)
	p.step(nil)
	a.c.Log.store = &brokenStore{logStore: disk}
	if _, err := a.run(nil); !errors.Is(err, ErrLogWrite) {
		t.Errorf("%v, want ErrLogWrite", err)
	}
	if _, err := p.run(nil); err != nil || len(p.results) > 0 {
		t.Errorf("%v and %d results of a run that the peer did not log", err, len(p.results))
	}
	a.reopen()
	a.step(nil)
	p.step(nil)
	a.step(nil)
	p.check(a, 4)
}

// brokenStore takes no new checkpoint of a log.
type brokenStore struct{ logStore }

func (s *brokenStore) rename(from, to string) error {
	if to == checkpointFile {
		return errCrash
	}
	return s.logStore.rename(from, to)
}

// A checkpoint of another identity, or one that was changed, is named and not used.
func TestStepsCheckpoint(t *testing.T) {
	p, _ := stepSides(t, 4)
	p.step(stepTerms(4, Proposer))
	var path string
	for name, data := range read(t, p.dir) {
		if filepath.Ext(name) == stateSuffix {
			path = filepath.Join(p.dir, name)
			for _, at := range []int{0, len(stateMagic), stateSalt, stateHeader, len(data) - 1} {
				changed := append([]byte(nil), data...)
				changed[at] ^= 1
				write(t, path, changed)
				if _, err := p.run(nil); !errors.Is(err, ErrCheckpoint) {
					t.Errorf("byte %d changed: %v, want ErrCheckpoint", at, err)
				}
			}
			write(t, path, data)
		}
	}
	if path == "" {
		t.Fatal("no checkpoint")
	}
	p.step(nil)
	id := p.c.Identity
	p.c.Identity = identity(t, id.Name())
	if _, err := p.run(nil); !errors.Is(err, ErrCheckpoint) {
		t.Errorf("another identity: %v, want ErrCheckpoint", err)
	}
}

// A second proposal to the same peer waits for the first, and one of the other side
// crosses it.
func TestStepsCross(t *testing.T) {
	p, a := stepSides(t, 4)
	p.c.Policy = goodPolicy()
	terms := stepTerms(4, Proposer)
	p.step(terms)
	if got := p.step(terms); len(got) != 1 {
		t.Errorf("%d sessions after two proposals", len(got))
	}
	back := stepTerms(4, Acceptor)
	for range 6 {
		if _, err := a.run(back); err != nil {
			t.Fatal(err)
		}
		if back != nil && len(a.results) == 0 {
			back = nil
		}
		p.step(nil)
	}
	if len(p.results) != 2 || len(a.results) != 2 {
		t.Errorf("%d and %d results, want two each", len(p.results), len(a.results))
	}
}

// Random sets have the matches that a live session finds.
func TestStepsAgreeWithLive(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 4))
	for range 3 {
		some := func() *psi.Set {
			var xs [][32]byte
			for range 1 + rng.IntN(40) {
				xs = append(xs, items(rng.IntN(40), 1)...)
			}
			return psi.NewSet(xs, binding)
		}
		p, a := stepSides(t, 4)
		p.set, a.set = some(), some()
		until(t, p, a, stepTerms(40, Proposer))
		pc, ac := agencies(t)
		receiver, sender := met(t, stepTerms(40, Proposer), pc, ac)
		o := intersect(context.Background(), receiver, sender, p.set, a.set)
		if o.receiveErr != nil || o.sendErr != nil {
			t.Fatal(o.receiveErr, o.sendErr)
		}
		rows := func(r *psi.Result) (out []int) {
			for m := range r.All() {
				out = append(out, m.Item)
			}
			return out
		}
		if diff := cmp.Diff(rows(o.result), rows(p.results[0].Result)); diff != "" {
			t.Errorf("own rows (-live +steps):\n%s", diff)
		}
	}
}
