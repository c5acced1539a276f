package bloomlink

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"sync"

	"github.com/comity-prl/comity/internal/memo"
)

// filterCoder encodes by a filter of independent hashes, and hardens it.
type filterCoder struct {
	length int // of the filter, in bits
	fields []field
	salt   int // the feature that salts the others, or -1
	layers []layer
	noise  *noise
	room   sync.Pool // of *room
}

// field is what a feature needs to set its bits.
type field struct {
	q     int
	bits  int
	draw  drawer
	known *memo.Memo[[]uint16] // positions of q-grams
}

// memoBits is the room for q-grams of a field: names have some hundreds.
const memoBits = 14

// room is what encoding one record needs for a while.
type room struct {
	counter counter
	token   []byte
}

func newFilterCoder(s *Schema, h *Hardening, k keys, noiseKey []byte) *filterCoder {
	c := &filterCoder{length: s.Length, salt: s.index(h.Salt)}
	c.room.New = func() any { return new(room) }
	for _, f := range s.Features {
		key := k.derive("feature", f.Name)
		c.fields = append(c.fields, field{f.Q, f.Bits, drawer{key[:], s.Length}, memo.New[[]uint16](memoBits)})
	}
	c.layers = h.layers(s.Length, k)
	if h.Flip > 0 {
		c.noise = newNoise(h, c.layers, s, noiseKey)
	}
	return c
}

// note says what noise there is.
func (c *filterCoder) note() string {
	if c.noise == nil {
		return ""
	}
	return fmt.Sprintf(", noise of ε = %.2f a bit and %.0f a q-gram", c.noise.perBit, c.noise.perGram)
}

func (c *filterCoder) encode(values []string) (Encoding, error) {
	filter := make(Encoding, c.length/64)
	if err := c.fill(values, func(int) Encoding { return filter }); err != nil {
		return nil, err
	}
	if filter.Count() == 0 { // a record without a value gets no bit from a layer or from noise
		return make(Encoding, c.outWords()), nil
	}
	for _, l := range c.layers {
		filter = l.apply(filter)
	}
	if c.noise != nil {
		c.noise.add(filter)
	}
	return filter, nil
}

func (c *filterCoder) encodeFields(values []string) ([]Encoding, error) {
	filters := make([]Encoding, len(values))
	err := c.fill(values, func(i int) Encoding {
		filters[i] = make(Encoding, c.length/64)
		return filters[i]
	})
	return filters, err
}

// fill sets the bits of each value in the filter of its feature.
func (c *filterCoder) fill(values []string, filter func(feature int) Encoding) error {
	for i, v := range values {
		if !usable(v) {
			return &FeatureError{Feature: i, Reason: "not valid UTF-8", cause: ErrValue}
		}
	}
	r := c.room.Get().(*room)
	defer c.room.Put(r)
	for i, v := range values {
		salt := ""
		if c.salt >= 0 && c.salt != i {
			salt = values[c.salt]
		}
		c.fields[i].set(filter(i), v, salt, r)
	}
	return nil
}

func (c *filterCoder) outWords() int {
	n := c.length
	for _, l := range c.layers {
		n = l.length
	}
	return n / 64
}

// saltMark parts a q-gram from a salt. The byte occurs in no UTF-8.
const saltMark = 0xfe

// set sets the bits of a value's q-grams.
func (f *field) set(filter Encoding, value, salt string, r *room) {
	qgrams(value, f.q, &r.counter, func(gram []byte, nth uint32) {
		r.token = binary.BigEndian.AppendUint32(r.token[:0], nth)
		r.token = append(r.token, gram...)
		if salt != "" {
			r.token = append(append(r.token, saltMark), salt...)
		}
		positions, ok := f.known.Get(r.token)
		if !ok {
			positions = f.draw.positions(r.token, f.bits)
			f.known.Put(r.token, positions)
		}
		for _, p := range positions {
			filter[p/64] |= 1 << (p % 64)
		}
	})
}

// drawer draws positions below length by a key.
type drawer struct {
	key    []byte
	length int
}

// positions draws n positions for a token. Each takes 32 bits of
// HMAC-SHA-256(key, block ‖ token), block = 0, 1, …, brought into range by
// multiplication: no position is more likely than another by over 2^-32. As all
// are drawn alike, two of a token may coincide. A block is one byte: n is at most
// MaxBits.
func (d drawer) positions(token []byte, n int) []uint16 {
	const each = 4
	mac := hmac.New(sha256.New, d.key)
	positions := make([]uint16, 0, n)
	for block := byte(0); len(positions) < n; block++ {
		mac.Reset()
		mac.Write([]byte{block})
		mac.Write(token)
		for sum := mac.Sum(nil); len(sum) > 0 && len(positions) < n; sum = sum[each:] {
			positions = append(positions, uint16(uint64(binary.BigEndian.Uint32(sum))*uint64(d.length)>>32))
		}
	}
	return positions
}
