package okvs

import "math"

// A table's size is public and both sides compute it, so that it must not depend on
// the machine. Package math's functions do: some are assembly on one architecture,
// and elsewhere a compiler may fuse their products and sums, which rounds once
// instead of twice. The functions here take only operations that IEEE 754 rounds in
// one way, and their products are assigned or converted before they are added,
// which forbids fusion (the Go specification, "Floating-point operators"). Frexp,
// Ldexp, Floor and the constants of math are exact.

// log2 returns the logarithm of x > 0 to base 2: the exponent, and 2·atanh((f−1)/(f+1))
// as a series for a fraction f between √½ and √2.
func log2(x float64) float64 {
	f, exponent := math.Frexp(x)
	if f < math.Sqrt2/2 {
		f, exponent = 2*f, exponent-1
	}
	s := (f - 1) / (f + 1)
	square := s * s
	sum := 0.0
	for k := 25; k > 0; k -= 2 { // the first term left out is below 2^-60
		sum = float64(sum*square) + 1/float64(k)
	}
	return float64(exponent) + 2*s*sum/math.Ln2
}

// exp2 returns 2^x: the power of the whole part, and the exponential series.
func exp2(x float64) float64 {
	whole := math.Floor(x)
	y := (x - whole) * math.Ln2
	sum := 1.0
	for k := 20; k > 0; k-- { // the first term left out is below 2^-70
		sum = 1 + float64(y*sum)/float64(k)
	}
	return math.Ldexp(sum, int(whole))
}
