package oprf

import (
	"crypto/subtle"
	"encoding/binary"

	"github.com/comity-prl/comity/internal/parallel"
)

// Proofs that D[i] = k·C[i] for all i with the k of a public element k·G, one for
// a whole batch: RFC 9497, Section 2.2. The elements are combined with weights
// that hash all of them, and a proof is made for the sums, which costs a fraction
// of a multiplication an item where the sums share their doublings.

// weights are those of the elements with encodings c and d.
func (s *Suite) weights(public, c, d []byte) []Scalar {
	h := s.NewHash()
	h.Write(appendPrefixed(appendPrefixed(nil, public), s.dstSeed))
	seed := appendPrefixed(nil, h.Sum(nil))
	out := make([]Scalar, len(c)/s.ElementSize())
	parallel.Do(len(out), func(lo, hi int) {
		var in []byte
		for i := lo; i < hi; i++ {
			in = binary.BigEndian.AppendUint16(append(in[:0], seed...), uint16(i))
			in = appendPrefixed(appendPrefixed(in, s.at(c, i)), s.at(d, i))
			out[i] = s.hashToScalar(append(in, "Composite"...))
		}
	})
	return out
}

// challenge is c of Section 2.2.1.
func (s *Suite) challenge(public []byte, elements ...Element) Scalar {
	in := appendPrefixed(nil, public)
	for _, e := range elements {
		in = appendPrefixed(in, Encode(e))
	}
	return s.hashToScalar(append(in, "Challenge"...))
}

// prove is GenerateProof. The weights are public, the nonce is secret.
func (s *Suite) prove(k *Key, elements []Element, c, d []byte, nonce Scalar) []byte {
	m := varTimeSum(s, s.weights(k.encoded, c, d), elements)
	challenge := s.challenge(k.encoded, m, m.Mul(k.k), s.Base(nonce), m.Mul(nonce))
	return nonce.Sub(challenge.Mul(k.k)).Append(challenge.Append(make([]byte, 0, ProofSize)))
}

// verify is VerifyProof. All of it is public.
func (s *Suite) verify(public Element, cs, ds []Element, c, d, proof []byte) error {
	if len(proof) != ProofSize {
		return ErrProof
	}
	challenge, err := s.DecodeScalar(proof[:ScalarSize])
	if err != nil {
		return ErrProof
	}
	response, err := s.DecodeScalar(proof[ScalarSize:])
	if err != nil {
		return ErrProof
	}
	encoded := Encode(public)
	weights := s.weights(encoded, c, d)
	m, z := varTimeSum(s, weights, cs), varTimeSum(s, weights, ds)
	t2 := s.Base(response).Add(public.Mul(challenge))
	t3 := s.VarTimeSum([]Scalar{response, challenge}, []Element{m, z})
	got := Encode(s.challenge(encoded, m, z, t2, t3))
	if subtle.ConstantTimeCompare(got, proof[:ScalarSize]) != 1 {
		return ErrProof
	}
	return nil
}
