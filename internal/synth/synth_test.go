package synth

import (
	"crypto/sha256"
	"encoding/hex"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func generator(t testing.TB, seed uint64, o *Options) *Generator {
	t.Helper()
	g, err := New(seed, o)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func people(g *Generator, n int) []Person {
	ps := make([]Person, n)
	for i := range ps {
		ps[i] = g.Person()
	}
	return ps
}

// TestGolden hashes ten thousand people and their dirty copies. A change of a
// list or a rate changes the hash; a platform must not.
func TestGolden(t *testing.T) {
	hash := func(seed uint64) string {
		g, h := generator(t, seed, nil), sha256.New()
		for range 10_000 {
			p := g.Person()
			q, errs := g.Dirty(p)
			h.Write([]byte(strings.Join(append(p.Values(), q.Values()...), "\x1f")))
			for _, e := range errs {
				h.Write([]byte(e.Field + "\x1e" + e.Kind.String()))
			}
		}
		return hex.EncodeToString(h.Sum(nil))
	}
	const want = "dcda4937b7a2dd86d845e95639ee207296dcd9ce79838a5e428309ed8dee7c19"
	if got := hash(1); got != want {
		t.Errorf("people of seed 1 hash to %s, want %s", got, want)
	}
	if hash(2) == want {
		t.Error("seeds 1 and 2 give the same people")
	}
}

func TestOptions(t *testing.T) {
	for _, tc := range []struct {
		name string
		o    *Options
		want string // of the error
	}{
		{"nil", nil, ""},
		{"zero", &Options{}, ""},
		{"one country", &Options{Countries: []string{"SE"}}, ""},
		{"no errors", &Options{Dirt: -1, Changed: -1}, ""},
		{"limits", &Options{Dirt: MaxErrors, Changed: 1}, ""},
		{"empty list", &Options{Countries: []string{}}, "no countries"},
		{"unknown country", &Options{Countries: []string{"DE", "XX"}}, `unknown country "XX"`},
		{"lower case", &Options{Countries: []string{"de"}}, `unknown country "de"`},
		{"twice", &Options{Countries: []string{"DE", "FR", "DE"}}, `"DE" given twice`},
		{"too dirty", &Options{Dirt: MaxErrors + 0.1}, "Dirt is 5.1"},
		{"dirt NaN", &Options{Dirt: math.NaN()}, "Dirt is NaN"},
		{"changed too often", &Options{Changed: 1.5}, "Changed is 1.5"},
		{"changed infinite", &Options{Changed: math.Inf(1)}, "Changed is +Inf"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g, err := New(1, tc.o)
			switch {
			case tc.want == "" && err != nil:
				t.Fatal(err)
			case tc.want == "":
				if p := g.Person(); p.FamilyName == "" {
					t.Error("a person without a name")
				}
			case err == nil || !strings.Contains(err.Error(), tc.want):
				t.Errorf("error %v, want one with %q", err, tc.want)
			}
		})
	}
}

func TestValues(t *testing.T) {
	p := Person{"given", "family", "2000-01-02", "F", "street", "1", "12345", "city", "DE", "+49", "a@b"}
	want := []string{"given", "family", "2000-01-02", "F", "street", "1", "12345", "city", "DE", "+49", "a@b"}
	if diff := cmp.Diff(want, p.Values()); diff != "" {
		t.Error(diff)
	}
	if len(Fields) != len(want) {
		t.Errorf("%d fields, %d values", len(Fields), len(want))
	}
}

// formats are written here a second time, from the national numbering plans and
// postal formats, to check the masks of the country files.
var formats = map[string]struct{ postcode, phone string }{
	"DE": {`\d{5}`, `\+49[1-9]\d{9,10}`},
	"ES": {`(0[1-9]|[1-4]\d|5[0-2])\d{3}`, `\+34[6-9]\d{8}`},
	"FR": {`\d{5}`, `\+33[1-79]\d{8}`},
	"GB": {`[A-Z]{1,2}\d{1,2} \d[ABD-HJLNP-UW-Z]{2}`, `\+44[127]\d{9}`},
	"IT": {`\d{5}`, `\+39(0\d{9}|3\d{9})`},
	"NL": {`[1-9]\d{3} [A-Z]{2}`, `\+31[1-7]\d{8}`},
	"PL": {`\d{2}-\d{3}`, `\+48[1-9]\d{8}`},
	"SE": {`[1-9]\d{2} \d{2}`, `\+46[1-9]\d{8}`},
	"TR": {`(0[1-9]|[1-7]\d|8[01])\d{3}`, `\+90[2-5]\d{9}`},
	"US": {`\d{5}`, `\+1[2-9]\d{2}[2-9]\d{6}`},
}

func TestFormats(t *testing.T) {
	codes := Countries()
	if len(codes) != len(formats) {
		t.Fatalf("%d countries, formats for %d", len(codes), len(formats))
	}
	number := regexp.MustCompile(`^[1-9]\d{0,2}([A-Za-z]| bis| ter| Apt 2|/[AB]|/\d{1,2}|-[23H])?$`)
	mail := regexp.MustCompile(`^[a-z]+([._]?[a-z]+)?\d*@([a-z]+\.example|example\.(com|net|org))$`)
	for _, code := range codes {
		t.Run(code, func(t *testing.T) {
			f := formats[code]
			post, phone := regexp.MustCompile("^(?:"+f.postcode+")$"), regexp.MustCompile("^(?:"+f.phone+")$")
			var phones, mails int
			const n = 3000
			for _, p := range people(generator(t, 3, &Options{Countries: []string{code}}), n) {
				if p.Country != code {
					t.Fatalf("country %q", p.Country)
				}
				if p.GivenName == "" || p.FamilyName == "" || p.Street == "" || p.City == "" {
					t.Fatalf("a clean record with a gap: %q", p.Values())
				}
				for i, v := range p.Values() {
					if v != strings.TrimSpace(v) || strings.ContainsAny(v, "*#\n\u00ad") {
						t.Errorf("%s %q", Fields[i], v)
					}
				}
				if !post.MatchString(p.Postcode) {
					t.Errorf("postcode %q", p.Postcode)
				}
				if !number.MatchString(p.StreetNumber) {
					t.Errorf("street number %q", p.StreetNumber)
				}
				if !valid(p.BirthDate) {
					t.Errorf("birth date %q", p.BirthDate)
				}
				if !slices.Contains([]string{"F", "M", "X"}, p.Sex) {
					t.Errorf("sex %q", p.Sex)
				}
				if p.Phone != "" {
					phones++
					if !phone.MatchString(p.Phone) {
						t.Errorf("phone %q", p.Phone)
					}
				}
				if p.Email != "" {
					mails++
					if !mail.MatchString(p.Email) {
						t.Errorf("e-mail %q", p.Email)
					}
				}
			}
			between(t, "share with a phone", float64(phones)/n, 0.88, 0.96)
			between(t, "share with an e-mail address", float64(mails)/n, 0.70, 0.80)
		})
	}
}

func between(t *testing.T, what string, got, low, high float64) {
	t.Helper()
	if !(got >= low && got <= high) {
		t.Errorf("%s is %.4f, want %.4f to %.4f", what, got, low, high)
	}
}

// TestSurnames checks head and tail of the surnames of each country.
func TestSurnames(t *testing.T) {
	for _, c := range world().all {
		t.Run(c.code, func(t *testing.T) {
			const n = 50_000
			g, count := generator(t, 4, nil), map[string]int{}
			var distinct []int
			for i := range n {
				count[g.surname(c)]++
				if (i+1)%(n/5) == 0 {
					distinct = append(distinct, len(count))
				}
			}
			sizes := make([]int, 0, len(count))
			once := 0
			for _, k := range count {
				sizes = append(sizes, k)
				if k == 1 {
					once++
				}
			}
			slices.SortFunc(sizes, func(a, b int) int { return b - a })
			published := float64(c.shares[0]) / million
			between(t, "share of the most common", float64(sizes[0])/n, 0.75*published, 1.3*published)
			var head int
			for _, k := range sizes[:100] {
				head += k
			}
			between(t, "share of the top hundred", float64(head)/n, 0.07, 0.50)
			for i := 1; i < len(distinct); i++ {
				if distinct[i] < distinct[i-1]+n/50 {
					t.Errorf("distinct surnames %v stop growing", distinct)
				}
			}
			between(t, "distinct surnames that occur once", float64(once)/float64(len(count)), 0.4, 0.9)
		})
	}
}

func TestGivenNames(t *testing.T) {
	for _, c := range world().all {
		for _, sex := range []string{"F", "M", "X"} {
			const n = 10_000
			g, count, most := generator(t, 5, nil), map[string]int{}, 0
			for range n {
				name := g.givenName(c, sex)
				count[name]++
				most = max(most, count[name])
			}
			low := 0.02
			if sex == "X" {
				low = 0.01
			}
			between(t, c.code+" "+sex+": share of the most common", float64(most)/n, low, 0.06)
			if len(count) < 70 {
				t.Errorf("%s %s: %d given names", c.code, sex, len(count))
			}
		}
	}
}

func TestDistinct(t *testing.T) {
	const n = 100_000
	seen, homonyms := make(map[Person]bool, n), map[[3]string]int{}
	for _, p := range people(generator(t, 6, nil), n) {
		p.Phone, p.Email = "", ""
		if seen[p] {
			t.Errorf("the same person twice: %q", p.Values())
		}
		seen[p] = true
		homonyms[[3]string{p.GivenName, p.FamilyName, p.BirthDate}]++
	}
	if alike := n - len(homonyms); alike > 20 {
		t.Errorf("%d people have the name and birth date of another", alike)
	}
}

func TestHouseholds(t *testing.T) {
	const n = 60_000
	type place struct{ street, number, postcode, city string }
	homes := map[place][]Person{}
	var ages []int
	for _, p := range people(generator(t, 7, &Options{Countries: []string{"DE", "US"}}), n) {
		at := place{p.Street, p.StreetNumber, p.Postcode, p.City}
		homes[at] = append(homes[at], p)
		ages = append(ages, year-birthYear(&p))
	}
	slices.Sort(ages)
	if ages[0] < minAge || ages[n-1] > maxAge {
		t.Errorf("ages from %d to %d", ages[0], ages[n-1])
	}
	between(t, "median age", float64(ages[n/2]), 38, 56)
	between(t, "people a household", n/float64(len(homes)), 1.6, 2.4)
	var several, oneName, twins int
	for _, members := range homes {
		if len(members) < 2 {
			continue
		}
		several++
		if members[0].FamilyName == members[1].FamilyName {
			oneName++
		}
		for i, p := range members {
			for _, q := range members[:i] {
				if p.FamilyName == q.FamilyName && p.BirthDate == q.BirthDate && p.GivenName != q.GivenName {
					twins++
				}
			}
		}
	}
	between(t, "households of one surname among those of several people", float64(oneName)/float64(several), 0.6, 0.9)
	between(t, "twins", float64(twins)/n, 0.0003, 0.01)
}

// TestFamilies checks the customs that the country files declare.
func TestFamilies(t *testing.T) {
	for _, tc := range []struct{ country, surname, sex, want string }{
		{"PL", "Kowalski", "F", "Kowalska"},
		{"PL", "Kowalski", "M", "Kowalski"},
		{"PL", "Zawadzki", "F", "Zawadzka"},
		{"PL", "Górecki-Jasiński", "F", "Górecka-Jasińska"},
		{"PL", "Nowak", "F", "Nowak"},
		{"US", "Kowalski", "F", "Kowalski"},
	} {
		if got := world().byCode[tc.country].gendered(tc.surname, tc.sex); got != tc.want {
			t.Errorf("%s %s of sex %s is %s, want %s", tc.country, tc.surname, tc.sex, got, tc.want)
		}
	}
	for _, tc := range []struct{ country, a, b, want string }{
		{"ES", "García López", "Ruiz Gil", "García Ruiz"},
		{"ES", "de la Cruz Gil", "San José Pardo", "de la Cruz San José"},
		{"DE", "Müller", "Schmidt", "Müller-Schmidt"},
		{"NL", "van der Berg-Smit", "Bos", "van der Berg-Bos"},
	} {
		if got := world().byCode[tc.country].doubleBarrel(tc.a, tc.b); got != tc.want {
			t.Errorf("%s %s and %s make %s, want %s", tc.country, tc.a, tc.b, got, tc.want)
		}
	}
	two := 0
	for _, p := range people(generator(t, 8, &Options{Countries: []string{"ES"}}), 1000) {
		if strings.Contains(p.FamilyName, " ") {
			two++
		}
	}
	between(t, "Spaniards with two surnames", float64(two)/1000, 0.90, 1)
}

func TestDates(t *testing.T) {
	for date, want := range map[string]bool{
		"2000-02-29": true, "1900-02-28": true, "2024-02-29": true, "2025-12-31": true,
		"1900-02-29": false, "2023-02-29": false, "2000-13-01": false, "2000-00-10": false, "2000-04-31": false,
		"2000-01-00": false, "1899-12-31": false, "2026-01-01": false, "": false, "2000/01/01": false, "20000-1-01": false,
	} {
		if valid(date) != want {
			t.Errorf("valid(%q) is %v", date, !want)
		}
	}
	if got := formatDate(1987, 6, 5); got != "1987-06-05" {
		t.Errorf("date %q", got)
	}
	firsts := map[string]int{}
	g := generator(t, 9, nil)
	for range 20_000 {
		firsts[g.birthDate(40, false)]++
	}
	if len(firsts) != 365 {
		t.Errorf("%d birthdays in %s", len(firsts), strconv.Itoa(year-40))
	}
}
