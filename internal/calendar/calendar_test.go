package calendar

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"testing"
	"time"
)

// Every day from 12 November 1882 to the end of 2099 is what ICU 78.2 says it is:
// the hashes are of lines "1882-11-12 1300 1 1" that a script made of
// Intl.DateTimeFormat.
func TestEveryDay(t *testing.T) {
	for _, tt := range []struct {
		name     string
		calendar Calendar
		first    Date // in the calendar
		want     string
	}{
		{"umm al-qura", UmmAlQura, Date{1300, 1, 1}, "3bea722cd9a6c7e1a4082bb6977531d29af09b8f5adf49c6869f5723db45b9e8"},
		{"tabular", Tabular, Date{1300, 1, 1}, "b98c60ee7489146e0c515c4b6ce0e8d658f939fe6ed440b7961b8a4d06fbdf85"},
		{"persian", Persian, Date{1261, 8, 21}, "c14ddfdc838359a13b0e8a62e9da9d9d7379125a5e5687f2b0efa55ab270d795"},
		{"buddhist", Buddhist, Date{2425, 11, 12}, "e4bf8f37d069bc15a2bc0be68ce77abc5f4beab1e9f1760ebe7706fae14c7fb6"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := sha256.New()
			for d := tt.first; ; {
				g := tt.calendar.Gregorian(d)
				if g.Year == 2100 {
					break
				}
				fmt.Fprintf(h, "%04d-%02d-%02d %d %d %d\n", g.Year, g.Month, g.Day, d.Year, d.Month, d.Day)
				d.Day++
				if !tt.calendar.Has(d) {
					d = Date{d.Year, d.Month + 1, 1}
				}
				if !tt.calendar.Has(d) {
					d = Date{d.Year + 1, 1, 1}
				}
			}
			if got := hex.EncodeToString(h.Sum(nil)); got != tt.want {
				t.Errorf("the days have the hash %s, want %s", got, tt.want)
			}
		})
	}
}

func TestGregorianDays(t *testing.T) {
	for day := time.Date(1799, 12, 31, 0, 0, 0, 0, time.UTC); day.Year() < 2201; day = day.AddDate(0, 0, 1) {
		next := day.AddDate(0, 0, 1)
		got := AddDays(Date{day.Year(), int(day.Month()), day.Day()}, 1)
		if want := (Date{next.Year(), int(next.Month()), next.Day()}); got != want {
			t.Fatalf("the day after %v is %v", day, got)
		}
		if !Gregorian.Has(got) {
			t.Fatalf("%v is no date", got)
		}
	}
}

func TestHas(t *testing.T) {
	for _, tt := range []struct {
		c    Calendar
		d    Date
		want bool
	}{
		{Gregorian, Date{2000, 2, 29}, true},
		{Gregorian, Date{1900, 2, 29}, false},
		{Gregorian, Date{2024, 2, 29}, true},
		{Gregorian, Date{1978, 13, 1}, false},
		{Gregorian, Date{1978, 0, 1}, false},
		{Gregorian, Date{1978, 1, 0}, false},
		{UmmAlQura, Date{1300, 1, 30}, true},
		{UmmAlQura, Date{1300, 2, 30}, false},
		{UmmAlQura, Date{1600, 12, 29}, true},
		{UmmAlQura, Date{1299, 12, 1}, false},
		{UmmAlQura, Date{1601, 1, 1}, false},
		{Tabular, Date{1445, 12, 30}, true},
		{Tabular, Date{1446, 12, 30}, false},
		{Tabular, Date{1446, 1, 31}, false},
		{Persian, Date{1403, 12, 30}, true},
		{Persian, Date{1404, 12, 30}, false},
		{Persian, Date{1404, 7, 31}, false},
		{Persian, Date{1501, 1, 1}, false},
		{Buddhist, Date{2543, 2, 29}, true},
		{Buddhist, Date{2544, 2, 29}, false},
	} {
		if got := tt.c.Has(tt.d); got != tt.want {
			t.Errorf("calendar %d, %v: %v", tt.c, tt.d, got)
		}
	}
}

// The years do not overlap those of 1800 to 2199, so that a Gregorian date is
// known for one in a column of another calendar.
func TestYearsAreApart(t *testing.T) {
	for _, c := range []Calendar{UmmAlQura, Tabular, Persian, Buddhist} {
		if y := years[c]; y.last >= 1800 && y.first <= 2199 {
			t.Errorf("calendar %d has the years %v", c, y)
		}
		if g := c.Gregorian(Date{years[c].first, 1, 1}); g.Year < 1800 {
			t.Errorf("calendar %d begins in %v", c, g)
		}
	}
}

func BenchmarkGregorian(b *testing.B) {
	for c, d := range map[Calendar]Date{UmmAlQura: {1446, 12, 29}, Persian: {1403, 12, 30}} {
		b.Run(fmt.Sprint(c), func(b *testing.B) {
			for b.Loop() {
				c.Gregorian(d)
			}
		})
	}
}
