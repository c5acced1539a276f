package vss

import (
	"crypto/subtle"

	"github.com/comity-prl/comity/internal/oprf"
)

// dst separates the challenges of proofs of knowledge.
const dst = "comity vss v1 proof of knowledge"

// ProveKnowledge proves that one knows the secret of k·G: Schnorr's proof (J.
// Cryptology 1991), made for one context alone. It is challenge and response.
func ProveKnowledge(g oprf.Group, k oprf.Scalar, context []byte) []byte {
	nonce := g.Random()
	c := challenge(g, g.Base(k), g.Base(nonce), context)
	return nonce.Sub(c.Mul(k)).Append(oprf.Encode(c))
}

// VerifyKnowledge checks a proof for a public element.
func VerifyKnowledge(g oprf.Group, public oprf.Element, context, proof []byte) bool {
	if len(proof) != oprf.ProofSize {
		return false
	}
	c, err := g.DecodeScalar(proof[:oprf.ScalarSize])
	if err != nil {
		return false
	}
	s, err := g.DecodeScalar(proof[oprf.ScalarSize:])
	if err != nil {
		return false
	}
	got := oprf.Encode(challenge(g, public, g.Base(s).Add(public.Mul(c)), context))
	return subtle.ConstantTimeCompare(got, proof[:oprf.ScalarSize]) == 1
}

func challenge(g oprf.Group, public, nonce oprf.Element, context []byte) oprf.Scalar {
	in := nonce.Append(oprf.Encode(public)) // both of one length
	return g.HashToScalar(append(in, context...), []byte(dst))
}
