package protocol

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/comity-prl/comity/bloomlink"
)

var encodingBinding = bloomlink.Binding{
	Epoch: "2026-Q4", Config: sha256.Sum256([]byte("configuration")), Length: 256, Key: sha256.Sum256([]byte("confirmation")),
}

// encodingSet has the encodings of n persons, numbered from lo.
func encodingSet(t testing.TB, lo, n int, b bloomlink.Binding) *bloomlink.Set {
	t.Helper()
	xs := make([]bloomlink.Encoding, n)
	for i := range xs {
		h := sha256.Sum256(fmt.Append(nil, "person", lo+i))
		xs[i] = make(bloomlink.Encoding, b.Length/64)
		for w := range xs[i] {
			for _, v := range h[8*(w%4) : 8*(w%4)+8] {
				xs[i][w] = xs[i][w]<<8 | uint64(v)
			}
		}
	}
	s, err := bloomlink.NewSet(xs, b)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// trio are two owners and a unit, with terms that belong together.
type trio struct {
	a, b, unit     *Config
	termsA, termsB *Terms
}

func newTrio(t testing.TB) *trio {
	t.Helper()
	a, b, unit := identity(t, "Police of Arcadia"), identity(t, "Bureau of Borduria"), identity(t, "Unit of Utopia")
	terms := func(partner string) *Terms {
		return &Terms{
			Purpose:       "missing persons",
			LegalBasis:    "Treaty of 2026, article 9",
			Case:          "2026/117",
			Officer:       "officer-4711",
			Approvers:     []string{"judge-1", "judge-2"},
			Jurisdictions: []string{"DE", "FR"},
			Categories:    []string{CategoryOther},
			Scope:         ScopeBulk,
			Fields:        3,
			RetentionDays: 30,
			Function:      FunctionEncodings,
			Partner:       partner,
			Epoch:         "2026-Q4",
			SchemaHash:    schema,
			ConfigHash:    encodingBinding.Config,
			Length:        256,
			Threshold:     0.8,
			MaxProposer:   1000,
			Expires:       time.Now().Add(time.Hour),
		}
	}
	return &trio{
		a:    &Config{Identity: a, Peers: []Peer{unit.Peer()}},
		b:    &Config{Identity: b, Peers: []Peer{unit.Peer()}},
		unit: &Config{Identity: unit, Peers: []Peer{a.Peer(), b.Peer()}, Policy: unitPolicy()},

		termsA: terms(b.Name()), termsB: terms(a.Name()),
	}
}

func unitPolicy() *Policy {
	return &Policy{Rules: []Rule{{
		Name:          "linkage",
		Peers:         []string{Any},
		Functions:     []string{FunctionEncodings},
		Purposes:      []string{Any},
		LegalBases:    []string{Any},
		Articles:      []string{Any},
		Jurisdictions: []string{Any},
		Categories:    []string{Any},
		Scopes:        []string{ScopeBulk},
		Epochs:        []string{Any},
		AnySchema:     true,
		MaxProposer:   1000,
		Retention:     RetentionBounds{MaxDays: 365},
	}}}
}

// linkage is a run of the three.
type linkage struct {
	a, b, unitA, unitB *Session

	groupsA, groupsB *bloomlink.Groups
	sum              *bloomlink.Summary
	errA, errB, err  error
}

func (o *trio) meet(t testing.TB) *linkage {
	t.Helper()
	l := new(linkage)
	l.a, l.unitA = met(t, o.termsA, o.a, o.unit)
	l.b, l.unitB = met(t, o.termsB, o.b, o.unit)
	t.Cleanup(func() { closeAll(l.a, l.b, l.unitA, l.unitB) })
	return l
}

// closeAll closes sessions side by side, as each waits for its peer.
func closeAll(sessions ...*Session) {
	var closing sync.WaitGroup
	for _, s := range sessions {
		closing.Go(func() { s.Close() })
	}
	closing.Wait()
}

func (l *linkage) run(ctx context.Context, a, b *bloomlink.Set) *linkage {
	done := make(chan struct{}, 2)
	go func() { l.groupsA, l.errA = l.a.Submit(ctx, a); done <- struct{}{} }()
	go func() { l.groupsB, l.errB = l.b.Submit(ctx, b); done <- struct{}{} }()
	l.sum, l.err = Link(ctx, l.unitA, l.unitB)
	<-done
	<-done
	return l
}

// all reports a result, or an error that is not the one that all three must get.
func (l *linkage) all(t *testing.T, want error) {
	t.Helper()
	for who, err := range map[string]error{"A": l.errA, "B": l.errB, "unit": l.err} {
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", who, err, want)
		}
	}
	if l.groupsA != nil || l.groupsB != nil || l.sum != nil {
		t.Error("a result came with the error")
	}
	for _, s := range []*Session{l.a, l.b, l.unitA, l.unitB} {
		if !s.Transcript().IsZero() {
			t.Error("a session has a transcript")
		}
	}
}

// rows returns the pairs of rows that are in one group.
func (l *linkage) rows(t *testing.T) [][2]int {
	t.Helper()
	if l.errA != nil || l.errB != nil || l.err != nil {
		t.Fatalf("A: %v; B: %v; unit: %v", l.errA, l.errB, l.err)
	}
	rows := map[uint32]int{}
	for m := range l.groupsB.All() {
		rows[m.Group] = m.Row
	}
	var pairs [][2]int
	for m := range l.groupsA.All() {
		pairs = append(pairs, [2]int{m.Row, rows[m.Group]})
	}
	return pairs
}

// A whole linkage, from Dial and Accept to groups, in either order of the owners.
func TestLink(t *testing.T) {
	for _, swapped := range []bool{false, true} {
		t.Run(fmt.Sprintf("swapped=%v", swapped), func(t *testing.T) {
			t.Parallel()
			o := newTrio(t)
			o.termsB.Jurisdictions = []string{"FR", "DE"} // the same ones
			ln, err := Listen("127.0.0.1:0", o.unit)
			if err != nil {
				t.Fatal(err)
			}
			defer ln.Close()
			l := new(linkage)
			dial := func(c *Config, terms *Terms) (own, unit *Session) {
				accepted := make(chan *Session, 1)
				go func() {
					s, err := ln.Accept(t.Context())
					if err != nil {
						t.Error(err)
					}
					accepted <- s
				}()
				own, err := Dial(t.Context(), ln.Addr().String(), terms, c)
				if err != nil {
					t.Fatal(err)
				}
				unit = <-accepted
				t.Cleanup(func() { own.Close(); unit.Close() })
				return own, unit
			}
			l.a, l.unitA = dial(o.a, o.termsA)
			l.b, l.unitB = dial(o.b, o.termsB)
			if swapped {
				l.unitA, l.unitB = l.unitB, l.unitA
			}
			l.run(t.Context(), encodingSet(t, 0, 300, encodingBinding), encodingSet(t, 250, 200, encodingBinding))
			var want [][2]int
			for i := range 50 {
				want = append(want, [2]int{250 + i, i})
			}
			if diff := cmp.Diff(want, l.rows(t)); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
			sum := bloomlink.Summary{A: 300, B: 200, Groups: 50}
			if swapped {
				sum.A, sum.B = sum.B, sum.A
				l.unitA, l.unitB = l.unitB, l.unitA
			}
			if diff := cmp.Diff(sum, *l.sum); diff != "" || l.groupsA.PeerSize != 200 || l.groupsB.PeerSize != 300 {
				t.Errorf("sizes %d and %d, summary (-want +got):\n%s", l.groupsA.PeerSize, l.groupsB.PeerSize, diff)
			}
			checkRecords(t, l.a, l.unitA, o.a, o.unit)
			checkRecords(t, l.b, l.unitB, o.b, o.unit)
			if l.a.Transcript() == l.b.Transcript() || l.a.agreement.session() == l.b.agreement.session() {
				t.Error("the two sessions are not their own")
			}
		})
	}
}

// Terms that do not belong together are ErrPair at all three.
func TestTermsDoNotBelongTogether(t *testing.T) {
	tests := []struct {
		name   string
		change func(o *trio)
	}{
		{"partner of A", func(o *trio) { o.termsA.Partner = "Somebody else" }},
		{"partner of B", func(o *trio) { o.termsB.Partner = "Somebody else" }},
		{"epoch", func(o *trio) { o.termsB.Epoch = "2027-Q1" }},
		{"schema", func(o *trio) { o.termsB.SchemaHash[0]++ }},
		{"configuration", func(o *trio) { o.termsB.ConfigHash[0]++ }},
		{"length", func(o *trio) { o.termsB.Length = 512 }},
		{"threshold", func(o *trio) { o.termsB.Threshold = 0.81 }},
		{"purpose", func(o *trio) { o.termsB.Purpose = "another" }},
		{"legal basis", func(o *trio) { o.termsB.LegalBasis = "another" }},
		{"article", func(o *trio) { o.termsB.Article = "another" }},
		{"categories", func(o *trio) { o.termsB.Categories = []string{CategoryOther, CategoryWitness} }},
		{"scope", func(o *trio) {
			o.termsB.Scope, o.unit.Policy.Rules[0].Scopes = ScopeQuery, []string{ScopeQuery, ScopeBulk}
		}},
		{"retention", func(o *trio) { o.termsB.RetentionDays++ }},
		{"jurisdictions", func(o *trio) { o.termsB.Jurisdictions = []string{"DE", "FR", "EU"} }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := newTrio(t)
			tt.change(o)
			l := o.meet(t)
			b := encodingBinding
			b.Epoch, b.Config, b.Length = o.termsB.Epoch, o.termsB.ConfigHash, o.termsB.Length
			l.run(t.Context(), encodingSet(t, 0, 20, encodingBinding), encodingSet(t, 0, 20, b))
			l.all(t, ErrPair)
		})
	}
}

// Owners whose secrets differ hear so, all three of them, and no encoding is sent.
func TestSecretsOfOwnersDiffer(t *testing.T) {
	t.Parallel()
	o := newTrio(t)
	l := o.meet(t)
	b := encodingBinding
	b.Key[31]++
	before, _ := l.a.Bytes()
	l.run(t.Context(), encodingSet(t, 0, 500, encodingBinding), encodingSet(t, 0, 500, b))
	l.all(t, bloomlink.ErrKey)
	if after, _ := l.a.Bytes(); after-before > 2000 {
		t.Errorf("%d bytes crossed the wire", after-before)
	}
}

// A set that is not what the owner's terms are about is a named error at the owner
// and the unit, and the other owner hears that the run failed.
func TestOwnersSetIsNotTheTerms(t *testing.T) {
	other := func(change func(*bloomlink.Binding)) bloomlink.Binding {
		b := encodingBinding
		change(&b)
		return b
	}
	tests := []struct {
		name           string
		b              bloomlink.Binding
		rows           int
		want, wantUnit error
	}{
		{"epoch", other(func(b *bloomlink.Binding) { b.Epoch = "2027-Q1" }), 20, ErrEpoch, ErrEpoch},
		{"configuration", other(func(b *bloomlink.Binding) { b.Config[0]++ }), 20, ErrSchema, ErrSchema},
		{"length", other(func(b *bloomlink.Binding) { b.Length = 512 }), 20, ErrSchema, ErrSchema},
		{"no key", other(func(b *bloomlink.Binding) { b.Key = [32]byte{} }), 20, bloomlink.ErrNoKey, bloomlink.ErrAborted},
		{"too large", encodingBinding, 1001, bloomlink.ErrTooLarge, bloomlink.ErrAborted},
	}
	for _, tt := range tests {
		for _, wrong := range []int{0, 1} {
			t.Run(fmt.Sprintf("%s/at=%d", tt.name, wrong), func(t *testing.T) {
				t.Parallel()
				l := newTrio(t).meet(t)
				sets := [2]*bloomlink.Set{encodingSet(t, 0, 20, encodingBinding), encodingSet(t, 0, 20, encodingBinding)}
				sets[wrong] = encodingSet(t, 0, tt.rows, tt.b)
				l.run(t.Context(), sets[0], sets[1])
				errs := [2]error{l.errA, l.errB}
				if !errors.Is(errs[wrong], tt.want) || !errors.Is(l.err, tt.wantUnit) || !errors.Is(errs[1-wrong], bloomlink.ErrAborted) {
					t.Errorf("A: %v; B: %v; unit: %v; want %v at %d, %v at the unit", l.errA, l.errB, l.err, tt.want, wrong, tt.wantUnit)
				}
				var at *bloomlink.OwnerError
				if !errors.As(l.err, &at) || at.Owner != wrong {
					t.Errorf("the unit blames %+v, want owner %d", at, wrong)
				}
				if l.groupsA != nil || l.groupsB != nil || l.sum != nil {
					t.Error("a result came with the error")
				}
			})
		}
	}
}

// Roles and uses: the wrong call does no harm, and a session has one run.
func TestLinkRolesAndUses(t *testing.T) {
	t.Parallel()
	o := newTrio(t)
	l := o.meet(t)
	set := encodingSet(t, 0, 3, encodingBinding)
	if _, err := l.unitA.Submit(t.Context(), set); !errors.Is(err, ErrRole) {
		t.Errorf("the unit submits: %v, want %v", err, ErrRole)
	}
	if _, err := Link(t.Context(), l.a, l.unitB); !errors.Is(err, ErrRole) {
		t.Errorf("an owner links: %v, want %v", err, ErrRole)
	}
	pc, ac := agencies(t)
	p, a := met(t, goodTerms(), pc, ac)
	defer closeAll(p, a)
	if _, err := p.Submit(t.Context(), set); !errors.Is(err, ErrRole) {
		t.Errorf("submitted under terms for sets: %v, want %v", err, ErrRole)
	}
	if _, err := Link(t.Context(), l.unitA, a); !errors.Is(err, ErrRole) {
		t.Errorf("linked under terms for sets: %v, want %v", err, ErrRole)
	}
	if n := len(l.run(t.Context(), set, set).rows(t)); n != 3 {
		t.Errorf("%d groups, want 3", n)
	}
	if _, err := l.a.Submit(t.Context(), set); !errors.Is(err, ErrUsed) {
		t.Errorf("a second run: %v, want %v", err, ErrUsed)
	}
	for _, usedFirst := range []bool{false, true} {
		fresh := o.meet(t)
		done := make(chan error, 1)
		go func() { _, err := fresh.a.Submit(t.Context(), set); done <- err }()
		pair := []*Session{fresh.unitA, l.unitB}
		if usedFirst {
			slices.Reverse(pair)
		}
		if _, err := Link(t.Context(), pair[0], pair[1]); !errors.Is(err, ErrUsed) {
			t.Errorf("linked with a used one: %v, want %v", err, ErrUsed)
		}
		if err := <-done; !errors.Is(err, ErrPair) {
			t.Errorf("its owner: %v, want %v", err, ErrPair)
		}
	}
	fresh := o.meet(t)
	if _, err := Link(t.Context(), fresh.unitA, fresh.unitA); !errors.Is(err, ErrPair) {
		t.Errorf("linked with itself: %v, want %v", err, ErrPair)
	}
}

// Terms of one owner that expire before the run end both sessions.
func TestTermsExpireBeforeLink(t *testing.T) {
	t.Parallel()
	o := newTrio(t)
	late := false
	o.unit.Clock = func() time.Time {
		if late {
			return time.Now().Add(2 * time.Hour)
		}
		return time.Now()
	}
	o.unit.Policy.Rules[0].MaxLifetime = Duration(day)
	o.termsB.Expires = time.Now().Add(3 * time.Hour)
	l := o.meet(t)
	late = true
	set := encodingSet(t, 0, 3, encodingBinding)
	l.run(t.Context(), set, set)
	l.all(t, ErrExpired)
}

// However a session ends, the other owner and the unit get an error, and nothing
// waits for ever.
func TestLinkFailures(t *testing.T) {
	tests := []struct {
		name string
		end  func(l *linkage, cancel context.CancelFunc)
		// what the unit and owner B see
		wantUnit, wantB error
		blames          int // 0 or 1; -1: no owner
	}{
		{"A closes", func(l *linkage, _ context.CancelFunc) { l.a.Close() }, ErrClosed, bloomlink.ErrAborted, 0},
		{"A hangs up", func(l *linkage, _ context.CancelFunc) { l.a.stream.ch.raw.Close() }, ErrHangUp, bloomlink.ErrAborted, 0},
		{"B hangs up", func(l *linkage, _ context.CancelFunc) { l.b.stream.ch.raw.Close() }, ErrHangUp, nil, 1},
		{"the unit closes A's session", func(l *linkage, _ context.CancelFunc) { l.unitA.Close() }, ErrClosed, bloomlink.ErrAborted, 0},
		{"the unit gives up", func(_ *linkage, cancel context.CancelFunc) { cancel() }, context.Canceled, ErrClosed, -1},
	}
	goroutines, descriptors := resources(t)
	t.Run("side by side", func(t *testing.T) {
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				t.Parallel()
				l := newTrio(t).meet(t)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				errB := make(chan error, 1)
				set := encodingSet(t, 0, 500, encodingBinding)
				go func() { _, err := l.b.Submit(t.Context(), set); errB <- err }()
				// A never submits: the run stands still until something ends it.
				time.AfterFunc(50*time.Millisecond, func() { tt.end(l, cancel) })
				l.sum, l.err = Link(ctx, l.unitA, l.unitB)
				if !errors.Is(l.err, tt.wantUnit) || l.sum != nil {
					t.Errorf("unit: %v, want %v", l.err, tt.wantUnit)
				}
				var at *bloomlink.OwnerError
				if blames := errors.As(l.err, &at); blames != (tt.blames >= 0) || blames && at.Owner != tt.blames {
					t.Errorf("the unit blames %+v, want %d", at, tt.blames)
				}
				if err := <-errB; err == nil || tt.wantB != nil && !errors.Is(err, tt.wantB) {
					t.Errorf("B: %v, want %v", err, tt.wantB)
				}
			})
		}
	})
	settle(t, goroutines, descriptors)
}

// Owners wait for one another longer than the idle timeout, and the steps of the
// run are reported by one goroutine at a time.
func TestLinkWaitsAndReports(t *testing.T) {
	t.Parallel()
	o := newTrio(t)
	for _, c := range []*Config{o.a, o.b, o.unit} {
		c.IdleTimeout, c.aliveEvery = time.Second, 50*time.Millisecond
	}
	steps := map[string]Progress{}
	busy := make(chan struct{}, 1)
	o.unit.Progress = func(p Progress) {
		select {
		case busy <- struct{}{}:
		default:
			t.Error("two reports at once")
		}
		steps[p.Step] = p
		<-busy
	}
	l := o.meet(t)
	set := encodingSet(t, 0, 100, encodingBinding)
	done := make(chan error, 2)
	go func() { _, err := l.a.Submit(t.Context(), set); done <- err }()
	go func() {
		time.Sleep(1500 * time.Millisecond)
		_, err := l.b.Submit(t.Context(), set)
		done <- err
	}()
	if _, err := Link(t.Context(), l.unitA, l.unitB); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	want := map[string]Progress{"receive": {"receive", 200, 200}, "compare": {"compare", 100, 100}}
	if diff := cmp.Diff(want, steps); diff != "" {
		t.Errorf("last reports (-want +got):\n%s", diff)
	}
}
