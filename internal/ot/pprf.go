package ot

import (
	"crypto/subtle"
	"math/bits"

	"github.com/comity-prl/comity/internal/aeshash"
)

// Depth is the number of levels below the root of a tree of n leaves, and of
// transfers that it takes to puncture it. n must be at least 2.
func Depth(n int) int { return bits.Len(uint(n - 1)) }

// Corrections is the number of blocks that puncture a tree of n leaves, beside the
// transfers.
func Corrections(n int) int { return 2 * (Depth(n) - 1) }

// BuildPPRF grows the tree of Goldreich, Goldwasser and Micali with len(leaves)
// leaves, at least 2. Level 1 of it is a transfer's two strings, keys[0]; of level
// l+1, the corrections are the sums of all left and of all right children, under
// the two strings of keys[l] (2022/192, Figure 13, BuildPPRF). There must be
// Depth(n) keys and room for Corrections(n) blocks.
//
// A tree whose leaves are not a power of 2 ends on the right in nodes that have no
// leaf below them in use. They must stay secret from a receiver who punctures the
// tree there, so that they count as leaves of a higher level: they are part of the
// corrections, and of the sum of all leaves that is returned. Such a receiver has
// all leaves and lacks the sum: it is as if it had punctured the tree nowhere.
func BuildPPRF(leaves []Element, keys [][2]Element, corrections []Element) (sum Element) {
	depth := Depth(len(leaves))
	leaves[0], leaves[1] = keys[0][0], keys[0][1]
	left, right := leaves[0], leaves[1]
	var spare Element
	for level := 2; level <= depth; level++ {
		nodes, extra := expandLevel(leaves, level)
		left, right = sums(nodes)
		corrections[2*level-4] = left.Add(keys[level-1][0])
		corrections[2*level-3] = right.Add(extra).Add(keys[level-1][1])
		spare = spare.Add(extra)
	}
	return left.Add(right).Add(spare)
}

// EvalPPRF grows the same tree but for leaf point, below len(leaves), which it sets
// to zero, and returns the sum less that leaf. keys[l] is the string of number 1−b,
// where b is bit Depth−1−l of point (2022/192, Figure 13, EvalPPRF).
//
// The point is secret. Where leaves are a power of 2, and at most 256, it shows in
// no branch and no address. Elsewhere it indexes memory: the number of steps does
// not depend on it, so that it could show only in the caches of the own machine.
func EvalPPRF(leaves []Element, point int, keys, corrections []Element) (sum Element) {
	depth := Depth(len(leaves))
	hide := len(leaves) <= 256
	node := point >> (depth - 1)
	put(leaves[:2], node, Element{}, hide)
	put(leaves[:2], node^1, keys[0], hide)
	sum = keys[0] // of the level, to begin with
	var spare Element
	for level := 2; level <= depth; level++ {
		nodes, extra := expandLevel(leaves, level)
		node = point >> (depth - level)
		beside := node ^ 1
		put(nodes, node, Element{}, hide)
		if beside < len(nodes) {
			put(nodes, beside, Element{}, hide)
		} else {
			extra = Element{}
		}
		left, right := sums(nodes)
		side := uint64(beside & 1)
		same := choose(left, right.Add(extra), side)
		correction := choose(corrections[2*level-4], corrections[2*level-3], side)
		found := correction.Add(keys[level-1]).Add(same)
		sum = left.Add(right)
		if beside < len(nodes) {
			put(nodes, beside, found, hide)
			sum = sum.Add(found)
		} else {
			extra = found
		}
		spare = spare.Add(extra)
	}
	return sum.Add(spare)
}

// put sets xs[i] to e, where asked to without showing i by an address.
func put(xs []Element, i int, e Element, hide bool) {
	if !hide {
		xs[i] = e
		return
	}
	for k := range xs {
		xs[k] = choose(xs[k], e, uint64(subtle.ConstantTimeEq(int32(k), int32(i))))
	}
}

// expandLevel replaces level−1 of the tree, at the start of leaves, by level. Of
// the nodes there, it returns those above a leaf, and the one to their right that
// has none below it: zero if there is no such node.
func expandLevel(leaves []Element, level int) (nodes []Element, extra Element) {
	depth := Depth(len(leaves))
	width := func(level int) int { return (len(leaves)-1)>>(depth-level) + 1 }
	parents := leaves[:width(level-1)]
	nodes = leaves[:width(level)]
	if len(nodes) == 2*len(parents) {
		aeshash.ExpandInterleaved(nodes, parents)
		return nodes, Element{}
	}
	var last [2]Element
	whole := len(parents) - 1
	aeshash.ExpandInterleaved(last[:], parents[whole:])
	aeshash.ExpandInterleaved(nodes[:2*whole], parents[:whole])
	nodes[2*whole] = last[0]
	return nodes, last[1]
}

// sums returns the sum of the elements of even and of odd index.
func sums(xs []Element) (even, odd Element) {
	var a, b Element
	for len(xs) >= 4 {
		even.Lo ^= xs[0].Lo
		even.Hi ^= xs[0].Hi
		odd.Lo ^= xs[1].Lo
		odd.Hi ^= xs[1].Hi
		a.Lo ^= xs[2].Lo
		a.Hi ^= xs[2].Hi
		b.Lo ^= xs[3].Lo
		b.Hi ^= xs[3].Hi
		xs = xs[4:]
	}
	even, odd = even.Add(a), odd.Add(b)
	for i, x := range xs {
		if i&1 == 0 {
			even = even.Add(x)
		} else {
			odd = odd.Add(x)
		}
	}
	return even, odd
}
