package tokenize

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ErrRule says that a rule is unusable.
var ErrRule = errors.New("tokenize: unusable rule")

// ErrLowEntropy says that a rule has nothing but fields of low entropy, see
// [Kind.LowEntropy], which takes an OPRF. It is an ErrRule too.
var ErrLowEntropy = fmt.Errorf("%w: all its fields have few values, which a holder of the secret can try one by one: use an OPRF, or add a field such as a name", ErrRule)

const (
	maxRules = 256
	maxParts = 16
	maxFirst = 64
)

// Rule makes one key of parts of fields.
type Rule struct {
	// Name is for people: what a match by this rule is called. It has no part in
	// tokens. "" is allowed.
	Name  string `json:"name"`
	Parts []Part `json:"parts"`
}

// form is how a part is taken from a field.
type form string

const (
	whole     form = ""
	initial   form = "initial"
	first     form = "first"
	year      form = "year"
	yearMonth form = "month"
	swap      form = "swap"
	near      form = "near"
)

// Part is one part of one field. Its text, as in JSON, is the name of the field,
// and, unless the whole is meant, a slash and one of
//
//	initial   the first letter or digit
//	firstN    the first N letters and digits, as in first4; N is 1 to 64. Of a whole
//	          name, first24 meets what a machine-readable zone has cut off behind
//	year      of a date
//	month     the year and the month of a date
//	swap      a day, or the one with day and month swapped
//	near      a day, or one before or after it
//
// of a name moreover one of
//
//	sorted     its words in alphabetical order, also without particles such as al and
//	           van: given and family name may change places
//	word       any one of its words of two letters and more: of two surnames, either
//	soundex    the American Soundex code
//	refined    the refined Soundex code
//	nysiis     the NYSIIS code
//	metaphone  the codes of Double Metaphone
//	daitch     the codes of the Daitch–Mokotoff Soundex
//	arabic, cyrillic, han, hangul, hebrew, kana
//	           how it sounds to those who write Arabic or Persian, and so on
//	short      how its two outer words sound: the middle one may be missing
//	initials   how its last word, or its first, sounds: of the others there may be
//	           initials alone
//
// The codes from soundex to daitch are of the name in Latin letters, and there is
// none for a name that cannot be written so. The parts named after scripts are keys
// under which a name in that script and its Latin spellings meet, in whatever order
// its words are: for peers that write that script, and of the whole name, or with a
// birth date, rather than of one common name alone. Two names in Latin letters
// seldom meet by them.
//
// The whole of a date is one of day precision, and so are swap and near: of a date
// whose day is not known, only the year and the month can be used. What swap and
// near bring together is weak evidence: give it a rule of its own.
type Part struct {
	Field string
	form  form
	n     int // of first
}

// ParsePart reads the text of a part. Errors are ErrRule.
func ParsePart(text string) (Part, error) {
	field, how, cut := strings.Cut(text, "/")
	p := Part{Field: field, form: form(how)}
	if digits, ok := strings.CutPrefix(how, string(first)); ok {
		n, err := strconv.Atoi(digits)
		if err != nil || n < 1 || n > maxFirst || digits != strconv.Itoa(n) {
			return Part{}, fmt.Errorf("%w: the part %q does not say how many letters, 1 to %d, as in first4", ErrRule, text, maxFirst)
		}
		p.form, p.n = first, n
	}
	switch p.form {
	case whole:
		if !cut {
			return p, nil
		}
	default:
		if known(p.form) {
			return p, nil
		}
	}
	return Part{}, fmt.Errorf("%w: the part %q has a form that is not known", ErrRule, text)
}

// String returns the text of the part.
func (p Part) String() string {
	switch p.form {
	case whole:
		return p.Field
	case first:
		return fmt.Sprintf("%s/%s%d", p.Field, p.form, p.n)
	}
	return p.Field + "/" + string(p.form)
}

// MarshalText is String.
func (p Part) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText is ParsePart.
func (p *Part) UnmarshalText(text []byte) (err error) {
	*p, err = ParsePart(string(text))
	return err
}

// validate reports why the part cannot be used under the schema.
func (p Part) validate(s *Schema) error {
	i := s.index(p.Field)
	if i < 0 {
		return fmt.Errorf("%w: there is no field %q", ErrRule, p.Field)
	}
	if p.form == whole {
		return nil
	}
	kind := s.Fields[i].Kind
	if slices.Contains(kinds[kind].parts, p.form) {
		return nil
	}
	return fmt.Errorf("%w: a field of kind %v has no part %q", ErrRule, kind, p)
}

// of appends the parts of one of a field's values.
func (p Part) of(parts []string, value string, f *Field) []string {
	switch p.form {
	case initial:
		return append(parts, firstLetters(value, 1))
	case first:
		return append(parts, firstLetters(value, p.n))
	case year:
		return append(parts, value[:min(4, len(value))])
	case yearMonth:
		if f.Precision < PrecisionMonth {
			return parts
		}
		return append(parts, value[:7])
	case whole, swap, near:
		if f.Precision != PrecisionNone && f.Precision != PrecisionDay {
			return parts
		}
	}
	switch p.form {
	case whole:
		return append(parts, value)
	case swap:
		return append(parts, unswapped(value))
	case near:
		// A day goes with the day after it: two days share one of these if they are no
		// more than one apart.
		return append(parts, value, nextDay(value))
	}
	return codes[p.form](parts, value)
}

// firstLetters returns the first n letters and digits, with the marks that belong
// to them, without spaces.
func firstLetters(value string, n int) string {
	if head := value[:min(n, len(value))]; isASCII(head) && strings.IndexByte(head, ' ') < 0 &&
		(len(head) == len(value) || value[len(head)] < utf8.RuneSelf) {
		return head
	}
	var out strings.Builder
	for _, r := range value {
		if r == ' ' {
			continue
		}
		if !unicode.Is(unicode.M, r) {
			if n == 0 {
				break
			}
			n--
		}
		out.WriteRune(r)
	}
	return out.String()
}

// options appends the distinct parts of a field's value and its variants, up to
// maxReadings.
func (p Part) options(parts []string, f *Field) []string {
	switch {
	case f.Value == "":
		return parts
	case p.form == whole && len(f.Variants) == 0:
		return p.of(parts, f.Value, f)
	}
	start := len(parts)
	if keys, ok := sounds[p.form]; ok {
		parts = append(parts, keys(strings.Fields(f.Value))...)
		return parts[:min(len(parts), start+maxReadings)]
	}
	parts = p.of(parts, f.Value, f)
	for _, v := range f.Variants {
		parts = p.of(parts, v, f)
	}
	kept := parts[:start]
	for _, part := range parts[start:] {
		if part != "" && len(kept) < start+maxReadings && !slices.Contains(kept[start:], part) {
			kept = append(kept, part)
		}
	}
	return kept
}
