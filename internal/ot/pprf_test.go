package ot

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comity-prl/comity/internal/aeshash"
)

// punctured makes both sides' tree of n leaves.
func punctured(n, point int, seed byte) (full, holed []Element, sumFull, sumHoled Element) {
	r := source(seed)
	keys := make([][2]Element, Depth(n))
	for i := range keys {
		keys[i] = [2]Element(randomElements(r, 2))
	}
	full, holed = make([]Element, n), make([]Element, n)
	corrections := make([]Element, Corrections(n))
	sumFull = BuildPPRF(full, keys, corrections)
	chosen := make([]Element, len(keys))
	for l := range chosen {
		chosen[l] = keys[l][1-point>>(len(keys)-1-l)&1]
	}
	sumHoled = EvalPPRF(holed, point, chosen, corrections)
	return
}

func TestPPRF(t *testing.T) {
	for _, n := range []int{2, 3, 4, 5, 6, 7, 8, 9, 11, 13, 16, 17, 31, 33, 85, 325} {
		for point := range n {
			full, holed, sumFull, sumHoled := punctured(n, point, byte(n))
			if holed[point] != (Element{}) {
				t.Fatalf("n=%d: point %d is not punctured", n, point)
			}
			sumHoled = sumHoled.Add(full[point])
			full[point] = Element{}
			if diff := cmp.Diff(full, holed); diff != "" {
				t.Fatalf("n=%d, point %d (-full +punctured):\n%s", n, point, diff)
			}
			if sumFull != sumHoled {
				t.Fatalf("n=%d, point %d: the sums differ by something else than the leaf", n, point)
			}
		}
	}
}

// The tree is Goldreich, Goldwasser and Micali's: leaf i hangs off the path of i's
// bits.
func TestPPRFLeaves(t *testing.T) {
	const n = 11
	full, _, sum, _ := punctured(n, 0, n)
	r := source(n)
	root := randomElements(r, 2)
	var walk func(node Element, bits int) []Element
	walk = func(node Element, levels int) []Element {
		if levels == 0 {
			return []Element{node}
		}
		var l, h [1]Element
		aeshash.Expand(l[:], h[:], []Element{node})
		return append(walk(l[0], levels-1), walk(h[0], levels-1)...)
	}
	leaves := append(walk(root[0], 3), walk(root[1], 3)...)
	if diff := cmp.Diff(leaves[:n], full); diff != "" {
		t.Errorf("(-path +tree):\n%s", diff)
	}
	// Without a leaf in use: leaf 11 of level 4, and the second node, over leaves 12
	// to 15, of level 2's last pair.
	var pair [2]Element
	aeshash.ExpandInterleaved(pair[:], root[1:])
	want := leaves[n].Add(pair[1])
	for _, leaf := range leaves[:n] {
		want = want.Add(leaf)
	}
	if sum != want {
		t.Error("the sum is not that of the leaves and of the nodes without one")
	}
}

// A receiver who punctures where no leaf is must not learn the sum of all leaves:
// the node there stays masked.
func TestPPRFOutsidePoint(t *testing.T) {
	const n = 11 // the second node of level 2's last pair is over leaves 12 to 15
	r := source(n)
	keys := make([][2]Element, Depth(n))
	for i := range keys {
		keys[i] = [2]Element(randomElements(r, 2))
	}
	full, corrections := make([]Element, n), make([]Element, Corrections(n))
	sum := BuildPPRF(full, keys, corrections)
	// What such a receiver can compute: everything right of nothing but that node.
	// With the node's sibling from level 2's left sum, it has all leaves.
	known := make([]Element, n)
	known2 := [4]Element{}
	aeshash.ExpandInterleaved(known2[:2], []Element{keys[0][0]})
	known2[2] = corrections[0].Add(keys[1][0]).Add(known2[0])
	var level3 [6]Element
	aeshash.ExpandInterleaved(level3[:], known2[:3])
	var level4 [12]Element
	aeshash.ExpandInterleaved(level4[:], level3[:])
	copy(known, level4[:n])
	if diff := cmp.Diff(full, known); diff != "" {
		t.Fatalf("the attack of this test is wrong (-full +known):\n%s", diff)
	}
	for _, leaf := range level4 {
		sum = sum.Add(leaf)
	}
	var hidden [2]Element
	aeshash.ExpandInterleaved(hidden[:], []Element{keys[0][1]})
	if sum != hidden[1] {
		t.Error("the sum of the leaves is not masked by the node that such a receiver lacks")
	}
}
