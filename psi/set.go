package psi

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/comity-prl/comity/internal/merkle"
)

// Set is a set of items, ready to be sent, bound to what made it. It is not
// changed by a run and may serve several at once.
type Set struct {
	// Records is how many records the items are of. Package protocol needs it, before
	// a run, where terms have each record count as a fixed number of items. 0: not
	// known.
	Records int

	binding Binding
	items   [][32]byte // distinct, ascending
	rows    []uint32   // input indices, those of one item side by side
	starts  []uint32   // rows[starts[i]:starts[i+1]] held items[i]: none where it is a dummy
	own     [][32]byte // items without dummies
	tree    func() *merkle.Tree
}

// NewSet makes a set of items, which it copies: at most 2^32 − 1 of them. An item that
// occurs more than once counts and travels once; matches name each of its places.
func NewSet[T ~[32]byte](items []T, b Binding) *Set {
	rows := sorted(items)
	s := &Set{binding: b, rows: rows, items: make([][32]byte, 0, len(items)), starts: make([]uint32, 0, len(items)+1)}
	for n, row := range rows {
		item := [32]byte(items[row])
		if n > 0 && item == s.items[len(s.items)-1] {
			continue
		}
		s.items = append(s.items, item)
		s.starts = append(s.starts, uint32(n))
	}
	s.starts = append(s.starts, uint32(len(rows)))
	s.own, s.tree = s.items, lazyTree(s.items)
	return s
}

// sorted returns the indices of items in ascending order of item, then of index. It
// compares starts of items side by side in memory, which differ in most pairs.
func sorted[T ~[32]byte](items []T) []uint32 {
	type start struct {
		bytes uint64
		row   uint32
	}
	starts := make([]start, len(items))
	for i := range items {
		x := [32]byte(items[i])
		starts[i] = start{binary.BigEndian.Uint64(x[:]), uint32(i)}
	}
	slices.SortFunc(starts, func(a, b start) int {
		if c := cmp.Compare(a.bytes, b.bytes); c != 0 {
			return c
		}
		x, y := [32]byte(items[a.row]), [32]byte(items[b.row])
		return cmp.Or(bytes.Compare(x[:], y[:]), cmp.Compare(a.row, b.row))
	})
	rows := make([]uint32, len(starts))
	for i, s := range starts {
		rows[i] = s.row
	}
	return rows
}

// Len returns the number of distinct items, dummies included, which the peer learns.
func (s *Set) Len() int { return len(s.items) }

// Binding returns what the set is bound to.
func (s *Set) Binding() Binding { return s.binding }

// places returns the input indices that held item i.
func (s *Set) places(i int) []uint32 { return s.rows[s.starts[i]:s.starts[i+1]] }
