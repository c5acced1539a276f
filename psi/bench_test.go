package psi_test

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/comity-prl/comity/internal/wire/wiretest"
	"github.com/comity-prl/comity/psi"
)

// BenchmarkECDH runs both parties in one process, over loopback, half of the
// items shared. wire-B/item counts both directions.
func BenchmarkECDH(b *testing.B) {
	for _, s := range []struct {
		name  string
		suite psi.Suite
	}{{"ristretto255", psi.ECDHRistretto255()}, {"p256", psi.ECDHP256()}} {
		for _, n := range []int{1 << 12, 1 << 16} {
			b.Run(fmt.Sprintf("suite=%s/n=%d", s.name, n), func(b *testing.B) { benchmark(b, s.suite, n) })
		}
	}
}

// BenchmarkCardinality does the same for a count.
func BenchmarkCardinality(b *testing.B) {
	const n = 1 << 12
	receiver, sender := psi.NewSet(items(0, n), binding), psi.NewSet(items(n/2, n/2+n), binding)
	for b.Loop() {
		r, w := wiretest.Loopback(b)
		c := countOver(context.Background(), r, w, countParams(nil), countParams(nil), receiver, sender)
		if c.errR != nil || c.errS != nil || c.count.N != n/2 {
			b.Fatal(c.count, c.errR, c.errS)
		}
	}
}

// BenchmarkVOLE and BenchmarkVOLEMalicious do the same for the fast suites.
func BenchmarkVOLE(b *testing.B) {
	for _, n := range []int{1 << 14, 1 << 16, 1 << 20, 1 << 22} {
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) { benchmark(b, psi.VOLE(), n) })
	}
}

func BenchmarkVOLEMalicious(b *testing.B) {
	for _, n := range []int{1 << 14, 1 << 16, 1 << 20, 1 << 22} {
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) { benchmark(b, psi.VOLEMalicious(), n) })
	}
}

// BenchmarkVOLE7x24 runs the code that the paper's authors measure, for comparison.
func BenchmarkVOLE7x24(b *testing.B) {
	for _, n := range []int{1 << 14, 1 << 16, 1 << 20, 1 << 22} {
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) { benchmark(b, psi.VOLE7x24(), n) })
	}
}

func benchmark(b *testing.B, s psi.Suite, n int) {
	receiver, sender := psi.NewSet(items(0, n), binding), psi.NewSet(items(n/2, n/2+n), binding)
	var sent atomic.Int64
	for b.Loop() {
		b.StopTimer()
		runtime.GC() // a run begins without what an earlier one left behind
		b.StartTimer()
		r, w := wiretest.Loopback(b)
		done := make(chan error, 1)
		go func() {
			_, err := psi.Send(context.Background(), wiretest.Counted{Conn: w, Bytes: &sent}, params(s), sender)
			done <- err
		}()
		res, err := psi.Receive(context.Background(), wiretest.Counted{Conn: r, Bytes: &sent}, params(s), receiver)
		if err != nil {
			b.Fatal(err)
		}
		if err := <-done; err != nil {
			b.Fatal(err)
		}
		if res.Len() != n/2 {
			b.Fatalf("%d matches, want %d", res.Len(), n/2)
		}
		r.Close()
		w.Close()
	}
	b.ReportMetric(float64(sent.Load())/float64(b.N)/float64(n), "wire-B/item")
}
