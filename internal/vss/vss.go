// Package vss shares a secret among members so that any t of them hold it and
// fewer know nothing of it: Shamir's polynomials (CACM 1979) with Feldman's
// commitments to their coefficients (FOCS 1987), by which each member checks its
// share and all can compute the public form of every share.
//
// A commitment shows the secret's public form and nothing else that its discrete
// logarithm would not. circl's package secretsharing does the same for circl's
// groups, of which P-256 is not constant-time.
package vss

import (
	"github.com/comity-prl/comity/internal/oprf"
)

// Commitment holds a·G for each coefficient a of a polynomial, that of degree 0,
// the secret, first. It is public: its time may vary.
type Commitment []oprf.Element

// Deal shares a secret, which may be zero, among members 1 to n, of which any t
// hold it; t is from 1 to n.
func Deal(g oprf.Group, secret oprf.Scalar, t, n int) (Commitment, []oprf.Scalar) {
	coefficients := make([]oprf.Scalar, t)
	commitment := make(Commitment, t)
	for i := range coefficients {
		coefficients[i] = secret
		if i > 0 {
			coefficients[i] = g.Random()
		}
		commitment[i] = g.Base(coefficients[i])
	}
	shares := make([]oprf.Scalar, n)
	for i := range shares {
		x := g.Int(uint16(i + 1))
		shares[i] = g.Int(0)
		for j := t - 1; j >= 0; j-- {
			shares[i] = shares[i].Mul(x).Add(coefficients[j])
		}
	}
	for _, c := range coefficients[1:] {
		c.Zero()
	}
	return commitment, shares
}

// At returns the public form of member i's share.
func (c Commitment) At(g oprf.Group, i int) oprf.Element {
	x, power := g.Int(uint16(i)), g.Int(1)
	powers := make([]oprf.Scalar, len(c))
	for j := range powers {
		powers[j] = power
		power = power.Mul(x)
	}
	return g.VarTimeSum(powers, c)
}

// Verify reports whether a share is member i's.
func (c Commitment) Verify(g oprf.Group, i int, share oprf.Scalar) bool {
	return g.Base(share).Equal(c.At(g, i))
}

// Add returns the commitment to the sum of two polynomials of one degree.
func (c Commitment) Add(d Commitment) Commitment {
	sum := make(Commitment, len(c))
	for i := range c {
		sum[i] = c[i].Add(d[i])
	}
	return sum
}

// Mul returns the commitment to k times the polynomial.
func (c Commitment) Mul(k oprf.Scalar) Commitment {
	product := make(Commitment, len(c))
	for i := range c {
		product[i] = c[i].Mul(k)
	}
	return product
}

// Weights returns what to multiply the shares of the given members by, so that
// their sum is the secret: Lagrange's polynomials at 0. Members are distinct and
// not 0.
func Weights(g oprf.Group, members []int) []oprf.Scalar {
	above, below := make([]oprf.Scalar, len(members)), make([]oprf.Scalar, len(members))
	for i, m := range members {
		above[i], below[i] = g.Int(1), g.Int(1)
		for j, other := range members {
			if i != j {
				o := g.Int(uint16(other))
				above[i] = above[i].Mul(o)
				below[i] = below[i].Mul(o.Sub(g.Int(uint16(m))))
			}
		}
	}
	for i, inverse := range oprf.Invert(below) {
		above[i] = above[i].Mul(inverse)
	}
	return above
}
