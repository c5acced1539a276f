package parallel

import (
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
