package psi

import (
	"crypto"
	"crypto/ecdh"
	"crypto/rand"
	"fmt"

	"filippo.io/nistec"
	"github.com/cloudflare/circl/expander"
	cgroup "github.com/cloudflare/circl/group"
	"github.com/gtank/ristretto255"
)

// group is a group of prime order with a hash into it. The Diffie–Hellman suites
// need no more of it than this.
type group interface {
	// elementSize is the length of an encoded element, in bytes.
	elementSize() int
	// newMask draws a fresh nonzero scalar.
	newMask() (mask, error)
	// parseMask reads what a mask's bytes returned.
	parseMask(k []byte) (mask, error)
}

// mask is a secret scalar k. It is safe for concurrent use.
type mask interface {
	// item appends the encoding of k·H(item) to dst.
	item(dst []byte, item *[32]byte) ([]byte, error)
	// element appends the encoding of k·P to dst, where p encodes P. It fails
	// with ErrEncoding or ErrIdentity if p does not encode an element other than
	// the identity in its only valid form.
	element(dst, p []byte) ([]byte, error)
	// bytes returns k, for a run that goes on in another process.
	bytes() []byte
}

// Domain separation tags of the hashes to the groups (RFC 9380, Section 3.1).
const (
	dstRistretto255 = "COMITY-PSI-V1-ristretto255_XMD:SHA-512_R255MAP_RO_"
	dstP256         = "COMITY-PSI-V1-P256_XMD:SHA-256_SSWU_RO_"
)

// ristretto is the group of RFC 9496. The arithmetic is gtank/ristretto255's,
// which is constant-time but for the functions that it marks VarTime, none of
// which is used here. BenchmarkGroup compares it with circl's: a multiplication
// takes 0.7 to 0.8 of the time (56 µs against 78 on a 2.45 GHz Zen 3), a hash as long.
type ristretto struct{}

func (ristretto) elementSize() int { return 32 }

func (ristretto) newMask() (mask, error) {
	var wide [64]byte
	rand.Read(wide[:])
	// Zero has a chance of 2^-252.
	k, err := ristretto255.NewScalar().SetUniformBytes(wide[:])
	if err != nil {
		return nil, err
	}
	return &ristrettoMask{k}, nil
}

func (ristretto) parseMask(k []byte) (mask, error) {
	s, err := ristretto255.NewScalar().SetCanonicalBytes(k)
	if err != nil || isZero(k) {
		return nil, ErrState
	}
	return &ristrettoMask{s}, nil
}

type ristrettoMask struct{ k *ristretto255.Scalar }

func (m *ristrettoMask) bytes() []byte { return m.k.Bytes() }

func (m *ristrettoMask) item(dst []byte, item *[32]byte) ([]byte, error) {
	h, err := hashToRistretto(item[:], dstRistretto255)
	if err != nil {
		return nil, err
	}
	return append(dst, h.ScalarMult(m.k, h).Bytes()...), nil
}

func (m *ristrettoMask) element(dst, p []byte) ([]byte, error) {
	e, err := ristretto255.NewIdentityElement().SetCanonicalBytes(p)
	if err != nil {
		return nil, ErrEncoding
	}
	if e.Equal(ristretto255.NewIdentityElement()) == 1 {
		return nil, ErrIdentity
	}
	return append(dst, e.ScalarMult(m.k, e).Bytes()...), nil
}

// hashToRistretto is ristretto255_XMD:SHA-512_R255MAP_RO_ of RFC 9380, Appendix B.
func hashToRistretto(msg []byte, dst string) (*ristretto255.Element, error) {
	uniform := expander.NewExpanderMD(crypto.SHA512, []byte(dst)).Expand(msg, 64)
	return ristretto255.NewIdentityElement().SetUniformBytes(uniform)
}

// p256 is NIST P-256. Multiplication is nistec's, which is constant-time. The
// hash to the curve is circl's, whose field arithmetic is math/big's and varies
// in time with its input. That is acceptable here because the input is an item,
// a token under a key that the observer does not hold: what timing tells of a
// token tells nothing of an identity without that key, and the mask, which does
// protect the token from the peer, never meets variable-time code.
type p256 struct{}

func (p256) elementSize() int { return 33 }

func (p256) newMask() (mask, error) {
	k, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("draw a scalar: %w", err)
	}
	return &p256Mask{k.Bytes()}, nil
}

func (p256) parseMask(k []byte) (mask, error) {
	s, err := ecdh.P256().NewPrivateKey(k) // from 1 to the order less 1
	if err != nil {
		return nil, ErrState
	}
	return &p256Mask{s.Bytes()}, nil
}

type p256Mask struct{ k []byte }

func (m *p256Mask) bytes() []byte { return m.k }

func (m *p256Mask) item(dst []byte, item *[32]byte) ([]byte, error) {
	h, err := hashToP256(item[:], dstP256)
	if err != nil {
		return nil, err
	}
	return m.multiply(dst, h)
}

func (m *p256Mask) element(dst, p []byte) ([]byte, error) {
	switch {
	case len(p) != 33:
		return nil, ErrEncoding
	case isZero(p): // SEC 1 has no 33-byte form of the identity; this is the nearest to one
		return nil, ErrIdentity
	}
	e, err := nistec.NewP256Point().SetBytes(p)
	if err != nil {
		return nil, ErrEncoding
	}
	return m.multiply(dst, e)
}

func (m *p256Mask) multiply(dst []byte, e *nistec.P256Point) ([]byte, error) {
	if _, err := e.ScalarMult(e, m.k); err != nil {
		return nil, err
	}
	return append(dst, e.BytesCompressed()...), nil
}

// hashToP256 is P256_XMD:SHA-256_SSWU_RO_ of RFC 9380, Section 8.2.
func hashToP256(msg []byte, dst string) (*nistec.P256Point, error) {
	enc, err := cgroup.P256.HashToElement(msg, []byte(dst)).MarshalBinary()
	if err != nil {
		return nil, err
	}
	return nistec.NewP256Point().SetBytes(enc)
}

func isZero(p []byte) bool {
	for _, b := range p {
		if b != 0 {
			return false
		}
	}
	return true
}
