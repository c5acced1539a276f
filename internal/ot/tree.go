package ot

import (
	"crypto/sha256"
	"crypto/subtle"

	"github.com/comity-prl/comity/internal/gf128"
)

// The trees of the small-field VOLE: one of 2^k leaves for each of 128/k elements
// of Δ, punctured at that element. Tree i takes the base transfers from k·i to
// k·i + k − 1; transfer k·i + b is for bit b of the element, and so for level k − b.
//
// The proof of consistency is that of 2022/192, Figure 14: every leaf is hashed
// to 256 bits; the receiver of transfers sends the sum of these for each tree,
// from which the sender finds the one that it misses, and a hash of all of them.
// Where that hash fails, or not, can depend on Δ if the corrections were wrong:
// that is the guess at the risk of being caught which Send speaks of.

// treeCorrections is the number of blocks that puncture all trees.
func (f field) treeCorrections() int { return f.instances * Corrections(f.size) }

// treesSize is the length of a frame that punctures all trees, in bytes.
func (x *extension) treesSize() int {
	n := x.field.treeCorrections() * gf128.Size
	if x.checked {
		n += (x.field.instances + 1) * sha256.Size
	}
	return n
}

// sendTrees returns the leaves of all trees, in order.
func (x *extension) sendTrees(keys [][2]Element) ([]Element, error) {
	f := x.field
	leaves := make([]Element, f.instances*f.size)
	corrections := make([]Element, f.treeCorrections())
	for i := range f.instances {
		own := make([][2]Element, f.bits)
		for b := range own {
			own[b] = keys[i*f.bits+f.bits-1-b]
		}
		n := Corrections(f.size)
		BuildPPRF(leaves[i*f.size:(i+1)*f.size], own, corrections[i*n:(i+1)*n])
	}
	out := make([]byte, f.treeCorrections()*gf128.Size, x.treesSize())
	gf128.Encode(out, corrections)
	if x.checked {
		all := sha256.New()
		for i := range f.instances {
			var sum [sha256.Size]byte
			for leaf := range f.size {
				h := x.leafProof(i, leaf, leaves[i*f.size+leaf])
				all.Write(h[:])
				subtle.XORBytes(sum[:], sum[:], h[:])
			}
			out = append(out, sum[:]...)
		}
		out = all.Sum(out)
	}
	x.transcript.Write(out)
	return leaves, x.conn.Write(x.kind+kindTrees, out)
}

// receiveTrees returns the leaves of all trees, in order, but for zero at each
// tree's element of Δ. keys are the strings of the numbers 1−b, b the bits of Δ.
func (x *extension) receiveTrees(delta Element, keys []Element) ([]Element, error) {
	f := x.field
	in, err := x.conn.ReadExact(x.kind+kindTrees, x.treesSize())
	if err != nil {
		return nil, err
	}
	x.transcript.Write(in)
	corrections := make([]Element, f.treeCorrections())
	gf128.Decode(corrections, in)
	proof := in[len(corrections)*gf128.Size:]
	leaves := make([]Element, f.instances*f.size)
	all := sha256.New()
	for i := range f.instances {
		own := make([]Element, f.bits)
		point := 0
		for b := range own {
			own[b] = keys[i*f.bits+f.bits-1-b]
			point |= int(bit(delta, i*f.bits+b)) << b
		}
		n := Corrections(f.size)
		tree := leaves[i*f.size : (i+1)*f.size]
		EvalPPRF(tree, point, own, corrections[i*n:(i+1)*n])
		if !x.checked {
			continue
		}
		hashes := make([]byte, f.size*sha256.Size)
		missing := append([]byte(nil), proof[i*sha256.Size:(i+1)*sha256.Size]...)
		for leaf, value := range tree {
			h := x.leafProof(i, leaf, value)
			subtle.ConstantTimeCopy(subtle.ConstantTimeEq(int32(leaf), int32(point)), h[:], make([]byte, sha256.Size))
			subtle.XORBytes(missing, missing, h[:])
			copy(hashes[leaf*sha256.Size:], h[:])
		}
		for leaf := range tree {
			h := hashes[leaf*sha256.Size : (leaf+1)*sha256.Size]
			subtle.ConstantTimeCopy(subtle.ConstantTimeEq(int32(leaf), int32(point)), h, missing)
		}
		all.Write(hashes)
	}
	if x.checked && subtle.ConstantTimeCompare(all.Sum(nil), proof[f.instances*sha256.Size:]) != 1 {
		return nil, ErrTree
	}
	return leaves, nil
}

func (x *extension) leafProof(tree, leaf int, value Element) [sha256.Size]byte {
	return sha256.Sum256(value.AppendBytes(x.session.prefix(labelLeaf, uint64(tree<<8|leaf))))
}
