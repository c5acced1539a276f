//go:build !purego

package gf128

import "testing"

// assembly returns the kernels by switching the features of this machine off.
func assembly() []kernel {
	var ks []kernel
	with := func(name string, clmul, vpclmul bool) {
		if clmul && !hasCLMUL || vpclmul && !hasVPCLMUL {
			return
		}
		// The features are put back before the tests go on.
		under := func(f func()) {
			oldC, oldV := hasCLMUL, hasVPCLMUL
			defer func() { hasCLMUL, hasVPCLMUL = oldC, oldV }()
			hasCLMUL, hasVPCLMUL = clmul, vpclmul
			f()
		}
		ks = append(ks, kernel{
			name:     name,
			mul:      func(a, b Element) (p Element) { under(func() { p = Mul(a, b) }); return p },
			mulAddTo: func(dst, src []Element, k Element) { under(func() { MulAddTo(dst, src, k) }) },
			dot:      func(a, b []Element) (sum Element) { under(func() { sum = Dot(a, b) }); return sum },
			horner:   func(acc, x, c []Element) { under(func() { Horner(acc, x, c) }) },
		})
	}
	with("none", false, false)
	with("clmul", true, false)
	with("vpclmul", true, true)
	return ks
}

// Mul is the method as a function.
func Mul(a, b Element) Element { return a.Mul(b) }

func BenchmarkKernels(b *testing.B) {
	const n = 1 << 12
	x, y := random(13, n), random(14, n)
	for _, k := range append([]kernel{portable}, assembly()...) {
		b.Run("MulAddTo/kernel="+k.name, func(b *testing.B) {
			for b.Loop() {
				k.mulAddTo(x, y, y[0])
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/element")
		})
		b.Run("Dot/kernel="+k.name, func(b *testing.B) {
			for b.Loop() {
				sink = k.dot(x, y)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/element")
		})
	}
}
