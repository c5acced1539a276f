package okvs

import (
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comity-prl/comity/internal/gf128"
)

// Small tables with few sparse slots, so that peeling often leaves rows over. With
// ever more dense slots the same keys must go from ErrSeed to a table, and stay
// there; and tables that need one, two and three dense slots must turn up.
func TestGap(t *testing.T) {
	const n = 30
	needed := map[int]int{} // by how many dense slots a table takes
	for seed := range uint64(300) {
		l := layout(t, n, 1, seed)
		l.sparse = 42
		keys, values := random(2*seed, n), random(2*seed+1, n)
		solved := false
		for l.dense = 1; l.dense <= 4; l.dense++ {
			table, err := l.Encode(t.Context(), keys, values)
			if err != nil {
				if solved || !errors.Is(err, ErrSeed) {
					t.Fatalf("seed %d: %d dense slots: %v", seed, l.dense, err)
				}
				continue
			}
			if diff := cmp.Diff(values, decoded(l, table, keys)); diff != "" {
				t.Fatalf("seed %d: %d dense slots (-want +got):\n%s", seed, l.dense, diff)
			}
			used := 0
			for _, d := range table[l.sparse:] {
				if !d.IsZero() {
					used++
				}
			}
			if solved {
				continue
			}
			solved = true
			if l.dense > 1 && used != l.dense {
				t.Fatalf("seed %d: %d of %d dense slots in use, one fewer did not do", seed, used, l.dense)
			}
			needed[used]++
		}
		if !solved {
			needed[math.MaxInt]++
		}
	}
	for _, slots := range []int{0, 1, 2, 3} {
		if needed[slots] == 0 {
			t.Errorf("no table needed %d dense slots: %v", slots, needed)
		}
	}
}

func TestSolveDense(t *testing.T) {
	const columns = 5
	for rows := range columns + 1 {
		for seed := range uint64(20) {
			want := random(seed, columns)
			a, b := make([][]gf128.Element, rows), make([]gf128.Element, rows)
			for r := range a {
				a[r] = random(100*seed+uint64(r)+1, columns)
				if seed%2 == 1 {
					a[r][r] = gf128.Element{} // a pivot elsewhere
				}
				b[r] = gf128.Dot(a[r], want)
			}
			copies := make([][]gf128.Element, rows)
			for r := range a {
				copies[r] = append([]gf128.Element(nil), a[r]...)
			}
			constants := append([]gf128.Element(nil), b...)
			x := make([]gf128.Element, columns)
			if !solveDense(x, copies, constants) {
				t.Fatalf("%d random rows of %d are dependent", rows, columns)
			}
			for r := range a {
				if gf128.Dot(a[r], x) != b[r] {
					t.Fatalf("%d rows: equation %d does not hold", rows, r)
				}
			}
		}
	}
	row := random(1, columns)
	double := make([]gf128.Element, columns)
	gf128.MulAddTo(double, row, row[0])
	if solveDense(make([]gf128.Element, columns), [][]gf128.Element{row, double}, random(2, 2)) {
		t.Error("dependent rows pass as independent")
	}
}

// At a λ so small that failures can be counted, they must be no more frequent than
// 2^-λ; and a table below the peeling threshold of 1.2218·n (Molloy, "Cores in
// random hypergraphs and Boolean formulas", 2005) must fail, or the count is blind.
func TestFailureRate(t *testing.T) {
	for _, p := range []struct{ n, lambda, trials int }{
		{16, 3, 3000}, {64, 3, 3000}, {256, 3, 2000}, {256, 6, 2000}, {1024, 3, 500}, {4096, 2, 150},
	} {
		t.Run(fmt.Sprintf("n=%d/lambda=%d", p.n, p.lambda), func(t *testing.T) {
			l := layout(t, p.n, p.lambda, 1)
			got, most := failures(t, l, p.trials), float64(p.trials)*math.Exp2(-float64(p.lambda))
			if float64(got) > most+4*math.Sqrt(most) {
				t.Errorf("%d failures of %d, want at most about %.0f", got, p.trials, most)
			}
			if got == 0 {
				t.Errorf("not one failure of %d: %.0f would be allowed", p.trials, most)
			}
			l.sparse = p.n * 115 / 100
			if got := failures(t, l, 20); p.n > 1000 && got < 20 {
				t.Errorf("below the threshold, only %d of 20 fail", got)
			}
		})
	}
}

func failures(t *testing.T, l *Layout, trials int) int {
	t.Helper()
	failed := 0
	for seed := range uint64(trials) {
		hashes, values := random(2*seed, l.keys), random(2*seed+1, l.keys)
		err := newSolver(l).solve(hashes, values, make([]gf128.Element, l.size()))
		if err != nil && !errors.Is(err, ErrSeed) {
			t.Fatal(err)
		}
		if err != nil {
			failed++
		}
	}
	return failed
}
