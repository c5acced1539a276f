package bloomlink

import (
	"context"
	"iter"
	"runtime"
	"sync"
)

// Pair says how alike a row of one side and a row of the other are.
type Pair struct {
	A, B  int     // indices in the slices that NewIndex was given
	Score float64 // from 0 to 1: the Dice coefficient, unless another Measure was asked for
}

// JoinOptions change what Join and Duplicates look for.
type JoinOptions struct {
	// Measure is what the threshold is of. The zero value is Dice.
	Measure Measure
	// Best, if not 0, keeps no more than so many pairs of a row of a: those of the
	// highest score and, among equals, of the smallest B. Memory then grows with
	// Best times the rows of a, and pairs come in ascending order of A and the best
	// first. Of Duplicates it keeps a pair that is among the best of either row.
	Best int
	// Blocking, if set, restricts the join to some pairs. Without it none is missed.
	Blocking *Blocking
	// Progress, if set, is called as work proceeds, by one goroutine at a time.
	Progress func(Progress)
}

// Pairs is Join by the Dice coefficient.
func Pairs(ctx context.Context, a, b *Index, threshold float64) iter.Seq2[Pair, error] {
	return Join(ctx, a, b, threshold, nil)
}

// Join yields every pair of a row of a and a row of b whose score is at least
// threshold, above 0 and at most 1. It misses none and yields no other, each once,
// in an order that depends on a, b and the threshold alone. An encoding without a
// bit is in no pair.
//
// Work starts when the sequence is ranged over, uses all cores, runs a little
// ahead of the caller in bounded memory, and ends when ctx does, when the caller
// breaks off, or with the last pair. An error comes once, with no pair, as the last:
// ErrThreshold, ErrMeasure, ErrConfig if those of a and b differ, ErrEncoding if
// their lengths do, or the cause of ctx.
func Join(ctx context.Context, a, b *Index, threshold float64, o *JoinOptions) iter.Seq2[Pair, error] {
	return join(ctx, o, func(m Measure) (*search, error) { return newSearch(a, b, threshold, m) })
}

// Duplicates is Join of x with itself, but for the pair of a row and itself, and
// with each other pair once: A is less than B.
func Duplicates(ctx context.Context, x *Index, threshold float64, o *JoinOptions) iter.Seq2[Pair, error] {
	return join(ctx, o, func(m Measure) (*search, error) { return newSelfSearch(x, threshold, m) })
}

func join(ctx context.Context, o *JoinOptions, start func(Measure) (*search, error)) iter.Seq2[Pair, error] {
	if o == nil {
		o = &JoinOptions{}
	}
	return func(yield func(Pair, error) bool) {
		s, err := start(o.Measure)
		if err != nil {
			yield(Pair{}, err)
			return
		}
		if o.Blocking != nil && s.a.Len() > 0 {
			if s.blocked, err = newBlocked(o.Blocking, s); err != nil {
				yield(Pair{}, err)
				return
			}
		}
		progress := &reporter{f: o.Progress}
		report := func(done int) { progress.report("compare", done, s.total()) }
		stopped := false
		pass := func(p Pair) bool {
			stopped = !yield(p, nil)
			return !stopped
		}
		if o.Best > 0 {
			err = s.best(ctx, o.Best, report, pass)
		} else {
			err = s.stream(ctx, report, pass)
		}
		switch {
		case err != nil:
			yield(Pair{}, err)
		case !stopped && s.blocked != nil && s.blocked.Report != nil:
			s.blocked.Report(s.blocked.report)
		}
	}
}

// batchPairs is how many pairs pass from one goroutine to another together.
const batchPairs = 1024

// stream yields pairs task by task. It returns the cause of ctx if that has ended.
func (s *search) stream(ctx context.Context, report func(done int), yield func(Pair) bool) error {
	work, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	done := 0
	for o := range s.outputs(work, &running) {
		for batch := range o.pairs {
			for _, p := range batch {
				if !yield(p) {
					return nil
				}
			}
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
		}
		if ctx.Err() != nil {
			break // the task may not be complete
		}
		done += o.size()
		report(done)
	}
	return context.Cause(ctx)
}

// output is a task and where its pairs come out.
type output struct {
	task
	pairs chan []Pair // closed after the last
}

// outputs has all cores search, and returns the tasks in order. The room in the
// channels bounds how far work runs ahead.
func (s *search) outputs(ctx context.Context, running *sync.WaitGroup) <-chan output {
	workers := runtime.GOMAXPROCS(0)
	jobs, order := make(chan output), make(chan output, 2*workers)
	running.Go(func() {
		defer close(jobs)
		defer close(order)
		next := s.tasks()
		for t := next(); t != nil; t = next() {
			o := output{t, make(chan []Pair, 2)}
			for _, out := range []chan output{jobs, order} { // a worker first, so that every channel is closed
				select {
				case out <- o:
				case <-ctx.Done():
					return
				}
			}
		}
	})
	for range workers {
		running.Go(func() {
			c := s.comparer()
			for o := range jobs {
				c.output(ctx, o)
			}
		})
	}
	return order
}

func (c *comparer) output(ctx context.Context, o output) {
	defer close(o.pairs)
	var batch []Pair
	flush := func() {
		select {
		case o.pairs <- batch:
		case <-ctx.Done():
		}
		batch = nil
	}
	o.compare(ctx, c, func(a, b uint32, score float64) {
		batch = append(batch, Pair{int(a), int(b), score})
		if len(batch) == batchPairs {
			flush()
		}
	})
	if len(batch) > 0 {
		flush()
	}
}
