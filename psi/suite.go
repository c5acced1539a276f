package psi

import (
	"fmt"
	"strings"
)

// Suite is a protocol with its group or field, one of those that this package
// makes. Both sides of a run must use the same.
type Suite interface {
	// ID is the suite's number on the wire.
	ID() uint16
	// String is the suite's name in terms and on the command line.
	String() string

	send(*run, *Set) (*Handles, error)
	receive(*run, *Set) (*Result, error)
}

// Suites returns every suite, in order of ID.
func Suites() []Suite {
	return []Suite{ECDHRistretto255(), ECDHP256(), VOLE(), VOLEMalicious(), Auto()}
}

// SuiteByName returns the suite of that name, or ErrSuite with the names there are.
func SuiteByName(name string) (Suite, error) {
	var names []string
	for _, s := range Suites() {
		if s.String() == name {
			return s, nil
		}
		names = append(names, s.String())
	}
	return nil, fmt.Errorf("%w: no suite has the name %q, but %s", ErrSuite, name, strings.Join(names, ", "))
}

// Auto is ECDHRistretto255 for small sets and VOLE for others, whichever is likely to
// be faster: the set-up of VOLE takes as long as masking some hundred items. The
// number of items of both sets decides, which both sides know. Semi-honest, as both
// are.
func Auto() Suite { return autoSuite{} }

type autoSuite struct{}

func (autoSuite) ID() uint16     { return 5 }
func (autoSuite) String() string { return "auto" }

// autoItems is how many items of both sets together count as small.
const autoItems = 512

func (autoSuite) choose(r *run) Suite {
	if r.nSender+r.nReceiver <= autoItems {
		return ECDHRistretto255()
	}
	return VOLE()
}

func (a autoSuite) send(r *run, s *Set) (*Handles, error)   { return a.choose(r).send(r, s) }
func (a autoSuite) receive(r *run, s *Set) (*Result, error) { return a.choose(r).receive(r, s) }
