package iblt

import (
	"iter"

	"github.com/comity-prl/comity/internal/aeshash"
	"github.com/comity-prl/comity/internal/gf128"
)

// Hasher is a keyed hash of items of 32 bytes to 64 bits. It is safe for concurrent
// use.
//
// With F(x) = AES_k(x) + x, the hash of x ‖ y is the low half of F(F(x) + y): the CBC-MAC
// of inputs of one length, a pseudorandom function (Bellare, Kilian and Rogaway, JCSS
// 2000), of an F that no one without the key tells from a random function in far
// fewer than 2^64 queries. Whoever does not have the key can neither choose items
// that share cells nor test a hash for an item.
type Hasher struct{ key *aeshash.Key }

// NewHasher returns the hash under a key.
func NewHasher(key [16]byte) *Hasher { return &Hasher{aeshash.NewKey(key)} }

// batch is how many items are hashed at a time: few enough for the first cache.
const batch = 256

// AddTo adds the hashes of items to the sketch.
func (h *Hasher) AddTo(s *Sketch, items iter.Seq[[32]byte]) {
	var next [batch][32]byte
	n := 0
	for item := range items {
		next[n] = item
		if n++; n == batch {
			h.add(s, next[:])
			n = 0
		}
	}
	h.add(s, next[:n])
}

// add adds the hashes of up to a batch of items.
func (h *Hasher) add(s *Sketch, items [][32]byte) {
	var blocks [batch]gf128.Element
	x := blocks[:len(items)]
	for i := range x {
		x[i] = gf128.FromBytes(items[i][:16])
	}
	h.key.Hash(x, x)
	for i := range x {
		x[i] = x[i].Add(gf128.FromBytes(items[i][16:]))
	}
	h.key.Hash(x, x)
	var hashes [batch]uint64
	for i := range x {
		hashes[i] = x[i].Lo
	}
	s.Add(hashes[:len(x)])
}
