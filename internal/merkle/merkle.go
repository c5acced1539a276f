// Package merkle commits to a list of data by one hash, of which single data can be
// opened later: the tree of RFC 6962, Section 2.1, over salted leaves
//
//	leaf i = SHA-256(00 ‖ salt i ‖ datum i),  salt i = AES-256 of i, 16 bytes big endian, under the seed
//
// Who does not have the seed learns nothing of a datum from the root, nor from the
// proofs of others, if AES is a pseudorandom permutation and SHA-256 a random oracle.
// To open a datum gives away its salt, its number and nothing else but hashes.
package merkle

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/comity-prl/comity/internal/parallel"
)

// Sizes in bytes.
const (
	SeedSize = 32
	SaltSize = 16
)

var (
	// ErrLeaf says that the tree has no such leaf.
	ErrLeaf = errors.New("merkle: no such leaf")
	// ErrProof says that a proof does not lead from the datum to the root.
	ErrProof = errors.New("merkle: invalid proof")
)

// A block is that many leaves. Of the tree only the blocks' hashes are kept; what lies
// in a block is made again for a proof.
const (
	blockLevel = 10
	blockSize  = 1 << blockLevel
)

// Tree is a commitment with what it takes to open it. It is safe for concurrent use.
type Tree struct {
	seed   [SeedSize]byte
	n      int
	datum  func(dst []byte, i int) []byte
	blocks []tlog.Hash
	root   tlog.Hash
}

// New commits to n data, of which datum appends number i to dst: always the same
// bytes, and of the same length for all i. It is called by several goroutines at once,
// and again for proofs. Work runs on all cores: a second of one core for some five
// million data of 32 bytes.
func New(seed [SeedSize]byte, n int, datum func(dst []byte, i int) []byte) *Tree {
	t := &Tree{seed: seed, n: n, datum: datum, blocks: make([]tlog.Hash, (n+blockSize-1)/blockSize)}
	parallel.Do(len(t.blocks), func(lo, hi int) {
		s := t.newSalter()
		for b := lo; b < hi; b++ {
			t.blocks[b] = top(s.leaves(b*blockSize, min((b+1)*blockSize, n)))
		}
	})
	t.root = sha256.Sum256(nil)
	if n > 0 {
		t.root = top(slices.Clone(t.blocks))
	}
	return t
}

// Root returns the hash of the tree.
func (t *Tree) Root() [sha256.Size]byte { return t.root }

// Seed returns the secret that all salts come from.
func (t *Tree) Seed() [SeedSize]byte { return t.seed }

// Len returns the number of leaves.
func (t *Tree) Len() int { return t.n }

// top returns the hash over neighbouring hashes of one level, which it overwrites. A
// hash without a neighbour goes one level up as it is: the split of RFC 6962 at the
// largest power of two, from the leaves up.
func top(level []tlog.Hash) tlog.Hash {
	for len(level) > 1 {
		n := len(level)
		for i := range n / 2 {
			level[i] = tlog.NodeHash(level[2*i], level[2*i+1])
		}
		if n%2 == 1 {
			level[n/2] = level[n-1]
		}
		level = level[:(n+1)/2]
	}
	return level[0]
}

// salter makes leaves, for one goroutine.
type salter struct {
	t      *Tree
	block  cipher.Block
	salt   [SaltSize]byte
	in     []byte
	hashes [blockSize]tlog.Hash
}

func (t *Tree) newSalter() *salter {
	block, err := aes.NewCipher(t.seed[:])
	if err != nil {
		panic("merkle: " + err.Error()) // 32 bytes are a key of AES
	}
	return &salter{t: t, block: block}
}

func (s *salter) saltOf(i int) [SaltSize]byte {
	binary.BigEndian.PutUint64(s.salt[SaltSize-8:], uint64(i))
	clear(s.salt[:SaltSize-8])
	s.block.Encrypt(s.salt[:], s.salt[:])
	return s.salt
}

// leaves returns the hashes of at most one block of leaves, valid until the next call.
func (s *salter) leaves(lo, hi int) []tlog.Hash {
	for i := lo; i < hi; i++ {
		salt := s.saltOf(i)
		s.in = s.t.datum(startLeaf(s.in, salt), i)
		s.hashes[i-lo] = sha256.Sum256(s.in)
	}
	return s.hashes[:hi-lo]
}

// startLeaf returns what is hashed before a datum.
func startLeaf(buf []byte, salt [SaltSize]byte) []byte { return append(append(buf[:0], 0), salt[:]...) }

// Proof opens one leaf.
type Proof struct {
	Leaf int
	Salt [SaltSize]byte
	Path []tlog.Hash // RFC 6962, Section 2.1.1
}

// Prove returns the proof of leaf i, or ErrLeaf.
func (t *Tree) Prove(i int) (*Proof, error) {
	if i < 0 || i >= t.n {
		return nil, fmt.Errorf("%w: number %d of %d", ErrLeaf, i, t.n)
	}
	s := t.newSalter()
	path, err := tlog.ProveRecord(int64(t.n), int64(i), tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		hashes := make([]tlog.Hash, len(indexes))
		for k, index := range indexes {
			hashes[k] = t.node(s, index)
		}
		return hashes, nil
	}))
	if err != nil {
		return nil, err
	}
	return &Proof{Leaf: i, Salt: s.saltOf(i), Path: path}, nil
}

// node returns the hash of a full subtree, by tlog's numbers.
func (t *Tree) node(s *salter, index int64) tlog.Hash {
	level, k := tlog.SplitStoredHashIndex(index)
	lo, hi := int(k)<<level, int(k+1)<<level
	if level <= blockLevel {
		return top(s.leaves(lo, hi))
	}
	return top(slices.Clone(t.blocks[lo/blockSize : hi/blockSize]))
}

// Verify reports whether the datum is leaf p.Leaf of the tree of n leaves that has the
// root: nil or ErrProof.
func (p *Proof) Verify(root [sha256.Size]byte, n int, datum []byte) error {
	leaf := sha256.Sum256(append(startLeaf(nil, p.Salt), datum...))
	if err := tlog.CheckRecord(p.Path, int64(n), root, int64(p.Leaf), leaf); err != nil {
		return fmt.Errorf("%w: of leaf %d among %d", ErrProof, p.Leaf, n)
	}
	return nil
}
