package synth

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// outcomes draws often enough that every outcome of a rule that applies to a
// short text shows, and returns them sorted.
func outcomes(t *testing.T, draw func(g *Generator) string) []string {
	t.Helper()
	g, seen := generator(t, 13, nil), map[string]bool{}
	for range 2000 {
		seen[draw(g)] = true
	}
	var l []string
	for s := range seen {
		l = append(l, s)
	}
	slices.Sort(l)
	return l
}

// TestEdits lists all that each edit can make of a text; "" means that it does
// not apply.
func TestEdits(t *testing.T) {
	type edit = func(*Generator, *country, []rune) []rune
	for _, tc := range []struct {
		name    string
		edit    edit
		country string
		in      string
		want    []string
	}{
		{"typo qwerty", (*Generator).typo, "GB", "Q", []string{"A", "W"}},
		{"typo qwertz", (*Generator).typo, "DE", "z", []string{"g", "h", "t", "u"}},
		{"typo azerty", (*Generator).typo, "FR", "A", []string{"Q", "Z"}},
		{"typo Turkish", (*Generator).typo, "TR", "ı", []string{"j", "k", "o", "u"}},
		{"typo digit", (*Generator).typo, "US", "1", []string{"2"}},
		{"typo no such key", (*Generator).typo, "GB", "é", []string{""}},
		{"typo nothing", (*Generator).typo, "GB", "", []string{""}},
		{"insertion", (*Generator).insertion, "GB", "Q", []string{"Qa", "Qq", "Qw"}},
		{"deletion", (*Generator).deletion, "GB", "Abc", []string{"Ab", "Ac", "Bc"}},
		{"deletion of all", (*Generator).deletion, "GB", "A", []string{""}},
		{"transposition", (*Generator).transposition, "GB", "Abc", []string{"Acb", "Bac"}},
		{"transposition too short", (*Generator).transposition, "GB", "A", []string{""}},
		{"transposition Turkish case", (*Generator).transposition, "TR", "Ali", []string{"Ail", "Lai"}},
		{"sound", (*Generator).soundAlike, "DE", "Pheo", []string{"Feo", "Phäo"}},
		{"sound back", (*Generator).soundAlike, "DE", "Fo", []string{"Ffo", "Pho", "Vo"}},
		{"sound ck", (*Generator).soundAlike, "GB", "ock", []string{"occ", "ok", "okk"}},
		{"sound mute", (*Generator).soundAlike, "ES", "Hado", []string{"Ado"}},
		{"sound none", (*Generator).soundAlike, "DE", "üb", []string{""}},
		{"ocr", (*Generator).misread, "GB", "born", []string{"bom", "horn"}},
		{"ocr digits", (*Generator).misread, "GB", "50", []string{"5D", "5O", "S0"}},
		{"ocr none", (*Generator).misread, "GB", "ax", []string{""}},
		{"accents", (*Generator).withoutAccents, "DE", "Jürgen Strauß", []string{"Juergen Strauss", "Jurgen Strauss"}},
		{"accents Polish", (*Generator).withoutAccents, "PL", "Łącki", []string{"Lacki"}},
		{"accents Turkish", (*Generator).withoutAccents, "TR", "İsmaıl Ağaoğlu", []string{"Ismail Agaoglu"}},
		{"format", (*Generator).laidOut, "FR", "Léa-Lou", []string{"LÉA-LOU", "Léa -Lou", "Léa Lou", "Léa-Lou ", "LéaLou", "léa-lou"}},
		{"format space", (*Generator).laidOut, "NL", "de Wit", []string{"DE WIT", "de  Wit", "de Wit ", "de wit", "de-Wit", "deWit"}},
		{"format apostrophe", (*Generator).laidOut, "GB", "O'Hara", []string{"O 'Hara", "O Hara", "O'HARA", "O'Hara ", "OHara", "o'hara"}},
		{"format Turkish", (*Generator).laidOut, "TR", "Işil", []string{"IŞİL", "Işil ", "ışil"}},
		{"format nothing", (*Generator).laidOut, "GB", "", []string{""}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := world().byCode[tc.country]
			got := outcomes(t, func(g *Generator) string { return string(tc.edit(g, c, []rune(tc.in))) })
			if len(tc.want) > 1 || tc.want[0] != "" {
				got = slices.DeleteFunc(got, func(s string) bool { return s == "" })
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%q (-want +got):\n%s", tc.in, diff)
			}
		})
	}
}

// TestFaults does the same for errors of a whole record; what does not change
// shows that the kind does not apply.
func TestFaults(t *testing.T) {
	names := func(p Person) string { return p.GivenName + "|" + p.FamilyName }
	date := func(p Person) string { return p.BirthDate }
	sex := func(p Person) string { return p.Sex }
	for _, tc := range []struct {
		name string
		do   func(*Generator, *country, *Person)
		in   Person
		show func(Person) string
		want []string
	}{
		{"nickname", (*Generator).nickname, Person{GivenName: "Robert"}, names, []string{"Bobby|", "Bob|", "Rob|"}},
		{"no nickname", (*Generator).nickname, Person{GivenName: "Xenia"}, names, []string{"Xenia|"}},
		{"initial", (*Generator).initial, Person{GivenName: "Álvaro"}, names, []string{"Á.|", "Á|"}},
		{"initial of one", (*Generator).initial, Person{GivenName: "A."}, names, []string{"A.|"}},
		{"particle", (*Generator).dropPart, Person{FamilyName: "van Dijk"}, names, []string{"|Dijk", "|van Dijk"}},
		{"double name", (*Generator).dropPart, Person{FamilyName: "Roth-Beck"}, names, []string{"|Beck", "|Roth", "|Roth-Beck"}},
		{"single name", (*Generator).dropPart, Person{GivenName: "Ida", FamilyName: "Roth"}, names, []string{"Ida|Roth"}},
		{"marks at the ends", (*Generator).dropPart, Person{FamilyName: "-Roth "}, names, []string{"|-Roth "}},
		{"swap", (*Generator).swapNames, Person{GivenName: "Ida", FamilyName: "Roth"}, names, []string{"Roth|Ida"}},
		{"swap with nothing", (*Generator).swapNames, Person{GivenName: "Ida"}, names, []string{"Ida|"}},
		{"day and month", (*Generator).swapDayMonth, Person{BirthDate: "1980-03-11"}, date, []string{"1980-11-03"}},
		{"day beyond twelve", (*Generator).swapDayMonth, Person{BirthDate: "1980-03-13"}, date, []string{"1980-03-13"}},
		{"no date", (*Generator).swapDayMonth, Person{}, date, []string{""}},
		{"year", (*Generator).yearOff, Person{BirthDate: "1980-03-11"}, date, []string{"1970-03-11", "1979-03-11", "1981-03-11", "1990-03-11"}},
		{"year of 29 February", (*Generator).yearOff, Person{BirthDate: "1980-02-29"}, date, []string{"1980-02-29"}},
		{"year in the future", (*Generator).yearOff, Person{BirthDate: "2025-01-02"}, date, []string{"2015-01-02", "2024-01-02", "2025-01-02"}},
		{"no year", (*Generator).yearOff, Person{}, date, []string{""}},
		{"default", (*Generator).dateDefault, Person{BirthDate: "1980-03-11"}, date, []string{"1980-01-01", "1980-03-01"}},
		{"no default", (*Generator).dateDefault, Person{}, date, []string{""}},
		{"no digit", (*Generator).dateDigit, Person{BirthDate: "11.3.1980"}, date, []string{"11.3.1980"}},
		{"F", (*Generator).wrongSex, Person{Sex: "F"}, sex, []string{"M"}},
		{"M", (*Generator).wrongSex, Person{Sex: "M"}, sex, []string{"F"}},
		{"X", (*Generator).wrongSex, Person{Sex: "X"}, sex, []string{"X"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := outcomes(t, func(g *Generator) string {
				p := tc.in
				tc.do(g, world().byCode["US"], &p)
				return tc.show(p)
			})
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%q (-want +got):\n%s", tc.show(tc.in), diff)
			}
		})
	}
}

func TestDateDigit(t *testing.T) {
	got := outcomes(t, func(g *Generator) string {
		p := Person{BirthDate: "2000-02-29"}
		g.dateDigit(nil, &p)
		return p.BirthDate
	})
	for _, date := range got {
		// No change: none of the digits drawn made a date.
		if !valid(date) || differences(date, "2000-02-29") > 1 {
			t.Errorf("wrong digit made %s", date)
		}
	}
	for _, want := range []string{"2004-02-29", "2000-02-09", "2000-02-28", "2000-12-29"} {
		if !slices.Contains(got, want) {
			t.Errorf("no digit error makes %s", want)
		}
	}
}

// TestLife checks changes of address and surname by country.
func TestLife(t *testing.T) {
	for _, c := range world().all {
		g := generator(t, 14, &Options{Countries: []string{c.code}})
		var stayed, kept, phoned int
		const n = 2000
		for range n {
			p := g.Person()
			q := p
			g.move(c, &q)
			if q.Street == p.Street && q.StreetNumber == p.StreetNumber {
				t.Errorf("%s: moved to the same house", c.code)
			}
			if q.City == p.City {
				stayed++
			}
			if q.Phone != p.Phone {
				phoned++
			}
			q = p
			g.changeSurname(c, &q)
			if old := first(p.FamilyName, "-"); len(q.FamilyName) > len(old) && q.FamilyName[:len(old)] == old {
				kept++
			}
		}
		between(t, c.code+": moves within the city", float64(stayed)/n, 0.25, 0.65)
		between(t, c.code+": moves with another number", float64(phoned)/n, 0.35, 0.45)
		if !c.paired {
			between(t, c.code+": new surnames that keep the old", float64(kept)/n, 0.30, 0.50)
		}
	}
	q := Person{Country: "DE"}
	if generator(t, 1, nil).changeSurname(world().byCode["DE"], &q); q.FamilyName != "" {
		t.Error("a missing surname changed")
	}
}

func TestNeighbours(t *testing.T) {
	for _, c := range world().all {
		for key, near := range c.neighbours {
			seen := map[rune]bool{key: true}
			for _, n := range near {
				if seen[n] {
					t.Errorf("%s: %q beside %q twice or to itself", c.code, n, key)
				}
				seen[n] = true
				if !slices.Contains(c.neighbours[n], key) {
					t.Errorf("%s: %q is beside %q, but not the reverse", c.code, n, key)
				}
			}
		}
	}
}
