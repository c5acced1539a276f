package bloomlink

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"golang.org/x/crypto/cryptobyte"
)

// MaxDiffuse is the largest number of inputs of a bit in diffusion.
const MaxDiffuse = 16

// Hardening is what is done to a filter before it leaves its owner, in the order
// of the fields here. The zero value is nothing. None of it protects from who
// holds the secret. It moves similarities: a threshold holds for one hardening of
// one schema.
//
// What each resists and costs was measured on 16,000 × 16,000 invented persons with
// filters of which two fifths are set, at the best threshold of each: F1 of mutual
// best, .943 for a plain filter, and how often an attacker without a key who knows
// 200, 1000 or 5000 records and their encodings picks the right encoding of another
// record out of 2000, which for a plain filter is always. Such a figure is a lower
// bound of what can be learned.
type Hardening struct {
	// Salt names a feature, whose value changes the bits of all others: records
	// that differ in it have nothing in common. It resists the mining of patterns
	// as far as its values are many; it costs every match whose values differ. By
	// sex: F1 .943, attack 59, 96, 100 %. By year of birth: F1 .899, attack 1, 5, 10 %.
	Salt string `json:"salt,omitempty"`
	// Fold is how often one half of the filter is added to the other in GF(2). It
	// hides some of the frequencies of bits. Once: F1 .943, attack 34, 93, 99.8 %.
	// It halves the length each time.
	Fold int `json:"fold,omitempty"`
	// Rule90 replaces each bit by the sum of its two neighbours in GF(2) (Schnell
	// and Borgs, ICDMW 2018). F1 .943, attack 69, 99.8, 100 %.
	Rule90 bool `json:"rule90,omitempty"`
	// Resample replaces each bit by the sum of two that are drawn by the secret
	// (Franke and others, EDBT 2021). It does what diffusion by 2 does: F1 .943,
	// attack 67, 99, 100 %.
	Resample bool `json:"resample,omitempty"`
	// Diffuse, from 2 to MaxDiffuse, replaces each bit by the sum of so many that
	// are drawn by the secret (Armknecht, Heng and Schnell, PoPETs 2023(2)); 0 is
	// none. By 4: F1 .942, attack 0, 1, 7 %. By 8: F1 .900, attack 0 %. The layer
	// is linear: whoever knows about as many records as there are bits, and their
	// filters, can solve for it. All bits become about as often set as not, which
	// slows a search down by half.
	//
	// It wants a filter with enough bits set, and records of not too many errors.
	// On FEBRL, 9 fields, by 4 and with 1000 known and 1000 candidates: of 1024 bits 15 % set,
	// F1 .993 and attack 100 %; 27 %, .987 and 52 %; 37 %, .972 and 4 %. A longer
	// filter gives back what that costs, and some of the leak: of 2048 bits 37 %
	// set, .982 and 7 %, and on GECO, where most fields have errors, .936, to .893
	// of 1024 bits and .939 without diffusion.
	Diffuse int `json:"diffuse,omitempty"`
	// Balance appends the complement and shuffles all by the secret, so that every
	// encoding has as many bits set (Schnell and Borgs, ICDMW 2016). It hides how
	// long the values are, and nothing else: F1 .944, attack 100 %. It doubles the
	// length.
	Balance bool `json:"balance,omitempty"`
	// Flip is the probability, below 0.5, that noise turns a bit (BLIP: Alaggan,
	// Gambs and Kermarrec, SSS 2012). It is drawn once a record, by NoiseKey: to
	// send a record again does not average it away. At 5 %: F1 .942, attack 100 %;
	// at 20 %: F1 .899, attack 80, 100, 100 %. Epsilon says how little it promises:
	// at a quality that serves, two digits a q-gram. Do not call it private.
	Flip float64 `json:"flip,omitempty"`
}

// Hardened returns the recommended hardening: diffusion with 4 inputs, over the
// independent hashes of NewEncoder, best with a Length of 2048 and so many Bits that
// records set 35 to 40 % of a filter before it. With a Project that is used once its
// keys are one-time keys.
func Hardened() *Hardening { return &Hardening{Diffuse: 4} }

func (h *Hardening) check(s *Schema, noiseKey []byte) error {
	bad := func(reason string, args ...any) error {
		return fmt.Errorf("%w: %s", ErrHardening, fmt.Sprintf(reason, args...))
	}
	switch {
	case h.Salt != "" && s.index(h.Salt) < 0:
		return bad("no feature has the name of the salt")
	case h.Fold < 0 || h.Fold > 7:
		return bad("%d folds, want 0 to 7", h.Fold)
	case h.Diffuse != 0 && (h.Diffuse < 2 || h.Diffuse > MaxDiffuse):
		return bad("diffusion by %d, want 2 to %d", h.Diffuse, MaxDiffuse)
	case !(h.Flip >= 0 && h.Flip < 0.5):
		return bad("a bit flips with %v, want below 0.5", h.Flip)
	case h.Flip > 0 && h.flipBelow() == 0:
		return bad("a bit flips with %v, want 0 or at least 2^-32", h.Flip)
	case h.Flip > 0 && len(noiseKey) < MinSecret:
		return fmt.Errorf("%w: a noise key of %d bytes, at least %d needed", ErrSecret, len(noiseKey), MinSecret)
	case s.Length%(64<<h.Fold) != 0:
		return bad("%d bits do not fold %d times into words of 64", s.Length, h.Fold)
	case !validLength(h.length(s.Length)):
		return bad("encodings of %d bits, want %d to %d", h.length(s.Length), MinLength, MaxLength)
	}
	return nil
}

// length is that of an encoding whose filter has n bits.
func (h *Hardening) length(n int) int {
	n >>= h.Fold
	if h.Balance {
		n *= 2
	}
	return n
}

// flipBelow is the probability of a flip in units of 2^-32.
func (h *Hardening) flipBelow() uint32 { return uint32(h.Flip * (1 << 32)) }

func (h *Hardening) addTo(b *cryptobyte.Builder) {
	flag := func(f bool) {
		if f {
			b.AddUint8(1)
		} else {
			b.AddUint8(0)
		}
	}
	b.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes([]byte(h.Salt)) })
	b.AddUint8(uint8(h.Fold))
	flag(h.Rule90)
	flag(h.Resample)
	b.AddUint8(uint8(h.Diffuse))
	flag(h.Balance)
	b.AddUint32(h.flipBelow())
}

// layer is one step of hardening.
type layer struct {
	apply  func(Encoding) Encoding
	length int // of what comes out, in bits
	spread int // the most bits out that one bit in can change
}

func (h *Hardening) layers(n int, k keys) []layer {
	var all []layer
	for range h.Fold {
		n /= 2
		all = append(all, layer{fold, n, 1})
	}
	if h.Rule90 {
		all = append(all, layer{rule90, n, 2})
	}
	if h.Resample {
		m := newMixer(drawer{key: keyOf(k, "resample"), length: n}, 2, false)
		all = append(all, layer{m.apply, n, m.spread()})
	}
	if h.Diffuse > 0 {
		m := newMixer(drawer{key: keyOf(k, "diffuse"), length: n}, h.Diffuse, true)
		all = append(all, layer{m.apply, n, m.spread()})
	}
	if h.Balance {
		n *= 2
		order := shuffled(drawer{key: keyOf(k, "balance"), length: n})
		all = append(all, layer{func(x Encoding) Encoding { return balance(x, order) }, n, 2})
	}
	return all
}

func keyOf(k keys, use string) []byte {
	key := k.derive(use)
	return key[:]
}

func fold(x Encoding) Encoding {
	half := len(x) / 2
	out := make(Encoding, half)
	for i := range out {
		out[i] = x[i] ^ x[half+i]
	}
	return out
}

// rule90 takes the bits as a ring.
func rule90(x Encoding) Encoding {
	out := make(Encoding, len(x))
	for i := range x {
		before, after := x[(i+len(x)-1)%len(x)], x[(i+1)%len(x)]
		out[i] = (x[i]<<1 | before>>63) ^ (x[i]>>1 | after<<63)
	}
	return out
}

// mixer is a sparse matrix over GF(2): the bits in that each bit out is the sum of.
type mixer struct {
	// inputs are the first of each bit out, the second of each, and so on. Of each
	// word the last bit comes first, so that apply can shift.
	inputs [][]uint16
}

// newMixer draws the inputs of each bit out, distinct ones where asked.
func newMixer(d drawer, inputs int, distinct bool) *mixer {
	m := &mixer{make([][]uint16, inputs)}
	row := make([]uint16, 0, inputs)
	for out := range d.length {
		row = row[:0]
		for _, in := range d.positions([]byte{byte(out >> 8), byte(out)}, MaxBits) {
			if len(row) < inputs && !(distinct && slices.Contains(row, in)) {
				row = append(row, in)
			}
		}
		for i, in := range row {
			m.inputs[i] = append(m.inputs[i], in)
		}
	}
	for _, inputs := range m.inputs {
		for word := range slices.Chunk(inputs, 64) {
			slices.Reverse(word)
		}
	}
	return m
}

// spreadByte has the bits of a byte as bytes.
var spreadByte = func() (table [256]uint64) {
	for b := range table {
		for i := range 8 {
			table[b] |= uint64(b>>i&1) << (8 * i)
		}
	}
	return table
}()

func (m *mixer) apply(x Encoding) Encoding {
	var in [MaxLength]byte // a bit each
	for i, w := range x {
		for j := range 8 {
			binary.LittleEndian.PutUint64(in[64*i+8*j:], spreadByte[byte(w>>(8*j))])
		}
	}
	out := make(Encoding, len(x))
	for i := range out {
		for _, inputs := range m.inputs {
			w := uint64(0)
			for _, p := range inputs[64*i : 64*i+64] {
				w = w<<1 + uint64(in[p%MaxLength])
			}
			out[i] ^= w
		}
	}
	return out
}

// spread is the largest number of bits out that one bit in is part of.
func (m *mixer) spread() int {
	uses := make([]int, MaxLength)
	for _, inputs := range m.inputs {
		for _, in := range inputs {
			uses[in]++
		}
	}
	return slices.Max(uses)
}

// shuffled returns the numbers below the drawer's length in an order of its key:
// each goes by 256 bits that are drawn for it.
func shuffled(d drawer) []uint16 {
	order := make([]uint16, d.length)
	ranks := make([][]uint16, d.length)
	for i := range order {
		order[i] = uint16(i)
		ranks[i] = drawer{d.key, 1 << 16}.positions([]byte{byte(i >> 8), byte(i)}, 16)
	}
	slices.SortFunc(order, func(a, b uint16) int { return slices.Compare(ranks[a], ranks[b]) })
	return order
}

// balance puts bit i of x and its complement where order[i] and order[n+i] say.
func balance(x Encoding, order []uint16) Encoding {
	n := x.Len()
	out := make(Encoding, 2*len(x))
	for i := range n {
		p := order[i]
		if x[i/64]>>(i%64)&1 == 0 {
			p = order[n+i]
		}
		out[p/64] |= 1 << (p % 64)
	}
	return out
}

// Epsilon returns what differential privacy would call the noise of Flip: for a
// bit, ln((1-p)/p), and for changed bits together so many times as much. It is
// infinite without noise.
func (h *Hardening) Epsilon(changed int) float64 {
	p := float64(h.flipBelow()) / (1 << 32)
	return float64(changed) * math.Log((1-p)/p)
}
