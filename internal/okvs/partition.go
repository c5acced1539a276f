package okvs

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/comity-prl/comity/internal/gf128"
)

// batch is how many keys are hashed and decoded at a time.
const batch = 64

// partition sorts keys by bin, so that work on them stays within a bin's part of
// the table: over all of a large table, every access would miss the caches. Going
// through the keys in order, a bin's places follow one another. Thus whatever
// belongs to the keys moves in and out along one stream a bin.
type partition struct {
	bins   []uint16        // of the keys in order
	places [][]int         // by worker and bin: where the first of that worker's keys goes
	starts []int           // where the bins begin, and where the last ends
	hashes []gf128.Element // of the keys, sorted
}

func (l *Layout) partition(keys []gf128.Element) *partition {
	p := &partition{
		bins:   make([]uint16, len(keys)),
		places: make([][]int, workers(len(keys))),
		starts: make([]int, l.bins+1),
		hashes: make([]gf128.Element, len(keys)),
	}
	for w := range p.places {
		p.places[w] = make([]int, l.bins)
	}
	p.each(func(w, from, to int, _ []int) {
		var buf [batch]gf128.Element
		counts := p.places[w]
		for ; from < to; from += batch {
			hashes := buf[:min(batch, to-from)]
			l.hash.Hash(hashes, keys[from:from+len(hashes)])
			for i, h := range hashes {
				b := l.bin(h)
				p.bins[from+i] = uint16(b)
				counts[b]++
			}
		}
	})
	at := 0
	for b := range l.bins {
		p.starts[b] = at
		for _, counts := range p.places {
			counts[b], at = at, at+counts[b]
		}
	}
	p.starts[l.bins] = at
	// To hash again costs less than to keep the hashes in both orders.
	p.each(func(_, from, to int, next []int) {
		var buf [batch]gf128.Element
		for ; from < to; from += batch {
			hashes := buf[:min(batch, to-from)]
			l.hash.Hash(hashes, keys[from:from+len(hashes)])
			for i, b := range p.bins[from : from+len(hashes)] {
				p.hashes[next[b]] = hashes[i]
				next[b]++
			}
		}
	})
	return p
}

// sorted returns what belongs to the keys in the order of hashes.
func (p *partition) sorted(xs []gf128.Element) []gf128.Element {
	out := make([]gf128.Element, len(xs))
	p.each(func(_, from, to int, next []int) {
		for i, b := range p.bins[from:to] {
			out[next[b]] = xs[from+i]
			next[b]++
		}
	})
	return out
}

// unsort writes what belongs to the hashes to dst in the order of the keys.
func (p *partition) unsort(dst, xs []gf128.Element) {
	p.each(func(_, from, to int, next []int) {
		for i, b := range p.bins[from:to] {
			dst[from+i] = xs[next[b]]
			next[b]++
		}
	})
}

// bin is bin b's part of xs, which is in the order of hashes.
func (p *partition) bin(xs []gf128.Element, b int) []gf128.Element {
	return xs[p.starts[b]:p.starts[b+1]]
}

// each calls f side by side for the parts of the keys, with a copy of the places
// where their keys go.
func (p *partition) each(f func(w, from, to int, next []int)) {
	spread(len(p.bins), len(p.places), func(w, from, to int) { f(w, from, to, slices.Clone(p.places[w])) })
}

// workers is how many goroutines n keys are worth.
func workers(n int) int { return max(1, min(runtime.GOMAXPROCS(0), n/batch)) }

// spread calls f side by side for consecutive parts of [0,n).
func spread(n, parts int, f func(w, from, to int)) {
	var wg sync.WaitGroup
	for w := range parts {
		wg.Go(func() { f(w, w*n/parts, (w+1)*n/parts) })
	}
	wg.Wait()
}

// eachBin returns an iterator over the bins, of which every one is handed to one
// of the goroutines that share it.
func (l *Layout) eachBin() func(yield func(b int) bool) {
	var next atomic.Int64
	return func(yield func(b int) bool) {
		for {
			b := int(next.Add(1)) - 1
			if b >= l.bins || !yield(b) {
				return
			}
		}
	}
}
