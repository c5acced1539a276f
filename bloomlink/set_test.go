package bloomlink_test

import (
	"encoding/binary"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comity-prl/comity/bloomlink"
)

// The tree of a set is over its rows as they are, repeated ones too.
func TestTree(t *testing.T) {
	rows := []bloomlink.Encoding{{1, 2}, {3, 1 << 63}, {1, 2}}
	set, err := bloomlink.NewSet(rows, bloomlink.Binding{Length: 128})
	if err != nil {
		t.Fatal(err)
	}
	tree := set.Tree()
	if tree.Len() != 3 || set.Tree() != tree || set.TreeOf(tree.Seed()).Root() != tree.Root() {
		t.Errorf("%d leaves, want 3 in one tree of its seed", tree.Len())
	}
	for i, row := range rows {
		proof, err := tree.Prove(i)
		if err != nil {
			t.Fatal(err)
		}
		var words []byte
		for _, w := range row {
			words = binary.LittleEndian.AppendUint64(words, w)
		}
		if err := proof.Verify(tree.Root(), 3, words); err != nil {
			t.Errorf("row %d: %v", i, err)
		}
	}
}

func TestSetAll(t *testing.T) {
	in := []bloomlink.Encoding{{3}, {1}, {3}}
	s, err := bloomlink.NewSet(in, bloomlink.Binding{Length: 64})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(in, slices.Collect(s.All())); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for e := range s.All() {
		if diff := cmp.Diff(in[0], e); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		break
	}
}
