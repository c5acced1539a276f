// Command gf128_asm writes the assembly of package gf128 for amd64.
//
// A product of two elements is three or four carry-less products of 64-bit words.
// VPCLMULQDQ's immediate picks the words: bit 0 the high one of the second
// operand below, bit 4 the high one of the first. The 256-bit forms work on two
// elements at once.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

func main() {
	ConstraintExpr("!purego")
	cpuid7()
	mul()
	for _, w := range []width{narrow, wide} {
		mulAddTo(w)
		dot(w)
		horner(w)
	}
	Generate()
}

// width is a vector register's: how many elements it holds.
type width struct {
	name     string
	needs    string
	elements int
	reg      func() VecVirtual
}

var (
	narrow = width{"CLMUL", "PCLMULQDQ and AVX", 1, XMM}
	wide   = width{"VPCLMUL", "VPCLMULQDQ and AVX2", 2, YMM}
)

// part is the part of a register of any width that w works on.
func (w width) part(v VecVirtual) VecVirtual {
	if w.elements == 1 {
		return v.AsX().(VecVirtual)
	}
	return v
}

func cpuid7() {
	TEXT("cpuid7", NOSPLIT, "func() (ecx uint32)")
	Doc("cpuid7 returns the flags in ECX of CPUID's leaf 7.")
	MOVL(U32(7), EAX)
	XORL(ECX, ECX)
	CPUID()
	Store(ECX, ReturnIndex(0))
	RET()
}

// fold leaves in dst the 128 bits of the low word products lo, the middle ones mid
// (weight x^64) and the high ones hi (weight x^128), reduced. hi may be nil. It
// spoils mid and hi.
func fold(reg func() VecVirtual, dst, lo, mid, hi, poly VecVirtual) {
	t := reg()
	if hi != nil {
		// x^192 is 0x87·x^64: the top word joins the middle.
		VPCLMULQDQ(U8(0x01), poly, hi, t)
		VPXOR(t, mid, mid)
		// What the middle holds above x^128 joins the high word.
		VPUNPCKHQDQ(mid, mid, t)
		VPXOR(t, hi, hi)
		VPCLMULQDQ(U8(0x00), poly, hi, t)
	} else {
		VPCLMULQDQ(U8(0x01), poly, mid, t)
	}
	VPSLLDQ(U8(8), mid, mid)
	VPXOR(lo, mid, dst)
	VPXOR(t, dst, dst)
}

func loadPoly() VecVirtual {
	poly, t := XMM(), GP64()
	MOVQ(U64(0x87), t)
	VMOVQ(t, poly)
	return poly
}

// loadPolys fills all lanes with the polynomial.
func loadPolys(w width) VecVirtual {
	x := loadPoly()
	if w.elements == 1 {
		return x
	}
	poly := YMM()
	VINSERTI128(U8(1), x, x.AsY(), poly)
	return poly
}

func loadPair(first string) VecVirtual {
	v := XMM()
	VMOVQ(Load(Param(first+"Lo"), GP64()), v)
	VPINSRQ(U8(1), Load(Param(first+"Hi"), GP64()), v, v)
	return v
}

func returnPair(v VecVirtual) {
	t := GP64()
	VMOVQ(v, t)
	Store(t, ReturnIndex(0))
	u := GP64()
	VPEXTRQ(U8(1), v, u)
	Store(u, ReturnIndex(1))
	RET()
}

// multiply leaves the word products of a and b in lo, mid and hi.
func multiply(w width, a, b VecVirtual) (lo, mid, hi VecVirtual) {
	lo, mid, hi = w.reg(), w.reg(), w.reg()
	t := w.reg()
	VPCLMULQDQ(U8(0x00), b, a, lo)
	VPCLMULQDQ(U8(0x11), b, a, hi)
	VPCLMULQDQ(U8(0x01), b, a, mid)
	VPCLMULQDQ(U8(0x10), b, a, t)
	VPXOR(t, mid, mid)
	return lo, mid, hi
}

func mul() {
	TEXT("mulCLMUL", NOSPLIT, "func(aLo, aHi, bLo, bHi uint64) (lo, hi uint64)")
	Doc("mulCLMUL multiplies a by b. It needs PCLMULQDQ and AVX.")
	poly := loadPoly()
	a, b := loadPair("a"), loadPair("b")
	lo, mid, hi := multiply(narrow, a, b)
	fold(XMM, lo, lo, mid, hi, poly)
	returnPair(lo)
}

// each runs body over n elements: full registers first, then single elements.
// The pointers advance with it.
func each(w width, n Register, pointers []Register, body func(w width)) {
	step := func(w width, label, next string) {
		Label(label)
		CMPQ(n, U8(w.elements))
		JB(LabelRef(next))
		body(w)
		for _, p := range pointers {
			ADDQ(U8(16*w.elements), p)
		}
		SUBQ(U8(w.elements), n)
		JMP(LabelRef(label))
	}
	if w.elements > 1 {
		step(w, "wide", "single")
	}
	step(narrow, "single", "done")
	Label("done")
}

func mulAddTo(w width) {
	TEXT("mulAddTo"+w.name, NOSPLIT, "func(dst, src *uint64, n int, k *[4]uint64)")
	Pragma("noescape")
	Doc("mulAddTo"+w.name+" adds src·k to dst, both of n elements. k holds the factor and the",
		"factor times x^64, which makes the product 192 bits long. It needs "+w.needs+".")
	dst, src := Load(Param("dst"), GP64()), Load(Param("src"), GP64())
	n, k := Load(Param("n"), GP64()), Load(Param("k"), GP64())
	poly, k0, k1 := loadPolys(w), w.reg(), w.reg()
	if w.elements > 1 {
		VBROADCASTI128(Mem{Base: k}, k0)
		VBROADCASTI128(Mem{Base: k, Disp: 16}, k1)
	} else {
		VMOVDQU(Mem{Base: k}, k0)
		VMOVDQU(Mem{Base: k, Disp: 16}, k1)
	}
	each(w, n, []Register{dst, src}, func(now width) {
		// The registers of the wide loop serve the single elements by their halves.
		as := now.part
		s, lo, mid, t := now.reg(), now.reg(), now.reg(), now.reg()
		VMOVDQU(Mem{Base: src}, s)
		VPCLMULQDQ(U8(0x00), as(k0), s, lo)
		VPCLMULQDQ(U8(0x01), as(k1), s, t)
		VPXOR(t, lo, lo)
		VPCLMULQDQ(U8(0x10), as(k0), s, mid)
		VPCLMULQDQ(U8(0x11), as(k1), s, t)
		VPXOR(t, mid, mid)
		fold(now.reg, lo, lo, mid, nil, as(poly))
		VPXOR(Mem{Base: dst}, lo, lo)
		VMOVDQU(lo, Mem{Base: dst})
	})
	if w.elements > 1 {
		VZEROUPPER()
	}
	RET()
}

func dot(w width) {
	TEXT("dot"+w.name, NOSPLIT, "func(a, b *uint64, n int) (lo, hi uint64)")
	Pragma("noescape")
	Doc("dot"+w.name+" returns the sum of the products of n elements, reduced once.", "It needs "+w.needs+".")
	aPtr, bPtr, n := Load(Param("a"), GP64()), Load(Param("b"), GP64()), Load(Param("n"), GP64())
	lo, mid, hi := w.reg(), w.reg(), w.reg()
	for _, v := range []VecVirtual{lo, mid, hi} {
		VPXOR(v, v, v)
	}
	each(w, n, []Register{aPtr, bPtr}, func(now width) {
		a, b, t, u := now.reg(), now.reg(), now.reg(), now.reg()
		add := func(v VecVirtual) {
			if now.elements == 1 && w.elements > 1 {
				// A 128-bit instruction would clear the upper half of the sum.
				VPXOR(t.AsY(), v, v)
				return
			}
			VPXOR(t, v, v)
		}
		VMOVDQU(Mem{Base: aPtr}, a)
		VMOVDQU(Mem{Base: bPtr}, b)
		VPCLMULQDQ(U8(0x00), b, a, t)
		add(lo)
		VPCLMULQDQ(U8(0x11), b, a, t)
		add(hi)
		// Karatsuba: the middle is (aLo + aHi)(bLo + bHi) less lo and hi.
		VPSHUFD(U8(0x4e), a, t)
		VPSHUFD(U8(0x4e), b, u)
		VPXOR(a, t, t)
		VPXOR(b, u, u)
		VPCLMULQDQ(U8(0x00), u, t, t)
		add(mid)
	})
	x := map[VecVirtual]VecVirtual{}
	for _, v := range []VecVirtual{lo, mid, hi} {
		x[v] = v.AsX().(VecVirtual)
		if w.elements > 1 {
			t := XMM()
			VEXTRACTI128(U8(1), v, t)
			VPXOR(t, x[v], x[v])
		}
	}
	if w.elements > 1 {
		VZEROUPPER()
	}
	VPXOR(x[lo], x[mid], x[mid])
	VPXOR(x[hi], x[mid], x[mid])
	fold(XMM, x[lo], x[lo], x[mid], x[hi], loadPoly())
	returnPair(x[lo])
}

func horner(w width) {
	TEXT("horner"+w.name, NOSPLIT, "func(acc, x, c *uint64, n int)")
	Pragma("noescape")
	Doc("horner" + w.name + " sets n elements of acc to acc·x + c. It needs " + w.needs + ".")
	acc, x := Load(Param("acc"), GP64()), Load(Param("x"), GP64())
	c, n := Load(Param("c"), GP64()), Load(Param("n"), GP64())
	poly := loadPolys(w)
	each(w, n, []Register{acc, x, c}, func(now width) {
		a, b := now.reg(), now.reg()
		VMOVDQU(Mem{Base: acc}, a)
		VMOVDQU(Mem{Base: x}, b)
		lo, mid, hi := multiply(now, a, b)
		fold(now.reg, lo, lo, mid, hi, now.part(poly))
		VPXOR(Mem{Base: c}, lo, lo)
		VMOVDQU(lo, Mem{Base: acc})
	})
	if w.elements > 1 {
		VZEROUPPER()
	}
	RET()
}
