package bloomlink

import (
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/comity-prl/comity/internal/clkhash"
)

// CLKSchema is a linkage schema of clkhash, read from its JSON.
type CLKSchema struct {
	schema *clkhash.Schema
}

// ParseCLKSchema reads a linkage schema of clkhash, version 1, 2 or 3, of at most
// 1 MiB, and accepts what clkhash 0.18.3 can make CLKs by. That version's number
// of folds is xor_folds, and its documented xorFolds does nothing: here too.
// Beyond what it checks, patterns must do without looking around and without
// references to groups, n is at most 256, and a filter has at most 2^24 bits.
//
// Errors are *SchemaError.
func ParseCLKSchema(data []byte) (*CLKSchema, error) {
	s, err := clkhash.Parse(data)
	if err != nil {
		return nil, ownError(err)
	}
	return &CLKSchema{s}, nil
}

// Bits returns the length of a CLK, which need not be a multiple of 64. An
// Encoding that is longer ends in zeros.
func (s *CLKSchema) Bits() int { return s.schema.Bits }

// Names returns the names of the features in order, ignored ones too.
func (s *CLKSchema) Names() []string { return s.schema.Names() }

// CheckHeader reports whether the columns of a file are the features, in order.
// The error is ErrValue.
func (s *CLKSchema) CheckHeader(columns []string) error {
	names := s.Names()
	if len(columns) != len(names) {
		return fmt.Errorf("%w: %d columns for %d features", ErrValue, len(columns), len(names))
	}
	for i := range names {
		if columns[i] != names[i] {
			return &FeatureError{Feature: i, Reason: "the column has another name", cause: ErrValue}
		}
	}
	return nil
}

// NewCLKEncoder makes an encoder whose encodings are the CLKs of clkhash 0.18.3,
// bit for bit. It exists to link with those who have CLKs: it takes a secret of
// any length, hardens nothing, and hashes a missing value as the schema says, so
// that two may look alike. For all else NewEncoder is better.
//
// Who holds an encoding, or sees a key confirmation, can try out secrets: one that
// can be guessed protects nothing.
func NewCLKEncoder(s *CLKSchema, secret []byte) (*Encoder, error) {
	if s == nil {
		return nil, fmt.Errorf("%w: none", ErrSchema)
	}
	inner, err := clkhash.NewEncoder(s.schema, secret)
	if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrSchema, err)
	}
	e := &Encoder{length: (s.Bits() + 63) / 64 * 64, width: len(s.Names()), coder: clkCoder{inner}, config: s.schema.Digest}
	confirm, err := hkdf.Key(sha256.New, secret, []byte("comity bloomlink clkhash"), "key confirmation"+string(e.config[:]), len(e.confirm))
	if err != nil {
		return nil, err
	}
	e.confirm = [32]byte(confirm)
	return e, nil
}

type clkCoder struct{ *clkhash.Encoder }

func (c clkCoder) encode(record []string) (Encoding, error) {
	clk, err := c.Encode(record)
	return clk, ownError(err)
}

func (c clkCoder) encodeFields(record []string) ([]Encoding, error) {
	clks, err := c.EncodeFields(record)
	if err != nil {
		return nil, ownError(err)
	}
	fields := make([]Encoding, len(clks))
	for i, clk := range clks {
		fields[i] = clk
	}
	return fields, nil
}

// ownError turns an error of package clkhash into one of this package.
func ownError(err error) error {
	var schema *clkhash.SchemaError
	var value *clkhash.ValueError
	switch {
	case errors.As(err, &schema):
		return &SchemaError{Pointer: schema.Pointer, Reason: schema.Reason}
	case errors.As(err, &value):
		return &FeatureError{Feature: value.Feature, Reason: value.Reason, cause: ErrValue}
	}
	return err
}
