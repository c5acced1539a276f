package tokenize

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
)

// openings are those of all members in one run.
func openings(t *testing.T, old, next []*Share, session byte) [][]byte {
	t.Helper()
	out := make([][]byte, len(old))
	h := &hub{n: len(old)}
	for i, o := range h.play(t.Context(), func(ctx context.Context, self int, x Exchange) outcome {
		opening, faults, err := old[self-1].Rotate(ctx, next[self-1], [32]byte{session}, x)
		out[self-1] = opening
		return outcome{nil, faults, err}
	}) {
		if o.err != nil || len(o.faults) != 0 {
			t.Fatalf("member %d: %v, %v", i+1, faults(o.faults), o.err)
		}
	}
	return out
}

// twoEpochs are the shares of two keys of one committee.
func twoEpochs(t testing.TB, s Suite, threshold, members int) (old, next []*Share) {
	t.Helper()
	p := plan(s, threshold, members)
	old = good(t, generate(t, &hub{n: members}, p))
	p.Scope = nextScope
	return old, good(t, generate(t, &hub{n: members}, p))
}

// Elements of a shared key move to the next shared key.
func TestRotateShares(t *testing.T) {
	for _, tt := range []struct {
		suite              Suite
		threshold, members int
	}{{Ristretto255, 3, 6}, {P256, 2, 3}} {
		t.Run(fmt.Sprintf("%s/%d of %d", tt.suite, tt.threshold, tt.members), func(t *testing.T) {
			old, next := twoEpochs(t, tt.suite, tt.threshold, tt.members)
			var before, after vault
			token := func(shares []*Share, v *vault) Token {
				f := thresholdClient(t, shares[0].Committee(), servers(t, shares, 1<<tt.members-1), nil)
				r, err := NewRotatable(f, v.keep)
				if err != nil {
					t.Fatal(err)
				}
				return evaluate(t, r, "x")[0]
			}
			was, is := token(old, &before), token(next, &after)

			list := openings(t, old, next, 1)
			least := slices.Clone(list[len(list)-(2*tt.threshold-1):])
			slices.Reverse(least)
			for _, some := range [][][]byte{list, least} {
				d, faults, err := CombineDelta(old[0].Committee(), next[0].Committee(), some)
				if err != nil || len(faults) != 0 {
					t.Fatalf("%v, %v", faults, err)
				}
				if moved(t, d, &before, was) != after.elements[is] {
					t.Error("the element moves elsewhere")
				}
			}
			if _, _, err := CombineDelta(old[0].Committee(), next[0].Committee(), least[1:]); !errors.Is(err, ErrQuorum) {
				t.Errorf("one opening too few: %v", err)
			}
		})
	}
}

// An opening that is wrong in any part is found, and named.
func TestWrongOpenings(t *testing.T) {
	old, next := twoEpochs(t, Ristretto255, 2, 4)
	a, b := old[0].Committee(), next[0].Committee()
	list := openings(t, old, next, 1)
	for at := range list[1] {
		if at > 34 && at%23 != 0 {
			continue // not all of the long run of bytes
		}
		wrong := slices.Clone(list)
		wrong[1] = bytes.Clone(list[1])
		wrong[1][at] ^= 1
		d, faults, err := CombineDelta(a, b, wrong)
		if err != nil {
			t.Fatalf("byte %d: %v", at, err)
		}
		d.Destroy()
		// Another commitment is another run, unless it breaks the proof.
		if len(faults) > 1 || len(faults) == 1 && (faults[0].Member != 2 || !errors.Is(faults[0], ErrOpening)) {
			t.Errorf("byte %d: %v", at, faults)
		}
		if _, _, err := CombineDelta(a, b, wrong[:3]); !errors.Is(err, ErrQuorum) {
			t.Errorf("byte %d: the wrong opening counts: %v", at, err)
		}
	}
	for _, bad := range [][]byte{nil, {format}, list[1][:len(list[1])-1], append(bytes.Clone(list[1]), 0)} {
		_, faults, err := CombineDelta(a, b, [][]byte{list[0], bad, list[2]})
		if !errors.Is(err, ErrQuorum) || len(faults) != 1 || faults[0].Member != 2 {
			t.Errorf("%d bytes: %v, %v", len(bad), faults, err)
		}
	}
	again := [][]byte{list[0], list[0], list[0]}
	if _, _, err := CombineDelta(a, b, again); !errors.Is(err, ErrQuorum) {
		t.Errorf("one opening three times: %v", err)
	}
	other := openings(t, old, next, 2)
	if _, _, err := CombineDelta(a, b, [][]byte{list[0], list[1], other[2]}); !errors.Is(err, ErrQuorum) {
		t.Errorf("openings of two runs: %v", err)
	}
}

func TestRotateSharesRefuses(t *testing.T) {
	old, next := twoEpochs(t, Ristretto255, 2, 3)
	both, bothNext := twoEpochs(t, Ristretto255, 2, 2)
	p256, _ := twoEpochs(t, P256, 2, 3)
	x := (&hub{n: 3}).exchange(1)
	for name, tt := range map[string]struct {
		old, next *Share
		want      error
	}{
		"two suites":          {old[0], p256[0], ErrMode},
		"two sizes":           {old[0], bothNext[0], ErrPlan},
		"two of two":          {both[0], bothNext[0], ErrPlan},
		"shares of two":       {old[0], next[1], ErrPlan},
		"a context that ends": {old[0], next[0], context.Canceled},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, _, err := tt.old.Rotate(ctx, tt.next, [32]byte{}, x); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
	if _, _, err := CombineDelta(both[0].Committee(), bothNext[0].Committee(), nil); !errors.Is(err, ErrPlan) {
		t.Errorf("two of two: %v", err)
	}
	list := openings(t, old, next, 1)
	if _, _, err := CombineDelta(old[0].Committee(), old[0].Committee(), list); !errors.Is(err, ErrQuorum) {
		t.Errorf("another committee than the openings': %v", err)
	}
}

// What a vault is sent is an opening or an error.
func FuzzOpening(f *testing.F) {
	old, next := twoEpochs(f, Ristretto255, 2, 3)
	var mu sync.Mutex
	h := &hub{n: 3}
	h.play(f.Context(), func(ctx context.Context, self int, x Exchange) outcome {
		opening, _, err := old[self-1].Rotate(ctx, next[self-1], [32]byte{}, x)
		mu.Lock()
		defer mu.Unlock()
		f.Add(opening)
		return outcome{err: err}
	})
	a, b := old[0].Committee(), next[0].Committee()
	f.Fuzz(func(t *testing.T, opening []byte) {
		if o, err := readOpening(a, b, opening); err != nil && !errors.Is(err, ErrOpening) || err == nil && o.member == 0 {
			t.Errorf("%v", err)
		}
	})
}
