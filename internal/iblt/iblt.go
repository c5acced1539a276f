// Package iblt keeps a set of hashes in a few kilobytes, so that two sets can be
// compared later by how many items they differ in.
//
// It is an invertible Bloom lookup table (Goodrich and Mitzenmacher, Allerton 2011,
// arXiv 1101.2245), used as a difference digest (Eppstein, Goodrich, Uyeda and
// Varghese, "What's the Difference?", SIGCOMM 2011). Each hash goes to three cells,
// one in each third of the table, and a cell is the XOR of its hashes. The XOR of
// two tables is the table of the symmetric difference: cells with a single hash
// give it away and are peeled until none is left. Counts, which the papers keep a
// cell, would only tell the two sides of the difference apart.
//
// What does not peel is not thrown away: a hash fills at most three cells, so that
// the cells left over bound the number of hashes left over from below. Tables are
// large enough for that bound to reach their capacity. So [Difference] never takes
// a small change for a large one, but for two of the differing items having one
// 64-bit hash; the rare table that will not peel makes a large change look small: one
// of just the capacity in some 10,000, none in 200,000 of a quarter more (TestBound).
package iblt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"slices"
)

const (
	places = 3 // cells of a hash

	// cellsPerItem times the capacity is the size of a table. Of three cells a hash,
	// peeling ends well up to 1.22 cells a hash (Goodrich and Mitzenmacher, table 1),
	// so for differences up to 3.27 times the capacity. Beyond, all but e^-2.45 of
	// the cells are in use, and a third of those is 1.2 times the capacity.
	cellsPerItem = 4
	// minCells keeps tables of a small capacity from being too small to peel.
	minCells = 192

	// MaxCapacity is the largest capacity.
	MaxCapacity = 1 << 12

	version    = 1
	headerSize = 1 + 8 + 4
	cellSize   = 16
)

// ErrMalformed says that bytes are not a sketch.
var ErrMalformed = errors.New("iblt: malformed sketch")

// ErrShape says that two sketches have not the same capacity.
var ErrShape = errors.New("iblt: sketches of different capacity")

// cell is the XOR of hashes, and of check of each.
type cell struct{ sum, check uint64 }

// Sketch is a set of hashes. It is not safe for concurrent use.
type Sketch struct {
	items int
	cells []cell // a multiple of places
}

// New returns the sketch of an empty set. Differences of fewer than capacity items,
// at least 1 and at most MaxCapacity, are what it is there to find.
func New(capacity int) *Sketch {
	capacity = min(max(capacity, 1), MaxCapacity)
	third := (max(minCells, cellsPerItem*capacity) + places - 1) / places
	return &Sketch{cells: make([]cell, places*third)}
}

// Fresh returns the sketch of an empty set that can be compared with s.
func (s *Sketch) Fresh() *Sketch { return &Sketch{cells: make([]cell, len(s.cells))} }

// Cells returns the size of the table, which two sketches must share to be
// compared. It grows with the capacity.
func (s *Sketch) Cells() int { return len(s.cells) }

// Items returns how many hashes were added.
func (s *Sketch) Items() int { return s.items }

// check hashes a hash once more, by the finaliser of SplitMix64 (Steele, Lea and
// Flood, OOPSLA 2014): of two or more hashes in a cell it shows that they are not
// one, but for a chance of 2^-64.
func check(h uint64) uint64 {
	h ^= h >> 30
	h *= 0xbf58476d1ce4e5b9
	h ^= h >> 27
	h *= 0x94d049bb133111eb
	return h ^ h>>31
}

// Add adds hashes, which are uniform for whoever chose the items: 64-bit values of
// a keyed hash.
func (s *Sketch) Add(hashes []uint64) {
	s.toggle(hashes...)
	s.items += len(hashes)
}

// toggle adds hashes, or takes them away.
func (s *Sketch) toggle(hashes ...uint64) {
	third := uint64(len(s.cells) / places)
	first, second, last := s.cells[:third], s.cells[third:2*third], s.cells[2*third:3*third]
	for _, h := range hashes {
		c := check(h)
		first[place(h, 0, third)].add(h, c)
		second[place(h, 1, third)].add(h, c)
		last[place(h, 2, third)].add(h, c)
	}
}

func (c *cell) add(sum, check uint64) {
	c.sum ^= sum
	c.check ^= check
}

// place is where in its third number i a hash goes: by 21 bits of it.
func place(h, i, third uint64) uint64 { return h >> (21 * i) & (1<<21 - 1) * third >> 21 }

// Difference returns how many items are in one of two sets and not in the other.
// Where it is not exact, they are that many or more. It is ErrShape for sketches
// that cannot be compared.
func Difference(a, b *Sketch) (n int, exact bool, err error) {
	if len(a.cells) != len(b.cells) {
		return 0, false, fmt.Errorf("%w: %d and %d cells", ErrShape, len(a.cells), len(b.cells))
	}
	d := &Sketch{cells: slices.Clone(a.cells)}
	for i, c := range b.cells {
		d.cells[i].sum ^= c.sum
		d.cells[i].check ^= c.check
	}
	n, left := d.peel()
	sizes := max(a.items-b.items, b.items-a.items)
	if left == 0 && n >= sizes {
		return n, true, nil
	}
	n = max(n+(left+places-1)/places, sizes)
	return n + (n-sizes)&1, false, nil // as odd or even as the sum of the sizes
}

// peel takes out what can be, and returns how many hashes that is and how many
// cells are left in use.
func (s *Sketch) peel() (n, left int) {
	third := uint64(len(s.cells) / places)
	todo := make([]int, len(s.cells))
	for i := range todo {
		todo[i] = i
	}
	// Each turn empties a cell, so that damaged sketches end too: no difference that
	// can be peeled has more items than there are cells.
	for n < len(s.cells) && len(todo) > 0 {
		at := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		h := s.cells[at].sum
		i := uint64(at) / third
		if s.cells[at] == (cell{}) || check(h) != s.cells[at].check || i*third+place(h, i, third) != uint64(at) {
			continue
		}
		s.toggle(h)
		n++
		for i := range uint64(places) {
			todo = append(todo, int(i*third+place(h, i, third)))
		}
	}
	for _, c := range s.cells {
		if c != (cell{}) {
			left++
		}
	}
	return n, left
}

// Marshal returns the sketch as bytes, numbers big endian:
//
//	version  1   1
//	items    8   how many were added
//	cells    4   number of cells, a multiple of three
//	cells × { XOR of the hashes (8), XOR of check of each (8) }
func (s *Sketch) Marshal() []byte {
	out := make([]byte, 0, headerSize+cellSize*len(s.cells))
	out = append(out, version)
	out = binary.BigEndian.AppendUint64(out, uint64(s.items))
	out = binary.BigEndian.AppendUint32(out, uint32(len(s.cells)))
	for _, c := range s.cells {
		out = binary.BigEndian.AppendUint64(out, c.sum)
		out = binary.BigEndian.AppendUint64(out, c.check)
	}
	return out
}

// Parse reads a sketch. It is ErrMalformed for what Marshal would not return.
func Parse(in []byte) (*Sketch, error) {
	if len(in) < headerSize || in[0] != version {
		return nil, fmt.Errorf("%w: no header of version %d", ErrMalformed, version)
	}
	items, n := binary.BigEndian.Uint64(in[1:]), int(binary.BigEndian.Uint32(in[9:]))
	in = in[headerSize:]
	switch {
	case bits.Len64(items) > 62:
		return nil, fmt.Errorf("%w: too many items", ErrMalformed)
	case n < minCells || n > New(MaxCapacity).Cells() || n%places != 0 || len(in) != cellSize*n:
		return nil, fmt.Errorf("%w: %d cells in %d bytes", ErrMalformed, n, len(in))
	}
	s := &Sketch{items: int(items), cells: make([]cell, n)}
	for i := range s.cells {
		s.cells[i] = cell{binary.BigEndian.Uint64(in), binary.BigEndian.Uint64(in[8:])}
		in = in[cellSize:]
	}
	return s, nil
}
