package voleprf

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comity-prl/comity/internal/okvs"
	"github.com/comity-prl/comity/internal/vole"
	"github.com/comity-prl/comity/internal/wire"
	"github.com/comity-prl/comity/internal/wire/wiretest"
)

const testKind wire.Kind = 20

// elements returns n elements, the same in every run for one seed.
func elements(seed byte, n int) []Element {
	r := rand.New(rand.NewChaCha8([32]byte{seed}))
	xs := make([]Element, n)
	for i := range xs {
		xs[i] = Element{Lo: r.Uint64(), Hi: r.Uint64()}
	}
	return xs
}

type outcome struct {
	function   *Function
	values     []Element
	errS, errR error
}

// over runs both sides over the ends of a stream, each of which closes its end.
func over(ctx context.Context, sender, receiver net.Conn, keys []Element, ps, pr *Params) (o outcome) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer sender.Close()
		c := wire.Open(ctx, sender)
		o.function, o.errS = Send(c, testKind, ps)
		c.Close(o.errS)
	}()
	c := wire.Open(ctx, receiver)
	o.values, o.errR = Receive(c, testKind, keys, pr)
	c.Close(o.errR)
	receiver.Close()
	<-done
	return o
}

func params(keys int, semiHonest bool) *Params {
	return &Params{Session: []byte("test"), Keys: keys, Lambda: 40, SemiHonest: semiHonest}
}

// Both sides get the same values at the receiver's keys, and others elsewhere.
func TestValues(t *testing.T) {
	tests := []struct{ keys, room int }{{0, 0}, {0, 5}, {1, 1}, {2, 2}, {300, 300}, {300, 1000}, {5000, 5000}}
	for _, tt := range tests {
		for _, semiHonest := range []bool{false, true} {
			t.Run(fmt.Sprintf("keys=%d/room=%d/semi=%v", tt.keys, tt.room, semiHonest), func(t *testing.T) {
				t.Parallel()
				keys := elements(1, tt.keys)
				s, r := net.Pipe()
				p := params(tt.room, semiHonest)
				o := over(t.Context(), s, r, keys, p, p)
				if o.errS != nil || o.errR != nil {
					t.Fatal(o.errS, o.errR)
				}
				got := make([]Element, tt.keys)
				o.function.Evaluate(got, keys)
				if diff := cmp.Diff(o.values, got); diff != "" {
					t.Fatalf("values (-receiver +sender):\n%s", diff)
				}
				others := elements(2, tt.keys+100)
				elsewhere := make([]Element, len(others))
				o.function.Evaluate(elsewhere, others)
				seen := map[Element]bool{}
				for _, v := range append(elsewhere, o.values...) {
					seen[v] = true
				}
				if len(seen) != 2*tt.keys+100 {
					t.Errorf("%d different values at %d keys", len(seen), 2*tt.keys+100)
				}
			})
		}
	}
}

// No two runs have the same function, even on the same keys and session.
func TestRunsAreFresh(t *testing.T) {
	keys, p := elements(1, 50), params(50, false)
	seen := map[Element]bool{}
	for range 2 {
		s, r := net.Pipe()
		o := over(t.Context(), s, r, keys, p, p)
		if o.errS != nil || o.errR != nil {
			t.Fatal(o.errS, o.errR)
		}
		for _, v := range o.values {
			seen[v] = true
		}
	}
	if len(seen) != 100 {
		t.Errorf("%d different values in two runs at 50 keys", len(seen))
	}
}

func TestArguments(t *testing.T) {
	for _, p := range []*Params{{Keys: -1, Lambda: 40}, {Keys: 3}, {Keys: okvs.MaxKeys + 1, Lambda: 40}, {Keys: 3, Lambda: 129}} {
		if _, err := Send(nil, testKind, p); !errors.Is(err, okvs.ErrParameters) {
			t.Errorf("Send(%+v): %v", p, err)
		}
		if _, err := Receive(nil, testKind, nil, p); !errors.Is(err, okvs.ErrParameters) {
			t.Errorf("Receive(%+v): %v", p, err)
		}
	}
	for name, keys := range map[string][]Element{"too many": elements(1, 4), "equal": {{Lo: 1}, {Lo: 2}, {Lo: 1}}} {
		s, r := net.Pipe()
		p := params(3, false)
		o := over(t.Context(), s, r, keys, p, p)
		if !errors.Is(o.errR, okvs.ErrLengths) && !errors.Is(o.errR, okvs.ErrDuplicate) || !errors.Is(o.errS, wire.ErrAlert) {
			t.Errorf("%s keys: receiver: %v; sender: %v", name, o.errR, o.errS)
		}
	}
}

// What the sender has committed to is what it opens.
func TestCommitment(t *testing.T) {
	const opening = 4 // commitment, points, trees, proof, opening
	flip := wiretest.Payload(func(p []byte) []byte { p[0] ^= 1; return p })
	for name, tt := range map[string]struct {
		frame  int
		change func([]byte) []byte
		want   error
	}{
		"changed commitment": {0, flip, ErrCommitment},
		"changed opening":    {opening, flip, ErrCommitment},
		"cut commitment":     {0, wiretest.Cut, wire.ErrLength},
		"changed receipt":    {opening, wiretest.Payload(func(p []byte) []byte { p[len(p)-1] ^= 1; return p }), ErrSeeds},
		"cut opening":        {opening, wiretest.Cut, wire.ErrLength},
	} {
		s, r := net.Pipe()
		p := params(30, false)
		o := over(t.Context(), s, &wiretest.Tamper{Conn: r, Frame: tt.frame, Change: tt.change}, elements(1, 30), p, p)
		if !errors.Is(o.errR, tt.want) || o.values != nil {
			t.Errorf("%s: %v, want %v", name, o.errR, tt.want)
		}
	}
}

// The bound is what its inequality says, and a small multiple of the slots.
func TestMaxKeys(t *testing.T) {
	for _, slots := range []int{10, 1000, 20_771, 1_344_128, 1 << 26} {
		k := MaxKeys(slots)
		if holds(k-2, slots) || !holds(k, slots) {
			t.Errorf("%d slots: %d is not the least bound", slots, k)
		}
		if k < slots || k > 3*slots+10 {
			t.Errorf("%d slots: %d keys", slots, k)
		}
	}
}

// holds reports whether k keys have a chance of 2^-40 at most.
func holds(k, slots int) bool {
	n := float64(k)
	return n*(80+1.4426950408889634-math.Log2(n))+80 <= 128*float64(k-slots)-40
}

// Bytes of any kind end a side's run in an error.
func FuzzPeer(f *testing.F) {
	f.Add([]byte{}, true, true)
	f.Add([]byte{byte(testKind), 0, 0, 0, 0}, false, false)
	f.Add(append([]byte{byte(testKind + kindCommitment), 0, 0, 0, 32}, make([]byte, 64)...), false, false)
	f.Add(append([]byte{byte(testKind + kindSeeds), 0, 0, 0, 16}, make([]byte, 64)...), true, true)
	f.Fuzz(func(t *testing.T, in []byte, send, semiHonest bool) {
		c := wire.Open(t.Context(), script{bytes.NewReader(in), io.Discard})
		var err error
		if send {
			_, err = Send(c, testKind, params(3, semiHonest))
		} else {
			_, err = Receive(c, testKind, elements(1, 3), params(3, semiHonest))
		}
		if c.Close(err) == nil {
			t.Error("a script made a run")
		}
	})
}

// script is a peer that says what it has to say, and listens to nothing.
type script struct {
	io.Reader
	io.Writer
}

func BenchmarkOPRF(b *testing.B) {
	for _, n := range []int{1 << 14, 1 << 20} {
		for _, weight := range []int{7, 21} {
			b.Run(fmt.Sprintf("n=%d/code=%dx24", n, weight), func(b *testing.B) {
				p := params(n, true)
				p.Code = vole.Code{Weight: weight}
				keys, values := elements(1, n), make([]Element, n)
				for b.Loop() {
					s, r := net.Pipe()
					o := over(b.Context(), s, r, keys, p, p)
					if o.errS != nil || o.errR != nil {
						b.Fatal(o.errS, o.errR)
					}
					o.function.Evaluate(values, keys)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/key")
			})
		}
	}
}
