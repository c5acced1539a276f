package bloomlink

import (
	"fmt"
	"math/bits"
	"slices"

	"github.com/comity-prl/comity/internal/bitslice"
	"github.com/comity-prl/comity/internal/parallel"
)

// MaxRows is the largest number of encodings in an Index or a run, on one side.
const MaxRows = 1 << 30

// IndexOptions change how an Index is made.
type IndexOptions struct {
	// Length is that of the encodings in bits. 0: that of the first.
	Length int
	// Config is the hash of what made the encodings, as in a Binding. Only indexes
	// of one Config can be compared.
	Config [32]byte
	// MaxRows is the most that OpenIndex reads. 0: MaxRows.
	MaxRows int
}

func (o *IndexOptions) maxRows() int {
	if o.MaxRows <= 0 || o.MaxRows > MaxRows {
		return MaxRows
	}
	return o.MaxRows
}

// Index holds encodings in a form that can be searched, in about 1/4 byte a bit. It
// is not changed by a search and may serve several at once.
type Index struct {
	length int // bits
	words  int
	config [32]byte
	data   []uint64 // place p is data[p*words:(p+1)*words], ascending by bits set
	counts []uint16 // bits set, by place
	rows   []uint32 // input index, by place
	starts []uint32 // the first place with at least so many bits set
	planes []uint64 // data in blocks of bitslice.Lanes places
	having []uint32 // encodings that have each bit
	order  *bitslice.Order
}

// NewIndex makes an index of encodings of one length, which it copies. Nil
// options are the default. Errors are *EncodingError, ErrTooLarge above MaxRows,
// or ErrSchema where the length is none.
func NewIndex(xs []Encoding, o *IndexOptions) (*Index, error) {
	if o == nil {
		o = &IndexOptions{}
	}
	length := o.Length
	if length == 0 && len(xs) > 0 {
		length = xs[0].Len()
	}
	if length == 0 && len(xs) == 0 {
		length = MinLength
	}
	if !validLength(length) {
		return nil, badLength(length)
	}
	if len(xs) > MaxRows {
		return nil, badRows(len(xs), MaxRows)
	}
	if err := checkLengths(xs, length); err != nil {
		return nil, err
	}
	return newIndex(xs, length, o.Config), nil
}

func badRows(n, most int) error {
	return fmt.Errorf("%w: %d encodings, at most %d in an index", ErrTooLarge, n, most)
}

func newIndex(xs []Encoding, length int, config [32]byte) *Index {
	x := newRows(xs, length, config)
	x.slice()
	return x
}

// newRows is an index that cannot be searched, but for. It is sorted by the number of
// bits set, and rows with as many stay in order.
func newRows(xs []Encoding, length int, config [32]byte) *Index {
	x := &Index{
		length: length,
		words:  length / 64,
		config: config,
		data:   make([]uint64, len(xs)*length/64),
		counts: make([]uint16, len(xs)),
		rows:   make([]uint32, len(xs)),
		starts: make([]uint32, length+2),
	}
	set := make([]uint16, len(xs))
	for i, e := range xs {
		set[i] = uint16(e.Count())
		x.starts[set[i]+1]++
	}
	for n := range length + 1 {
		x.starts[n+1] += x.starts[n]
	}
	next := slices.Clone(x.starts)
	for i, e := range xs {
		p := next[set[i]]
		next[set[i]]++
		copy(x.at(int(p)), e)
		x.counts[p], x.rows[p] = set[i], uint32(i)
	}
	return x
}

// slice fills the blocks and ranks the bits by how many encodings have them.
func (x *Index) slice() {
	x.planes = make([]uint64, x.blocks()*bitslice.BlockWords(x.length))
	parallel.Do(x.blocks(), func(lo, hi int) {
		for i := lo; i < hi; i++ {
			first, end := x.lanes(i)
			bitslice.Slice(x.block(i), x.data[first*x.words:end*x.words], x.words)
		}
	})
	x.having = make([]uint32, x.length)
	for i := range x.blocks() {
		block := x.block(i)
		for bit := range x.having {
			for _, lacking := range block[:len(bitslice.Mask{})] {
				x.having[bit] += uint32(bits.OnesCount64(^lacking))
			}
			block = block[len(bitslice.Mask{}):]
		}
	}
	x.order = bitslice.NewOrder(x.having)
}

// Len returns the number of encodings.
func (x *Index) Len() int { return len(x.rows) }

func (x *Index) at(place int) []uint64 { return x.data[place*x.words : (place+1)*x.words] }

func (x *Index) blocks() int { return (x.Len() + bitslice.Lanes - 1) / bitslice.Lanes }

func (x *Index) block(i int) []uint64 {
	size := bitslice.BlockWords(x.length)
	return x.planes[i*size : (i+1)*size]
}

// lanes returns the places that a block holds, from first to end-1.
func (x *Index) lanes(block int) (first, end int) {
	return block * bitslice.Lanes, min((block+1)*bitslice.Lanes, x.Len())
}
