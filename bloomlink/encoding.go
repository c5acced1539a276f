package bloomlink

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"math/bits"
)

// Encoding is a bit vector: bit i is bit i%64 of word i/64. It is personal data,
// so that it formats as its length.
type Encoding []uint64

// Len returns the length in bits.
func (e Encoding) Len() int { return 64 * len(e) }

// Count returns the number of bits set.
func (e Encoding) Count() int {
	n := 0
	for _, w := range e {
		n += bits.OnesCount64(w)
	}
	return n
}

// Dice returns the Dice coefficient of two encodings, 2·|a∧b| / (|a|+|b|), from 0
// to 1. It is 0 if neither has a bit set: nothing resembles nothing. A shorter
// encoding counts as if it went on in zeros.
func Dice(a, b Encoding) float64 {
	n := min(len(a), len(b))
	return dice(common(a[:n], b[:n]), a.Count()+b.Count())
}

// common returns how many bits two encodings of one length have in common.
func common(a, b []uint64) int {
	n := 0
	b = b[:len(a)]
	for i, w := range a {
		n += bits.OnesCount64(w & b[i])
	}
	return n
}

// dice is the coefficient of two encodings with so many bits in common and in
// sum. It ascends with common, as a correctly rounded quotient does.
func dice(common, sum int) float64 {
	if sum == 0 {
		return 0
	}
	return float64(2*common) / float64(sum)
}

// String shows the length, never a bit.
func (e Encoding) String() string { return fmt.Sprintf("encoding of %d bits", e.Len()) }

// GoString is String.
func (e Encoding) GoString() string { return e.String() }

// Format writes String for every verb.
func (e Encoding) Format(f fmt.State, _ rune) { fmt.Fprint(f, e.String()) }

// LogValue is String.
func (e Encoding) LogValue() slog.Value { return slog.StringValue(e.String()) }

// MarshalJSON writes String.
func (e Encoding) MarshalJSON() ([]byte, error) { return json.Marshal(e.String()) }
