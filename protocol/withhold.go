package protocol

import (
	"errors"
	"fmt"
)

// ErrWithheld is a result that the terms or the own policy keep from this side: one
// with more matches than Terms.MaxCandidates, or a count below Rule.MinCount. The
// run was carried out, and the peer does not learn that its result was withheld.
// This side computed the result before it withheld it, so that only an honest one
// is bound.
var ErrWithheld = errors.New("protocol: result withheld")

// outcomeWithheld is what the log says of a run that went well and whose result was
// withheld. The entry has no Found then.
const outcomeWithheld = "withheld"

// withheld reports whether this side may not see a result of so many matches.
func (s *Session) withheld(found int) error {
	if most := s.terms.MaxCandidates; most > 0 && found > most {
		return fmt.Errorf("%w: more than the %d candidates that the terms allow", ErrWithheld, most)
	}
	if s.terms.Function == FunctionCount && s.rule != nil && found < s.rule.MinCount {
		return fmt.Errorf("%w: a count below %d", ErrWithheld, s.rule.MinCount)
	}
	return nil
}

// learns reports whether this side learns the result.
func (s *Session) learns() bool {
	if s.terms.exact() {
		return s.terms.Receiver == s.role
	}
	return s.role == Proposer // the owners; a unit gets no matches, and records how many there were
}
