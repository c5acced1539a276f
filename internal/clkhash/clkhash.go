// Package clkhash reads the linkage schemas of clkhash, versions 1 to 3, and makes
// its CLKs, bit for bit as version 0.18.3 does (github.com/data61/clkhash). Where
// that version's documents and its code differ, the code is followed.
//
// It takes Python's meaning of numbers, dates, letter case and patterns with it,
// for that is what the other side's records are checked and hashed by.
package clkhash

import (
	"errors"
	"fmt"
)

// Bounds, so that a schema cannot ask for boundless work. clkhash has none.
const (
	MaxSchema = 1 << 20 // bytes of JSON
	MaxFilter = 1 << 24 // bits before folding
	MaxTokens = 1 << 20 // bits of a token or feature

	maxN          = 256
	maxResolution = 10_000
	maxPrecision  = 308 // 10^308 is a float64
)

// What a caller can get wrong.
var (
	ErrSchema = errors.New("clkhash: invalid schema")
	ErrValue  = errors.New("clkhash: invalid value")
)

// SchemaError says where a schema is wrong. It is ErrSchema.
type SchemaError struct {
	Pointer string // JSON pointer (RFC 6901) into the document
	Reason  string
}

func (e *SchemaError) Error() string {
	return fmt.Sprintf("%v: at %q: %s", ErrSchema, e.Pointer, e.Reason)
}

// Unwrap returns ErrSchema.
func (e *SchemaError) Unwrap() error { return ErrSchema }

// ValueError says which value of a record the schema does not allow. It never
// holds the value. It is ErrValue.
type ValueError struct {
	Feature int // its index
	Reason  string
}

func (e *ValueError) Error() string {
	return fmt.Sprintf("%v: feature %d: %s", ErrValue, e.Feature, e.Reason)
}

// Unwrap returns ErrValue.
func (e *ValueError) Unwrap() error { return ErrValue }

// Schema says how records become CLKs.
type Schema struct {
	Bits   int      // of a CLK, after folding
	Digest [32]byte // of the document, but for blanks and the order of members

	folds    int
	sha512   bool // HKDF over SHA-512 and not SHA-256
	salt     []byte
	info     []byte
	keySize  int
	features []feature
}

type feature struct {
	name    string
	ignored bool
	format  format
	compare comparison
	charset charset
	missing *missing
	double  bool // double hashing, and not BLAKE2b
	regular bool // double hashing that avoids a step of zero

	perToken, perFeature int // one of them is 0
}

// missing is a value that stands for none, and what is hashed in its place.
type missing struct{ sentinel, replacement string }

// filter returns the number of bits before folding.
func (s *Schema) filter() int { return s.Bits << s.folds }

// Names returns the names of the features, which are the columns of a record.
func (s *Schema) Names() []string {
	names := make([]string, len(s.features))
	for i, f := range s.features {
		names[i] = f.name
	}
	return names
}

// shares says how many bits each of n tokens sets.
func (f *feature) shares(n int) (share, more int) {
	if f.perFeature == 0 {
		return f.perToken, 0
	}
	return f.perFeature / n, f.perFeature % n // the first ones set one more
}
