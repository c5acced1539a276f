package tokenize

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"unicode/utf8"
)

// ErrSchema says that a schema, or a record's number of values, is unusable.
var ErrSchema = errors.New("tokenize: unusable schema")

const (
	maxFields = 256
	maxValue  = 4096 // bytes of a value, as it comes and in its canonical form
)

// Record is one person's values in the order of a schema. "" is missing.
type Record []string

// FieldSpec is one field of a schema.
type FieldSpec struct {
	// Name is what rules call the field: a lower-case letter, then up to 63
	// lower-case letters, digits and underscores.
	Name string `json:"name"`
	Kind Kind   `json:"kind"`
}

// Schema says what the values of a record mean. It is not changed by use and may
// be shared.
type Schema struct {
	Fields []FieldSpec `json:"fields"`
	// Readings say how the values of fields, by name, are written where their kind
	// leaves it open. They are each side's own: two agencies whose dates or telephone
	// numbers are written differently agree on the fields and not on these.
	Readings map[string]Reading `json:"readings,omitempty"`
}

// ParseSchema reads a schema from JSON, such as
//
//	{"fields": [{"name": "family_name", "kind": "name"}, {"name": "birth_date", "kind": "date"}],
//	 "readings": {"birth_date": {"order": "mdy"}}}
//
// and validates it. Unknown keys and trailing data are refused. Errors are
// ErrSchema.
func ParseSchema(text []byte) (*Schema, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	s := new(Schema)
	if err := d.Decode(s); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSchema, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: data after the JSON value", ErrSchema)
	}
	if err := s.Validate(); err != nil {
		return nil, err
	}
	return s, nil
}

var nameForm = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)

// Validate reports the first fault of a schema, as ErrSchema.
func (s *Schema) Validate() error {
	if s == nil || len(s.Fields) == 0 || len(s.Fields) > maxFields {
		return fmt.Errorf("%w: it has not 1 to %d fields", ErrSchema, maxFields)
	}
	seen := make(map[string]bool)
	for i, f := range s.Fields {
		switch {
		case !nameForm.MatchString(f.Name):
			return fmt.Errorf("%w: the name of field %d is not 1 to 64 lower-case letters, digits and underscores, a letter first", ErrSchema, i+1)
		case seen[f.Name]:
			return fmt.Errorf("%w: two fields have the name %q", ErrSchema, f.Name)
		case !f.Kind.known():
			return fmt.Errorf("%w: field %q has no kind that is known", ErrSchema, f.Name)
		}
		seen[f.Name] = true
	}
	for name, r := range s.Readings {
		i := s.index(name)
		if i < 0 {
			return fmt.Errorf("%w: a reading of %q, and there is no such field", ErrSchema, name)
		}
		if fault := r.fault(s.Fields[i].Kind); fault != "" {
			return fmt.Errorf("%w: the reading of field %q %s", ErrSchema, name, fault)
		}
	}
	return nil
}

// anyReading leaves all to the values.
var anyReading Reading

func (s *Schema) reading(field int) *Reading {
	if len(s.Readings) == 0 {
		return &anyReading
	}
	r := s.Readings[s.Fields[field].Name]
	return &r
}

// index returns the place of a field, or -1.
func (s *Schema) index(name string) int {
	return slices.IndexFunc(s.Fields, func(f FieldSpec) bool { return f.Name == name })
}

// Precision is how much of a date is known.
type Precision uint8

// Precisions. Fields that are not dates, and missing ones, have none.
const (
	PrecisionNone Precision = iota
	PrecisionYear
	PrecisionMonth
	PrecisionDay
)

func (p Precision) String() string {
	return [...]string{"none", "year", "month", "day"}[min(p, PrecisionDay)]
}

// Flags tell what Normalize noticed about a value.
type Flags uint8

// Flags of a field.
const (
	// Ambiguous: the value can be read in more ways than one; Variants has the others.
	Ambiguous Flags = 1 << iota
	// Unreadable: there is a value, but not one of the field's kind. It counts as missing.
	Unreadable
	// Impossible: a date that no calendar has, such as 30 February, or outside the
	// years 1800 to 2199. It is Unreadable too.
	Impossible
	// Doubtful: the value is readable, and often wrong: 1 January, which stands for a
	// day that is not known; a date that says "circa", or has another order than its
	// reading; a telephone number that its country does not have; letters that a
	// vehicle's number cannot hold.
	Doubtful
	// Converted: a date of another calendar. An Islamic one may be off by a day.
	Converted
	// BadCheck: the value's own check digits say that it was miswritten. It is kept.
	BadCheck
)

// Field is a value in canonical form. The zero Field is missing.
type Field struct {
	// Value is the canonical form; "" is missing.
	Value string
	// Variants are other canonical forms that the same value may stand for, such as
	// "mueller" beside "muller" for "Müller". None equals Value.
	Variants []string
	// Labels say of each variant what it is: "icao", "bgn", "press", "previous".
	Labels    []string
	Precision Precision // of a date
	Flags     Flags
}

// FieldError says that a value is not one of its field's kind. It never holds the
// value.
type FieldError struct {
	Field    string // its name in the schema
	Position int    // of the value in the record, from 0
	Reason   string
}

func (e *FieldError) Error() string { return fmt.Sprintf("field %q: %s", e.Field, e.Reason) }

// Normalize brings each value of a record to its canonical form. It is
// idempotent: the Values that it returns are their own canonical form.
//
// A record of another length than the schema is ErrSchema, and there are no
// fields. A value that cannot be read is a *FieldError and a missing field with
// the flag Unreadable; the other fields are as good as ever, and all such errors
// are joined.
func (s *Schema) Normalize(r Record) ([]Field, error) {
	fields := make([]Field, len(s.Fields))
	whole, err := s.normalizeInto(fields, r)
	if !whole {
		return nil, err
	}
	return fields, err
}

// normalizeInto is Normalize into fields that exist. whole is whether the record has
// the length of the schema.
func (s *Schema) normalizeInto(fields []Field, r Record) (whole bool, err error) {
	if len(r) != len(s.Fields) {
		return false, fmt.Errorf("%w: the record has %d values, the schema %d fields", ErrSchema, len(r), len(s.Fields))
	}
	var bad []error
	for i, raw := range r {
		f, reason := s.Fields[i].Kind.read(raw, s.reading(i))
		if reason != "" {
			f = Field{Flags: Unreadable | f.Flags}
			bad = append(bad, &FieldError{Field: s.Fields[i].Name, Position: i, Reason: reason})
		}
		fields[i] = f
	}
	return true, errors.Join(bad...)
}

// read returns the canonical form of a value, or why it has none.
func (k Kind) read(raw string, r *Reading) (f Field, reason string) {
	switch {
	case raw == "":
		return Field{}, ""
	case len(raw) > maxValue:
		return Field{}, fmt.Sprintf("longer than %d bytes", maxValue)
	case !utf8.ValidString(raw):
		return Field{}, "not valid UTF-8"
	case !k.known():
		return Field{}, "of no known kind"
	}
	f, reason = kinds[k].normalise(raw, r)
	if reason == "" && len(f.Value) > maxValue {
		return Field{}, fmt.Sprintf("longer than %d bytes in canonical form", maxValue)
	}
	return f, reason
}
