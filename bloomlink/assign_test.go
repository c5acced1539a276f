package bloomlink

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// graph returns random pairs of a few rows, in random order. Few levels make ties.
func graph(r *rand.Rand, rows, cols, levels int, density float64) []Pair {
	var pairs []Pair
	for a := range rows {
		for b := range cols {
			if r.Float64() < density {
				pairs = append(pairs, Pair{a * 10, b * 7, float64(1+r.IntN(levels)) / float64(levels)})
			}
		}
	}
	r.Shuffle(len(pairs), func(i, j int) { pairs[i], pairs[j] = pairs[j], pairs[i] })
	return pairs
}

func total(pairs []Pair) float64 {
	sum := 0.0
	for _, p := range pairs {
		sum += p.Score
	}
	return sum
}

// exhaust tries out every one-to-one subset.
func exhaust(pairs []Pair, taken map[[2]int]bool) float64 {
	if len(pairs) == 0 {
		return 0
	}
	p, rest := pairs[0], pairs[1:]
	most := exhaust(rest, taken)
	a, b := [2]int{0, p.A}, [2]int{1, p.B}
	if !taken[a] && !taken[b] {
		taken[a], taken[b] = true, true
		most = max(most, p.Score+exhaust(rest, taken))
		delete(taken, a)
		delete(taken, b)
	}
	return most
}

func TestAssignmentsAreOneToOneAndDeterministic(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 200 {
		pairs := graph(r, 1+r.IntN(12), 1+r.IntN(12), 1+r.IntN(5), r.Float64())
		given := slices.Clone(pairs)
		for _, m := range methods {
			got := m.assign(pairs)
			if diff := cmp.Diff(given, pairs); diff != "" {
				t.Fatalf("%s changes its argument", m.name)
			}
			a, b := map[int]bool{}, map[int]bool{}
			for i, p := range got {
				if a[p.A] || b[p.B] || !slices.Contains(pairs, p) || i > 0 && got[i-1].A >= p.A {
					t.Fatalf("%s: %v is no assignment of %v in order", m.name, got, pairs)
				}
				a[p.A], b[p.B] = true, true
			}
			shuffled := slices.Clone(pairs)
			r.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
			shuffled = append(shuffled, shuffled[:len(shuffled)/2]...) // and repeated
			if diff := cmp.Diff(got, m.assign(shuffled)); diff != "" {
				t.Fatalf("%s depends on the order of pairs, or on repeats:\n%s", m.name, diff)
			}
		}
	}
}

func TestAssignIsMutualBest(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	for range 200 {
		pairs := graph(r, 1+r.IntN(10), 1+r.IntN(10), 1+r.IntN(5), r.Float64())
		var want []Pair
		for _, p := range pairs {
			if !slices.ContainsFunc(pairs, func(q Pair) bool { return (q.A == p.A || q.B == p.B) && compare(q, p) < 0 }) {
				want = append(want, p)
			}
		}
		if diff := cmp.Diff(byRow(want), Assign(pairs)); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	}
}

// No pair that greedy drops is better for both of its rows, and mutual best keeps
// none that greedy drops.
func TestGreedyIsStable(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	for range 200 {
		pairs := graph(r, 1+r.IntN(12), 1+r.IntN(12), 1+r.IntN(5), r.Float64())
		kept := AssignGreedy(pairs)
		for _, p := range pairs {
			rival := func(q Pair) bool { return (q.A == p.A || q.B == p.B) && compare(q, p) <= 0 }
			if !slices.ContainsFunc(kept, rival) {
				t.Fatalf("%v blocks %v", p, kept)
			}
		}
		for _, p := range Assign(pairs) {
			if !slices.Contains(kept, p) {
				t.Fatalf("greedy drops %v, the best of both its rows", p)
			}
		}
	}
}

func TestOptimalIsOptimal(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	for range 400 {
		pairs := graph(r, 1+r.IntN(5), 1+r.IntN(5), []int{1, 3, 7, 1000}[r.IntN(4)], 0.2+0.8*r.Float64())
		got, want := total(AssignOptimal(pairs)), exhaust(pairs, map[[2]int]bool{})
		if math.Abs(got-want) > 1e-9 {
			t.Fatalf("%v in total, %v is possible of %v", got, want, pairs)
		}
	}
	if diff := cmp.Diff([]Pair{{0, 1, 0.8}, {1, 0, 0.8}}, AssignOptimal([]Pair{{0, 0, 0.9}, {0, 1, 0.8}, {1, 0, 0.8}})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := AssignOptimal([]Pair{{0, 0, 0}, {1, 1, -1}, {2, 2, math.NaN()}}); len(got) != 0 {
		t.Errorf("%v kept", got)
	}
}

// For graphs too large to try all, the dual variables prove the optimum: they
// cover every edge, and add up to what the matching weighs.
func TestOptimalHasAProof(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 6))
	for _, density := range []float64{0.01, 0.05, 0.3, 1} {
		t.Run(fmt.Sprint(density), func(t *testing.T) {
			pairs := graph(r, 120, 100, 1_000_000, density)
			m := newMatching(pairs)
			for row := range m.rowOf {
				m.augment(row)
			}
			var weight, cover int64
			for row := range m.rowOf {
				cover += m.u[row]
				if m.u[row] < 0 {
					t.Fatal("a negative dual")
				}
				for _, e := range m.edges[m.first[row]:m.first[row+1]] {
					if m.u[row]+m.v[e.col] < e.weight {
						t.Fatal("an edge is not covered")
					}
				}
				if e := m.edgeOf[row]; e >= 0 {
					weight += m.edges[e].weight
					if m.mate[m.edges[e].col] != row {
						t.Fatal("row and column disagree")
					}
				}
			}
			for _, v := range m.v {
				cover += v
				if v < 0 {
					t.Fatal("a negative dual")
				}
			}
			if weight != cover {
				t.Errorf("the matching weighs %d, the cover %d", weight, cover)
			}
			if weight == 0 {
				t.Error("nothing was matched")
			}
		})
	}
}

func TestManyToOne(t *testing.T) {
	pairs := []Pair{{0, 5, .9}, {0, 4, .9}, {1, 4, .8}, {2, 4, .7}, {2, 5, .7}, {3, 6, .5}}
	if diff := cmp.Diff([]Pair{{0, 4, .9}, {1, 4, .8}, {2, 4, .7}, {3, 6, .5}}, AssignManyToOne(pairs)); diff != "" {
		t.Errorf("many to one (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]Pair{{0, 4, .9}, {0, 5, .9}, {3, 6, .5}}, AssignOneToMany(pairs)); diff != "" {
		t.Errorf("one to many (-want +got):\n%s", diff)
	}
	if AssignManyToOne(nil) != nil || AssignOneToMany(nil) != nil {
		t.Error("something of nothing")
	}
}

func TestTop(t *testing.T) {
	pairs := []Pair{{0, 1, .5}, {0, 0, .9}, {0, 2, .8}, {1, 0, .8}, {2, 0, .7}, {2, 3, .6}}
	// Row 2 of A has its two best, of which row 0 of B has no room for one.
	want := []Pair{{0, 0, .9}, {0, 2, .8}, {1, 0, .8}, {2, 3, .6}}
	if diff := cmp.Diff(want, Top(pairs, 2)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if Top(pairs, 0) != nil {
		t.Error("something of nothing")
	}
}
