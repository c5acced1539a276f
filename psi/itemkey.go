package psi

import (
	"crypto/rand"
	"crypto/sha256"

	"github.com/comity-prl/comity/internal/aeshash"
	"github.com/comity-prl/comity/internal/gf128"
	"github.com/comity-prl/comity/internal/parallel"
)

// hasher makes keys of items: their hash under a salt, by Matyas, Meyer and Oseas's
// construction from AES (ISO/IEC 10118-2, hash function 1) with the salt as its start.
// All inputs have two blocks, and it is as hard to find two of one key as for any
// function of 128 bits in the ideal cipher model (Black, Rogaway and Shrimpton, CRYPTO
// 2002).
type hasher struct {
	items [][32]byte
	start *aeshash.Key
}

func newHasher(set *Set, session [32]byte) *hasher {
	salt := sha256.Sum256(append([]byte("comity psi v1 vole items"), session[:]...))
	return &hasher{items: set.items, start: aeshash.NewKey([16]byte(salt[:16]))}
}

// hashBatch is how many items are hashed at a time.
const hashBatch = 256

// keys sets dst to the keys of items of these numbers, and to random ones where the
// number is absent. It runs on all cores.
func (h *hasher) keys(dst []gf128.Element, numbers []uint32) {
	parallel.Do(len(dst), func(lo, hi int) {
		var second [hashBatch]gf128.Element
		for ; lo < hi; lo += hashBatch {
			end := min(lo+hashBatch, hi)
			h.batch(dst[lo:end], second[:end-lo], numbers[lo:end])
		}
	})
}

func (h *hasher) batch(dst, second []gf128.Element, numbers []uint32) {
	for i, n := range numbers {
		if n == absent {
			var random [gf128.Size]byte
			rand.Read(random[:])
			dst[i] = gf128.FromBytes(random[:])
			continue
		}
		item := &h.items[n]
		dst[i], second[i] = gf128.FromBytes(item[:]), gf128.FromBytes(item[gf128.Size:])
	}
	h.start.Hash(dst, dst)
	aeshash.HashKeyed(dst, dst, second)
}
