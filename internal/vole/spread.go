package vole

import (
	"runtime"
	"sync"
)

// spread calls f for consecutive parts of [0,n), one a core.
func spread(n int, f func(lo, hi int)) {
	parts := min(n, runtime.GOMAXPROCS(0))
	var wg sync.WaitGroup
	for p := range parts {
		wg.Go(func() { f(p*n/parts, (p+1)*n/parts) })
	}
	wg.Wait()
}
