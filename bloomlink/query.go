package bloomlink

import (
	"cmp"
	"context"
	"fmt"
	"slices"
)

// Neighbour is a row of an index that resembles an encoding.
type Neighbour struct {
	Row   int     // index in the slice that NewIndex was given
	Score float64 // as in Pair
}

// Search returns every row of x whose score with an encoding is at least threshold,
// the best first and, among equals, in ascending order. It misses none. Of the
// options Measure and Best count; nil options are the default. It works in the
// caller's goroutine: several may search at once. Errors are those of Join.
func (x *Index) Search(ctx context.Context, e Encoding, threshold float64, o *JoinOptions) ([]Neighbour, error) {
	s, err := query(x, e, threshold, &o)
	if err != nil {
		return nil, err
	}
	return s.neighbours(ctx, s.tasks(), o.Best)
}

// query makes the search of one encoding, and puts default options for none.
func query(x *Index, e Encoding, threshold float64, o **JoinOptions) (*search, error) {
	if *o == nil {
		*o = &JoinOptions{}
	}
	if !validLength(e.Len()) {
		return nil, badLength(e.Len())
	}
	return newSearch(newRows([]Encoding{e}, e.Len(), x.config), x, threshold, (*o).Measure)
}

// neighbours does all tasks, sorts what they find, and keeps the best, or all if that
// is 0.
func (s *search) neighbours(ctx context.Context, next func() task, best int) ([]Neighbour, error) {
	var found []Neighbour
	c := s.comparer()
	for t := next(); t != nil; t = next() {
		t.compare(ctx, c, func(_, b uint32, score float64) { found = append(found, Neighbour{int(b), score}) })
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	slices.SortFunc(found, func(x, y Neighbour) int {
		return cmp.Or(cmp.Compare(y.Score, x.Score), cmp.Compare(x.Row, y.Row))
	})
	if best > 0 {
		found = found[:min(best, len(found))]
	}
	return found, nil
}

// Blocks is an index sorted by the keys of a Blocking: 16 bytes a row and key beside
// the index. It is not changed by a search and may serve several at once.
type Blocks struct {
	index  *Index
	keys   *Blocking
	passes []*pass
	sorted [][]entry // by pass
}

// NewBlocks sorts an index by keys, of which KeysA are those of its rows. Errors are
// ErrBlocking.
func NewBlocks(x *Index, b *Blocking) (*Blocks, error) {
	k := &Blocks{index: x, keys: b}
	if x.Len() == 0 {
		return k, nil
	}
	s, err := newSelfSearch(x, 1, MeasureDice)
	if err != nil {
		return nil, err
	}
	made, err := newBlocked(b, s)
	if err != nil {
		return nil, err
	}
	k.passes = made.passes
	for _, p := range k.passes {
		k.sorted = append(k.sorted, p.entries(x, b.KeysA))
	}
	return k, nil
}

// Search is Index.Search among the rows that have a key in common with the encoding,
// whose keys are those given, as many as a row has, and those sampled from it. Blocks
// are compared whole, however large. Errors are those of Join.
func (k *Blocks) Search(ctx context.Context, e Encoding, keys []string, threshold float64, o *JoinOptions) ([]Neighbour, error) {
	s, err := query(k.index, e, threshold, &o)
	if err != nil {
		return nil, err
	}
	if len(keys) != k.keys.places() {
		return nil, fmt.Errorf("%w: %d keys, want %d", ErrBlocking, len(keys), k.keys.places())
	}
	made := &blocked{
		Blocking: &Blocking{KeysA: [][]string{keys}, KeysB: k.keys.KeysA},
		passes:   k.passes,
	}
	pass := -1
	next := func() task {
		for pass++; pass < len(k.passes); pass++ {
			key, ok := k.passes[pass].key(s.a, made.KeysA, 0)
			if block := keyed(k.sorted[pass], key); ok && len(block) > 0 {
				return &meeting{blocked: made, pass: pass, groups: []group{{[]entry{{key, 0}}, block}}}
			}
		}
		return nil
	}
	return s.neighbours(ctx, next, o.Best)
}

// keyed returns those entries that have a key.
func keyed(es []entry, key uint64) []entry {
	at, _ := slices.BinarySearchFunc(es, key, func(e entry, key uint64) int { return cmp.Compare(e.key, key) })
	return es[at : at+alike(es[at:], key)]
}
