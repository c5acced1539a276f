package vole

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"math/bits"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comity-prl/comity/internal/gf128"
)

// reference multiplies v by the matrix as the code is defined, step by step and by
// pushing each z_k to those after it. c multiplies by the code's constant.
func reference(e *encoder, v []Element, c func(Element) Element) []Element {
	v = append([]Element(nil), v...)
	z := v[e.m:]
	for pass := range 2 {
		buf := make([]Element, (e.tail+taps)/4+1)
		words(e.streams[pass], buf, 0, 0)
		for i := range z {
			for j := 1; j <= taps; j++ {
				if word(buf, i+j)>>(j-1)&1 == 1 {
					z[(i+j)%e.tail] = z[(i+j)%e.tail].Add(z[i])
				}
			}
			last := &z[(i+taps+1)%e.tail]
			*last = c(last.Add(z[i]))
		}
	}
	buf := make([]Element, (e.m+3)/4)
	for _, s := range e.slots {
		words(e.streams[2], buf, 0, s.number)
		for i := range e.m {
			v[i] = v[i].Add(z[s.start+at(word(buf, i), s.count)])
		}
	}
	return v[:e.m]
}

func constant(e Element) Element { return e.Mul(Element{Lo: 2}) }
func one(e Element) Element      { return e }

func testShape(t testing.TB, m, weight int) *shape {
	t.Helper()
	s, err := newShape(m, &Params{Code: Code{Weight: weight}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Both sides' ways of multiplying are the matrix of the definition.
func TestCompress(t *testing.T) {
	for _, m := range []int{1, 5, 100, 513, 4200, 9001} {
		for _, weight := range []int{2, 3, 7, 21} {
			t.Run(fmt.Sprintf("m=%d/weight=%d", m, weight), func(t *testing.T) {
				s := testShape(t, m, weight)
				v, e := elements(source(byte(m)), s.n), s.newNoise()
				sparse := make([]Element, s.n)
				for j, y := range e.values {
					sparse[s.place(e, j)] = y
				}
				wantV, wantE := reference(s.encoder(never), v, constant), reference(s.encoder(never), sparse, constant)
				a, cc, err := s.compressBoth(append([]Element(nil), v...), e, never)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(wantV, cc); diff != "" {
					t.Fatalf("first of two (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(wantE, a); diff != "" {
					t.Fatalf("second of two (-want +got):\n%s", diff)
				}
				alone, err := s.compress(v, never)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(wantV, alone); diff != "" {
					t.Fatalf("alone (-want +got):\n%s", diff)
				}
			})
		}
	}
}

// Each loop gives up when asked to: stop lets so many batches pass.
func TestStop(t *testing.T) {
	s := testShape(t, 140_000, 21)
	v, gone := make([]Element, s.n), errors.New("gone")
	for _, batches := range []int64{0, 1, 40, 90, 300, 700} {
		var asked atomic.Int64
		stop := func() error {
			if asked.Add(1) > batches {
				return gone
			}
			return nil
		}
		if _, err := s.compress(v, stop); err != gone {
			t.Errorf("alone, after %d batches: %v", batches, err)
		}
		if n := asked.Load() - batches; n < 1 || n > int64(runtime.GOMAXPROCS(0)) {
			t.Errorf("alone, after %d batches: went on for %d", batches, n)
		}
		asked.Store(0)
		if _, _, err := s.compressBoth(v, s.newNoise(), stop); err != gone {
			t.Errorf("both, after %d batches: %v", batches, err)
		}
	}
}

// Sorting picks by window does not change what the expander does, whatever room
// there is.
func TestWindows(t *testing.T) {
	e := testShape(t, 140_000, 21).encoder(never)
	out := elements(source(9), tile+5)
	for width := 1; width <= 2; width++ {
		tail := elements(source(8), width*e.tail)
		add := func(x *expander) (a, b []Element) {
			a = slices.Clone(out)
			if width == 2 {
				b = slices.Clone(out)
			}
			if err := x.add(batch, a, b); err != nil {
				t.Fatal(err)
			}
			return a, b
		}
		x := newExpander(e, tail, width)
		x.records = nil
		wantA, wantB := add(x)
		for _, room := range []uint64{batch, batch + 1, 3 * batch, 10 * tile} {
			x := newExpander(e, tail, width)
			x.allot(room)
			if a, b := add(x); !slices.Equal(wantA, a) || !slices.Equal(wantB, b) {
				t.Errorf("width %d, room for %d: not the sum in order", width, room)
			}
		}
	}
}

// The assembly and the portable kernels agree.
func TestKernels(t *testing.T) {
	s := testShape(t, 700, 21)
	e := s.encoder(never)
	buf := elements(source(11), batch/4)
	for width := 1; width <= 2; width++ {
		for _, n := range []int{1, 2, 3, 17, 300} {
			want := elements(source(12), width*e.tail)
			got := append([]Element(nil), want...)
			convolveGeneric(want, width, head, n, buf)
			convolve(got, width, head, n, buf)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("convolve, width %d, n %d (-generic +got):\n%s", width, n, diff)
			}
			for _, count := range []int{1, 100, e.tail} {
				a, b := elements(source(13), n), elements(source(14), n)
				if width == 1 {
					b = nil
				}
				x, y := slices.Clone(a), slices.Clone(b)
				rows := want[:count*width]
				pickGeneric(a, b, rows, buf)
				pick(x, y, rows, buf)
				if diff := cmp.Diff(a, x) + cmp.Diff(b, y); diff != "" {
					t.Fatalf("pick, width %d, n %d among %d (-generic +got):\n%s", width, n, count, diff)
				}
				records := make([]uint32, n)
				r := source(15)
				for i := range records {
					records[i] = uint32(r.IntN(n)<<windowBits | r.IntN(count))
				}
				flushGeneric(a, b, rows, records)
				flush(x, y, rows, want, records)
				if diff := cmp.Diff(a, x) + cmp.Diff(b, y); diff != "" {
					t.Fatalf("flush, width %d, n %d among %d (-generic +got):\n%s", width, n, count, diff)
				}
			}
		}
	}
	for _, count := range []int{1, window, window + 1, 5*window - 3} {
		for _, n := range []int{1, 2, 1000} {
			a, b := make([]uint32, 5*n), make([]uint32, 5*n)
			starts := []uint64{0, uint64(n), uint64(2 * n), uint64(3 * n), uint64(4 * n)}
			endsA, endsB := slices.Clone(starts), slices.Clone(starts)
			scatterGeneric(a, endsA, count, buf, tile-n, n)
			scatter(b, endsB, count, buf, tile-n, n)
			if diff := cmp.Diff(a, b) + cmp.Diff(endsA, endsB); diff != "" {
				t.Fatalf("scatter, n %d among %d (-generic +got):\n%s", n, count, diff)
			}
		}
	}
}

// The code's constant is in no proper subfield: the largest is GF(2^64), the roots
// of x^(2^64) = x, and it contains all others.
func TestConstant(t *testing.T) {
	power := Element{Lo: 1}.TimesX()
	if power != constant(Element{Lo: 1}) {
		t.Fatal("TimesX does not multiply by x")
	}
	for range 64 {
		power = power.Mul(power)
	}
	if power == (Element{Lo: 1}).TimesX() {
		t.Error("x^(2^64) = x")
	}
	for _, e := range elements(source(15), 100) {
		if e.TimesX() != constant(e) {
			t.Fatal("TimesX does not multiply by x")
		}
	}
}

func TestNoise(t *testing.T) {
	for _, m := range []int{1, 64, 65, 1000, 1344128} {
		s := testShape(t, m, 0)
		if s.n < 2*m || s.n != s.t*s.block || s.t != 128 || s.n-m < 256 || s.n > max(2*m+s.t, 512) {
			t.Errorf("m=%d: %d blocks of %d for length %d", m, s.t, s.block, s.n)
		}
		seen := map[int]bool{}
		for range 20 {
			e := s.newNoise()
			if len(e.points) != s.t || len(e.values) != s.t {
				t.Fatalf("%d points, %d values", len(e.points), len(e.values))
			}
			for j, p := range e.points {
				if p < 0 || p >= s.block || e.values[j].IsZero() {
					t.Fatalf("m=%d: point %d of a block of %d", m, p, s.block)
				}
				seen[p] = true
			}
		}
		if s.block < 20 && len(seen) != s.block {
			t.Errorf("m=%d: %d points of %d are ever taken", m, len(seen), s.block)
		}
	}
}

// space is a space of vectors over GF(2) in echelon form, by leading bit.
type space map[int][]uint64

// reduce subtracts from v what is in the space; it returns v's leading bit, or -1 if
// nothing is left.
func (s space) reduce(v []uint64) int {
	for i := 0; i < len(v); {
		if v[i] == 0 {
			i++
			continue
		}
		lead := 64*i + bits.TrailingZeros64(v[i])
		row, ok := s[lead]
		if !ok {
			return lead
		}
		for j := i; j < len(v); j++ {
			v[j] ^= row[j]
		}
	}
	return -1
}

// plane returns bit p of each element as a vector over GF(2).
func plane(xs []Element, p int) []uint64 {
	v := make([]uint64, (len(xs)+63)/64)
	for i, x := range xs {
		w := x.Lo
		if p >= 64 {
			w = x.Hi
		}
		v[i/64] |= w >> (p % 64) & 1 << (i % 64)
	}
	return v
}

// attack guesses the noise's positions from the product a alone: the columns that
// have a bit plane in the span of a's. It returns the dimension of the span too.
func attack(a []Element, columns [][]Element) (found []int, rank int) {
	span := space{}
	for p := range 128 {
		v := plane(a, p)
		if lead := span.reduce(v); lead >= 0 {
			span[lead] = v
		}
	}
	for j, column := range columns {
		for p := range 128 {
			v := plane(column, p)
			if zero := (space{}).reduce(v) < 0; !zero && span.reduce(v) < 0 {
				found = append(found, j)
				break
			}
		}
	}
	return found, len(span)
}

// TestRank runs the attack of bit planes on one support on the code, where it must
// find nothing, and on the same code without its constant, where it must find
// everything: else the attack, not the code, would be at fault.
func TestRank(t *testing.T) {
	const m = 256
	for _, weight := range []int{7, 21} {
		s := testShape(t, m, weight)
		enc := s.encoder(never)
		for name, c := range map[string]func(Element) Element{"field": constant, "binary": one} {
			columns := make([][]Element, s.n)
			for j := range columns {
				unit := make([]Element, s.n)
				unit[j] = Element{Lo: 1}
				columns[j] = reference(enc, unit, c)
			}
			// Fewer values than planes, so that the planes of a binary code span all
			// columns; and very few, which ought to be easier still.
			for _, values := range []int{120, 16} {
				t.Run(fmt.Sprintf("weight=%d/%s/values=%d", weight, name, values), func(t *testing.T) {
					r := source(byte(values))
					noise := make([]Element, s.n)
					var places []int
					for j := range values {
						p := j*s.n/values + r.IntN(s.n/values)
						noise[p] = elements(r, 1)[0]
						places = append(places, p)
					}
					found, rank := attack(reference(enc, noise, c), columns)
					if name == "binary" {
						if diff := cmp.Diff(places, found); diff != "" || rank != values {
							t.Errorf("the attack does not work: rank %d (-noise +found):\n%s", rank, diff)
						}
						return
					}
					if len(found) != 0 || rank != 128 {
						t.Errorf("found %d positions; rank %d", len(found), rank)
					}
				})
			}
		}
	}
}

// A column of the tail has planes of so many powers of c that an attacker gains
// nothing by erasing positions: see Code.
func TestPlanes(t *testing.T) {
	for _, m := range []int{130, 256} {
		s := testShape(t, m, 7)
		enc := s.encoder(never)
		least := 128
		for j := m; j < s.n; j++ {
			unit := make([]Element, s.n)
			unit[j] = Element{Lo: 1}
			_, rank := attack(reference(enc, unit, constant), nil)
			least = min(least, rank)
		}
		if least < 12 {
			t.Errorf("m=%d: a position of the tail has planes of rank %d", m, least)
		}
	}
}

// The matrix is what both sides must agree on: it does not change from one version
// to the next.
func TestMatrixIsFixed(t *testing.T) {
	for _, tt := range []struct {
		m, weight int
		want      string
	}{
		{1000, 7, "2ffeb9e140742fa372def533f44c6045"},
		{1000, 21, "37c2034416efba04171b50123eb05658"},
		{150_000, 21, "3fddf707214b43a4d01b8b1148a24338"},
	} {
		s := testShape(t, tt.m, tt.weight)
		out, err := s.compress(elements(source(42), s.n), never)
		if err != nil {
			t.Fatal(err)
		}
		b := make([]byte, len(out)*gf128.Size)
		gf128.Encode(b, out)
		if got := fmt.Sprintf("%x", sha256.Sum256(b))[:32]; got != tt.want {
			t.Errorf("m=%d, weight %d: %s, want %s", tt.m, tt.weight, got, tt.want)
		}
	}
}
