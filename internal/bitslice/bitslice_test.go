package bitslice

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// vectors returns rows of all densities, with copies of each other that differ in a
// few bits, some empty and some full.
func vectors(r *rand.Rand, n, words int) [][]uint64 {
	rows := make([][]uint64, n)
	for i := range rows {
		row := make([]uint64, words)
		switch kind := r.IntN(10); {
		case kind == 0:
		case kind == 1:
			for w := range row {
				row[w] = ^uint64(0)
			}
		case kind < 5 && i > 0:
			copy(row, rows[r.IntN(i)])
			for range r.IntN(1 + 3*words) {
				p := r.IntN(64 * words)
				row[p/64] ^= 1 << (p % 64)
			}
		default:
			density := r.Float64()
			for p := range 64 * words {
				if r.Float64() < density {
					row[p/64] |= 1 << (p % 64)
				}
			}
		}
		rows[i] = row
	}
	return rows
}

func ones(row []uint64) (n int) {
	for _, w := range row {
		n += bits.OnesCount64(w)
	}
	return n
}

// hit is a row and a lane of those that a scan found.
type hit struct{ Row, Lane int }

// misses counts, word by word, what every lane lacks of every row.
func misses(rows, lanes [][]uint64) [][]int {
	missed := make([][]int, len(rows))
	for i, x := range rows {
		missed[i] = make([]int, len(lanes))
		for lane, y := range lanes {
			for w := range y {
				missed[i][lane] += bits.OnesCount64(x[w] &^ y[w])
			}
		}
	}
	return missed
}

// brute is what a scan must find.
func brute(missed [][]int, lo, hi, budget int, among Mask) []hit {
	var hits []hit
	for row := lo; row < hi; row++ {
		for lane, n := range missed[row] {
			if n <= budget && among[lane/64]>>(lane%64)&1 == 1 {
				hits = append(hits, hit{row, lane})
			}
		}
	}
	return hits
}

// sliced makes a block of lanes, and the order of its bits.
func sliced(lanes [][]uint64, words int) ([]uint64, *Order) {
	var flat []uint64
	having := make([]uint32, 64*words)
	for _, y := range lanes {
		flat = append(flat, y...)
		for p := range having {
			having[p] += uint32(y[p/64] >> (p % 64) & 1)
		}
	}
	block := make([]uint64, BlockWords(64*words))
	Slice(block, flat, words)
	return block, NewOrder(having)
}

func collect(s *Scanner, block []uint64, l *Lists, lo, hi, set, budget int, among Mask) []hit {
	var hits []hit
	s.Scan(block, l, lo, hi, set, budget, among, func(row int, lanes *Mask) {
		for w, set := range lanes {
			for ; set != 0; set &= set - 1 {
				hits = append(hits, hit{row, 64*w + bits.TrailingZeros64(set)})
			}
		}
	})
	return hits
}

// Every tier finds what counting bit by bit finds, at budgets on both sides of what
// a narrow counter holds.
func TestScanIsBruteForce(t *testing.T) {
	for _, words := range []int{1, 3, 16, 128} {
		for _, tier := range Tiers() {
			for _, full := range []bool{false, true} {
				t.Run(fmt.Sprintf("bits=%d/tier=%v/full=%v", 64*words, tier, full), func(t *testing.T) {
					r := rand.New(rand.NewPCG(uint64(words), 1))
					s := &Scanner{Tier: tier, Full: full}
					for _, n := range []int{0, 1, 64, 65, 256} {
						lanes := vectors(r, n, words)
						block, order := sliced(lanes, words)
						rows := append(vectors(r, 10, words), lanes[:min(n, 20)]...)
						var l Lists
						l.Reset(64 * words)
						for _, row := range rows {
							l.Append(row, ones(row), order)
						}
						most, missed := 64*words, misses(rows, lanes)
						for _, budget := range []int{0, 1, 15, 16, most / 10, most / 3, 254, 255, 256, 257, 511, 512, most - 1, most} {
							if budget > most {
								continue
							}
							lo := r.IntN(len(rows))
							hi := lo + r.IntN(len(rows)-lo+1)
							among := Range(r.IntN(n+1), n)
							want := brute(missed, lo, hi, budget, among)
							got := collect(s, block, &l, lo, hi, most, budget, among)
							if !slices.Equal(want, got) {
								t.Fatalf("%d lanes, budget %d (-want +got):\n%s", n, budget, cmp.Diff(want, got))
							}
						}
					}
				})
			}
		}
	}
}

func TestRange(t *testing.T) {
	for lo := range Lanes + 1 {
		for hi := lo; hi <= Lanes; hi++ {
			m := Range(lo, hi)
			for i := range Lanes {
				if got, want := m[i/64]>>(i%64)&1 == 1, lo <= i && i < hi; got != want {
					t.Fatalf("Range(%d, %d) has lane %d: %v", lo, hi, i, got)
				}
			}
		}
	}
}

// FuzzScan compares the tiers with brute force on rows of 64 bits.
func FuzzScan(f *testing.F) {
	f.Add([]byte("a row and some lanes, eight bytes each"), []byte("of which this one is the last..."), uint16(3))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, make([]byte, 24), uint16(63))
	f.Add([]byte{}, []byte{}, uint16(0))
	f.Fuzz(func(t *testing.T, x, y []byte, budget uint16) {
		parse := func(b []byte) (rows [][]uint64) {
			for ; len(b) >= 8 && len(rows) < Lanes; b = b[8:] {
				rows = append(rows, []uint64{binary.LittleEndian.Uint64(b)})
			}
			return rows
		}
		rows, lanes := parse(x), parse(y)
		block, order := sliced(lanes, 1)
		var l Lists
		l.Reset(64)
		for _, row := range rows {
			l.Append(row, ones(row), order)
		}
		most, among := min(int(budget), 64), Range(0, len(lanes))
		want := brute(misses(rows, lanes), 0, len(rows), most, among)
		for _, tier := range Tiers() {
			got := collect(&Scanner{Tier: tier}, block, &l, 0, len(rows), 64, most, among)
			if !slices.Equal(want, got) {
				t.Fatalf("%v (-want +got):\n%s", tier, cmp.Diff(want, got))
			}
		}
	})
}

// A list holds the row's bits and no other, rarest first, and then the empty plane.
func TestLists(t *testing.T) {
	const words = 2
	having := make([]uint32, 64*words)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range having {
		having[i] = uint32(r.IntN(20))
	}
	o := NewOrder(having)
	for _, row := range vectors(r, 50, words) {
		var l Lists
		l.Reset(ones(row))
		l.Append(row, ones(row), o)
		got := make([]uint64, words)
		last := uint32(0)
		for i, offset := range l.offsets {
			bit := int(offset) / planeWords
			if i >= ones(row) {
				if bit != 64*words {
					t.Fatalf("plane %d after the last bit", bit)
				}
				continue
			}
			if having[bit] < last {
				t.Fatalf("bit %d out of order", bit)
			}
			got[bit/64] |= 1 << (bit % 64)
			last = having[bit]
		}
		if diff := cmp.Diff(row, got); diff != "" || len(l.offsets)%chunk != 0 {
			t.Fatalf("%d offsets (-want +got):\n%s", len(l.offsets), diff)
		}
	}
}

// BenchmarkScan counts every bit of rows like those of a record linkage.
func BenchmarkScan(b *testing.B) {
	const words, rows, set = 16, 256, 400
	r := rand.New(rand.NewPCG(4, 4))
	some := func() []uint64 {
		row := make([]uint64, words)
		for _, p := range r.Perm(64 * words)[:set] {
			row[p/64] |= 1 << (p % 64)
		}
		return row
	}
	lanes := make([][]uint64, Lanes)
	for i := range lanes {
		lanes[i] = some()
	}
	block, order := sliced(lanes, words)
	var l Lists
	l.Reset(set)
	for range rows {
		l.Append(some(), set, order)
	}
	for _, tier := range Tiers() {
		for _, full := range []bool{false, true} {
			b.Run(fmt.Sprintf("tier=%v/full=%v", tier, full), func(b *testing.B) {
				s := &Scanner{Tier: tier, Full: full}
				for b.Loop() {
					s.Scan(block, &l, 0, rows, set, 80, Range(0, Lanes), func(int, *Mask) {})
				}
				b.ReportMetric(rows*Lanes*float64(b.N)/b.Elapsed().Seconds(), "pairs/s")
			})
		}
	}
}
