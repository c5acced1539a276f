package oprf

import (
	"crypto"
	"crypto/rand"
	"crypto/sha512"
	"encoding/binary"
	"fmt"
	"hash"

	"github.com/cloudflare/circl/expander"
	"github.com/gtank/ristretto255"
)

// Ristretto255 is the suite ristretto255-SHA512 (RFC 9497, Section 4.1). Its
// arithmetic is gtank/ristretto255's: constant-time but for the functions marked
// so, of which VarTimeSum alone uses one.
func Ristretto255() Group { return ristretto{} }

type ristretto struct{}

func (ristretto) String() string     { return "ristretto255-SHA512" }
func (ristretto) ElementSize() int   { return 32 }
func (ristretto) NewHash() hash.Hash { return sha512.New() }

func (ristretto) Random() Scalar {
	var wide [64]byte
	rand.Read(wide[:])
	return wideScalar(wide[:]) // zero has a chance of 2^-252
}

// wideScalar reduces 64 bytes.
func wideScalar(wide []byte) *ristrettoScalar {
	k, err := ristretto255.NewScalar().SetUniformBytes(wide)
	if err != nil {
		panic("oprf: a scalar is not made of 64 bytes")
	}
	return &ristrettoScalar{k}
}

func (ristretto) Int(n uint16) Scalar {
	var wide [64]byte
	binary.LittleEndian.PutUint16(wide[:], n)
	return wideScalar(wide[:])
}

func (ristretto) DecodeScalar(b []byte) (Scalar, error) {
	s, err := ristretto255.NewScalar().SetCanonicalBytes(b)
	if err != nil {
		return nil, ErrEncoding
	}
	k := &ristrettoScalar{s}
	if k.IsZero() {
		return nil, ErrIdentity
	}
	return k, nil
}

func (ristretto) HashToScalar(msg, dst []byte) Scalar {
	return wideScalar(expander.NewExpanderMD(crypto.SHA512, dst).Expand(msg, 64))
}

func (ristretto) Identity() Element { return &ristrettoElement{ristretto255.NewIdentityElement()} }

func (ristretto) Base(k Scalar) Element {
	return &ristrettoElement{ristretto255.NewIdentityElement().ScalarBaseMult(k.(*ristrettoScalar).k)}
}

func (ristretto) DecodeElement(b []byte) (Element, error) {
	p, err := ristretto255.NewIdentityElement().SetCanonicalBytes(b)
	if err != nil {
		return nil, ErrEncoding
	}
	if p.Equal(ristretto255.NewIdentityElement()) == 1 {
		return nil, ErrIdentity
	}
	return &ristrettoElement{p}, nil
}

// HashToElement is ristretto255_XMD:SHA-512_R255MAP_RO_ of RFC 9380, Appendix B.
func (ristretto) HashToElement(msg, dst []byte) (Element, error) {
	p, err := ristretto255.NewIdentityElement().SetUniformBytes(expander.NewExpanderMD(crypto.SHA512, dst).Expand(msg, 64))
	return &ristrettoElement{p}, err
}

func ristrettoTerms(k []Scalar, p []Element) ([]*ristretto255.Scalar, []*ristretto255.Element) {
	scalars, elements := make([]*ristretto255.Scalar, len(k)), make([]*ristretto255.Element, len(k))
	for i := range k {
		scalars[i], elements[i] = k[i].(*ristrettoScalar).k, p[i].(*ristrettoElement).p
	}
	return scalars, elements
}

func (ristretto) Sum(k []Scalar, p []Element) Element {
	scalars, elements := ristrettoTerms(k, p)
	return &ristrettoElement{ristretto255.NewIdentityElement().MultiScalarMult(scalars, elements)}
}

func (ristretto) VarTimeSum(k []Scalar, p []Element) Element {
	scalars, elements := ristrettoTerms(k, p)
	return &ristrettoElement{ristretto255.NewIdentityElement().VarTimeMultiScalarMult(scalars, elements)}
}

type ristrettoScalar struct{ k *ristretto255.Scalar }

func (s *ristrettoScalar) Add(t Scalar) Scalar {
	return &ristrettoScalar{ristretto255.NewScalar().Add(s.k, t.(*ristrettoScalar).k)}
}

func (s *ristrettoScalar) Sub(t Scalar) Scalar {
	return &ristrettoScalar{ristretto255.NewScalar().Subtract(s.k, t.(*ristrettoScalar).k)}
}

func (s *ristrettoScalar) Mul(t Scalar) Scalar {
	return &ristrettoScalar{ristretto255.NewScalar().Multiply(s.k, t.(*ristrettoScalar).k)}
}

func (s *ristrettoScalar) Inverse() Scalar {
	return &ristrettoScalar{ristretto255.NewScalar().Invert(s.k)}
}

func (s *ristrettoScalar) IsZero() bool           { return s.k.Equal(ristretto255.NewScalar()) == 1 }
func (s *ristrettoScalar) Append(b []byte) []byte { return append(b, s.k.Bytes()...) }
func (s *ristrettoScalar) Zero()                  { s.k.Zero() }

// Format hides the scalar from every verb.
func (*ristrettoScalar) Format(f fmt.State, _ rune) { fmt.Fprint(f, redacted) }

type ristrettoElement struct{ p *ristretto255.Element }

func (e *ristrettoElement) Add(f Element) Element {
	return &ristrettoElement{ristretto255.NewIdentityElement().Add(e.p, f.(*ristrettoElement).p)}
}

func (e *ristrettoElement) Mul(k Scalar) Element {
	return &ristrettoElement{ristretto255.NewIdentityElement().ScalarMult(k.(*ristrettoScalar).k, e.p)}
}

func (e *ristrettoElement) Equal(f Element) bool   { return e.p.Equal(f.(*ristrettoElement).p) == 1 }
func (e *ristrettoElement) Append(b []byte) []byte { return append(b, e.p.Bytes()...) }
