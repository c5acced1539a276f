package psi

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
)

// Pad returns a copy of the set that is filled up with dummies to n distinct items, so
// that the peer learns n and not how many there are. It is ErrTooLarge for n below
// Len or above MaxItems. Padding takes fresh dummies each time: pad for each run.
//
// A dummy is 32 bytes that are random to all others. That any of up to 2^31 dummies on
// either side meets another item has a chance below 2^-190: dummies match nothing, and
// no result or handle names one. They cost what other items cost.
func (s *Set) Pad(n int) (*Set, error) {
	var seed [32]byte
	rand.Read(seed[:])
	return s.PadFrom(n, seed)
}

// PadFrom is Pad with the dummies that a random secret seed gives, the same each time:
// for a run in steps, which needs one set throughout.
func (s *Set) PadFrom(n int, seed [32]byte) (*Set, error) {
	if n < s.Len() || n > MaxItems {
		return nil, fmt.Errorf("%w: %d items cannot be filled up to %d, at most %d", ErrTooLarge, s.Len(), n, MaxItems)
	}
	dummies := make([][32]byte, n-s.Len())
	key := sha256.Sum256(append([]byte("comity psi v1 dummy"), seed[:]...))
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, err
	}
	random := make([]byte, 32*len(dummies))
	cipher.NewCTR(block, make([]byte, aes.BlockSize)).XORKeyStream(random, random)
	for i := range dummies {
		dummies[i] = [32]byte(random[32*i:])
	}
	p := *s
	p.items, p.starts = make([][32]byte, 0, n), make([]uint32, 0, n+1)
	next := 0 // of s
	copyUntil := func(end func(i int) bool) {
		for ; next < s.Len() && !end(next); next++ {
			p.items = append(p.items, s.items[next])
			p.starts = append(p.starts, s.starts[next])
		}
	}
	for _, i := range sorted(dummies) {
		copyUntil(func(n int) bool { return bytes.Compare(s.items[n][:], dummies[i][:]) > 0 })
		p.items = append(p.items, dummies[i])
		p.starts = append(p.starts, s.starts[next])
	}
	copyUntil(func(int) bool { return false })
	p.starts = append(p.starts, uint32(len(s.rows)))
	return &p, nil
}
