package tokenize_test

import (
	"context"
	"fmt"
	"slices"

	"github.com/comity-prl/comity/tokenize"
)

// Two agencies write one person differently, and have columns of their own.
func Example() {
	secret := []byte("32 random bytes that both agreed") // see pairmatch invite and accept
	tokens := func(schema string, family, given, birth string, records ...tokenize.Record) []tokenize.Entry {
		s, err := tokenize.ParseSchema([]byte(schema))
		if err != nil {
			panic(err)
		}
		prf, err := tokenize.NewHMAC(secret, "2026-Q4")
		if err != nil {
			panic(err)
		}
		rules := []tokenize.Rule{
			{Name: "names and birth date", Parts: parts(family, given, birth)},
			{Name: "sound of family name, initial, birth year", Parts: parts(family+"/soundex", given+"/initial", birth+"/year")},
		}
		tk, err := tokenize.New(s, rules, prf)
		if err != nil {
			panic(err)
		}
		var out []tokenize.Entry
		for e, err := range tk.Tokens(context.Background(), slices.Values(records)) {
			if err != nil {
				panic(err)
			}
			out = append(out, e)
		}
		return out
	}
	a := tokens(`{"fields": [{"name": "given", "kind": "name"}, {"name": "family", "kind": "name"}, {"name": "birth", "kind": "date"}]}`,
		"family", "given", "birth",
		tokenize.Record{"Jürgen", "Strauß", "25.01.1978"})
	b := tokens(`{"fields": [{"name": "nom", "kind": "name"}, {"name": "prenom", "kind": "name"}, {"name": "naissance", "kind": "date"}]}`,
		"nom", "prenom", "naissance",
		tokenize.Record{"STRAUSS", "JUERGEN", "1978-01-25"},
		tokenize.Record{"Straus", "J.", "1978"})
	for _, x := range a {
		for _, y := range b {
			if x.Token == y.Token {
				fmt.Printf("record %d of A and %d of B match by rule %d\n", x.Row, y.Row, x.Rule)
			}
		}
	}
	fmt.Println("a token prints as", a[0].Token)
	// Output:
	// record 0 of A and 0 of B match by rule 0
	// record 0 of A and 0 of B match by rule 1
	// record 0 of A and 1 of B match by rule 1
	// a token prints as token(redacted)
}

func parts(texts ...string) []tokenize.Part {
	var out []tokenize.Part
	for _, text := range texts {
		p, err := tokenize.ParsePart(text)
		if err != nil {
			panic(err)
		}
		out = append(out, p)
	}
	return out
}

// A schema says what fields hold, and each side by itself how it writes them.
func ExampleSchema_Normalize() {
	s, err := tokenize.ParseSchema([]byte(`{
		"fields": [
			{"name": "birth", "kind": "date"}, {"name": "phone", "kind": "phone"},
			{"name": "passport", "kind": "passport"}, {"name": "account", "kind": "iban"}
		],
		"readings": {"birth": {"calendar": "persian"}, "phone": {"region": "IR"}, "passport": {"region": "IR"}}
	}`))
	if err != nil {
		panic(err)
	}
	fields, err := s.Normalize(tokenize.Record{"۵ بهمن ۱۳۵۶", "021 8824 1234", "a12345678", "DE88 3704 0044 0532 0130 00"})
	if err != nil {
		panic(err)
	}
	for i, f := range fields {
		fmt.Println(s.Fields[i].Kind, f.Value, f.Flags&tokenize.BadCheck != 0)
	}
	for _, c := range fields[0].Candidates() {
		fmt.Println(c.Value, c.Slip)
	}
	// Output:
	// date 1978-01-25 false
	// phone +982188241234 false
	// passport IR:A12345678 false
	// iban DE88370400440532013000 true
	// 1978-01-24 the day before
	// 1978-01-26 the day after
}

// A passport's two lines are fields of a record.
func ExampleParseMRZ() {
	m, err := tokenize.ParseMRZ("P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\n" +
		"L898902C36UTO7408122F1204159ZE184226B<<<<<10")
	if err != nil {
		panic(err)
	}
	fmt.Println(m.Format, m.Issuer+":"+m.Number, m.FamilyName, m.GivenNames, m.BirthDate, m.Sex, len(m.BadChecks))
	// Output:
	// TD3 UTO:L898902C3 ERIKSSON ANNA MARIA 1974-08-12 F 0
}

// Two registers write one name in two scripts, in two orders.
func ExampleNameRules() {
	prf, err := tokenize.NewHMAC([]byte("thirty-two bytes, both agencies'"), "2026-Q4")
	if err != nil {
		fmt.Println(err)
		return
	}
	schema := &tokenize.Schema{Fields: []tokenize.FieldSpec{{Name: "name", Kind: tokenize.Name}}}
	rules := tokenize.NameRules("name")
	tokenizer, err := tokenize.New(schema, rules, prf)
	if err != nil {
		fmt.Println(err)
		return
	}
	first := make(map[tokenize.Token]bool)
	met := make(map[int]bool)
	for e, err := range tokenizer.Tokens(context.Background(), slices.Values([]tokenize.Record{{"Дмитрий Шостакович"}, {"SHOSTAKOVICH Dmitri"}})) {
		switch {
		case err != nil:
			fmt.Println(err)
		case e.Row == 0:
			first[e.Token] = true
		case first[e.Token] && !met[e.Rule]:
			met[e.Rule] = true
			fmt.Println("by", rules[e.Rule].Name)
		}
	}
	// Output:
	// by name/cyrillic
	// by name/short
}
