//go:build !purego

package gf128

import "golang.org/x/sys/cpu"

// hasCLMUL is what the 128-bit kernels need, hasVPCLMUL the 256-bit ones. For
// VPCLMULQDQ x/sys asks that the processor has AVX-512 too, which it need not.
var (
	hasCLMUL   = cpu.X86.HasPCLMULQDQ && cpu.X86.HasAVX
	hasVPCLMUL = hasCLMUL && cpu.X86.HasAVX2 && cpuid7()>>10&1 == 1
)

func mul(a, b Element) Element {
	if !hasCLMUL {
		return mulGeneric(a, b)
	}
	lo, hi := mulCLMUL(a.Lo, a.Hi, b.Lo, b.Hi)
	return Element{lo, hi}
}

func mulAddTo(dst, src []Element, k Element) {
	switch {
	case len(dst) == 0:
	case hasVPCLMUL:
		mulAddToVPCLMUL(&dst[0].Lo, &src[0].Lo, len(dst), factor(k))
	case hasCLMUL:
		mulAddToCLMUL(&dst[0].Lo, &src[0].Lo, len(dst), factor(k))
	default:
		mulAddToGeneric(dst, src, k)
	}
}

// factor returns k and k·x^64.
func factor(k Element) *[4]uint64 {
	shifted := k.Mul(Element{Hi: 1})
	return &[4]uint64{k.Lo, k.Hi, shifted.Lo, shifted.Hi}
}

func dot(a, b []Element) Element {
	var sum Element
	switch {
	case len(a) == 0:
	case hasVPCLMUL:
		sum.Lo, sum.Hi = dotVPCLMUL(&a[0].Lo, &b[0].Lo, len(a))
	case hasCLMUL:
		sum.Lo, sum.Hi = dotCLMUL(&a[0].Lo, &b[0].Lo, len(a))
	default:
		sum = dotGeneric(a, b)
	}
	return sum
}

func horner(acc, x, c []Element) {
	switch {
	case len(acc) == 0:
	case hasVPCLMUL:
		hornerVPCLMUL(&acc[0].Lo, &x[0].Lo, &c[0].Lo, len(acc))
	case hasCLMUL:
		hornerCLMUL(&acc[0].Lo, &x[0].Lo, &c[0].Lo, len(acc))
	default:
		hornerGeneric(acc, x, c)
	}
}
