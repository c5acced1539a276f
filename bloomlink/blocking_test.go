package bloomlink

import (
	gocmp "cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// keysFor draws keys from few, so that blocks are large.
func keysFor(r *rand.Rand, n int) [][]string {
	keys := make([][]string, n)
	for i := range keys {
		keys[i] = []string{fmt.Sprint(r.IntN(9)), []string{"", "f", "m"}[r.IntN(3)]}
	}
	return keys
}

func share(a, b []string) bool {
	for i := range a {
		if a[i] != "" && a[i] == b[i] {
			return true
		}
	}
	return false
}

// A blocked join finds those pairs that have a key in common, each once.
func TestKeysBlock(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 9))
	for range 2 {
		a, b := random(r, 150, 128), random(r, 290, 128)
		keysA, keysB := keysFor(r, len(a)), keysFor(r, len(b))
		var want []Pair
		compared := int64(0)
		for _, p := range brute(a, b, 0.4) {
			if share(keysA[p.A], keysB[p.B]) {
				want = append(want, p)
			}
		}
		for i, x := range a {
			for j, y := range b {
				for k := range keysA[i] {
					if x.Count() > 0 && y.Count() > 0 && keysA[i][k] != "" && keysA[i][k] == keysB[j][k] {
						compared++
					}
				}
			}
		}
		var report BlockingReport
		o := &JoinOptions{Blocking: &Blocking{KeysA: keysA, KeysB: keysB, Report: func(r BlockingReport) { report = r }}}
		got := joined(t, testIndex(t, a), testIndex(t, b), 0.4, o)
		sortPairs(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
		wantReport := BlockingReport{Pairs: 150 * 290, Compared: compared, Blocks: 11}
		if diff := cmp.Diff(wantReport, report); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
		if rr := report.ReductionRatio(); rr != 1-float64(compared)/(150*290) {
			t.Errorf("reduction ratio %v", rr)
		}

		self := slices.DeleteFunc(brute(a, a, 0.4), func(p Pair) bool { return p.A >= p.B || !share(keysA[p.A], keysA[p.B]) })
		var dups []Pair
		for p, err := range Duplicates(t.Context(), testIndex(t, a), 0.4, o) {
			if err != nil {
				t.Fatal(err)
			}
			dups = append(dups, p)
		}
		sortPairs(dups)
		if diff := cmp.Diff(self, dups); diff != "" {
			t.Fatalf("duplicates (-want +got):\n%s", diff)
		}
	}
}

// Sampled keys find nearly all pairs that are close, no pair twice and no other, and
// compare few.
func TestTablesBlock(t *testing.T) {
	a, b := people(t, 1500, 1), people(t, 1500, 2)
	x, y := testIndex(t, a), testIndex(t, b)
	want := collect(t, x, y, 0.8)
	var report BlockingReport
	bl := &Blocking{Tables: 24, Bits: 20, Report: func(r BlockingReport) { report = r }}
	got := joined(t, x, y, 0.8, &JoinOptions{Blocking: bl})
	sortPairs(got)
	if n := len(slices.CompactFunc(slices.Clone(got), func(p, q Pair) bool { return p == q })); n != len(got) {
		t.Errorf("%d pairs, %d distinct", len(got), n)
	}
	for _, p := range got {
		if _, found := slices.BinarySearchFunc(want, p, func(p, q Pair) int { return (p.A-q.A)<<20 + p.B - q.B }); !found {
			t.Errorf("%+v is none", p)
		}
	}
	if float64(len(got)) < 0.95*float64(len(want)) {
		t.Errorf("%d of %d pairs", len(got), len(want))
	}
	if report.ReductionRatio() < 0.95 || report.Split != 0 {
		t.Errorf("%+v", report)
	}
}

// A block over the limit is split, and said so: its parts are within the limit,
// unless encodings are all alike, and those that are alike still meet.
func TestBlocksAreSplit(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 9))
	a := random(r, 400, 256)
	same := make([][]string, len(a))
	for i := range same {
		same[i] = []string{"all"}
	}
	x := testIndex(t, a)
	var report BlockingReport
	bl := &Blocking{KeysA: same, KeysB: same, MaxBlock: 5000, Report: func(r BlockingReport) { report = r }}
	got := joined(t, x, x, 0.5, &JoinOptions{Blocking: bl})
	if report.Blocks != 1 || report.Split != 1 || report.Compared >= report.Pairs/2 {
		t.Errorf("%+v", report)
	}
	all := brute(a, a, 0.5)
	for _, p := range got {
		if !slices.Contains(all, p) {
			t.Fatalf("%+v is none", p)
		}
	}
	alike := func(pairs []Pair) []Pair {
		pairs = slices.DeleteFunc(slices.Clone(pairs), func(p Pair) bool { return p.Score < 1 })
		sortPairs(pairs)
		return pairs
	}
	if diff := cmp.Diff(alike(all), alike(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	// Where no further bits are left, a block stays as it is.
	short := testIndex(t, slices.Repeat([]Encoding{{7}}, 30))
	report = BlockingReport{}
	got = joined(t, short, short, 0.5, &JoinOptions{Blocking: &Blocking{Tables: 1, Bits: 64, MaxBlock: 1, Report: bl.Report}})
	if len(got) != 900 || report.Split != 1 {
		t.Errorf("%d pairs, %+v", len(got), report)
	}

	// A pair that a split parts is found by a later key.
	bl.KeysA = make([][]string, len(a))
	for i := range a {
		bl.KeysA[i] = []string{"all", fmt.Sprint(i % 50)}
	}
	bl.KeysB = bl.KeysA
	got = joined(t, x, x, 0.5, &JoinOptions{Blocking: bl})
	sortPairs(got)
	if n := len(slices.Compact(slices.Clone(got))); n != len(got) {
		t.Errorf("%d pairs, %d distinct", len(got), n)
	}
	for _, p := range all {
		if p.A%50 == p.B%50 && !slices.Contains(got, p) {
			t.Fatalf("%+v is missing", p)
		}
	}
}

func TestBlockingRefuses(t *testing.T) {
	x := testIndex(t, []Encoding{{1}, {2}})
	two := [][]string{{"a"}, {"b"}}
	for name, bl := range map[string]*Blocking{
		"no keys":        {},
		"a side without": {KeysA: two},
		"too few":        {KeysA: two, KeysB: two[:1]},
		"uneven":         {KeysA: two, KeysB: [][]string{{"a"}, {}}},
		"tables":         {Tables: MaxTables + 1},
		"bits":           {Tables: 1, Bits: 65},
		"block":          {Tables: 1, MaxBlock: -1},
	} {
		for _, err := range Join(t.Context(), x, x, 0.5, &JoinOptions{Blocking: bl}) {
			if !errors.Is(err, ErrBlocking) {
				t.Errorf("%s: %v, want %v", name, err, ErrBlocking)
			}
		}
	}
	none := testIndex(t, nil)
	if got := joined(t, x, none, 0.5, &JoinOptions{Blocking: &Blocking{Tables: 1}}); len(got) != 0 {
		t.Errorf("%v with an empty side", got)
	}
}

func TestSortByKey(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 9))
	for _, mask := range []uint64{0, 0xff, 1 << 63, ^uint64(0)} {
		var es []entry
		for i := range 3000 {
			es = append(es, entry{r.Uint64() & mask, uint32(i)})
		}
		want := slices.Clone(es)
		slices.SortStableFunc(want, func(x, y entry) int { return gocmp.Compare(x.key, y.key) })
		if !slices.Equal(want, sortByKey(es)) {
			t.Errorf("mask %x", mask)
		}
	}
}
