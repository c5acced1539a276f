package vole

import (
	"fmt"
	"testing"

	"github.com/comity-prl/comity/internal/ot"
	"github.com/comity-prl/comity/internal/parallel"
)

// BenchmarkPPRF grows all trees, on one side of the protocol.
func BenchmarkPPRF(b *testing.B) {
	for _, m := range []int{20771, 1344128} {
		s, err := newShape(m, nil)
		if err != nil {
			b.Fatal(err)
		}
		levels := ot.Depth(s.block)
		keys, v := make([][2]Element, levels), make([]Element, s.n)
		chosen, corrections := make([]Element, levels), make([]Element, ot.Corrections(s.block))
		for name, grow := range map[string]func(leaves []Element){
			"sender":   func(leaves []Element) { ot.BuildPPRF(leaves, keys, corrections) },
			"receiver": func(leaves []Element) { ot.EvalPPRF(leaves, 1, chosen, corrections) },
		} {
			b.Run(fmt.Sprintf("side=%s/m=%d", name, m), func(b *testing.B) {
				for b.Loop() {
					parallel.Do(s.t, func(lo, hi int) {
						for j := lo; j < hi; j++ {
							grow(v[j*s.block : (j+1)*s.block])
						}
					})
				}
				b.ReportMetric(float64(s.t*s.treeSize()*16), "wire-B")
			})
		}
	}
}

// BenchmarkEncode multiplies by the matrix, on one side: the sender's vector, or
// the receiver's two.
func BenchmarkEncode(b *testing.B) {
	const m = 1344128
	for _, weight := range []int{7, 21} {
		s, err := newShape(m, &Params{Code: Code{Weight: weight}})
		if err != nil {
			b.Fatal(err)
		}
		v, e := elements(source(1), s.n), s.newNoise()
		for name, f := range map[string]func(){
			"sender":   func() { _, _ = s.compress(v, never) },
			"receiver": func() { _, _, _ = s.compressBoth(v, e, never) },
		} {
			b.Run(fmt.Sprintf("code=%dx24/side=%s/m=%d", weight, name, m), func(b *testing.B) {
				for b.Loop() {
					f()
				}
			})
		}
	}
}

// BenchmarkConvolve and BenchmarkExpand are the two parts of it.
func BenchmarkConvolve(b *testing.B) {
	for _, width := range []int{1, 2} {
		b.Run(fmt.Sprintf("width=%d", width), func(b *testing.B) {
			s, err := newShape(1344128, nil)
			if err != nil {
				b.Fatal(err)
			}
			e := s.encoder(never)
			z := elements(source(1), width*e.tail)
			for b.Loop() {
				_ = e.convolve(z, width)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(2*e.tail), "ns/step")
		})
	}
}

func BenchmarkExpand(b *testing.B) {
	for _, width := range []int{1, 2} {
		b.Run(fmt.Sprintf("width=%d", width), func(b *testing.B) {
			s, err := newShape(1344128, nil)
			if err != nil {
				b.Fatal(err)
			}
			e := s.encoder(never)
			z, out, second := elements(source(1), width*e.tail), make([]Element, s.m), make([]Element, s.m)
			for b.Loop() {
				_ = e.expand(z, out, second)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(s.m*len(e.slots)), "ns/pick")
		})
	}
}
