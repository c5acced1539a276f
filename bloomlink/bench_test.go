package bloomlink

import (
	"context"
	"fmt"
	"testing"
)

func BenchmarkEncode(b *testing.B) {
	e := testEncoder(b, testSchema(), 1)
	values := []string{"ludmilla", "petrosjan", "19900506"}
	for b.Loop() {
		if _, err := e.Encode(values); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

func BenchmarkIndex(b *testing.B) {
	xs := people(b, 10_000, 1)
	for b.Loop() {
		if _, err := NewIndex(xs, nil); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPairs joins two sets of n encodings of 1024 bits, half of which have a
// partner with an error or two.
func BenchmarkPairs(b *testing.B) {
	for _, n := range []int{1000, 5000} {
		x, y := testIndex(b, people(b, n, 1)), testIndex(b, people(b, n, 2))
		for _, threshold := range []float64{0.7, 0.8, 0.9} {
			b.Run(fmt.Sprintf("n=%d/t=%v", n, threshold), func(b *testing.B) {
				found := 0
				for b.Loop() {
					found = 0
					for _, err := range Pairs(context.Background(), x, y, threshold) {
						if err != nil {
							b.Fatal(err)
						}
						found++
					}
				}
				b.ReportMetric(float64(n)*float64(n)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mpairs/s")
				b.ReportMetric(float64(found), "found")
			})
		}
	}
}

func BenchmarkAssign(b *testing.B) {
	x, y := testIndex(b, people(b, 3000, 1)), testIndex(b, people(b, 3000, 2))
	pairs := collect(b, x, y, 0.6)
	for _, m := range methods {
		b.Run(fmt.Sprintf("method=%s/pairs=%d", m.name, len(pairs)), func(b *testing.B) {
			for b.Loop() {
				m.assign(pairs)
			}
		})
	}
}
