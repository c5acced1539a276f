package psi

import "fmt"

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
	return []Suite{ECDHRistretto255(), ECDHP256()}
}

// SuiteByName returns the suite of that name, or ErrSuite.
func SuiteByName(name string) (Suite, error) {
	for _, s := range Suites() {
		if s.String() == name {
			return s, nil
		}
	}
	return nil, fmt.Errorf("%w: no suite has the name %q", ErrSuite, name)
}
