package bloomlink

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"unicode/utf8"

	"golang.org/x/crypto/cryptobyte"
)

// Bounds of a Schema.
const (
	MinLength   = 64
	MaxLength   = 8192
	MaxQ        = 4
	MaxBits     = 256
	MaxFeatures = 64

	maxName = 255 // bytes
)

// Feature is one field of a record as it goes into an encoding.
type Feature struct {
	Name string `json:"name"` // distinct, 1 to 255 bytes of UTF-8
	// Q is the length of the q-grams that the value is cut into, 1 to 4 runes.
	Q int `json:"q"`
	// Bits is how many bits each q-gram sets, 1 to 256. It is the weight of the
	// feature against the others.
	Bits int `json:"bits"`
}

// Schema says how records become encodings. Both owners must use the same.
type Schema struct {
	Length   int // of an encoding in bits: a multiple of 64 from 64 to 8192
	Features []Feature
}

// Validate reports why the schema cannot be used. Errors are ErrSchema, and
// *FeatureError where one feature is at fault.
func (s *Schema) Validate() error {
	if s == nil {
		return fmt.Errorf("%w: none", ErrSchema)
	}
	if !validLength(s.Length) {
		return badLength(s.Length)
	}
	if n := len(s.Features); n < 1 || n > MaxFeatures {
		return fmt.Errorf("%w: %d features, want 1 to %d", ErrSchema, n, MaxFeatures)
	}
	seen := make(map[string]bool)
	for i, f := range s.Features {
		if reason := f.reason(seen); reason != "" {
			return &FeatureError{Feature: i, Reason: reason, cause: ErrSchema}
		}
		seen[f.Name] = true
	}
	return nil
}

func (f Feature) reason(seen map[string]bool) string {
	switch {
	case f.Name == "" || len(f.Name) > maxName || !utf8.ValidString(f.Name):
		return fmt.Sprintf("the name is not 1 to %d bytes of UTF-8", maxName)
	case seen[f.Name]:
		return "the name occurs twice"
	case f.Q < 1 || f.Q > MaxQ:
		return fmt.Sprintf("q is %d, want 1 to %d", f.Q, MaxQ)
	case f.Bits < 1 || f.Bits > MaxBits:
		return fmt.Sprintf("%d bits, want 1 to %d", f.Bits, MaxBits)
	}
	return ""
}

func validLength(bits int) bool { return bits >= MinLength && bits <= MaxLength && bits%64 == 0 }

func badLength(bits int) error {
	return fmt.Errorf("%w: the length is %d, want a multiple of 64 from %d to %d", ErrSchema, bits, MinLength, MaxLength)
}

// index returns the place of a feature, or -1.
func (s *Schema) index(name string) int {
	return slices.IndexFunc(s.Features, func(f Feature) bool { return name != "" && f.Name == name })
}

// hash covers all that decides, beside secrets, how a record is encoded. The
// schema and the hardening are valid and the project has at most maxName bytes.
func (s *Schema) hash(project string, h *Hardening) ([32]byte, error) {
	b := cryptobyte.NewBuilder(nil)
	text := func(s string) {
		b.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes([]byte(s)) })
	}
	text("comity bloomlink configuration")
	b.AddUint8(Version)
	text(project)
	b.AddUint16(uint16(s.Length))
	b.AddUint8(uint8(len(s.Features)))
	for _, f := range s.Features {
		text(f.Name)
		b.AddUint8(uint8(f.Q))
		b.AddUint16(uint16(f.Bits))
	}
	h.addTo(b)
	all, err := b.Bytes()
	return sha256.Sum256(all), err
}
