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

// Append adds a row with so many bits set.
func (l *Lists) Append(row []uint64, set int, o *Order) {
	start := len(l.offsets)
	l.offsets = slices.Grow(l.offsets, l.stride)[:start+l.stride]
	list := l.offsets[start:]
	if 8*set < len(o.offset) {
		o.sort(list[:set], row)
	} else {
		o.pick(list[:set], row)
	}
	for i := range list[set:] {
		list[set+i] = uint16(len(o.offset) * planeWords)
	}
}

// pick fills a list by asking for every bit, in order, whether the row has it: what
// it does not have is written over.
func (o *Order) pick(list []uint16, row []uint64) {
	var words [MaxBits / 64]uint64
	copy(words[:], row)
	for r, n := 0, 0; n < len(list); r++ {
		offset := o.offset[r]
		list[n] = offset
		bit := offset / planeWords
		n += int(words[bit/64%uint16(len(words))] >> (bit % 64) & 1)
	}
}

// sort fills a list by putting the row's bits into the order.
func (o *Order) sort(list []uint16, row []uint64) {
	var ranked [MaxBits / 64]uint64
	for w, set := range row {
		for ; set != 0; set &= set - 1 {
			r := o.rank[64*w+bits.TrailingZeros64(set)]
			ranked[r/64%uint16(len(ranked))] |= 1 << (r % 64)
		}
	}
	n := 0
	for w, set := range ranked[:len(row)] {
		for ; set != 0; set &= set - 1 {
			list[n] = o.offset[64*w+bits.TrailingZeros64(set)]
			n++
		}
	}
}
