// Package memo remembers what was worked out for a key, for as long as there is
// room. It is meant for results that are dear to make and asked for again and
// again, as the bits of a bigram are.
package memo

import (
	"hash/maphash"
	"sync/atomic"
)

// Memo holds at most one result for each of a fixed number of places; a later key
// of the same place displaces an earlier one. Several goroutines may use it at
// once, and none ever waits.
type Memo[V any] struct {
	seed   maphash.Seed
	places []atomic.Pointer[entry[V]]
}

type entry[V any] struct {
	key   string
	value V
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
	if e := m.place(key).Load(); e != nil && e.key == string(key) {
		return e.value, true
	}
	return value, false
}

// Put remembers value for key. It keeps a copy of key, and value as it is.
func (m *Memo[V]) Put(key []byte, value V) {
	m.place(key).Store(&entry[V]{string(key), value})
}
