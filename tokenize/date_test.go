package tokenize

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comity-prl/comity/internal/calendar"
)

func day25() Field { return Field{Value: "1978-01-25", Precision: PrecisionDay} }

func TestDateForms(t *testing.T) {
	converted := func(value string, p Precision, variants ...string) Field {
		f := Field{Value: value, Precision: p, Variants: variants, Flags: Converted}
		if variants != nil {
			f.Flags |= Ambiguous
		}
		return f
	}
	inMonth := Field{Value: "1978-01", Precision: PrecisionMonth}
	inYear := Field{Value: "1978", Precision: PrecisionYear}
	for _, tt := range []struct {
		raw     string
		reading Reading
		want    Field
	}{
		{"1978 01 25", Reading{}, day25()},
		{"1978-01-25 00:00", Reading{}, day25()},
		{"25.01.1978 12:30:00", Reading{}, day25()},
		{"1/25/1978 0:00", Reading{}, day25()},
		{"25/01/1978 12:00:00 AM", Reading{}, day25()},
		{"circa 1978", Reading{}, Field{Value: "1978", Precision: PrecisionYear, Flags: Doubtful}},
		{"1957 to 1958", Reading{}, Field{Value: "1957", Variants: []string{"1958"}, Precision: PrecisionYear, Flags: Ambiguous}},
		{"between 1957 and 1959", Reading{}, Field{Value: "1957", Variants: []string{"1958", "1959"}, Precision: PrecisionYear, Flags: Ambiguous}},
		{"1356-1357", Reading{Calendar: CalendarPersian}, converted("1977", PrecisionYear, "1978", "1979")},
		{"ca. 25 Jan 1978", Reading{}, Field{Value: "1978-01-25", Precision: PrecisionDay, Flags: Doubtful}},
		{"25 January 1978", Reading{}, day25()},
		{"January 25, 1978", Reading{}, day25()},
		{"Jan. 25th, 1978", Reading{}, day25()},
		{"25JAN1978", Reading{}, day25()},
		{"25-Jan-1978", Reading{}, day25()},
		{"25 JAN/JANV 1978", Reading{}, day25()},
		{"25. Jänner 1978", Reading{}, day25()},
		{"25 de enero de 1978", Reading{}, day25()},
		{"25 janvier 1978", Reading{}, day25()},
		{"25 января 1978 года", Reading{}, day25()},
		{"25 січня 1978", Reading{}, day25()},
		{"25 Ocak 1978", Reading{}, day25()},
		{"٢٥ يناير ١٩٧٨", Reading{}, day25()},
		{"25 كانون الثاني 1978", Reading{}, day25()},
		{"1978年1月25日", Reading{}, day25()},
		{"1978년 1월 25일", Reading{}, day25()},
		{"1978 Jan 25", Reading{}, day25()},
		{"1er janvier 1978", Reading{}, Field{Value: "1978-01-01", Precision: PrecisionDay, Flags: Doubtful}},
		{"January 1978", Reading{}, inMonth},
		{"XX.01.1978", Reading{}, inMonth},
		{"1978-01-XX", Reading{}, inMonth},
		{"197801<<", Reading{}, inMonth},
		{"1978<<<<", Reading{}, inYear},
		{"??/??/1978", Reading{}, inYear},
		{"1978-XX-XX", Reading{}, inYear},
		{"XX.XX.XXXX", Reading{}, Field{}},
		{"<<<<<<", Reading{Order: YearFirst}, Field{}},
		{"0000-00-00", Reading{}, Field{}},
		{"unbekannt", Reading{}, Field{}},

		{"03/04/1990", Reading{Order: DayFirst}, Field{Value: "1990-04-03", Precision: PrecisionDay}},
		{"03/04/1990", Reading{Order: MonthFirst}, Field{Value: "1990-03-04", Precision: PrecisionDay}},
		{"03.04.1990", Reading{Order: MonthFirst}, Field{Value: "1990-03-04", Precision: PrecisionDay}},
		{"03/04/1990", Reading{Order: YearFirst}, Field{Value: "1990-04-03", Variants: []string{"1990-03-04"}, Precision: PrecisionDay, Flags: Ambiguous}},
		{"01/25/1978", Reading{Order: DayFirst}, Field{Value: "1978-01-25", Precision: PrecisionDay, Flags: Doubtful}},
		{"25/01/1978", Reading{Order: MonthFirst}, Field{Value: "1978-01-25", Precision: PrecisionDay, Flags: Doubtful}},
		{"25011978", Reading{Order: DayFirst}, day25()},
		{"01251978", Reading{Order: MonthFirst}, day25()},
		{"19780125", Reading{Order: DayFirst}, day25()},
		{"20111225", Reading{Order: DayFirst}, Field{Value: "2011-12-25", Precision: PrecisionDay}},
		{"25.01.78", Reading{Order: DayFirst}, day25()},
		{"1/25/78", Reading{Order: MonthFirst}, day25()},
		{"780125", Reading{Order: YearFirst}, day25()},
		{"25 JAN 78", Reading{Order: DayFirst}, day25()},
		{"Jan 25, 78", Reading{Order: DayFirst}, day25()},
		{"7801<<", Reading{Order: YearFirst}, inMonth},
		{"78<<<<", Reading{Order: YearFirst}, inYear},
		{"120125", Reading{Order: YearFirst}, Field{Value: "2012-01-25", Variants: []string{"1912-01-25"}, Precision: PrecisionDay, Flags: Ambiguous}},
		{"000229", Reading{Order: YearFirst}, Field{Value: "2000-02-29", Precision: PrecisionDay}}, // 1900 had none

		{"16.02.1398", Reading{Calendar: CalendarHijri}, converted("1978-01-25", PrecisionDay)},
		{"1398-02-15", Reading{Calendar: CalendarHijriCivil}, converted("1978-01-25", PrecisionDay)},
		{"16 Safar 1398", Reading{}, converted("1978-01-25", PrecisionDay)},
		{"١٦ صفر ١٣٩٨ هـ", Reading{}, converted("1978-01-25", PrecisionDay)},
		{"16 Dhu al-Hijjah 1398", Reading{}, converted("1978-11-17", PrecisionDay)},
		{"15/02/1398 AH", Reading{Calendar: CalendarHijriCivil, Order: DayFirst}, converted("1978-01-24", PrecisionDay)}, // an era says more than the reading
		{"1398", Reading{Calendar: CalendarHijri}, converted("1977", PrecisionYear, "1978")},
		{"02.1398", Reading{Calendar: CalendarHijri}, converted("1978-01", PrecisionMonth, "1978-02")},
		{"25.01.1978", Reading{Calendar: CalendarHijri}, day25()},
		{"1356/11/05", Reading{Calendar: CalendarPersian}, converted("1978-01-25", PrecisionDay)},
		{"5 Bahman 1356", Reading{}, converted("1978-01-25", PrecisionDay)},
		{"۵ بهمن ۱۳۵۶", Reading{}, converted("1978-01-25", PrecisionDay)},
		{"1356", Reading{Calendar: CalendarPersian}, converted("1977", PrecisionYear, "1978")},
		{"25/01/2521", Reading{Calendar: CalendarBuddhist, Order: DayFirst}, converted("1978-01-25", PrecisionDay)},
		{"25/01/2521 BE", Reading{Order: DayFirst}, converted("1978-01-25", PrecisionDay)},
		{"2521", Reading{Calendar: CalendarBuddhist}, converted("1978", PrecisionYear)},
		{"05/02/2480", Reading{Calendar: CalendarBuddhist, Order: DayFirst}, converted("1937-02-05", PrecisionDay, "1938-02-05")},
		{"05/05/2480", Reading{Calendar: CalendarBuddhist, Order: DayFirst}, converted("1937-05-05", PrecisionDay)},
	} {
		t.Run(tt.raw+" "+string(tt.reading.Order)+string(tt.reading.Calendar), func(t *testing.T) {
			got, reason := Date.read(tt.raw, &tt.reading)
			if reason != "" {
				t.Fatal(reason)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("field (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDateRefused(t *testing.T) {
	for _, tt := range []struct {
		raw     string
		reading Reading
		want    string
		flags   Flags
	}{
		{"25.01.78", Reading{}, notADate, 0},
		{"780125", Reading{}, notADate, 0},
		{"19XX", Reading{}, notADate, 0},
		{"197X-01-01", Reading{}, notADate, 0},
		{"25 January", Reading{}, notADate, 0},
		{"1957 to 1977", Reading{}, notADate, 0},
		{"1958-1957", Reading{}, notADate, 0},
		{"1356-1357", Reading{}, noSuchYear, 0},
		{"5 Smarch 1978", Reading{}, notADate, 0},
		{"5 January February 1978", Reading{}, notADate, 0},
		{"1-2-3-1978", Reading{}, notADate, 0},
		{"XX.05.XXXX", Reading{}, noYear, 0},
		{"<<0125", Reading{Order: YearFirst}, noYear, 0},
		{"30 Feb 2000", Reading{}, noSuchDay, Impossible},
		{"29.02.1900", Reading{Order: DayFirst}, noSuchDay, Impossible},
		{"31/31/1978", Reading{}, "a date without such a month", Impossible},
		{"30.01.1398", Reading{Calendar: CalendarHijri}, noSuchDay, Impossible},
		{"1404-12-30", Reading{Calendar: CalendarPersian}, noSuchDay, Impossible},
		{"1299-01-01", Reading{Calendar: CalendarHijri}, noSuchYear, Impossible},
		{"1356-01-01", Reading{}, noSuchYear, Impossible},
	} {
		got, reason := Date.read(tt.raw, &tt.reading)
		if diff := cmp.Diff(Field{Flags: tt.flags}, got); diff != "" || reason != tt.want {
			t.Errorf("%s: %q, want %q (-want +got):\n%s", tt.raw, reason, tt.want, diff)
		}
	}
}

// One name does not stand for two months, nor for an era or a particle.
func TestMonthNames(t *testing.T) {
	seen := make(map[string]month)
	for c, lists := range monthsOf {
		for _, list := range lists {
			months := strings.Split(list, ",")
			if len(months) != 12 {
				t.Errorf("%d months in the list of %q", len(months), months[0])
			}
			for i, spellings := range months {
				for name := range strings.FieldsSeq(spellings) {
					folded := strings.ReplaceAll(fold(name), " ", "")
					if other, taken := seen[folded]; taken && other != (month{c, i + 1}) {
						t.Errorf("%q is month %d and %d", name, other.number, i+1)
					}
					if _, era := eras[folded]; era || dateParticles[folded] || aboutWords[folded] {
						t.Errorf("%q is more than a month", name)
					}
					seen[folded] = month{c, i + 1}
				}
			}
		}
	}
	if diff := cmp.Diff(seen, monthNames(), cmp.AllowUnexported(month{})); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
}

func TestCandidates(t *testing.T) {
	for value, want := range map[string][]Candidate{
		"1990-04-03": {{"1990-03-04", DayMonthSwapped}, {"1990-04-02", DayBefore}, {"1990-04-04", DayAfter}},
		"2000-02-29": {{"2000-02-28", DayBefore}, {"2000-03-01", DayAfter}},
		"1999-12-31": {{"1999-12-30", DayBefore}, {"2000-01-01", DayAfter}},
		"1990-05-05": {{"1990-05-04", DayBefore}, {"1990-05-06", DayAfter}},
		"1990-05":    nil,
		"1990":       nil,
		"":           nil,
	} {
		f, _ := Date.read(value, &Reading{})
		if diff := cmp.Diff(want, f.Candidates()); diff != "" {
			t.Errorf("%q (-want +got):\n%s", value, diff)
		}
	}
	if (&Field{Value: "muller"}).Candidates() != nil {
		t.Error("a name has candidates")
	}
	for s, want := range map[Slip]string{DayMonthSwapped: "day and month swapped", DayBefore: "the day before", DayAfter: "the day after", 9: "slip(9)"} {
		if s.String() != want {
			t.Errorf("%v, want %s", s, want)
		}
	}
}

// Two days share an option of "near" if they are no more than one apart, and of
// "swap" if they are the same or swapped.
func TestWeakParts(t *testing.T) {
	share := func(part, a, b string) bool {
		p := mustPart(t, part)
		x, _ := Date.read(a, &Reading{})
		y, _ := Date.read(b, &Reading{})
		for _, o := range p.options(nil, &x) {
			for _, q := range p.options(nil, &y) {
				if o == q {
					return true
				}
			}
		}
		return false
	}
	for _, tt := range []struct {
		a, b       string
		near, swap bool
	}{
		{"1990-04-03", "1990-04-03", true, true},
		{"1990-04-03", "1990-04-04", true, false},
		{"1990-04-03", "1990-04-02", true, false},
		{"1990-04-03", "1990-04-05", false, false},
		{"1990-04-03", "1990-03-04", false, true},
		{"1999-12-31", "2000-01-01", true, false},
		{"1990-04-25", "1990-04-25", true, true},
		{"1990-04-25", "1990-04-24", true, false},
		{"1990-04", "1990-04", false, false},
		{"03/04/1990", "1990-03-05", true, false},
		{"1990", "1990", false, false},
		{"", "", false, false},
	} {
		if got := share("d/near", tt.a, tt.b); got != tt.near {
			t.Errorf("near: %s and %s: %v", tt.a, tt.b, got)
		}
		if got := share("d/swap", tt.a, tt.b); got != tt.swap {
			t.Errorf("swap: %s and %s: %v", tt.a, tt.b, got)
		}
	}
}

func TestReadingFaults(t *testing.T) {
	for name, text := range map[string]string{
		"unknown order":        `{"birth": {"order": "dym"}}`,
		"unknown calendar":     `{"birth": {"calendar": "mayan"}}`,
		"unknown field":        `{"death": {"order": "dmy"}}`,
		"unknown key":          `{"birth": {"format": "dmy"}}`,
		"order of a name":      `{"name": {"order": "dmy"}}`,
		"region of a date":     `{"birth": {"region": "DE"}}`,
		"region in small":      `{"tel": {"region": "de"}}`,
		"region of old":        `{"tel": {"region": "UK"}}`,
		"region of three":      `{"tel": {"region": "DEU"}}`,
		"region of the world":  `{"tel": {"region": "001"}}`,
		"calendar of a number": `{"tel": {"calendar": "hijri"}}`,
	} {
		_, err := ParseSchema([]byte(`{"fields": [{"name": "birth", "kind": "date"}, {"name": "name", "kind": "name"}, {"name": "tel", "kind": "phone"}], "readings": ` + text + `}`))
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	s, err := ParseSchema([]byte(`{"fields": [{"name": "birth", "kind": "date"}], "readings": {"birth": {"order": "mdy", "calendar": "hijri"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := s.Readings["birth"], (Reading{Order: MonthFirst, Calendar: CalendarHijri}); got != want {
		t.Errorf("%v, want %v", got, want)
	}
}

// What a side's own readings make the same is the same token, and its configuration
// too.
func TestReadingsAreLocal(t *testing.T) {
	fields := []FieldSpec{{"family", Name}, {"birth", Date}}
	one := tokenizer(t, &Schema{Fields: fields, Readings: map[string]Reading{"birth": {Order: MonthFirst}}}, rules(t, "family birth"))
	two := tokenizer(t, &Schema{Fields: fields, Readings: map[string]Reading{"birth": {Calendar: CalendarBuddhist}}}, rules(t, "family birth"))
	if one.Hash() != two.Hash() {
		t.Error("readings are part of the configuration")
	}
	a, b := entries(t, one, Record{"Li", "01/02/1978"}), entries(t, two, Record{"LI", "02.01.2521"})
	if len(a) != 1 || len(b) != 1 || a[0].Token != b[0].Token {
		t.Errorf("%d and %d tokens, not one that is the same", len(a), len(b))
	}
}

func BenchmarkDate(b *testing.B) {
	for _, raw := range []string{"1978-01-25", "25.01.1978", "25 January 1978", "16 Safar 1398"} {
		b.Run(raw, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Date.read(raw, &Reading{})
			}
		})
	}
}

func TestCalendarsAreCovered(t *testing.T) {
	seen := make(map[calendar.Calendar]bool)
	for _, c := range calendars {
		seen[c] = true
	}
	if len(seen) != len(calendars) {
		t.Error("two calendars have one meaning")
	}
}
