package okvs

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comity-prl/comity/internal/gf128"
)

func random(seed uint64, n int) []gf128.Element {
	r := rand.New(rand.NewPCG(seed, 0))
	xs := make([]gf128.Element, n)
	for i := range xs {
		xs[i] = gf128.Element{Lo: r.Uint64(), Hi: r.Uint64()}
	}
	return xs
}

func layout(t testing.TB, n, lambda int, seed uint64) *Layout {
	t.Helper()
	l, err := NewLayout(n, lambda, gf128.Element{Lo: seed})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func decoded(l *Layout, table, keys []gf128.Element) []gf128.Element {
	dst := make([]gf128.Element, len(keys))
	l.Decode(dst, table, keys)
	return dst
}

func TestIdentity(t *testing.T) {
	for _, n := range []int{0, 1, 2, 3, 4, 10, 63, 64, 65, 100, 129, 1000, 1 << 14, 1<<16 + 77, 1<<17 + 5} {
		t.Run(fmt.Sprintf("n=%d", n), func(t *testing.T) {
			l := layout(t, n, 40, uint64(n))
			keys, values := random(1, n), random(2, n)
			table, err := l.Encode(t.Context(), keys, values)
			if err != nil {
				t.Fatal(err)
			}
			if len(table) != l.Len() {
				t.Fatalf("%d slots, want %d", len(table), l.Len())
			}
			if !slices.Equal(values, decoded(l, table, keys)) {
				t.Error("decoded values are not those encoded")
			}
			// Again over the keys themselves.
			in := slices.Clone(keys)
			l.Decode(in, table, in)
			if !slices.Equal(values, in) {
				t.Error("decoding in place differs")
			}
		})
	}
}

// Keys and values need not look random: the seed's hash is what spreads them.
func TestStructured(t *testing.T) {
	const n = 5000
	l := layout(t, n, 40, 1)
	keys, values := make([]gf128.Element, n), make([]gf128.Element, n)
	for i := range keys {
		keys[i] = gf128.Element{Lo: uint64(i)}
	}
	for range 2 {
		table, err := l.Encode(t.Context(), keys, values)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(values, decoded(l, table, keys)) {
			t.Error("decoded values are not those encoded")
		}
		for i := range values {
			values[i] = gf128.Element{Hi: 1} // all equal the second time
		}
	}
}

// A layout takes fewer keys than it is for, and several bins with uneven loads.
func TestFewerKeys(t *testing.T) {
	l := layout(t, 1000, 40, 1)
	l.bins, l.capacity = 7, 300
	for _, n := range []int{0, 1, 50, 1000} {
		keys, values := random(1, n), random(2, n)
		table, err := l.Encode(t.Context(), keys, values)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(values, decoded(l, table, keys)); diff != "" {
			t.Errorf("%d keys (-want +got):\n%s", n, diff)
		}
	}
}

// What the protocol needs of Decode: at any keys, encoded or not, it is linear in
// the table, over the field. The dense slots take part.
func TestLinear(t *testing.T) {
	const n = 500
	l := layout(t, n, 40, 1)
	a, b, keys, delta := random(1, l.Len()), random(2, l.Len()), random(3, n), random(4, 1)[0]
	want := decoded(l, a, keys)
	gf128.MulAddTo(want, decoded(l, b, keys), delta)
	sum := slices.Clone(a)
	gf128.MulAddTo(sum, b, delta)
	if diff := cmp.Diff(want, decoded(l, sum, keys)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Decode is the inner product of the table with the row that the package describes.
func TestRow(t *testing.T) {
	l := layout(t, 100, 40, 1)
	l.bins = 3
	keys, table := random(1, 200), random(2, l.Len())
	hashes := make([]gf128.Element, len(keys))
	l.hash.Hash(hashes, keys)
	var want []gf128.Element
	for _, h := range hashes {
		row := make([]gf128.Element, l.Len())
		at := l.bin(h) * l.size()
		for _, p := range l.positions(h) {
			row[at+int(p)] = gf128.Element{Lo: 1}
		}
		power := h
		for j := range l.dense {
			row[at+l.sparse+j] = power
			power = power.Mul(h)
		}
		want = append(want, gf128.Dot(row, table))
	}
	if diff := cmp.Diff(want, decoded(l, table, keys)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestSeedMoves(t *testing.T) {
	const n = 100
	keys, table := random(1, n), random(2, layout(t, n, 40, 1).Len())
	if slices.Equal(decoded(layout(t, n, 40, 1), table, keys), decoded(layout(t, n, 40, 2), table, keys)) {
		t.Error("two seeds give the same rows")
	}
}

func TestDuplicates(t *testing.T) {
	tests := []struct {
		name string
		n    int
		dup  func(keys, values []gf128.Element)
	}{
		{"two keys", 2, func(keys, _ []gf128.Element) { keys[1] = keys[0] }},
		{"same value", 100, func(keys, values []gf128.Element) { keys[70], values[70] = keys[3], values[3] }},
		{"other value", 100, func(keys, _ []gf128.Element) { keys[70] = keys[3] }},
		{"zero keys", 100, func(keys, _ []gf128.Element) { keys[70], keys[3] = gf128.Element{}, gf128.Element{} }},
		{"all pairs", 1000, func(keys, _ []gf128.Element) { copy(keys[500:], keys[:500]) }},
		{"all equal", 1000, func(keys, _ []gf128.Element) { fill(keys) }},
		{"one among many bins", 1 << 18, func(keys, _ []gf128.Element) { keys[1<<17] = keys[9] }},
		{"all equal and over capacity", 1 << 18, func(keys, _ []gf128.Element) { fill(keys) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			keys, values := random(1, tt.n), random(2, tt.n)
			tt.dup(keys, values)
			if _, err := layout(t, tt.n, 40, 1).Encode(t.Context(), keys, values); !errors.Is(err, ErrDuplicate) {
				t.Errorf("Encode: %v, want %v", err, ErrDuplicate)
			}
		})
	}
}

func fill(keys []gf128.Element) {
	for i := range keys {
		keys[i] = keys[0]
	}
}

// A bin with more distinct keys than its capacity asks for another seed.
func TestBinOverflows(t *testing.T) {
	const n = 300
	l := layout(t, n, 40, 1)
	l.bins, l.capacity = 3, 60
	if _, err := l.Encode(t.Context(), random(1, n), random(2, n)); !errors.Is(err, ErrSeed) {
		t.Errorf("Encode: %v, want %v", err, ErrSeed)
	}
}

func TestLengths(t *testing.T) {
	l := layout(t, 10, 40, 1)
	for _, p := range []struct{ keys, values int }{{9, 10}, {10, 9}, {11, 11}} {
		if _, err := l.Encode(t.Context(), random(1, p.keys), random(2, p.values)); !errors.Is(err, ErrLengths) {
			t.Errorf("%d keys, %d values: %v, want %v", p.keys, p.values, err, ErrLengths)
		}
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, n := range []int{10, 1 << 17} {
		if _, err := layout(t, n, 40, 1).Encode(ctx, random(1, n), random(2, n)); !errors.Is(err, context.Canceled) {
			t.Errorf("n=%d: %v, want %v", n, err, context.Canceled)
		}
	}
}

// FuzzEncode takes any keys: it must find every duplicate, and decode what it encodes.
func FuzzEncode(f *testing.F) {
	f.Add(uint64(1), []byte{})
	f.Add(uint64(2), []byte("0123456789abcdef"))
	f.Add(uint64(3), []byte("0123456789abcdef0123456789abcdef"))
	f.Add(uint64(4), []byte("0123456789abcdef0123456789abcdeg----------------"))
	f.Add(uint64(5), binary.LittleEndian.AppendUint64(make([]byte, 40), 1))
	f.Fuzz(func(t *testing.T, seed uint64, data []byte) {
		keys := make([]gf128.Element, min(len(data)/gf128.Size, 200))
		gf128.Decode(keys, data)
		seen := map[gf128.Element]bool{}
		for _, k := range keys {
			seen[k] = true
		}
		l := layout(t, len(keys), 20, seed)
		values := random(seed, len(keys))
		table, err := l.Encode(t.Context(), keys, values)
		switch {
		case errors.Is(err, ErrDuplicate) != (len(seen) < len(keys)):
			t.Fatalf("%d of %d keys are distinct: %v", len(seen), len(keys), err)
		case errors.Is(err, ErrSeed), errors.Is(err, ErrDuplicate):
		case err != nil:
			t.Fatal(err)
		default:
			if diff := cmp.Diff(values, decoded(l, table, keys)); diff != "" {
				t.Fatalf("(-want +got):\n%s", diff)
			}
		}
	})
}
