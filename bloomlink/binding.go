package bloomlink

import (
	"encoding/json"
	"fmt"
	"log/slog"
)

// Binding ties a set to what made its encodings. Two sets can meet only if their
// bindings are equal.
type Binding struct {
	// Epoch names the key period, at most 255 bytes. It travels in the clear.
	Epoch string
	// Config is the hash of the schema, options and version. It travels in the
	// clear.
	Config [32]byte
	// Length is that of an encoding in bits. Config covers it.
	Length int
	// Key confirms that both owners hold the same secret. It is derived from that
	// secret and never travels: the owners exchange MACs under it. It must not be
	// zero.
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
func (b Binding) MarshalJSON() ([]byte, error) { return json.Marshal(b.String()) }
