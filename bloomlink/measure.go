package bloomlink

import "fmt"

// Measure is how the likeness of two encodings is scored, from 0 to 1. An encoding
// without a bit resembles nothing: its score is 0 by every measure.
type Measure uint8

const (
	// MeasureDice is 2·|a∧b| / (|a|+|b|).
	MeasureDice Measure = iota
	// MeasureJaccard is |a∧b| / |a∨b|, also named after Tanimoto.
	MeasureJaccard
	// MeasureHamming is the share of positions at which a and b agree.
	MeasureHamming
)

func (m Measure) valid() bool { return m <= MeasureHamming }

// String returns the name.
func (m Measure) String() string {
	if !m.valid() {
		return fmt.Sprintf("measure %d", uint8(m))
	}
	return [...]string{"Dice", "Jaccard", "Hamming"}[m]
}

// Score returns the score of two encodings of one length.
func (m Measure) Score(a, b Encoding) float64 {
	na, nb := a.Count(), b.Count()
	if na == 0 || nb == 0 {
		return 0
	}
	return m.score(common(a, b), na+nb, a.Len())
}

// score is that of two encodings that have so many bits in common and in sum, both
// some. It ascends with common, as correctly rounded quotients do.
func (m Measure) score(common, sum, length int) float64 {
	switch m {
	case MeasureJaccard:
		return float64(common) / float64(sum-common)
	case MeasureHamming:
		return float64(length-sum+2*common) / float64(length)
	default:
		return dice(common, sum)
	}
}

// leastCommon returns for every sum of bits set, up to twice the length, how many
// bits two encodings must have in common for the score to reach the threshold. The
// score itself decides, rounding and all, by bisection.
func (m Measure) leastCommon(length int, threshold float64) []int32 {
	need := make([]int32, 2*length+1)
	least := 0 // ascends with the sum
	for sum := range need {
		for 2*least <= sum && m.score(least, max(sum, 1), length) < threshold {
			least++
		}
		need[sum] = int32(least)
	}
	return need
}
