package tokenize

import (
	"bytes"
	"context"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/comity-prl/comity/internal/oprf"
)

// ErrKey says that a public or sealed key is malformed, or was sealed under
// another key.
var ErrKey = errors.New("tokenize: not a key, or not under this sealing key")

// Suite is a group with its hash functions.
type Suite byte

// The suites of RFC 9497 that are implemented. P256 is for where only NIST curves
// are allowed.
const (
	Ristretto255 Suite = 1 + iota
	P256
)

// String is the identifier of the RFC.
func (s Suite) String() string {
	if g := s.group(); g != nil {
		return g.String()
	}
	return fmt.Sprintf("Suite(%d)", byte(s))
}

// group is nil for an unknown suite.
func (s Suite) group() oprf.Group {
	switch s {
	case Ristretto255:
		return oprf.Ristretto255()
	case P256:
		return oprf.P256()
	}
	return nil
}

// Mode is a mode of RFC 9497, Section 3.1.
type Mode byte

const (
	// VOPRF has a key for each scope: nothing but the key tells two scopes apart.
	VOPRF = Mode(oprf.Verifiable)
	// POPRF binds the scope into the evaluation, so that one key serves many.
	POPRF = Mode(oprf.Partial)
)

// String is the name of the RFC.
func (m Mode) String() string {
	switch m {
	case VOPRF:
		return "VOPRF"
	case POPRF:
		return "POPRF"
	}
	return fmt.Sprintf("Mode(%d)", byte(m))
}

// PublicKey is a key server's, by which its answers are verified.
type PublicKey struct {
	suite   Suite
	mode    Mode
	element oprf.Element
	encoded []byte
}

// ParsePublicKey reads what Bytes returned. The error is ErrKey.
func ParsePublicKey(b []byte) (*PublicKey, error) {
	if len(b) < 2 {
		return nil, ErrKey
	}
	s, m := Suite(b[0]), Mode(b[1])
	g := s.group()
	if g == nil || m != VOPRF && m != POPRF {
		return nil, ErrKey
	}
	e, err := g.DecodeElement(b[2:])
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	return newPublicKey(s, m, e), nil
}

func newPublicKey(s Suite, m Mode, e oprf.Element) *PublicKey {
	return &PublicKey{suite: s, mode: m, element: e, encoded: e.Append([]byte{byte(s), byte(m)})}
}

// Suite returns the suite.
func (k *PublicKey) Suite() Suite { return k.suite }

// Mode returns the mode.
func (k *PublicKey) Mode() Mode { return k.mode }

// Bytes returns suite, mode and element: 34 bytes for Ristretto255, 35 for P256.
func (k *PublicKey) Bytes() []byte { return bytes.Clone(k.encoded) }

// String names suite and mode, and 64 bits of a hash by which to tell keys apart in
// a log.
func (k *PublicKey) String() string {
	hash := sha256.Sum256(k.encoded)
	return fmt.Sprintf("%s %s %x", k.suite, k.mode, hash[:8])
}

// Equal reports whether two keys are the same.
func (k *PublicKey) Equal(other *PublicKey) bool { return bytes.Equal(k.encoded, other.encoded) }

func (k *PublicKey) rfc() *oprf.Suite { return oprf.New(k.suite.group(), oprf.Mode(k.mode)) }

// Key evaluates under a secret that does not leave it, such as one in an HSM, an
// enclave or a KMS. Implementations are safe for concurrent use. SecretKey is the
// one that keeps its secret in memory.
type Key interface {
	Public() *PublicKey
	// Evaluate evaluates the encoded elements of a request, one after the other, and
	// proves it: BlindEvaluate of RFC 9497, Section 3.3.2, or 3.3.3 with an info. It
	// must refuse what does not decode and the identity. The proof is challenge and
	// response, 64 bytes.
	Evaluate(ctx context.Context, info, elements []byte) (evaluated, proof []byte, err error)
}

// SecretKey is a key in memory. It formats as a placeholder.
type SecretKey struct {
	suite  *oprf.Suite
	key    *oprf.Key
	public *PublicKey
}

// GenerateKey draws a key. The error is ErrKey, for an unknown suite or mode.
func GenerateKey(s Suite, m Mode) (*SecretKey, error) {
	if s.group() == nil || m != VOPRF && m != POPRF {
		return nil, ErrKey
	}
	return newSecretKey(s, m, s.group().Random()), nil
}

func newSecretKey(s Suite, m Mode, k oprf.Scalar) *SecretKey {
	suite := oprf.New(s.group(), oprf.Mode(m))
	key := suite.NewKey(k)
	return &SecretKey{suite: suite, key: key, public: newPublicKey(s, m, key.Public)}
}

// Public returns the public key.
func (k *SecretKey) Public() *PublicKey { return k.public }

// Evaluate implements Key. Errors are ErrKey after Destroy, ErrRequest for elements
// that do not decode, and the cause of ctx.
func (k *SecretKey) Evaluate(ctx context.Context, info, elements []byte) (evaluated, proof []byte, err error) {
	if ctx.Err() != nil {
		return nil, nil, context.Cause(ctx)
	}
	if k.key.Scalar().IsZero() {
		return nil, nil, ErrKey
	}
	evaluated, proof, err = k.suite.Evaluate(k.key, info, elements)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrRequest, err)
	}
	return evaluated, proof, nil
}

// Destroy overwrites the secret; the key must not be in use or used again. Copies
// that the Go runtime may have made on a stack or in a swapped page are out of its
// reach.
func (k *SecretKey) Destroy() { k.key.Scalar().Zero() }

// Seal encrypts the key for a backup, under an AEAD that a KMS can implement or
// AES-256-GCM under a key that is kept elsewhere. Whoever opens it can evaluate
// and guess without limit; a key that is lost takes with it the ability to make
// tokens that meet the old ones. The public key travels in clear before the
// ciphertext.
func (k *SecretKey) Seal(a cipher.AEAD) []byte {
	return seal(a, sealedKey, k.public.encoded, k.key.Scalar())
}

// OpenKey restores a key that Seal sealed. It checks that secret and public key
// belong together. The error is ErrKey.
func OpenKey(a cipher.AEAD, sealed []byte) (*SecretKey, error) {
	public, secret, err := open(a, sealedKey, sealed)
	if err != nil {
		return nil, err
	}
	p, err := ParsePublicKey(public)
	if err != nil {
		return nil, err
	}
	k, err := p.suite.group().DecodeScalar(secret)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	key := newSecretKey(p.suite, p.mode, k)
	if !key.public.Equal(p) {
		return nil, ErrKey
	}
	return key, nil
}

// What a sealed secret is.
const (
	sealedKey   = "comity tokenize v1 sealed key"
	sealedShare = "comity tokenize v1 sealed share"
	sealedDelta = "comity tokenize v1 sealed delta"
)

// seal is a format byte, the public part after its length, the nonce, and the
// secret under the AEAD, which authenticates the rest.
func seal(a cipher.AEAD, label string, public []byte, secret oprf.Scalar) []byte {
	plain := oprf.Encode(secret)
	defer clear(plain)
	b := append([]byte{format, byte(len(public) >> 8), byte(len(public))}, public...)
	nonce := make([]byte, a.NonceSize())
	rand.Read(nonce)
	data := append([]byte(label), b...)
	return a.Seal(append(b, nonce...), nonce, plain, data)
}

func open(a cipher.AEAD, label string, sealed []byte) (public, secret []byte, err error) {
	if len(sealed) < 3 || sealed[0] != format {
		return nil, nil, ErrKey
	}
	n := 3 + int(sealed[1])<<8 + int(sealed[2])
	if len(sealed) < n+a.NonceSize() {
		return nil, nil, ErrKey
	}
	nonce, ciphertext := sealed[n:n+a.NonceSize()], sealed[n+a.NonceSize():]
	secret, err = a.Open(nil, nonce, ciphertext, slices.Concat([]byte(label), sealed[:n]))
	if err != nil {
		return nil, nil, ErrKey
	}
	return sealed[3:n], secret, nil
}

// String is a placeholder.
func (*SecretKey) String() string { return "secret key(redacted)" }

// GoString is String.
func (k *SecretKey) GoString() string { return k.String() }

// Format writes String for every verb.
func (k *SecretKey) Format(f fmt.State, _ rune) { fmt.Fprint(f, k.String()) }

// LogValue is String.
func (k *SecretKey) LogValue() slog.Value { return slog.StringValue(k.String()) }

// MarshalText is String: keys leave by Seal alone.
func (k *SecretKey) MarshalText() ([]byte, error) { return []byte(k.String()), nil }
