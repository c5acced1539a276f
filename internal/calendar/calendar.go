// Package calendar brings dates of the Islamic, Persian and Buddhist calendars to
// the Gregorian.
//
// Two Islamic calendars are told apart. UmmAlQura is that of Saudi Arabia and its
// neighbours, from a table of months. Tabular is the arithmetic one of eleven leap
// years in thirty, of which the first day is Friday, 16 July 622 (Julian); it may
// differ by a day or two from what was seen in the sky.
package calendar

import (
	"math/bits"
	"sync"
)

// Calendar is a way to count days.
type Calendar uint8

// Calendars.
const (
	Gregorian Calendar = iota
	UmmAlQura
	Tabular
	Persian
	Buddhist
)

// Date is a year, month and day of one of the calendars.
type Date struct{ Year, Month, Day int }

// years are the first and the last that a calendar covers: such as begin in or
// after 1800 and for which its rule is known to be right.
var years = [...]struct{ first, last int }{
	Gregorian: {1, 9999},
	UmmAlQura: {firstUmmAlQura, firstUmmAlQura + len(ummAlQura) - 1},
	Tabular:   {1215, 1600},
	Persian:   {1179, 1500},
	Buddhist:  {1800 + buddhistEra, 2199 + buddhistEra},
}

// buddhistEra is what Thailand adds to a Gregorian year.
const buddhistEra = 543

// Covers reports whether the calendar has a year.
func (c Calendar) Covers(year int) bool {
	return year >= years[c].first && year <= years[c].last
}

// Days returns the number of days of a month, or 0 if there is no such month.
func (c Calendar) Days(year, month int) int {
	if !c.Covers(year) || month < 1 || month > 12 {
		return 0
	}
	switch c {
	case UmmAlQura:
		return 29 + int(ummAlQura[year-firstUmmAlQura]>>(month-1)&1)
	case Tabular:
		if month%2 == 1 || month == 12 && tabularLeap(year) {
			return 30
		}
		return 29
	case Persian:
		switch {
		case month <= 6:
			return 31
		case month <= 11 || persianLeap(year):
			return 30
		}
		return 29
	case Buddhist:
		year -= buddhistEra
	}
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// Has reports whether the calendar has a date.
func (c Calendar) Has(d Date) bool { return d.Day >= 1 && d.Day <= c.Days(d.Year, d.Month) }

// Gregorian returns the Gregorian date of the same day. The calendar must have d.
func (c Calendar) Gregorian(d Date) Date {
	switch c {
	case Gregorian:
		return d
	case Buddhist:
		return Date{d.Year - buddhistEra, d.Month, d.Day}
	}
	return civil(c.newYear(d.Year) + c.daysBefore(d) + d.Day - 1)
}

// AddDays returns the Gregorian date n days after a Gregorian date.
func AddDays(d Date, n int) Date { return civil(number(d) + n) }

// newYear returns the number of a year's first day, where 1 January 1970 has 0.
func (c Calendar) newYear(year int) int {
	switch c {
	case UmmAlQura:
		return ummAlQuraYears()[year-firstUmmAlQura]
	case Tabular:
		return tabularEpoch + (year-1)*354 + (11*year+3)/30
	}
	return persianEpoch + (year-1)*365 + (8*year+21)/33
}

var ummAlQuraYears = sync.OnceValue(func() []int {
	days := []int{ummAlQuraEpoch}
	for i, long := range ummAlQura {
		days = append(days, days[i]+12*29+bits.OnesCount16(long))
	}
	return days
})

func (c Calendar) daysBefore(d Date) int {
	n := 0
	for m := 1; m < d.Month; m++ {
		n += c.Days(d.Year, m)
	}
	return n
}

const (
	tabularEpoch = -492148 // 1 Muharram 1
	persianEpoch = -492268 // 1 Farvardin 1
)

// tabularLeap is the distribution of leap years that Reingold and Dershowitz,
// Calendrical Calculations, chapter 7, give as the most common.
func tabularLeap(year int) bool { return (11*year+14)%30 < 11 }

// persianLeap is the cycle of 33 years. It gives the years of the law, which asks
// for the equinox in Tehran, from 1178 to 1501: so says the table of ICU 78.
func persianLeap(year int) bool { return (25*year+11)%33 < 8 }

// number returns how many days after 1 January 1970 a Gregorian date is, and civil
// the date of a number, in the way of H. Hinnant, "chrono-compatible low-level date
// algorithms": years begin in March, and 400 of them have 146097 days.
func number(d Date) int {
	y, m := d.Year, d.Month-3
	if m < 0 {
		y, m = y-1, m+12
	}
	return y*365 + y/4 - y/100 + y/400 + (153*m+2)/5 + d.Day - 1 - 719468
}

func civil(number int) Date {
	n := number + 719468
	era := n / 146097
	day := n % 146097
	y := (day - day/1460 + day/36524 - day/146096) / 365
	day -= 365*y + y/4 - y/100
	m := (5*day + 2) / 153
	d := Date{era*400 + y, m + 3, day - (153*m+2)/5 + 1}
	if d.Month > 12 {
		d.Year, d.Month = d.Year+1, d.Month-12
	}
	return d
}
