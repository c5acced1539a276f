//go:build !purego

package aeshash

import (
	"testing"

	"github.com/comity-prl/comity/internal/gf128"
)

// assembly returns the kernels by switching the features of this machine off.
func assembly() []kernel {
	var ks []kernel
	with := func(name string, aes, vaes bool) {
		if aes && !hasAES || vaes && !hasVAES {
			return
		}
		// The features are put back before the tests go on.
		under := func(f func()) {
			oldA, oldV := hasAES, hasVAES
			defer func() { hasAES, hasVAES = oldA, oldV }()
			hasAES, hasVAES = aes, vaes
			f()
		}
		ks = append(ks, kernel{
			name:              name,
			hash:              func(k *Key, dst, src []gf128.Element) { under(func() { hash(k, dst, src) }) },
			expand:            func(l, r, parents []gf128.Element) { under(func() { expand(l, r, parents) }) },
			expandInterleaved: func(c, parents []gf128.Element) { under(func() { expandInterleaved(c, parents) }) },
			hashKeyed:         func(dst, keys, msgs []gf128.Element) { under(func() { hashKeyed(dst, keys, msgs) }) },
		})
	}
	with("none", false, false)
	with("aes", true, false)
	with("vaes", true, true)
	return ks
}

func BenchmarkKernels(b *testing.B) {
	const n = 1 << 12
	xs, ys, out := random(8, n), random(9, n), make([]gf128.Element, 2*n)
	key := NewKey([16]byte{1})
	for _, k := range append([]kernel{portable}, assembly()...) {
		for _, bm := range []struct {
			name string
			f    func()
		}{
			{"Hash", func() { k.hash(key, out[:n], xs) }},
			{"Expand", func() { k.expand(out[:n], out[n:], xs) }},
			{"ExpandInterleaved", func() { k.expandInterleaved(out, xs) }},
			{"HashKeyed", func() { k.hashKeyed(out[:n], ys, xs) }},
		} {
			b.Run(bm.name+"/kernel="+k.name, func(b *testing.B) {
				for b.Loop() {
					bm.f()
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/input")
			})
		}
	}
}
