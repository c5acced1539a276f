package psi_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comity-prl/comity/psi"
)

func padded(t testing.TB, items [][32]byte, n int) *psi.Set {
	t.Helper()
	s, err := psi.NewSet(items, binding).Pad(n)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Padded sets have the pairs of the sets that they were, in every suite, and show the
// padded size alone.
func TestPad(t *testing.T) {
	suites := append(psi.Suites(), psi.Bucketed(false), psi.Bucketed(true))
	for _, w := range workloads {
		if len(w.receiver)+len(w.sender) > 200 {
			continue // large sets are no different, and masking takes time
		}
		want := joined(w.receiver, w.sender)
		for _, s := range suites {
			t.Run(fmt.Sprintf("%s/suite=%v", w.name, s), func(t *testing.T) {
				t.Parallel()
				p := params(s)
				o := both(t.Context(), p, p, padded(t, w.receiver, 64), padded(t, w.sender, 160))
				if diff := cmp.Diff(want, o.pairs(t)); diff != "" {
					t.Errorf("pairs (-want +got):\n%s", diff)
				}
				if o.result.Len() != o.results() {
					t.Errorf("%d matches, All yields %d", o.result.Len(), o.results())
				}
				if o.result.PeerSize != 160 || o.handles.PeerSize != 64 {
					t.Errorf("sizes %d and %d, want the padded ones", o.result.PeerSize, o.handles.PeerSize)
				}
				named := map[int]bool{}
				for _, place := range o.handles.All() {
					named[place] = true
				}
				if len(named) != len(w.sender) {
					t.Errorf("handles stand for %d of the sender's items, want all %d and no dummy", len(named), len(w.sender))
				}
			})
		}
	}
}

func (o outcome) results() (n int) {
	for range o.result.All() {
		n++
	}
	return n
}

// Dummies are drawn anew: two copies of one set share its items and nothing else.
func TestPadIsFresh(t *testing.T) {
	set := psi.NewSet(items(0, 20), binding)
	a, errA := set.Pad(120)
	b, errB := set.Pad(120)
	if errA != nil || errB != nil {
		t.Fatal(errA, errB)
	}
	if set.Len() != 20 || a.Len() != 120 || a.Binding().Config != binding.Config {
		t.Errorf("sizes %d and %d, want 20 and 120", set.Len(), a.Len())
	}
	c := count(t.Context(), countParams(nil), a, b)
	if c.errR != nil || c.errS != nil || c.count.N != 20 {
		t.Errorf("%+v, receiver: %v; sender: %v; want a count of 20", c.count, c.errR, c.errS)
	}
	again, err := a.Pad(130)
	if err != nil {
		t.Fatal(err)
	}
	if c := count(t.Context(), countParams(nil), a, again); c.errR != nil || c.count.N != 120 {
		t.Errorf("%+v, %v: padding a padded set changed it", c.count, c.errR)
	}
}

func TestPadRefuses(t *testing.T) {
	set := psi.NewSet(items(0, 20), binding)
	for _, n := range []int{-1, 0, 19, psi.MaxItems + 1} {
		if s, err := set.Pad(n); !errors.Is(err, psi.ErrTooLarge) || s != nil {
			t.Errorf("to %d: %v, want %v", n, err, psi.ErrTooLarge)
		}
	}
	if s, err := set.Pad(20); err != nil || s.Len() != 20 {
		t.Errorf("to its own size: %v", err)
	}
}

func BenchmarkPad(b *testing.B) {
	for _, n := range []int{1 << 20} {
		for name, have := range map[string]int{"half": n / 2, "nearly-full": n - n/16} {
			set := psi.NewSet(items(0, have), binding)
			b.Run(fmt.Sprintf("n=%d/have=%s", n, name), func(b *testing.B) {
				for b.Loop() {
					if _, err := set.Pad(n); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
