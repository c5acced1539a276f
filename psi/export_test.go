package psi

import "github.com/comity-prl/comity/internal/vole"

// Bucketed is VOLE or VOLEMalicious with sets of more than a few items in buckets.
func Bucketed(malicious bool) Suite {
	s := *VOLE().(*voleSuite)
	if malicious {
		s = *VOLEMalicious().(*voleSuite)
	}
	s.name += "-bucketed"
	s.whole, s.bucket = 100, 400
	return &s
}

// VOLE7x24 is VOLE with the code that the paper's authors measure.
func VOLE7x24() Suite {
	s := *VOLE().(*voleSuite)
	s.name += "-7x24"
	s.code = vole.Code{Weight: 7}
	return &s
}
