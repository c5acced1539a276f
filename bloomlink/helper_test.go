package bloomlink

import (
	"bytes"
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func testSchema() *Schema {
	return &Schema{Length: 1024, Features: []Feature{
		{Name: "given_name", Q: 2, Bits: 10}, {Name: "family_name", Q: 2, Bits: 10}, {Name: "birth_date", Q: 2, Bits: 10},
	}}
}

// testEncoder has a secret of its own for every number, and hardens nothing.
func testEncoder(t testing.TB, s *Schema, secret byte) *Encoder {
	t.Helper()
	return hardenedEncoder(t, s, secret, &Hardening{})
}

func hardenedEncoder(t testing.TB, s *Schema, secret byte, h *Hardening) *Encoder {
	t.Helper()
	o := &EncoderOptions{Hardening: h, NoiseKey: bytes.Repeat([]byte{^secret}, MinSecret)}
	e, err := NewEncoder(s, bytes.Repeat([]byte{secret}, MinSecret), o)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func encode(t testing.TB, e *Encoder, values ...string) Encoding {
	t.Helper()
	x, err := e.Encode(values)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// people returns the encodings of n made-up persons. The first half are the same
// persons for every seed, but for a letter of their names.
func people(t testing.TB, n int, seed uint64) []Encoding {
	t.Helper()
	e := testEncoder(t, testSchema(), 1)
	same, own := rand.New(rand.NewPCG(1, 1)), rand.New(rand.NewPCG(seed, 2))
	word := func(r *rand.Rand) string {
		var b strings.Builder
		for range 2 + r.IntN(3) {
			b.WriteByte("bcdfghjklmnprstvz"[r.IntN(17)])
			b.WriteByte("aeiou"[r.IntN(5)])
		}
		return b.String()
	}
	xs := make([]Encoding, n)
	for i := range xs {
		r := same
		if i >= n/2 {
			r = own
		}
		given, family := word(r), word(r)
		date := fmt.Sprintf("%d%02d%02d", 1940+r.IntN(70), 1+r.IntN(12), 1+r.IntN(28))
		if i < n/2 {
			at := own.IntN(len(family))
			family = family[:at] + "x" + family[at+1:]
		}
		xs[i] = encode(t, e, given, family, date)
	}
	return xs
}

func testIndex(t testing.TB, xs []Encoding) *Index {
	t.Helper()
	x, err := NewIndex(xs, nil)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func sortPairs(pairs []Pair) {
	slices.SortFunc(pairs, func(p, q Pair) int { return cmp.Or(cmp.Compare(p.A, q.A), cmp.Compare(p.B, q.B)) })
}

// collect returns the pairs in ascending order of A, then B.
func collect(t testing.TB, a, b *Index, threshold float64) []Pair {
	t.Helper()
	pairs := joined(t, a, b, threshold, nil)
	sortPairs(pairs)
	return pairs
}

// methods are the ways to make pairs one-to-one.
var methods = []struct {
	name   string
	assign func([]Pair) []Pair
}{{"mutual", Assign}, {"greedy", AssignGreedy}, {"optimal", AssignOptimal}}
