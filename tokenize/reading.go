package tokenize

import "golang.org/x/text/language"

// Reading says how the values of a field are written. The zero Reading leaves it to
// the values.
type Reading struct {
	// Order is that of day, month and year in dates.
	Order DateOrder `json:"order,omitempty"`
	// Calendar is that of dates; Gregorian ones are known by their year and are read
	// nevertheless.
	Calendar Calendar `json:"calendar,omitempty"`
	// Region is the ISO 3166-1 alpha-2 code of the country that is meant where a
	// telephone number, plate, passport or national number names none.
	Region string `json:"region,omitempty"`
}

// DateOrder is the order of day, month and year. "" is that a full stop stands
// behind a day, and that both orders are possible otherwise.
type DateOrder string

// Orders. With one, years may have two digits and dates no separators.
const (
	DayFirst   DateOrder = "dmy"
	MonthFirst DateOrder = "mdy"
	YearFirst  DateOrder = "ymd"
)

// Calendar is one in which dates are written. "" is the Gregorian.
type Calendar string

// Calendars.
const (
	// CalendarHijri is the Islamic calendar of Umm al-Qura, years 1300 to 1600.
	CalendarHijri Calendar = "hijri"
	// CalendarHijriCivil is the arithmetic Islamic calendar.
	CalendarHijriCivil Calendar = "hijri-civil"
	// CalendarPersian is that of Iran, years 1179 to 1500.
	CalendarPersian Calendar = "persian"
	// CalendarBuddhist is that of Thailand.
	CalendarBuddhist Calendar = "buddhist"
)

// Reading returns what of r a field of the kind can have.
func (k Kind) Reading(r Reading) Reading {
	if k != Date {
		r.Order, r.Calendar = "", ""
	}
	if !k.known() || !kinds[k].regional {
		r.Region = ""
	}
	return r
}

// fault says what is wrong with a reading of a kind of field, or "".
func (r Reading) fault(k Kind) string {
	switch r.Order {
	case "", DayFirst, MonthFirst, YearFirst:
	default:
		return "has an order that is not dmy, mdy or ymd"
	}
	if _, known := calendars[r.Calendar]; !known {
		return "has a calendar that is not hijri, hijri-civil, persian or buddhist"
	}
	if (r.Order != "" || r.Calendar != "") && k != Date {
		return "has an order or a calendar, and is of no date"
	}
	if r.Region == "" {
		return ""
	}
	if region, err := language.ParseRegion(r.Region); err != nil || region.Canonicalize().String() != r.Region || !region.IsCountry() {
		return "has a region that is not two letters of ISO 3166-1, in capitals"
	}
	if !kinds[k].regional {
		return "has a region, which values of its kind do not need"
	}
	return ""
}
