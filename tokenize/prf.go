package tokenize

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
)

// ErrEpoch says that the name of an epoch is malformed.
var ErrEpoch = errors.New("tokenize: an epoch is 1 to 64 of A-Z, a-z, 0-9, dot, underscore and hyphen")

// Epoch names a key period, such as "2026-Q4". Tokens of two epochs never meet.
type Epoch string

var epochForm = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// Validate reports a malformed name, as ErrEpoch.
func (e Epoch) Validate() error {
	if !epochForm.MatchString(string(e)) {
		return ErrEpoch
	}
	return nil
}

// PRF is a keyed pseudorandom function for one epoch. Implementations are safe
// for concurrent use.
type PRF interface {
	// Epoch returns the key period.
	Epoch() Epoch
	// Evaluate returns one token an input, in their order. It does not keep the
	// inputs.
	Evaluate(ctx context.Context, inputs [][]byte) ([]Token, error)
}

// Oblivious is a PRF that no single agency can evaluate by itself, such as an OPRF
// with a server that counts what each of them asks. With any other PRF, whoever
// holds the key can try all values of a kind of low entropy.
type Oblivious interface {
	PRF
	// Oblivious marks the type. It does nothing.
	Oblivious()
}

// Token is the keyed form of one key of one record. Who holds the secret can
// guess what it stands for, so it formats as a placeholder.
type Token [32]byte

const redacted = "token(redacted)"

// String is a placeholder: a token must not end up in a log.
func (Token) String() string { return redacted }

// GoString is String.
func (Token) GoString() string { return redacted }

// Format writes String for every verb.
func (Token) Format(f fmt.State, _ rune) { fmt.Fprint(f, redacted) }

// LogValue is String.
func (Token) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText is String: tokens leave by conversion to [32]byte alone.
func (Token) MarshalText() ([]byte, error) { return []byte(redacted), nil }
