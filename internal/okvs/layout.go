// Package okvs is an oblivious key-value store: it encodes n pairs of a key and a
// value into a table of about 1.3·n values, from which anybody decodes the value
// at a key, and something that means nothing at any other key.
//
// It is the clustered garbled cuckoo table over GF(2^128) of Raghuraman and
// Rindal, "Blazing Fast PSI from Improved OKVS and Subfield VOLE" (CCS 2022, §§2
// and 3), after Rindal and Schoppmann's VOLE-PSI (Eurocrypt 2021). A seed sends
// every key to a bin and to a row of that bin's linear system: three distinct
// positions in its sparse part, and the powers k, k², … of a hash k of the key
// against its few dense slots. Peeling solves the sparse part in linear time; the
// dense slots take up the cycles that peeling cannot.
//
// Slots that no key determines are zero, so that a table alone would tell which
// positions the keys hit. It may leave its owner only under a one-time pad of its
// own length, as in RR22, where it is added to a vector out of VOLE.
//
// How often a random seed fails is a fit to experiments (RR22, §3.2), extrapolated
// to failures too rare to be seen, and not a theorem. Where they can be seen, they
// are two to four times rarer than the fit has it.
//
// A table of m slots does not bind its maker to n keys. Linear algebra encodes any m
// with independent rows. Beyond that, values must match by chance: if values are a
// random oracle's of the keys, with 128 bits, one who asks it q times ends up with a
// table that is right at n' of the answers with probability at most
// C(q,n')·2^(128·(m−n')) a seed, as n' equations in m variables have a solution with
// probability 2^(128·(m−n')) at most. With C(q,n') below (e·q/n')^n', and q = 2^80,
// that leaves less than 2.2·m for any m from 5,000 on, and 1.9·m for 1,343,232.
//
// Positions depend on keys, and so do memory accesses and the time they take. All
// keys here are the running party's own, in Encode and in Decode, and no value
// influences a branch or an address of Decode. A peer sees the timing of one batch
// of work over a set that it does not know, and not of single keys; a party that
// shares a processor with an adversary is not protected.
package okvs

import (
	"errors"
	"math"

	"github.com/comity-prl/comity/internal/aeshash"
	"github.com/comity-prl/comity/internal/gf128"
)

// Errors of NewLayout and Encode.
var (
	ErrParameters = errors.New("okvs: parameters out of range")
	ErrLengths    = errors.New("okvs: keys do not match the values or the layout")
	ErrDuplicate  = errors.New("okvs: two keys are equal")
	// ErrSeed says that the keys cannot be encoded under this seed. The chance is
	// 2^-λ for a seed that is random given the keys; another one will do.
	ErrSeed = errors.New("okvs: no table for these keys under this seed")
)

// MaxKeys is the largest number of keys in a layout.
const MaxKeys = 1 << 30

// MaxLambda is the largest statistical parameter.
const MaxLambda = 128

// binSize is how many keys share a bin where there are several, twice that at most.
// Smaller bins stay closer to a core and encode faster, by a tenth at a quarter of
// the size. But they add slots, 5% at that size, and every slot costs the protocol
// above more than it saves here: a slot of VOLE, and 16 bytes on the wire.
const binSize = 1 << 16

// Layout says where each key's row lies. It is safe for concurrent use.
type Layout struct {
	keys     int // at most so many
	bins     int
	capacity int // keys to a bin
	sparse   int // slots of a bin for the three positions
	dense    int // slots of a bin behind those
	hash     *aeshash.Key
}

// NewLayout fixes the table for at most n keys. A random seed fails to encode n
// distinct keys with probability 2^-lambda at most, and n²·2^-129 more, as keys are
// hashed to 128 bits: for 2^20 of them, nothing is gained beyond a lambda of 89. All
// but the positions of keys depends on n and lambda alone, and never on the seed or
// on the load of a bin.
func NewLayout(n, lambda int, seed gf128.Element) (*Layout, error) {
	if n < 0 || n > MaxKeys || lambda < 1 || lambda > MaxLambda {
		return nil, ErrParameters
	}
	l := &Layout{keys: n, bins: max(1, n/binSize), hash: aeshash.NewKey([16]byte(seed.AppendBytes(nil)))}
	// Half of the failure probability goes to overflowing bins, half to bins that
	// cannot be solved, in equal parts.
	budget := float64(lambda) + 1 + log2(float64(l.bins))
	l.capacity = Capacity(n, l.bins, budget)
	l.sparse, l.dense = binParameters(l.capacity, budget)
	return l, nil
}

// Len is the number of slots of a table.
func (l *Layout) Len() int { return l.bins * l.size() }

// size is the number of slots of a bin.
func (l *Layout) size() int { return l.sparse + l.dense }

// slots is bin b's part of a table.
func (l *Layout) slots(table []gf128.Element, b int) []gf128.Element {
	return table[b*l.size() : (b+1)*l.size()]
}

// Capacity returns the least load c such that one of the bins gets more than c of
// n keys with probability below 2^-lambda.
func Capacity(n, bins int, lambda float64) int {
	if bins == 1 {
		return n
	}
	// The least c for which the bound holds: it falls from the mean on.
	low, high := n/bins, n
	for low < high {
		if c := (low + high) / 2; overflow(n, bins, c) <= -lambda {
			high = c
		} else {
			low = c + 1
		}
	}
	return low
}

// overflow returns log2 of an upper bound on the probability that a given one of
// several bins gets more than c of n keys, for c no less than the mean.
func overflow(n, bins, c int) float64 {
	if c >= n {
		return math.Inf(-1)
	}
	// The sum of the binomial's tail from k = c+1 on. Its terms fall at least as fast
	// as the first does to the second, so that a geometric series bounds it. With
	// Stirling's formula in the factorials, the first is
	//
	//	(n·p/k)^k · (n·q/r)^r · √(n/(2π·k·r)), r = n − k, q = 1 − p,
	//
	// times e^(1/12n) at most (Robbins, "A remark on Stirling's formula", 1955).
	all, p, k, r := float64(n), 1/float64(bins), float64(c+1), float64(n-c-1)
	q := float64(bins-1) / float64(bins)
	first := float64(k * log2(all*p/k))
	if r > 0 {
		first += float64(r * log2(all*q/r))
		first += float64(0.5*log2(all/(2*math.Pi*k*r))) + math.Log2E/(12*all)
	}
	ratio := r / (k + 1) * p / q
	return first - log2(1-ratio)
}

// binParameters returns the slots for n keys by RR22's fit for rows of weight 3
// (equations 2 and 3), which fail with probability 2^-lambda: the sparse slots leave
// no large cycles, and the dense ones take up the small ones.
func binParameters(n int, lambda float64) (sparse, dense int) {
	weight := log2(3)
	square := weight * weight
	keys := float64(max(n, 1))
	exponent := float64(0.555*log2(keys)) + float64(0.093*square*weight) - float64(1.01*square) + float64(2.925*weight) - 0.133
	slope := exp2(exponent)
	intercept := -9.2 - float64(1.223*slope)
	expansion := (lambda - intercept) / slope
	slots := math.Floor(expansion * keys)
	// Each further row that peeling leaves over is about 1/slots as likely as the
	// one before.
	return int(slots), max(1, int(lambda/log2(slots)))
}
