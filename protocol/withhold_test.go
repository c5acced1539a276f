package protocol

import (
	"errors"
	"testing"

	"github.com/comity-prl/comity/psi"
)

// A result with more matches than the terms allow is withheld from the receiver,
// whose log says so, and the sender notices nothing.
func TestTooManyCandidates(t *testing.T) {
	for _, tt := range []struct {
		name    string
		most    int
		outcome string
		found   int
		want    error
	}{
		{"as many as allowed", 3, OutcomeDone, 3, nil},
		{"one more", 2, outcomeWithheld, 0, ErrWithheld},
	} {
		t.Run(tt.name, func(t *testing.T) {
			pc, ac := agencies(t)
			pl, al := audited(t, pc, ac)
			terms := goodTerms()
			terms.MaxCandidates = tt.most
			p, a := met(t, terms, pc, ac)
			o := intersect(t.Context(), p, a, psi.NewSet(items(0, 5), binding), psi.NewSet(items(2, 5), binding))
			if !errors.Is(o.receiveErr, tt.want) || (o.result == nil) != (tt.want != nil) || o.sendErr != nil {
				t.Errorf("receive: %v; send: %v; want %v and nothing", o.receiveErr, o.sendErr, tt.want)
			}
			closeAll(p, a)
			if e := only(t, pl); e.Outcome != tt.outcome || e.Found != tt.found {
				t.Errorf("the receiver's log says %q, found %d", e.Outcome, e.Found)
			}
			if e := only(t, al); e.Outcome != OutcomeDone {
				t.Errorf("the sender's log says %q", e.Outcome)
			}
		})
	}
}

// A count below what the own rule lets this side see is withheld.
func TestSmallCountIsWithheld(t *testing.T) {
	for _, tt := range []struct {
		function string
		rule     *Rule
		found    int
		want     error
	}{
		{FunctionCount, &Rule{MinCount: 20}, 20, nil},
		{FunctionCount, &Rule{MinCount: 20}, 19, ErrWithheld},
		{FunctionCount, &Rule{MinCount: 20}, 0, ErrWithheld},
		{FunctionCount, &Rule{}, 0, nil},
		{FunctionCount, nil, 0, nil},
		{FunctionSet, &Rule{MinCount: 20}, 1, nil},
	} {
		s := &Session{terms: &Terms{Function: tt.function}, rule: tt.rule}
		if err := s.withheld(tt.found); !errors.Is(err, tt.want) {
			t.Errorf("%s, rule %+v, found %d: %v, want %v", tt.function, tt.rule, tt.found, err, tt.want)
		}
	}
}
