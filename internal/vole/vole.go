// Package vole makes a random vector oblivious linear evaluation over GF(2^128)
// out of little communication: the sender gets Δ and B, the receiver A and C with
//
//	C = A·Δ + B,
//
// where A looks random to the sender, and Δ and B to the receiver. Start with
// [Send] and [Receive].
//
// It is the construction of Boyle et al., "Efficient Two-Round OT Extension and
// Silent Non-Interactive Secure Computation" (CCS 2019, ePrint 2019/1159), as
// Raghuraman and Rindal, "Blazing Fast PSI" (CCS 2022, 2022/320) use it: make the
// relation for a sparse vector of length N by punctured trees, then let both sides
// multiply by a public matrix. The code is that of Raghuraman, Rindal and Tanguy
// (CRYPTO 2023, 2023/882); the consistency check is that of Weng et al.,
// "Wolverine" (IEEE S&P 2021, 2020/925, Figure 7), as Yang et al., "Ferret" (CCS
// 2020, 2020/924), batch it over all trees.
//
//	sender: Δ, B                              receiver: A, C
//	   128 base transfers, for ¬Δ     ──▶
//	                                  ◀──     the rest of an OT extension, for
//	                                          y_1 … y_t, y*, and paths to p_1 … p_t
//	   corrections of t trees, each with
//	   the sum of its leaves plus b_j ──▶
//	                                  ◀──     χ, y* − Σ χ^(p_j+1)·y_j
//	   hash of Σ χ^(i+1)·B̃_i + b*     ──▶     compares
//
// One extension serves all: its Δ is the Δ of the relation, so that 128 rows of it,
// read as one product, are the relation for one noise value y_j, and each level of
// the trees takes 128 further rows, one a tree, as random transfers. Only 128
// public-key transfers are ever made. The last two messages are absent, and the
// extension is unchecked, if both sides say that their peer is semi-honest.
//
// The sender draws Δ. It must be fresh in every run: it is what the peer must not
// learn, the extension's checks let a cheating peer gamble for bits of it, and
// nothing but the base transfers' choices may fix it.
//
// # What it rests on
//
// What package ot rests on, and that A looks random to one who knows the code: the
// dual LPN assumption over GF(2^128), with regular noise of weight 128, for ExConv.
// There is no proof of it. The weight is such that no linear test has an advantage
// above 2^-128 if the code has a relative distance of a quarter, which its authors
// extrapolate from small codes; and what systems of equations make of regular noise
// in short blocks has not been worked out here for vectors of some hundred elements.
//
// The consistency check holds against a malicious sender but for a polynomial of
// degree N with a root at χ, a chance below N·2^-128. The sender can stake the run
// on a guess of the noise's positions: if it has a chance of 2^-s it goes on with
// that chance, and has learnt s bits. On average that is about one bit (2020/925).
//
// A malicious receiver chooses its noise, and with it A, from what regular noise can
// give, no noise in a block included: all of its choices are bits of the extension,
// and any bits make a path and a value. It learns a hash of Σ χ^(i+1)·B̃_i + b* + d·Δ
// for a d of its choice, which lets it test guesses of all of Δ, and of nothing less.
package vole

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"errors"

	"github.com/comity-prl/comity/internal/gf128"
	"github.com/comity-prl/comity/internal/ot"
	"github.com/comity-prl/comity/internal/parallel"
	"github.com/comity-prl/comity/internal/wire"
)

// Element is an element of GF(2^128).
type Element = gf128.Element

// Kinds is how many kinds of frame a run uses, from the caller's first one on.
const Kinds = ot.Kinds + 3

const (
	kindTrees wire.Kind = ot.Kinds + iota
	kindChallenge
	kindProof
)

// MaxLength is the largest length of a vector.
const MaxLength = 1 << 27

var (
	// ErrCheck is the receiver's error if the sender's trees are wrong. The sender
	// sees an alert.
	ErrCheck = errors.New("vole: the peer's trees are inconsistent")
	// ErrParams is the error of a call whose arguments are out of range.
	ErrParams = errors.New("vole: argument out of range")
)

// Params are the same on both sides. The zero value and nil are secure against
// malicious peers.
type Params struct {
	// Session binds hashes to this run: no two runs should share it.
	Session []byte
	// SemiHonest leaves out the checks against a peer that departs from the
	// protocol.
	SemiHonest bool
	// Code is the public matrix; the zero value is ExConv 21×24.
	Code Code
}

// session names the run in hashes. It covers what the sides must agree on and no
// frame's length tells: vectors of other lengths can come out of trees of one size.
func (s *shape) session() []byte {
	b := []byte("comity vole v1 ")
	b = binary.LittleEndian.AppendUint64(b, uint64(s.m))
	b = binary.LittleEndian.AppendUint64(b, uint64(s.params.Code.Weight))
	return append(b, s.params.Session...)
}

func (s *shape) options() *ot.Options {
	return &ot.Options{Session: s.session(), SemiHonest: s.params.SemiHonest}
}

// Send makes vectors of length m, from 1 to MaxLength, as the one who holds Δ.
func Send(c *wire.Conn, kind wire.Kind, m int, p *Params) (delta Element, b []Element, err error) {
	s, err := newShape(m, p)
	if err != nil {
		return Element{}, nil, err
	}
	err = c.Run(func() (err error) {
		rows, err := ot.Send(c, kind, s.chunks(), s.options())
		if err != nil {
			return err
		}
		delta, b = rows.Delta, make([]Element, s.n)
		trees, err := s.sendTrees(c, kind+kindTrees, b, rows)
		if err != nil {
			return err
		}
		if !s.params.SemiHonest {
			if err := s.prove(c, kind, b, rows, trees); err != nil {
				return err
			}
		}
		b, err = s.compress(b, c.Context().Err)
		return err
	})
	if err != nil {
		return Element{}, nil, err
	}
	return delta, b, nil
}

// Receive is the other side of [Send].
func Receive(c *wire.Conn, kind wire.Kind, m int, p *Params) (a, cc []Element, err error) {
	s, err := newShape(m, p)
	if err != nil {
		return nil, nil, err
	}
	err = c.Run(func() error {
		e := s.newNoise()
		rows, err := ot.Receive(c, kind, s.choices(e), s.options())
		if err != nil {
			return err
		}
		v := make([]Element, s.n)
		trees, err := s.receiveTrees(c, kind+kindTrees, v, e, rows)
		if err != nil {
			return err
		}
		if !s.params.SemiHonest {
			if err := s.check(c, kind, v, e, rows, trees); err != nil {
				return err
			}
		}
		a, cc, err = s.compressBoth(v, e, c.Context().Err)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	return a, cc, nil
}

// digest is the hash of the frame of trees. Of a level's two corrections a receiver
// uses one only: the hash tells that the other one has not changed on the way either.
type digest = [sha256.Size]byte

// prove answers the receiver's challenge.
func (s *shape) prove(c *wire.Conn, kind wire.Kind, b []Element, rows *ot.Sent, trees digest) error {
	in, err := c.ReadExact(kind+kindChallenge, 2*gf128.Size)
	if err != nil {
		return err
	}
	var challenge [2]Element
	gf128.Decode(challenge[:], in)
	chi, difference := challenge[0], challenge[1]
	// The row is for a random y*: its product is made the one for the y* of the
	// check by the difference times Δ (2020/925, Figure 7).
	share := rows.Packed(s.t).Add(difference.Mul(rows.Delta))
	h := s.proof(trees, chi, dotPowers(b, chi).Add(share))
	return c.Write(kind+kindProof, h[:])
}

// check draws a challenge, after all that the sender's trees depend on has come,
// and compares.
func (s *shape) check(c *wire.Conn, kind wire.Kind, v []Element, e *noise, rows *ot.Received, trees digest) error {
	chi := randomElements(1)[0]
	difference := e.extra
	for j, y := range e.values {
		difference = difference.Add(y.Mul(power(chi, s.place(e, j)+1)))
	}
	out := make([]byte, 2*gf128.Size)
	gf128.Encode(out, []Element{chi, difference})
	if err := c.Write(kind+kindChallenge, out); err != nil {
		return err
	}
	want := s.proof(trees, chi, dotPowers(v, chi).Add(rows.Packed(s.t)))
	got, err := c.ReadExact(kind+kindProof, len(want))
	if err != nil {
		return err
	}
	if subtle.ConstantTimeCompare(got, want[:]) != 1 {
		return ErrCheck
	}
	return nil
}

func (s *shape) proof(trees digest, chi, value Element) digest {
	session := sha256.Sum256(s.session())
	in := append([]byte("comity vole v1 check "), session[:]...)
	in = append(in, trees[:]...)
	return sha256.Sum256(value.AppendBytes(chi.AppendBytes(in)))
}

// dotPowers is gf128.DotPowers on all cores.
func dotPowers(xs []Element, chi Element) Element {
	const least = 1 << 12
	parts := len(xs)/least + 1
	sums := make([]Element, parts)
	parallel.Do(parts, func(lo, hi int) {
		from, to := lo*len(xs)/parts, hi*len(xs)/parts
		sums[lo] = gf128.DotPowers(xs[from:to], chi).Mul(power(chi, from))
	})
	var sum Element
	for _, s := range sums {
		sum = sum.Add(s)
	}
	return sum
}

// power returns x^n in a time that depends on the length of n alone: n can be a
// secret position.
func power(x Element, n int) Element {
	out := Element{Lo: 1}
	for i := range 40 {
		chosen := Element{Lo: 1}.Add(x.Add(Element{Lo: 1}).Masked(uint64(n >> i & 1)))
		out = out.Mul(chosen)
		x = x.Mul(x)
	}
	return out
}

func randomElements(n int) []Element {
	b := make([]byte, n*gf128.Size)
	rand.Read(b)
	xs := make([]Element, n)
	gf128.Decode(xs, b)
	return xs
}
