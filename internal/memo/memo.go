// Package memo remembers what was worked out for a key, for as long as there is
// room. It is meant for results that are dear to make and asked for again and
// again, as the bits of a bigram are.
package memo

import (
	"hash/maphash"
	"sync/atomic"
)

// MaxKey is the length of the longest key that is remembered, in bytes.
const MaxKey = 24

// Memo holds at most one result for each of a fixed number of places; a later key
// of the same place displaces an earlier one. Several goroutines may use it at
// once, and none ever waits.
type Memo[V any] struct {
	seed   maphash.Seed
	places []atomic.Pointer[entry[V]]
}

// entry has its key in it, so that a look takes one cache line less.
type entry[V any] struct {
	value V
	key   [MaxKey]byte
	n     int
}

// New makes a memo of 2^bits places.
func New[V any](bits int) *Memo[V] {
	return &Memo[V]{maphash.MakeSeed(), make([]atomic.Pointer[entry[V]], 1<<bits)}
}

func (m *Memo[V]) place(key []byte) *atomic.Pointer[entry[V]] {
	return &m.places[maphash.Bytes(m.seed, key)&uint64(len(m.places)-1)]
}

// Get returns what was put last for key, unless it was displaced.
func (m *Memo[V]) Get(key []byte) (value V, ok bool) {
	if e := m.place(key).Load(); e != nil && string(e.key[:e.n]) == string(key) {
		return e.value, true
	}
	return value, false
}

// Put remembers value for key, which it copies. A key that is too long is let go.
func (m *Memo[V]) Put(key []byte, value V) {
	if len(key) > MaxKey {
		return
	}
	e := &entry[V]{value: value, n: len(key)}
	copy(e.key[:], key)
	m.place(key).Store(e)
}
