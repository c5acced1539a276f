package tokenize

import (
	"fmt"
	"slices"
	"strings"

	"github.com/comity-prl/comity/internal/checkdigit"
)

// MRZ is what the machine-readable zone of a travel document says (ICAO Doc 9303
// parts 3 to 7). Its values are made for the fields of a record: names for kind
// name, Issuer + ":" + Number for passport, Nationality for country, and dates for
// date.
type MRZ struct {
	Format      string // TD1, TD2, TD3, MRV-A or MRV-B
	Code        string // of the document, such as "P" or "ID"
	Issuer      string // as it stands, but for Germany, which is "DEU"
	FamilyName  string
	GivenNames  string
	Truncated   bool // the names fill their field, so that perhaps some are cut off
	Number      string
	Nationality string // like Issuer
	BirthDate   string // such as 1978-01-25, with X for what is not known; no later than ExpiryDate
	Sex         string // F, M or ""
	ExpiryDate  string // from 1970 to 2069
	Optional    []string
	// BadChecks are the parts whose check digits say that they were misread: "number",
	// "birth date", "expiry date", "optional data" or "composite". Their values stay.
	BadChecks []string
}

// MRZError says why a text is no machine-readable zone. It never holds the text.
type MRZError struct {
	Line, Column int // from 1; 0: not of one place
	Reason       string
}

func (e *MRZError) Error() string {
	if e.Line == 0 {
		return "tokenize: machine-readable zone: " + e.Reason
	}
	return fmt.Sprintf("tokenize: machine-readable zone: line %d, column %d: %s", e.Line, e.Column, e.Reason)
}

// at is a part of the lines: its line, and the columns from and to.
type at struct{ line, from, to int }

// layout says where the parts of a format are. A check digit is behind its part.
type layout struct {
	format                                         string
	lines, width                                   int
	visa                                           bool
	names, number, nationality, birth, sex, expiry at
	optional                                       []at
	checkedOptional                                bool
	composite                                      []at // whole parts, with their check digits
	compositeDigit                                 at
}

// layouts are those of parts 4 to 7: 5, 4.2.2; 6, 4.2.2; 4, 4.2.2; 7, 4.2.2 and 5.2.2.
var layouts = []layout{
	{format: "TD1", lines: 3, width: 30, names: at{2, 0, 30}, number: at{0, 5, 14}, nationality: at{1, 15, 18},
		birth: at{1, 0, 6}, sex: at{1, 7, 8}, expiry: at{1, 8, 14}, optional: []at{{0, 15, 30}, {1, 18, 29}},
		composite: []at{{0, 5, 30}, {1, 0, 7}, {1, 8, 15}, {1, 18, 29}}, compositeDigit: at{1, 29, 30}},
	{format: "TD2", lines: 2, width: 36, names: at{0, 5, 36}, number: at{1, 0, 9}, nationality: at{1, 10, 13},
		birth: at{1, 13, 19}, sex: at{1, 20, 21}, expiry: at{1, 21, 27}, optional: []at{{1, 28, 35}},
		composite: []at{{1, 0, 10}, {1, 13, 20}, {1, 21, 35}}, compositeDigit: at{1, 35, 36}},
	{format: "TD3", lines: 2, width: 44, names: at{0, 5, 44}, number: at{1, 0, 9}, nationality: at{1, 10, 13},
		birth: at{1, 13, 19}, sex: at{1, 20, 21}, expiry: at{1, 21, 27}, optional: []at{{1, 28, 42}}, checkedOptional: true,
		composite: []at{{1, 0, 10}, {1, 13, 20}, {1, 21, 43}}, compositeDigit: at{1, 43, 44}},
	{format: "MRV-A", lines: 2, width: 44, visa: true, names: at{0, 5, 44}, number: at{1, 0, 9}, nationality: at{1, 10, 13},
		birth: at{1, 13, 19}, sex: at{1, 20, 21}, expiry: at{1, 21, 27}, optional: []at{{1, 28, 44}}},
	{format: "MRV-B", lines: 2, width: 36, visa: true, names: at{0, 5, 36}, number: at{1, 0, 9}, nationality: at{1, 10, 13},
		birth: at{1, 13, 19}, sex: at{1, 20, 21}, expiry: at{1, 21, 27}, optional: []at{{1, 28, 36}}},
}

// zone is the lines of a text, in capitals.
type zone []string

func (z zone) part(p at) string { return z[p.line][p.from:p.to] }

// checks reports whether the check digit behind a part is right.
func (z zone) checks(p at) bool { return checkdigit.MRZ(z.part(p)) == z[p.line][p.to] }

// ParseMRZ reads a machine-readable zone: two or three lines, or all of them in one.
// Errors are *MRZError.
func ParseMRZ(text string) (*MRZ, error) {
	z, l, err := zoneOf(text)
	if err != nil {
		return nil, err
	}
	m := &MRZ{
		Format:      l.format,
		Code:        unfilled(z[0][:2]),
		Issuer:      mrzCountry(z[0][2:5]),
		Nationality: mrzCountry(z.part(l.nationality)),
		Sex:         unfilled(z.part(l.sex)),
		ExpiryDate:  mrzExpiry(z.part(l.expiry)),
	}
	m.BirthDate = mrzBirth(z.part(l.birth), m.ExpiryDate)
	names := z.part(l.names)
	family, given, _ := strings.Cut(names, "<<")
	m.FamilyName, m.GivenNames = unfilled(family), unfilled(given)
	m.Truncated = !strings.HasSuffix(names, "<")
	for _, p := range l.optional {
		m.Optional = append(m.Optional, z.part(p))
	}
	numberIsGood := m.number(z, l)
	for i, o := range m.Optional {
		m.Optional[i] = unfilled(o)
	}
	for _, check := range []struct {
		part string
		good bool
	}{
		{"number", numberIsGood},
		{"birth date", z.checks(l.birth)},
		{"expiry date", z.checks(l.expiry)},
		{"optional data", !l.checkedOptional || z.checks(l.optional[0]) || m.Optional[0] == "" && z[1][l.optional[0].to] == '<'},
		{"composite", l.composite == nil || z.composite(l)},
	} {
		if !check.good {
			m.BadChecks = append(m.BadChecks, check.part)
		}
	}
	return m, nil
}

// number reads the number of the document, and reports whether its check digit is
// right. One of more than nine characters goes on in the optional data, with the
// check digit behind it and a filler in the digit's place (part 5, section 4.2.2,
// note j).
func (m *MRZ) number(z zone, l *layout) bool {
	m.Number = unfilled(z.part(l.number))
	if z[l.number.line][l.number.to] != '<' || l.format == "TD3" || l.visa {
		return z.checks(l.number)
	}
	rest, optional, _ := strings.Cut(m.Optional[0], "<")
	if len(rest) < 2 {
		return z.checks(l.number)
	}
	whole := z.part(l.number) + rest[:len(rest)-1]
	m.Number, m.Optional[0] = unfilled(whole), optional
	return checkdigit.MRZ(whole) == rest[len(rest)-1]
}

func (z zone) composite(l *layout) bool {
	var all strings.Builder
	for _, p := range l.composite {
		all.WriteString(z.part(p))
	}
	return string(checkdigit.MRZ(all.String())) == z.part(l.compositeDigit)
}

// maxZone is longer than any zone with spaces and ends of lines.
const maxZone = 256

// zoneOf parts a text into lines and finds its layout.
func zoneOf(text string) (zone, *layout, error) {
	if len(text) > maxZone {
		return nil, nil, &MRZError{Reason: "too long"}
	}
	z := zone(strings.Fields(strings.ToUpper(text)))
	if len(z) == 1 {
		z = cutZone(z[0])
	}
	for i, line := range z {
		for j := range len(line) {
			if checkdigit.MRZ(line[j:j+1]) == 0xff {
				return nil, nil, &MRZError{i + 1, j + 1, "not a letter, digit or filler"}
			}
		}
	}
	i := slices.IndexFunc(layouts, func(l layout) bool {
		return len(z) == l.lines && !slices.ContainsFunc(z, func(line string) bool { return len(line) != l.width }) && l.visa == (z[0][0] == 'V')
	})
	if i < 0 {
		return nil, nil, &MRZError{Reason: "not two lines of 36 or 44 characters, or three of 30"}
	}
	return z, &layouts[i], nil
}

// cutZone parts lines that stand behind each other.
func cutZone(s string) zone {
	for _, l := range layouts {
		if len(s) == l.lines*l.width {
			var z zone
			for i := range l.lines {
				z = append(z, s[i*l.width:(i+1)*l.width])
			}
			return z
		}
	}
	return zone{s}
}

// unfilled writes spaces for fillers.
func unfilled(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == '<' }), " ")
}

// mrzCountry reads a code of part 3, section 5, where Germany has one letter.
func mrzCountry(s string) string {
	if s = unfilled(s); s == "D" {
		return "DEU"
	}
	return s
}

// mrzExpiry reads YYMMDD of a document, none of which expired before 1970.
func mrzExpiry(s string) string {
	if s[:2] < "70" || s[0] == '<' {
		return mrzDate("20", s)
	}
	return mrzDate("19", s)
}

// mrzBirth reads YYMMDD of a holder: the last such day that is not after the
// document's expiry, so that a person of more than a hundred years is taken for a
// child.
func mrzBirth(s, expiry string) string {
	latest := mrzDate("20", s)
	if expiry[0] == 'X' {
		expiry = fmt.Sprintf("20%d-12-31", lastCentury)
	}
	if latest <= expiry {
		return latest
	}
	return mrzDate("19", s)
}

func mrzDate(century, s string) string {
	if s[:2] == "<<" {
		century = "XX"
	}
	return strings.ReplaceAll(century+s[:2]+"-"+s[2:4]+"-"+s[4:], "<", "X")
}
