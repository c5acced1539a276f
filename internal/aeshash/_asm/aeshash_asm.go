// Command aeshash_asm writes the assembly of package aeshash for amd64: AES-128
// in AES instructions, with enough blocks in flight to hide their latency. The
// 256-bit forms hold two blocks in a register.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

func main() {
	ConstraintExpr("!purego")
	cpuid7()
	constants()
	expandKey()
	for _, w := range []width{narrow, wide} {
		hash(w)
		expand(w, false)
		expand(w, true)
		hashKeyed(w)
	}
	Generate()
}

// width is a vector register's: how many blocks it holds.
type width struct {
	name   string
	needs  string
	blocks int
	reg    func() VecVirtual
}

var (
	narrow = width{"AES", "AES and AVX", 1, XMM}
	wide   = width{"VAES", "VAES and AVX2", 2, YMM}
)

// regs allocates n registers.
func (w width) regs(n int) []VecVirtual {
	var vs []VecVirtual
	for range n {
		vs = append(vs, w.reg())
	}
	return vs
}

// roundKey loads round key i of the schedule at base into all lanes.
func (w width) roundKey(base Register, i int, v VecVirtual) {
	if w.blocks == 1 {
		VMOVDQU(Mem{Base: base, Disp: 16 * i}, v)
		return
	}
	VBROADCASTI128(Mem{Base: base, Disp: 16 * i}, v)
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

var roundConstants, rotation Mem

// constants writes the round constants (FIPS 197, §5.2), each to all words of 256
// bits, and the byte shuffle that puts the rotated last word everywhere.
func constants() {
	roundConstants = GLOBL("roundConstants", RODATA|NOPTR)
	for i, c := range []uint32{0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0x1b, 0x36} {
		for j := range 8 {
			DATA(32*i+4*j, U32(c))
		}
	}
	rotation = GLOBL("rotation", RODATA|NOPTR)
	for j := range 8 {
		DATA(4*j, U32(0x0c0f0e0d))
	}
}

// nextKeys turns each of keys into round key i. The substitution is that of
// AESENCLAST, whose row shift does nothing to four equal columns.
func nextKeys(w width, i int, keys []VecVirtual, rot VecVirtual) {
	for _, k := range keys {
		t, u := w.reg(), w.reg()
		VPSHUFB(rot, k, t)
		VAESENCLAST(roundConstants.Offset(32*(i-1)), t, t)
		// The words of the new key are the running sums of the old one's, plus t.
		VPSLLDQ(U8(4), k, u)
		VPXOR(u, k, k)
		VPSLLDQ(U8(8), k, u)
		VPXOR(u, k, k)
		VPXOR(t, k, k)
	}
}

func expandKey() {
	TEXT("expandKeyAES", NOSPLIT, "func(round *[22]uint64, lo, hi uint64)")
	Pragma("noescape")
	Doc("expandKeyAES writes the round keys of a key. It needs AES and AVX.")
	round := Load(Param("round"), GP64())
	k, rot := XMM(), XMM()
	VMOVQ(Load(Param("lo"), GP64()), k)
	VPINSRQ(U8(1), Load(Param("hi"), GP64()), k, k)
	VMOVDQU(rotation, rot)
	VMOVDQU(k, Mem{Base: round})
	for i := 1; i <= 10; i++ {
		nextKeys(narrow, i, []VecVirtual{k}, rot)
		VMOVDQU(k, Mem{Base: round, Disp: 16 * i})
	}
	RET()
}

// batch is a body of straight code for so many registers of input.
type batch struct {
	w     width
	regs  int
	label string
}

// each runs body over n blocks, for the batches in turn: the last must hold one
// block. Each pointer moves by stride blocks a block, before the body if that is
// negative and after it otherwise.
func each(n Register, batches []batch, pointers map[Register]int, order []Register, body func(b batch)) {
	for i, b := range batches {
		next := "done"
		if i+1 < len(batches) {
			next = batches[i+1].label
		}
		blocks := b.regs * b.w.blocks
		Label(b.label)
		CMPQ(n, U8(blocks))
		JB(LabelRef(next))
		for _, p := range order {
			if pointers[p] < 0 {
				SUBQ(U32(-16*blocks*pointers[p]), p)
			}
		}
		body(b)
		for _, p := range order {
			if pointers[p] > 0 {
				ADDQ(U32(16*blocks*pointers[p]), p)
			}
		}
		SUBQ(U8(blocks), n)
		JMP(LabelRef(b.label))
	}
	Label("done")
}

func finish(w width) {
	if w.blocks > 1 {
		VZEROUPPER()
	}
	RET()
}

// at is the place of register j of a batch.
func (b batch) at(p Register, j int) Mem { return Mem{Base: p, Disp: 16 * b.w.blocks * j} }

func hash(w width) {
	TEXT("hash"+w.name, NOSPLIT, "func(round *[22]uint64, dst, src *uint64, n int)")
	Pragma("noescape")
	Doc("hash" + w.name + " hashes n blocks. It needs " + w.needs + ".")
	round, n := Load(Param("round"), GP64()), Load(Param("n"), GP64())
	dst, src := Load(Param("dst"), GP64()), Load(Param("src"), GP64())
	batches := []batch{{w, 8, "eight"}, {w, 2, "two"}, {narrow, 1, "one"}}
	order := []Register{dst, src}
	each(n, batches, map[Register]int{dst: 1, src: 1}, order, func(b batch) {
		key, states := b.w.reg(), b.w.regs(b.regs)
		b.w.roundKey(round, 0, key)
		for j, s := range states {
			VPXOR(b.at(src, j), key, s)
		}
		rounds(b.w, []Register{round}, []VecVirtual{key}, [][]VecVirtual{states})
		for j, s := range states {
			VPXOR(b.at(src, j), s, s)
		}
		for j, s := range states {
			VMOVDQU(s, b.at(dst, j))
		}
	})
	finish(w)
}

// rounds runs rounds 1 to 10 of several schedules side by side, each over states
// of its own.
func rounds(w width, schedules []Register, keys []VecVirtual, states [][]VecVirtual) {
	for i := 1; i <= 10; i++ {
		for c, schedule := range schedules {
			w.roundKey(schedule, i, keys[c])
			for _, s := range states[c] {
				if i == 10 {
					VAESENCLAST(keys[c], s, s)
				} else {
					VAESENC(keys[c], s, s)
				}
			}
		}
	}
}

// expand hashes every parent under two keys. A batch reads all its parents before
// it writes, which allows in-place use.
func expand(w width, interleaved bool) {
	args, doc := "left, right, parents", "expand"
	if interleaved {
		args, doc = "children, parents", "expandInterleaved"
	}
	TEXT(doc+w.name, NOSPLIT, "func(leftRound, rightRound *[22]uint64, "+args+" *uint64, n int)")
	Pragma("noescape")
	Doc(doc + w.name + " hashes n parents under two keys. It needs " + w.needs + ".")
	schedules := []Register{Load(Param("leftRound"), GP64()), Load(Param("rightRound"), GP64())}
	parents, n := Load(Param("parents"), GP64()), Load(Param("n"), GP64())
	var order []Register
	strides := map[Register]int{}
	if interleaved {
		// From the end: the children of a parent lie behind all parents before it.
		children, t := Load(Param("children"), GP64()), GP64()
		MOVQ(n, t)
		SHLQ(U8(4), t)
		ADDQ(t, parents)
		ADDQ(t, children)
		ADDQ(t, children)
		order = []Register{parents, children}
		strides[parents], strides[children] = -1, -2
	} else {
		left, right := Load(Param("left"), GP64()), Load(Param("right"), GP64())
		order = []Register{parents, left, right}
		strides[parents], strides[left], strides[right] = 1, 1, 1
	}
	batches := []batch{{w, 4, "four"}, {narrow, 1, "one"}}
	each(n, batches, strides, order, func(b batch) {
		keys := b.w.regs(2)
		states := [][]VecVirtual{b.w.regs(b.regs), b.w.regs(b.regs)}
		for c, schedule := range schedules {
			b.w.roundKey(schedule, 0, keys[c])
			for j, s := range states[c] {
				VPXOR(b.at(parents, j), keys[c], s)
			}
		}
		rounds(b.w, schedules, keys, states)
		for c := range states {
			for j, s := range states[c] {
				VPXOR(b.at(parents, j), s, s)
			}
		}
		for j := range b.regs {
			l, r := states[0][j], states[1][j]
			switch {
			case !interleaved:
				VMOVDQU(l, b.at(order[1], j))
				VMOVDQU(r, b.at(order[2], j))
			case b.w.blocks == 1:
				VMOVDQU(l, b.at(order[1], 2*j))
				VMOVDQU(r, b.at(order[1], 2*j+1))
			default:
				t := b.w.reg()
				VPERM2I128(U8(0x20), r, l, t)
				VMOVDQU(t, b.at(order[1], 2*j))
				VPERM2I128(U8(0x31), r, l, t)
				VMOVDQU(t, b.at(order[1], 2*j+1))
			}
		}
	})
	finish(w)
}

func hashKeyed(w width) {
	TEXT("hashKeyed"+w.name, NOSPLIT, "func(dst, keys, msgs *uint64, n int)")
	Pragma("noescape")
	Doc("hashKeyed" + w.name + " hashes n messages, each under a key of its own. It needs " + w.needs + ".")
	dst, keys := Load(Param("dst"), GP64()), Load(Param("keys"), GP64())
	msgs, n := Load(Param("msgs"), GP64()), Load(Param("n"), GP64())
	rot := w.reg()
	VMOVDQU(rotation, rot)
	batches := []batch{{w, 4, "four"}, {narrow, 1, "one"}}
	order := []Register{dst, keys, msgs}
	each(n, batches, map[Register]int{dst: 1, keys: 1, msgs: 1}, order, func(b batch) {
		rot := rot
		if b.w.blocks == 1 {
			rot = rot.AsX().(VecVirtual)
		}
		ks, states := b.w.regs(b.regs), b.w.regs(b.regs)
		for j := range ks {
			VMOVDQU(b.at(keys, j), ks[j])
			VPXOR(b.at(msgs, j), ks[j], states[j])
		}
		for i := 1; i <= 10; i++ {
			nextKeys(b.w, i, ks, rot)
			for j, s := range states {
				if i == 10 {
					VAESENCLAST(ks[j], s, s)
				} else {
					VAESENC(ks[j], s, s)
				}
			}
		}
		for j, s := range states {
			VPXOR(b.at(msgs, j), s, s)
		}
		for j, s := range states {
			VMOVDQU(s, b.at(dst, j))
		}
	})
	finish(w)
}
