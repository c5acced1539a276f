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
