package okvs

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"math/big"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comity-prl/comity/internal/gf128"
)

// The table is most of what the protocol above sends, so its size is pinned.
func TestLen(t *testing.T) {
	got := map[int]int{}
	for _, n := range []int{0, 1, 1 << 10, 1 << 12, 1 << 14, 1 << 16, 1 << 18, 1 << 20, 1 << 24} {
		got[n] = layout(t, n, 40, 1).Len()
	}
	want := map[int]int{
		0: 22, 1: 22, 1 << 10: 1472, 1 << 12: 5415, 1 << 14: 20785, 1 << 16: 81535,
		1 << 18: 334396, 1 << 20: 1343232, 1 << 24: 21567744,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Sizes are the same on every machine. Package math's functions gave the first of
// these another size with GOAMD64=v3 than without.
func TestSizesArePortable(t *testing.T) {
	if l := layout(t, 622473821, 41, 1); l.capacity != 67698 || l.sparse != 84594 || l.dense != 3 {
		t.Errorf("%d keys to a bin, in %d sparse and %d dense slots", l.capacity, l.sparse, l.dense)
	}
	sizes := sha256.New()
	for lambda := 1; lambda <= MaxLambda; lambda += 13 {
		for n := 1; n < MaxKeys; n += 1 + n/100 {
			l := layout(t, n, lambda, 1)
			fmt.Fprintln(sizes, n, lambda, l.bins, l.capacity, l.sparse, l.dense)
		}
	}
	if got := fmt.Sprintf("%x", sizes.Sum(nil)); got != "7f6bc9640af74ca32c245b623f5bfe044b64f01e580473447dc191d837282a18" {
		t.Errorf("the sizes have the hash %s", got)
	}
}

// The functions that sizes are made of, against those of package math, whose error
// is below a unit in the last place or two.
func TestFloat(t *testing.T) {
	close := func(name string, x, got, want float64) {
		if math.Abs(got-want) > 1e-15*max(1, math.Abs(want)) {
			t.Errorf("%s(%v) = %v, want %v", name, x, got, want)
		}
	}
	for x := 1e-9; x < 1e12; x *= 1.0137 {
		close("log2", x, log2(x), math.Log2(x))
	}
	for x := -20.0; x < 40; x += 0.0137 {
		close("exp2", x, exp2(x), math.Exp2(x))
	}
	for i := range 40 {
		if x := math.Ldexp(1, i); exp2(float64(i)) != x || log2(x) != float64(i) {
			t.Errorf("2^%d: %v, and its logarithm %v", i, exp2(float64(i)), log2(x))
		}
	}
}

// Len tells nothing but n and λ.
func TestLenIgnoresSeed(t *testing.T) {
	for _, n := range []int{10, 1 << 14, 1 << 18} {
		if a, b := layout(t, n, 40, 1).Len(), layout(t, n, 40, 2).Len(); a != b {
			t.Errorf("n=%d: %d slots under one seed, %d under another", n, a, b)
		}
	}
}

func TestParameters(t *testing.T) {
	for _, p := range []struct {
		n, lambda int
		ok        bool
	}{
		{0, 40, true}, {1, 1, true}, {MaxKeys, MaxLambda, true},
		{-1, 40, false}, {MaxKeys + 1, 40, false}, {10, 0, false}, {10, -1, false}, {10, MaxLambda + 1, false},
	} {
		_, err := NewLayout(p.n, p.lambda, gf128.Element{})
		if (err == nil) != p.ok || err != nil && !errors.Is(err, ErrParameters) {
			t.Errorf("n=%d λ=%d: %v", p.n, p.lambda, err)
		}
	}
}

// Whatever the parameters: three distinct positions exist, there is a dense slot,
// and a mask of 64 bits has one for each.
func TestBounds(t *testing.T) {
	for _, lambda := range []int{1, 2, 40, MaxLambda} {
		for n := 0; n < 1<<22; n += 1 + n/7 {
			l := layout(t, n, lambda, 1)
			if l.sparse < 3 || l.sparse < l.capacity || l.dense < 1 || l.dense > 64 {
				t.Fatalf("n=%d λ=%d: %d sparse and %d dense slots for %d keys", n, lambda, l.sparse, l.dense, l.capacity)
			}
			if l.bins*l.capacity < n || l.capacity > n || l.sparse >= 1<<18 {
				t.Fatalf("n=%d λ=%d: %d bins of %d keys in %d sparse slots", n, lambda, l.bins, l.capacity, l.sparse)
			}
		}
	}
}

// tail is the exact probability that one of so many bins gets more than c of n keys.
func tail(n, bins, c int) *big.Rat {
	sum := new(big.Int)
	for k := c + 1; k <= n; k++ {
		ways := new(big.Int).Binomial(int64(n), int64(k))
		others := new(big.Int).Exp(big.NewInt(int64(bins-1)), big.NewInt(int64(n-k)), nil)
		sum.Add(sum, ways.Mul(ways, others))
	}
	return new(big.Rat).SetFrac(sum, new(big.Int).Exp(big.NewInt(int64(bins)), big.NewInt(int64(n)), nil))
}

func ratLog2(r *big.Rat) float64 {
	m := new(big.Float).SetRat(r)
	exp := m.MantExp(m)
	f, _ := m.Float64()
	return math.Log2(f) + float64(exp)
}

func TestOverflow(t *testing.T) {
	for _, p := range []struct{ n, bins int }{{1, 2}, {10, 2}, {100, 4}, {333, 7}, {400, 2}, {400, 16}} {
		for c := p.n / p.bins; c < p.n; c += 1 + p.n/20 {
			got, exact := overflow(p.n, p.bins, c), ratLog2(tail(p.n, p.bins, c))
			if got < exact-1e-6 {
				t.Errorf("n=%d bins=%d c=%d: bound 2^%f, but it is 2^%f", p.n, p.bins, c, got, exact)
			}
			// Close to the mean the geometric series is far from the tail.
			if exact < -20 && got > exact+0.5 {
				t.Errorf("n=%d bins=%d c=%d: bound 2^%f is loose, it is 2^%f", p.n, p.bins, c, got, exact)
			}
		}
		for _, lambda := range []float64{10, 40} {
			c := Capacity(p.n, p.bins, lambda)
			if c < p.n && ratLog2(tail(p.n, p.bins, c)) > -lambda {
				t.Errorf("n=%d bins=%d: capacity %d overflows too often for λ=%v", p.n, p.bins, c, lambda)
			}
			if lower := c - 2; lower > p.n/p.bins && ratLog2(tail(p.n, p.bins, lower)) <= -lambda {
				t.Errorf("n=%d bins=%d: capacity %d is wasteful for λ=%v", p.n, p.bins, c, lambda)
			}
		}
	}
}

// positions must be three distinct slots, each slot as likely as any other.
func TestPositions(t *testing.T) {
	for _, sparse := range []int{3, 4, 5, 100} {
		t.Run(fmt.Sprintf("sparse=%d", sparse), func(t *testing.T) {
			l := &Layout{bins: 5, sparse: sparse}
			counts, bins := make([][3]int, sparse), make([]int, l.bins)
			const n = 1 << 16
			for _, h := range random(1, n) {
				p := l.positions(h)
				if p[0] == p[1] || p[1] == p[2] || p[0] == p[2] || max(p[0], p[1], p[2]) >= uint32(sparse) {
					t.Fatalf("positions %v of %d", p, sparse)
				}
				for j, v := range p {
					counts[v][j]++
				}
				bins[l.bin(h)]++
			}
			even := func(what string, count, of int) {
				mean := float64(n) / float64(of)
				if d := math.Abs(float64(count) - mean); d > 6*math.Sqrt(mean) {
					t.Errorf("%s: %d times, want about %.0f", what, count, mean)
				}
			}
			for v, c := range counts {
				for j := range c {
					even(fmt.Sprintf("slot %d as position %d", v, j), c[j], sparse)
				}
			}
			for b, c := range bins {
				even(fmt.Sprintf("bin %d", b), c, l.bins)
			}
		})
	}
	extremes := &Layout{bins: 9, sparse: 7}
	for _, word := range []uint64{0, 1<<32 - 1} {
		h := gf128.Element{Lo: word<<32 | word, Hi: word<<32 | word}
		if b := extremes.bin(h); b != int(word>>31)*8 {
			t.Errorf("%x: bin %d", word, b)
		}
		if diff := cmp.Diff(map[uint64][3]uint32{0: {0, 1, 2}, 1<<32 - 1: {6, 5, 4}}[word], extremes.positions(h)); diff != "" {
			t.Errorf("%x (-want +got):\n%s", word, diff)
		}
	}
}
