package bloomlink

import (
	"cmp"
	"context"
	"iter"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// Pair says how alike a row of one side and a row of the other are.
type Pair struct {
	A, B  int     // indices in the slices that NewIndex was given
	Score float64 // the Dice coefficient
}

// Pairs yields every pair of a row of a and a row of b whose Dice coefficient is
// at least threshold, above 0 and at most 1. It misses none and yields no other,
// in ascending order of A, then B. An encoding without a bit is in no pair.
//
// Work starts when the sequence is ranged over, uses all cores, runs a little
// ahead of the caller, and ends when ctx does, when the caller breaks off, or with
// the last pair. An error comes once, with no pair, as the last: ErrThreshold,
// ErrEncoding if the lengths of a and b differ, or the cause of ctx.
func Pairs(ctx context.Context, a, b *Index, threshold float64) iter.Seq2[Pair, error] {
	return func(yield func(Pair, error) bool) {
		s, err := newSearch(a, b, threshold)
		if err != nil {
			yield(Pair{}, err)
			return
		}
		work, stop := context.WithCancel(ctx)
		var running sync.WaitGroup
		defer running.Wait()
		defer stop()
		for tile := range s.tiles(work, &running) {
			pairs := <-tile
			if ctx.Err() != nil {
				break // the tile may not be complete
			}
			for _, p := range pairs {
				if !yield(p, nil) {
					return
				}
			}
		}
		if ctx.Err() != nil {
			yield(Pair{}, context.Cause(ctx))
		}
	}
}

// tiles has all cores search, and hands out a promise for each tile's pairs, in
// order. The room in the channel bounds how far work runs ahead.
func (s *search) tiles(ctx context.Context, running *sync.WaitGroup) <-chan chan []Pair {
	type job struct {
		lo, hi int
		out    chan []Pair
	}
	workers := runtime.GOMAXPROCS(0)
	jobs, order := make(chan job), make(chan chan []Pair, workers)
	running.Go(func() {
		defer close(jobs)
		defer close(order)
		for lo := 0; lo < s.a.Len(); lo += tileRows {
			j := job{lo, min(lo+tileRows, s.a.Len()), make(chan []Pair, 1)}
			select {
			case jobs <- j: // before its promise, so that every promise is kept
			case <-ctx.Done():
				return
			}
			select {
			case order <- j.out:
			case <-ctx.Done():
				return
			}
		}
	})
	for range workers {
		running.Go(func() {
			for j := range jobs {
				j.out <- s.sorted(ctx, j.lo, j.hi)
			}
		})
	}
	return order
}

func (s *search) sorted(ctx context.Context, lo, hi int) []Pair {
	var pairs []Pair
	s.tile(ctx, lo, hi, func(a, b uint32, score float64) {
		pairs = append(pairs, Pair{int(a), int(b), score})
	})
	slices.SortFunc(pairs, func(p, q Pair) int {
		return cmp.Or(cmp.Compare(p.A, q.A), cmp.Compare(p.B, q.B))
	})
	return pairs
}

// mutualBest is Assign of all pairs of a search, in memory that grows with rows
// and not with pairs: owners whose rows are all alike cost time alone. It reports
// the rows of a that are done.
func (s *search) mutualBest(ctx context.Context, report func(done int)) ([]Pair, error) {
	bestA := make([]best, s.a.Len())
	bestB := make([][]best, runtime.GOMAXPROCS(0)) // one for each worker
	var next atomic.Int64
	var reporting sync.Mutex
	done := 0
	var running sync.WaitGroup
	for w := range bestB {
		running.Go(func() {
			own := make([]best, s.b.Len())
			bestB[w] = own
			for {
				lo := int(next.Add(tileRows)) - tileRows
				if lo >= s.a.Len() || ctx.Err() != nil {
					return
				}
				hi := min(lo+tileRows, s.a.Len())
				s.tile(ctx, lo, hi, func(a, b uint32, score float64) {
					bestA[a].improve(best{score, b}) // a tile is one worker's
					own[b].improve(best{score, a})
				})
				reporting.Lock()
				done += hi - lo
				report(done)
				reporting.Unlock()
			}
		})
	}
	running.Wait()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	all := bestB[0]
	for _, other := range bestB[1:] {
		for b := range other {
			all[b].improve(other[b])
		}
	}
	var pairs []Pair
	for a, m := range bestA {
		if m.score > 0 && all[m.row].row == uint32(a) {
			pairs = append(pairs, Pair{a, int(m.row), m.score})
		}
	}
	return pairs, nil
}

// best is the best partner of a row so far; score 0 means none.
type best struct {
	score float64
	row   uint32
}

func (x *best) improve(y best) {
	if y.score > x.score || y.score == x.score && y.row < x.row {
		*x = y
	}
}
