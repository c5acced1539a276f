package oprf

import (
	"errors"
	"hash"

	"github.com/comity-prl/comity/internal/parallel"
)

// Errors of decoding.
var (
	ErrEncoding = errors.New("oprf: not an encoding of the group")
	ErrIdentity = errors.New("oprf: the identity element or a zero scalar")
)

// Lengths of encodings, in bytes.
const (
	ScalarSize     = 32
	ProofSize      = 2 * ScalarSize
	MaxElementSize = 33
)

// Group is a group of prime order with the hashes of its RFC 9497 suite. Scalars
// and elements of two groups must not be mixed. All is safe for concurrent use.
type Group interface {
	// String is the identifier of the suite.
	String() string
	// ElementSize is the length of an encoded element, in bytes.
	ElementSize() int
	// NewHash is the hash function of the suite.
	NewHash() hash.Hash

	// Random draws a scalar other than zero.
	Random() Scalar
	// Int is the scalar of a small number.
	Int(n uint16) Scalar
	// DecodeScalar refuses zero and what is not reduced.
	DecodeScalar(b []byte) (Scalar, error)
	// HashToScalar is for public input: its time may vary.
	HashToScalar(msg, dst []byte) Scalar

	// Identity is the neutral element.
	Identity() Element
	// Base is k times the generator.
	Base(k Scalar) Element
	// DecodeElement refuses the identity and what is not the only valid encoding of
	// an element.
	DecodeElement(b []byte) (Element, error)
	// HashToElement is the hash to the curve of RFC 9380.
	HashToElement(msg, dst []byte) (Element, error)
	// Sum is the sum of k[i]·p[i].
	Sum(k []Scalar, p []Element) Element
	// VarTimeSum is Sum for public scalars.
	VarTimeSum(k []Scalar, p []Element) Element
}

// Scalar is a number modulo the order of its group. Operations take constant time
// and leave their operands as they are.
type Scalar interface {
	Add(Scalar) Scalar
	Sub(Scalar) Scalar
	Mul(Scalar) Scalar
	// Inverse of zero is zero.
	Inverse() Scalar
	IsZero() bool
	// Append appends the encoding.
	Append(b []byte) []byte
	// Zero overwrites the scalar.
	Zero()
}

// Element is an element of its group. Operations leave their operands as they
// are; Mul takes constant time.
type Element interface {
	Add(Element) Element
	Mul(Scalar) Element
	Equal(Element) bool
	// Append appends the encoding, which for P-256 the identity has not.
	Append(b []byte) []byte
}

// Invert returns the inverses of scalars other than zero, with one inversion for
// all of them (Montgomery's trick).
func Invert(ks []Scalar) []Scalar {
	out := make([]Scalar, len(ks))
	if len(ks) == 0 {
		return out
	}
	out[0] = ks[0]
	for i := 1; i < len(ks); i++ {
		out[i] = out[i-1].Mul(ks[i])
	}
	rest := out[len(ks)-1].Inverse() // of the product of ks[:i+1]
	for i := len(ks) - 1; i > 0; i-- {
		out[i], rest = out[i-1].Mul(rest), rest.Mul(ks[i])
	}
	out[0] = rest
	return out
}

// chunk is how many terms of a sum share doublings: more of them would not fit a
// core's cache.
const chunk = 64

// varTimeSum is VarTimeSum on all cores.
func varTimeSum(g Group, k []Scalar, p []Element) Element {
	parts := make([]Element, (len(k)+chunk-1)/chunk)
	parallel.Do(len(parts), func(lo, hi int) {
		for i := lo; i < hi; i++ {
			end := min((i+1)*chunk, len(k))
			parts[i] = g.VarTimeSum(k[i*chunk:end], p[i*chunk:end])
		}
	})
	sum := g.Identity()
	for _, part := range parts {
		sum = sum.Add(part)
	}
	return sum
}

// Encode returns the encoding of an element or a scalar.
func Encode(a interface{ Append([]byte) []byte }) []byte {
	return a.Append(make([]byte, 0, MaxElementSize))
}
