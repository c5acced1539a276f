package tokenize

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
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
	whole   form = ""
	initial form = "initial"
	first   form = "first"
	soundex form = "soundex"

	year      form = "year"
	yearMonth form = "month"
	swap      form = "swap"
	near      form = "near"
)

// Part is one part of one field. Its text, as in JSON, is the name of the field,
// and, unless the whole is meant, a slash and one of
//
//	initial   the first letter or digit
//	firstN    the first N letters and digits, as in first4; N is 1 to 64
//	soundex   the American Soundex code; none for names not in Latin letters
//	year      of a date
//	month     the year and the month of a date
//	swap      a day, or the one with day and month swapped
//	near      a day, or one before or after it
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
	case initial, first, soundex, year, yearMonth, swap, near:
		return p, nil
	case whole:
		if !cut {
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

// of returns the part of one of a field's values, or "" if there is none.
func (p Part) of(value string, f *Field) string {
	switch p.form {
	case initial:
		return firstLetters(value, 1)
	case first:
		return firstLetters(value, p.n)
	case soundex:
		return soundexOf(value)
	case year:
		return value[:min(4, len(value))]
	case yearMonth:
		if f.Precision < PrecisionMonth {
			return ""
		}
		return value[:7]
	}
	if f.Precision != PrecisionNone && f.Precision != PrecisionDay {
		return ""
	}
	if p.form == swap {
		return unswapped(value)
	}
	return value
}

// firstLetters returns the first n letters and digits, with the marks that belong
// to them, without spaces.
func firstLetters(value string, n int) string {
	if head := value[:min(n, len(value))]; isASCII(head) && strings.IndexByte(head, ' ') < 0 && isASCII(value[len(head):min(len(head)+1, len(value))]) {
		return head // no marks, and none after it
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

// options appends the distinct parts of a field's value and its variants.
func (p Part) options(out []string, f *Field) []string {
	if f.Value == "" {
		return out
	}
	add := func(part string) {
		if part != "" && !slices.Contains(out, part) {
			out = append(out, part)
		}
	}
	add(p.of(f.Value, f))
	for _, v := range f.Variants {
		add(p.of(v, f))
	}
	if p.form == near {
		// A day goes with the day after it: two days share one of these if they are no
		// more than one apart.
		for _, day := range out[:len(out):len(out)] {
			add(nextDay(day))
		}
	}
	return out
}
