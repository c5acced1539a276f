package bloomlink

import (
	"context"
	"fmt"
	"math"
	"math/bits"
	"sort"
)

const (
	// tileRows rows of one side go through the other side together.
	tileRows = 16

	// blockBytes of the other side stay in the first cache while a tile passes.
	blockBytes = 32 << 10
)

// search compares every row of a with those of b that can reach a threshold.
type search struct {
	a, b  *Index
	block int     // rows
	need  []int32 // by the sum of bits set: the least number in common
	spans []span  // by the bits set in a row of a
}

// span is a range of places in b.
type span struct{ from, to int }

func newSearch(a, b *Index, threshold float64) (*search, error) {
	if !validThreshold(threshold) {
		return nil, fmt.Errorf("%w: %v", ErrThreshold, threshold)
	}
	if a.Len() == 0 || b.Len() == 0 {
		a, b = &Index{}, &Index{} // an empty side has no length to disagree about
	}
	if a.length != b.length {
		return nil, fmt.Errorf("%w: %d bits on one side, %d on the other", ErrEncoding, a.length, b.length)
	}
	s := &search{a: a, b: b, block: blockBytes / 8 / max(a.words, 1)}
	s.need = leastCommon(2*a.length, threshold)
	s.spans = make([]span, a.length+1)
	if b.Len() > 0 {
		for n := range s.spans {
			s.spans[n] = s.span(n)
		}
	}
	return s, nil
}

func validThreshold(t float64) bool { return t > 0 && t <= 1 } // NaN fails too

// leastCommon returns for every sum of bits set, up to max, how many bits two
// encodings must have in common for dice to reach the threshold. The score itself
// decides, rounding and all: the estimate is off by a few at most, and dice ascends
// with the bits in common.
func leastCommon(max int, threshold float64) []int32 {
	need := make([]int32, max+1)
	need[0] = 1 // two empty encodings have none
	for sum := 1; sum <= max; sum++ {
		c := int(math.Ceil(threshold * float64(sum) / 2))
		for c > 0 && dice(c-1, sum) >= threshold {
			c--
		}
		for dice(c, sum) < threshold {
			c++
		}
		need[sum] = int32(c)
	}
	return need
}

// span returns the places of b whose encodings can reach the threshold with one of
// n bits: they have at most the smaller number in common (the length filter of
// Swamidass and Baldi, Journal of Chemical Information and Modeling 47(2), 2007).
// That bound ascends up to n bits and descends from there.
func (s *search) span(n int) span {
	reach := func(m int) bool { return min(n, m) >= int(s.need[n+m]) }
	least := sort.Search(n, reach)
	beyond := n + sort.Search(s.b.length-n+1, func(d int) bool { return !reach(n + d) })
	if beyond <= least {
		return span{}
	}
	return span{int(s.b.starts[least]), int(s.b.starts[beyond])}
}

// tile calls found for every pair over the threshold of rows from lo to hi-1 of a,
// in no order: the row of each side and the score. It gives up when ctx ends.
func (s *search) tile(ctx context.Context, lo, hi int, found func(a, b uint32, score float64)) {
	for from := 0; from < s.b.Len(); from += s.block {
		if ctx.Err() != nil {
			return
		}
		to := min(from+s.block, s.b.Len())
		for row := lo; row < hi; row++ {
			s.row(row, from, to, found)
		}
	}
}

// row compares one row of a with a block of b. Of two encodings the one with fewer
// bits set may miss fewer in the other, so that its misses are counted, and no
// further than they decide.
func (s *search) row(row, from, to int, found func(a, b uint32, score float64)) {
	place := int(s.a.places[row])
	x, n := s.a.at(place), int(s.a.counts[place])
	from, to = max(from, s.spans[n].from), min(to, s.spans[n].to)
	if from >= to {
		return
	}
	rest, need := s.b.data[from*len(x):], s.need[n:]
	for p, count := range s.b.counts[from:to] {
		y, m := rest[:len(x)], int(count)
		rest = rest[len(x):]
		fewer, less, more := n, x, y
		if m < n {
			fewer, less, more = m, y, x
		}
		limit := fewer - int(need[m])
		missed := 0
		for len(less) >= stride && missed <= limit {
			missed += misses((*[stride]uint64)(less), (*[stride]uint64)(more))
			less, more = less[stride:], more[stride:]
		}
		for i := 0; i < len(less) && missed <= limit; i++ {
			missed += bits.OnesCount64(less[i] &^ more[i])
		}
		if missed <= limit {
			found(uint32(row), s.b.rows[from+p], dice(fewer-missed, n+m))
		}
	}
}

// stride is how many words are compared before a pair can be given up. Half an
// encoding of 1024 bits decides for nearly all pairs, and so the branch is foreseen.
const stride = 8

// misses counts the bits of x that y lacks.
func misses(x, y *[stride]uint64) int {
	return bits.OnesCount64(x[0]&^y[0]) + bits.OnesCount64(x[1]&^y[1]) +
		bits.OnesCount64(x[2]&^y[2]) + bits.OnesCount64(x[3]&^y[3]) +
		bits.OnesCount64(x[4]&^y[4]) + bits.OnesCount64(x[5]&^y[5]) +
		bits.OnesCount64(x[6]&^y[6]) + bits.OnesCount64(x[7]&^y[7])
}
