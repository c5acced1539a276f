package tokenize

import (
	"context"
	"crypto/cipher"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"

	"github.com/comity-prl/comity/internal/oprf"
	"github.com/comity-prl/comity/internal/parallel"
)

// Rotatable tokens move to the next epoch without the identities that they stand
// for. RFC 9497 hashes the input into its output, which no key change can undo.
// Here the vault, a store of the agency that made the tokens, keeps the group
// element Z = k·H(x) of each, and a token is a hash of scope and Z. With d = k'/k
// the vault turns every Z into d·Z = k'·H(x), and then destroys d (the updatable
// tokenization of Cachin, Camenisch, Freire-Stögbauer and Lehmann, PKC 2017, with
// keys that servers evaluate obliviously).
//
// # Security
//
// Tokens are as those of OPRF to whoever sees them without elements: unrelated
// between scopes. What is weaker:
//
//   - Elements are long-lived secrets. Who has those of two epochs and d can link
//     them, and who has elements and the key can guess what they stand for without
//     asking a server, as a holder of OPRF tokens and the key can.
//   - d and either key give the other key. The key server destroys d and, once no
//     vault has tokens of the old epoch, the old key; each vault destroys d and the
//     old elements. Until then the old epoch is no safer than the new one.
//   - The input is not hashed with the element, so that the proof of RFC 9497's
//     function (which finds a client's inputs in its hashes) does not carry over:
//     rotatable tokens are a PRF under the decisional Diffie–Hellman assumption
//     with H a random oracle, and a client that deviates gets no more of them than
//     elements it had evaluated.

// Errors of rotation.
var (
	ErrMode    = errors.New("tokenize: rotatable tokens need VOPRF keys of one suite and project, and two epochs")
	ErrElement = errors.New("tokenize: not an element of the suite")
	ErrDelta   = errors.New("tokenize: a rotation that does not lead from one key to the other, or not under this sealing key")
)

// Element is k·H(x), of which a rotatable token is made: an encoding of
// ristretto255, or the abscissa of a point of P-256, whose sign no token needs. It
// is as secret as a key and formats as a placeholder; it leaves by conversion to
// [32]byte.
type Element [32]byte

// String is a placeholder.
func (Element) String() string { return "element(redacted)" }

// GoString is String.
func (e Element) GoString() string { return e.String() }

// Format writes String for every verb.
func (e Element) Format(f fmt.State, _ rune) { fmt.Fprint(f, e.String()) }

// LogValue is String.
func (e Element) LogValue() slog.Value { return slog.StringValue(e.String()) }

// MarshalText is String.
func (e Element) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// element cuts an encoding to its last 32 bytes.
func element(encoded []byte) Element { return Element(encoded[len(encoded)-32:]) }

// decodeElement is its inverse, up to a sign.
func decodeElement(g oprf.Group, e Element) (oprf.Element, error) {
	if g.ElementSize() == len(e) {
		return g.DecodeElement(e[:])
	}
	return g.DecodeElement(append([]byte{2}, e[:]...)) // SEC 1, Section 2.3.4
}

// Token derives the rotatable token of an element.
func (s Scope) Token(e Element) Token {
	return sha256.Sum256(append(s.append([]byte("comity tokenize v1 rotatable token")), e[:]...))
}

// Rotatable is the PRF of rotatable tokens, over a client of one key server or of
// a committee. Its Tokenizer leaves the epoch out of the inputs, so that elements
// outlive it.
type Rotatable struct {
	client *OPRF
	keep   func([]Token, []Element)
}

// NewRotatable returns the PRF of a client. keep is given the elements of each
// batch and their tokens, by which the vault stores them. It is called from
// several goroutines and must not keep the slices. The error is ErrMode for a
// POPRF key.
func NewRotatable(client *OPRF, keep func([]Token, []Element)) (*Rotatable, error) {
	if client.info != nil {
		return nil, ErrMode
	}
	return &Rotatable{client: client, keep: keep}, nil
}

// Epoch returns the key period.
func (r *Rotatable) Epoch() Epoch { return r.client.Epoch() }

// Oblivious marks that the key is the server's alone.
func (r *Rotatable) Oblivious() {}

// Evaluate has the server evaluate inputs and derives their tokens. Errors are
// those of OPRF.
func (r *Rotatable) Evaluate(ctx context.Context, inputs [][]byte) ([]Token, error) {
	tokens := make([]Token, len(inputs))
	size := r.client.suite.ElementSize()
	err := r.client.batches(ctx, inputs, func(at int, inputs [][]byte, unblinded []byte) {
		elements := make([]Element, len(inputs))
		out := tokens[at : at+len(inputs)]
		for i := range elements {
			elements[i] = element(unblinded[i*size : (i+1)*size])
			out[i] = r.client.scope.Token(elements[i])
		}
		r.keep(out, elements)
	})
	if err != nil {
		return nil, err
	}
	return tokens, nil
}

// Delta leads from the key of one epoch to that of another. It formats as a
// placeholder.
type Delta struct {
	from, to       Scope
	oldKey, newKey *PublicKey
	k              oprf.Scalar
}

// NewDelta returns the quotient of two keys, which it leaves to the caller to
// destroy. The scopes differ in their epochs. The error is ErrMode.
func NewDelta(from, to Scope, oldKey, newKey *SecretKey) (*Delta, error) {
	if oldKey.public.suite != newKey.public.suite {
		return nil, ErrMode
	}
	d := newKey.key.Scalar().Mul(oldKey.key.Scalar().Inverse())
	return newDelta(from, to, oldKey.public, newKey.public, d)
}

func newDelta(from, to Scope, oldKey, newKey *PublicKey, d oprf.Scalar) (*Delta, error) {
	epochs := from
	epochs.Epoch = to.Epoch
	if oldKey.mode != VOPRF || newKey.mode != VOPRF || epochs != to || from == to {
		return nil, ErrMode
	}
	if !oldKey.element.Mul(d).Equal(newKey.element) {
		return nil, ErrDelta
	}
	return &Delta{from: from, to: to, oldKey: oldKey, newKey: newKey, k: d}, nil
}

// Seal encrypts the delta on its way to a vault, as SecretKey.Seal does.
func (d *Delta) Seal(a cipher.AEAD) []byte { return seal(a, sealedDelta, d.binding(), d.k) }

// binding is what a sealed delta belongs to.
func (d *Delta) binding() []byte {
	return append(append(d.to.append(d.from.append(nil)), d.oldKey.encoded...), d.newKey.encoded...)
}

// OpenDelta opens what Seal sealed, for two scopes and their public keys from a
// source that the vault trusts. It checks that the delta leads from the one key to
// the other. Errors are ErrMode and ErrDelta.
func OpenDelta(a cipher.AEAD, sealed []byte, from, to Scope, oldKey, newKey *PublicKey) (*Delta, error) {
	if oldKey.suite != newKey.suite {
		return nil, ErrMode
	}
	public, secret, err := open(a, sealedDelta, sealed)
	if err != nil {
		return nil, ErrDelta
	}
	k, err := oldKey.suite.group().DecodeScalar(secret)
	if err != nil {
		return nil, ErrDelta
	}
	d, err := newDelta(from, to, oldKey, newKey, k)
	if err != nil {
		return nil, err
	}
	if string(public) != string(d.binding()) {
		return nil, ErrDelta
	}
	return d, nil
}

// Rekey returns the elements of the new epoch for those of the old, in their order
// and on all cores. Their tokens are those that Rotatable makes of the same inputs
// under the new key. Errors are ErrElement, which says which is none, and the cause
// of ctx.
func (d *Delta) Rekey(ctx context.Context, elements []Element) ([]Element, error) {
	g := d.oldKey.suite.group()
	out := make([]Element, len(elements))
	err := parallel.Spread(len(elements), func(lo, hi int) error {
		for i := lo; i < hi; i++ {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			e, err := decodeElement(g, elements[i])
			if err != nil {
				return fmt.Errorf("%w: number %d", ErrElement, i+1)
			}
			out[i] = element(oprf.Encode(e.Mul(d.k)))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Destroy overwrites the delta, as SecretKey.Destroy does.
func (d *Delta) Destroy() { d.k.Zero() }

// String is a placeholder.
func (d *Delta) String() string {
	return fmt.Sprintf("delta(redacted) from epoch %q to %q", string(d.from.Epoch), string(d.to.Epoch))
}

// GoString is String.
func (d *Delta) GoString() string { return d.String() }

// Format writes String for every verb.
func (d *Delta) Format(f fmt.State, _ rune) { fmt.Fprint(f, d.String()) }

// LogValue is String.
func (d *Delta) LogValue() slog.Value { return slog.StringValue(d.String()) }

// MarshalText is String: deltas leave by Seal alone.
func (d *Delta) MarshalText() ([]byte, error) { return []byte(d.String()), nil }
