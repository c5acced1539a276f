package bloomlink

import (
	"cmp"
	"slices"
)

// Assign makes pairs one-to-one: it keeps a pair if each of its rows is the
// other's best. Of the methods here it makes the fewest false links, for where
// two rows compete for one it is the better that counts and the other stays
// unlinked; at a sensible threshold it keeps what AssignGreedy keeps.
//
// Best means the highest score. Among equal scores the pair with the smaller A
// comes first, then that with the smaller B: the result depends on the pairs
// alone, not on their order. It comes in ascending order of A.
func Assign(pairs []Pair) []Pair {
	bestA, bestB := make(map[int]Pair), make(map[int]Pair)
	for _, p := range pairs {
		if q, seen := bestA[p.A]; !seen || compare(p, q) < 0 {
			bestA[p.A] = p
		}
		if q, seen := bestB[p.B]; !seen || compare(p, q) < 0 {
			bestB[p.B] = p
		}
	}
	var kept []Pair
	for _, p := range bestA {
		if bestB[p.B] == p {
			kept = append(kept, p)
		}
	}
	return byRow(kept)
}

// AssignGreedy makes pairs one-to-one: it keeps the best pair, drops the others of
// its rows, and so on. What it keeps is the one stable assignment (Gale and
// Shapley, American Mathematical Monthly 69(1), 1962, where both sides rank by the
// score): no pair that it drops is better for both rows than what they got. Order
// among equals, and order of the result, are as in Assign, all of whose pairs it
// keeps too.
func AssignGreedy(pairs []Pair) []Pair {
	takenA, takenB := make(map[int]bool), make(map[int]bool)
	var kept []Pair
	for _, p := range slices.SortedFunc(slices.Values(pairs), compare) {
		if takenA[p.A] || takenB[p.B] {
			continue
		}
		takenA[p.A], takenB[p.B] = true, true
		kept = append(kept, p)
	}
	return byRow(kept)
}

// compare orders pairs from the best on.
func compare(p, q Pair) int {
	return cmp.Or(cmp.Compare(q.Score, p.Score), cmp.Compare(p.A, q.A), cmp.Compare(p.B, q.B))
}

func byRow(pairs []Pair) []Pair {
	slices.SortFunc(pairs, func(p, q Pair) int { return cmp.Compare(p.A, q.A) })
	return pairs
}
