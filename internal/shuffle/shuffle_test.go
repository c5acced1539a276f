package shuffle

import "testing"

func TestOrder(t *testing.T) {
	counts := make(map[[3]uint32]int)
	for range 6000 {
		counts[[3]uint32(Order(3))]++
	}
	for order, n := range counts {
		if n < 800 || n > 1200 { // six sigma
			t.Errorf("order %v came %d times of 6000", order, n)
		}
	}
	if len(counts) != 6 || len(Order(0)) != 0 {
		t.Errorf("%d orders of 3, want 6", len(counts))
	}
}
