package bloomlink

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// nearest is what Search must return.
func nearest(m Measure, e Encoding, xs []Encoding, threshold float64, keep func(row int) bool) []Neighbour {
	var want []Neighbour
	for row, x := range xs {
		if s := m.Score(e, x); s >= threshold && keep(row) {
			want = append(want, Neighbour{row, s})
		}
	}
	slices.SortFunc(want, func(x, y Neighbour) int {
		return cmp.Or(cmp.Compare(y.Score, x.Score), cmp.Compare(x.Row, y.Row))
	})
	return want
}

func TestSearch(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 6))
	all := func(int) bool { return true }
	for _, length := range []int{64, 1024, 8192} {
		xs := random(r, 600, length)
		x := testIndex(t, xs)
		for _, e := range append(random(r, 20, length), xs[:20]...) {
			for _, m := range measures {
				threshold := 0.2 + 0.8*r.Float64()
				want := nearest(m, e, xs, threshold, all)
				got, err := x.Search(t.Context(), e, threshold, &JoinOptions{Measure: m})
				if err != nil || !slices.Equal(want, got) {
					t.Fatalf("%v, threshold %v: %v (-want +got):\n%s", m, threshold, err, gocmp.Diff(want, got))
				}
				got, err = x.Search(t.Context(), e, threshold, &JoinOptions{Measure: m, Best: 3})
				if want = want[:min(3, len(want))]; err != nil || !slices.Equal(want, got) {
					t.Fatalf("best 3: %v (-want +got):\n%s", err, gocmp.Diff(want, got))
				}
			}
		}
	}
}

func TestBlocksSearch(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 6))
	xs := random(r, 400, 128)
	keys := keysFor(r, len(xs))
	blocks, err := NewBlocks(testIndex(t, xs), &Blocking{KeysA: keys})
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range random(r, 100, 128) {
		own := keysFor(r, 1)[0]
		want := nearest(MeasureDice, e, xs, 0.4, func(row int) bool { return share(own, keys[row]) })
		got, err := blocks.Search(t.Context(), e, own, 0.4, nil)
		if err != nil || !slices.Equal(want, got) {
			t.Fatalf("query %d: %v (-want +got):\n%s", i, err, gocmp.Diff(want, got))
		}
	}

	// By sampled keys every row finds itself.
	sampled, err := NewBlocks(testIndex(t, xs), &Blocking{Tables: 8, Bits: 16})
	if err != nil {
		t.Fatal(err)
	}
	for row, e := range xs {
		got, err := sampled.Search(t.Context(), e, nil, 1, nil)
		if err != nil {
			t.Fatal(err)
		}
		if found := slices.Contains(got, Neighbour{row, 1}); found != (e.Count() > 0) {
			t.Fatalf("row %d found: %v", row, found)
		}
	}
}

func TestSearchRefuses(t *testing.T) {
	x := testIndex(t, []Encoding{{1}, {2}})
	blocks, err := NewBlocks(x, &Blocking{Tables: 2, Bits: 8})
	if err != nil {
		t.Fatal(err)
	}
	cause := errors.New("the operator gave up")
	ended, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	for name, tt := range map[string]struct {
		ctx       context.Context
		e         Encoding
		threshold float64
		want      error
	}{
		"threshold": {t.Context(), Encoding{1}, 0, ErrThreshold},
		"length":    {t.Context(), Encoding{1, 2}, 0.5, ErrEncoding},
		"no length": {t.Context(), nil, 0.5, ErrSchema},
		"context":   {ended, Encoding{1}, 0.5, cause},
	} {
		if _, err := x.Search(tt.ctx, tt.e, tt.threshold, nil); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
		if _, err := blocks.Search(tt.ctx, tt.e, nil, tt.threshold, nil); !errors.Is(err, tt.want) {
			t.Errorf("%s in blocks: %v, want %v", name, err, tt.want)
		}
	}
	if _, err := blocks.Search(t.Context(), Encoding{1}, []string{"a"}, 0.5, nil); !errors.Is(err, ErrBlocking) {
		t.Errorf("%v, want %v", err, ErrBlocking)
	}
	if _, err := NewBlocks(x, &Blocking{}); !errors.Is(err, ErrBlocking) {
		t.Errorf("%v, want %v", err, ErrBlocking)
	}
	none := testIndex(t, nil)
	empty, err := NewBlocks(none, &Blocking{Tables: 2})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := empty.Search(t.Context(), Encoding{1}, nil, 0.5, nil); len(got) != 0 || err != nil {
		t.Errorf("%v, %v in an empty index", got, err)
	}
	if got, err := none.Search(t.Context(), Encoding{1}, 0.5, nil); len(got) != 0 || err != nil {
		t.Errorf("%v, %v in an empty index", got, err)
	}
}

func TestMeasureBlocking(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 6))
	a, b := random(r, 300, 128), random(r, 200, 128)
	keysA, keysB := keysFor(r, len(a)), keysFor(r, len(b))
	x, y := testIndex(t, a), testIndex(t, b)
	o := &JoinOptions{Blocking: &Blocking{KeysA: keysA, KeysB: keysB}}
	for _, rows := range []int{300, 1000, 60} {
		step := max(1, len(a)/rows)
		want := Completeness{Rows: len(a) / step}
		for _, p := range brute(a, b, 0.4) {
			if p.A%step != 0 {
				continue
			}
			want.All++
			if share(keysA[p.A], keysB[p.B]) {
				want.Kept++
			}
		}
		got, err := MeasureBlocking(t.Context(), x, y, 0.4, o, rows)
		if err != nil || got != want || got.Ratio() != float64(want.Kept)/float64(want.All) {
			t.Errorf("%d rows: %+v, %v, want %+v", rows, got, err, want)
		}
	}
	if _, err := MeasureBlocking(t.Context(), x, y, 2, o, 10); !errors.Is(err, ErrThreshold) {
		t.Errorf("%v, want %v", err, ErrThreshold)
	}
}
