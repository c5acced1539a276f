package bitslice

import (
	"cmp"
	"math/bits"
	"slices"
)

// chunk is how many planes are counted at a time.
const chunk = 16

// Order ranks the bits of records from the one that fewest of a set have.
type Order struct {
	rank   []uint16 // by bit
	offset []uint16 // of the plane in a block, in words, by rank
}

// NewOrder makes the order for a set in which bit i is set in having[i] records.
func NewOrder(having []uint32) *Order {
	o := &Order{make([]uint16, len(having)), make([]uint16, len(having))}
	for i := range having {
		o.offset[i] = uint16(i)
	}
	slices.SortStableFunc(o.offset, func(x, y uint16) int { return cmp.Compare(having[x], having[y]) })
	for r, bit := range o.offset {
		o.rank[bit] = uint16(r)
		o.offset[r] = bit * planeWords
	}
	return o
}

// Lists are rows as lists of the planes of their set bits, in an order. Each has
// room for as many as any, in full chunks filled up with the empty plane.
type Lists struct {
	offsets []uint16
	stride  int
}

// Reset makes room for rows of at most so many bits set.
func (l *Lists) Reset(most int) {
	l.offsets, l.stride = l.offsets[:0], (most+chunk-1)/chunk*chunk
}

// Append adds a row.
func (l *Lists) Append(row []uint64, o *Order) {
	var ranked [MaxBits / 64]uint64
	for w, set := range row {
		ranks := (*[64]uint16)(o.rank[64*w:])
		for ; set != 0; set &= set - 1 {
			r := ranks[bits.TrailingZeros64(set)&63]
			ranked[r/64%uint16(len(ranked))] |= 1 << (r % 64)
		}
	}
	start := len(l.offsets)
	l.offsets = slices.Grow(l.offsets, l.stride)[:start+l.stride]
	rest := l.offsets[start:]
	for w, set := range ranked[:len(row)] {
		offsets := (*[64]uint16)(o.offset[64*w:])
		n := bits.OnesCount64(set)
		for i := range rest[:n] {
			rest[i] = offsets[bits.TrailingZeros64(set)&63]
			set &= set - 1
		}
		rest = rest[n:]
	}
	for i := range rest {
		rest[i] = uint16(len(o.offset) * planeWords)
	}
}
