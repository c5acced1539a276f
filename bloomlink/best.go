package bloomlink

import (
	"container/heap"
	"context"
	"slices"
	"sync"
)

// best is a partner of a row; score 0 means none.
type best struct {
	score float64
	row   uint32
}

// over reports whether x comes before y: by a higher score, or a smaller row.
func (x best) over(y best) bool {
	return x.score > y.score || x.score == y.score && x.row < y.row
}

// rowLocks guard what belongs to rows, a row's with others'.
type rowLocks [64]sync.Mutex

func (l *rowLocks) hold(row uint32, f func()) {
	m := &l[row%uint32(len(l))]
	m.Lock()
	defer m.Unlock()
	f()
}

// mutualBest is Assign of all pairs of a search, in memory that grows with rows
// and not with pairs: owners whose rows are all alike cost time alone. It reports
// the rows that are done.
func (s *search) mutualBest(ctx context.Context, report func(done int)) ([]Pair, error) {
	bestA, bestB := make([]best, s.a.Len()), make([]best, s.b.Len())
	var locksA, locksB rowLocks
	improve := func(locks *rowLocks, to []best, row uint32, by best) {
		locks.hold(row, func() {
			if by.over(to[row]) {
				to[row] = by
			}
		})
	}
	err := s.everywhere(ctx, report, func(a, b uint32, score float64) {
		improve(&locksA, bestA, a, best{score, b})
		improve(&locksB, bestB, b, best{score, a})
	})
	if err != nil {
		return nil, err
	}
	var pairs []Pair
	for a, m := range bestA {
		if m.score > 0 && bestB[m.row].row == uint32(a) {
			pairs = append(pairs, Pair{a, int(m.row), m.score})
		}
	}
	return pairs, nil
}

// ranking is a heap of a row's best partners, the last of them on top.
type ranking []best

func (r ranking) Len() int           { return len(r) }
func (r ranking) Less(i, j int) bool { return r[j].over(r[i]) }
func (r ranking) Swap(i, j int)      { r[i], r[j] = r[j], r[i] }
func (r *ranking) Push(x any)        { *r = append(*r, x.(best)) }
func (r *ranking) Pop() any {
	last := len(*r) - 1
	x := (*r)[last]
	*r = (*r)[:last]
	return x
}

// offer takes x in if it is among the best k.
func (r *ranking) offer(x best, k int) {
	switch {
	case len(*r) < k:
		heap.Push(r, x)
	case x.over((*r)[0]):
		(*r)[0] = x
		heap.Fix(r, 0)
	}
}

// best yields, of every row of a, the k best pairs.
func (s *search) best(ctx context.Context, k int, report func(done int), yield func(Pair) bool) error {
	rankings := make([]ranking, s.a.Len())
	self := s.self()
	var locks rowLocks
	err := s.everywhere(ctx, report, func(a, b uint32, score float64) {
		locks.hold(a, func() { rankings[a].offer(best{score, b}, k) })
		if self {
			locks.hold(b, func() { rankings[b].offer(best{score, a}, k) })
		}
	})
	if err != nil {
		return err
	}
	if self {
		onceEach(rankings)
	}
	for a, r := range rankings {
		slices.SortFunc(r, func(x, y best) int {
			if x.over(y) {
				return -1
			}
			return 1
		})
		for _, x := range r {
			if !yield(Pair{a, int(x.row), x.score}) {
				return nil
			}
		}
	}
	return nil
}

// onceEach leaves every pair of a set with itself at its smaller row alone.
func onceEach(rankings []ranking) {
	kept := make([]ranking, len(rankings))
	for row, r := range rankings {
		a := uint32(row)
		for _, x := range r {
			switch {
			case a < x.row:
				kept[a] = append(kept[a], x)
			case !slices.ContainsFunc(rankings[x.row], func(y best) bool { return y.row == a }):
				kept[x.row] = append(kept[x.row], best{x.score, a})
			}
		}
	}
	copy(rankings, kept)
}
