package bloomlink

import (
	"crypto/rand"
	"iter"
	"slices"
	"sync"

	"github.com/comity-prl/comity/internal/merkle"
)

// Set is a list of encodings, ready to be submitted, bound to what made them. It
// is not changed by a run and may serve several at once.
type Set struct {
	binding Binding
	words   int
	data    []uint64 // row i is data[i*words:(i+1)*words]
	rows    int
	tree    func() *merkle.Tree
}

// NewSet makes a set of encodings, one a row, which it copies. All must have the
// length of the binding. Errors are *EncodingError, or ErrSchema where the
// binding's length is none.
func NewSet(encodings []Encoding, b Binding) (*Set, error) {
	if !validLength(b.Length) {
		return nil, badLength(b.Length)
	}
	if err := checkLengths(encodings, b.Length); err != nil {
		return nil, err
	}
	s := &Set{binding: b, words: b.Length / 64, rows: len(encodings)}
	s.data = make([]uint64, 0, s.rows*s.words)
	for _, e := range encodings {
		s.data = append(s.data, e...)
	}
	s.tree = sync.OnceValue(func() *merkle.Tree {
		var seed [merkle.SeedSize]byte
		rand.Read(seed[:])
		return s.TreeOf(seed)
	})
	return s, nil
}

func checkLengths(encodings []Encoding, length int) error {
	i := slices.IndexFunc(encodings, func(e Encoding) bool { return e.Len() != length })
	if i < 0 {
		return nil
	}
	return &EncodingError{Row: i, Got: encodings[i].Len(), Want: length}
}

// Len returns the number of rows, which the unit and the other owner learn.
func (s *Set) Len() int { return s.rows }

// Binding returns what the set is bound to.
func (s *Set) Binding() Binding { return s.binding }

// Tree returns the Merkle tree over the rows, in their order, by which package protocol
// commits to what an owner put in. A leaf holds the row's words, little endian. The
// tree is made at the first call and salted from a random seed: make it ahead of a
// session, which would wait for it.
func (s *Set) Tree() *merkle.Tree { return s.tree() }

// TreeOf returns the tree that a seed makes, to open a commitment.
func (s *Set) TreeOf(seed [32]byte) *merkle.Tree {
	return merkle.New(seed, s.rows, func(dst []byte, i int) []byte { return appendRow(dst, s.row(i)) })
}

// All yields the encodings in order of row. They are not to be changed.
func (s *Set) All() iter.Seq[Encoding] {
	return func(yield func(Encoding) bool) {
		for i := range s.rows {
			if !yield(s.row(i)) {
				return
			}
		}
	}
}

func (s *Set) row(i int) []uint64 { return s.data[i*s.words : (i+1)*s.words] }
