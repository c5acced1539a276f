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

// Memo has a fixed number of places, in pairs. A key has its pair, and displaces the
// older of the two that are there: with one place a key, two that are in use at one
// time would displace each other for ever. Several goroutines may use it at once,
// and none ever waits.
type Memo[V any] struct {
	seed  maphash.Seed
	pairs []pair[V]
}

// pair has the newer entry first.
type pair[V any] [2]atomic.Pointer[entry[V]]

// entry has its key in it, so that a look takes one cache line less.
type entry[V any] struct {
	value V
	key   [MaxKey]byte
	n     int
}

// New makes a memo of 2^bits places, at least two.
func New[V any](bits int) *Memo[V] {
	return &Memo[V]{maphash.MakeSeed(), make([]pair[V], 1<<bits/2)}
}

func (m *Memo[V]) pair(key []byte) *pair[V] {
	return &m.pairs[maphash.Bytes(m.seed, key)&uint64(len(m.pairs)-1)]
}

// Get returns what was put last for key, unless it was displaced.
func (m *Memo[V]) Get(key []byte) (value V, ok bool) {
	p := m.pair(key)
	for i := range p {
		if e := p[i].Load(); e != nil && string(e.key[:e.n]) == string(key) {
			return e.value, true
		}
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
	p := m.pair(key)
	p[1].Store(p[0].Load())
	p[0].Store(e)
}
