package psi_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comity-prl/comity/psi"
)

// Every suite must pass the tests of this file: a new one is covered as soon as
// psi.Suites lists it.

var binding = psi.Binding{Epoch: "2026-Q4", Config: [32]byte{1}, Key: [32]byte{2}}

func item(n int) [32]byte {
	return sha256.Sum256(binary.BigEndian.AppendUint64([]byte("item"), uint64(n)))
}

// items returns the items numbered from lo to hi-1.
func items(lo, hi int) [][32]byte {
	var xs [][32]byte
	for n := lo; n < hi; n++ {
		xs = append(xs, item(n))
	}
	return xs
}

func params(s psi.Suite) *psi.Params {
	return &psi.Params{Suite: s, MaxSender: 1 << 22, MaxReceiver: 1 << 22, Session: []byte("test")}
}

type outcome struct {
	result  *psi.Result
	handles *psi.Handles
	errR    error
	errS    error
}

// both runs both sides over a pipe without any buffer, so that a side which
// writes while it ought to read blocks for ever.
func both(ctx context.Context, pr, ps *psi.Params, receiver, sender *psi.Set) outcome {
	r, s := net.Pipe()
	return over(ctx, r, s, pr, ps, receiver, sender)
}

func over(ctx context.Context, r, s io.ReadWriteCloser, pr, ps *psi.Params, receiver, sender *psi.Set) outcome {
	var o outcome
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer s.Close()
		o.handles, o.errS = psi.Send(ctx, s, ps, sender)
	}()
	o.result, o.errR = psi.Receive(ctx, r, pr, receiver)
	r.Close()
	<-done
	return o
}

// pairs turns an outcome into (receiver's item, sender's item), by the handles
// that the sender keeps.
func (o outcome) pairs(t *testing.T) [][2]int {
	t.Helper()
	if o.errR != nil || o.errS != nil {
		t.Fatalf("receiver: %v; sender: %v", o.errR, o.errS)
	}
	byHandle := map[uint32][]int{}
	for h, i := range o.handles.All() {
		byHandle[h] = append(byHandle[h], i)
	}
	var got [][2]int
	for m := range o.result.All() {
		if len(byHandle[m.Handle]) == 0 {
			t.Fatalf("handle %d is not the sender's", m.Handle)
		}
		for _, i := range byHandle[m.Handle] {
			got = append(got, [2]int{m.Item, i})
		}
	}
	slices.SortFunc(got, func(a, b [2]int) int { return slices.Compare(a[:], b[:]) })
	return got
}

// joined is the same in the clear.
func joined(receiver, sender [][32]byte) [][2]int {
	at := map[[32]byte][]int{}
	for i, x := range sender {
		at[x] = append(at[x], i)
	}
	var want [][2]int
	for i, x := range receiver {
		for _, j := range at[x] {
			want = append(want, [2]int{i, j})
		}
	}
	return want
}

func eachSuite(t *testing.T, f func(t *testing.T, s psi.Suite)) {
	for _, s := range psi.Suites() {
		t.Run("suite="+s.String(), func(t *testing.T) { f(t, s) })
	}
}

var workloads = []struct {
	name             string
	receiver, sender [][32]byte
}{
	{"both empty", nil, nil},
	{"empty receiver", nil, items(0, 3)},
	{"empty sender", items(0, 3), nil},
	{"one and the same", items(0, 1), items(0, 1)},
	{"one and another", items(0, 1), items(1, 2)},
	{"none shared", items(0, 50), items(50, 90)},
	{"all shared", items(0, 50), items(0, 50)},
	{"all but one shared", items(0, 50), items(1, 51)},
	{"one against many", items(700, 701), items(0, 1500)},
	{"many against one", items(0, 1500), items(700, 701)},
	{"over a batch", items(0, 1100), items(1000, 2100)},
	{"duplicates", slices.Concat(items(0, 4), items(2, 6)), slices.Concat(items(3, 9), items(3, 5))},
}

func TestIntersection(t *testing.T) {
	eachSuite(t, func(t *testing.T, s psi.Suite) {
		for _, tt := range workloads {
			t.Run(tt.name, func(t *testing.T) {
				t.Parallel()
				r, sn := psi.NewSet(tt.receiver, binding), psi.NewSet(tt.sender, binding)
				o := both(t.Context(), params(s), params(s), r, sn)
				if diff := cmp.Diff(joined(tt.receiver, tt.sender), o.pairs(t)); diff != "" {
					t.Errorf("pairs (-want +got):\n%s", diff)
				}
				if o.result.PeerSize != sn.Len() || o.handles.PeerSize != r.Len() {
					t.Errorf("sizes %d and %d, want %d and %d", o.result.PeerSize, o.handles.PeerSize, sn.Len(), r.Len())
				}
			})
		}
	})
}

// Random workloads with duplicates: every suite must agree with a join in the clear.
func TestRandomWorkloads(t *testing.T) {
	eachSuite(t, func(t *testing.T, s psi.Suite) {
		for seed := range uint64(4) {
			t.Run(fmt.Sprint(seed), func(t *testing.T) {
				t.Parallel()
				rng := rand.New(rand.NewPCG(seed, 1))
				draw := func() [][32]byte {
					xs := make([][32]byte, rng.IntN(300))
					for i := range xs {
						xs[i] = item(rng.IntN(200))
					}
					return xs
				}
				receiver, sender := draw(), draw()
				o := both(t.Context(), params(s), params(s), psi.NewSet(receiver, binding), psi.NewSet(sender, binding))
				if diff := cmp.Diff(joined(receiver, sender), o.pairs(t)); diff != "" {
					t.Errorf("pairs (-want +got):\n%s", diff)
				}
			})
		}
	})
}

// The sender's order must not show in the handles, and two runs must not repeat
// an order or a byte of masked material.
func TestRunsAreFresh(t *testing.T) {
	eachSuite(t, func(t *testing.T, s psi.Suite) {
		set := psi.NewSet(items(0, 200), binding)
		var orders [2][]int
		var wires [2]recording
		for i := range orders {
			r, sn := net.Pipe()
			wires[i].ReadWriteCloser = r
			o := over(t.Context(), &wires[i], sn, params(s), params(s), set, set)
			if o.errR != nil || o.errS != nil {
				t.Fatal(o.errR, o.errS)
			}
			for _, place := range o.handles.All() {
				orders[i] = append(orders[i], place)
			}
		}
		if slices.Equal(orders[0], orders[1]) || slices.IsSorted(orders[0]) {
			t.Error("the sender's list was not shuffled afresh")
		}
		for _, window := range chunks(wires[0].read.Bytes(), 32) {
			if bytes.Contains(wires[1].read.Bytes(), window) && !bytes.Contains(window, binding.Config[:8]) {
				t.Fatal("two runs sent the same 32 bytes")
			}
		}
	})
}

// recording keeps what was read from a stream, after the opening frames.
type recording struct {
	io.ReadWriteCloser
	read bytes.Buffer
}

func (r *recording) Read(p []byte) (int, error) {
	n, err := r.ReadWriteCloser.Read(p)
	r.read.Write(p[:n])
	return n, err
}

// chunks cuts the last half of b, which is past the opening, in pieces of n bytes.
func chunks(b []byte, n int) [][]byte { return slices.Collect(slices.Chunk(b[len(b)/2:], n)) }

func TestProgressReachesTheTotal(t *testing.T) {
	eachSuite(t, func(t *testing.T, s psi.Suite) {
		last := map[string]psi.Progress{}
		p := params(s)
		p.Progress = func(pr psi.Progress) {
			if pr.Done < last[pr.Step].Done || pr.Done > pr.Total {
				t.Errorf("progress went from %+v to %+v", last[pr.Step], pr)
			}
			last[pr.Step] = pr
		}
		o := both(t.Context(), p, params(s), psi.NewSet(items(0, 1500), binding), psi.NewSet(items(0, 20), binding))
		o.pairs(t)
		if len(last) == 0 {
			t.Error("no progress was reported")
		}
		for step, pr := range last {
			if pr.Done != pr.Total {
				t.Errorf("%s ended at %d of %d", step, pr.Done, pr.Total)
			}
		}
	})
}

// A set may serve several runs at once.
func TestSetIsShared(t *testing.T) {
	eachSuite(t, func(t *testing.T, s psi.Suite) {
		set := psi.NewSet(items(0, 40), binding)
		for range 3 {
			t.Run("", func(t *testing.T) {
				t.Parallel()
				o := both(t.Context(), params(s), params(s), set, set)
				if n := len(o.pairs(t)); n != 40 {
					t.Errorf("%d pairs, want 40", n)
				}
			})
		}
	})
}
