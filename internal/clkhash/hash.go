package clkhash

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding"
	"encoding/binary"
	"hash"
	"strconv"
	"unicode/utf8"

	"golang.org/x/crypto/blake2b"
)

// keys derives two keys for every feature, ignored ones too, by HKDF (RFC 5869).
func (s *Schema) keys(secret []byte) ([][2][]byte, error) {
	h := sha256.New
	if s.sha512 {
		h = sha512.New
	}
	size := s.keySize
	all, err := hkdf.Key(h, secret, s.salt, string(s.info), len(s.features)*2*size)
	if err != nil {
		return nil, err
	}
	keys := make([][2][]byte, len(s.features))
	for i := range keys {
		keys[i] = [2][]byte{all[2*i*size : (2*i+1)*size], all[(2*i+1)*size : (2*i+2)*size]}
	}
	return keys, nil
}

// drawer draws the places of a token among the bits of a filter. The first of k
// are the same whatever k is.
type drawer interface {
	draw(token []byte, k int) []uint32
}

func drawerOf(f *feature, keys [2][]byte, filter int) drawer {
	if f.double {
		return &doubleHash{keys, uint64(filter), f.regular}
	}
	return newBlake(keys[0], filter)
}

// doubleHash takes steps of equal length around the filter (Schnell, Bachteler and
// Reiher, working paper WP-GRLC-2011-02): two hashes, of which it has only as many
// patterns as the square of the length.
type doubleHash struct {
	keys    [2][]byte
	filter  uint64
	regular bool // a step of zero is drawn again
}

func (d *doubleHash) draw(token []byte, k int) []uint32 {
	at := d.mod(hmac.New(sha1.New, d.keys[0]), token)
	mac := hmac.New(md5.New, d.keys[1])
	step := d.mod(mac, token)
	for again := rune(0); d.regular && step == 0 && again < 0xd800; again++ { // Python's chr(again) is no UTF-8 from there on
		mac.Reset()
		step = d.mod(mac, token, utf8.AppendRune(nil, again))
	}
	places := make([]uint32, k)
	for i := range places {
		places[i] = uint32(at)
		at = (at + step) % d.filter
	}
	return places
}

// mod returns the MAC of a message as a number, modulo the length of the filter.
func (d *doubleHash) mod(mac hash.Hash, message ...[]byte) uint64 {
	for _, part := range message {
		mac.Write(part)
	}
	n := uint64(0)
	for _, b := range mac.Sum(nil) {
		n = (n<<8 | uint64(b)) % d.filter
	}
	return n
}

// blake draws places from keyed BLAKE2b, 16 bits each: block c of 32 places is the
// MAC with the number c for a salt.
type blake struct {
	keyBlock [blake2b.BlockSize]byte
	keySize  int
	mask     uint32
}

func newBlake(key []byte, filter int) *blake {
	b := &blake{keySize: len(key), mask: uint32(filter - 1)}
	copy(b.keyBlock[:], key)
	return b
}

func (b *blake) draw(token []byte, k int) []uint32 {
	const each = 32
	places := make([]uint32, 0, k)
	for block := 0; len(places) < k; block++ {
		mac := b.salted(strconv.Itoa(block))
		mac.Write(token)
		sum := mac.Sum(nil)
		for i := range min(each, k-len(places)) {
			places = append(places, uint32(binary.LittleEndian.Uint16(sum[2*i:]))&b.mask)
		}
	}
	return places
}

// salted returns BLAKE2b with this key and a salt, which package blake2b does not
// offer. Key length and salt are parameters, and parameters are only added to the
// first chaining value (RFC 7693, section 2.5, and section 2.8 of the BLAKE2
// paper, for the place of the salt); the key is the first block of the message.
// So it changes the state of an unkeyed hash before anything was written to it:
// eight words of the chaining value after a mark of three bytes.
func (b *blake) salted(salt string) hash.Hash {
	h, _ := blake2b.New512(nil) // fails for long keys alone
	state, err := h.(encoding.BinaryMarshaler).MarshalBinary()
	if err != nil {
		panic("clkhash: blake2b without a state: " + err.Error())
	}
	const mark = 3
	add := func(word int, value uint64) {
		p := state[mark+8*word:]
		binary.BigEndian.PutUint64(p, binary.BigEndian.Uint64(p)^value)
	}
	var padded [16]byte
	copy(padded[:], salt)
	add(0, uint64(b.keySize)<<8)
	add(4, binary.LittleEndian.Uint64(padded[:8]))
	add(5, binary.LittleEndian.Uint64(padded[8:]))
	if err := h.(encoding.BinaryUnmarshaler).UnmarshalBinary(state); err != nil {
		panic("clkhash: blake2b with another state: " + err.Error())
	}
	h.Write(b.keyBlock[:])
	return h
}

// base64Of reads base64 as Python does: what is not of the alphabet is skipped,
// and what follows the padding too.
func base64Of(v value) []byte {
	s := v.text("")
	var out []byte
	var bits uint32
	quad, pads := 0, 0
	for _, c := range []byte(s) {
		if c >= utf8.RuneSelf {
			v.fail("not ASCII")
			return nil
		}
		if c == '=' {
			if pads++; quad >= 2 && quad+pads >= 4 {
				return out
			}
			continue
		}
		d := sextet(c)
		if d < 0 {
			continue
		}
		pads = 0
		bits = bits<<6 | uint32(d)
		if quad++; quad > 1 {
			out = append(out, byte(bits>>(8-2*quad)))
		}
		quad %= 4
	}
	if quad != 0 {
		v.fail("not base64")
	}
	return out
}

func sextet(c byte) int {
	switch {
	case c >= 'A' && c <= 'Z':
		return int(c - 'A')
	case c >= 'a' && c <= 'z':
		return int(c-'a') + 26
	case c >= '0' && c <= '9':
		return int(c-'0') + 52
	case c == '+':
		return 62
	case c == '/':
		return 63
	}
	return -1
}
