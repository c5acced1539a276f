package vole

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"testing"

	"github.com/comity-prl/comity/internal/ot"
	"github.com/comity-prl/comity/internal/wire"
	"github.com/comity-prl/comity/internal/wire/wiretest"
)

func holds(o outcome) bool {
	for i := range o.a {
		if o.c[i] != o.a[i].Mul(o.delta).Add(o.b[i]) {
			return false
		}
	}
	return true
}

func TestVOLE(t *testing.T) {
	for _, m := range []int{1, 2, 64, 65, 129, 500, 5407} {
		for _, semiHonest := range []bool{false, true} {
			for _, weight := range []int{0, 7} {
				if weight != 0 && m != 500 {
					continue
				}
				t.Run(fmt.Sprintf("m=%d/semi=%v/weight=%d", m, semiHonest, weight), func(t *testing.T) {
					p := &Params{Session: []byte("test"), SemiHonest: semiHonest, Code: Code{Weight: weight}}
					s, r := wiretest.Loopback(t)
					o := over(t, s, r, m, p, p)
					if o.errS != nil || o.errR != nil {
						t.Fatal(o.errS, o.errR)
					}
					if len(o.a) != m || len(o.b) != m || len(o.c) != m {
						t.Fatalf("lengths %d, %d and %d", len(o.a), len(o.b), len(o.c))
					}
					if !holds(o) {
						t.Fatal("C is not A·Δ + B")
					}
					seen := map[Element]bool{}
					for i := range o.a {
						seen[o.a[i]], seen[o.b[i]], seen[o.c[i]] = true, true, true
					}
					if len(seen) != 3*m {
						t.Errorf("%d different elements of %d", len(seen), 3*m)
					}
				})
			}
		}
	}
}

// No side waits for the other to read what nobody reads; nil is the default.
func TestUnbuffered(t *testing.T) {
	s, r := net.Pipe()
	o := over(t, s, r, 300, nil, nil)
	if o.errS != nil || o.errR != nil || !holds(o) {
		t.Fatal(o.errS, o.errR)
	}
}

func TestParams(t *testing.T) {
	for _, tt := range []struct {
		m int
		p *Params
	}{{0, nil}, {-1, nil}, {MaxLength + 1, nil}, {9, &Params{Code: Code{Weight: 1}}}, {9, &Params{Code: Code{Weight: -7}}}, {9, &Params{Code: Code{Weight: 65}}}} {
		if _, _, err := Send(nil, testKind, tt.m, tt.p); !errors.Is(err, ErrParams) {
			t.Errorf("Send(%d, %v): %v", tt.m, tt.p, err)
		}
		if _, _, err := Receive(nil, testKind, tt.m, tt.p); !errors.Is(err, ErrParams) {
			t.Errorf("Receive(%d, %v): %v", tt.m, tt.p, err)
		}
	}
}

// Frames in the order in which a side reads them, against malicious peers.
var (
	senderReads   = []string{"point", "OT trees", "corrections", "answer", "challenge"}
	receiverReads = []string{"points", "trees", "proof"}
)

// Whatever changes on the way ends the run on the side that reads it or on the
// other one, and never in a relation that does not hold.
func TestTampered(t *testing.T) {
	flip := func(at int) func([]byte) []byte {
		return wiretest.Payload(func(p []byte) []byte { p[(at+len(p))%len(p)] ^= 8; return p })
	}
	changes := []struct {
		name   string
		change func([]byte) []byte
		want   error // on the side that reads
	}{
		{"first bit", flip(0), nil},
		{"middle bit", flip(1027), nil},
		{"last bit", flip(-1), nil},
		{"cut", wiretest.Cut, wire.ErrLength},
		{"grown", wiretest.Grow, wire.ErrLength},
		{"out of turn", func(f []byte) []byte { f[0] = 99; return f }, wire.ErrKind},
	}
	p := &Params{Session: []byte("test")}
	for side, frames := range [][]string{senderReads, receiverReads} {
		for n, frame := range frames {
			for _, tt := range changes {
				t.Run(fmt.Sprintf("%s/%s", frame, tt.name), func(t *testing.T) {
					t.Parallel()
					s, r := wiretest.Loopback(t)
					bad := &wiretest.Tamper{Frame: n, Change: tt.change}
					if side == 0 {
						bad.Conn, s = s, bad
					} else {
						bad.Conn, r = r, bad
					}
					o := over(t, s, r, 300, p, p)
					mine := []error{o.errS, o.errR}[side]
					if tt.want != nil && !errors.Is(mine, tt.want) {
						t.Errorf("%v, want %v", mine, tt.want)
					}
					if o.errR == nil {
						t.Errorf("the receiver accepts; sender: %v", o.errS)
					}
					if o.errR != nil && o.a != nil || o.errS != nil && o.b != nil {
						t.Error("a result came with the error")
					}
				})
			}
		}
	}
}

// Without the checks a change goes unnoticed, so that it is they that the test
// above tests.
func TestTamperedSemiHonest(t *testing.T) {
	p := &Params{SemiHonest: true}
	s, r := wiretest.Loopback(t)
	bad := &wiretest.Tamper{Conn: r, Frame: 1, Change: wiretest.Payload(func(p []byte) []byte { p[len(p)-1] ^= 8; return p })}
	o := over(t, s, bad, 300, p, p)
	if o.errS != nil || o.errR != nil {
		t.Fatal(o.errS, o.errR)
	}
	if holds(o) {
		t.Error("the relation holds after a change to the trees")
	}
}

func TestSessionsDiffer(t *testing.T) {
	s, r := wiretest.Loopback(t)
	o := over(t, s, r, 300, &Params{Session: []byte("a")}, &Params{Session: []byte("b")})
	if !errors.Is(o.errS, ot.ErrTree) || o.errR == nil {
		t.Errorf("sender: %v; receiver: %v", o.errS, o.errR)
	}
}

// Sides that want vectors of different lengths, or of different codes, do not end
// with vectors that fit nothing: not even where the trees have one size.
func TestParametersDiffer(t *testing.T) {
	for name, tt := range map[string]struct {
		m int
		p Params
	}{"length": {301, Params{}}, "code": {300, Params{Code: Code{Weight: 7}}}} {
		t.Run(name, func(t *testing.T) {
			s, r := wiretest.Loopback(t)
			o := outcome{}
			done := make(chan struct{})
			go func() {
				defer close(done)
				defer s.Close()
				c := wire.Open(t.Context(), s)
				_, o.b, o.errS = Send(c, testKind, 300, nil)
			}()
			c := wire.Open(t.Context(), r)
			o.a, _, o.errR = Receive(c, testKind, tt.m, &tt.p)
			r.Close()
			<-done
			if !errors.Is(o.errS, ot.ErrTree) || o.errR == nil {
				t.Errorf("sender: %v; receiver: %v", o.errS, o.errR)
			}
		})
	}
}

// cancelling cancels a run after so many writes, the last of which succeeds.
type cancelling struct {
	net.Conn
	writes int
	cancel context.CancelFunc
}

func (c *cancelling) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if c.writes--; c.writes == 0 {
		c.cancel()
	}
	return n, err
}

// What is done after the last message ends with the context too.
func TestCancelled(t *testing.T) {
	s, r := wiretest.Loopback(t)
	defer s.Close()
	go func() {
		defer r.Close()
		_, _, _ = Receive(wire.Open(t.Context(), r), testKind, 300, nil)
	}()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	c := wire.Open(ctx, &cancelling{s, 3, cancel}) // after points, trees and proof
	if _, b, err := Send(c, testKind, 300, nil); !errors.Is(err, context.Canceled) || b != nil {
		t.Errorf("%d elements, %v", len(b), err)
	}
}

// A sender that goes on with another leaf than its tree's is caught.
func TestInconsistentTrees(t *testing.T) {
	s, err := newShape(300, nil)
	if err != nil {
		t.Fatal(err)
	}
	caught := 0
	const runs = 3
	for i := range runs {
		a, b := wiretest.Loopback(t)
		done := make(chan error, 1)
		go func() {
			defer a.Close()
			c := wire.Open(t.Context(), a)
			done <- func() error {
				rows, err := ot.Send(c, testKind, s.chunks(), s.options())
				if err != nil {
					return err
				}
				v := make([]Element, s.n)
				trees, err := s.sendTrees(c, testKind+kindTrees, v, rows)
				if err != nil {
					return err
				}
				v[i*s.block].Lo ^= 1
				return s.prove(c, testKind, v, rows, trees)
			}()
		}()
		c := wire.Open(t.Context(), b)
		_, _, err := Receive(c, testKind, 300, nil)
		b.Close()
		if errS := <-done; errS != nil {
			t.Fatal(errS)
		}
		if errors.Is(err, ErrCheck) {
			caught++
		}
	}
	if caught != runs {
		t.Errorf("caught %d times of %d", caught, runs)
	}
}

// BenchmarkVOLE21x24 and BenchmarkVOLE7x24 run both parties in one process.
func BenchmarkVOLE21x24(b *testing.B) { benchmark(b, 21) }
func BenchmarkVOLE7x24(b *testing.B)  { benchmark(b, 7) }

func benchmark(b *testing.B, weight int) {
	for _, m := range []int{20771, 81507, 1344128} {
		for _, semiHonest := range []bool{true, false} {
			b.Run(fmt.Sprintf("m=%d/semi=%v", m, semiHonest), func(b *testing.B) {
				var sent atomic.Int64
				p := &Params{SemiHonest: semiHonest, Code: Code{Weight: weight}}
				for b.Loop() {
					s, r := wiretest.Loopback(b)
					o := over(b, wiretest.Counted{Conn: s, Bytes: &sent}, wiretest.Counted{Conn: r, Bytes: &sent}, m, p, p)
					if o.errS != nil || o.errR != nil {
						b.Fatal(o.errS, o.errR)
					}
				}
				b.ReportMetric(float64(sent.Load())/float64(b.N), "wire-B")
			})
		}
	}
}
