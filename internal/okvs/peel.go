package okvs

import (
	"cmp"
	"slices"

	"github.com/comity-prl/comity/internal/gf128"
)

// solver solves one bin after the other, in the same memory.
type solver struct {
	l *Layout

	hashes []gf128.Element // of the key of row i
	wanted []gf128.Element // value of row i
	rows   [][3]uint32     // positions of row i
	cells  []cell          // of each sparse slot
	queue  []uint32        // slots of degree 1; the first peeled ones are those done with
	peeled int
}

// cell is what is left of a column of the sparse matrix: in how many rows it is, and
// the sum of their numbers, which is the number of the row once it is the only one.
// A peeled slot keeps the number of its row.
type cell struct{ rows, degree uint32 }

func newSolver(l *Layout) *solver {
	return &solver{
		l:     l,
		rows:  make([][3]uint32, l.capacity),
		cells: make([]cell, l.sparse),
		queue: make([]uint32, l.sparse+1),
	}
}

// solve fills a bin's slots, which must be zero, so that keys with these hashes get
// the wanted values. It may spoil wanted.
func (s *solver) solve(hashes, wanted, slots []gf128.Element) error {
	s.hashes, s.wanted = hashes, wanted
	if len(hashes) > s.l.capacity {
		if duplicates(hashes) {
			return ErrDuplicate
		}
		return ErrSeed
	}
	s.load()
	s.peel(s.start())
	if s.peeled < len(hashes) {
		return s.solveGap(slots)
	}
	s.substitute(slots)
	return nil
}

// load reads the bin's rows.
func (s *solver) load() {
	rows, cells := s.rows[:len(s.hashes)], s.cells
	clear(cells)
	for i, h := range s.hashes {
		rows[i] = s.l.positions(h)
	}
	for i := range rows {
		for _, p := range &rows[i] {
			c := &cells[p]
			c.rows ^= uint32(i)
			c.degree++
		}
	}
}

// start queues the slots of degree 1 and returns the end of the queue.
func (s *solver) start() (tail int) {
	s.peeled = 0
	for p, c := range s.cells {
		s.queue[tail] = uint32(p)
		if c.degree == 1 {
			tail++
		}
	}
	return tail
}

// peel takes rows out that have a slot to themselves, until none is left that has.
// The queue holds slots from s.peeled to tail. First come, first peeled: the rows in
// the queue do not wait for each other's memory.
func (s *solver) peel(tail int) {
	cells, queue, rows := s.cells, s.queue, s.rows
	done := s.peeled
	// A slot gets to degree 1 once, so that the queue never holds more than all.
	for head := done; head < tail; head++ {
		v := queue[head]
		if cells[v].degree != 1 {
			continue // its row went with another slot
		}
		i := cells[v].rows
		queue[done] = v
		done++
		for _, p := range &rows[i] {
			c := &cells[p]
			c.rows ^= i
			c.degree--
			queue[tail] = p
			if c.degree == 1 {
				tail++
			}
		}
		cells[v].rows = i
	}
	s.peeled = done
}

// substitute assigns the peeled slots, the last first: whatever else is in a row
// has been assigned by then, or is free and stays zero.
func (s *solver) substitute(slots []gf128.Element) {
	for q := s.peeled - 1; q >= 0; q-- {
		v := s.queue[q]
		i := s.cells[v].rows
		row := &s.rows[i]
		slots[v] = s.wanted[i].Add(slots[row[0]]).Add(slots[row[1]]).Add(slots[row[2]])
	}
}

// duplicates reports whether two keys are equal, given their hashes: that two keys
// have one hash has a chance of 2^-128.
func duplicates(hashes []gf128.Element) bool {
	hashes = slices.Clone(hashes)
	slices.SortFunc(hashes, func(a, b gf128.Element) int {
		return cmp.Or(cmp.Compare(a.Hi, b.Hi), cmp.Compare(a.Lo, b.Lo))
	})
	return len(slices.Compact(hashes)) < len(hashes)
}
