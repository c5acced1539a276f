//go:build !purego

package bitslice

import "golang.org/x/sys/cpu"

// Tiers returns those that run here, the slowest first.
func Tiers() []Tier {
	if cpu.X86.HasAVX2 {
		return []Tier{Portable, AVX2}
	}
	return []Tier{Portable}
}

// bytesAhead is how much of the block to come the kernels ask for with a row.
const bytesAhead = 128

// Of the rows that the opening leaves, a share above shareMore pays for another chunk
// in it, and one below shareLess shows that it has too many.
const (
	shareMore = 0.45
	shareLess = 0.25
	fewRows   = 32 // say nothing
)

// adapt changes the opening by what it leaves of rows.
func (s *Scanner) adapt(rows, left, opening int) {
	s.rows, s.left = s.rows+rows, s.left+left
	if s.rows < fewRows {
		return
	}
	switch share := float64(s.left) / float64(s.rows); {
	case share > shareMore:
		s.opening = opening + 1
	case share < shareLess:
		s.opening = opening - 1
	}
	s.rows, s.left = 0, 0
}

// scanAVX2 counts an opening of all rows, as long as most rows need, and then one
// chunk after the other of those that are left: no branch depends on a single row.
func (s *Scanner) scanAVX2(block []uint64, l *Lists, lo, hi, chunks, width int, found func(row int, lanes *Mask)) {
	rows, stateSize := hi-lo, narrowWords
	if width == wide {
		stateSize = stateWords
	}
	if rows <= 0 {
		return
	}
	if len(s.ids) < rows || len(s.states) < rows*stateSize {
		s.ids, s.states = make([]uint32, rows), make([]uint64, rows*stateSize)
	}
	opening := min(max(s.opening, 1), chunks)
	if s.Full {
		opening = chunks
	}
	_ = l.offsets[hi*l.stride-1]
	stride := 2 * l.stride
	states, ids, planes := &s.states[0], &s.ids[0], &block[0]
	start, lists, next := &s.start[0][0], &l.offsets[0], planes
	if at := lo * bytesAhead / 8; at < len(s.Next) {
		next = &s.Next[at]
	}
	if len(l.offsets) == l.stride && len(s.Next) > 0 {
		touch(&s.Next[0], lists, opening*chunk) // one row needs some of a block alone, and waits for it
	}
	var left int
	if width == wide {
		left = begin14(states, ids, start, planes, next, lists, stride, lo, rows, opening)
	} else {
		left = begin8(states, ids, start, planes, next, lists, stride, lo, rows, opening)
	}
	s.adapt(rows, left, opening)
	for done := opening; done < chunks && left > 0; done++ {
		lists := &l.offsets[done*chunk]
		if width == wide {
			left = proceed14(states, ids, planes, lists, stride, left)
		} else {
			left = proceed8(states, ids, planes, lists, stride, left)
		}
	}
	for i, row := range s.ids[:left] {
		alive := s.states[i*stateSize+aliveAt*planeWords:]
		found(int(row), (*Mask)(alive))
	}
}
