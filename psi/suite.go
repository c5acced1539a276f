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
	// Supports reports whether the suite can carry out the function.
	Supports(Function) bool

	send(*run, *Set) (*Handles, error)
	// receive returns the handle of each item of the set, or absent. For Cardinality
	// the order is a random one.
	receive(*run, *Set) ([]uint32, error)
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
// number of items of both sets decides, which both sides know. For Cardinality it is
// ECDHRistretto255 at any size. Semi-honest, as both are.
func Auto() Suite { return autoSuite{} }

type autoSuite struct{}

func (autoSuite) ID() uint16     { return 5 }
func (autoSuite) String() string { return "auto" }

// Supports is true of every function.
func (autoSuite) Supports(f Function) bool { return ECDHRistretto255().Supports(f) }

// autoItems is how many items of both sets together count as small.
const autoItems = 512

func (autoSuite) choose(r *run) Suite {
	if r.nSender+r.nReceiver <= autoItems || !VOLE().Supports(r.params.Function) {
		return ECDHRistretto255()
	}
	return VOLE()
}

func (a autoSuite) send(r *run, s *Set) (*Handles, error)    { return a.choose(r).send(r, s) }
func (a autoSuite) receive(r *run, s *Set) ([]uint32, error) { return a.choose(r).receive(r, s) }
