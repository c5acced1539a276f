package tokenize

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"testing"
	"unicode"

	"github.com/comity-prl/comity/internal/synth"
)

// Values that our own code made, so that a change of canonical forms or of the
// format does not go unnoticed: it needs another version. Tokens change with the
// version of Unicode too.
func TestGolden(t *testing.T) {
	g, err := synth.New(1, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := &Schema{Fields: []FieldSpec{
		{"given_name", Name}, {"family_name", Name}, {"birth_date", Date}, {"sex", Sex}, {"street", Text}, {"street_number", Text},
		{"postcode", Postcode}, {"city", Text}, {"country", Country}, {"phone", Phone}, {"email", Email},
	}}
	tk := tokenizer(t, s, rules(t, "family_name given_name birth_date", "family_name/soundex given_name/initial birth_date/year", "postcode/first3 street phone", "email"))
	forms, tokens := sha256.New(), sha256.New()
	var records []Record
	for range 2000 {
		p, _ := g.Dirty(g.Person())
		records = append(records, p.Values())
		fields, _ := s.Normalize(p.Values())
		for _, f := range fields {
			fmt.Fprintf(forms, "%q %q %v %d\n", f.Value, f.Variants, f.Precision, f.Flags)
		}
	}
	for e, err := range tk.Tokens(t.Context(), slices.Values(records)) {
		var bad *RecordError
		if errors.As(err, &bad) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(tokens, "%d %d %x\n", e.Row, e.Rule, e.Token[:])
	}
	const wantForms = "1978fd5fec9fc9c5c98be0865a2b1356a29cdd271e3e4537ebeb991e39d3d573"
	if got := hex.EncodeToString(forms.Sum(nil)); got != wantForms {
		t.Errorf("canonical forms have the hash %s, want %s", got, wantForms)
	}
	const made = "15.0.0"
	const wantTokens = "65f4e6954f9d7a4c327846a8372c49199c87dc5f5eb22e1e365d06010291e889"
	if got := hex.EncodeToString(tokens.Sum(nil)); got != wantTokens && unicode.Version == made {
		t.Errorf("tokens have the hash %s, want %s", got, wantTokens)
	}
}

// The same of names in many scripts under every form, which tables shape.
func TestGoldenNames(t *testing.T) {
	s := &Schema{Fields: []FieldSpec{{"name", Name}}}
	list := NameRules("name")
	for _, form := range []string{"soundex", "refined", "nysiis", "metaphone", "daitch", "word"} {
		list = append(list, rules(t, "name/"+form)...)
	}
	tk := tokenizer(t, s, list)
	var records []Record
	for _, name := range []string{
		"Johann Sebastian Bach", "Wolfgang Amadeus Mozart", "Charles de Gaulle", "William Shakespeare", "Miguel de Cervantes",
		"Frédéric Chopin", "Søren Kierkegaard", "Dmitri Shostakovich", "Lech Wałęsa", "J. R. R. Tolkien", "Nguyễn Du",
		"Лев Николаевич Толстой", "П. И. Чайковский", "Тарас Шевченко", "Якуб Колас", "Васил Левски", "Вук Караџић",
		"Νίκος Καζαντζάκης", "نجيب محفوظ", "عمر خیام", "חיים נחמן ביאליק", "שמואל יוסף עגנון", "세종대왕", "이순신", "알베르트 아인슈타인",
		"紫式部", "ウィリアム・シェイクスピア", "ほんだ そういちろう", "鲁迅", "歐陽修", "莎士比亞", "შოთა რუსთაველი", "Մեսրոպ Մաշտոց",
	} {
		records = append(records, Record{name})
	}
	tokens := sha256.New()
	for e, err := range tk.Tokens(t.Context(), slices.Values(records)) {
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(tokens, "%d %d %x\n", e.Row, e.Rule, e.Token[:])
	}
	const made = "15.0.0"
	const want = "4ba0ba1b09bec47695275ff1f919f326076697f506e5f638922994cf772051ac"
	if got := hex.EncodeToString(tokens.Sum(nil)); got != want && unicode.Version == made {
		t.Errorf("tokens have the hash %s, want %s", got, want)
	}
}
