package aeshash

import (
	"crypto/cipher"

	"github.com/comity-prl/comity/internal/gf128"
)

// hasher hashes single blocks over one buffer, which crypto/aes makes escape.
type hasher struct{ buf [gf128.Size]byte }

func (h *hasher) hash(block cipher.Block, x gf128.Element) gf128.Element {
	x.AppendBytes(h.buf[:0])
	block.Encrypt(h.buf[:], h.buf[:])
	return gf128.FromBytes(h.buf[:]).Add(x)
}

func hashGeneric(k *Key, dst, src []gf128.Element) {
	var h hasher
	for i, x := range src {
		dst[i] = h.hash(k.block, x)
	}
}

func expandGeneric(left, right, parents []gf128.Element) {
	var h hasher
	for i, x := range parents {
		left[i], right[i] = h.hash(leftKey.block, x), h.hash(rightKey.block, x)
	}
}

func expandInterleavedGeneric(children, parents []gf128.Element) {
	var h hasher
	for i := len(parents) - 1; i >= 0; i-- {
		x := parents[i]
		children[2*i], children[2*i+1] = h.hash(leftKey.block, x), h.hash(rightKey.block, x)
	}
}

func hashKeyedGeneric(dst, keys, msgs []gf128.Element) {
	var h hasher
	for i, x := range msgs {
		keys[i].AppendBytes(h.buf[:0])
		dst[i] = h.hash(newCipher(h.buf[:]), x)
	}
}
