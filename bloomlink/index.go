package bloomlink

import (
	"fmt"
	"slices"
)

// MaxRows is the largest number of encodings in an Index or a run, on one side.
const MaxRows = 1 << 30

// IndexOptions change how an Index is made.
type IndexOptions struct {
	// Length is that of the encodings in bits. 0: that of the first.
	Length int
}

// Index holds encodings in a form that can be searched. It is not changed by a
// search and may serve several at once.
type Index struct {
	length int // bits
	words  int
	data   []uint64 // place p is data[p*words:(p+1)*words], ascending by bits set
	counts []uint16 // bits set, by place
	rows   []uint32 // input index, by place
	places []uint32 // place, by input index
	starts []uint32 // the first place with at least so many bits set
}

// NewIndex makes an index of encodings of one length, which it copies. Nil
// options are the default. Errors are *EncodingError, ErrTooLarge above MaxRows,
// or ErrSchema where the length is none.
func NewIndex(xs []Encoding, o *IndexOptions) (*Index, error) {
	length := 0
	if o != nil {
		length = o.Length
	}
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
		return nil, fmt.Errorf("%w: %d encodings, at most %d in an index", ErrTooLarge, len(xs), MaxRows)
	}
	if err := checkLengths(xs, length); err != nil {
		return nil, err
	}
	return newIndex(xs, length), nil
}

// newIndex sorts by the number of bits set, and rows with as many stay in order.
func newIndex(xs []Encoding, length int) *Index {
	x := &Index{
		length: length,
		words:  length / 64,
		data:   make([]uint64, len(xs)*length/64),
		counts: make([]uint16, len(xs)),
		rows:   make([]uint32, len(xs)),
		places: make([]uint32, len(xs)),
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
		x.counts[p], x.rows[p], x.places[i] = set[i], uint32(i), p
	}
	return x
}

// Len returns the number of encodings.
func (x *Index) Len() int { return len(x.rows) }

func (x *Index) at(place int) []uint64 { return x.data[place*x.words : (place+1)*x.words] }
