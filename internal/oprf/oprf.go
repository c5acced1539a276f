// Package oprf is the oblivious pseudorandom function of RFC 9497 in batches, over
// the suites ristretto255-SHA512 and P256-SHA256, and what its threshold form needs
// of the groups.
//
//	client                                server (key k)
//	Blind: r·H(x) for each x      ──▶
//	                              ◀──     Evaluate: k·r·H(x), one proof a batch
//	Verify, Unblind: k·H(x)
//	Finalize: hash of x and k·H(x)
//
// The server learns how many inputs there are and nothing of them. The client
// learns the function at its inputs, and by the proof that the key is the one that
// the server published. Verifiable is the mode for a key of one use; Partial binds
// a public string, such as purpose and epoch, into each evaluation. The mode
// without a proof is left out: its client could be given another key unawares.
//
// circl's package oprf is the same function and the oracle of the tests. This one
// exists because circl's is not constant-time in the key over P-256, proves and
// verifies a batch item by item (BenchmarkSuite shows the difference), and has no
// way to combine shares.
package oprf

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/comity-prl/comity/internal/parallel"
)

// Mode is one of RFC 9497, Section 3.1.
type Mode byte

// The modes.
const (
	Verifiable Mode = 1 + iota
	Partial
)

// Errors of the protocol.
var (
	ErrProof = errors.New("oprf: the proof does not hold")
	ErrInput = errors.New("oprf: an input has more than 65535 bytes")
	ErrInfo  = errors.New("oprf: no evaluation exists for this info")
	ErrBatch = errors.New("oprf: a batch has 1 to 65535 elements of the right length")
)

// ElementError says which element of a batch is bad.
type ElementError struct {
	Index int // from 0
	Err   error
}

func (e *ElementError) Error() string { return fmt.Sprintf("element %d: %v", e.Index+1, e.Err) }

// Unwrap returns ErrEncoding or ErrIdentity.
func (e *ElementError) Unwrap() error { return e.Err }

// redacted stands for a secret wherever one is formatted.
const redacted = "scalar(redacted)"

// Suite is a group in a mode. It is safe for concurrent use.
type Suite struct {
	Group
	mode                         Mode
	dstGroup, dstScalar, dstSeed []byte
}

// New returns a suite.
func New(g Group, m Mode) *Suite {
	context := string(append([]byte("OPRFV1-"), byte(m), '-')) + g.String()
	return &Suite{
		Group:     g,
		mode:      m,
		dstGroup:  []byte("HashToGroup-" + context),
		dstScalar: []byte("HashToScalar-" + context),
		dstSeed:   []byte("Seed-" + context),
	}
}

// hashToScalar is HashToScalar of Section 4 for public input.
func (s *Suite) hashToScalar(msg []byte) Scalar { return s.HashToScalar(msg, s.dstScalar) }

// infoScalar is m of Section 3.3.3.
func (s *Suite) infoScalar(info []byte) (Scalar, error) {
	if len(info) > math.MaxUint16 {
		return nil, ErrInfo
	}
	return s.hashToScalar(appendPrefixed([]byte("Info"), info)), nil
}

// appendPrefixed appends a length of two bytes and the bytes.
func appendPrefixed(b, data []byte) []byte {
	return append(binary.BigEndian.AppendUint16(b, uint16(len(data))), data...)
}

// count returns how many elements a flat encoding holds.
func (s *Suite) count(flat []byte) (int, error) {
	n := len(flat) / s.ElementSize()
	if n == 0 || n > math.MaxUint16 || len(flat)%s.ElementSize() != 0 {
		return 0, ErrBatch
	}
	return n, nil
}

// at is element i of a flat encoding.
func (s *Suite) at(flat []byte, i int) []byte {
	return flat[i*s.ElementSize() : (i+1)*s.ElementSize()]
}

// decode decodes elements, with an *ElementError for the first bad one.
func (s *Suite) decode(flat []byte, n int) ([]Element, error) {
	out := make([]Element, n)
	err := parallel.Spread(n, func(lo, hi int) (err error) {
		for i := lo; i < hi; i++ {
			if out[i], err = s.DecodeElement(s.at(flat, i)); err != nil {
				return &ElementError{Index: i, Err: err}
			}
		}
		return nil
	})
	return out, err
}

// encodeAll is the flat encoding of f(0) to f(n-1), made on all cores.
func (s *Suite) encodeAll(n int, f func(i int) Element) []byte {
	flat := make([]byte, n*s.ElementSize())
	parallel.Do(n, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			f(i).Append(s.at(flat, i)[:0])
		}
	})
	return flat
}

// Batch is a client's state between its request and the answer: the blinds, which
// are secret, and what went out. It is for one answer of each server.
type Batch struct {
	suite    *Suite
	unblinds []Scalar // inverses of the blinds
	blinded  []Element
	encoded  []byte
}

// Blind blinds 1 to 65535 inputs of at most 65535 bytes. Errors are ErrBatch and
// ErrInput; that an input hashes to the identity has a chance of 2^-252.
func (s *Suite) Blind(inputs [][]byte) (*Batch, error) {
	blinds := make([]Scalar, len(inputs))
	for i := range blinds {
		blinds[i] = s.Random()
	}
	return s.blind(inputs, blinds)
}

func (s *Suite) blind(inputs [][]byte, blinds []Scalar) (*Batch, error) {
	n := len(inputs)
	if n == 0 || n > math.MaxUint16 {
		return nil, ErrBatch
	}
	b := &Batch{suite: s, unblinds: make([]Scalar, n), blinded: make([]Element, n)}
	err := parallel.Spread(n, func(lo, hi int) error {
		copy(b.unblinds[lo:hi], Invert(blinds[lo:hi]))
		for i := lo; i < hi; i++ {
			if len(inputs[i]) > math.MaxUint16 {
				return ErrInput
			}
			h, err := s.HashToElement(inputs[i], s.dstGroup)
			if err != nil {
				return err
			}
			if h.Equal(s.Identity()) {
				return ErrIdentity
			}
			b.blinded[i] = h.Mul(blinds[i])
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	b.encoded = s.encodeAll(n, func(i int) Element { return b.blinded[i] })
	return b, nil
}

// Encoded is the request: the blinded elements, one after the other.
func (b *Batch) Encoded() []byte { return b.encoded }

// Format hides the blinds from every verb.
func (*Batch) Format(f fmt.State, _ rune) { fmt.Fprint(f, "batch(redacted)") }

// Key is a server's key, with its public element.
type Key struct {
	k       Scalar
	Public  Element
	encoded []byte
}

// NewKey returns the key of a scalar other than zero.
func (s *Suite) NewKey(k Scalar) *Key {
	public := s.Base(k)
	return &Key{k: k, Public: public, encoded: Encode(public)}
}

// Scalar returns the secret.
func (k *Key) Scalar() Scalar { return k.k }

// Format hides the key from every verb.
func (*Key) Format(f fmt.State, _ rune) { fmt.Fprint(f, "key(redacted)") }

// Evaluate evaluates a request and proves it: BlindEvaluate of Sections 3.3.2 and
// 3.3.3, the latter in mode Partial, which alone has an info. Errors are ErrBatch,
// an *ElementError and, with a chance of 2^-252 for an honest key, ErrInfo.
func (s *Suite) Evaluate(k *Key, info, request []byte) (evaluated, proof []byte, err error) {
	return s.evaluate(k, info, request, s.Random())
}

func (s *Suite) evaluate(k *Key, info, request []byte, nonce Scalar) (evaluated, proof []byte, err error) {
	n, err := s.count(request)
	if err != nil {
		return nil, nil, err
	}
	blinded, err := s.decode(request, n)
	if err != nil {
		return nil, nil, err
	}
	answer := make([]Element, n)
	by := k.k
	if s.mode == Partial {
		if k, err = s.tweak(k, info); err != nil {
			return nil, nil, err
		}
		by = k.k.Inverse()
	}
	evaluated = s.encodeAll(n, func(i int) Element {
		answer[i] = blinded[i].Mul(by)
		return answer[i]
	})
	if s.mode == Partial {
		return evaluated, s.prove(k, answer, evaluated, request, nonce), nil
	}
	return evaluated, s.prove(k, blinded, request, evaluated, nonce), nil
}

// tweak is the key k+m of an info.
func (s *Suite) tweak(k *Key, info []byte) (*Key, error) {
	m, err := s.infoScalar(info)
	if err != nil {
		return nil, err
	}
	t := k.k.Add(m)
	if t.IsZero() {
		return nil, ErrInfo
	}
	return s.NewKey(t), nil
}

// Verify decodes a server's answer to the batch and checks its proof against the
// server's public element. Errors are ErrBatch, ErrProof, ErrInfo and an
// *ElementError.
func (b *Batch) Verify(public Element, info, evaluated, proof []byte) ([]Element, error) {
	s := b.suite
	if len(evaluated) != len(b.encoded) {
		return nil, ErrBatch
	}
	answer, err := s.decode(evaluated, len(b.blinded))
	if err != nil {
		return nil, err
	}
	if s.mode != Partial {
		return answer, s.verify(public, b.blinded, answer, b.encoded, evaluated, proof)
	}
	m, err := s.infoScalar(info)
	if err != nil {
		return nil, err
	}
	public = public.Add(s.Base(m))
	if public.Equal(s.Identity()) {
		return nil, ErrInfo
	}
	return answer, s.verify(public, answer, b.blinded, evaluated, b.encoded, proof)
}

// VerifyEvaluation checks the proof of an evaluation in mode Verifiable that was
// asked by another. Errors are those of Batch.Verify.
func (s *Suite) VerifyEvaluation(public Element, request, evaluated, proof []byte) error {
	n, err := s.count(request)
	if err != nil {
		return err
	}
	if len(evaluated) != len(request) {
		return ErrBatch
	}
	c, err := s.decode(request, n)
	if err != nil {
		return err
	}
	d, err := s.decode(evaluated, n)
	if err != nil {
		return err
	}
	return s.verify(public, c, d, request, evaluated, proof)
}

// Unblind returns k·H(x) for each input x, encoded, of verified answers.
func (b *Batch) Unblind(answer []Element) []byte {
	return b.suite.encodeAll(len(answer), func(i int) Element { return answer[i].Mul(b.unblinds[i]) })
}

// Combine is Unblind for the sum of the answers of several servers, each times its
// weight.
func (b *Batch) Combine(weights []Scalar, answers [][]Element) []byte {
	return b.suite.encodeAll(len(b.unblinds), func(i int) Element {
		ks, ps := make([]Scalar, len(weights)), make([]Element, len(weights))
		for j := range weights {
			ks[j], ps[j] = weights[j].Mul(b.unblinds[i]), answers[j][i]
		}
		return b.suite.Sum(ks, ps)
	})
}

// Finalize returns the outputs: NewHash().Size() bytes each.
func (s *Suite) Finalize(inputs [][]byte, info, unblinded []byte) [][]byte {
	outputs := make([][]byte, len(inputs))
	parallel.Do(len(inputs), func(lo, hi int) {
		h := s.NewHash()
		var in []byte
		for i := lo; i < hi; i++ {
			in = appendPrefixed(in[:0], inputs[i])
			if s.mode == Partial {
				in = appendPrefixed(in, info)
			}
			in = append(appendPrefixed(in, s.at(unblinded, i)), "Finalize"...)
			h.Reset()
			h.Write(in)
			outputs[i] = h.Sum(nil)
		}
	})
	return outputs
}
