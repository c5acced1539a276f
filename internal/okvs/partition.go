package okvs

import (
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/comity-prl/comity/internal/gf128"
)

// batch is how many keys are hashed and decoded at a time.
const batch = 64

// partition orders keys by bin, so that work on them stays within a bin's part of
// the table: over all of a large table, every access would miss the caches. What
// belongs to a bin's keys is fetched before the work on it, and goes back after it,
// in ascending order of memory.
type partition struct {
	order  []uint32 // indices of keys, those of a bin side by side
	starts []int    // where the bins begin in order, and where the last ends
}

func (l *Layout) partition(keys []gf128.Element) *partition {
	p := &partition{order: make([]uint32, len(keys)), starts: make([]int, l.bins+1)}
	bins := make([]uint16, len(keys))
	next := make([][]int, workers(len(keys))) // by worker and bin: where its next key goes
	spread(len(keys), len(next), func(w, from, to int) {
		var buf [batch]gf128.Element
		counts := make([]int, l.bins)
		for ; from < to; from += batch {
			hashes := buf[:min(batch, to-from)]
			l.hash.Hash(hashes, keys[from:from+len(hashes)])
			for i, h := range hashes {
				b := l.bin(h)
				bins[from+i] = uint16(b)
				counts[b]++
			}
		}
		next[w] = counts
	})
	at := 0
	for b := range l.bins {
		p.starts[b] = at
		for _, counts := range next {
			counts[b], at = at, at+counts[b]
		}
	}
	p.starts[l.bins] = at
	spread(len(keys), len(next), func(w, from, to int) {
		at := next[w]
		for i := from; i < to; i++ {
			b := bins[i]
			p.order[at[b]] = uint32(i)
			at[b]++
		}
	})
	return p
}

// bin returns the indices of bin b's keys.
func (p *partition) bin(b int) []uint32 { return p.order[p.starts[b]:p.starts[b+1]] }

// largest returns the largest number of keys in a bin.
func (p *partition) largest() int {
	n := 0
	for b := range len(p.starts) - 1 {
		n = max(n, len(p.bin(b)))
	}
	return n
}

// gather sets dst[i] to xs[order[i]].
func gather(dst, xs []gf128.Element, order []uint32) {
	for i, at := range order {
		dst[i] = xs[at]
	}
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
