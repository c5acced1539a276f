package psi

import (
	"fmt"
	"log/slog"
)

// Binding ties a set to what made its tokens. Two sets can meet only if their
// bindings are equal.
type Binding struct {
	// Epoch names the key period, at most 255 bytes. It travels in the clear.
	Epoch string
	// Config is the hash of schema, rules and versions. It travels in the clear.
	Config [32]byte
	// Key confirms that both sides hold the same secret. It is derived from that
	// secret, as tokenize.Tokenizer.Confirmation does, and never travels: the
	// sides exchange MACs under it. It must not be zero.
	Key [32]byte
}

// String shows the epoch and the start of the configuration's hash, never the key.
func (b Binding) String() string {
	return fmt.Sprintf("epoch %q, configuration %x", b.Epoch, b.Config[:4])
}

// GoString is String.
func (b Binding) GoString() string { return b.String() }

// Format writes String for every verb.
func (b Binding) Format(f fmt.State, _ rune) { fmt.Fprint(f, b.String()) }

// LogValue is String.
func (b Binding) LogValue() slog.Value { return slog.StringValue(b.String()) }

// MarshalJSON writes String.
func (b Binding) MarshalJSON() ([]byte, error) { return fmt.Appendf(nil, "%q", b.String()), nil }
