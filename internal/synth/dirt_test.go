package synth

import (
	"math"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// fold removes what Format may change: case, also of Turkish i, and marks.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case ' ', '-', '\'':
			return -1
		case 'ı', 'İ', 'I':
			return 'i'
		}
		return unicode.ToLower(r)
	}, s)
}

// without is true if leaving one rune of long out, case aside, gives short.
func without(long, short string) bool {
	l, s := []rune(strings.ToLower(long)), strings.ToLower(short)
	for i := range l {
		if string(slices.Concat(l[:i], l[i+1:])) == s {
			return true
		}
	}
	return false
}

// respelt is true if one application of a rule turns a into b.
func respelt(a, b string, rules []sound, lower func(string) string) bool {
	a, b = lower(a), lower(b)
	for _, rule := range rules {
		for _, way := range [][2]string{{string(rule.a), string(rule.b)}, {string(rule.b), string(rule.a)}} {
			for i := range a {
				if way[0] != "" && strings.HasPrefix(a[i:], way[0]) && a[:i]+way[1]+a[i+len(way[0]):] == b {
					return true
				}
			}
		}
	}
	return false
}

func sameRunes(a, b string) bool {
	x, y := []rune(fold(a)), []rune(fold(b))
	slices.Sort(x)
	slices.Sort(y)
	return slices.Equal(x, y)
}

// differences counts the places at which two texts of one length differ, -1 for others.
func differences(a, b string) int {
	x, y := []rune(a), []rune(b)
	if len(x) != len(y) {
		return -1
	}
	n := 0
	for i := range x {
		if x[i] != y[i] {
			n++
		}
	}
	return n
}

// holds says whether a field that was before and is after shows the kind.
func holds(k Kind, c *country, p, q *Person, field int) bool {
	before, after := *p.fields()[field], *q.fields()[field]
	onlyIn := func(fields ...int) bool { return slices.Contains(fields, field) }
	text := onlyIn(givenName, familyName, street, streetNumber, postcode, city, phone, email)
	lower := func(s string) string { return string(mapRunes([]rune(s), c.lower)) }
	switch k {
	case Typo:
		return text && differences(before, after) == 1
	case Insertion:
		return text && without(after, before)
	case Deletion:
		return text && without(before, after)
	case Transposition:
		return text && differences(before, after) > 0 && sameRunes(before, after)
	case Sound:
		return onlyIn(givenName, familyName, street, city) && respelt(before, after, c.sounds, lower)
	case OCR:
		return text && respelt(before, after, shapes, func(s string) string { return s })
	case Accents:
		return text && before != after && (after == dropAccents(before) || after == dropAccents(transliterate(before)))
	case Format:
		return text && fold(before) == fold(after)
	case Nickname:
		return field == givenName && slices.Contains(c.nicknames[before], after)
	case Initial:
		return field == givenName && strings.HasPrefix(before, strings.TrimSuffix(after, ".")) && len([]rune(strings.TrimSuffix(after, "."))) == 1
	case PartDropped:
		return onlyIn(givenName, familyName) && after != "" && len(after) < len(before) &&
			(strings.HasPrefix(before, after) || strings.HasSuffix(before, after))
	case NamesSwapped:
		return q.GivenName == p.FamilyName && q.FamilyName == p.GivenName
	case DayMonthSwapped:
		return after == before[:5]+before[8:]+"-"+before[5:7]
	case DateDigit:
		return field == birthDate && valid(after) && differences(before, after) == 1
	case YearOff:
		gap := birthYear(p) - birthYear(q)
		return before[4:] == after[4:] && (gap == 1 || gap == -1 || gap == 10 || gap == -10)
	case DateDefault:
		return before[:4] == after[:4] && (after[5:] == "01-01" || after[5:] == before[5:8]+"01")
	case SexWrong:
		return before+after == "FM" || before+after == "MF"
	case Missing:
		return after == ""
	case ContactChanged:
		return field == phone && strings.HasPrefix(after, c.dial) || field == email && strings.Contains(after, "@")
	case SurnameChanged:
		return field == familyName && after != ""
	case Moved:
		return onlyIn(street, streetNumber, postcode, city, phone) && after != ""
	}
	return false
}

// TestTruth makes many copies as dirty as they get and checks each against what
// its errors say, field by field.
func TestTruth(t *testing.T) {
	var seen [numKinds]int
	g := generator(t, 10, &Options{Dirt: 3, Changed: 0.4})
	for range 40_000 {
		p := g.Person()
		q, errs := g.Dirty(p)
		named := map[string]bool{}
		for _, e := range errs {
			field := slices.Index(Fields, e.Field)
			if field < 0 || named[e.Field] {
				t.Fatalf("field %q named wrongly or twice", e.Field)
			}
			named[e.Field] = true
			seen[e.Kind]++
			if !holds(e.Kind, world().byCode[p.Country], &p, &q, field) {
				t.Errorf("%s of %s made %q of %q", e.Kind, e.Field, *q.fields()[field], *p.fields()[field])
			}
		}
		for i, v := range q.Values() {
			if (v != p.Values()[i]) != named[Fields[i]] {
				t.Errorf("%s: %q became %q, errors %v", Fields[i], p.Values()[i], v, errs)
			}
		}
		if q.GivenName == "" && !slices.Contains(errs, Error{"given_name", Missing}) ||
			q.FamilyName == "" && !slices.Contains(errs, Error{"family_name", Missing}) {
			t.Errorf("a name vanished: %v", errs)
		}
	}
	for k, n := range seen {
		if n < 100 {
			t.Errorf("%s occurs %d times", Kind(k), n)
		}
	}
}

// clerical counts the errors drawn, of which one swap of names names two fields.
func clerical(errs []Error) float64 {
	n := 0.0
	for _, e := range errs {
		switch e.Kind {
		case Moved, SurnameChanged:
		case NamesSwapped:
			n += 0.5
		default:
			n++
		}
	}
	return n
}

func TestRates(t *testing.T) {
	const n = 20_000
	for _, tc := range []struct {
		name                   string
		o                      *Options
		low, high              float64 // errors a copy
		changedLow, changedTop float64 // copies with a change of life
	}{
		{"default", nil, DefaultDirt * 0.98, DefaultDirt * 1.02, DefaultChanged - 0.015, DefaultChanged + 0.015},
		{"none", &Options{Dirt: -1, Changed: -1}, 0, 0, 0, 0},
		{"changes only", &Options{Dirt: -1, Changed: 1}, 0, 0, 0.98, 1},
		{"half an error", &Options{Dirt: 0.5, Changed: -1}, 0.48, 0.52, 0, 0},
		{"dirtiest", &Options{Dirt: MaxErrors, Changed: -1}, MaxErrors - 0.05, MaxErrors, 0, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g := generator(t, 11, tc.o)
			var errors, most, changed, untouched float64
			for range n {
				p := g.Person()
				q, errs := g.Dirty(p)
				errors += clerical(errs)
				most = math.Max(most, clerical(errs))
				if slices.ContainsFunc(errs, func(e Error) bool { return e.Kind == Moved || e.Kind == SurnameChanged }) {
					changed++
				}
				if p.GivenName == q.GivenName && p.FamilyName == q.FamilyName && p.BirthDate == q.BirthDate {
					untouched++
				}
			}
			between(t, "clerical errors a copy", errors/n, tc.low, tc.high)
			between(t, "most clerical errors", most, 0, MaxErrors)
			between(t, "copies with a change of life", changed/n, tc.changedLow, tc.changedTop)
			if tc.o == nil {
				between(t, "copies with name and birth date untouched", untouched/n, 0.30, 0.40)
			}
		})
	}
}

func TestUnknownCountry(t *testing.T) {
	g := generator(t, 12, &Options{Changed: 1})
	for _, p := range []Person{{}, {GivenName: "A", Country: "ZZ"}, {BirthDate: "not a date", FamilyName: "-", Sex: "?"}} {
		for range 2000 {
			q, errs := g.Dirty(p)
			if q.Country != p.Country {
				t.Fatalf("country %q became %q", p.Country, q.Country)
			}
			for i, v := range q.Values() {
				named := slices.ContainsFunc(errs, func(e Error) bool { return e.Field == Fields[i] })
				if (v != p.Values()[i]) != named {
					t.Fatalf("%s: %q became %q, errors %v", Fields[i], p.Values()[i], v, errs)
				}
			}
		}
	}
}

func TestKindNames(t *testing.T) {
	names := map[string]bool{}
	for k := range numKinds {
		if names[k.String()] || k.String() == "" {
			t.Errorf("kind %d is named %q", k, k)
		}
		names[k.String()] = true
	}
	if got := numKinds.String(); got != "kind 21" {
		t.Errorf("unknown kind is named %q", got)
	}
}
