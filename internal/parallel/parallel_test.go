package parallel

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
)

func TestSpreadCoversAllOnce(t *testing.T) {
	for _, n := range []int{0, 1, 2, 3, 7, 64, 1001} {
		times := make([]atomic.Int32, n)
		if err := Spread(n, func(lo, hi int) error {
			for i := lo; i < hi; i++ {
				times[i].Add(1)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		for i := range times {
			if got := times[i].Load(); got != 1 {
				t.Errorf("n=%d: %d was done %d times", n, i, got)
			}
		}
	}
}

func TestSpreadReturnsAnError(t *testing.T) {
	bad := errors.New("bad")
	err := Spread(9, func(lo, _ int) error {
		if lo == 0 {
			return bad
		}
		return nil
	})
	if !errors.Is(err, bad) {
		t.Errorf("%v, want %v", err, bad)
	}
}

func TestEach(t *testing.T) {
	var now, most, total atomic.Int32
	if err := Each(t.Context(), 20, 3, func(context.Context, int) error {
		most.Store(max(most.Load(), now.Add(1)))
		total.Add(1)
		now.Add(-1)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if total.Load() != 20 || most.Load() > 3 {
		t.Errorf("%d calls, %d at a time", total.Load(), most.Load())
	}
}

func TestEachStopsAtAnError(t *testing.T) {
	bad := errors.New("bad")
	calls := 0
	err := Each(t.Context(), 20, 1, func(_ context.Context, i int) error {
		calls++
		return bad
	})
	if !errors.Is(err, bad) || calls != 1 {
		t.Errorf("%v after %d calls", err, calls)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(bad)
	if err := Each(ctx, 1, 1, func(context.Context, int) error { return nil }); !errors.Is(err, bad) {
		t.Errorf("an ended context: %v", err)
	}
}
