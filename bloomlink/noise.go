package bloomlink

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
)

// noise flips bits with one probability, by a key that one owner has and by the
// encoding itself: what is equal before it is equal after it, so that many
// releases of a record have the same noise.
type noise struct {
	key             []byte
	below           uint32 // a bit flips if 32 bits that are drawn for it are below this
	perBit, perGram float64
}

func newNoise(h *Hardening, layers []layer, s *Schema, key []byte) *noise {
	n := &noise{key: append([]byte(nil), key...), below: h.flipBelow(), perBit: h.Epsilon(1)}
	changed := 0 // when one q-gram takes the place of another
	for _, f := range s.Features {
		changed = max(changed, 2*f.Bits)
	}
	for _, l := range layers {
		changed *= l.spread
	}
	n.perGram = h.Epsilon(min(changed, h.length(s.Length)))
	return n
}

// add draws from AES-256 in counter mode under a key that HMAC-SHA-256 makes of
// the owner's key and the encoding.
func (n *noise) add(x Encoding) {
	mac := hmac.New(sha256.New, n.key)
	mac.Write(appendRow([]byte("comity bloomlink noise"), x))
	block, err := aes.NewCipher(mac.Sum(nil))
	if err != nil {
		panic("bloomlink: " + err.Error()) // not for 32 bytes
	}
	draws := make([]byte, 4*x.Len())
	cipher.NewCTR(block, make([]byte, aes.BlockSize)).XORKeyStream(draws, draws)
	for i := range x.Len() {
		if binary.BigEndian.Uint32(draws[4*i:]) < n.below {
			x[i/64] ^= 1 << (i % 64)
		}
	}
}
