package aeshash

import (
	"crypto/aes"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comity-prl/comity/internal/gf128"
)

func random(seed uint64, n int) []gf128.Element {
	r := rand.New(rand.NewPCG(seed, 0))
	xs := make([]gf128.Element, n)
	for i := range xs {
		xs[i] = gf128.Element{Lo: r.Uint64(), Hi: r.Uint64()}
	}
	return xs
}

// encrypted is AES by the standard library alone.
func encrypted(t testing.TB, key, x gf128.Element) gf128.Element {
	t.Helper()
	block, err := aes.NewCipher(key.AppendBytes(nil))
	if err != nil {
		t.Fatal(err)
	}
	buf := x.AppendBytes(nil)
	block.Encrypt(buf, buf)
	return gf128.FromBytes(buf)
}

// kernels are the implementations that this machine can run.
type kernel struct {
	name              string
	hash              func(k *Key, dst, src []gf128.Element)
	expand            func(left, right, parents []gf128.Element)
	expandInterleaved func(children, parents []gf128.Element)
	hashKeyed         func(dst, keys, msgs []gf128.Element)
}

var portable = kernel{"generic", hashGeneric, expandGeneric, expandInterleavedGeneric, hashKeyedGeneric}

func eachKernel(t *testing.T, f func(t *testing.T, k kernel)) {
	for _, k := range append([]kernel{portable}, assembly()...) {
		t.Run("kernel="+k.name, func(t *testing.T) { f(t, k) })
	}
}

// FIPS 197, appendix B and C.1.
func TestFIPS197(t *testing.T) {
	for _, v := range []struct{ key, in, out string }{
		{"2b7e151628aed2a6abf7158809cf4f3c", "3243f6a8885a308d313198a2e0370734", "3925841d02dc09fbdc118597196a0b32"},
		{"000102030405060708090a0b0c0d0e0f", "00112233445566778899aabbccddeeff", "69c4e0d86a7b0430d8cdb78070b4c55a"},
	} {
		key, in, out := unhex(t, v.key), unhex(t, v.in), unhex(t, v.out)
		want := []gf128.Element{out.Add(in)}
		eachKernel(t, func(t *testing.T, k kernel) {
			got := make([]gf128.Element, 1)
			k.hash(NewKey([16]byte(key.AppendBytes(nil))), got, []gf128.Element{in})
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("hash (-want +got):\n%s", diff)
			}
			k.hashKeyed(got, []gf128.Element{key}, []gf128.Element{in})
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("hashKeyed (-want +got):\n%s", diff)
			}
		})
	}
}

func unhex(t *testing.T, s string) gf128.Element {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return gf128.FromBytes(b)
}

// Every kernel, at lengths around every unrolling, against crypto/aes.
func TestLengths(t *testing.T) {
	const most = 40
	key := random(1, 1)[0]
	fixed := NewKey([16]byte(key.AppendBytes(nil)))
	xs, keys := random(2, most), random(3, most)
	xs[0], xs[1], keys[2] = gf128.Element{}, gf128.Element{Lo: ^uint64(0), Hi: ^uint64(0)}, gf128.Element{}
	left := unhex(t, "243f6a8885a308d313198a2e03707344")
	right := unhex(t, "a4093822299f31d0082efa98ec4e6c89")
	var hashed, lefts, rights, children, keyed []gf128.Element
	for i, x := range xs {
		hashed = append(hashed, encrypted(t, key, x).Add(x))
		lefts = append(lefts, encrypted(t, left, x).Add(x))
		rights = append(rights, encrypted(t, right, x).Add(x))
		children = append(children, lefts[i], rights[i])
		keyed = append(keyed, encrypted(t, keys[i], x).Add(x))
	}
	eachKernel(t, func(t *testing.T, k kernel) {
		check := func(what string, n int, want, got []gf128.Element) {
			t.Helper()
			// One element more than was asked for must be left alone.
			if diff := cmp.Diff(append(slices.Clone(want), guard), got); diff != "" {
				t.Fatalf("%s of %d (-want +got):\n%s", what, n, diff)
			}
		}
		for n := range most + 1 {
			got := guarded(n)
			k.hash(fixed, got[:n], xs[:n])
			check("hash", n, hashed[:n], got)
			got = append(slices.Clone(xs[:n]), guard)
			k.hash(fixed, got[:n], got[:n])
			check("hash in place", n, hashed[:n], got)

			l, r := guarded(n), guarded(n)
			k.expand(l[:n], r[:n], xs[:n])
			check("left", n, lefts[:n], l)
			check("right", n, rights[:n], r)
			l, r = append(slices.Clone(xs[:n]), guard), guarded(n)
			k.expand(l[:n], r[:n], l[:n])
			check("left in place", n, lefts[:n], l)
			check("right beside left in place", n, rights[:n], r)

			got = guarded(2 * n)
			k.expandInterleaved(got[:2*n], xs[:n])
			check("interleaved", n, children[:2*n], got)
			got = guarded(2 * n)
			copy(got, xs[:n])
			k.expandInterleaved(got[:2*n], got[:n])
			check("interleaved in place", n, children[:2*n], got)

			got = guarded(n)
			k.hashKeyed(got[:n], keys[:n], xs[:n])
			check("keyed", n, keyed[:n], got)
			got = append(slices.Clone(keys[:n]), guard)
			k.hashKeyed(got[:n], got[:n], xs[:n])
			check("keyed over keys", n, keyed[:n], got)
			got = append(slices.Clone(xs[:n]), guard)
			k.hashKeyed(got[:n], keys[:n], got[:n])
			check("keyed over messages", n, keyed[:n], got)
		}
	})
}

var guard = gf128.Element{Lo: 1, Hi: 2}

func guarded(n int) []gf128.Element {
	xs := make([]gf128.Element, n+1)
	xs[n] = guard
	return xs
}

// The exported functions pass their arguments on in order.
func TestExported(t *testing.T) {
	const n = 11
	xs, keys := random(4, n), random(5, n)
	k := NewKey([16]byte(keys[0].AppendBytes(nil)))
	got, want := make([]gf128.Element, n), make([]gf128.Element, n)
	k.Hash(got, xs)
	hashGeneric(k, want, xs)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Hash (-want +got):\n%s", diff)
	}
	HashKeyed(got, keys, xs)
	hashKeyedGeneric(want, keys, xs)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("HashKeyed (-want +got):\n%s", diff)
	}
	left, right, children := make([]gf128.Element, n), make([]gf128.Element, n), make([]gf128.Element, 2*n)
	Expand(left, right, xs)
	ExpandInterleaved(children, xs)
	for i := range xs {
		if children[2*i] != left[i] || children[2*i+1] != right[i] {
			t.Fatalf("%d: Expand and ExpandInterleaved differ", i)
		}
	}
	expandGeneric(got, want, xs)
	if diff := cmp.Diff([][]gf128.Element{got, want}, [][]gf128.Element{left, right}); diff != "" {
		t.Errorf("Expand (-want +got):\n%s", diff)
	}
}

func BenchmarkBlocks(b *testing.B) {
	const n = 1 << 12
	xs, ys, out := random(6, n), random(7, n), make([]gf128.Element, 2*n)
	k := NewKey([16]byte{1})
	for _, bm := range []struct {
		name string
		f    func()
	}{
		{"Hash", func() { k.Hash(out[:n], xs) }},
		{"Expand", func() { Expand(out[:n], out[n:], xs) }},
		{"ExpandInterleaved", func() { ExpandInterleaved(out, xs) }},
		{"HashKeyed", func() { HashKeyed(out[:n], ys, xs) }},
	} {
		b.Run(fmt.Sprintf("%s/n=%d", bm.name, n), func(b *testing.B) {
			for b.Loop() {
				bm.f()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/input")
		})
	}
}
