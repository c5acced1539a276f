package oprf

import (
	"crypto/ecdh"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"math/big"

	"filippo.io/bigmod"
	"filippo.io/nistec"
	"github.com/cloudflare/circl/group"
)

// P256 is the suite P256-SHA256 (RFC 9497, Section 4.3). Multiplication is
// nistec's and arithmetic modulo the order is bigmod's, both constant-time;
// circl's are not (see the warning of its package group).
//
// The hash to the curve is circl's, over math/big, whose time varies with the
// input. Who could measure it is the server, which sees no more than the moment
// at which a batch arrives: the sum over all its inputs of differences that are
// far below the noise of a network.
func P256() Group { return p256{} }

type p256 struct{}

// order is that of the group; orderLessTwo is an exponent.
var (
	order        = modulus(elliptic.P256().Params().N.Bytes())
	orderLessTwo = new(big.Int).Sub(elliptic.P256().Params().N, big.NewInt(2)).Bytes()
)

func modulus(b []byte) *bigmod.Modulus {
	m, err := bigmod.NewModulus(b)
	if err != nil {
		panic(err) // only for one that is not greater than 1
	}
	return m
}

func (p256) String() string     { return "P256-SHA256" }
func (p256) ElementSize() int   { return 33 }
func (p256) NewHash() hash.Hash { return sha256.New() }

func (p256) Random() Scalar {
	k, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		panic(err) // the system's randomness never fails
	}
	return &p256Scalar{[32]byte(k.Bytes())}
}

func (p256) Int(n uint16) Scalar {
	var k p256Scalar
	binary.BigEndian.PutUint16(k.b[30:], n)
	return &k
}

func (p256) DecodeScalar(b []byte) (Scalar, error) {
	if len(b) != ScalarSize {
		return nil, ErrEncoding
	}
	n, err := bigmod.NewNat().SetBytes(b, order)
	if err != nil {
		return nil, ErrEncoding
	}
	if n.IsZero() == 1 {
		return nil, ErrIdentity
	}
	return &p256Scalar{[32]byte(b)}, nil
}

func (p256) HashToScalar(msg, dst []byte) Scalar {
	b, err := group.P256.HashToScalar(msg, dst).MarshalBinary()
	if err != nil {
		panic(err) // a scalar of circl always encodes
	}
	return &p256Scalar{[32]byte(b)}
}

func (p256) Identity() Element { return &p256Element{nistec.NewP256Point()} }

func (p256) Base(k Scalar) Element {
	return multiplied(nistec.NewP256Point().ScalarBaseMult(k.(*p256Scalar).b[:]))
}

// multiplied is a product, which fails only for scalars that have not 32 bytes.
func multiplied(p *nistec.P256Point, err error) *p256Element {
	if err != nil {
		panic(err)
	}
	return &p256Element{p}
}

func (p256) DecodeElement(b []byte) (Element, error) {
	switch {
	case len(b) != 33:
		return nil, ErrEncoding
	case [33]byte(b) == [33]byte{}: // SEC 1 has no 33-byte form of the identity; this is the nearest to one
		return nil, ErrIdentity
	}
	p, err := nistec.NewP256Point().SetBytes(b)
	if err != nil {
		return nil, ErrEncoding
	}
	return &p256Element{p}, nil
}

// HashToElement is P256_XMD:SHA-256_SSWU_RO_ of RFC 9380, Section 8.2.
func (p256) HashToElement(msg, dst []byte) (Element, error) {
	b, err := group.P256.HashToElement(msg, dst).MarshalBinary()
	if err != nil {
		return nil, err
	}
	p, err := nistec.NewP256Point().SetBytes(b)
	return &p256Element{p}, err
}

func (p256) Sum(k []Scalar, p []Element) Element {
	sum := nistec.NewP256Point()
	for i := range k {
		sum.Add(sum, p[i].Mul(k[i]).(*p256Element).p)
	}
	return &p256Element{sum}
}

// VarTimeSum shares doublings among all terms (Straus), with sliding windows over
// odd multiples: nistec has sums of one term alone.
func (p256) VarTimeSum(k []Scalar, p []Element) Element {
	tables := make([][windowOdd]*nistec.P256Point, len(k))
	digits := make([][256]byte, len(k))
	for i := range k {
		digits[i] = windows(&k[i].(*p256Scalar).b)
		tables[i][0] = p[i].(*p256Element).p
		double := nistec.NewP256Point().Double(tables[i][0])
		for j := 1; j < windowOdd; j++ {
			tables[i][j] = nistec.NewP256Point().Add(tables[i][j-1], double)
		}
	}
	sum := nistec.NewP256Point()
	for bit := 255; bit >= 0; bit-- {
		sum.Double(sum)
		for i := range digits {
			if d := digits[i][bit]; d != 0 {
				sum.Add(sum, tables[i][d/2])
			}
		}
	}
	return &p256Element{sum}
}

const (
	windowBits = 5
	windowOdd  = 1 << (windowBits - 1) // odd multiples below 2^windowBits
)

// windows writes a scalar as the sum of digits[i]·2^i, with few digits other than
// zero, all of them odd and below 2^windowBits.
func windows(k *[32]byte) (digits [256]byte) {
	bit := func(i int) byte {
		if i > 255 {
			return 0
		}
		return k[31-i/8] >> (i % 8) & 1
	}
	for i := 0; i < 256; i++ {
		if bit(i) == 0 {
			continue
		}
		at := i
		for j := range windowBits {
			digits[at] |= bit(at+j) << j
		}
		i += windowBits - 1
	}
	return digits
}

// p256Scalar is big endian and reduced.
type p256Scalar struct{ b [32]byte }

// with applies an operation of bigmod, which overwrites its left operand.
func (s *p256Scalar) with(t Scalar, op func(x, y *bigmod.Nat, m *bigmod.Modulus) *bigmod.Nat) Scalar {
	return &p256Scalar{[32]byte(op(s.nat(), t.(*p256Scalar).nat(), order).Bytes(order))}
}

func (s *p256Scalar) nat() *bigmod.Nat {
	n, err := bigmod.NewNat().SetBytes(s.b[:], order)
	if err != nil {
		panic("oprf: a scalar is not reduced")
	}
	return n
}

func (s *p256Scalar) Add(t Scalar) Scalar { return s.with(t, (*bigmod.Nat).Add) }
func (s *p256Scalar) Sub(t Scalar) Scalar { return s.with(t, (*bigmod.Nat).Sub) }
func (s *p256Scalar) Mul(t Scalar) Scalar { return s.with(t, (*bigmod.Nat).Mul) }

// Inverse is s^(order-2), by Fermat's little theorem.
func (s *p256Scalar) Inverse() Scalar {
	return &p256Scalar{[32]byte(bigmod.NewNat().Exp(s.nat(), orderLessTwo, order).Bytes(order))}
}

func (s *p256Scalar) IsZero() bool           { return s.nat().IsZero() == 1 }
func (s *p256Scalar) Append(b []byte) []byte { return append(b, s.b[:]...) }
func (s *p256Scalar) Zero()                  { clear(s.b[:]) }

// Format hides the scalar from every verb.
func (*p256Scalar) Format(f fmt.State, _ rune) { fmt.Fprint(f, redacted) }

type p256Element struct{ p *nistec.P256Point }

func (e *p256Element) Add(f Element) Element {
	return &p256Element{nistec.NewP256Point().Add(e.p, f.(*p256Element).p)}
}

func (e *p256Element) Mul(k Scalar) Element {
	return multiplied(nistec.NewP256Point().ScalarMult(e.p, k.(*p256Scalar).b[:]))
}

func (e *p256Element) Equal(f Element) bool {
	return string(e.p.Bytes()) == string(f.(*p256Element).p.Bytes())
}

func (e *p256Element) Append(b []byte) []byte { return append(b, e.p.BytesCompressed()...) }
