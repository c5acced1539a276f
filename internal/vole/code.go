package vole

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/comity-prl/comity/internal/aeshash"
)

// Code is an expand-convolute code (Raghuraman, Rindal, Tanguy, 2023/882): a
// sparse random expander after random convolutions, over GF(2^128). The zero value
// is the conservative choice of that paper's, weight 21.
//
// A vector v of length N becomes one of length m. Its tail z, of length L = N − m,
// goes twice through
//
//	z_k ← c·(z_k + z_{k−25}) + Σ b_{k,j}·z_{k−j}, j from 1 to 24
//
// for k from 25 on and on to the first 25 again, with public random bits b; each of
// the two has bits of its own, so that an expander that hits only the end of the
// tail still sees all of it. (The first 25 take no c and no z_{k−25} at first.) Then
//
//	v_i ← v_i + Σ z_p over Weight positions p
//
// for i < m: one in each of ⌈Weight/2⌉ segments of the tail, of one length, which
// overlap by less than an element each, and the others anywhere in it.
//
// # The constant
//
// All else has coefficients 0 and 1. Without c, the 128 bit planes of the result
// would be 128 codewords' errors on one support of 128 positions, and the span of
// the planes would give away the support by linear algebra (Metzner and Kapturowski,
// IEEE Trans. Inf. Theory 36(4), 1990). With c outside all proper subfields, the
// matrix is over GF(2^128) and planes mix.
//
// Here c = x, a shift and a conditional addition of 0x87. A sparse constant is as
// good as another: the attack may look at the planes in any basis over GF(2), and in
// the basis 1, c, …, c^127 multiplication by any c of degree 128 is the same shift,
// but for the modulus fed back, which is c's minimal polynomial. What is needed is
// that the degree is 128, that is, c^(2^64) ≠ c, and that there are many powers of
// c: a path through the convolution picks up one at each step of 25. TestRank runs
// the attack on this code, and on it with c = 1.
//
// A short tail sees few powers. The attack on a binary code can first erase
// positions, as many as there are equations. Here a position of the tail takes an
// equation for each power of which its column has planes of its own: 12 at least,
// as no tail is shorter than 256 (TestPlanes). So 11 of 12 positions of the tail
// are left, and 128 planes can span them only if no more than 10 of 64 values lie
// there: a chance of 2^-157.
type Code struct {
	// Weight is the number of tail positions in an output. 0 stands for 21; 7 is
	// the fast choice of 2023/882.
	Weight int
}

// taps is the number of random taps of the convolution. There is one more, which is
// always on.
const taps = 24

func (c *Code) complete() error {
	if c.Weight == 0 {
		c.Weight = 21
	}
	if c.Weight < 2 || c.Weight > 64 {
		return ErrParams
	}
	return nil
}

// encoder is a code for vectors of length n, of which m remain.
type encoder struct {
	m, tail int
	slots   []slot
	streams [3]*aeshash.Key // bits of two convolutions, positions
	stop    func() error    // asked once a batch; its error ends the work
}

// slot is where one of an output's positions may lie: at random among count, from
// start on.
type slot struct {
	number       uint64
	start, count int
	segment      bool // whether that is one of the segments, not the whole tail
}

func (s *shape) encoder(stop func() error) *encoder {
	e := &encoder{m: s.m, tail: s.n - s.m, stop: stop}
	regular := (s.params.Code.Weight + 1) / 2
	count := (e.tail + regular - 1) / regular
	for i := range s.params.Code.Weight {
		p := slot{number: uint64(i), count: e.tail}
		if i < regular && regular > 1 {
			p.start, p.count, p.segment = i*(e.tail-count)/(regular-1), count, true
		}
		e.slots = append(e.slots, p)
	}
	// The matrix is public and may be the same in every run. It is a hash of the
	// code's name and size.
	for i := range e.streams {
		in := []byte("comity vole v1 exconv ")
		for _, x := range []int{s.params.Code.Weight, taps, s.m, s.n, i} {
			in = binary.LittleEndian.AppendUint64(in, uint64(x))
		}
		h := sha256.Sum256(in)
		e.streams[i] = aeshash.NewKey([16]byte(h[:]))
	}
	return e
}

// words fills buf with blocks number first, first+1, … of one part of a stream. A
// block is four words of 32 bits.
func words(k *aeshash.Key, buf []Element, first int, part uint64) {
	for i := range buf {
		buf[i] = Element{Lo: uint64(first + i), Hi: part}
	}
	k.Hash(buf, buf)
}

// word returns word i of blocks.
func word(buf []Element, i int) uint32 {
	b := &buf[i/4]
	if i&2 == 0 {
		return uint32(b.Lo >> (i & 1 * 32))
	}
	return uint32(b.Hi >> (i & 1 * 32))
}
