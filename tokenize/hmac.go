package tokenize

import (
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
)

// ErrSecret says that a secret is too short to keep tokens from being guessed.
var ErrSecret = fmt.Errorf("tokenize: a secret has at least %d bytes", MinSecret)

// MinSecret is the length of the shortest secret, in bytes.
const MinSecret = 32

// MAC computes HMAC-SHA-256 under a key that does not leave it, such as one in an
// HSM or a KMS. Implementations are safe for concurrent use.
type MAC interface {
	// Sum returns one code a message, in their order.
	Sum(ctx context.Context, messages [][]byte) ([][sha256.Size]byte, error)
}

// HMAC is the PRF for a secret that the agencies share: HMAC-SHA-256 (RFC 2104)
// under a key derived by HKDF (RFC 5869) from the secret and the epoch. Every
// holder of the secret can guess identities offline.
type HMAC struct {
	epoch    Epoch
	evaluate func(ctx context.Context, inputs [][]byte) ([]Token, error)
}

// NewHMAC derives the PRF of an epoch from a secret of at least 32 bytes, which
// must come from a random source and not from a password. It does not keep the
// secret. Errors are ErrSecret and ErrEpoch.
func NewHMAC(secret []byte, e Epoch) (*HMAC, error) {
	key, err := HMACKey(secret, e)
	if err != nil {
		return nil, err
	}
	return &HMAC{epoch: e, evaluate: macKey(key).evaluate}, nil
}

// HMACKey is the key that NewHMAC derives, of 32 bytes, for import into what
// implements MAC. Errors are those of NewHMAC.
func HMACKey(secret []byte, e Epoch) ([]byte, error) {
	if len(secret) < MinSecret {
		return nil, ErrSecret
	}
	if err := e.Validate(); err != nil {
		return nil, err
	}
	key, err := hkdf.Key(sha256.New, secret, nil, "comity tokenize v1 HMAC-SHA-256 key, epoch "+string(e), sha256.Size)
	if err != nil {
		return nil, errors.Join(ErrSecret, err)
	}
	return key, nil
}

// NewHMACFrom returns the PRF of an epoch whose HMACKey m holds. The error is
// ErrEpoch.
func NewHMACFrom(m MAC, e Epoch) (*HMAC, error) {
	if err := e.Validate(); err != nil {
		return nil, err
	}
	return &HMAC{epoch: e, evaluate: func(ctx context.Context, inputs [][]byte) ([]Token, error) {
		codes, err := m.Sum(ctx, inputs)
		if err != nil {
			return nil, err
		}
		tokens := make([]Token, len(codes))
		for i, code := range codes {
			tokens[i] = code
		}
		return tokens, nil
	}}, nil
}

// Epoch returns the key period.
func (h *HMAC) Epoch() Epoch { return h.epoch }

// Evaluate returns the HMAC of each input. Errors are those of the MAC, and the
// cause of ctx.
func (h *HMAC) Evaluate(ctx context.Context, inputs [][]byte) ([]Token, error) {
	return h.evaluate(ctx, inputs)
}

// macKey is a key in memory.
type macKey []byte

func (k macKey) evaluate(ctx context.Context, inputs [][]byte) ([]Token, error) {
	tokens := make([]Token, len(inputs))
	mac := hmac.New(sha256.New, k)
	for i, m := range inputs {
		if i%1024 == 0 && ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		mac.Reset()
		mac.Write(m)
		mac.Sum(tokens[i][:0])
	}
	return tokens, nil
}

// String shows the epoch, never the key.
func (h HMAC) String() string { return fmt.Sprintf("HMAC-SHA-256, epoch %q", string(h.epoch)) }

// GoString is String.
func (h HMAC) GoString() string { return h.String() }

// Format writes String for every verb.
func (h HMAC) Format(f fmt.State, _ rune) { fmt.Fprint(f, h.String()) }

// LogValue is String.
func (h HMAC) LogValue() slog.Value { return slog.StringValue(h.String()) }
