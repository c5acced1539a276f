package bloomlink_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comity-prl/comity/bloomlink"
)

const length = 256 // bits

var binding = bloomlink.Binding{Epoch: "2026-Q4", Config: [32]byte{1}, Length: length, Key: [32]byte{2}}

// encodings returns random ones, numbered from lo to hi-1; two of different numbers
// have little in common.
func encodings(lo, hi int) []bloomlink.Encoding {
	xs := make([]bloomlink.Encoding, 0, hi-lo)
	for n := lo; n < hi; n++ {
		r := rand.New(rand.NewPCG(uint64(n), 99))
		x := make(bloomlink.Encoding, length/64)
		for i := range x {
			x[i] = r.Uint64() & r.Uint64()
		}
		xs = append(xs, x)
	}
	return xs
}

// damaged returns copies with a few bits more.
func damaged(xs []bloomlink.Encoding, seed uint64) []bloomlink.Encoding {
	r := rand.New(rand.NewPCG(seed, 98))
	out := make([]bloomlink.Encoding, len(xs))
	for i, x := range xs {
		out[i] = slices.Clone(x)
		for range r.IntN(4) {
			out[i][r.IntN(len(x))] |= 1 << r.IntN(64)
		}
	}
	return out
}

func set(t testing.TB, xs []bloomlink.Encoding) *bloomlink.Set { return bound(t, xs, binding) }

func bound(t testing.TB, xs []bloomlink.Encoding, b bloomlink.Binding) *bloomlink.Set {
	t.Helper()
	s, err := bloomlink.NewSet(xs, b)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// party is what an owner brings, and what comes of it.
type party struct {
	set    *bloomlink.Set
	params *bloomlink.Params
	wrap   func(net.Conn) io.ReadWriter // around the owner's end of the stream

	groups *bloomlink.Groups
	err    error
}

// trial is one run of three parties over pipes without any buffer, so that a party
// which writes while it ought to read blocks for ever.
type trial struct {
	a, b   party
	params *bloomlink.UnitParams
	wrap   func(net.Conn) io.ReadWriter // around the unit's end of the stream to A

	sum *bloomlink.Summary
	err error
}

func newTrial(a, b *bloomlink.Set) *trial {
	owner := func(s *bloomlink.Set, session string) party {
		return party{set: s, params: &bloomlink.Params{MaxRows: 1 << 20, Threshold: 0.8, Session: []byte(session)}}
	}
	return &trial{
		a: owner(a, "session A"), b: owner(b, "session B"),
		params: &bloomlink.UnitParams{
			Length: length, Threshold: 0.8, MaxA: 1 << 20, MaxB: 1 << 20,
			SessionA: []byte("session A"), SessionB: []byte("session B"),
		},
	}
}

func (r *trial) run(ctx context.Context) *trial {
	var unit [2]net.Conn
	done := make(chan struct{}, 2)
	for i, p := range []*party{&r.a, &r.b} {
		var own net.Conn
		own, unit[i] = net.Pipe()
		var rw io.ReadWriter = own
		if p.wrap != nil {
			rw = p.wrap(own)
		}
		go func() {
			p.groups, p.err = bloomlink.Submit(ctx, rw, p.params, p.set)
			own.Close()
			done <- struct{}{}
		}()
	}
	var a io.ReadWriter = unit[0]
	if r.wrap != nil {
		a = r.wrap(unit[0])
	}
	r.sum, r.err = bloomlink.Link(ctx, a, unit[1], r.params)
	unit[0].Close()
	unit[1].Close()
	<-done
	<-done
	return r
}

// start begins a run and returns what waits for it. A party that fails gives its
// peer a second to read why, which a pipe's peer may not do: tests of failures run
// side by side.
func (r *trial) start(ctx context.Context) (wait func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.run(ctx)
	}()
	return func() { <-done }
}

// pairs turns an outcome into pairs of rows.
func (r *trial) pairs(t *testing.T) [][2]int {
	t.Helper()
	if r.a.err != nil || r.b.err != nil || r.err != nil {
		t.Fatalf("A: %v; B: %v; unit: %v", r.a.err, r.b.err, r.err)
	}
	rows := map[uint32]int{}
	for m := range r.b.groups.All() {
		rows[m.Group] = m.Row
	}
	got := [][2]int{}
	for m := range r.a.groups.All() {
		row, ok := rows[m.Group]
		if !ok {
			t.Fatalf("B has no row in group %d", m.Group)
		}
		got = append(got, [2]int{m.Row, row})
	}
	n := len(got)
	if r.b.groups.Len() != n || r.a.groups.Len() != n || r.sum.Groups != n || len(rows) != n {
		t.Errorf("%d, %d and %d groups", r.a.groups.Len(), r.b.groups.Len(), r.sum.Groups)
	}
	want := bloomlink.Summary{A: r.a.set.Len(), B: r.b.set.Len(), Groups: n}
	if diff := cmp.Diff(want, *r.sum); diff != "" {
		t.Errorf("summary (-want +got):\n%s", diff)
	}
	if r.a.groups.PeerSize != want.B || r.b.groups.PeerSize != want.A {
		t.Errorf("sizes %d and %d", r.a.groups.PeerSize, r.b.groups.PeerSize)
	}
	return got
}

// inTheClear is what a run must find where no two scores of a row tie.
func inTheClear(t *testing.T, a, b []bloomlink.Encoding) [][2]int {
	t.Helper()
	index := func(xs []bloomlink.Encoding) *bloomlink.Index {
		x, err := bloomlink.NewIndex(xs, &bloomlink.IndexOptions{Length: length})
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	var pairs []bloomlink.Pair
	for p, err := range bloomlink.Pairs(t.Context(), index(a), index(b), 0.8) {
		if err != nil {
			t.Fatal(err)
		}
		pairs = append(pairs, p)
	}
	want := [][2]int{}
	for _, p := range bloomlink.Assign(pairs) {
		want = append(want, [2]int{p.A, p.B})
	}
	return want
}

func TestLink(t *testing.T) {
	base := encodings(0, 600)
	tests := []struct {
		name string
		a, b []bloomlink.Encoding
		want int // groups
	}{
		{"both empty", nil, nil, 0},
		{"A empty", nil, base[:3], 0},
		{"B empty", base[:3], nil, 0},
		{"one and the same", base[:1], base[:1], 1},
		{"one and another", base[:1], base[1:2], 0},
		{"none alike", base[:300], base[300:], 0},
		{"all the same", base[:300], base[:300], 300},
		{"some alike", base[:400], damaged(base[250:], 1), 150},
		{"one against many", base[500:501], base, 1},
		{"many against one", base, base[500:501], 1},
		{"without a bit", []bloomlink.Encoding{make(bloomlink.Encoding, 4)}, []bloomlink.Encoding{make(bloomlink.Encoding, 4)}, 0},
		{"over a frame", encodings(0, 5000), encodings(2000, 7000), 3000},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := newTrial(set(t, tt.a), set(t, tt.b)).run(t.Context()).pairs(t)
			if len(got) != tt.want {
				t.Errorf("%d groups, want %d", len(got), tt.want)
			}
			if diff := cmp.Diff(inTheClear(t, tt.a, tt.b), got); diff != "" {
				t.Errorf("pairs of rows (-want +got):\n%s", diff)
			}
		})
	}
}

// Rows that are all alike still make one-to-one groups, as many as there can be at
// most, and at least one.
func TestAllAlike(t *testing.T) {
	one := encodings(0, 1)
	a, b := slices.Repeat(one, 300), slices.Repeat(one, 200)
	if n := len(newTrial(set(t, a), set(t, b)).run(t.Context()).pairs(t)); n < 1 || n > 200 {
		t.Errorf("%d groups", n)
	}
}

// The unit and the other owner must learn nothing from an order: rows travel in a
// fresh one, and group numbers tell nothing of rows.
func TestOrdersAreFresh(t *testing.T) {
	base := encodings(0, 200)
	var orders, numbers [2][]uint32
	var wires [2][]byte
	for i := range orders {
		r := newTrial(set(t, base), set(t, base))
		var seen bytes.Buffer
		r.wrap = func(c net.Conn) io.ReadWriter { return recording{c, &seen} }
		r.run(t.Context()).pairs(t)
		for m := range r.a.groups.All() {
			numbers[i] = append(numbers[i], m.Group)
		}
		wires[i] = seen.Bytes()
		if slices.IsSorted(numbers[i]) {
			t.Error("group numbers are in the order of rows")
		}
		var at []int
		for _, x := range base {
			var row []byte
			for _, w := range x {
				for s := range 8 {
					row = append(row, byte(w>>(8*s)))
				}
			}
			at = append(at, bytes.Index(wires[i], row))
		}
		if slices.Contains(at, -1) || slices.IsSorted(at) {
			t.Error("rows did not travel, or in their own order")
		}
		for _, p := range at {
			orders[i] = append(orders[i], uint32(p))
		}
	}
	if slices.Equal(orders[0], orders[1]) || slices.Equal(numbers[0], numbers[1]) {
		t.Error("two runs have one order")
	}
	for _, w := range wires {
		if bytes.Contains(w, binding.Key[:]) {
			t.Error("the key travelled")
		}
	}
}

// recording is a connection that keeps a copy of what it reads.
type recording struct {
	net.Conn
	seen *bytes.Buffer
}

func (d recording) Read(p []byte) (int, error) {
	n, err := d.Conn.Read(p)
	d.seen.Write(p[:n])
	return n, err
}

func TestProgressReachesTheTotal(t *testing.T) {
	r := newTrial(set(t, encodings(0, 3000)), set(t, encodings(0, 2500)))
	var mu sync.Mutex
	last := map[string]bloomlink.Progress{}
	watch := func(who string) func(bloomlink.Progress) {
		return func(p bloomlink.Progress) { // of three parties, each in goroutines of its own
			key := who + " " + p.Step
			mu.Lock()
			defer mu.Unlock()
			if p.Done < last[key].Done || p.Done > p.Total {
				t.Errorf("progress went from %+v to %+v", last[key], p)
			}
			last[key] = p
		}
	}
	r.a.params.Progress, r.b.params.Progress, r.params.Progress = watch("A"), watch("B"), watch("unit")
	r.run(t.Context()).pairs(t)
	want := map[string]bloomlink.Progress{
		"A send":       {Step: "send", Done: 3000, Total: 3000},
		"B send":       {Step: "send", Done: 2500, Total: 2500},
		"unit receive": {Step: "receive", Done: 5500, Total: 5500},
		"unit compare": {Step: "compare", Done: 5500, Total: 5500},
	}
	if diff := cmp.Diff(want, last); diff != "" {
		t.Errorf("last reports (-want +got):\n%s", diff)
	}
}

// A set may serve several runs at once.
func TestSetIsShared(t *testing.T) {
	s := set(t, encodings(0, 100))
	for i := range 3 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			if n := len(newTrial(s, s).run(t.Context()).pairs(t)); n != 100 {
				t.Errorf("%d groups, want 100", n)
			}
		})
	}
}
