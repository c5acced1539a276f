package tokenize

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/comity-prl/comity/internal/calendar"
)

// dateText is a date taken apart: three parts as they stand, of which a missing one
// is 0, and what else the text tells.
type dateText struct {
	parts    [3]datePart
	n        int  // parts that are there
	point    bool // a full stop ends the first part
	calendar calendar.Calendar
	about    bool // the text says that it is not exact
}

// datePart is a number, or a month by name.
type datePart struct {
	value   int  // 0: not known
	digits  int  // 0: a month by name
	unknown bool // XX, which is not 00 where a year has two digits
}

// maxDigits is enough for a year, month and day without separators.
const maxDigits = 8

// scanDate takes apart 1978-01-25, 1978-01-25T00:00:00Z, 1978/1/25, 25.01.1978,
// 25 Jan 1978, January 25th, 1978, 25 de enero de 1978, 01.1978, 1978, 19780125,
// 1957 to 1958 and their like, with unknown parts as 00, XX, << or ??, months by
// name, and eras.
func scanDate(s string, r *Reading) (d dateText, ok bool) {
	d.calendar = r.calendar()
	s = withoutTime(s)
	var words []string
	var number string
	for s != "" {
		number, s = cutWhile(s, isDateDigit)
		if number != "" {
			if !d.words(words) || !d.number(number, r.Order) {
				return d, false
			}
			words = words[:0]
			d.point = d.point || d.n == 1 && strings.HasPrefix(s, ".")
			continue
		}
		var word string
		if word, s = cutWhile(s, isWordRune); word != "" {
			words = append(words, fold(word))
			continue
		}
		separator, size := utf8.DecodeRuneInString(s)
		if !strings.ContainsRune("-./ ,،'’ºª()", separator) {
			return d, false
		}
		s = s[size:]
	}
	return d, d.words(words) && d.n > 0
}

// withoutTime leaves out a time of day that follows.
func withoutTime(s string) string {
	hour := strings.IndexByte(s, ':')
	for n := 0; hour > 0 && n < 2 && s[hour-1] >= '0' && s[hour-1] <= '9'; n++ {
		hour--
	}
	if hour > 0 && (s[hour-1] == ' ' || s[hour-1] == 'T' || s[hour-1] == 't') {
		return s[:hour-1]
	}
	return s
}

func cutWhile(s string, is func(rune) bool) (head, rest string) {
	if end := strings.IndexFunc(s, func(r rune) bool { return !is(r) }); end >= 0 {
		return s[:end], s[end:]
	}
	return s, ""
}

// unknownMarks stand for digits that are not known; < is that of ICAO Doc 9303.
const unknownMarks = "Xx<?*"

func isDateDigit(r rune) bool { return r >= '0' && r <= '9' || strings.ContainsRune(unknownMarks, r) }

func isWordRune(r rune) bool {
	return (unicode.IsLetter(r) || unicode.Is(unicode.M, r)) && r != 'X' && r != 'x' && r != 'º' && r != 'ª'
}

// number adds digits, of which unknown ones count as 0: one part, or all of them
// where there are no separators.
func (d *dateText) number(s string, order DateOrder) bool {
	if len(s) > maxDigits {
		return false
	}
	switch {
	case d.n == 0 && len(s) == 8:
		if !d.compact(s, order) {
			return false
		}
		if order == DayFirst || order == MonthFirst {
			// A date with the year first in a column of others is known by its being none
			// with the year last.
			if _, reason := d.yearLast(order); reason != "" {
				return d.compact(s, YearFirst)
			}
		}
		return true
	case d.n == 0 && len(s) == 6 && order != "":
		return d.cut(s, 2, 2, 2)
	case len(s) > 4 || len(s) == 3 || d.n == 3:
		return false
	}
	p := datePart{digits: len(s), unknown: strings.ContainsAny(s, unknownMarks)}
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			p.value = p.value*10 + int(c-'0')
		default:
			p.value *= 10
		}
	}
	if p.unknown && p.value != 0 {
		return false // 19XX
	}
	d.parts[d.n] = p
	d.n++
	return true
}

// compact adds a year of four digits, a month and a day without separators.
func (d *dateText) compact(s string, order DateOrder) bool {
	d.n = 0
	if order == DayFirst || order == MonthFirst {
		return d.cut(s, 2, 2, 4)
	}
	return d.cut(s, 4, 2, 2)
}

func (d *dateText) cut(s string, sizes ...int) bool {
	for _, size := range sizes {
		if !d.number(s[:size], "") {
			return false
		}
		s = s[size:]
	}
	return true
}

// words adds the words between two numbers: a month in one language or two, an era,
// or little words of no account.
func (d *dateText) words(words []string) bool {
	var rest []string
	for _, w := range words {
		era, ok := eras[w]
		switch {
		case ok && d.n > 0:
			d.calendar = era
		case aboutWords[w]:
			d.about = true
		case !dateParticles[w]:
			rest = append(rest, w)
		}
	}
	if len(rest) == 0 {
		return true
	}
	names := monthNames()
	month, ok := names[strings.Join(rest, "")]
	if !ok {
		month, ok = names[rest[0]]
		for _, w := range rest {
			ok = ok && names[w] == month
		}
	}
	if !ok || d.n == 3 {
		return false
	}
	if month.calendar != calendar.Gregorian && d.calendar == calendar.Gregorian || month.calendar == calendar.Persian {
		d.calendar = month.calendar
	}
	d.parts[d.n] = datePart{value: month.number}
	d.n++
	return true
}

// lastCentury is the last two-digit year of which 20yy is a reading: no one is born
// later yet.
const lastCentury = 39

// read makes a field of the parts.
func (d *dateText) read(order DateOrder) (Field, string) {
	one, two, three := d.parts[0], d.parts[1], d.parts[2]
	switch {
	case d.n == 1 && one.digits == 4:
		return date(d.calendar, one.value, 0, 0)
	case d.n == 2 && one.digits == 4 && two.digits <= 2:
		return date(d.calendar, one.value, two.value, 0)
	case d.n == 2 && two.digits == 4 && one.digits <= 2:
		return date(d.calendar, two.value, one.value, 0)
	case d.n == 2 && one.digits == 4 && two.digits == 4:
		return d.yearRange()
	case d.n < 3:
		return Field{}, notADate
	case one.digits == 4:
		return date(d.calendar, one.value, two.value, three.value)
	case three.digits == 4 && one.digits == 0: // January 25, 1978
		return date(d.calendar, three.value, one.value, two.value)
	case three.digits == 4 && two.digits == 0: // 25 January 1978
		return date(d.calendar, three.value, two.value, one.value)
	case three.digits == 4:
		return d.yearLast(order)
	case order == "" || d.calendar != calendar.Gregorian:
		return Field{}, notADate
	}
	return d.shortYear(order)
}

// maxRange is how many years a date can be between, and still be of use.
const maxRange = 5

// yearRange reads 1957 to 1958: one of these years.
func (d *dateText) yearRange() (Field, string) {
	from, to := d.parts[0].value, d.parts[1].value
	f, reason := date(d.calendar, from, 0, 0)
	if from == 0 || to <= from || to-from >= maxRange {
		return Field{}, notADate
	}
	for y := from + 1; y <= to && reason == ""; y++ {
		var next Field
		next, reason = date(d.calendar, y, 0, 0)
		for _, v := range append([]string{next.Value}, next.Variants...) {
			if v != f.Value && !slices.Contains(f.Variants, v) {
				f.Variants = append(f.Variants, v)
			}
		}
	}
	if reason != "" {
		return Field{}, reason
	}
	f.Flags |= Ambiguous
	return f, ""
}

// yearLast reads two numbers and a year.
func (d *dateText) yearLast(order DateOrder) (Field, string) {
	one, two, y := d.parts[0].value, d.parts[1].value, d.parts[2].value
	if order == MonthFirst {
		one, two = two, one
	}
	f, reason := date(d.calendar, y, two, one)
	other, reasonToo := date(d.calendar, y, one, two)
	if reason != "" && reasonToo == "" && !(d.point && order == "") {
		if order == DayFirst || order == MonthFirst {
			other.Flags |= Doubtful // the order is not as agreed
		}
		return other, ""
	}
	settled := order == DayFirst || order == MonthFirst || d.point
	if !settled && reason == "" && reasonToo == "" && other.Value != f.Value && other.Precision == f.Precision {
		f.Variants = append(f.Variants, other.Value)
		f.Flags |= Ambiguous
	}
	return f, reason
}

// shortYear reads a year of two digits by the order that is agreed. Of 12 it is not
// known whether 1912 or 2012 is meant.
func (d *dateText) shortYear(order DateOrder) (Field, string) {
	one, two, three := d.parts[0], d.parts[1], d.parts[2]
	y, m, day := three, two, one
	switch {
	case order == YearFirst:
		y, day = one, three
	case order == MonthFirst && two.digits != 0 || one.digits == 0:
		m, day = one, two
	}
	if y.digits != 2 || day.digits == 0 {
		return Field{}, notADate
	}
	if y.unknown {
		return date(calendar.Gregorian, 0, m.value, day.value)
	}
	old, reason := date(calendar.Gregorian, 1900+y.value, m.value, day.value)
	if y.value > lastCentury {
		return old, reason
	}
	f, reasonToo := date(calendar.Gregorian, 2000+y.value, m.value, day.value)
	if reasonToo != "" {
		return old, reason
	}
	if reason == "" {
		f.Variants = []string{old.Value}
		f.Flags |= Ambiguous
	}
	return f, ""
}
