package tokenize

import (
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// Years outside these bounds are taken for mistakes or stand-ins.
const (
	minYear = 1800
	maxYear = 2199
)

// Written forms of dates. Zeros for day, or day and month, say that they are not
// known, as in passports.
var (
	dateYearFirst = regexp.MustCompile(`^(\d{4})[-./ ](\d{1,2})(?:[-./ ](\d{1,2}))?(?:[T ]\d{2}:\d{2}.*)?$`)
	dateYearLast  = regexp.MustCompile(`^(?:(\d{1,2})([-./ ]))?(\d{1,2})[-./ ](\d{4})$`)
	dateCompact   = regexp.MustCompile(`^(\d{4})(\d{2})(\d{2})$`)
	dateYear      = regexp.MustCompile(`^\d{4}$`)
)

const notADate = "not a date in a form that is known"

// normaliseDate reads 1978-01-25, 1978/1/25, 19780125, 25.01.1978, 25/1/1978, with
// the day missing or 00 1978-01 and 01.1978, and 1978. With a full stop the day
// comes first. With a slash, hyphen or space, 03/04/1990 can be read in two ways:
// the canonical form puts the day first, as most of the world does, and the other
// reading is a variant.
func normaliseDate(raw string) (Field, string) {
	s := plain(raw)
	if s == "" {
		return Field{}, ""
	}
	if dateYear.MatchString(s) {
		return date(number(s), 0, 0)
	}
	for _, form := range []*regexp.Regexp{dateCompact, dateYearFirst} {
		if m := form.FindStringSubmatch(s); m != nil {
			return date(number(m[1]), number(m[2]), number(m[3]))
		}
	}
	m := dateYearLast.FindStringSubmatch(s)
	if m == nil {
		return Field{}, notADate
	}
	y, second, one := number(m[4]), number(m[3]), number(m[1])
	dayFirst, reason := date(y, second, one)
	if m[1] == "" || m[2] == "." {
		return dayFirst, reason
	}
	monthFirst, other := date(y, one, second)
	switch {
	case reason != "" || one == 0 && second == 0:
		return monthFirst, other
	case other == "" && monthFirst.Value != dayFirst.Value && dayFirst.Precision == monthFirst.Precision:
		dayFirst.Variants = []string{monthFirst.Value}
		dayFirst.Flags = Ambiguous
	}
	return dayFirst, ""
}

// number reads a few ASCII digits; none are 0.
func number(digits string) int {
	n, _ := strconv.Atoi(digits) // the forms let nothing else through
	return n
}

// date makes a field of a year, month and day, of which month or day may be 0 for
// unknown.
func date(y, m, d int) (Field, string) {
	switch {
	case y < minYear || y > maxYear:
		return Field{}, fmt.Sprintf("a date outside the years %d to %d", minYear, maxYear)
	case m == 0 && d == 0:
		return Field{Value: fmt.Sprintf("%04d", y), Precision: PrecisionYear}, ""
	case m < 1 || m > 12:
		return Field{}, "a date without such a month"
	case d == 0:
		return Field{Value: fmt.Sprintf("%04d-%02d", y, m), Precision: PrecisionMonth}, ""
	}
	if t := time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC); t.Day() != d {
		return Field{}, "a date without such a day"
	}
	return Field{Value: fmt.Sprintf("%04d-%02d-%02d", y, m, d), Precision: PrecisionDay}, ""
}
