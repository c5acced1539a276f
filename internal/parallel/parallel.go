// Package parallel shares work among cores.
package parallel

import (
	"context"
	"runtime"

	"golang.org/x/sync/errgroup"
)

// Spread calls f for consecutive parts of [0,n), one a core, and returns the first
// error.
func Spread(n int, f func(lo, hi int) error) error {
	parts := min(n, runtime.GOMAXPROCS(0))
	var g errgroup.Group
	for p := range parts {
		g.Go(func() error { return f(p*n/parts, (p+1)*n/parts) })
	}
	return g.Wait()
}

// Do is Spread for work that cannot fail.
func Do(n int, f func(lo, hi int)) {
	_ = Spread(n, func(lo, hi int) error {
		f(lo, hi)
		return nil
	})
}

// Each calls f for each of [0,n), at most limit at a time, and returns the first
// error, which also ends the context of the others.
func Each(ctx context.Context, n, limit int, f func(ctx context.Context, i int) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(limit)
	for i := range n {
		g.Go(func() error {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return f(ctx, i)
		})
	}
	return g.Wait()
}
