package ot

import (
	"crypto/sha256"
	"crypto/subtle"

	"github.com/comity-prl/comity/internal/gf128"
)

// The check that all d_i carry the same bits u: 2022/192, Figure 8, with a
// universal hash instead of the one of Keller, Orsini and Scholl's (CRYPTO 2015)
// first version, whose proof of security fails and which is open to an attack
// (2022/192, Appendix D; the revised 2015/546, Figure 10, checks as here).
//
// The hash of a column of chunks x_0, …, x_{l-1}, p is p + Σ χ^(j+1)·x_j over
// GF(2^128), where the last chunk p is not used otherwise. It is linear over
// GF(2), so that it commutes with Δ_i·u, which acts on whole columns:
//
//	hash(w_c) = hash(v_c) + bit c of Δ · hash(u).
//
// Two columns that differ collide for at most l of 2^128 values of χ, and p makes
// hash(u) uniform, so that it tells nothing of u. The columns' hashes are sent as
// they are: the sender can compute them from what it has and hash(u).
//
// Let column c carry u_c, and the answer open ũ. The check of a column for which
// hash(u_c) ≠ ũ holds for one value only of Δ's bit c, which the answer fixes: a bit
// guessed. All other columns carry the same bits, unless χ makes two that differ
// collide. Trying out challenges can only help with the latter: what must be
// guessed does not depend on χ.

// challenge derives χ from all that was sent so far.
func (x *extension) challenge() Element {
	return block([sha256.Size]byte(x.transcript.Sum(nil)))
}

// universal returns the hashes of the columns, of which there are width a chunk.
func universal(columns []Element, width int, chi Element) []Element {
	last := len(columns) - width
	sum := append([]Element(nil), columns[last:]...)
	power := chi
	for j := 0; j < last; j += width {
		gf128.MulAddTo(sum, columns[j:j+width], power)
		power = power.Mul(chi)
	}
	return sum
}

// answer opens hash(u) and the hashes of v's columns.
func (x *extension) answer(columns, wanted []Element) error {
	chi := x.challenge()
	open := append(universal(wanted, 1, chi), universal(columns, 128, chi)...)
	out := make([]byte, len(open)*gf128.Size)
	gf128.Encode(out, open)
	return x.conn.Write(x.kind+kindAnswer, out)
}

// verify checks the other side's answer.
func (x *extension) verify(columns []Element, delta Element) error {
	chi := x.challenge()
	in, err := x.conn.ReadExact(x.kind+kindAnswer, (1+128)*gf128.Size)
	if err != nil {
		return err
	}
	u := gf128.FromBytes(in)
	want := universal(columns, 128, chi)
	for c := range want {
		want[c] = want[c].Add(u.Masked(bit(delta, c)))
	}
	expected := make([]byte, 128*gf128.Size)
	gf128.Encode(expected, want)
	if subtle.ConstantTimeCompare(expected, in[gf128.Size:]) != 1 {
		return ErrConsistency
	}
	return nil
}
