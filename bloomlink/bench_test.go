package bloomlink

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"github.com/comity-prl/comity/internal/bitslice"
	"github.com/comity-prl/comity/internal/parallel"
	"github.com/comity-prl/comity/internal/synth"
)

var million = flag.Bool("million", false, "run the benchmarks of a million rows a side")

// BenchmarkEncode encodes the records of FEBRL, eight fields each, on all cores.
func BenchmarkEncode(b *testing.B) {
	records := readTable(b, "febrl4_a.csv").values(febrlColumns...)
	for _, kind := range []struct {
		name string
		e    *Encoder
	}{
		{"hardened", hardenedEncoder(b, febrlSchema(), 1, Hardened())},
		{"plain", testEncoder(b, febrlSchema(), 1)},
		{"clkhash", clkEncoder(b, febrlCLKSchema, "horse staple battery")},
	} {
		b.Run("kind="+kind.name, func(b *testing.B) {
			bits := 0
			for b.Loop() {
				xs, err := kind.e.EncodeAll(b.Context(), records)
				if err != nil {
					b.Fatal(err)
				}
				bits = xs[0].Count()
			}
			b.ReportMetric(float64(b.N*len(records))/b.Elapsed().Seconds(), "records/s")
			b.ReportMetric(float64(bits), "bits-set")
		})
	}
}

func BenchmarkIndex(b *testing.B) {
	xs := people(b, 10_000, 1)
	for b.Loop() {
		if _, err := NewIndex(xs, nil); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPairs joins two files of n synthetic people, of whom half are on both, as
// encodings of 1024 bits. With -cpu 1 one core works.
func BenchmarkPairs(b *testing.B) {
	for _, tier := range bitslice.Tiers() {
		for _, n := range []int{10_000, 100_000} {
			for _, threshold := range []float64{0.70, 0.80, 0.85, 0.90} {
				b.Run(fmt.Sprintf("tier=%v/n=%d/t=%.2f", tier, n, threshold), func(b *testing.B) {
					benchmarkJoin(b, n, threshold, func(s *search) { s.tier = tier })
				})
			}
		}
	}
}

// BenchmarkMillion joins two files of a million once, and says how much memory the
// process has taken.
func BenchmarkMillion(b *testing.B) {
	if !*million {
		b.Skip("takes minutes: run with -million -benchtime 1x")
	}
	b.Run("n=1000000/t=0.80", func(b *testing.B) {
		debug.SetMemoryLimit(1900 << 20)
		benchmarkJoin(b, 1_000_000, 0.8, func(*search) {})
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		b.ReportMetric(float64(m.Sys)/(1<<20), "MiB")
	})
}

// BenchmarkSearch looks for one encoding at a time, on one core.
func BenchmarkSearch(b *testing.B) {
	sizes := []int{100_000}
	if *million {
		sizes = append(sizes, 1_000_000)
	}
	for _, n := range sizes {
		x, y := files(b, n)
		queries := y.encodings()
		rand.New(rand.NewPCG(1, 1)).Shuffle(n, func(i, j int) { queries[i], queries[j] = queries[j], queries[i] })
		blocks, err := NewBlocks(x, &Blocking{Tables: 32})
		if err != nil {
			b.Fatal(err)
		}
		for _, m := range []struct {
			name   string
			search func(Encoding) ([]Neighbour, error)
		}{
			{"exact", func(e Encoding) ([]Neighbour, error) { return x.Search(b.Context(), e, 0.8, nil) }},
			{"blocks", func(e Encoding) ([]Neighbour, error) { return blocks.Search(b.Context(), e, nil, 0.8, nil) }},
		} {
			b.Run(fmt.Sprintf("by=%s/n=%d/t=0.80", m.name, n), func(b *testing.B) {
				i, found := 0, 0
				for b.Loop() {
					hits, err := m.search(queries[i%n])
					if err != nil {
						b.Fatal(err)
					}
					found += len(hits)
					i++
				}
				b.ReportMetric(float64(found)/float64(i), "found/op")
			})
		}
	}
}

// BenchmarkBlocking joins by sampled keys, and says what it misses.
func BenchmarkBlocking(b *testing.B) {
	const n = 100_000
	for _, tables := range []int{16, 32} {
		b.Run(fmt.Sprintf("tables=%d/n=%d/t=0.80", tables, n), func(b *testing.B) {
			x, y := files(b, n)
			var report BlockingReport
			o := &JoinOptions{Blocking: &Blocking{Tables: tables, Report: func(r BlockingReport) { report = r }}}
			for b.Loop() {
				joined(b, x, y, 0.8, o)
			}
			c, err := MeasureBlocking(b.Context(), x, y, 0.8, o, 2000)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(c.Ratio(), "completeness")
			b.ReportMetric(report.ReductionRatio(), "reduction")
			b.ReportMetric(float64(report.Split), "split")
		})
	}
}

// BenchmarkFullCount counts all bits of all pairs, whether they still decide or not.
func BenchmarkFullCount(b *testing.B) {
	for _, tier := range bitslice.Tiers() {
		b.Run(fmt.Sprintf("tier=%v/n=20000/t=0.80", tier), func(b *testing.B) {
			benchmarkJoin(b, 20_000, 0.8, func(s *search) { s.tier, s.full = tier, true })
		})
	}
}

// BenchmarkBruteForce counts the bits in common word by word.
func BenchmarkBruteForce(b *testing.B) {
	const n = 5000
	x, y := files(b, n)
	var counts []int
	for _, e := range y.encodings() {
		counts = append(counts, e.Count())
	}
	found := 0
	for b.Loop() {
		found = 0
		for _, e := range x.encodings() {
			count := e.Count()
			for i, f := range y.encodings() {
				if dice(common(e, f), count+counts[i]) >= 0.8 {
					found++
				}
			}
		}
	}
	b.ReportMetric(n*n*float64(b.N)/b.Elapsed().Seconds(), "pairs/s")
	b.ReportMetric(float64(found), "found")
}

func benchmarkJoin(b *testing.B, n int, threshold float64, change func(*search)) {
	x, y := files(b, n)
	found := 0
	for b.Loop() {
		s, err := newSearch(x, y, threshold, MeasureDice)
		if err != nil {
			b.Fatal(err)
		}
		change(s)
		found = 0
		err = s.stream(b.Context(), func(int) {}, func(Pair) bool { found++; return true })
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(n)*float64(n)*float64(b.N)/b.Elapsed().Seconds(), "pairs/s")
	b.ReportMetric(float64(found), "found")
}

// encodings returns those of an index, in ascending order of bits set.
func (x *Index) encodings() []Encoding {
	xs := make([]Encoding, x.Len())
	for p := range xs {
		xs[p] = x.at(p)
	}
	return xs
}

var (
	filesOf   = map[int][2]*Index{}
	encodedOf = []string{"given_name", "family_name", "birth_date", "sex", "street", "street_number", "postcode", "city"}
)

// files returns the indexes of two files of n synthetic people, which it keeps.
func files(b *testing.B, n int) (x, y *Index) {
	b.Helper()
	if _, made := filesOf[n]; !made {
		const most = 100_000 // people in memory
		var xs, ys []Encoding
		for seed := n; len(xs) < n; seed++ {
			g, err := synth.New(uint64(seed), nil)
			if err != nil {
				b.Fatal(err)
			}
			some := min(n-len(xs), most)
			p, err := g.Pair(some, some, some/2)
			if err != nil {
				b.Fatal(err)
			}
			xs, ys = append(xs, synthetic(b, p.A)...), append(ys, synthetic(b, p.B)...)
		}
		clear(filesOf)
		x := testIndex(b, xs)
		xs = nil
		filesOf[n] = [2]*Index{x, testIndex(b, ys)}
		b.Logf("n=%d: %.0f bits set on average", n, meanCount(x))
	}
	return filesOf[n][0], filesOf[n][1]
}

func meanCount(x *Index) float64 {
	sum := 0
	for _, n := range x.counts {
		sum += int(n)
	}
	return float64(sum) / float64(x.Len())
}

// synthetic encodes people by name, birth, sex and address: 400 bits on average.
func synthetic(t testing.TB, people []synth.Person) []Encoding {
	t.Helper()
	schema := &Schema{Length: 1024}
	var columns []int
	for i, name := range synth.Fields {
		if slices.Contains(encodedOf, name) {
			schema.Features = append(schema.Features, Feature{Name: name, Q: 2, Bits: 8})
			columns = append(columns, i)
		}
	}
	e := testEncoder(t, schema, 1)
	xs := make([]Encoding, len(people))
	err := parallel.Spread(len(people), func(lo, hi int) error {
		for i := lo; i < hi; i++ {
			values, all := make([]string, 0, len(columns)), people[i].Values()
			for _, c := range columns {
				values = append(values, strings.ToLower(all[c]))
			}
			var err error
			if xs[i], err = e.Encode(values); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return xs
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
