package okvs

import (
	"math/bits"

	"github.com/comity-prl/comity/internal/gf128"
)

// solveGap is solve for a bin in which peeling left rows over: RR22, §2, after RS21.
// Rows are set aside one by one, and are the gap, until peeling takes all others.
// Adding up the right peeled rows rids a row of the gap of its sparse part, and
// what is left is an equation in the dense slots alone.
func (s *solver) solveGap(slots []gf128.Element) error {
	left := make([]bool, len(s.hashes))
	for i := range left {
		left[i] = true
	}
	s.unmark(left)
	// Peeling never separates two equal rows, and equal keys have equal rows.
	var core []gf128.Element
	for i, h := range s.hashes {
		if left[i] {
			core = append(core, h)
		}
	}
	if duplicates(core) {
		return ErrDuplicate
	}
	var gap []uint32
	for i := range left {
		if !left[i] {
			continue
		}
		if len(gap) == s.l.dense {
			return ErrSeed
		}
		gap = append(gap, uint32(i))
		left[i] = false
		s.peel(s.setAside(uint32(i)))
		s.unmark(left)
	}
	dense := slots[s.l.sparse:]
	coefficients, constants := s.equations(gap)
	if !solveDense(dense, coefficients, constants) {
		return ErrSeed
	}
	for i, h := range s.hashes {
		s.wanted[i] = s.wanted[i].Add(gf128.DotPowers(dense, h))
	}
	s.substitute(slots)
	return nil
}

// unmark clears what left says of the rows that are peeled.
func (s *solver) unmark(left []bool) {
	for _, v := range s.queue[:s.peeled] {
		left[s.cells[v].rows] = false
	}
}

// setAside takes row i out and queues the slots that are left with degree 1. It
// returns the end of the queue.
func (s *solver) setAside(i uint32) (tail int) {
	tail = s.peeled
	for _, p := range s.rows[i] {
		c := &s.cells[p]
		c.rows ^= i
		c.degree--
		if c.degree == 1 {
			s.queue[tail] = p
			tail++
		}
	}
	return tail
}

// equations returns the gap's equations in the dense slots.
func (s *solver) equations(gap []uint32) (coefficients [][]gf128.Element, constants []gf128.Element) {
	coefficients, constants = make([][]gf128.Element, len(gap)), make([]gf128.Element, len(gap))
	add := func(e int, i uint32) {
		power := s.hashes[i]
		for j := range coefficients[e] {
			coefficients[e][j] = coefficients[e][j].Add(power)
			power = power.Mul(s.hashes[i])
		}
		constants[e] = constants[e].Add(s.wanted[i])
	}
	// Bit e of in[v]: whether slot v is in equation e. There are at most 64 dense
	// slots, for whatever n and λ, and no more equations than those.
	in := make([]uint64, s.l.sparse)
	toggle := func(i uint32, which uint64) {
		for _, p := range s.rows[i] {
			in[p] ^= which
		}
	}
	for e, i := range gap {
		coefficients[e] = make([]gf128.Element, s.l.dense)
		add(e, i)
		toggle(i, 1<<e)
	}
	// In the order of peeling, a row brings in no slot that went before it. Slots
	// that remain are free, thus zero.
	for _, v := range s.queue[:s.peeled] {
		i, which := s.cells[v].rows, in[v]
		toggle(i, which)
		for ; which != 0; which &= which - 1 {
			add(bits.TrailingZeros64(which), i)
		}
	}
	return coefficients, constants
}

// solveDense solves a·x = b by Gauss and Jordan's elimination, with no more rows
// than columns, and reports whether the rows are independent. It spoils a and b.
// x must be zero: variables that the rows leave free are.
func solveDense(x []gf128.Element, a [][]gf128.Element, b []gf128.Element) bool {
	pivots := make([]int, len(a))
	for r := range a {
		c := 0
		for c < len(x) && a[r][c].IsZero() {
			c++
		}
		if c == len(x) {
			return false
		}
		pivots[r] = c
		inv := a[r][c].Inv()
		for j := range x {
			a[r][j] = a[r][j].Mul(inv)
		}
		b[r] = b[r].Mul(inv)
		for k := range a {
			if k != r {
				factor := a[k][c]
				gf128.MulAddTo(a[k], a[r], factor)
				b[k] = b[k].Add(b[r].Mul(factor))
			}
		}
	}
	for r, c := range pivots {
		x[c] = b[r]
	}
	return true
}
