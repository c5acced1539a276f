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
	// Michał Falak, 1973-11-20: Misiek Falk, 1973-11-20 [{street moved} {street_number moved} {postcode moved} {city moved} {family_name deletion} {given_name nickname}]
	// Johan Hofingedonk, 1993-01-11: Johan Hofingedoonk, 1993-01-11 [{family_name sound} {phone transposition}]
	// Sophie Kooikerhoven, 1943-12-05: Kooikerhoven Sophie, 1943-12-05 [{given_name names swapped} {family_name names swapped} {email missing} {phone insertion}]
}
