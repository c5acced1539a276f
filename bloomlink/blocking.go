package bloomlink

import (
	"context"
	"fmt"
)

// Bounds and defaults of a Blocking.
const (
	MaxTables    = 256
	DefaultBits  = 24
	DefaultBlock = 1 << 20
)

// Blocking restricts a join to pairs that have a key in common: it compares few of
// all pairs and misses what shares no key. Up to a million rows a side the join of
// all pairs is as fast and misses nothing.
//
// Keys are given, or they are sampled from the encodings, or both.
type Blocking struct {
	// KeysA and KeysB are keys of the rows of either side, in the order of NewIndex:
	// phonetic codes, tokens, a year of birth with the start of a name. Two rows
	// meet if their keys at one place are the same and not "". All rows have as
	// many. For Duplicates only KeysA counts.
	KeysA, KeysB [][]string
	// Tables is the number of keys that are sampled from the encodings: so many
	// times the bits at random positions, as in Hamming LSH (Indyk and Motwani,
	// STOC 1998; for Bloom encodings Durham, Vanderbilt University 2012). Positions
	// that nearly all or few encodings have set are left out if others suffice.
	Tables int
	// Bits is how many bits a sampled key has, at most 64. 0: DefaultBits.
	Bits int
	// MaxBlock is the most comparisons for one key. A block of more is split by
	// further bits of its encodings, as few as will do, and misses pairs that differ
	// in them; encodings that are all alike stay together. 0: DefaultBlock.
	MaxBlock int
	// Report, if set, is called with what was compared, after the last pair.
	Report func(BlockingReport)
}

// BlockingReport says what a Blocking left to compare.
type BlockingReport struct {
	Pairs    int64 // all there are
	Compared int64 // comparisons; a pair with several keys in common counts for each
	Blocks   int   // keys that rows of both sides have
	Split    int   // of these, split because they were too large
}

// ReductionRatio is the share of all pairs that were not compared.
func (r BlockingReport) ReductionRatio() float64 {
	if r.Pairs == 0 {
		return 0
	}
	return 1 - float64(r.Compared)/float64(r.Pairs)
}

// Completeness says how many of the pairs over a threshold a Blocking keeps.
type Completeness struct {
	Rows int // of a, that were looked at
	All  int // pairs of theirs over the threshold
	Kept int // of these, by the Blocking
}

// Ratio is the pairs completeness: the share that is kept.
func (c Completeness) Ratio() float64 {
	if c.All == 0 {
		return 1
	}
	return float64(c.Kept) / float64(c.All)
}

// MeasureBlocking compares a blocked join with the join of all pairs, for at most so
// many rows of a, evenly spaced. Its pairs are those over the threshold, true links or
// not. Best of the options does not count. Errors are those of Join.
func MeasureBlocking(ctx context.Context, a, b *Index, threshold float64, o *JoinOptions, rows int) (Completeness, error) {
	if o == nil {
		o = &JoinOptions{}
	}
	exact, keyed := *o, *o
	exact.Blocking, exact.Best, keyed.Best = nil, 0, 0
	step := max(1, (a.Len()+rows-1)/max(rows, 1))
	var sample []Encoding
	for i, e := range a.inOrder() {
		if i%step == 0 {
			sample = append(sample, e)
		}
	}
	c := Completeness{Rows: len(sample)}
	for _, err := range Join(ctx, newIndex(sample, a.length, a.config), b, threshold, &exact) {
		if err != nil {
			return Completeness{}, err
		}
		c.All++
	}
	for p, err := range Join(ctx, a, b, threshold, &keyed) {
		if err != nil {
			return Completeness{}, err
		}
		if p.A%step == 0 {
			c.Kept++
		}
	}
	return c, nil
}

func (b *Blocking) check(s *search) error {
	bits, size := b.bits(), b.maxBlock()
	if b.Tables < 0 || b.Tables > MaxTables || bits < 1 || bits > min(64, s.a.length) || size < 1 {
		return fmt.Errorf("%w: %d tables of %d bits in blocks of %d", ErrBlocking, b.Tables, bits, size)
	}
	keys := b.places()
	if keys+b.Tables == 0 {
		return fmt.Errorf("%w: no keys", ErrBlocking)
	}
	for side, k := range [][][]string{b.KeysA, b.keysB(s)} {
		rows := []*Index{s.a, s.b}[side].Len()
		if keys > 0 && len(k) != rows {
			return fmt.Errorf("%w: keys of %d rows for %d", ErrBlocking, len(k), rows)
		}
		for row := range k {
			if len(k[row]) != keys {
				return fmt.Errorf("%w: row %d has %d keys, the first has %d", ErrBlocking, row, len(k[row]), keys)
			}
		}
	}
	return nil
}

func (b *Blocking) bits() int {
	if b.Bits == 0 {
		return DefaultBits
	}
	return b.Bits
}

func (b *Blocking) maxBlock() int {
	if b.MaxBlock == 0 {
		return DefaultBlock
	}
	return b.MaxBlock
}

// places is how many keys of its own a row has.
func (b *Blocking) places() int {
	if len(b.KeysA) == 0 {
		return 0
	}
	return len(b.KeysA[0])
}

func (b *Blocking) keysB(s *search) [][]string {
	if s.self() {
		return b.KeysA
	}
	return b.KeysB
}
