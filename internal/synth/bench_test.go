package synth

import "testing"

func BenchmarkPerson(b *testing.B) {
	g := generator(b, 1, nil)
	for b.Loop() {
		g.Person()
	}
}

func BenchmarkDirty(b *testing.B) {
	g := generator(b, 1, nil)
	ps := people(g, 1024)
	i := 0
	for b.Loop() {
		g.Dirty(ps[i%len(ps)])
		i++
	}
}

func BenchmarkPair(b *testing.B) {
	const n = 10_000
	for b.Loop() {
		if _, err := generator(b, 1, nil).Pair(n, n, n/2); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/(2*n), "ns/record")
}
