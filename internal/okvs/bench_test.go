package okvs

import (
	"fmt"
	"testing"
)

var benchSizes = []int{1 << 14, 1 << 16, 1 << 18, 1 << 20}

// The metric slots/key is the table's length over the number of keys.
func BenchmarkEncode(b *testing.B) { benchmark(b, false) }

func BenchmarkDecode(b *testing.B) { benchmark(b, true) }

func benchmark(b *testing.B, decode bool) {
	for _, n := range benchSizes {
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) {
			l := layout(b, n, 40, 1)
			keys, values := random(2, n), random(3, n)
			table := random(4, l.Len())
			for b.Loop() {
				if decode {
					l.Decode(values, table, keys)
					continue
				}
				if _, err := l.Encode(b.Context(), keys, values); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/key")
			b.ReportMetric(float64(l.Len())/float64(n), "slots/key")
		})
	}
}
