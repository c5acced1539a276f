package clkhash

import (
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/comity-prl/comity/internal/memo"
)

// directive is what each directive of Python's strptime matches in the C locale
// and UTC (docs.python.org/3.11/library/datetime). The first alternative that
// fits counts, so that their order does. N stands for a digit of any script.
var directive = map[rune]string{
	'A': `wednesday|thursday|saturday|tuesday|monday|friday|sunday`,
	'B': `september|february|november|december|january|october|august|march|april|june|july|may`,
	'G': `NNNN`,
	'H': `2[0-3]|[0-1]N|N`,
	'I': `1[0-2]|0[1-9]|[1-9]`,
	'M': `[0-5]N|N`,
	'S': `6[0-1]|[0-5]N|N`,
	'U': `5[0-3]|[0-4]N|N`,
	'V': `5[0-3]|0[1-9]|[1-4]N|N`,
	'W': `5[0-3]|[0-4]N|N`,
	'Y': `NNNN`,
	'Z': `utc|gmt`,
	'a': `mon|tue|wed|thu|fri|sat|sun`,
	'b': `jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec`,
	'd': `3[0-1]|[1-2]N|0[1-9]|[1-9]| [1-9]`,
	'f': `[0-9]{1,6}`,
	'j': `36[0-6]|3[0-5]N|[1-2]NN|0[1-9]N|00[1-9]|[1-9]N|0[1-9]|[1-9]`,
	'm': `1[0-2]|0[1-9]|[1-9]`,
	'p': `am|pm`,
	'u': `[1-7]`,
	'w': `[0-6]`,
	'y': `NN`,
	'z': `[+-]NN:?[0-5]N(?::?[0-5]N(?:\.N{1,6})?)?|(?-i:\x5a)`,
}

// composite directives stand for others.
var composite = map[rune]string{'c': "%a %b %d %H:%M:%S %Y", 'x': "%m/%d/%y", 'X': "%H:%M:%S"}

// date reads a date by a format and writes it as year, month and day. The year has
// no leading zeros: those that the peer's C library writes are none.
type date struct {
	*regexp.Regexp
	known *memo.Memo[string] // dates come again
}

func dateOf(v value) date {
	rest := v.text("")
	var out strings.Builder
	out.WriteString("(?i)^")
	seen := make(map[rune]bool)
	for rest != "" {
		r, n := utf8.DecodeRuneInString(rest)
		rest = rest[n:]
		switch {
		case isSpace(r):
			rest = strings.TrimLeftFunc(rest, isSpace)
			out.WriteString("[" + spaceClass + "]+")
		case r != '%':
			out.WriteString(regexp.QuoteMeta(string(r)))
		default:
			r, n := utf8.DecodeRuneInString(rest)
			rest = rest[n:]
			switch {
			case r == '%':
				out.WriteByte('%')
			case composite[r] != "":
				rest = composite[r] + rest
			case directive[r] == "":
				v.fail("a directive that is not known")
			case seen[r]:
				v.fail("%%%c comes twice", r)
			default:
				seen[r] = true
				fmt.Fprintf(&out, "(?P<%c>%s)", r, strings.ReplaceAll(directive[r], "N", `\p{Nd}`))
			}
		}
	}
	re, err := regexp.Compile(out.String())
	if err != nil {
		v.fail("%v", err)
	}
	return date{re, memo.New[string](memoBits)}
}

func isSpace(r rune) bool { return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f }

func (d date) canonical(value string) (string, string) {
	if written, ok := d.known.Get([]byte(value)); ok {
		return written, ""
	}
	m := d.FindStringSubmatch(value)
	if m == nil || len(m[0]) != len(value) {
		return "", "not a date of this format"
	}
	p := moment{year: none, isoYear: none, isoWeek: none, week: none, weekday: none, yearDay: none, month: 1, day: 1}
	for i, name := range d.SubexpNames() {
		if name != "" && !p.read(name[0], m[i]) {
			return "", "not a date"
		}
	}
	t, ok := p.date()
	if !ok {
		return "", "not a date"
	}
	written := fmt.Sprintf("%d%02d%02d", t.Year(), t.Month(), t.Day())
	d.known.Put([]byte(value), written)
	return written, ""
}

const none = -1 << 31

// moment is what a value says of a date.
type moment struct {
	year, month, day       int
	isoYear, isoWeek       int
	week, weekday, yearDay int // weekday from Monday, 0
	weekFromMonday         bool
}

func (p *moment) read(name byte, s string) bool {
	switch name {
	case 'Y':
		p.year = number(s)
	case 'y': // POSIX: 69 to 99 are of the last century
		p.year = 1900 + number(s)
		if p.year < 1969 {
			p.year += 100
		}
	case 'G':
		p.isoYear = number(s)
	case 'V':
		p.isoWeek = number(s)
	case 'm':
		p.month = number(s)
	case 'B', 'b':
		p.month = place("---janfebmaraprmayjunjulaugsepoctnovdec", s)
		return p.month > 0
	case 'd':
		p.day = number(strings.TrimLeft(s, " "))
	case 'A', 'a':
		p.weekday = place("---montuewedthufrisatsun", s) - 1
		return p.weekday >= 0
	case 'w':
		p.weekday = (number(s) + 6) % 7
	case 'u':
		p.weekday = number(s) - 1
	case 'j':
		p.yearDay = number(s)
	case 'U', 'W':
		p.week, p.weekFromMonday = number(s), name == 'W'
	case 'S':
		return number(s) < 60 // the format allows leap seconds, the date does not
	case 'z':
		return isOffset(s)
	}
	return true
}

func number(s string) int {
	n := 0
	for _, r := range s {
		n = 10*n + int(digit(r))
	}
	return n
}

// place returns which of the names of three letters s begins with; 0 if with none,
// which the ſ that the pattern takes for an s can bring about.
func place(names, s string) int { return max(0, strings.Index(names, strings.ToLower(s)[:3])/3) }

// isOffset says whether an offset from UTC, which has the syntax, is consistent in
// its colons and less than a day.
func isOffset(s string) bool {
	r := []rune(s)
	if len(r) < 5 { // Z
		return true
	}
	hours := number(string(r[1:3]))
	colon := r[3] == ':'
	if colon {
		r = append(r[:3], r[4:]...)
	}
	if len(r) > 5 && colon != (r[5] == ':') {
		return false
	}
	return hours < 24
}

// date works the date out as strptime does: the day of the year, and the week with
// a day of the week, go before month and day.
func (p *moment) date() (time.Time, bool) {
	switch {
	case p.year == none && p.isoYear != none:
		if p.isoWeek == none || p.weekday == none || p.yearDay != none {
			return time.Time{}, false
		}
	case p.week == none && p.isoWeek != none:
		return time.Time{}, false
	}
	leap := p.year == none && p.month == 2 && p.day == 29
	if leap {
		p.year = 1904
	} else if p.year == none {
		p.year = 1900
	}
	if p.yearDay == none && p.weekday != none {
		switch {
		case p.week != none:
			p.fromWeek()
		case p.isoYear != none && p.isoWeek != none:
			if !p.fromISOWeek() {
				return time.Time{}, false
			}
		}
		if p.yearDay != none && p.yearDay <= 0 {
			p.year--
			p.yearDay += yearLength(p.year)
		}
	}
	if p.year < 1 || p.year > 9999 {
		return time.Time{}, false
	}
	month, day := p.month, p.day
	if p.yearDay != none {
		month, day = 1, p.yearDay
	}
	t := time.Date(p.year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	if p.yearDay == none && t.Day() != day || t.Year() > 9999 {
		return time.Time{}, false
	}
	if leap { // a year that the value does not have is always 1900 in the end
		month, day = int(t.Month()), t.Day()
		t = time.Date(1900, time.Month(month), day, 0, 0, 0, 0, time.UTC)
		return t, t.Day() == day
	}
	return t, true
}

func weekdayOf(year, month, day int) int {
	return (int(time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC).Weekday()) + 6) % 7
}

func yearLength(year int) int { return time.Date(year, 12, 31, 0, 0, 0, 0, time.UTC).YearDay() }

// fromWeek sets the day of the year from the week, counted from the first Sunday
// or Monday on, and the day of the week.
func (p *moment) fromWeek() {
	first, day := weekdayOf(p.year, 1, 1), p.weekday
	if !p.weekFromMonday {
		first, day = (first+1)%7, (day+1)%7
	}
	if p.week == 0 {
		p.yearDay = 1 + day - first
		return
	}
	p.yearDay = 1 + (7-first)%7 + 7*(p.week-1) + day
}

// fromISOWeek sets year and day of the year from the week of ISO 8601.
func (p *moment) fromISOWeek() bool {
	year := p.isoYear
	if year < 1 {
		return false
	}
	ordinal := 7*p.isoWeek + p.weekday + 1 - (weekdayOf(year, 1, 4) + 4)
	if ordinal < 1 {
		year--
		if year < 1 {
			return false
		}
		ordinal += yearLength(year)
	}
	p.year, p.yearDay = year, ordinal
	return true
}
