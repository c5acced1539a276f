// Command vole_asm writes the assembly of package vole for amd64: the convolution
// and the expander, for rows of one element of 128 bits and of two.
package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// taps is the number of random taps; one step further back is one that is always on.
const taps = 24

// windowBits is the logarithm of the number of rows in a window of the expander.
const windowBits = 16

func main() {
	ConstraintExpr("!purego")
	carries := GLOBL("carries", RODATA|NOPTR)
	for lane := range 2 {
		for i, w := range []uint32{0x87, 0, 1, 0} {
			DATA(16*lane+4*i, U32(w))
		}
	}
	for _, w := range []width{{"One", 16, XMM}, {"Two", 32, YMM}} {
		convolve(w, carries)
		pick(w)
		flush(w)
	}
	scatter()
	Generate()
}

// width is that of a row.
type width struct {
	name string
	size int
	reg  func() VecVirtual
}

// scale is the logarithm of the size.
func (w width) scale() Op {
	if w.size == 16 {
		return U8(4)
	}
	return U8(5)
}

func convolve(w width, carries Mem) {
	TEXT("convolve"+w.name+"AVX2", NOSPLIT, "func(z *uint64, words *uint64, n int)")
	Doc(fmt.Sprintf("convolve%sAVX2 is n steps over rows of %d bytes, n > 0. z is 25 rows before the", w.name, w.size),
		"first of them. Bit j-1 of a 32-bit word is for the row j before. It requires AVX2.")
	z, words, n := Load(Param("z"), GP64()), Load(Param("words"), GP64()), Load(Param("n"), GP64())
	row := func(back int) Mem { return Mem{Base: z, Disp: (taps + 1 - back) * w.size} }
	carry, zero, last := w.reg(), w.reg(), w.reg()
	VMOVDQU(carries, carry)
	VPXOR(zero, zero, zero)
	VMOVDQU(row(1), last)

	Label("loop")
	// The row times x: both words shift, and each one's top bit goes into the other
	// one's place, the upper word's as the modulus' low bits.
	sum, top := w.reg(), w.reg()
	VMOVDQU(row(0), sum)
	VPXOR(row(taps+1), sum, sum)
	VPSHUFD(U8(0x13), sum, top)
	VPSRAD(U8(31), top, top)
	VPAND(carry, top, top)
	VPADDQ(sum, sum, sum)
	VPXOR(top, sum, sum)
	// The sign bit of each 32-bit lane of bits says whether the next row counts.
	bits := w.reg()
	VPBROADCASTD(Mem{Base: words}, bits)
	VPSLLD(U8(32-taps), bits, bits)
	sums := []VecVirtual{sum, w.reg(), w.reg()}
	for back := taps; back >= 2; back-- {
		s := sums[back%3]
		if back > taps-2 {
			s = sums[taps-back+1]
			VBLENDVPS(bits, row(back), zero, s)
		} else {
			chosen := w.reg()
			VBLENDVPS(bits, row(back), zero, chosen)
			VPXOR(chosen, s, s)
		}
		VPADDD(bits, bits, bits)
	}
	VPXOR(sums[1], sum, sum)
	VPXOR(sums[2], sum, sum)
	VBLENDVPS(bits, last, zero, last)
	VPXOR(sum, last, last)
	VMOVDQU(last, row(0))
	ADDQ(U8(w.size), z)
	ADDQ(U8(4), words)
	DECQ(n)
	JNE(LabelRef("loop"))
	VZEROUPPER()
	RET()
}

// add adds a row of the tail to one of each output.
func (w width) add(row Mem, outs ...Mem) {
	for lane, out := range outs {
		sum := XMM()
		row.Disp = 16 * lane
		VMOVDQU(row, sum)
		VPXOR(out, sum, sum)
		VMOVDQU(sum, out)
	}
}

// outputs is what a function says of its outputs, and loads them.
func (w width) outputs() string {
	if w.size == 32 {
		return "out *uint64, second *uint64"
	}
	return "out *uint64"
}

func (w width) loadOutputs() []Register {
	outs := []Register{Load(Param("out"), GP64())}
	if w.size == 32 {
		outs = append(outs, Load(Param("second"), GP64()))
	}
	return outs
}

func pick(w width) {
	TEXT("pick"+w.name+"AVX2", NOSPLIT, "func("+w.outputs()+", rows *uint64, count int, words *uint64, n int)")
	Doc(fmt.Sprintf("pick%sAVX2 adds to each of n > 0 outputs a row of %d bytes that a 32-bit word chooses", w.name, w.size),
		"among count. It requires AVX2.")
	outs := w.loadOutputs()
	rows, count := Load(Param("rows"), GP64()), Load(Param("count"), GP64())
	words, n := Load(Param("words"), GP64()), Load(Param("n"), GP64())
	Label("loop")
	at := GP64()
	MOVL(Mem{Base: words}, at.As32())
	IMULQ(count, at)
	SHRQ(U8(32), at)
	SHLQ(w.scale(), at)
	var mems []Mem
	for _, out := range outs {
		mems = append(mems, Mem{Base: out})
	}
	w.add(Mem{Base: rows, Index: at, Scale: 1}, mems...)
	ADDQ(U8(4), words)
	for _, out := range outs {
		ADDQ(U8(16), out)
	}
	DECQ(n)
	JNE(LabelRef("loop"))
	RET()
}

func scatter() {
	TEXT("scatterAsm", NOSPLIT, "func(records *uint32, ends *uint64, count int, words *uint64, first int, n int)")
	Doc("scatterAsm sorts n > 0 picks among count rows, for outputs from first on, by the row's",
		"upper bits. A record is the output and the row's lower bits. ends holds, for each",
		"of the upper bits' values, where in records the next one goes.")
	records, ends, count := Load(Param("records"), GP64()), Load(Param("ends"), GP64()), Load(Param("count"), GP64())
	words, output, n := Load(Param("words"), GP64()), GP64(), Load(Param("n"), GP64())
	Load(Param("first"), output)
	SHLQ(U8(windowBits), output)
	Label("loop")
	at, record, end := GP64(), GP64(), GP64()
	MOVL(Mem{Base: words}, at.As32())
	IMULQ(count, at)
	SHRQ(U8(32), at)
	MOVL(at.As32(), record.As32())
	ANDL(U32(1<<windowBits-1), record.As32())
	ORL(output.As32(), record.As32())
	SHRQ(U8(windowBits), at)
	MOVQ(Mem{Base: ends, Index: at, Scale: 8}, end)
	MOVL(record.As32(), Mem{Base: records, Index: end, Scale: 4})
	INCQ(end)
	MOVQ(end, Mem{Base: ends, Index: at, Scale: 8})
	ADDQ(U8(4), words)
	ADDQ(U32(1<<windowBits), output)
	DECQ(n)
	JNE(LabelRef("loop"))
	RET()
}

func flush(w width) {
	TEXT("flush"+w.name+"AVX2", NOSPLIT, "func("+w.outputs()+", rows *uint64, records *uint32, n int, next *uint64, step int)")
	Doc(fmt.Sprintf("flush%sAVX2 adds the rows, of %d bytes, of n > 0 records to their outputs. On the way", w.name, w.size),
		"it fetches the next window into the cache, step bytes a record. It requires AVX2.")
	outs := w.loadOutputs()
	rows, records, n := Load(Param("rows"), GP64()), Load(Param("records"), GP64()), Load(Param("n"), GP64())
	next, step := Load(Param("next"), GP64()), Load(Param("step"), GP64())
	Label("loop")
	at, to := GP64(), GP64()
	PREFETCHT1(Mem{Base: next})
	ADDQ(step, next)
	MOVL(Mem{Base: records}, to.As32())
	MOVL(to.As32(), at.As32())
	ANDL(U32(1<<windowBits-1), at.As32())
	SHRL(U8(windowBits), to.As32())
	SHLQ(w.scale(), at)
	SHLQ(U8(4), to)
	var mems []Mem
	for _, out := range outs {
		mems = append(mems, Mem{Base: out, Index: to, Scale: 1})
	}
	w.add(Mem{Base: rows, Index: at, Scale: 1}, mems...)
	ADDQ(U8(4), records)
	DECQ(n)
	JNE(LabelRef("loop"))
	RET()
}
