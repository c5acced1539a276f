package bloomlink

import (
	"errors"
	"fmt"

	"github.com/comity-prl/comity/internal/wire"
)

// What a caller can get wrong.
var (
	ErrSchema    = errors.New("bloomlink: invalid schema")
	ErrSecret    = errors.New("bloomlink: secret too short")
	ErrValue     = errors.New("bloomlink: unusable value")
	ErrEncoding  = errors.New("bloomlink: encoding of the wrong length")
	ErrFormat    = errors.New("bloomlink: not a file of CLKs")
	ErrHardening = errors.New("bloomlink: invalid hardening")
	ErrThreshold = errors.New("bloomlink: thresholds differ, or not above 0 and at most 1")
	ErrMeasure   = errors.New("bloomlink: unknown measure")
	ErrIndex     = errors.New("bloomlink: not an index, or a damaged one")
	ErrBlocking  = errors.New("bloomlink: keys that cannot be blocked by")
	ErrNoKey     = errors.New("bloomlink: the set's binding has no key")
)

// A run whose parties were set up differently ends in one of these, at all three
// of them, before a size or an encoding is sent. ErrThreshold is another.
var (
	ErrVersion = errors.New("bloomlink: the peer speaks another version")
	ErrRole    = errors.New("bloomlink: not one unit between two owners")
	ErrEpoch   = errors.New("bloomlink: epochs differ")
	ErrConfig  = errors.New("bloomlink: configurations differ")
	ErrSession = errors.New("bloomlink: sessions differ")
	ErrKey     = errors.New("bloomlink: secrets differ")
)

// A peer that breaks the protocol, or a stream that fails, ends a run in one of
// these. The other parties see the same alert for all of them.
var (
	ErrTooLarge = errors.New("bloomlink: set larger than the agreed maximum")
	ErrGroups   = errors.New("bloomlink: groups that cannot be")

	ErrLength    = wire.ErrLength    // a message is shorter or longer than the protocol allows
	ErrMessage   = wire.ErrKind      // a message came out of turn
	ErrTruncated = wire.ErrTruncated // the stream ended before the run did
	ErrAborted   = wire.ErrAlert     // the peer ended the run; it alone knows why
)

// FeatureError says which feature of a schema, or which value of a record, cannot
// be used. It never holds the value. It is ErrSchema or ErrValue.
type FeatureError struct {
	Feature int // its index
	Reason  string

	cause error
}

func (e *FeatureError) Error() string {
	return fmt.Sprintf("%v: feature %d: %s", e.cause, e.Feature, e.Reason)
}

// Unwrap returns ErrSchema or ErrValue.
func (e *FeatureError) Unwrap() error { return e.cause }

// SchemaError says where a linkage schema of clkhash is wrong. It is ErrSchema.
type SchemaError struct {
	Pointer string // JSON pointer (RFC 6901) into the schema, "" for all of it
	Reason  string
}

func (e *SchemaError) Error() string {
	return fmt.Sprintf("%v: at %q: %s", ErrSchema, e.Pointer, e.Reason)
}

// Unwrap returns ErrSchema.
func (e *SchemaError) Unwrap() error { return ErrSchema }

// EncodingError says which of a list of encodings has the wrong length. It is
// ErrEncoding.
type EncodingError struct {
	Row       int
	Got, Want int // bits
}

func (e *EncodingError) Error() string {
	return fmt.Sprintf("%v: row %d has %d bits, want %d", ErrEncoding, e.Row, e.Got, e.Want)
}

// Unwrap returns ErrEncoding.
func (e *EncodingError) Unwrap() error { return ErrEncoding }

// OwnerError says, at the unit, with which owner a run failed. Errors that
// concern both, such as ErrKey, come without it.
type OwnerError struct {
	Owner int // 0 for the first argument of Link, 1 for the second
	Err   error
}

func (e *OwnerError) Error() string { return fmt.Sprintf("owner %c: %v", 'A'+rune(e.Owner), e.Err) }

// Unwrap returns Err.
func (e *OwnerError) Unwrap() error { return e.Err }
