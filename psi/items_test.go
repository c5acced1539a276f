package psi

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestItems(t *testing.T) {
	in := [][32]byte{{3}, {1}, {3}, {2}}
	s := NewSet(in, Binding{})
	if diff := cmp.Diff([][32]byte{{1}, {2}, {3}}, slices.Collect(s.Items())); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	padded, err := s.Pad(10)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(slices.Collect(s.Items()), slices.Collect(padded.Items())); diff != "" {
		t.Errorf("filled up (-want +got):\n%s", diff)
	}
	for item := range s.Items() {
		if item != ([32]byte{1}) {
			t.Errorf("first item %x", item[0])
		}
		break
	}
}
