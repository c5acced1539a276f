package opentoken

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
	"golang.org/x/text/unicode/norm"
)

// AttributeError says which attributes of a person are invalid. It never holds
// their values.
type AttributeError struct {
	Row        int      // of the person, from 0
	Attributes []string // OpenToken's names of those that have a value, in the order of Person
}

func (e *AttributeError) Error() string {
	return fmt.Sprintf("opentoken: row %d: invalid: %s", e.Row, strings.Join(e.Attributes, ", "))
}

// attributes are a person's in the forms that signatures use. nil is invalid or
// missing.
type attributes struct {
	first, initial, first3, last, zip, sex, birth, ssn *string
}

// noSuchDay stands for a birth date in a form of OpenToken's that no calendar has.
var noSuchDay string

// maxValue bounds an attribute, in bytes: no such value is longer.
const maxValue = 4096

var (
	zipForm = regexp.MustCompile(`^[0-9]{5}(-[0-9]{4})?$`)
	sexForm = regexp.MustCompile(`^([Mm](ale)?|[Ff](emale)?)$`)
	ssnForm = regexp.MustCompile(`^[0-8][0-9]{2}-?[0-9]{2}-?[0-9]{4}$`)
)

// attributes validates and normalises. Values are validated as they stand, without
// a trim.
func (p *Person) attributes() (a attributes, invalid []string) {
	check := func(attribute, value string, valid func(string) bool) bool {
		if len(value) <= maxValue && utf8.ValidString(value) && valid(value) {
			return true
		}
		if value != "" {
			invalid = append(invalid, attribute)
		}
		return false
	}
	named := func(s string) bool { return !blank(s) }
	if check("FirstName", p.FirstName, named) {
		n := unaccented(p.FirstName)
		a.first, a.initial, a.first3 = new(capitals(n)), new(firstUnits(n, 1)), new(firstUnits(n, 3))
	}
	if check("LastName", p.LastName, named) {
		a.last = new(capitals(unaccented(p.LastName)))
	}
	if check("PostalCode", p.PostalCode, zipForm.MatchString) {
		a.zip = new(p.PostalCode[:3])
	}
	if check("Sex", p.Sex, sexForm.MatchString) {
		a.sex = new("FEMALE")
		if p.Sex[0] == 'M' || p.Sex[0] == 'm' {
			a.sex = new("MALE")
		}
	}
	birth, formed := birthDate(p.BirthDate)
	if check("BirthDate", p.BirthDate, func(string) bool { return birth != "" }) {
		a.birth = &birth
	} else if formed {
		a.birth = &noSuchDay
	}
	if check("SocialSecurityNumber", p.SocialSecurityNumber, validSSN) {
		a.ssn = new(strings.ReplaceAll(p.SocialSecurityNumber, "-", ""))
	}
	return a, invalid
}

// validSSN refuses numbers that are never given out. Of the repeated digits
// OpenToken refuses the dashed forms alone.
func validSSN(s string) bool {
	if !ssnForm.MatchString(s) {
		return false
	}
	digits := strings.ReplaceAll(s, "-", "")
	if digits[:3] == "000" || digits[:3] == "666" || digits[3:5] == "00" || digits[5:] == "0000" {
		return false
	}
	return strings.Trim(digits, digits[:1]) != "" || !(len(s) == 11)
}

var (
	yearFirstForm = regexp.MustCompile(`^([0-9]{4})([-/])([0-9]{2})([-/])([0-9]{2})$`)
	yearLastForm  = regexp.MustCompile(`^([0-9]{2})([-/.])([0-9]{2})([-/.])([0-9]{4})$`)
)

// birthDate brings a date to the form 1978-01-25. It returns "" for a date that does
// not exist, and whether it has a form of OpenToken's nevertheless.
func birthDate(s string) (date string, formed bool) {
	m := yearFirstForm.FindStringSubmatch(s)
	if m == nil {
		m = yearLastForm.FindStringSubmatch(s)
	}
	if m == nil {
		return "", false
	}
	var n [3]int
	for i, digits := range []string{m[1], m[3], m[5]} {
		n[i], _ = strconv.Atoi(digits) // the forms let nothing else through
	}
	// The orders are tried in turn, and OpenToken's parser takes any number of digits
	// for any part.
	var orders [][3]int // year, month, day
	switch {
	case m[2] != m[4]:
	case m[2] == ".":
		orders = [][3]int{{n[2], n[1], n[0]}}
	default:
		orders = [][3]int{{n[0], n[1], n[2]}, {n[2], n[0], n[1]}}
	}
	for _, d := range orders {
		if exists(d[0], d[1], d[2]) {
			return fmt.Sprintf("%04d-%02d-%02d", d[0], d[1], d[2]), true
		}
	}
	return "", true
}

// exists reports whether Java's calendar has a date: it is Julian until 4 October
// 1582, and goes on with 15 October.
func exists(y, m, d int) bool {
	if y < 1 || m < 1 || m > 12 || d < 1 || y == 1582 && m == 10 && d > 4 && d < 15 {
		return false
	}
	days := [...]int{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}[m-1]
	if m == 2 && y%4 == 0 && (y%100 != 0 || y%400 == 0 || y < 1582) {
		days++
	}
	return d <= days
}

// unaccented is a name as OpenToken normalises it: a trim, a canonical
// decomposition, and no marks, so that Ł stays and syllables of Hangul fall apart.
// What the marks leave is trimmed again.
func unaccented(s string) string {
	return trim(strings.Map(func(r rune) rune {
		if unicode.Is(unicode.M, r) {
			return -1
		}
		return r
	}, norm.NFD.String(trim(s))))
}

// firstUnits takes the first units of UTF-16 and then makes capitals, of which one
// letter can have several: fi is one unit of "ﬁona" and two letters of "FIONA". A
// letter cut in two becomes a question mark, as in Java's UTF-8.
func firstUnits(s string, count int) string {
	units := utf16.Encode([]rune(s))
	if len(units) <= count {
		return capitals(s)
	}
	units = units[:count]
	if last := rune(units[count-1]); last >= 0xd800 && last < 0xdc00 {
		return capitals(string(utf16.Decode(units[:count-1]))) + "?"
	}
	return capitals(string(utf16.Decode(units)))
}

// capitals is Java's upper case, which can make several letters of one.
func capitals(s string) string {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return cases.Upper(language.Und).String(s)
		}
	}
	return strings.ToUpper(s)
}

// trim is Java's: it takes off control characters and spaces, and no other white
// space.
func trim(s string) string { return strings.TrimFunc(s, func(r rune) bool { return r <= ' ' }) }

// blank is Java's: nothing but separators and white space that is not no-break.
func blank(s string) bool {
	return strings.TrimFunc(s, func(r rune) bool {
		switch r {
		case '\u00a0', '\u2007', '\u202f':
			return false
		}
		return unicode.Is(unicode.Z, r) || r >= '\t' && r <= '\r' || r >= 0x1c && r <= 0x1f
	}) == ""
}
