package psi

import (
	"encoding/binary"
	"math/bits"
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
// bits, so that the hash table of a partition stays in the nearest cache. Only own
// tags decide how long a search in it can get, and they are outputs of a random
// function, wherever the peer's come from. Tags are public to the receiver: time may
// depend on them.
func join(own, peer []byte, size int, found func(own, peer uint32)) {
	const load = 1 << 11 // own tags in a partition
	radix := bits.Len(uint(len(own) / size / load))
	var a, b *partitions
	var sides sync.WaitGroup
	sides.Go(func() { a = partition(own, size, radix) })
	b = partition(peer, size, radix)
	sides.Wait()
	parallel.Do(1<<radix, func(lo, hi int) {
		t := table{radix: radix}
		for p := lo; p < hi; p++ {
			t.build(a.part(p))
			for _, e := range b.part(p) {
				if own := t.find(e); own != absent {
					found(own, e.number)
				}
			}
		}
	})
}

// entry is a tag with its number.
type entry struct {
	first, last uint64 // eight bytes of the tag each, which overlap in a short one
	number      uint32
}

func newEntry(tag []byte, number int) entry {
	if len(tag) < 8 {
		first := uint64(binary.LittleEndian.Uint32(tag))
		return entry{first, first | uint64(binary.LittleEndian.Uint32(tag[len(tag)-4:]))<<32, uint32(number)}
	}
	return entry{binary.LittleEndian.Uint64(tag), binary.LittleEndian.Uint64(tag[len(tag)-8:]), uint32(number)}
}

// partitions holds entries by the radix lowest bits of their tags.
type partitions struct {
	entries []entry
	starts  []uint32 // one more than there are partitions
}

func (p *partitions) part(i int) []entry { return p.entries[p.starts[i]:p.starts[i+1]] }

func partition(tags []byte, size, radix int) *partitions {
	n := len(tags) / size
	p := &partitions{entries: make([]entry, n), starts: make([]uint32, 1<<radix+1)}
	of := func(i int) uint32 { return binary.LittleEndian.Uint32(tags[i*size:]) & (1<<radix - 1) }
	for i := range n {
		p.starts[of(i)+1]++
	}
	for i := range 1 << radix {
		p.starts[i+1] += p.starts[i]
	}
	next := append([]uint32(nil), p.starts...)
	for i := range n {
		at := &next[of(i)]
		p.entries[*at] = newEntry(tags[i*size:(i+1)*size], i)
		*at++
	}
	return p
}

// table finds entries by linear probing. It is at most half full.
type table struct {
	entries []entry
	cells   []uint32 // one more than an index of entries, or 0 where empty
	radix   int      // how many bits of a tag are the same in all entries
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
		at := e.first >> t.radix & t.mask
		for t.cells[at] != 0 {
			at = (at + 1) & t.mask
		}
		t.cells[at] = uint32(i + 1)
	}
}

// find returns the number of an entry with the same tag, or absent.
func (t *table) find(e entry) uint32 {
	for at := e.first >> t.radix & t.mask; t.cells[at] != 0; at = (at + 1) & t.mask {
		if own := &t.entries[t.cells[at]-1]; own.first == e.first && own.last == e.last {
			return own.number
		}
	}
	return absent
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
