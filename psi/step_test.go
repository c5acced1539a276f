package psi_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/comity-prl/comity/psi"
)

var stepSuites = []psi.Suite{psi.ECDHRistretto255(), psi.ECDHP256()}

// stepping is a side of a run in steps of which nothing but the state stays between two
// steps.
type stepping struct {
	p     *psi.Params
	set   *psi.Set
	state []byte
	at    *psi.Steps // after the last step
}

func newStepping(t testing.TB, p *psi.Params, set *psi.Set, receives, first bool) *stepping {
	t.Helper()
	s, err := psi.NewSteps(p, set, receives, first)
	if err != nil {
		t.Fatal(err)
	}
	return &stepping{p: p, set: set, state: s.State()}
}

// step restores the side, has it take a step, and keeps the state if that went well.
func (s *stepping) step(in []byte) ([]byte, error) {
	at, err := psi.RestoreSteps(s.state, s.p, s.set)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := at.Step(context.Background(), bytes.NewReader(in), &out); err != nil {
		return nil, err
	}
	s.at, s.state = at, at.State()
	return out.Bytes(), nil
}

// stepped runs both sides and returns the outcome and all messages.
func stepped(t testing.TB, p *psi.Params, receiver, sender *psi.Set, receiverFirst bool) (outcome, [][]byte) {
	t.Helper()
	r, s := newStepping(t, p, receiver, true, receiverFirst), newStepping(t, p, sender, false, !receiverFirst)
	turn, other := r, s
	if !receiverFirst {
		turn, other = s, r
	}
	var messages [][]byte
	var in []byte
	for r.at == nil || s.at == nil || !r.at.Done() || !s.at.Done() {
		out, err := turn.step(in)
		if err != nil {
			t.Fatalf("after %d messages: %v", len(messages), err)
		}
		if len(out) > 0 || !turn.at.Done() { // tags of no items are no bytes
			messages = append(messages, out)
		}
		in = out
		turn, other = other, turn
	}
	return outcome{result: r.at.Result(), handles: s.at.Handles()}, messages
}

// In steps a run finds what it finds over a stream, and its frames are the same.
func TestStepsAgree(t *testing.T) {
	for _, w := range []struct {
		name             string
		receiver, sender [][32]byte
	}{
		{"some shared", items(0, 30), items(20, 60)},
		{"duplicates", append(items(0, 9), items(3, 6)...), append(items(2, 4), items(2, 4)...)},
		{"none shared", items(0, 5), items(5, 10)},
		{"no items", nil, items(0, 3)},
		{"none at all", nil, nil},
		{"more than a frame", items(0, 1026), items(1025, 1027)},
	} {
		for _, suite := range stepSuites {
			for _, receiverFirst := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s/suite=%v/receiverFirst=%v", w.name, suite, receiverFirst), func(t *testing.T) {
					p := params(suite)
					receiver, sender := psi.NewSet(w.receiver, binding), psi.NewSet(w.sender, binding)
					o, messages := stepped(t, p, receiver, sender, receiverFirst)
					if diff := cmp.Diff(joined(w.receiver, w.sender), o.pairs(t)); diff != "" {
						t.Errorf("pairs (-want +got):\n%s", diff)
					}
					if o.result.PeerSize != sender.Len() || o.handles.PeerSize != receiver.Len() {
						t.Errorf("sizes %d and %d", o.result.PeerSize, o.handles.PeerSize)
					}
					want := map[bool]int{true: 5, false: 6}[receiverFirst]
					if len(messages) != want {
						t.Errorf("%d messages, want %d", len(messages), want)
					}
					kinds := streamKinds(messages)
					live := liveKinds(t, p, receiver, sender, receiverFirst)
					if diff := cmp.Diff(live, kinds); diff != "" {
						t.Errorf("frames of the first side and of the second (-live +steps):\n%s", diff)
					}
				})
			}
		}
	}
}

// frames are the kinds and lengths of the frames in a stream.
func frames(b []byte) (out [][2]int) {
	for len(b) > 0 {
		n := int(binary.BigEndian.Uint32(b[1:]))
		out = append(out, [2]int{int(b[0]), n})
		b = b[5+n:]
	}
	return out
}

// streamKinds joins the messages of each side to a stream.
func streamKinds(messages [][]byte) (out [2][][2]int) {
	for i, m := range messages {
		out[i%2] = append(out[i%2], frames(m)...)
	}
	return out
}

func liveKinds(t *testing.T, p *psi.Params, receiver, sender *psi.Set, receiverFirst bool) (out [2][][2]int) {
	t.Helper()
	r, s := net.Pipe()
	ends := [2]recording{{ReadWriteCloser: r}, {ReadWriteCloser: s}}
	over(t.Context(), &ends[0], &ends[1], p, p, receiver, sender).pairs(t)
	first := 0
	if !receiverFirst {
		first = 1
	}
	return [2][][2]int{frames(ends[1-first].read.Bytes()), frames(ends[first].read.Bytes())}
}

func TestStepsRefuse(t *testing.T) {
	set := psi.NewSet(items(0, 3), binding)
	for _, s := range []psi.Suite{psi.VOLE(), psi.VOLEMalicious(), psi.Auto()} {
		if _, err := psi.NewSteps(params(s), set, true, true); !errors.Is(err, psi.ErrSuite) || psi.HasSteps(s) {
			t.Errorf("%v: %v, want ErrSuite", s, err)
		}
	}
	if !psi.HasSteps(nil) || !psi.HasSteps(psi.ECDHP256()) {
		t.Error("the Diffie–Hellman suites have steps")
	}
	if _, err := psi.NewSteps(params(nil), psi.NewSet(items(0, 1), psi.Binding{}), true, true); !errors.Is(err, psi.ErrNoKey) {
		t.Errorf("a set without a key: %v, want ErrNoKey", err)
	}
	small := params(nil)
	small.MaxReceiver = 2
	if _, err := psi.NewSteps(small, set, true, true); !errors.Is(err, psi.ErrTooLarge) {
		t.Errorf("a set too large: %v, want ErrTooLarge", err)
	}
}

// What differs between the sides is found before an element leaves, by message 3 at
// the latest.
func TestStepsSetUpDiffers(t *testing.T) {
	change := func(f func(*psi.Binding)) psi.Binding {
		b := binding
		f(&b)
		return b
	}
	for _, tt := range []struct {
		name   string
		p      *psi.Params
		second *psi.Set
		at     int // the message that ends the run
		want   error
	}{
		{"epoch", params(nil), psi.NewSet(items(0, 9), change(func(b *psi.Binding) { b.Epoch = "2027-Q1" })), 1, psi.ErrEpoch},
		{"configuration", params(nil), psi.NewSet(items(0, 9), change(func(b *psi.Binding) { b.Config[0]++ })), 1, psi.ErrConfig},
		{"key", params(nil), psi.NewSet(items(0, 9), change(func(b *psi.Binding) { b.Key[0]++ })), 2, psi.ErrKey},
		{"suite", params(psi.ECDHP256()), psi.NewSet(items(0, 9), binding), 1, psi.ErrSuite},
		{"session", &psi.Params{MaxReceiver: 9, MaxSender: 9, Session: []byte("other")}, psi.NewSet(items(0, 9), binding), 1, psi.ErrSession},
		{"size", &psi.Params{MaxReceiver: 8, MaxSender: 9, Session: []byte("test")}, psi.NewSet(items(0, 9), binding), 3, psi.ErrTooLarge},
	} {
		t.Run(tt.name, func(t *testing.T) {
			first := newStepping(t, params(nil), psi.NewSet(items(0, 9), binding), true, true)
			second := newStepping(t, tt.p, tt.second, false, false)
			var in []byte
			var err error
			turn, other := first, second
			for number := 1; err == nil && number < 7; number++ {
				if in, err = turn.step(in); err != nil && number-1 != tt.at {
					t.Errorf("message %d ended the run, want %d", number-1, tt.at)
				}
				if tt.at < 3 && len(in) > 500 {
					t.Errorf("message %d has %d bytes: elements", number, len(in))
				}
				turn, other = other, turn
			}
			if !errors.Is(err, tt.want) {
				t.Errorf("%v, want %v", err, tt.want)
			}
		})
	}
	both := params(nil)
	a := newStepping(t, both, psi.NewSet(items(0, 1), binding), true, true)
	b := newStepping(t, both, psi.NewSet(items(0, 1), binding), true, false)
	m, err := a.step(nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.step(m); !errors.Is(err, psi.ErrRole) {
		t.Errorf("two receivers: %v, want ErrRole", err)
	}
}

// A message that is short, long, changed or another one is an error, never a result.
func TestStepsHostileMessages(t *testing.T) {
	set := psi.NewSet(items(0, 4), binding)
	p := params(nil)
	for _, receiverFirst := range []bool{true, false} {
		_, foreign := stepped(t, p, set, set, receiverFirst)
		for number := 1; number <= len(foreign); number++ {
			for name, change := range map[string]func(m []byte) []byte{
				"empty":            func([]byte) []byte { return nil },
				"cut":              func(m []byte) []byte { return m[:len(m)-1] },
				"goes on":          func(m []byte) []byte { return append(m, 0) },
				"another message":  func([]byte) []byte { return foreign[number%len(foreign)] },
				"other kind":       func(m []byte) []byte { m[0] ^= 8; return m },
				"endless":          func(m []byte) []byte { copy(m[1:5], "\xff\xff\xff\xff"); return m },
				"of another run":   func(m []byte) []byte { return foreign[number-1] },
				"elements swapped": func(m []byte) []byte { m[len(m)-1] ^= 0x80; return m },
			} {
				if name == "of another run" && (number == 1 || number > 3) || name == "elements swapped" && (number < 3 || number == len(foreign)) {
					continue // a hello starts a run; what follows the confirmation is for the caller to authenticate
				}
				r, s := newStepping(t, p, set, true, receiverFirst), newStepping(t, p, set, false, !receiverFirst)
				turn, other := r, s
				if !receiverFirst {
					turn, other = s, r
				}
				var in []byte
				var err error
				for n := 1; n <= number; n++ {
					if in, err = turn.step(in); err != nil {
						t.Fatal(err)
					}
					turn, other = other, turn
				}
				_, err = turn.step(change(bytes.Clone(in)))
				if name == "elements swapped" && err == nil && !turn.at.Done() {
					continue // the encoding of another element
				}
				if name == "elements swapped" && err == nil {
					if got := turn.at.Result().Len(); got == 4 {
						t.Errorf("message %d changed, and all match", number)
					}
					continue
				}
				if err == nil {
					t.Errorf("receiver first %v, message %d %s: no error", receiverFirst, number, name)
				}
			}
		}
	}
}

// A step whose input breaks off can be taken again from the state before.
func TestStepsTakenAgain(t *testing.T) {
	p, set := params(nil), psi.NewSet(items(0, 20), binding)
	r, s := newStepping(t, p, set, true, true), newStepping(t, p, set, false, false)
	one, err := r.step(nil)
	if err != nil {
		t.Fatal(err)
	}
	at, err := psi.RestoreSteps(s.state, p, set)
	if err != nil {
		t.Fatal(err)
	}
	broken := iotest.ErrReader(errors.New("not there yet"))
	if err := at.Step(t.Context(), broken, &bytes.Buffer{}); err == nil || errors.Is(err, psi.ErrTruncated) {
		t.Errorf("a broken reader: %v", err)
	}
	if at.State() != nil || at.Done() {
		t.Error("a step that failed left a state")
	}
	if err := at.Step(t.Context(), bytes.NewReader(one), &bytes.Buffer{}); !errors.Is(err, psi.ErrOver) {
		t.Errorf("a step after one that failed: %v, want ErrOver", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	reason := errors.New("closing time")
	cancel(reason)
	if at, err = psi.RestoreSteps(s.state, p, set); err != nil {
		t.Fatal(err)
	}
	if err := at.Step(ctx, bytes.NewReader(one), &bytes.Buffer{}); !errors.Is(err, reason) {
		t.Errorf("a context that ended: %v, want its cause", err)
	}
	if _, err := s.step(one); err != nil {
		t.Errorf("taken again: %v", err)
	}
}

// The set may change until its elements are made, and not after.
func TestStepsSetChanges(t *testing.T) {
	p := params(nil)
	set, other := psi.NewSet(items(0, 20), binding), psi.NewSet(items(0, 21), binding)
	r, s := newStepping(t, p, set, true, true), newStepping(t, p, set, false, false)
	var in []byte
	var err error
	for n := 1; n <= 4; n++ {
		side := r
		if n%2 == 0 {
			side = s
		}
		side.set = other // for the last time before the elements at 3 and 4
		if in, err = side.step(in); err != nil {
			t.Fatal(err)
		}
	}
	r.set = set
	if _, err := r.step(in); !errors.Is(err, psi.ErrSet) {
		t.Errorf("the receiver's set changed after its elements: %v, want ErrSet", err)
	}
	r.set = other
	if in, err = r.step(in); err != nil {
		t.Fatal(err)
	}
	s.set = set
	if _, err := s.step(in); !errors.Is(err, psi.ErrSet) {
		t.Errorf("the sender's set changed after its elements: %v, want ErrSet", err)
	}
	r.set = set
	if _, err := r.step(nil); !errors.Is(err, psi.ErrSet) {
		t.Errorf("the set changed after the result: %v, want ErrSet", err)
	}
}

func TestRestoreStepsRefuses(t *testing.T) {
	set := psi.NewSet(items(0, 4), binding)
	p := params(nil)
	first := newStepping(t, p, set, false, true)
	second := newStepping(t, p, set, true, false)
	var in []byte
	var err error
	var states [][]byte
	turn, other := first, second
	for range 4 {
		if in, err = turn.step(in); err != nil {
			t.Fatal(err)
		}
		states = append(states, turn.state)
		turn, other = other, turn
	}
	for i, state := range states {
		if _, err := psi.RestoreSteps(state, p, set); err != nil {
			t.Fatal(err)
		}
		for n := range len(state) {
			if _, err := psi.RestoreSteps(state[:n], p, set); !errors.Is(err, psi.ErrState) {
				t.Fatalf("state %d cut to %d bytes: %v, want ErrState", i, n, err)
			}
		}
		if _, err := psi.RestoreSteps(append(bytes.Clone(state), 0), p, set); !errors.Is(err, psi.ErrState) {
			t.Errorf("state %d with a byte more: %v, want ErrState", i, err)
		}
		for at := range 4 {
			changed := bytes.Clone(state)
			changed[at] += 7
			if _, err := psi.RestoreSteps(changed, p, set); !errors.Is(err, psi.ErrState) {
				t.Errorf("state %d with byte %d changed: %v, want ErrState", i, at, err)
			}
		}
	}
	elsewhere := params(nil)
	elsewhere.Session = []byte("another")
	if _, err := psi.RestoreSteps(states[0], elsewhere, set); !errors.Is(err, psi.ErrState) {
		t.Errorf("another session: %v, want ErrState", err)
	}
	if _, err := psi.RestoreSteps(states[2], params(psi.ECDHP256()), set); err == nil {
		t.Error("another suite's state was taken")
	}
}

// A scalar leaves the state with the step that used it on the peer's elements.
func TestStepsForgetTheScalar(t *testing.T) {
	set := psi.NewSet(items(0, 20), binding)
	for _, receiverFirst := range []bool{true, false} {
		p := params(nil)
		r, s := newStepping(t, p, set, true, receiverFirst), newStepping(t, p, set, false, !receiverFirst)
		turn, other := r, s
		if !receiverFirst {
			turn, other = s, r
		}
		var in []byte
		var err error
		for n := 1; n <= 5; n++ {
			if in, err = turn.step(in); err != nil {
				t.Fatal(err)
			}
			const at = 4 + 4*32 + 8 // of the scalar's length
			if got, want := turn.state[at] > 0, n == 3; got != want {
				t.Errorf("receiver first %v: a scalar after message %d: %v, want %v", receiverFirst, n, got, want)
			}
			turn, other = other, turn
		}
	}
}

func FuzzRestoreSteps(f *testing.F) {
	set := psi.NewSet(items(0, 3), binding)
	p := params(nil)
	first, second := newStepping(f, p, set, false, true), newStepping(f, p, set, true, false)
	var in []byte
	var err error
	turn, other := first, second
	f.Add(first.state)
	for range 6 {
		if in, err = turn.step(in); err != nil {
			f.Fatal(err)
		}
		f.Add(turn.state)
		turn, other = other, turn
	}
	f.Fuzz(func(t *testing.T, state []byte) {
		s, err := psi.RestoreSteps(state, p, set)
		if err != nil {
			return
		}
		if got := s.State(); !bytes.Equal(got, state) {
			t.Errorf("a state of %d bytes comes back as one of %d", len(state), len(got))
		}
		if s.Done() {
			for range s.Result().All() {
			}
		}
		_ = s.Step(context.Background(), bytes.NewReader(nil), &bytes.Buffer{})
	})
}

func FuzzStepsMessage(f *testing.F) {
	set := psi.NewSet(items(0, 3), binding)
	p := params(nil)
	var states [][]byte
	first, second := newStepping(f, p, set, true, true), newStepping(f, p, set, false, false)
	states = append(states, second.state)
	var in []byte
	var err error
	turn, other := first, second
	for n := range 5 {
		if in, err = turn.step(in); err != nil {
			f.Fatal(err)
		}
		states = append(states, turn.state)
		f.Add(uint8(n), in)
		turn, other = other, turn
	}
	f.Fuzz(func(t *testing.T, n uint8, message []byte) {
		s, err := psi.RestoreSteps(states[int(n)%len(states)], p, set)
		if err != nil {
			t.Fatal(err)
		}
		if s.Done() {
			return
		}
		var out bytes.Buffer
		if err := s.Step(context.Background(), bytes.NewReader(message), &out); err != nil && s.State() != nil {
			t.Error("a step that failed left a state")
		}
	})
}

func BenchmarkSteps(b *testing.B) {
	const n = 1 << 10
	receiver, sender := psi.NewSet(items(0, n), binding), psi.NewSet(items(n/2, n+n/2), binding)
	for _, suite := range stepSuites {
		b.Run(fmt.Sprintf("%v/items=%d", suite, n), func(b *testing.B) {
			var messages [][]byte
			for b.Loop() {
				_, messages = stepped(b, params(suite), receiver, sender, true)
			}
			bytes := 0
			for _, m := range messages {
				bytes += len(m)
			}
			b.ReportMetric(float64(bytes)/n, "bytes/item")
		})
	}
}

// Steps agree with a stream on random sets.
func TestStepsAgreeAtRandom(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 9))
	for range 5 {
		some := func() (xs [][32]byte) {
			for range rng.IntN(40) {
				xs = append(xs, item(rng.IntN(40)))
			}
			return xs
		}
		a, b := some(), some()
		p := params(nil)
		receiver, sender := psi.NewSet(a, binding), psi.NewSet(b, binding)
		want := both(t.Context(), p, p, receiver, sender).pairs(t)
		o, _ := stepped(t, p, receiver, sender, rng.IntN(2) == 0)
		if diff := cmp.Diff(want, o.pairs(t)); diff != "" {
			t.Errorf("pairs (-stream +steps):\n%s", diff)
		}
	}
}

// Steps count what a stream counts, and leave the sender no handle.
func TestStepsCount(t *testing.T) {
	for _, suite := range stepSuites {
		for _, receiverFirst := range []bool{true, false} {
			p := countParams(suite)
			receiver, sender := padded(t, items(0, 30), 40), padded(t, items(20, 60), 50)
			r, s := newStepping(t, p, receiver, true, receiverFirst), newStepping(t, p, sender, false, !receiverFirst)
			turn, other := r, s
			if !receiverFirst {
				turn, other = s, r
			}
			var in []byte
			var err error
			for r.at == nil || s.at == nil || !r.at.Done() || !s.at.Done() {
				if in, err = turn.step(in); err != nil {
					t.Fatal(err)
				}
				turn, other = other, turn
			}
			if diff := cmp.Diff(&psi.Count{PeerSize: 50, N: 10}, r.at.Count()); diff != "" {
				t.Errorf("%v, receiver first %v: count (-want +got):\n%s", suite, receiverFirst, diff)
			}
			if r.at.Result() != nil || r.at.Handles() != nil || s.at.Count() != nil || s.at.Handles().Len() != 0 || s.at.Handles().PeerSize != 40 {
				t.Errorf("%v, receiver first %v: a side has what is not its own", suite, receiverFirst)
			}
		}
	}
}

// The dummies of a seed are the same each time, and others than those of another.
func TestPadFrom(t *testing.T) {
	set := psi.NewSet(items(0, 20), binding)
	var sets []*psi.Set
	for _, seed := range [][32]byte{{1}, {1}, {2}} {
		s, err := set.PadFrom(120, seed)
		if err != nil {
			t.Fatal(err)
		}
		sets = append(sets, s)
	}
	for i, want := range []int{120, 20} {
		if c := count(t.Context(), countParams(nil), sets[0], sets[i+1]); c.errR != nil || c.errS != nil || c.count.N != want {
			t.Errorf("set %d: %+v, %v, %v; want a count of %d", i, c.count, c.errR, c.errS, want)
		}
	}
	p := params(nil)
	r, s := newStepping(t, p, sets[0], true, true), newStepping(t, p, set, false, false)
	m, err := r.step(nil)
	if err != nil {
		t.Fatal(err)
	}
	if m, err = s.step(m); err != nil {
		t.Fatal(err)
	}
	if m, err = r.step(m); err != nil {
		t.Fatal(err)
	}
	if m, err = s.step(m); err != nil {
		t.Fatal(err)
	}
	r.set = sets[2]
	if _, err := r.step(m); !errors.Is(err, psi.ErrSet) {
		t.Errorf("other dummies: %v, want ErrSet", err)
	}
	r.set = sets[1]
	if _, err := r.step(m); err != nil {
		t.Errorf("the same dummies: %v", err)
	}
}
