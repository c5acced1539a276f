// Package gf128 is the field GF(2^128) in the polynomial basis modulo
// x^128 + x^7 + x^2 + x + 1: bit i of the 128-bit little-endian integer is the
// coefficient of x^i. It is the field of Raghuraman and Rindal, "Blazing Fast
// PSI" (CCS 2022), and not the reflected one of GCM's GHASH.
//
// An [Element] also serves as a plain 128-bit block where no field is needed.
//
// How long a function runs depends on lengths only. Where the processor has
// carry-less multiplication, assembly does the work; elsewhere, and under the
// build tag purego, portable Go does.
package gf128

import "encoding/binary"

//go:generate go run -C _asm . -out ../gf128_amd64.s -stubs ../stubs_amd64.go -pkg gf128

// Size is the length of an encoded element in bytes.
const Size = 16

// Element is an element of the field. The zero value is zero.
type Element struct {
	Lo, Hi uint64 // coefficients of x^0 to x^63, and of x^64 to x^127
}

// Add returns a + b, which is also a − b.
func (a Element) Add(b Element) Element { return Element{a.Lo ^ b.Lo, a.Hi ^ b.Hi} }

// IsZero reports whether a is zero.
func (a Element) IsZero() bool { return a.Lo|a.Hi == 0 }

// Mul returns a·b.
func (a Element) Mul(b Element) Element { return mul(a, b) }

// Inv returns 1/a, and zero for zero.
func (a Element) Inv() Element {
	// a^(2^128 − 2) is the product of a^(2^i) for i from 1 to 127.
	inv, power := Element{Lo: 1}, a
	for range 127 {
		power = power.Mul(power)
		inv = inv.Mul(power)
	}
	return inv
}

// AddTo adds src[i] to dst[i]. The slices must be of one length; they may be the
// same.
func AddTo(dst, src []Element) {
	src = src[:len(dst)]
	for i := range dst {
		dst[i].Lo ^= src[i].Lo
		dst[i].Hi ^= src[i].Hi
	}
}

// MulAddTo adds src[i]·k to dst[i]. The slices must be of one length; they may be
// the same.
func MulAddTo(dst, src []Element, k Element) {
	mulAddTo(dst, src[:len(dst)], k)
}

// Dot returns the sum of a[i]·b[i]. The slices must be of one length.
func Dot(a, b []Element) Element {
	return dot(a, b[:len(a)])
}

// DotPowers returns the sum of χ^(i+1)·xs[i], with i from 0.
func DotPowers(xs []Element, chi Element) Element {
	// Horner's rule over chunks: within one, Dot reduces once and does not wait
	// for one product before the next.
	const chunk = 128
	var powers [chunk]Element
	n := min(len(xs), chunk)
	power := chi
	for i := range n {
		powers[i] = power
		power = power.Mul(chi)
	}
	var sum Element
	for end := len(xs); end > 0; {
		start := (end - 1) / chunk * chunk
		sum = Dot(xs[start:end], powers[:end-start]).Add(sum)
		if start > 0 {
			sum = sum.Mul(powers[chunk-1])
		}
		end = start
	}
	return sum
}

// Horner sets acc[i] to acc[i]·x[i] + c[i]: a step of evaluating many polynomials,
// each at a point of its own. The slices must be of one length; they may be the
// same, but must not overlap otherwise.
func Horner(acc, x, c []Element) {
	horner(acc, x[:len(acc)], c[:len(acc)])
}

// FromBytes reads an element from the first 16 bytes of b, little endian.
func FromBytes(b []byte) Element {
	_ = b[Size-1]
	return Element{binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])}
}

// AppendBytes appends the 16 bytes of a to b, little endian.
func (a Element) AppendBytes(b []byte) []byte {
	return binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(b, a.Lo), a.Hi)
}

// Decode reads len(dst) elements from src, which must hold 16 bytes for each.
func Decode(dst []Element, src []byte) {
	src = src[:Size*len(dst)]
	for i := range dst {
		dst[i] = FromBytes(src[Size*i:])
	}
}

// Encode writes the elements of src to dst, which must hold 16 bytes for each.
func Encode(dst []byte, src []Element) {
	dst = dst[:Size*len(src)]
	for i, a := range src {
		b := dst[Size*i : Size*i+Size]
		binary.LittleEndian.PutUint64(b, a.Lo)
		binary.LittleEndian.PutUint64(b[8:], a.Hi)
	}
}

// TimesX returns a·x: a shift, and the modulus where the shift goes beyond it.
func (a Element) TimesX() Element {
	return Element{
		Lo: a.Lo<<1 ^ 0x87&-(a.Hi>>63),
		Hi: a.Hi<<1 | a.Lo>>63,
	}
}

// Masked returns a where bit is 1, and zero where it is 0, in the same time.
func (a Element) Masked(bit uint64) Element { return Element{Lo: a.Lo & -bit, Hi: a.Hi & -bit} }
