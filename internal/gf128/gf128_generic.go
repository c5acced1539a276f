package gf128

import "math/bits"

// Carry-less products out of integer multiplications, after Pornin, "BearSSL:
// Constant-Time Mul" and its GHASH: with three zero bits kept between any two
// bits of an operand, carries end in the gaps, and masking drops them. It is in
// constant time wherever a 64-bit integer multiplication is.

// clmulLo returns the low 64 bits of the carry-less product of a and b. The top
// columns of an operand's class add up to at most 16, whose carry leaves the word.
func clmulLo(a, b uint64) uint64 {
	const m0, m1, m2, m3 = 0x1111111111111111, 0x2222222222222222, 0x4444444444444444, 0x8888888888888888
	a0, a1, a2, a3 := a&m0, a&m1, a&m2, a&m3
	b0, b1, b2, b3 := b&m0, b&m1, b&m2, b&m3
	return (a0*b0^a1*b3^a2*b2^a3*b1)&m0 |
		(a0*b1^a1*b0^a2*b3^a3*b2)&m1 |
		(a0*b2^a1*b1^a2*b0^a3*b3)&m2 |
		(a0*b3^a1*b2^a2*b1^a3*b0)&m3
}

// clmul returns the 127 bits of the carry-less product of a and b. The high ones
// are the low ones of the reversed operands, reversed.
func clmul(a, b uint64) (lo, hi uint64) {
	hi = bits.Reverse64(clmulLo(bits.Reverse64(a), bits.Reverse64(b)))
	return clmulLo(a, b), hi >> 1
}

// product is an unreduced product: 255 bits, least significant word first.
type product [4]uint64

func wide(a, b Element) product {
	lo0, lo1 := clmul(a.Lo, b.Lo)
	hi0, hi1 := clmul(a.Hi, b.Hi)
	mid0, mid1 := clmul(a.Lo^a.Hi, b.Lo^b.Hi) // Karatsuba
	mid0 ^= lo0 ^ hi0
	mid1 ^= lo1 ^ hi1
	return product{lo0, lo1 ^ mid0, hi0 ^ mid1, hi1}
}

// reduce folds the high half onto the low half, as x^128 is x^7 + x^2 + x + 1.
func (p product) reduce() Element {
	// What the fold of the top word pushes above x^128 is folded with the word
	// below it.
	over := p[3]>>63 ^ p[3]>>62 ^ p[3]>>57
	p[2] ^= over
	return Element{
		p[0] ^ p[2] ^ p[2]<<1 ^ p[2]<<2 ^ p[2]<<7,
		p[1] ^ p[3] ^ p[3]<<1 ^ p[3]<<2 ^ p[3]<<7 ^ p[2]>>63 ^ p[2]>>62 ^ p[2]>>57,
	}
}

func mulGeneric(a, b Element) Element { return wide(a, b).reduce() }

func mulAddToGeneric(dst, src []Element, k Element) {
	for i := range dst {
		dst[i] = dst[i].Add(mulGeneric(src[i], k))
	}
}

func dotGeneric(a, b []Element) Element {
	var sum product
	for i := range a {
		p := wide(a[i], b[i])
		for j := range sum {
			sum[j] ^= p[j]
		}
	}
	return sum.reduce()
}

func hornerGeneric(acc, x, c []Element) {
	for i := range acc {
		acc[i] = mulGeneric(acc[i], x[i]).Add(c[i])
	}
}
