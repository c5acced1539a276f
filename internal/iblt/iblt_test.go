package iblt

import (
	"crypto/aes"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var trials = flag.Int("trials", 300, "differences of each size to simulate; -trials=1000000 is the full campaign")

func hashes(r *rand.Rand, n int) []uint64 {
	out := make([]uint64, n)
	for i := range out {
		out[i] = r.Uint64()
	}
	return out
}

func difference(t testing.TB, a, b *Sketch) (n int, exact bool) {
	t.Helper()
	n, exact, err := Difference(a, b)
	if err != nil {
		t.Fatal(err)
	}
	return n, exact
}

func TestDifference(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	common := hashes(r, 5000)
	for _, test := range []struct {
		name         string
		onlyA, onlyB int
		want         int
		exact        bool
	}{
		{name: "same", want: 0, exact: true},
		{name: "one more", onlyA: 1, want: 1, exact: true},
		{name: "one less", onlyB: 1, want: 1, exact: true},
		{name: "one replaced", onlyA: 1, onlyB: 1, want: 2, exact: true},
		{name: "below capacity", onlyA: 60, onlyB: 39, want: 99, exact: true},
		{name: "twice the capacity", onlyA: 100, onlyB: 100, want: 200, exact: true},
		{name: "sizes alone", onlyA: 30000, want: 30000},
	} {
		t.Run(test.name, func(t *testing.T) {
			a, b := New(100), New(100)
			a.Add(common)
			b.Add(common)
			a.Add(hashes(r, test.onlyA))
			b.Add(hashes(r, test.onlyB))
			for _, order := range [][2]*Sketch{{a, b}, {b, a}} {
				n, exact := difference(t, order[0], order[1])
				if n != test.want || exact != test.exact {
					t.Errorf("%d, exact %v; want %d, exact %v", n, exact, test.want, test.exact)
				}
			}
		})
	}
}

// TestBound simulates differences of all sizes: what is called exact is, nothing is
// ever overstated, and differences from the capacity on are seldom taken for
// smaller ones.
func TestBound(t *testing.T) {
	for _, capacity := range []int{1, 2, 10, 48, 64, 256, MaxCapacity} {
		for _, of := range []struct{ times, by int }{{1, 2}, {1, 1}, {5, 4}, {2, 1}, {3, 1}, {13, 4}, {7, 2}, {4, 1}, {8, 1}, {100, 1}} {
			d := max(capacity*of.times/of.by, 1)
			rounds := min(*trials, *trials*1000/d+1)
			t.Run(fmt.Sprintf("capacity=%d/difference=%d", capacity, d), func(t *testing.T) {
				r := rand.New(rand.NewPCG(uint64(capacity), uint64(d)))
				small, inexact := 0, 0
				for range rounds {
					a, b := New(capacity), New(capacity)
					a.Add(hashes(r, (d+1)/2)) // of equal size, or all but: sizes give nothing away
					b.Add(hashes(r, d/2))
					n, exact := difference(t, a, b)
					if n > d || exact && n != d {
						t.Fatalf("%d, exact %v", n, exact)
					}
					if d >= capacity && n < capacity {
						small++
					}
					if !exact {
						inexact++
					}
				}
				if small*1000 > rounds {
					t.Errorf("%d of %d were taken for less than the capacity", small, rounds)
				}
				t.Logf("rounds %d, less than the capacity %d, inexact %d", rounds, small, inexact)
			})
		}
	}
}

func TestShape(t *testing.T) {
	if _, _, err := Difference(New(10), New(1000)); !errors.Is(err, ErrShape) {
		t.Errorf("%v", err)
	}
	if _, _, err := Difference(New(1), New(40)); err != nil {
		t.Errorf("both of the smallest table: %v", err)
	}
	if got, want := New(1<<30).Cells(), New(MaxCapacity).Cells(); got != want {
		t.Errorf("%d cells, want %d", got, want)
	}
	if _, _, err := Difference(New(1000), New(1000).Fresh()); err != nil {
		t.Errorf("fresh: %v", err)
	}
	if got, want := New(-1).Cells(), New(1).Cells(); got != want {
		t.Errorf("%d cells, want %d", got, want)
	}
}

func TestMarshal(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	a, b := New(100), New(100)
	common := hashes(r, 1000)
	a.Add(common)
	b.Add(common[3:])
	got, err := Parse(a.Marshal())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(a, got, cmp.AllowUnexported(Sketch{}, cell{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if n, exact := difference(t, got, b); n != 3 || !exact {
		t.Errorf("%d, exact %v", n, exact)
	}
}

// TestHash compares the hash with CBC-MAC by the standard library's AES.
func TestHash(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	key := [16]byte{1, 2, 3}
	h := NewHasher(key)
	for _, n := range []int{0, 1, batch - 1, batch, batch + 1, 3*batch + 7} {
		items := make([][32]byte, n)
		want := New(100)
		for i := range items {
			for j := range 4 {
				binary.LittleEndian.PutUint64(items[i][8*j:], r.Uint64())
			}
			want.Add([]uint64{reference(t, key, items[i])})
		}
		got := New(100)
		h.AddTo(got, slices.Values(items))
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(Sketch{}, cell{})); diff != "" {
			t.Errorf("%d items (-want +got):\n%s", n, diff)
		}
	}
}

func reference(t *testing.T, key [16]byte, item [32]byte) uint64 {
	t.Helper()
	block, err := aes.NewCipher(key[:])
	if err != nil {
		t.Fatal(err)
	}
	state, out := make([]byte, 16), make([]byte, 16)
	for half := range 2 {
		subtle.XORBytes(state, state, item[16*half:][:16])
		block.Encrypt(out, state)
		subtle.XORBytes(state, state, out)
	}
	return binary.LittleEndian.Uint64(state)
}

func FuzzParse(f *testing.F) {
	s := New(1)
	s.Add([]uint64{1, 2, 3})
	good := s.Marshal()
	f.Add(good)
	f.Add(good[:len(good)-1])
	f.Add(append([]byte{2}, good[1:]...))
	f.Add([]byte{})
	big := append([]byte(nil), good...)
	binary.BigEndian.PutUint32(big[9:], 1<<31)
	f.Add(big)
	f.Fuzz(func(t *testing.T, in []byte) {
		s, err := Parse(in)
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Fatal(err)
			}
			return
		}
		if diff := cmp.Diff(in, s.Marshal()); diff != "" {
			t.Fatalf("(-in +marshalled):\n%s", diff)
		}
		if other := New(1); other.Cells() == s.Cells() {
			if n, _ := difference(t, s, other); n < 0 {
				t.Fatalf("%d items", n)
			}
		}
	})
}

func BenchmarkSketch(b *testing.B) {
	const n = 1 << 20
	items := make([][32]byte, n)
	r := rand.New(rand.NewPCG(7, 8))
	for i := range items {
		binary.LittleEndian.PutUint64(items[i][:], r.Uint64())
		binary.LittleEndian.PutUint64(items[i][16:], r.Uint64())
	}
	h := NewHasher([16]byte{1})
	for _, capacity := range []int{10, 100, 1000, MaxCapacity} {
		b.Run(fmt.Sprintf("n=%d/capacity=%d", n, capacity), func(b *testing.B) {
			for b.Loop() {
				h.AddTo(New(capacity), slices.Values(items))
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/item")
			b.ReportMetric(float64(len(New(capacity).Marshal())), "bytes")
		})
	}
}

func BenchmarkDifference(b *testing.B) {
	r := rand.New(rand.NewPCG(9, 10))
	x, y := New(MaxCapacity), New(MaxCapacity)
	x.Add(hashes(r, MaxCapacity/2))
	y.Add(hashes(r, MaxCapacity/2))
	for b.Loop() {
		if _, _, err := Difference(x, y); err != nil {
			b.Fatal(err)
		}
	}
}
