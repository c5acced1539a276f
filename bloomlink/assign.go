package bloomlink

import (
	"cmp"
	"maps"
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
	slices.SortFunc(pairs, func(p, q Pair) int { return cmp.Or(cmp.Compare(p.A, q.A), cmp.Compare(p.B, q.B)) })
	return pairs
}

// AssignManyToOne keeps the best pair of each row of A, so that several may go to
// one row of B: for a file A with duplicates against a register B. Order among
// equals, and order of the result, are as in Assign.
func AssignManyToOne(pairs []Pair) []Pair {
	return bestOf(pairs, func(p Pair) int { return p.A })
}

// AssignOneToMany keeps the best pair of each row of B, so that several may go to
// one row of A. Order is as in Assign, and by B among pairs of one A.
func AssignOneToMany(pairs []Pair) []Pair {
	return bestOf(pairs, func(p Pair) int { return p.B })
}

func bestOf(pairs []Pair, row func(Pair) int) []Pair {
	best := make(map[int]Pair)
	for _, p := range pairs {
		if q, seen := best[row(p)]; !seen || compare(p, q) < 0 {
			best[row(p)] = p
		}
	}
	return byRow(slices.Collect(maps.Values(best)))
}

// Top keeps at most k pairs of every row, of A and of B, best first, as anonlink
// does: of the k best pairs of each row of A, in order, those whose row of B has
// fewer than k yet. The result is in that order.
func Top(pairs []Pair, k int) []Pair {
	ofA, ofB := make(map[int]int), make(map[int]int)
	var kept []Pair
	for _, p := range slices.SortedFunc(slices.Values(pairs), compare) {
		if ofA[p.A]++; ofA[p.A] > k {
			continue // and does not count for B
		}
		if ofB[p.B]++; ofB[p.B] <= k {
			kept = append(kept, p)
		}
	}
	return kept
}
