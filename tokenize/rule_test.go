package tokenize

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func mustPart(t testing.TB, text string) Part {
	t.Helper()
	p, err := ParsePart(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestParsePart(t *testing.T) {
	for _, text := range []string{"name", "name/initial", "name/first1", "name/first64", "birth/year", "name/soundex", "name/sorted", "name/hebrew", "name/short"} {
		if got := mustPart(t, text).String(); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
	for _, text := range []string{"name/", "name/last", "name/first", "name/first0", "name/first65", "name/first04", "name/first-1", "name/first4/year", "name/INITIAL"} {
		if _, err := ParsePart(text); !errors.Is(err, ErrRule) {
			t.Errorf("%q: %v, want %v", text, err, ErrRule)
		}
	}
}

func TestRuleJSON(t *testing.T) {
	text := `{"name":"names + year","parts":["family_name/soundex","birth_date/year"]}`
	var r Rule
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		t.Fatal(err)
	}
	back, err := json.Marshal(r)
	if err != nil || string(back) != text {
		t.Errorf("%s (%v), want %s", back, err, text)
	}
	if err := json.Unmarshal([]byte(`{"parts":["a/b"]}`), &r); !errors.Is(err, ErrRule) {
		t.Errorf("%v, want %v", err, ErrRule)
	}
}

func TestPartOptions(t *testing.T) {
	tests := []struct {
		name string
		kind Kind
		raw  string
		part string
		want []string
	}{
		{"whole", Name, "van der Berg", "f", []string{"van der berg"}},
		{"whole with a variant", Name, "Müller", "f", []string{"muller", "mueller"}},
		{"missing", Name, "", "f", nil},
		{"unreadable", Date, "soon", "f", nil},
		{"initial", Name, "Özil", "f/initial", []string{"o"}},
		{"initial of another script", Name, "Щербаченко", "f/initial", []string{"щ", "s", "c"}},
		{"first over a space", Name, "de la Cruz", "f/first4", []string{"dela"}},
		{"first of a shorter one", Name, "Li", "f/first4", []string{"li"}},
		{"first with a variant", Name, "Müller", "f/first3", []string{"mul", "mue"}},
		{"a mark belongs to its letter", Name, "कि़म", "f/initial", []string{"कि़"}},
		{"postcode district", Postcode, "sw1a 1aa", "f/first2", []string{"SW"}},
		{"soundex", Name, "Müller", "f/soundex", []string{"M460"}},
		{"soundex of another script", Name, "Щербаченко", "f/soundex", []string{"S612", "S361", "S326", "C326"}},
		{"soundex of a script that is not known", Name, "कमल", "f/soundex", nil},
		{"refined", Name, "Müller", "f/refined", []string{"M80709"}},
		{"nysiis", Name, "Müller", "f/nysiis", []string{"MALAR"}},
		{"metaphone", Name, "Schmidt", "f/metaphone", []string{"XMT", "SMT"}},
		{"daitch", Name, "Peters", "f/daitch", []string{"739400", "734000"}},
		{"daitch of digits", Name, "12", "f/daitch", nil},
		{"sorted", Name, "Putin, Vladimir", "f/sorted", []string{"putin vladimir"}},
		{"sorted with a particle", Name, "Charles de Gaulle", "f/sorted", []string{"charles de gaulle", "charles gaulle"}},
		{"sorted of a mononym", Name, "de Gaulle", "f/sorted", []string{"de gaulle"}},
		{"descent has an order", Name, "Hasan bin Ahmad", "f/sorted", []string{"hasan bin ahmad"}},
		{"either surname", Name, "García-López", "f/word", []string{"garcia", "lopez"}},
		{"no initials", Name, "J R Tolkien", "f/word", []string{"tolkien"}},
		{"whole date", Date, "25.01.1978", "f", []string{"1978-01-25"}},
		{"whole of an ambiguous date", Date, "03/04/1990", "f", []string{"1990-04-03", "1990-03-04"}},
		{"year of an ambiguous date", Date, "03/04/1990", "f/year", []string{"1990"}},
		{"whole of a year", Date, "1978", "f", nil},
		{"whole of a month", Date, "1978-01", "f", nil},
		{"year of a year", Date, "1978", "f/year", []string{"1978"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := &Schema{Fields: []FieldSpec{{Name: "f", Kind: tt.kind}}}
			p := mustPart(t, tt.part)
			if err := p.validate(s); err != nil {
				t.Fatal(err)
			}
			fields, _ := s.Normalize(Record{tt.raw})
			if diff := cmp.Diff(tt.want, p.options(nil, &fields[0]), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("options (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseSchema(t *testing.T) {
	good := `{"fields":[{"name":"family_name","kind":"name"},{"name":"birth_date","kind":"date"}]}`
	s, err := ParseSchema([]byte(good))
	if err != nil {
		t.Fatal(err)
	}
	want := &Schema{Fields: []FieldSpec{{"family_name", Name}, {"birth_date", Date}}}
	if diff := cmp.Diff(want, s); diff != "" {
		t.Errorf("schema (-want +got):\n%s", diff)
	}
	if back, err := json.Marshal(s); err != nil || string(back) != good {
		t.Errorf("%s (%v), want %s", back, err, good)
	}
	for name, bad := range map[string]string{
		"no JSON":              `fields`,
		"no fields":            `{}`,
		"unknown key":          `{"fields":[{"name":"a","kind":"name"}],"salt":"x"}`,
		"unknown key in field": `{"fields":[{"name":"a","kind":"name","column":"x"}]}`,
		"unknown kind":         `{"fields":[{"name":"a","kind":"shoe size"}]}`,
		"no kind":              `{"fields":[{"name":"a"}]}`,
		"no name":              `{"fields":[{"kind":"name"}]}`,
		"malformed name":       `{"fields":[{"name":"a/b","kind":"name"}]}`,
		"two of a name":        `{"fields":[{"name":"a","kind":"name"},{"name":"a","kind":"date"}]}`,
		"data after it":        good + `{}`,
	} {
		if _, err := ParseSchema([]byte(bad)); !errors.Is(err, ErrSchema) {
			t.Errorf("%s: %v, want %v", name, err, ErrSchema)
		}
	}
}
