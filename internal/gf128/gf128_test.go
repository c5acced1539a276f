package gf128

import (
	"encoding/binary"
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// edges are where carries, folds and Karatsuba's middle term are likely to err.
var edges = []Element{
	{}, {Lo: 1}, {Lo: 2}, {Lo: 1 << 63}, {Hi: 1}, {Hi: 1 << 63}, {Hi: 1 << 62}, {Hi: 1 << 57}, {Hi: 1 << 56},
	{Lo: ^uint64(0)}, {Hi: ^uint64(0)}, {^uint64(0), ^uint64(0)}, {Lo: 0x87}, {0x8888888888888888, 0x1111111111111111},
}

func random(seed uint64, n int) []Element {
	r := rand.New(rand.NewPCG(seed, 0))
	xs := make([]Element, n)
	for i := range xs {
		xs[i] = Element{r.Uint64(), r.Uint64()}
	}
	return xs
}

// cases are pairs of elements: all edges with each other, and random ones.
func cases() (as, bs []Element) {
	for _, a := range edges {
		for _, b := range edges {
			as, bs = append(as, a), append(bs, b)
		}
	}
	return append(as, random(1, 500)...), append(bs, random(2, 500)...)
}

// schoolbook multiplies bit by bit and divides with remainder.
func schoolbook(a, b Element) Element {
	toInt := func(e Element) *big.Int {
		n := new(big.Int).SetUint64(e.Hi)
		return n.Lsh(n, 64).Or(n, new(big.Int).SetUint64(e.Lo))
	}
	x, p := toInt(a), new(big.Int)
	for i, y := 0, toInt(b); i < y.BitLen(); i++ {
		if y.Bit(i) == 1 {
			p.Xor(p, new(big.Int).Lsh(x, uint(i)))
		}
	}
	m := new(big.Int).SetBit(big.NewInt(0x87), 128, 1)
	for p.BitLen() > 128 {
		p.Xor(p, new(big.Int).Lsh(m, uint(p.BitLen()-129)))
	}
	var out [Size]byte
	p.FillBytes(out[:])
	return Element{binary.BigEndian.Uint64(out[8:]), binary.BigEndian.Uint64(out[:])}
}

// kernels are the implementations that this machine can run.
type kernel struct {
	name     string
	mul      func(a, b Element) Element
	mulAddTo func(dst, src []Element, k Element)
	dot      func(a, b []Element) Element
	horner   func(acc, x, c []Element)
}

var portable = kernel{"generic", mulGeneric, mulAddToGeneric, dotGeneric, hornerGeneric}

func eachKernel(t *testing.T, f func(t *testing.T, k kernel)) {
	for _, k := range append([]kernel{portable}, assembly()...) {
		t.Run("kernel="+k.name, func(t *testing.T) { f(t, k) })
	}
}

func TestMul(t *testing.T) {
	as, bs := cases()
	eachKernel(t, func(t *testing.T, k kernel) {
		for i := range as {
			if diff := cmp.Diff(schoolbook(as[i], bs[i]), k.mul(as[i], bs[i])); diff != "" {
				t.Fatalf("%x · %x (-schoolbook +got):\n%s", as[i], bs[i], diff)
			}
		}
	})
}

// Lengths around every unrolling, at offsets that are not aligned to 32 bytes.
func TestVectors(t *testing.T) {
	as, bs := cases()
	eachKernel(t, func(t *testing.T, k kernel) {
		for n := range 41 {
			at := n % 3
			a, b, x := as[at:at+n], bs[at:at+n], bs[at+n]
			want := slices.Clone(b)
			var sum Element
			for i := range a {
				want[i] = b[i].Add(schoolbook(a[i], x))
				sum = sum.Add(schoolbook(a[i], b[i]))
			}
			got := slices.Clone(bs)
			k.mulAddTo(got[at:at+n], a, x)
			if diff := cmp.Diff(slices.Concat(bs[:at], want, bs[at+n:]), got); diff != "" {
				t.Fatalf("mulAddTo of %d (-want +got):\n%s", n, diff)
			}
			got = slices.Clone(bs)
			k.horner(got[at:at+n], a, as[at+n:at+2*n])
			for i := range want {
				want[i] = schoolbook(bs[at+i], a[i]).Add(as[at+n+i])
			}
			if diff := cmp.Diff(slices.Concat(bs[:at], want, bs[at+n:]), got); diff != "" {
				t.Fatalf("horner of %d (-want +got):\n%s", n, diff)
			}
			if diff := cmp.Diff(sum, k.dot(a, b)); diff != "" {
				t.Fatalf("dot of %d (-want +got):\n%s", n, diff)
			}
		}
	})
}

// A vector may be multiplied onto itself.
func TestMulAddToItself(t *testing.T) {
	eachKernel(t, func(t *testing.T, k kernel) {
		xs := random(3, 37)
		want := slices.Clone(xs)
		for i, x := range xs {
			want[i] = x.Add(schoolbook(x, edges[9]))
		}
		k.mulAddTo(xs, xs, edges[9])
		if diff := cmp.Diff(want, xs); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestFieldAxioms(t *testing.T) {
	as, bs := cases()
	one := Element{Lo: 1}
	for i, c := range random(4, len(as)) {
		a, b := as[i], bs[i]
		switch {
		case a.Mul(b) != b.Mul(a):
			t.Fatalf("%x and %x do not commute", a, b)
		case a.Mul(b).Mul(c) != a.Mul(b.Mul(c)):
			t.Fatalf("%x, %x and %x do not associate", a, b, c)
		case a.Add(b).Mul(c) != a.Mul(c).Add(b.Mul(c)):
			t.Fatalf("%x, %x and %x do not distribute", a, b, c)
		case a.Mul(one) != a:
			t.Fatalf("1 · %x is not itself", a)
		case !a.Add(a).IsZero() || a.IsZero() != (a == Element{}):
			t.Fatalf("%x − %x is not zero", a, a)
		case !a.IsZero() && a.Mul(a.Inv()) != one:
			t.Fatalf("%x has no inverse", a)
		}
	}
	if !(Element{}).Inv().IsZero() {
		t.Error("the inverse of zero is not zero")
	}
}

func TestAddTo(t *testing.T) {
	for n := range 41 {
		a, b := random(5, n), random(6, n)
		want := make([]Element, n)
		for i := range want {
			want[i] = a[i].Add(b[i])
		}
		AddTo(a, b)
		if diff := cmp.Diff(want, a); diff != "" {
			t.Fatalf("%d (-want +got):\n%s", n, diff)
		}
	}
}

func TestDotPowers(t *testing.T) {
	chi := random(7, 1)[0]
	for _, n := range []int{0, 1, 2, 127, 128, 129, 255, 256, 257, 1000} {
		xs := random(8, n)
		var want Element
		power := chi
		for _, x := range xs {
			want = want.Add(schoolbook(power, x))
			power = schoolbook(power, chi)
		}
		if got := DotPowers(xs, chi); got != want {
			t.Errorf("%d: got %x, want %x", n, got, want)
		}
	}
}

func TestBytes(t *testing.T) {
	e := Element{0x0706050403020100, 0x0f0e0d0c0b0a0908}
	b := e.AppendBytes([]byte{99})
	if diff := cmp.Diff([]byte{99, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, b); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
	if got := FromBytes(b[1:]); got != e {
		t.Errorf("FromBytes: %x, want %x", got, e)
	}
	for n := range 10 {
		xs := random(9, n)
		buf := make([]byte, Size*n+1)
		Encode(buf, xs)
		got := make([]Element, n)
		Decode(got, buf)
		if diff := cmp.Diff(xs, got); diff != "" {
			t.Errorf("%d (-want +got):\n%s", n, diff)
		}
		for i, x := range xs {
			if diff := cmp.Diff(x.AppendBytes(nil), buf[Size*i:Size*i+Size]); diff != "" {
				t.Errorf("%d of %d (-AppendBytes +Encode):\n%s", i, n, diff)
			}
		}
	}
}

var sink Element

// BenchmarkMul is a chain of dependent products: it measures latency.
func BenchmarkMul(b *testing.B) {
	x := random(10, 1)[0]
	for b.Loop() {
		x = x.Mul(x)
	}
	sink = x
}

func BenchmarkVectors(b *testing.B) {
	const n = 1 << 12
	x, y := random(11, n), random(12, n)
	src, dst := make([]byte, Size*n), make([]Element, n)
	for _, bm := range []struct {
		name string
		f    func()
	}{
		{"AddTo", func() { AddTo(x, y) }},
		{"MulAddTo", func() { MulAddTo(x, y, y[0]) }},
		{"Dot", func() { sink = Dot(x, y) }},
		{"Horner", func() { Horner(dst, x, y) }},
		{"DotPowers", func() { sink = DotPowers(x, y[0]) }},
		{"Encode", func() { Encode(src, x) }},
		{"Decode", func() { Decode(dst, src) }},
	} {
		b.Run(fmt.Sprintf("%s/n=%d", bm.name, n), func(b *testing.B) {
			for b.Loop() {
				bm.f()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/element")
		})
	}
}

func TestTimesXAndMasked(t *testing.T) {
	x := Element{Lo: 2}
	for _, a := range []Element{{}, {Lo: 1}, {Hi: 1 << 63}, {Lo: 1 << 63, Hi: 5}, {Lo: 0x123456789abcdef0, Hi: 0xfedcba9876543210}} {
		if got, want := a.TimesX(), a.Mul(x); got != want {
			t.Errorf("%x·x is %x, want %x", a, got, want)
		}
		if a.Masked(1) != a || !a.Masked(0).IsZero() {
			t.Errorf("%x is not kept by 1 and dropped by 0", a)
		}
	}
}
