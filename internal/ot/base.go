package ot

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"fmt"
	"hash"

	"github.com/gtank/ristretto255"

	"github.com/comity-prl/comity/internal/parallel"
	"github.com/comity-prl/comity/internal/wire"
)

// pointSize is the length of an encoded group element.
const pointSize = 32

// maxBase is how many base transfers fit a frame.
const maxBase = wire.MaxPayload / (2 * pointSize)

// BaseSend makes n random transfers, n from 1 to 16384, and returns both strings
// of each. It sends one element; the other side of the protocol is [BaseReceive].
//
// The protocol is Masny and Rindal's from Diffie–Hellman key agreement, with one
// message of the sender's for the whole batch (2019/706). It is secure against
// malicious peers in the random oracle model, with the "endemic" guarantee: a
// malicious party may have influence on its own strings, which the extension can
// bear. The hash to the group takes the number of the transfer and of the string:
// the strings of a batch with one aG would otherwise be related (McQuoid, Rosulek
// and Roy, 2021/682).
func BaseSend(c *wire.Conn, kind wire.Kind, n int, o *Options) ([][2]Element, error) {
	if o == nil {
		o = new(Options)
	}
	s := newSession(o.Session)
	return baseSend(c, kind, n, &s, s.transcript())
}

// BaseReceive is the other side of [BaseSend]. Of transfer i it returns the string
// of number choices[i], which must be 0 or 1.
func BaseReceive(c *wire.Conn, kind wire.Kind, choices []byte, o *Options) ([]Element, error) {
	if o == nil {
		o = new(Options)
	}
	s := newSession(o.Session)
	return baseReceive(c, kind, choices, &s, s.transcript())
}

func baseSend(c *wire.Conn, kind wire.Kind, n int, s *session, transcript hash.Hash) ([][2]Element, error) {
	if n < 1 || n > maxBase {
		return nil, ErrOptions
	}
	a, err := randomScalar()
	if err != nil {
		return nil, err
	}
	own := ristretto255.NewIdentityElement().ScalarBaseMult(a).Bytes()
	keys := make([][2]Element, n)
	err = c.Run(
		func() error { return c.Write(kind+kindPoint, own) },
		func() error {
			points, err := c.ReadExact(kind+kindPoints, n*2*pointSize)
			if err != nil {
				return err
			}
			transcript.Write(points)
			transcript.Write(own)
			return parallel.Spread(n, func(lo, hi int) error {
				for i := lo; i < hi; i++ {
					if err := baseStrings(&keys[i], s, i, a, own, points[i*2*pointSize:(i+1)*2*pointSize]); err != nil {
						return err
					}
				}
				return nil
			})
		},
	)
	if err != nil {
		return nil, err
	}
	return keys, nil
}

// baseStrings sets keys to the strings of transfer i. String j comes from
// a·(r_j + H_{i,j}(r_{1-j})).
func baseStrings(keys *[2]Element, s *session, i int, a *ristretto255.Scalar, own, pair []byte) error {
	for j := range keys {
		r, err := decodePoint(pair[j*pointSize : (j+1)*pointSize])
		if err != nil {
			return fmt.Errorf("%w: element %d", err, 2*i+j)
		}
		h, err := hashToGroup(s, i, j, pair[(1-j)*pointSize:(2-j)*pointSize])
		if err != nil {
			return err
		}
		shared := r.ScalarMult(a, r.Add(r, h))
		keys[j] = baseString(s, i, j, own, pair, shared)
	}
	return nil
}

func baseReceive(c *wire.Conn, kind wire.Kind, choices []byte, s *session, transcript hash.Hash) ([]Element, error) {
	n := len(choices)
	if n < 1 || n > maxBase {
		return nil, ErrOptions
	}
	points := make([]byte, n*2*pointSize)
	secrets := make([]*ristretto255.Scalar, n)
	err := parallel.Spread(n, func(lo, hi int) (err error) {
		for i := lo; i < hi; i++ {
			if secrets[i], err = basePair(points[i*2*pointSize:(i+1)*2*pointSize], s, i, choices[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var peer *ristretto255.Element
	var encoded [pointSize]byte
	err = c.Run(
		func() error { return c.Write(kind+kindPoints, points) },
		func() error {
			in, err := c.ReadExact(kind+kindPoint, pointSize)
			if err != nil {
				return err
			}
			copy(encoded[:], in)
			peer, err = decodePoint(in)
			return err
		},
	)
	if err != nil {
		return nil, err
	}
	transcript.Write(points)
	transcript.Write(encoded[:])
	keys := make([]Element, n)
	err = parallel.Spread(n, func(lo, hi int) error {
		for i := lo; i < hi; i++ {
			shared := ristretto255.NewIdentityElement().ScalarMult(secrets[i], peer)
			keys[i] = baseString(s, i, int(choices[i]), encoded[:], points[i*2*pointSize:(i+1)*2*pointSize], shared)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return keys, nil
}

// basePair writes r_0 and r_1 of transfer i: for choice b, r_{1-b} is random and
// r_b = zG − H_{i,b}(r_{1-b}). It returns z.
func basePair(pair []byte, s *session, i int, b byte) (*ristretto255.Scalar, error) {
	// The element must have no known discrete logarithm: else both strings would
	// be the receiver's.
	var wide [64]byte
	rand.Read(wide[:])
	other, err := ristretto255.NewIdentityElement().SetUniformBytes(wide[:])
	if err != nil {
		return nil, err
	}
	otherBytes := other.Bytes()
	z, err := randomScalar()
	if err != nil {
		return nil, err
	}
	h, err := hashToGroup(s, i, int(b), otherBytes)
	if err != nil {
		return nil, err
	}
	chosen := ristretto255.NewIdentityElement().ScalarBaseMult(z)
	chosenBytes := chosen.Subtract(chosen, h).Bytes()
	copy(pair[:pointSize], chosenBytes)
	copy(pair[pointSize:], otherBytes)
	subtle.ConstantTimeCopy(int(b), pair[:pointSize], otherBytes)
	subtle.ConstantTimeCopy(int(b), pair[pointSize:], chosenBytes)
	return z, nil
}

// hashToGroup is H_{i,j}: SHA-512 under the one-way map of RFC 9496, Section
// 4.3.4.
func hashToGroup(s *session, i, j int, point []byte) (*ristretto255.Element, error) {
	in := append(s.prefix(labelPoint, uint64(i)), byte(j))
	wide := sha512.Sum512(append(in, point...))
	return ristretto255.NewIdentityElement().SetUniformBytes(wide[:])
}

// baseString hashes the shared element together with all that was sent for it.
func baseString(s *session, i, j int, sender, pair []byte, shared *ristretto255.Element) Element {
	in := append(s.prefix(labelBase, uint64(i)), byte(j))
	in = append(append(in, sender...), pair...)
	return block(sha256.Sum256(append(in, shared.Bytes()...)))
}

func decodePoint(p []byte) (*ristretto255.Element, error) {
	e, err := ristretto255.NewIdentityElement().SetCanonicalBytes(p)
	if err != nil {
		return nil, ErrEncoding
	}
	if e.Equal(ristretto255.NewIdentityElement()) == 1 {
		return nil, ErrIdentity
	}
	return e, nil
}

func randomScalar() (*ristretto255.Scalar, error) {
	var wide [64]byte
	rand.Read(wide[:])
	return ristretto255.NewScalar().SetUniformBytes(wide[:])
}
