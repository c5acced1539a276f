package bloomlink

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// brute is what Pairs must yield.
func brute(a, b []Encoding, threshold float64) []Pair {
	var want []Pair
	for i, x := range a {
		for j, y := range b {
			if d := Dice(x, y); d >= threshold {
				want = append(want, Pair{i, j, d})
			}
		}
	}
	return want
}

// random returns encodings of one length: of all densities, or with copies of each
// other, some with a few bits changed, and some empty or full.
func random(r *rand.Rand, n, length int) []Encoding {
	xs := make([]Encoding, n)
	for i := range xs {
		x := make(Encoding, length/64)
		switch kind := r.IntN(10); {
		case kind == 0:
		case kind == 1:
			for w := range x {
				x[w] = math.MaxUint64
			}
		case kind < 5 && i > 0:
			copy(x, xs[r.IntN(i)])
			for range r.IntN(1 + length/20) {
				p := r.IntN(length)
				x[p/64] ^= 1 << (p % 64)
			}
		default:
			density := r.Float64()
			for p := range length {
				if r.Float64() < density {
					x[p/64] |= 1 << (p % 64)
				}
			}
		}
		xs[i] = x
	}
	return xs
}

// related returns two lists that have much in common.
func related(r *rand.Rand, length int) (a, b []Encoding) {
	all := random(r, 150, length)
	a, b = all[:r.IntN(90)], all[60+r.IntN(60):]
	return a, append(slices.Clone(b), all[:20]...)
}

func TestPairsAreThoseOfBruteForce(t *testing.T) {
	for _, length := range []int{64, 128, 192, 512, 576, 1024, 8192} {
		t.Run(fmt.Sprintf("length=%d", length), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(uint64(length), 3))
			for range 3 {
				a, b := related(r, length)
				x, y := testIndex(t, a), testIndex(t, b)
				thresholds := []float64{1, math.SmallestNonzeroFloat64, 0.5, 2.0 / 3, 0.8, 0.9, r.Float64()}
				if some := brute(a, b, 0.3); len(some) > 0 { // exact ties with a threshold, and a hair beside it
					for range 4 {
						tie := some[r.IntN(len(some))].Score
						thresholds = append(thresholds, tie, math.Nextafter(tie, 1), math.Nextafter(tie, 0))
					}
				}
				for _, threshold := range thresholds {
					if !validThreshold(threshold) {
						continue
					}
					want, got := brute(a, b, threshold), collect(t, x, y, threshold)
					if !slices.Equal(want, got) {
						t.Fatalf("threshold %v (-want +got):\n%s", threshold, cmp.Diff(want, got))
					}
				}
			}
		})
	}
}

// For every number of bits and a threshold at each possible score, the integer that
// the search compares with decides as the score does.
func TestLeastCommonDecidesAsTheScore(t *testing.T) {
	const max = 200
	for den := 1; den <= max; den++ {
		for num := 1; 2*num <= den; num++ {
			for _, threshold := range []float64{dice(num, den), math.Nextafter(dice(num, den), 0), math.Nextafter(dice(num, den), 1)} {
				if !validThreshold(threshold) {
					continue
				}
				need := MeasureDice.leastCommon(max/2, threshold)
				for sum := 1; sum <= max; sum += 1 + den%7 {
					c := int(need[sum])
					if dice(c, sum) < threshold || dice(c-1, sum) >= threshold {
						t.Fatalf("threshold %v: %d of %d bits", threshold, c, sum)
					}
				}
			}
		}
	}
}

func TestPairsOfLargerSets(t *testing.T) {
	a, b := people(t, 700, 1), people(t, 900, 2)
	x, y := testIndex(t, a), testIndex(t, b)
	for _, threshold := range []float64{0.6, 0.8} {
		want := brute(a, b, threshold)
		if len(want) < 300 {
			t.Fatalf("only %d pairs", len(want))
		}
		if diff := cmp.Diff(want, collect(t, x, y, threshold)); diff != "" {
			t.Errorf("threshold %v (-want +got):\n%s", threshold, diff)
		}
	}
}

func TestPairsRefuses(t *testing.T) {
	one := testIndex(t, []Encoding{{1}})
	two := testIndex(t, []Encoding{{1, 1}})
	none := testIndex(t, nil)
	first := func(a, b *Index, threshold float64) (n int, err error) {
		for _, e := range Pairs(t.Context(), a, b, threshold) {
			if err != nil {
				t.Fatal("something came after an error")
			}
			if err = e; err == nil {
				n++
			}
		}
		return n, err
	}
	for _, threshold := range []float64{0, -1, 1.01, math.NaN(), math.Inf(1)} {
		if _, err := first(one, one, threshold); !errors.Is(err, ErrThreshold) {
			t.Errorf("threshold %v: %v, want %v", threshold, err, ErrThreshold)
		}
	}
	if _, err := first(one, two, 0.8); !errors.Is(err, ErrEncoding) {
		t.Errorf("two lengths: %v, want %v", err, ErrEncoding)
	}
	for _, pair := range [][2]*Index{{none, two}, {two, none}, {none, none}} {
		if n, err := first(pair[0], pair[1], 0.8); n != 0 || err != nil {
			t.Errorf("%d pairs with an empty side, %v", n, err)
		}
	}
}

func TestNewIndexRefuses(t *testing.T) {
	var at *EncodingError
	_, err := NewIndex([]Encoding{{1}, {1}, {1, 2}}, nil)
	if !errors.As(err, &at) || at.Row != 2 || !errors.Is(err, ErrEncoding) {
		t.Errorf("%v, want row 2", err)
	}
	if _, err := NewIndex([]Encoding{{1}}, &IndexOptions{Length: 128}); !errors.As(err, &at) || at.Row != 0 {
		t.Errorf("%v, want row 0", err)
	}
	for _, tt := range []struct {
		xs []Encoding
		o  *IndexOptions
	}{{[]Encoding{{}}, nil}, {[]Encoding{make(Encoding, 129)}, nil}, {nil, &IndexOptions{Length: 65}}, {nil, &IndexOptions{Length: -64}}} {
		if _, err := NewIndex(tt.xs, tt.o); !errors.Is(err, ErrSchema) {
			t.Errorf("%v, want %v", err, ErrSchema)
		}
	}
	if _, err := NewSet([]Encoding{{1}, {}}, Binding{Length: 64}); !errors.As(err, &at) || at.Row != 1 {
		t.Errorf("NewSet: %v, want row 1", err)
	}
	if _, err := NewSet(nil, Binding{}); !errors.Is(err, ErrSchema) {
		t.Errorf("NewSet: %v, want %v", err, ErrSchema)
	}
}

// An index and a set keep copies.
func TestCopies(t *testing.T) {
	x := Encoding{3}
	index := testIndex(t, []Encoding{x})
	set, err := NewSet([]Encoding{x}, Binding{Length: 64})
	if err != nil {
		t.Fatal(err)
	}
	x[0] = 0
	if set.row(0)[0] != 3 || index.at(0)[0] != 3 {
		t.Error("a change to the caller's encoding shows")
	}
}

// Whoever breaks off, or whose context ends, leaves no goroutine behind.
func TestPairsEnds(t *testing.T) {
	before := runtime.NumGoroutine()
	x, y := testIndex(t, people(t, 400, 1)), testIndex(t, people(t, 400, 2))
	n := 0
	for range Pairs(t.Context(), x, y, 0.1) {
		if n++; n == 5 {
			break
		}
	}
	if n != 5 {
		t.Errorf("%d pairs", n)
	}
	cause := errors.New("the operator gave up")
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	var last error
	n = 0
	for _, err := range Pairs(ctx, x, y, 0.1) {
		if n++; n == 5 {
			cancel(cause)
		}
		last = err
	}
	if !errors.Is(last, cause) || n > 400*400/2 {
		t.Errorf("%v after %d pairs, want the context's cause", last, n)
	}
	seq := Pairs(t.Context(), x, y, 0.9)
	var runs [2]int
	for i := range runs {
		for range seq {
			runs[i]++
		}
	}
	if runs[0] == 0 || runs[0] != runs[1] {
		t.Errorf("ranged over twice, %v pairs", runs)
	}
	for end := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
		}
	}
}

// The unit's shortcut is Assign of all pairs, ties and all.
func TestMutualBestIsAssign(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	for range 40 {
		a, b := related(r, 64) // short, so that scores tie
		threshold := 0.3 + 0.7*r.Float64()
		s, err := newSearch(testIndex(t, a), testIndex(t, b), threshold, MeasureDice)
		if err != nil {
			t.Fatal(err)
		}
		last := 0
		got, err := s.mutualBest(t.Context(), func(done int) {
			if done <= last || done > s.total() {
				t.Errorf("progress from %d to %d of %d", last, done, s.total())
			}
			last = done
		})
		if err != nil || last < s.total() {
			t.Fatal(err, last)
		}
		if diff := cmp.Diff(Assign(brute(a, b, threshold)), got); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	}
}
