package synth_test

import (
	"fmt"

	"github.com/comity-prl/comity/internal/synth"
)

func Example() {
	g, err := synth.New(2, &synth.Options{Countries: []string{"DE", "NL", "PL"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	p, err := g.Pair(5, 4, 3)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, l := range p.Links {
		a, b := p.A[l[0]], p.B[l[1]]
		fmt.Printf("%s %s, %s: %s %s, %s %v\n", a.GivenName, a.FamilyName, a.BirthDate,
			b.GivenName, b.FamilyName, b.BirthDate, p.Errors[l[1]])
	}
	// Output:
	// Marcel Kohltenstein, 1995-12-13: Marcel Kohltenstein, 1995-12-13 []
	// Renata Przybeń, 1984-06-12: Renata Przybeń, 1984-06-12 [{street moved} {street_number moved} {postcode moved} {city moved} {email missing}]
	// Maria Stockegger, 1998-08-05: Maria Stockebger, 1998-05-08 [{birth_date day and month swapped} {family_name typo}]
}
