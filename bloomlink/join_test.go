package bloomlink

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comity-prl/comity/internal/bitslice"
)

var measures = []Measure{MeasureDice, MeasureJaccard, MeasureHamming}

// bruteBy is what Join must yield.
func bruteBy(m Measure, a, b []Encoding, threshold float64) []Pair {
	var want []Pair
	for i, x := range a {
		for j, y := range b {
			if s := m.Score(x, y); s >= threshold {
				want = append(want, Pair{i, j, s})
			}
		}
	}
	return want
}

func joined(t testing.TB, a, b *Index, threshold float64, o *JoinOptions) []Pair {
	t.Helper()
	var pairs []Pair
	for p, err := range Join(t.Context(), a, b, threshold, o) {
		if err != nil {
			t.Fatal(err)
		}
		pairs = append(pairs, p)
	}
	return pairs
}

// byTier joins with a certain tier, in order.
func byTier(t testing.TB, tier bitslice.Tier, full bool, a, b *Index, threshold float64, m Measure) []Pair {
	t.Helper()
	s, err := newSearch(a, b, threshold, m)
	if err != nil {
		t.Fatal(err)
	}
	s.tier, s.full = tier, full
	var pairs []Pair
	err = s.stream(t.Context(), func(int) {}, func(p Pair) bool { pairs = append(pairs, p); return true })
	if err != nil {
		t.Fatal(err)
	}
	return pairs
}

// Every tier finds the pairs of brute force, all in the same order, whatever the
// lengths, densities, sizes, measures and thresholds, those included at which a
// score lies or just does not; and so with the sides changed about.
func TestJoinIsBruteForce(t *testing.T) {
	for _, length := range []int{64, 192, 1024, 8192} {
		t.Run(fmt.Sprintf("length=%d", length), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(uint64(length), 7))
			sizes := [][2]int{{1, 1}, {1, 300}, {128, 129}, {130, 257}}
			for _, size := range sizes {
				if length > 1024 && size[0]*size[1] > 20_000 {
					continue // takes long to count
				}
				all := random(r, size[0]+size[1], length)
				r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
				a, b := all[:size[0]], all[size[0]:]
				x, y := testIndex(t, a), testIndex(t, b)
				for _, m := range measures {
					thresholds := []float64{0.2 + 0.8*r.Float64(), 0.85}
					some := bruteBy(m, a, b, 0.2)
					if len(some) > 0 {
						tie := some[r.IntN(len(some))].Score
						thresholds = append(thresholds, tie, math.Nextafter(tie, 2))
					}
					for _, threshold := range thresholds {
						if !validThreshold(threshold) {
							continue
						}
						want := slices.DeleteFunc(slices.Clone(some), func(p Pair) bool { return p.Score < threshold })
						var first []Pair
						for _, tier := range bitslice.Tiers() {
							for _, full := range []bool{false, true} {
								got := byTier(t, tier, full, x, y, threshold, m)
								if first == nil {
									first = got
								}
								if !slices.Equal(first, got) {
									t.Fatalf("%v, %v, full %v: another order", size, tier, full)
								}
							}
						}
						sortPairs(first)
						if !slices.Equal(want, first) {
							t.Fatalf("%v, %v, threshold %v (-want +got):\n%s", size, m, threshold, cmp.Diff(want, first))
						}
						turned := joined(t, y, x, threshold, &JoinOptions{Measure: m})
						for i, p := range turned {
							turned[i] = Pair{p.B, p.A, p.Score}
						}
						sortPairs(turned)
						if !slices.Equal(want, turned) {
							t.Fatalf("%v, %v, threshold %v: another result with the sides changed about", size, m, threshold)
						}
					}
				}
			}
		})
	}
}

func TestDuplicatesAreThoseOfBruteForce(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 8))
	for _, n := range []int{0, 1, 2, 256, 300} {
		xs := random(r, n, 128)
		x := testIndex(t, xs)
		for _, m := range measures {
			for _, threshold := range []float64{0.6, 0.8, 1} {
				want := slices.DeleteFunc(bruteBy(m, xs, xs, threshold), func(p Pair) bool { return p.A >= p.B })
				var got []Pair
				for p, err := range Duplicates(t.Context(), x, threshold, &JoinOptions{Measure: m}) {
					if err != nil {
						t.Fatal(err)
					}
					got = append(got, p)
				}
				sortPairs(got)
				if !slices.Equal(want, got) {
					t.Fatalf("%d rows, %v, threshold %v (-want +got):\n%s", n, m, threshold, cmp.Diff(want, got))
				}
			}
		}
	}
}

// Best keeps what sorting all pairs of a row and cutting them off keeps.
func TestBest(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	cut := func(pairs []Pair, k int) []Pair {
		slices.SortFunc(pairs, func(p, q Pair) int {
			if p.A != q.A {
				return p.A - q.A
			}
			return compare(p, q)
		})
		var kept []Pair
		for _, p := range pairs {
			if n := len(kept); n < k || kept[n-k].A != p.A {
				kept = append(kept, p)
			}
		}
		return kept
	}
	for range 2 {
		a, b := random(r, 100, 64), random(r, 150, 64)
		for _, k := range []int{1, 2, 7, 1000} {
			want := cut(brute(a, b, 0.3), k)
			got := joined(t, testIndex(t, a), testIndex(t, b), 0.3, &JoinOptions{Best: k})
			if !slices.Equal(want, got) {
				t.Fatalf("best %d (-want +got):\n%s", k, cmp.Diff(want, got))
			}

			all := slices.DeleteFunc(brute(a, a, 0.3), func(p Pair) bool { return p.A == p.B })
			var self []Pair
			for _, p := range cut(all, k) {
				self = append(self, Pair{min(p.A, p.B), max(p.A, p.B), p.Score})
			}
			sortPairs(self)
			self = slices.Compact(self)
			var dups []Pair
			for p, err := range Duplicates(t.Context(), testIndex(t, a), 0.3, &JoinOptions{Best: k}) {
				if err != nil {
					t.Fatal(err)
				}
				dups = append(dups, p)
			}
			sortPairs(dups)
			if !slices.Equal(self, dups) {
				t.Fatalf("best %d duplicates (-want +got):\n%s", k, cmp.Diff(self, dups))
			}
		}
	}
}

func TestMeasures(t *testing.T) {
	x, y, none := Encoding{0b1111}, Encoding{0b0111100}, Encoding{0}
	for _, tt := range []struct {
		m    Measure
		want float64
	}{{MeasureDice, 2 * 2.0 / 8}, {MeasureJaccard, 2.0 / 6}, {MeasureHamming, 60.0 / 64}} {
		if got := tt.m.Score(x, y); got != tt.want {
			t.Errorf("%v: %v, want %v", tt.m, got, tt.want)
		}
		if tt.m.Score(x, x) != 1 || tt.m.Score(x, none) != 0 || tt.m.Score(none, none) != 0 {
			t.Errorf("%v of the same, or of nothing", tt.m)
		}
	}
	for _, err := range Join(t.Context(), testIndex(t, nil), testIndex(t, nil), 0.5, &JoinOptions{Measure: 9}) {
		if !errors.Is(err, ErrMeasure) {
			t.Errorf("%v, want %v", err, ErrMeasure)
		}
	}
}

// For every sum of bits, the number that the search compares with decides as the
// score does.
func TestLeastCommonDecidesByAnyMeasure(t *testing.T) {
	const length = 64
	for _, m := range measures {
		for c := range length + 1 {
			for sum := 2 * c; sum <= length+c; sum += 7 {
				if sum == 0 {
					continue
				}
				tie := m.score(c, sum, length)
				for _, threshold := range []float64{tie, math.Nextafter(tie, 0), math.Nextafter(tie, 2)} {
					if !validThreshold(threshold) {
						continue
					}
					for sum, least := range m.leastCommon(length, threshold) {
						for common := max(0, sum-length); 2*common <= sum && sum > 0; common++ {
							if got, want := common >= int(least), m.score(common, sum, length) >= threshold; got != want {
								t.Fatalf("%v, threshold %v: %d common of %d: %v", m, threshold, common, sum, got)
							}
						}
					}
				}
			}
		}
	}
}

// The pairs in which no bit is alike are found too where Hamming allows it.
func TestHammingWithoutCommonBits(t *testing.T) {
	a, b := testIndex(t, []Encoding{{1}, {0}}), testIndex(t, []Encoding{{2}, {0}})
	want := []Pair{{0, 0, 62.0 / 64}}
	if diff := cmp.Diff(want, joined(t, a, b, 0.9, &JoinOptions{Measure: MeasureHamming})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestJoinRefusesAnotherConfiguration(t *testing.T) {
	a, err := NewIndex([]Encoding{{1}}, &IndexOptions{Config: [32]byte{1}})
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range Join(t.Context(), a, testIndex(t, []Encoding{{1}}), 0.5, nil) {
		if !errors.Is(err, ErrConfig) {
			t.Errorf("%v, want %v", err, ErrConfig)
		}
	}
}

func TestJoinReportsProgress(t *testing.T) {
	x, y := testIndex(t, people(t, 700, 1)), testIndex(t, people(t, 900, 2))
	var last Progress
	joined(t, x, y, 0.8, &JoinOptions{Progress: func(p Progress) {
		if p.Done <= last.Done || p.Done > p.Total {
			t.Errorf("from %+v to %+v", last, p)
		}
		last = p
	}})
	if want := (Progress{Step: "compare", Done: 1600, Total: 1600}); last != want {
		t.Errorf("%+v, want %+v", last, want)
	}
}
