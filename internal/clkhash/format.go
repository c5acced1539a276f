package clkhash

import (
	"math"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
)

// format says which values a feature may have, and how they are written before
// they are cut into tokens. A reason says why a value is not allowed.
type format interface {
	canonical(value string) (canonical, reason string)
}

func (f *feature) setFormat(v value) {
	v.object("type")
	v.get("description").text("")
	kind := v.get("type").oneOf("", "string", "integer", "date", "enum")
	switch kind {
	case "string":
		f.charset = charsets[v.get("encoding").oneOf("utf-8", "ascii", "utf-8", "utf-16", "utf-32")]
		if p := v.get("pattern"); p.present {
			v.only("type", "encoding", "pattern", "description")
			f.format = patternOf(p)
			return
		}
		v.only("type", "encoding", "case", "minLength", "maxLength", "description")
		f.format = textOf(v)
	case "integer":
		v.only("type", "minimum", "maximum", "description")
		f.format = integer{v.get("minimum").whole(), v.get("maximum").whole()}
	case "date":
		v.object("format")
		v.only("type", "format", "description")
		f.format = dateOf(v.get("format"))
	case "enum":
		v.object("values")
		v.only("type", "values", "description")
		var e enum
		for _, item := range v.get("values").items() {
			e = append(e, item.text(""))
		}
		f.format = e
	}
}

// text allows strings by length, in code points, and by letter case.
type text struct {
	lo, hi       int
	upper, lower bool
}

func textOf(v value) text {
	t := text{hi: math.MaxInt}
	limit := func(key string, least int64, n *int) {
		w := v.get(key).whole()
		switch {
		case w == nil:
		case w.Cmp(big.NewInt(least)) < 0:
			v.get(key).fail("want at least %d", least)
		case w.IsInt64():
			*n = int(min(w.Int64(), math.MaxInt32))
		default:
			*n = math.MaxInt32
		}
	}
	limit("minLength", 0, &t.lo)
	limit("maxLength", 1, &t.hi)
	letters := v.get("case").oneOf("mixed", "upper", "lower", "mixed")
	t.upper, t.lower = letters == "upper", letters == "lower"
	return t
}

func (t text) canonical(value string) (string, string) {
	n := utf8.RuneCountInString(value)
	switch {
	case n < t.lo:
		return "", "too short"
	case n > t.hi:
		return "", "too long"
	case t.upper && !isUpper(value):
		return "", "not in upper case"
	case t.lower && !isLower(value):
		return "", "not in lower case"
	}
	return value, ""
}

// isUpper says whether nothing changes in upper case, by the full mapping: ß does.
func isUpper(s string) bool { return cases.Upper(language.Und).String(s) == s }

// isLower says whether nothing changes in lower case. No character is its own
// simple mapping and not its own full one.
func isLower(s string) bool {
	for _, r := range s {
		if unicode.ToLower(r) != r {
			return false
		}
	}
	return true
}

type pattern struct{ *regexp.Regexp }

func (p pattern) canonical(value string) (string, string) {
	if !p.MatchString(value) {
		return "", "not as the pattern wants it"
	}
	return value, ""
}

// integer is written without blanks, plus sign or leading zeros.
type integer struct{ lo, hi *big.Int }

func (i integer) canonical(value string) (string, string) {
	n, ok := parseInteger(value)
	switch {
	case !ok:
		return "", "not a whole number"
	case i.lo != nil && n.Cmp(i.lo) < 0:
		return "", "too small"
	case i.hi != nil && n.Cmp(i.hi) > 0:
		return "", "too large"
	case n.IsInt64():
		return strconv.FormatInt(n.Int64(), 10), "" // without the room that big numbers take
	}
	return n.String(), ""
}

type enum []string

func (e enum) canonical(value string) (string, string) {
	if !slices.Contains(e, value) {
		return "", "none of those allowed"
	}
	return value, ""
}
