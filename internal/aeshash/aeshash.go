// Package aeshash hashes 128-bit blocks with AES-128 under fixed keys, eight
// blocks in flight.
//
// With π_k the permutation AES_k, the hash of x is π_k(x) + x (Matyas, Meyer and
// Oseas). For a public k it is modelled as a correlation-robust hash in the ideal
// permutation model: Guo, Katz, Wang and Yu, "Efficient and Secure Multiparty
// Computation from Fixed-Key Block Ciphers" (IEEE S&P 2020). It is
// neither a keyed PRF nor collision resistant under related inputs of a caller
// who may invert π_k. AES sees a block as the 16 bytes of the element, little endian.
//
// Portable builds use crypto/aes, which is constant-time on processors that have
// AES instructions; crypto/aes says what it is on others.
package aeshash

import (
	"crypto/aes"
	"crypto/cipher"

	"github.com/comity-prl/comity/internal/gf128"
)

//go:generate go run -C _asm . -out ../aeshash_amd64.s -stubs ../stubs_amd64.go -pkg aeshash

// Key is an expanded AES-128 key. It is safe for concurrent use.
type Key struct {
	block cipher.Block
	round schedule
}

// schedule holds the eleven round keys, for the assembly alone.
type schedule = [22]uint64

// NewKey expands a key.
func NewKey(key [16]byte) *Key {
	k := &Key{block: newCipher(key[:])}
	expandKey(&k.round, gf128.FromBytes(key[:]))
	return k
}

func newCipher(key []byte) cipher.Block {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic("aeshash: " + err.Error()) // only for another length than 16 bytes
	}
	return block
}

// The keys of the two halves of the length-doubling generator are the first 256
// bits of π's fraction.
var (
	leftKey = NewKey([16]byte{
		0x24, 0x3f, 0x6a, 0x88, 0x85, 0xa3, 0x08, 0xd3, 0x13, 0x19, 0x8a, 0x2e, 0x03, 0x70, 0x73, 0x44})
	rightKey = NewKey([16]byte{
		0xa4, 0x09, 0x38, 0x22, 0x29, 0x9f, 0x31, 0xd0, 0x08, 0x2e, 0xfa, 0x98, 0xec, 0x4e, 0x6c, 0x89})
)

// Hash sets dst[i] to π_k(src[i]) + src[i]. The slices must be of one length; dst
// may be src, but must not overlap it otherwise.
func (k *Key) Hash(dst, src []gf128.Element) {
	hash(k, dst, src[:len(dst)])
}

// Expand is a level of Goldreich, Goldwasser and Micali's tree: it sets left[i]
// and right[i] to the hashes of parents[i] under two fixed public keys. The three
// slices must be of one length; left or right may be parents, but the slices must
// not overlap otherwise.
func Expand(left, right, parents []gf128.Element) {
	expand(left[:len(parents)], right[:len(parents)], parents)
}

// ExpandInterleaved is Expand with the left child of parents[i] at children[2i]
// and the right one at children[2i+1]: a level of a tree in its order. It works
// from the last parent to the first, so that parents may be the first half of
// children; they must not overlap otherwise. The length of children must be twice
// that of parents.
func ExpandInterleaved(children, parents []gf128.Element) {
	expandInterleaved(children[:2*len(parents)], parents)
}

// HashKeyed sets dst[i] to AES_keys[i](msgs[i]) + msgs[i]: the hash as a random
// oracle of both, in the ideal cipher model. The slices must be of one length; dst
// may be keys or msgs, but must not overlap them otherwise.
func HashKeyed(dst, keys, msgs []gf128.Element) {
	hashKeyed(dst, keys[:len(dst)], msgs[:len(dst)])
}
