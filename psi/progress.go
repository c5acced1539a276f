package psi

import "sync"

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
