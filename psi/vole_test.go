package psi

import (
	"encoding/binary"
	"errors"
	"testing"
)

// A full bucket is an error that says to run again.
func TestFullBucket(t *testing.T) {
	items := make([][32]byte, 200)
	for i := range items {
		binary.BigEndian.PutUint64(items[i][:], uint64(i))
	}
	h := newHasher(NewSet(items, Binding{}), [32]byte{})
	if _, err := h.cut(4, 30); !errors.Is(err, ErrAgain) {
		t.Errorf("%v, want %v", err, ErrAgain)
	}
	members, err := h.cut(4, 200)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[uint32]bool{}
	for _, bucket := range members {
		for _, m := range bucket {
			seen[m] = true
		}
	}
	if len(seen) != len(items) {
		t.Errorf("%d items in buckets, want %d", len(seen), len(items))
	}
}
