package psi_test

import (
	"slices"
	"testing"

	"github.com/comity-prl/comity/psi"
)

// The tree is that of the set's distinct items, whatever the order in which they came
// and however often, and whatever the set is filled up to.
func TestTree(t *testing.T) {
	xs := slices.Concat(items(0, 900), items(100, 400))
	set := psi.NewSet(xs, binding)
	tree := set.Tree()
	if tree.Len() != 900 || set.Tree() != tree {
		t.Errorf("%d leaves, want 900 in one tree", tree.Len())
	}
	reversed := slices.Clone(items(0, 900))
	slices.Reverse(reversed)
	if psi.NewSet(reversed, psi.Binding{}).TreeOf(tree.Seed()).Root() != tree.Root() {
		t.Error("another order of the items has another root")
	}
	if psi.NewSet(items(0, 899), binding).TreeOf(tree.Seed()).Root() == tree.Root() {
		t.Error("fewer items have the same root")
	}
	if again := psi.NewSet(xs, binding).Tree(); again.Root() == tree.Root() || again.Seed() == tree.Seed() {
		t.Error("two sets share a seed")
	}
	pad, err := set.Pad(2000)
	if err != nil {
		t.Fatal(err)
	}
	if pad.Tree() != tree || pad.TreeOf(tree.Seed()).Root() != tree.Root() {
		t.Error("dummies are in the tree")
	}
	for _, s := range []*psi.Set{set, pad} {
		for _, index := range []int{0, 1, 17, 899, 900, 1199} {
			proof, err := tree.Prove(s.Leaf(index))
			if err != nil {
				t.Fatal(err)
			}
			if err := proof.Verify(tree.Root(), 900, xs[index][:]); err != nil {
				t.Errorf("item %d: %v", index, err)
			}
		}
		for _, index := range []int{-1, 1200, 1 << 32} {
			if leaf := s.Leaf(index); leaf != -1 {
				t.Errorf("item %d has leaf %d", index, leaf)
			}
		}
	}
}

// BenchmarkTree is what a commitment costs beside a run, and a padded set's once its
// tree is there.
func BenchmarkTree(b *testing.B) {
	set := psi.NewSet(items(0, 1<<20), binding)
	b.Run("n=1048576/made", func(b *testing.B) {
		for b.Loop() {
			set.TreeOf([32]byte{1})
		}
	})
	set.Tree()
	b.Run("n=1048576/ready", func(b *testing.B) {
		for b.Loop() {
			set.Tree()
		}
	})
}
