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
