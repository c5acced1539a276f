package tokenize

import (
	"fmt"

	"github.com/comity-prl/comity/internal/calendar"
)

// Years outside these bounds are taken for mistakes or stand-ins.
const (
	minYear = 1800
	maxYear = 2199
)

const (
	notADate   = "not a date in a form that is known"
	noYear     = "a date without a year"
	noSuchDay  = "a date without such a day"
	noSuchYear = "a date outside the years 1800 to 2199"
)

// normaliseDate reads days, months and years, unknown parts of which are 0, X, < or
// ?, in the forms of dateform.go. The canonical form is Gregorian.
//
// With a full stop the day comes first. With a slash, hyphen or space, 03/04/1990
// can be read in two ways unless the reading has an order: the canonical form puts
// the day first, as most of the world does, and the other reading is a variant.
func normaliseDate(raw string, r *Reading) (Field, string) {
	if canonicalDay(raw) {
		if d := parsed(raw); d.Year >= minYear && d.Year <= maxYear && calendar.Gregorian.Has(d) {
			return day(raw, d.Month, d.Day), ""
		}
	}
	s := plain(raw)
	if s == "" {
		return Field{}, ""
	}
	d, ok := scanDate(s, r)
	switch {
	case ok:
		f, reason := d.read(r.Order)
		if d.about && f.Value != "" {
			f.Flags |= Doubtful
		}
		return f, reason
	case placeholder(folded(s)) == "":
		return Field{}, ""
	}
	return Field{}, notADate
}

// canonicalDay reports whether s has the form 1978-01-25.
func canonicalDay(s string) bool {
	if len(s) != 10 {
		return false
	}
	for i := range len(s) {
		if hyphen := i == 4 || i == 7; hyphen && s[i] != '-' || !hyphen && (s[i] < '0' || s[i] > '9') {
			return false
		}
	}
	return true
}

func twoDigits(s string) int { return int(s[0]-'0')*10 + int(s[1]-'0') }

// calendar returns the calendar in which dates are written.
func (r *Reading) calendar() calendar.Calendar { return calendars[r.Calendar] }

var calendars = map[Calendar]calendar.Calendar{
	"":                 calendar.Gregorian,
	CalendarHijri:      calendar.UmmAlQura,
	CalendarHijriCivil: calendar.Tabular,
	CalendarPersian:    calendar.Persian,
	CalendarBuddhist:   calendar.Buddhist,
}

// date makes a field of a year, month and day, of which month or day may be 0 for
// unknown. A year from 1800 to 2199 is Gregorian whatever the calendar says: no
// other has such years.
func date(c calendar.Calendar, y, m, d int) (Field, string) {
	if y >= minYear && y <= maxYear {
		c = calendar.Gregorian
	}
	switch {
	case y == 0 && m == 0 && d == 0:
		return Field{}, ""
	case y == 0:
		return Field{}, noYear
	case !c.Covers(y) || c == calendar.Gregorian && (y < minYear || y > maxYear):
		return Field{Flags: Impossible}, noSuchYear
	case m == 0 && d == 0:
		return span(c, calendar.Date{Year: y, Month: 1, Day: 1}, calendar.Date{Year: y, Month: 12, Day: c.Days(y, 12)}, PrecisionYear), ""
	case c.Days(y, m) == 0:
		return Field{Flags: Impossible}, "a date without such a month"
	case d == 0:
		return span(c, calendar.Date{Year: y, Month: m, Day: 1}, calendar.Date{Year: y, Month: m, Day: c.Days(y, m)}, PrecisionMonth), ""
	case !c.Has(calendar.Date{Year: y, Month: m, Day: d}):
		return Field{Flags: Impossible}, noSuchDay
	}
	if c == calendar.Gregorian {
		return day(written(calendar.Date{Year: y, Month: m, Day: d}), m, d), ""
	}
	f := span(c, calendar.Date{Year: y, Month: m, Day: d}, calendar.Date{Year: y, Month: m, Day: d}, PrecisionDay)
	f.Flags |= day("", m, d).Flags
	return f, ""
}

// day makes a field of a day in canonical form. The first day of a year is what
// clerks write where they know the year alone.
func day(value string, m, d int) Field {
	f := Field{Value: value, Precision: PrecisionDay}
	if m == 1 && d == 1 {
		f.Flags = Doubtful
	}
	return f
}

// lastOldThaiYear is the last Buddhist year that began in April, so that its
// January to March belong to the Gregorian year after.
const lastOldThaiYear = 2482

// span makes a field of the days from one to another: those of a year, a month or
// a day. A year of another calendar touches two Gregorian ones, and either may be
// meant.
func span(c calendar.Calendar, from, to calendar.Date, p Precision) Field {
	size := [...]int{PrecisionYear: 4, PrecisionMonth: 7, PrecisionDay: 10}[p]
	f := Field{Value: written(c.Gregorian(from))[:size], Precision: p}
	if c == calendar.Gregorian {
		return f
	}
	f.Flags = Converted
	last := written(c.Gregorian(to))[:size]
	if c == calendar.Buddhist && from.Year <= lastOldThaiYear && from.Month <= 3 {
		// Records that were brought to the new count later keep the plain difference.
		if g := c.Gregorian(to); calendar.Gregorian.Has(calendar.Date{Year: g.Year + 1, Month: g.Month, Day: g.Day}) {
			last = written(calendar.Date{Year: g.Year + 1, Month: g.Month, Day: g.Day})[:size]
		}
	}
	if last != f.Value {
		f.Variants = []string{last}
		f.Flags |= Ambiguous
	}
	return f
}

// written returns a day in the form 1978-01-25.
func written(d calendar.Date) string {
	digits := func(n int) (byte, byte) { return byte('0' + n/10%10), byte('0' + n%10) }
	b := [10]byte{4: '-', 7: '-'}
	b[0], b[1] = digits(d.Year / 100)
	b[2], b[3] = digits(d.Year)
	b[5], b[6] = digits(d.Month)
	b[8], b[9] = digits(d.Day)
	return string(b[:])
}

// Slip is a common mistake in a date.
type Slip uint8

// Slips.
const (
	DayMonthSwapped Slip = 1 + iota // 4 March for 3 April
	DayBefore                       // the day before is meant, as after a conversion of calendars
	DayAfter                        // the day after is meant
)

func (s Slip) String() string {
	switch s {
	case DayMonthSwapped:
		return "day and month swapped"
	case DayBefore:
		return "the day before"
	case DayAfter:
		return "the day after"
	}
	return fmt.Sprintf("slip(%d)", uint8(s))
}

// Candidate is another date that was perhaps meant: weak evidence, which the parts
// "swap" and "near" of a rule use.
type Candidate struct {
	Value string // in canonical form
	Slip  Slip
}

// Candidates returns the dates that a date of day precision may stand for after
// one slip. Other fields have none.
func (f *Field) Candidates() []Candidate {
	if f.Precision != PrecisionDay {
		return nil
	}
	d := parsed(f.Value)
	var out []Candidate
	if swapped := (calendar.Date{Year: d.Year, Month: d.Day, Day: d.Month}); swapped != d && calendar.Gregorian.Has(swapped) {
		out = append(out, Candidate{written(swapped), DayMonthSwapped})
	}
	return append(out,
		Candidate{written(calendar.AddDays(d, -1)), DayBefore},
		Candidate{written(calendar.AddDays(d, 1)), DayAfter})
}

// parsed reads a day in canonical form.
func parsed(value string) calendar.Date {
	return calendar.Date{Year: twoDigits(value)*100 + twoDigits(value[2:]), Month: twoDigits(value[5:]), Day: twoDigits(value[8:])}
}

// unswapped returns one form for a day and for that with day and month swapped: the
// smaller number is the month.
func unswapped(value string) string {
	d := parsed(value)
	if d.Day < d.Month {
		d.Day, d.Month = d.Month, d.Day
	}
	return written(d)
}

// nextDay returns the day after one in canonical form.
func nextDay(value string) string { return written(calendar.AddDays(parsed(value), 1)) }
