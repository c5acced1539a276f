package psi

import (
	"crypto/rand"
	"slices"
	"sync"

	"github.com/comity-prl/comity/internal/merkle"
)

// Tree returns the Merkle tree over the set's distinct items, by which package
// protocol commits to what a side put in. A padded set has the tree of the set that it
// was: dummies are not part of what was asked.
//
// It is made at the first call, in some 0.2 s for 2^20 items on two cores, and salted
// from a random seed: make it ahead of a session, which would wait for it. Leaves are
// in ascending order of item, so that to open one tells how many items sort before it;
// of pseudorandom items that says little more than how many there are.
func (s *Set) Tree() *merkle.Tree { return s.tree() }

// TreeOf returns the tree that a seed makes, to open a commitment: the same for any
// order of the same items.
func (s *Set) TreeOf(seed [32]byte) *merkle.Tree { return treeOf(s.own, seed) }

// Leaf returns the number in the tree of the item that NewSet was given at an index, or
// -1 where there was none.
func (s *Set) Leaf(index int) int {
	if index < 0 || index >= len(s.rows) {
		return -1
	}
	at := slices.Index(s.rows, uint32(index))
	leaf, dummies := 0, 0
	for i := range s.items {
		if s.starts[i] == s.starts[i+1] {
			dummies++
		} else if int(s.starts[i]) <= at {
			leaf = i - dummies
		}
	}
	return leaf
}

// lazyTree makes the tree of items under a fresh seed when it is first asked for.
func lazyTree(items [][32]byte) func() *merkle.Tree {
	return sync.OnceValue(func() *merkle.Tree {
		var seed [merkle.SeedSize]byte
		rand.Read(seed[:])
		return treeOf(items, seed)
	})
}

func treeOf(items [][32]byte, seed [32]byte) *merkle.Tree {
	return merkle.New(seed, len(items), func(dst []byte, i int) []byte { return append(dst, items[i][:]...) })
}
