package protocol

import (
	"fmt"
	"math"

	"github.com/comity-prl/comity/psi"
)

// enter makes a set ready for the own part of a run: what the terms are about, filled
// up as they ask, different enough from earlier ones, and committed to. Nothing is
// sent before the run begins.
func (s *Session) enter(set *psi.Set) (*psi.Set, error) {
	if err := s.bound(set); err != nil {
		return nil, err
	}
	full, err := s.terms.padded(set, s.role, set.Pad)
	if err != nil {
		return nil, err
	}
	if err := s.hold.begin(s.c.Clock(), set.Items()); err != nil {
		return nil, err
	}
	s.tally.own, s.tally.asked = set.Len(), set.Len()
	s.expectCommitment()
	return full, s.commit(set)
}

// padded returns the set of a side filled up with dummies, by pad, as the terms ask: to
// Rules items for each of its records, so that the peer cannot tell how many fields
// were missing or how many records were alike; then to the next multiple of Bucket, and
// at least one. Without either it is the set itself. Errors are *TermError, and pad's.
func (t *Terms) padded(set *psi.Set, r Role, pad func(n int) (*psi.Set, error)) (*psi.Set, error) {
	if t.Rules == 0 && t.Bucket == 0 {
		return set, nil
	}
	n, err := t.FilledUp(set)
	if err != nil {
		return nil, err
	}
	term, most := "max_proposer", t.MaxProposer
	if r == Acceptor {
		term, most = "max_acceptor", t.MaxAcceptor
	}
	if n > most {
		return nil, &TermError{Term: term, Reason: fmt.Sprintf("the set is filled up to %d items, %d allowed", n, most), cause: psi.ErrTooLarge}
	}
	return pad(n)
}

// FilledUp returns how many items a set has once it is filled up as Bucket and Rules
// ask, which is what the peer learns: a proposer's MaxProposer must have room for it.
// It is a *TermError of "rules" where the set has more items than Rules for each of
// its records.
func (t *Terms) FilledUp(set *psi.Set) (int, error) {
	n := int64(set.Len())
	if t.Rules > 0 {
		if n = int64(set.Records) * int64(t.Rules); n < int64(set.Len()) {
			return 0, &TermError{Term: "rules", Reason: fmt.Sprintf("the set has %d items of %d records", set.Len(), set.Records)}
		}
	}
	if b := int64(t.Bucket); b > 0 {
		n = max(1, (n+b-1)/b) * b
	}
	return int(min(n, math.MaxInt)), nil
}
