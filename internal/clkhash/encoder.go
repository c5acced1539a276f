package clkhash

import (
	"math/bits"
	"sync"
	"unicode/utf8"

	"github.com/comity-prl/comity/internal/memo"
)

// Encoder makes CLKs. Several goroutines may use it at once.
type Encoder struct {
	schema *Schema
	fields []field
	room   sync.Pool // of *tokens
}

// field is a feature that is not ignored.
type field struct {
	*feature
	index  int
	drawer drawer
	known  *memo.Memo[[]uint32] // places of tokens
}

// NewEncoder makes an encoder from a secret of any length.
func NewEncoder(s *Schema, secret []byte) (*Encoder, error) {
	keys, err := s.keys(secret)
	if err != nil {
		return nil, err
	}
	e := &Encoder{schema: s, room: sync.Pool{New: func() any { return new(tokens) }}}
	for i := range s.features {
		if f := &s.features[i]; !f.ignored {
			e.fields = append(e.fields, field{f, i, drawerOf(f, keys[i], s.filter()), memo.New[[]uint32](memoBits)})
		}
	}
	return e, nil
}

const (
	memoBits = 13  // bigrams of names are some hundreds
	memoMost = 512 // places of a token that is worth remembering
)

// Encode makes the CLK of a record: a value for each feature, ignored ones too.
// Bit i of the CLK is bit i%64 of word i/64. Errors are *ValueError.
func (e *Encoder) Encode(record []string) ([]uint64, error) {
	filter := e.schema.empty()
	if err := e.fill(record, func(int) []uint64 { return filter }); err != nil {
		return nil, err
	}
	return e.schema.fold(filter), nil
}

// EncodeFields makes a CLK of each value alone; that of an ignored one is empty.
func (e *Encoder) EncodeFields(record []string) ([][]uint64, error) {
	filters := make([][]uint64, len(record))
	for i := range filters {
		filters[i] = e.schema.empty()
	}
	if err := e.fill(record, func(i int) []uint64 { return filters[i] }); err != nil {
		return nil, err
	}
	for i := range filters {
		filters[i] = e.schema.fold(filters[i])
	}
	return filters, nil
}

func (e *Encoder) fill(record []string, filter func(feature int) []uint64) error {
	room := e.room.Get().(*tokens)
	defer e.room.Put(room)
	for i := range e.fields {
		f := &e.fields[i]
		if reason := f.encode(record[f.index], room, filter(f.index)); reason != "" {
			return &ValueError{f.index, reason}
		}
	}
	return nil
}

func (s *Schema) empty() []uint64 { return make([]uint64, (s.filter()+63)/64) }

func (f *field) encode(value string, room *tokens, filter []uint64) (reason string) {
	if !utf8.ValidString(value) {
		return "not valid UTF-8"
	}
	room.reset(f.charset)
	if f.missing != nil && value == f.missing.sentinel {
		value = f.missing.replacement
	} else if value, reason = f.checked(value); reason != "" {
		return reason
	}
	if reason := f.compare.tokens(value, room); reason != "" {
		return reason
	}
	if room.foreign {
		return "not ASCII"
	}
	n := len(room.ends)
	if n == 0 {
		return ""
	}
	share, more := f.shares(n)
	begin := 0
	for i, end := range room.ends {
		k := share
		if i < more {
			k++
		}
		for _, p := range f.places(room.bytes[begin:end], k) {
			filter[p/64] |= 1 << (p % 64)
		}
		begin = end
	}
	return ""
}

func (f *field) checked(value string) (canonical, reason string) {
	if f.charset == asciiCharset {
		for i := range len(value) {
			if value[i] >= utf8.RuneSelf {
				return "", "not ASCII"
			}
		}
	}
	return f.format.canonical(value)
}

func (f *field) places(token []byte, k int) []uint32 {
	if k > memoMost {
		return f.drawer.draw(token, k)
	}
	places, ok := f.known.Get(token)
	if !ok || len(places) < k {
		places = f.drawer.draw(token, k)
		f.known.Put(token, places)
	}
	return places[:k]
}

// fold adds the halves of a filter in GF(2), again and again: bit i ends at i
// modulo the length of a CLK.
func (s *Schema) fold(filter []uint64) []uint64 {
	if s.folds == 0 {
		return filter
	}
	out := make([]uint64, (s.Bits+63)/64)
	for i, w := range filter {
		for ; w != 0; w &= w - 1 {
			p := (64*i + bits.TrailingZeros64(w)) % s.Bits
			out[p/64] ^= 1 << (p % 64)
		}
	}
	return out
}
