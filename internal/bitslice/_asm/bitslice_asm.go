// Command bitslice_asm writes the assembly of package bitslice for amd64.
//
// A kernel adds the planes of a list, 16 at a time, to the counters of 256 lanes. A
// counter is spread over registers: bit k of all lanes is one. Planes go through
// modified double full adders, which take and give two bits of one weight as
// (x, x⊕y): 8 gates where two full adders have 10 (Demenkov et al., Information
// Processing Letters 110(7), 2010). The counters start so that one miss too
// many overflows them, and a lane that overflows is no longer alive.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

const (
	plane = 32 // bytes
	low   = 8  // counter bits in registers
	chunk = 16 // planes

	bytesAhead = 128 // 256 rows have a block of 1024 bits brought in
)

// width is that of a counter. A state in memory is the low bits, the lanes alive,
// then the high bits, a plane each.
type width struct {
	name string
	high int // counter bits that stay in memory
}

func (w width) size() int { return plane * (low + 1 + w.high) }

var widths = []width{{"8", 0}, {"14", 6}}

func main() {
	ConstraintExpr("!purego")
	for _, w := range widths {
		begin(w)
		proceed(w)
	}
	touch()
	Generate()
}

// lanes is where the kernels work.
type lanes struct {
	width
	block Register
	list  Register // moves on
	c     [low]VecVirtual
	state Register // holds the lanes alive, and the high bits
}

func at(base Register, i int) Mem { return Mem{Base: base, Disp: plane * i} }

// load fills the registers of the counters from a state.
func (l *lanes) load(from Register) {
	for k := range l.c {
		VMOVDQU(at(from, k), l.c[k])
	}
}

// move copies what stays in memory of a state.
func (l *lanes) move(from Register) {
	for k := range 1 + l.high {
		t := YMM()
		VMOVDQU(at(from, low+k), t)
		VMOVDQU(t, at(l.state, low+k))
	}
}

// miss is the place in memory of plane i of the chunk.
func (l *lanes) miss(i int) Mem {
	offset := GP64()
	MOVWLZX(Mem{Base: l.list, Disp: 2 * i}, offset.As32())
	return Mem{Base: l.block, Index: offset, Scale: 8}
}

// pair is two bits of one weight: x, in a register or in memory, and the exclusive
// or of both.
type pair struct {
	x    Op
	both VecVirtual
}

// fetch returns planes i and i+1 of the chunk. To leave x in memory saves the
// register that there is none to spare for.
func (l *lanes) fetch(i int) pair {
	p := pair{l.miss(i), YMM()}
	VMOVDQU(p.x, p.both)
	VPXOR(l.miss(i+1), p.both, p.both)
	return p
}

// half adds a pair to z and spoils it. It returns the carry, what the carry is made
// of beside the sum, and the sum.
func half(p pair, z VecVirtual) (carry, differ, sum VecVirtual) {
	carry, differ, sum = YMM(), YMM(), p.both
	VPXOR(p.x, z, differ)
	VPOR(p.both, differ, differ)
	VPXOR(z, p.both, sum)
	VPXOR(sum, differ, carry)
	return carry, differ, sum
}

// add adds two pairs to z, and returns the carries. It spoils the pairs.
func add(p pair, second func() pair, z VecVirtual) pair {
	carry, differ, sum := half(p, z)
	q := second()
	VPXOR(q.both, sum, z)
	VPXOR(q.x, sum, sum)
	VPANDN(sum, q.both, sum)
	VPXOR(sum, differ, differ)
	return pair{carry, differ}
}

// count adds a chunk.
func (l *lanes) count() {
	var level func(k, from int) pair
	level = func(k, from int) pair {
		if k < 0 {
			return l.fetch(from)
		}
		first := level(k-1, from)
		if k == 0 {
			return add(first, func() pair { return l.fetch(from + 2) }, l.c[0])
		}
		second := level(k-1, from+2<<k)
		return add(first, func() pair { return second }, l.c[k])
	}
	eights := level(2, 0)
	carry, _, sum := half(eights, l.c[3])
	VMOVDQA(sum, l.c[3])
	for k := 4; k < low; k++ {
		next := YMM()
		VPAND(carry, l.c[k], next)
		VPXOR(carry, l.c[k], l.c[k])
		carry = next
	}
	for k := range l.high {
		h, next := YMM(), YMM()
		VMOVDQU(at(l.state, low+1+k), h)
		VPAND(carry, h, next)
		VPXOR(carry, h, h)
		VMOVDQU(h, at(l.state, low+1+k))
		carry = next
	}
	VPANDN(at(l.state, low), carry, carry)
	VMOVDQU(carry, at(l.state, low))
	ADDQ(U8(2*chunk), l.list)
}

// keep stores a row's state and number, and moves on if a lane is alive.
func (l *lanes) keep(ids, id, kept Register) {
	for k := range l.c {
		VMOVDQU(l.c[k], at(l.state, k))
	}
	MOVL(id.(GPVirtual).As32(), Mem{Base: ids, Index: kept, Scale: 4})
	alive, any := YMM(), GP64()
	VMOVDQU(at(l.state, low), alive)
	XORL(any.As32(), any.As32())
	VPTEST(alive, alive)
	SETNE(any.As8())
	ADDQ(any, kept)
	IMUL3Q(U32(l.size()), any, any)
	ADDQ(any, l.state)
}

func newLanes(w width) *lanes {
	l := &lanes{width: w, list: GP64()}
	for k := range l.c {
		l.c[k] = YMM()
	}
	return l
}

func touch() {
	TEXT("touch", NOSPLIT, "func(block *uint64, list *uint16, planes int)")
	Pragma("noescape")
	Doc("touch has the first so many planes of a list, some, brought into the first cache.")
	block, list := Load(Param("block"), GP64()), Load(Param("list"), GP64())
	left, offset := Load(Param("planes"), GP64()), GP64()
	Label("plane")
	MOVWLZX(Mem{Base: list}, offset.As32())
	PREFETCHT0(Mem{Base: block, Index: offset, Scale: 8})
	ADDQ(U8(2), list)
	DECQ(left)
	JNZ(LabelRef("plane"))
	RET()
}

func begin(w width) {
	TEXT("begin"+w.name, NOSPLIT, "func(states *uint64, ids *uint32, start, block, next *uint64, lists *uint16, stride, first, rows, chunks int) (kept int)")
	Pragma("noescape")
	Doc("begin"+w.name+" counts, from the state at start, so many chunks, at least one, of each of so",
		"many rows from first on. It leaves the states and numbers of those rows that have a",
		"lane alive, in order. Lists are stride bytes apart. Meanwhile it has bytesAhead bytes",
		"a row brought into the second cache from next on. It needs AVX2.")
	l := newLanes(w)
	l.state = Load(Param("states"), GP64())
	next := Load(Param("next"), GP64())
	ids, start := Load(Param("ids"), GP64()), Load(Param("start"), GP64())
	l.block = Load(Param("block"), GP64())
	lists, stride := Load(Param("lists"), GP64()), Load(Param("stride"), GP64())
	row, end, kept := Load(Param("first"), GP64()), GP64(), GP64()
	MOVQ(row, end)
	ADDQ(Load(Param("rows"), GP64()), end)
	skip := GP64()
	MOVQ(row, skip)
	IMULQ(stride, skip)
	ADDQ(skip, lists)
	XORQ(kept, kept)

	Label("row")
	CMPQ(row, end)
	JAE(LabelRef("done"))
	for at := 0; at < bytesAhead; at += 64 {
		PREFETCHT1(Mem{Base: next, Disp: at})
	}
	ADDQ(U32(bytesAhead), next)
	l.load(start)
	l.move(start)
	MOVQ(lists, l.list)
	left := Load(Param("chunks"), GP64())
	Label("chunk")
	l.count()
	DECQ(left)
	JNZ(LabelRef("chunk"))
	l.keep(ids, row, kept)
	ADDQ(stride, lists)
	INCQ(row)
	JMP(LabelRef("row"))

	Label("done")
	Store(kept, ReturnIndex(0))
	VZEROUPPER()
	RET()
}

func proceed(w width) {
	TEXT("proceed"+w.name, NOSPLIT, "func(states *uint64, ids *uint32, block *uint64, lists *uint16, stride, rows int) (kept int)")
	Pragma("noescape")
	Doc("proceed"+w.name+" counts one more chunk of each of so many rows that begin"+w.name+" left. It leaves",
		"those that still have a lane alive. Lists begin with that chunk. It needs AVX2.")
	l := newLanes(w)
	l.state = Load(Param("states"), GP64())
	ids := Load(Param("ids"), GP64())
	l.block = Load(Param("block"), GP64())
	lists, stride := Load(Param("lists"), GP64()), Load(Param("stride"), GP64())
	rows := Load(Param("rows"), GP64())
	from, i, kept := GP64(), GP64(), GP64()
	MOVQ(l.state, from)
	XORQ(i, i)
	XORQ(kept, kept)

	Label("row")
	CMPQ(i, rows)
	JAE(LabelRef("done"))
	row := GP64()
	MOVL(Mem{Base: ids, Index: i, Scale: 4}, row.As32())
	MOVQ(row, l.list)
	IMULQ(stride, l.list)
	ADDQ(lists, l.list)
	l.load(from)
	l.move(from)
	l.count()
	l.keep(ids, row, kept)
	ADDQ(U32(w.size()), from)
	INCQ(i)
	JMP(LabelRef("row"))

	Label("done")
	Store(kept, ReturnIndex(0))
	VZEROUPPER()
	RET()
}
