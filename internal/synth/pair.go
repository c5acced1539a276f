package synth

import (
	"fmt"
	"slices"
)

// Pair is two agencies' files with the truth.
type Pair struct {
	A, B []Person
	// Links are the persons on both files: index in A, index in B, by the former.
	Links [][2]int
	// Errors says of each record of B what was done to it.
	Errors [][]Error
}

// Pair draws a file of a people and one of b, of whom shared are on both, each
// file in random order. A is clean. All of B is dirty, also those on no other
// file, so that dirt does not give the truth away. The two agencies together know
// one person in four, so that relatives of a person on one file are on the other
// at times, not as a rule.
func (g *Generator) Pair(a, b, shared int) (*Pair, error) {
	if a < 0 || b < 0 || shared < 0 || shared > min(a, b) {
		return nil, fmt.Errorf("synth: no two files of %d and %d people share %d", a, b, shared)
	}
	people := make([]Person, a+b-shared)
	for i := range people {
		people[i] = g.Person()
		for g.r.IntN(4) > 0 {
			g.Person() // known to neither
		}
	}
	g.r.Shuffle(len(people), func(i, j int) { people[i], people[j] = people[j], people[i] })
	p := &Pair{A: make([]Person, a), B: make([]Person, b), Errors: make([][]Error, b)}
	inA, inB := g.r.Perm(a), g.r.Perm(b)
	for i, at := range inA {
		p.A[at] = people[i]
		if i < shared {
			p.Links = append(p.Links, [2]int{at, inB[i]})
		}
	}
	slices.SortFunc(p.Links, func(x, y [2]int) int { return x[0] - y[0] })
	for i, at := range inB {
		from := i
		if i >= shared {
			from = a + i - shared
		}
		p.B[at], p.Errors[at] = g.Dirty(people[from])
	}
	return p, nil
}
