package tokenize

import (
	"context"
	"slices"
	"testing"

	"github.com/comity-prl/comity/internal/synth"
)

// BenchmarkTokens normalises records and makes five tokens of each.
func BenchmarkTokens(b *testing.B) {
	g, err := synth.New(1, nil)
	if err != nil {
		b.Fatal(err)
	}
	s := &Schema{Fields: []FieldSpec{{"given", Name}, {"family", Name}, {"birth", Date}, {"postcode", Postcode}}}
	tk := tokenizer(b, s, rules(b, "family given birth", "family/soundex given/soundex birth", "family given/initial birth", "family given postcode", "given/initial birth postcode"))
	var records []Record
	for range 20000 {
		p := g.Person()
		records = append(records, Record{p.GivenName, p.FamilyName, p.BirthDate, p.Postcode})
	}
	for b.Loop() {
		for _, err := range tk.Tokens(context.Background(), slices.Values(records)) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.N*len(records))/b.Elapsed().Seconds(), "records/s")
}

// BenchmarkNames makes the tokens of a whole name, one rule at a time: in Latin
// letters, and in others.
func BenchmarkNames(b *testing.B) {
	s := &Schema{Fields: []FieldSpec{{"name", Name}}}
	for script, name := range map[string]string{"latin": "Friedrich Schneider", "cyrillic": "Лев Толстой"} {
		for _, r := range NameRules("name") {
			b.Run(script+"/"+r.Name, func(b *testing.B) {
				tk := tokenizer(b, s, []Rule{r})
				records := slices.Repeat([]Record{{name}}, 1000)
				n := 0
				for b.Loop() {
					for _, err := range tk.Tokens(context.Background(), slices.Values(records)) {
						if err != nil {
							b.Fatal(err)
						}
						n++
					}
				}
				b.ReportMetric(float64(b.N*len(records))/b.Elapsed().Seconds(), "records/s")
				b.ReportMetric(float64(n)/float64(b.N*len(records)), "tokens/record")
			})
		}
	}
}
