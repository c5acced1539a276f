package psi

import (
	"bytes"
	"slices"
)

// Set is a set of items, ready to be sent, bound to what made it. It is not
// changed by a run and may serve several at once.
type Set struct {
	binding Binding
	items   [][32]byte // distinct, ascending
	rows    []int      // input indices, those of one item side by side
	starts  []int      // rows[starts[i]:starts[i+1]] held items[i]
}

// NewSet makes a set of items, which it copies. An item that occurs more than
// once counts and travels once; matches name each of its places.
func NewSet[T ~[32]byte](items []T, b Binding) *Set {
	rows := make([]int, len(items))
	for i := range rows {
		rows[i] = i
	}
	slices.SortFunc(rows, func(i, j int) int {
		x, y := [32]byte(items[i]), [32]byte(items[j])
		if c := bytes.Compare(x[:], y[:]); c != 0 {
			return c
		}
		return i - j
	})
	s := &Set{binding: b, rows: rows, items: make([][32]byte, 0, len(items))}
	for n, row := range rows {
		item := [32]byte(items[row])
		if n > 0 && item == s.items[len(s.items)-1] {
			continue
		}
		s.items = append(s.items, item)
		s.starts = append(s.starts, n)
	}
	s.starts = append(s.starts, len(rows))
	return s
}

// Len returns the number of distinct items, which the peer learns.
func (s *Set) Len() int { return len(s.items) }

// Binding returns what the set is bound to.
func (s *Set) Binding() Binding { return s.binding }

// places returns the input indices that held item i.
func (s *Set) places(i int) []int { return s.rows[s.starts[i]:s.starts[i+1]] }
