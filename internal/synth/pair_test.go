package synth

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPair(t *testing.T) {
	for _, tc := range []struct{ a, b, shared int }{
		{0, 0, 0}, {1, 1, 1}, {5, 0, 0}, {0, 5, 0}, {100, 40, 40}, {300, 500, 120}, {50, 50, 0},
	} {
		p, err := generator(t, 15, nil).Pair(tc.a, tc.b, tc.shared)
		if err != nil {
			t.Fatal(err)
		}
		if len(p.A) != tc.a || len(p.B) != tc.b || len(p.Errors) != tc.b || len(p.Links) != tc.shared {
			t.Fatalf("%+v: %d and %d people, %d lists of errors, %d links", tc, len(p.A), len(p.B), len(p.Errors), len(p.Links))
		}
		inA, inB := map[int]bool{}, map[int]bool{}
		for i, l := range p.Links {
			if inA[l[0]] || inB[l[1]] || l[0] >= tc.a || l[1] >= tc.b || i > 0 && l[0] < p.Links[i-1][0] {
				t.Fatalf("%+v: links %v", tc, p.Links)
			}
			inA[l[0]], inB[l[1]] = true, true
			x, y := p.A[l[0]].Values(), p.B[l[1]].Values()
			for f := range Fields {
				named := slices.ContainsFunc(p.Errors[l[1]], func(e Error) bool { return e.Field == Fields[f] })
				if (x[f] != y[f]) != named {
					t.Errorf("%s: %q became %q, errors %v", Fields[f], x[f], y[f], p.Errors[l[1]])
				}
			}
		}
		for j, q := range p.B {
			if i := slices.Index(p.A, q); i >= 0 && !slices.Contains(p.Links, [2]int{i, j}) {
				t.Errorf("%+v: record %d of B is that of A's %d, unlinked", tc, j, i)
			}
		}
	}
}

func TestPairRefuses(t *testing.T) {
	for _, tc := range [][3]int{{-1, 1, 0}, {1, -1, 0}, {1, 1, -1}, {5, 3, 4}, {3, 5, 4}} {
		if _, err := generator(t, 1, nil).Pair(tc[0], tc[1], tc[2]); err == nil {
			t.Errorf("%v accepted", tc)
		}
	}
}

// TestPairIsFair checks what must not tell the shared records from the others.
func TestPairIsFair(t *testing.T) {
	const n = 8000
	p, err := generator(t, 16, nil).Pair(n, n, n/2)
	if err != nil {
		t.Fatal(err)
	}
	shared := make([]bool, n)
	var early, inOrder int
	for i, l := range p.Links {
		shared[l[1]] = true
		if l[0] < n/2 {
			early++
		}
		if i > 0 && l[1] > p.Links[i-1][1] {
			inOrder++
		}
	}
	between(t, "shared records in A's first half", float64(early)/float64(n/2), 0.45, 0.55)
	between(t, "links that rise in B", float64(inOrder)/float64(n/2), 0.45, 0.55)
	var errors [2]float64
	for j, errs := range p.Errors {
		if shared[j] {
			errors[0] += float64(len(errs)) / (n / 2)
		} else {
			errors[1] += float64(len(errs)) / (n / 2)
		}
	}
	between(t, "errors of shared records over those of others", errors[0]/errors[1], 0.93, 1.07)
}

func TestSameSeed(t *testing.T) {
	pair := func(seed uint64, o *Options) *Pair {
		p, err := generator(t, seed, o).Pair(200, 200, 100)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	if diff := cmp.Diff(pair(1, nil), pair(1, &Options{Dirt: DefaultDirt, Changed: DefaultChanged, Countries: []string{
		"DE", "ES", "FR", "GB", "IT", "NL", "PL", "SE", "TR", "US"}})); diff != "" {
		t.Errorf("the defaults differ from what is documented: %s", diff)
	}
	if cmp.Equal(pair(1, nil), pair(2, nil)) {
		t.Error("seeds 1 and 2 give the same files")
	}
}
