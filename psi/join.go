package psi

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"slices"
	"sync"

	"github.com/comity-prl/comity/internal/parallel"
)

// absent stands for no handle, and for no item.
const absent = ^uint32(0)

// join calls found for each of the peer's tags that is an own one, with the number of
// both. Tags are of size bytes, at least 5, side by side. Calls for one own tag come
// from one goroutine, others may come at the same time.
//
// It is a radix join: tags of both sides are sorted into partitions by their first
// bits, so that the hash table of a partition stays in the nearest cache. To save
// memory, many tags are taken in two parts, one after the other. Only own tags decide
// how long a search can get, and they are outputs of a random function, wherever the
// peer's come from. Tags are public to the receiver: time may depend on them.
func join(own, peer []byte, size int, found func(own, peer uint32)) {
	const load, many = 1 << 11, 1 << 23 // own tags in a partition; bytes
	parts := uint32(1)
	if len(own)+len(peer) > many {
		parts = 2
	}
	radix := bits.Len(uint(len(own) / size / load / int(parts)))
	a, b := partitions{tags: own, size: size, radix: radix}, partitions{tags: peer, size: size, radix: radix}
	for part := range parts {
		var sides sync.WaitGroup
		sides.Go(func() { a.sort(part, parts) })
		b.sort(part, parts)
		sides.Wait()
		parallel.Do(1<<radix, func(lo, hi int) {
			t := table{own: own, peer: peer, size: size, shift: radix + bits.Len32(parts-1)}
			for p := lo; p < hi; p++ {
				t.build(a.at(p))
				for _, e := range b.at(p) {
					if own := t.find(e); own != absent {
						found(own, e.number)
					}
				}
			}
		})
	}
}

// entry is a tag with its number. The bytes are the whole tag if it has no more than
// 12.
type entry struct {
	first  uint64
	last   uint32
	number uint32
}

func newEntry(tag []byte, number int) entry {
	last := binary.LittleEndian.Uint32(tag[len(tag)-4:])
	if len(tag) < 8 {
		return entry{uint64(binary.LittleEndian.Uint32(tag)) | uint64(last)<<32, last, uint32(number)}
	}
	return entry{binary.LittleEndian.Uint64(tag), last, uint32(number)}
}

// partitions holds entries of one part of the tags, by radix bits of theirs.
type partitions struct {
	tags    []byte
	size    int
	radix   int
	entries []entry
	starts  []uint32 // one more than there are partitions
}

func (p *partitions) at(i int) []entry { return p.entries[p.starts[i]:p.starts[i+1]] }

// sort fills the partitions with one part of so many.
func (p *partitions) sort(part, parts uint32) {
	n := len(p.tags) / p.size
	// which returns a tag's partition, and whether it is of the part.
	which := func(i int) (uint32, bool) {
		bits := binary.LittleEndian.Uint32(p.tags[i*p.size:])
		return bits / parts & (1<<p.radix - 1), bits%parts == part
	}
	p.starts = make([]uint32, 1<<p.radix+1)
	for i := range n {
		if at, ok := which(i); ok {
			p.starts[at+1]++
		}
	}
	for i := range 1 << p.radix {
		p.starts[i+1] += p.starts[i]
	}
	next := slices.Clone(p.starts)
	count := int(p.starts[1<<p.radix])
	p.entries = slices.Grow(p.entries[:0], count)[:count]
	for i := range n {
		if at, ok := which(i); ok {
			p.entries[next[at]] = newEntry(p.tags[i*p.size:(i+1)*p.size], i)
			next[at]++
		}
	}
}

// table finds entries by linear probing. It is at most half full.
type table struct {
	own, peer []byte // all tags
	size      int
	shift     int // how many bits of a tag are the same in all entries

	entries []entry
	cells   []uint32 // one more than an index of entries, or 0 where empty
	mask    uint64
}

func (t *table) build(entries []entry) {
	size := 1 << bits.Len(uint(2*len(entries)))
	if size > cap(t.cells) {
		t.cells = make([]uint32, size)
	}
	t.entries, t.cells, t.mask = entries, t.cells[:size], uint64(size-1)
	clear(t.cells)
	for i, e := range entries {
		at := e.first >> t.shift & t.mask
		for t.cells[at] != 0 {
			at = (at + 1) & t.mask
		}
		t.cells[at] = uint32(i + 1)
	}
}

// find returns the number of the own entry of the same tag as a peer's, or absent.
func (t *table) find(e entry) uint32 {
	for at := e.first >> t.shift & t.mask; t.cells[at] != 0; at = (at + 1) & t.mask {
		if own := t.entries[t.cells[at]-1]; own.first == e.first && own.last == e.last && t.same(own, e) {
			return own.number
		}
	}
	return absent
}

// same compares what entries do not hold of two tags.
func (t *table) same(own, peer entry) bool {
	return t.size <= 12 || bytes.Equal(
		t.own[int(own.number)*t.size:][:t.size], t.peer[int(peer.number)*t.size:][:t.size])
}

// matches turns the handles of a set's items, or absent, into matches, in ascending
// order of the input index.
func (s *Set) matches(handles []uint32) []Match {
	byPlace := make([]uint32, len(s.rows))
	count := 0
	for i, h := range handles {
		for _, place := range s.places(i) {
			byPlace[place] = h
			if h != absent {
				count++
			}
		}
	}
	matches := make([]Match, 0, count)
	for place, h := range byPlace {
		if h != absent {
			matches = append(matches, Match{Item: place, Handle: h})
		}
	}
	return matches
}

// noItems returns n times absent.
func noItems(n int) []uint32 {
	handles := make([]uint32, n)
	for i := range handles {
		handles[i] = absent
	}
	return handles
}
