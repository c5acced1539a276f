package okvs

import "github.com/comity-prl/comity/internal/gf128"

// A key's hash h under the seed gives all of its row. The four 32-bit words of h,
// each scaled to its range by a multiplication and a shift (Lemire, "Fast random
// integer generation in an interval", 2019, without the rejection step), are the
// bin and the three positions. A value of a range of r is then off its share by a
// factor of 1 ± r/2^32, which is below 1 ± 2^-14 for any layout: too little to
// show in the failure probability. The dense coordinates are powers of h itself,
// of which the positions fix no more than about 60 bits.

// bin is where the key with hash h belongs.
func (l *Layout) bin(h gf128.Element) int {
	return int(scale(h.Lo, uint64(l.bins)))
}

// positions returns three distinct slots of the sparse part of h's bin: any three
// are equally likely, in any order.
func (l *Layout) positions(h gf128.Element) [3]uint32 {
	r := uint64(l.sparse)
	a, b, c := scale(h.Lo>>32, r), scale(h.Hi, r-1), scale(h.Hi>>32, r-2)
	// b skips a, and c skips both.
	b += notBelow(b, a)
	low, high := min(a, b), max(a, b)
	c += notBelow(c, low)
	c += notBelow(c, high)
	return [3]uint32{uint32(a), uint32(b), uint32(c)}
}

// scale maps the low 32 bits of word to a number below r.
func scale(word, r uint64) uint64 { return word & (1<<32 - 1) * r >> 32 }

// notBelow is 1 if a ≥ b, else 0, without a branch that no processor could guess.
func notBelow(a, b uint64) uint64 { return 1 ^ (a-b)>>63 }
