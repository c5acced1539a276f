package bloomlink

import (
	"context"
	"fmt"
	"math/bits"
	"runtime"
	"sort"
	"sync"

	"github.com/comity-prl/comity/internal/bitslice"
)

const (
	// tileRows rows of one side at most go through the blocks of the other together,
	// so that a block that came into the cache serves them all.
	tileRows = 256

	// A small side is cut into about so many tiles, for many cores.
	tiles = 32

	// fewRows of one side are not worth blocks of their own.
	fewRows = bitslice.Lanes / 2
)

// search compares every row of a with those of b that can reach a threshold.
//
// Of two encodings the one with fewer bits may miss fewer in the other. So a search
// has two ways: the rows of a go through those blocks of b that hold as many bits or
// more, and the rows of b through those of a that hold more.
type search struct {
	a, b    *Index
	ways    []way
	measure Measure
	need    []int32  // by the sum of bits set: the least number in common
	blocked *blocked // nil: compare everything
	tier    bitslice.Tier
	full    bool // count all bits of all pairs
}

// way is rows of one side that go through the blocks of the other.
type way struct {
	rows, over *Index
	swapped    bool // the rows are b's
	partners   partners
}

// partners is what a row of a way is compared with.
type partners uint8

const (
	anyone  partners = iota
	atLeast          // as many bits set
	above            // more bits set
	later            // a later place of the same index
)

func newSearch(a, b *Index, threshold float64, m Measure) (*search, error) {
	s, err := prepare(a, b, threshold, m)
	if err != nil {
		return nil, err
	}
	switch {
	case s.a.Len() <= fewRows:
		s.ways = []way{{s.a, s.b, false, anyone}}
	case s.b.Len() <= fewRows:
		s.ways = []way{{s.b, s.a, true, anyone}}
	default:
		s.ways = []way{{s.a, s.b, false, atLeast}, {s.b, s.a, true, above}}
	}
	return s, nil
}

// newSelfSearch compares each two rows of x once.
func newSelfSearch(x *Index, threshold float64, m Measure) (*search, error) {
	s, err := prepare(x, x, threshold, m)
	if err != nil {
		return nil, err
	}
	s.ways = []way{{s.a, s.b, false, later}}
	return s, nil
}

func prepare(a, b *Index, threshold float64, m Measure) (*search, error) {
	if !validThreshold(threshold) {
		return nil, fmt.Errorf("%w: %v", ErrThreshold, threshold)
	}
	if !m.valid() {
		return nil, fmt.Errorf("%w: %v", ErrMeasure, m)
	}
	if a.config != b.config {
		return nil, fmt.Errorf("%w: the hashes begin %x and %x", ErrConfig, a.config[:4], b.config[:4])
	}
	if a.Len() == 0 || b.Len() == 0 {
		a, b = &Index{starts: make([]uint32, 2)}, &Index{} // an empty side has no length to disagree about
	}
	if a.length != b.length {
		return nil, fmt.Errorf("%w: %d bits on one side, %d on the other", ErrEncoding, a.length, b.length)
	}
	return &search{a: a, b: b, measure: m, need: m.leastCommon(a.length, threshold), tier: bitslice.Best()}, nil
}

func validThreshold(t float64) bool { return t > 0 && t <= 1 } // NaN fails too

// span is a range of places.
type span struct{ from, to int }

// span returns the places of the other side that rows from first on, all of n bits,
// are compared with and can reach the threshold with: the two have at most the
// smaller number in common (the length filter of Swamidass and Baldi, Journal of
// Chemical Information and Modeling 47(2), 2007). That bound ascends up to n bits
// and descends from there.
func (s *search) span(w *way, n, first int) span {
	reach := func(m int) bool { return min(n, m) >= int(s.need[n+m]) }
	least := n
	switch w.partners {
	case anyone:
		least = 1 + sort.Search(n-1, func(i int) bool { return reach(1 + i) })
	case above:
		least = n + 1
	}
	beyond := n + sort.Search(w.over.length-n+1, func(d int) bool { return !reach(n + d) })
	if beyond <= least {
		return span{}
	}
	from := int(w.over.starts[least])
	if w.partners == later {
		from = first + 1
	}
	return span{from, int(w.over.starts[beyond])}
}

// task is a part of a search that one goroutine does. Compare calls found for every
// pair over the threshold: the row of each side and the score. It gives up when ctx
// ends.
type task interface {
	size() int // rows
	compare(ctx context.Context, c *comparer, found func(a, b uint32, score float64))
}

// tasks returns them one at a time, and in the end nil.
func (s *search) tasks() func() task {
	if s.blocked != nil {
		return s.blocked.tasks(s)
	}
	w, next := 0, 0 // the way, and how many of its rows are in a tile
	return func() task {
		for ; w < len(s.ways); w, next = w+1, 0 {
			rows := s.ways[w].rows
			lo := int(rows.starts[1]) + next
			if lo >= rows.Len() {
				continue
			}
			hi := min(lo+min(tileRows, 1+rows.Len()/tiles), rows.Len())
			next += hi - lo
			return tile{&s.ways[w], lo, hi}
		}
		return nil
	}
}

// tile is rows of a way, by place. Those without a bit are in none.
type tile struct {
	*way
	lo, hi int
}

// self reports whether pairs are of two rows of one index.
func (s *search) self() bool { return s.ways[0].partners == later }

func (t tile) size() int { return t.hi - t.lo }

// total returns how many rows all tasks have.
func (s *search) total() int {
	if s.blocked != nil {
		return s.blocked.total(s)
	}
	n := 0
	for _, w := range s.ways {
		n += w.rows.Len() - int(w.rows.starts[1])
	}
	return n
}

// comparer is what one goroutine needs to search.
type comparer struct {
	*search
	scanner bitslice.Scanner
	lists   bitslice.Lists
	runs    []run
}

// run is rows of a tile, all with so many bits set.
type run struct {
	lo, hi, set int
	span        span
}

func (s *search) comparer() *comparer {
	return &comparer{search: s, scanner: bitslice.Scanner{Tier: s.tier, Full: s.full}}
}

func (t tile) compare(ctx context.Context, c *comparer, found func(a, b uint32, score float64)) {
	c.lists.Reset(int(t.rows.counts[t.hi-1]))
	for place := t.lo; place < t.hi; place++ {
		c.lists.Append(t.rows.at(place), int(t.rows.counts[place]), t.over.order)
	}
	reached := c.split(t)
	first, end := 0, 0
	verify := func(row int, lanes *bitslice.Mask) { c.verify(t, t.lo+row, first, lanes, found) }
	for block := reached.from / bitslice.Lanes; block*bitslice.Lanes < reached.to && ctx.Err() == nil; block++ {
		first, end = t.over.lanes(block)
		c.scanner.Next = t.over.block(min(block+1, t.over.blocks()-1))
		for _, r := range c.runs {
			from, to := max(r.span.from, first), min(r.span.to, end)
			if from >= to {
				continue
			}
			// No lane has fewer bits than the first, and so none a larger budget.
			budget := r.set - int(c.need[r.set+int(t.over.counts[from])])
			among := bitslice.Range(from-first, to-first)
			c.scanner.Scan(t.over.block(block), &c.lists, r.lo-t.lo, r.hi-t.lo, r.set, budget, among, verify)
		}
	}
}

// split cuts a tile into runs and returns the range that their spans lie in.
func (c *comparer) split(t tile) span {
	c.runs = c.runs[:0]
	var reached span
	for lo := t.lo; lo < t.hi; {
		set := int(t.rows.counts[lo])
		hi := min(int(t.rows.starts[set+1]), t.hi)
		if s := c.span(t.way, set, lo); s.from < s.to {
			if len(c.runs) == 0 {
				reached = s
			}
			reached = span{min(reached.from, s.from), max(reached.to, s.to)}
			c.runs = append(c.runs, run{lo, hi, set, s})
		}
		lo = hi
	}
	return reached
}

// verify scores a row and each of the lanes of a block that starts at place first.
func (c *comparer) verify(t tile, place, first int, lanes *bitslice.Mask, found func(a, b uint32, score float64)) {
	for w, set := range lanes {
		for ; set != 0; set &= set - 1 {
			other := first + 64*w + bits.TrailingZeros64(set)
			score, enough := c.score(t.rows, place, t.over, other)
			if !enough || t.partners == later && other <= place {
				continue
			}
			a, b := t.rows.rows[place], t.over.rows[other]
			if t.swapped || t.partners == later && b < a {
				a, b = b, a
			}
			found(a, b, score)
		}
	}
}

// score is that of place p of x and place q of y, and whether it is enough.
func (s *search) score(x *Index, p int, y *Index, q int) (score float64, enough bool) {
	n, m := int(x.counts[p]), int(y.counts[q])
	least := int(s.need[n+m])
	if min(n, m) < max(least, 1) {
		return 0, false
	}
	shared := common(x.at(p), y.at(q))
	return s.measure.score(shared, n+m, s.a.length), shared >= least
}

// everywhere has all cores search. They call found at the same time, and report, one
// at a time, with the rows that are done.
func (s *search) everywhere(ctx context.Context, report func(done int), found func(a, b uint32, score float64)) error {
	var serial sync.Mutex
	next, done := s.tasks(), 0
	var running sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		running.Go(func() {
			c := s.comparer()
			serial.Lock()
			defer serial.Unlock()
			for t := next(); t != nil && ctx.Err() == nil; t = next() {
				serial.Unlock()
				t.compare(ctx, c, found)
				serial.Lock()
				done += t.size()
				report(done)
			}
		})
	}
	running.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}
