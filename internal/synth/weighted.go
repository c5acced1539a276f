package synth

import (
	"math/rand/v2"
	"slices"
)

// weighted draws an index with a probability proportional to its weight. It
// holds the running sums.
type weighted []uint32

func newWeighted(weights []uint32) weighted {
	sums := make(weighted, len(weights))
	var sum uint32
	for i, w := range weights {
		sum += w
		sums[i] = sum
	}
	return sums
}

func (w weighted) draw(r *rand.Rand) int {
	i, _ := slices.BinarySearch(w, r.Uint32N(w[len(w)-1])+1)
	return i
}

// harmonic weighs ranks 1..n by 1/(rank+shift), the Zipf–Mandelbrot law of
// exponent one.
func harmonic(n, shift int) weighted {
	weights := make([]uint32, n)
	for i := range weights {
		weights[i] = uint32(1_000_000 / (i + 1 + shift))
	}
	return newWeighted(weights)
}

// anchors are the ranks at which a country's table gives the share of a surname.
var anchors = [...]int{1, 2, 5, 10, 20, 50, 100}

const million = 1_000_000

// surnameWeights spreads a million people over n listed surnames, in a line
// from each anchor to the next and by 1/rank after the last; the rest have rare
// names, the last weight.
func surnameWeights(n int, shares [len(anchors)]uint32) weighted {
	weights := make([]uint32, n+1)
	rest, at := uint32(million), 0
	for i := range n {
		rank := i + 1
		for at+2 < len(anchors) && rank > anchors[at+1] {
			at++
		}
		lo, hi := anchors[at], anchors[at+1]
		w := shares[at] - (shares[at]-shares[at+1])*uint32(min(rank, hi)-lo)/uint32(hi-lo)
		if rank > hi {
			w = w * uint32(hi) / uint32(rank)
		}
		weights[i] = w
		rest -= w
	}
	weights[n] = rest
	return newWeighted(weights)
}

// mix spreads x over 64 bits: the finalizer of SplitMix64 (Steele, Lea and
// Flood, OOPSLA 2014). It makes a rare name a function of its rank.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
