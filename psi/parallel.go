package psi

import (
	"runtime"
	"sync"

	"golang.org/x/sync/errgroup"
)

// spread calls f for consecutive parts of [0,n), one a core, and returns the
// first error.
func spread(n int, f func(lo, hi int) error) error {
	parts := min(n, runtime.GOMAXPROCS(0))
	var g errgroup.Group
	for p := range parts {
		g.Go(func() error { return f(p*n/parts, (p+1)*n/parts) })
	}
	return g.Wait()
}

// reporter passes progress on, one call at a time.
type reporter struct {
	mu sync.Mutex
	f  func(Progress)
}

func newReporter(f func(Progress)) *reporter { return &reporter{f: f} }

func (r *reporter) report(step string, done, total int) {
	if r.f == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.f(Progress{Step: step, Done: done, Total: total})
}
