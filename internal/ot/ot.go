// Package ot makes oblivious transfers: 128 of them by public-key operations, any
// number more by symmetric ones.
//
// The base is Masny and Rindal, "Endemic Oblivious Transfer" (CCS 2019, ePrint
// 2019/706), over ristretto255: [BaseSend] and [BaseReceive]. The extension is
// Roy, "SoftSpokenOT" (CRYPTO 2022, ePrint 2022/192): [Send] and [Receive].
//
//	sender of transfers: Δ                    receiver of transfers: bits u
//	   128 pairs of elements, for ¬Δ  ──▶
//	                                  ◀──     aG
//	                                  ◀──     corrections of 128/k trees, proof
//	                                  ◀──     corrections of the bits
//	                                  ◀──     answer to the check
//	   rows q = t + u·Δ                       rows t
//
// Rows come in chunks of 128. A chunk may be used in either of two ways, and only
// in one: as one product over GF(2^128) (Packed), or as 128 random transfers of
// 128-bit strings (Keys).
//
// Both sides get the same security against a malicious peer unless
// [Options.SemiHonest] says that the peer follows the protocol. The answer
// follows a challenge that is a hash of all that was sent before (Fiat and
// Shamir) in place of one that the other side draws, which saves a round: for l
// chunks the check has a soundness error of l·2^-128 a challenge, so that trying out
// challenges is of no use below 2^128/l of them.
//
// # What it rests on
//
// The base transfers: the computational Diffie–Hellman assumption in ristretto255,
// with SHA-256 and SHA-512 as random oracles. The extension: the trees, AES under
// fixed keys as an ideal permutation, whose advantage grows with the number of
// trees' nodes, over all runs, that an adversary can aim at; AES in counter mode
// under a leaf as a pseudorandom generator; SHA-256 as a random oracle where it
// proves leaves, derives the challenge and hashes rows. The argument is 2022/192's
// for its parts as they are; that Fiat and Shamir's challenge takes nothing from it
// is argued in check.go, not proven there.
//
// A malicious receiver of transfers can stake the run on a guess about Δ: one that
// holds with probability 2^-g lets it go on with that probability, g bits the wiser,
// and is caught else. Nothing tells it more.
package ot

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash"
	"math/bits"

	"github.com/comity-prl/comity/internal/gf128"
	"github.com/comity-prl/comity/internal/wire"
)

// Element is a block of 128 bits, and an element of GF(2^128).
type Element = gf128.Element

// ChunkSize is the number of rows in a chunk.
const ChunkSize = 128

// Kinds is how many kinds of frame [Send] and [Receive] use, from the caller's
// first one on. [BaseSend] and [BaseReceive] use the first two of them.
const Kinds = 5

const (
	kindPoints wire.Kind = iota
	kindPoint
	kindTrees
	kindCorrections
	kindAnswer
)

// MaxChunks is the largest number of chunks in one extension.
const MaxChunks = 1 << 20

// A peer that breaks the protocol ends the run in one of these, or in one of
// package wire's. It sees the same alert for all of them.
var (
	ErrEncoding    = errors.New("ot: not the canonical encoding of a group element")
	ErrIdentity    = errors.New("ot: the identity element")
	ErrTree        = errors.New("ot: the peer's trees are inconsistent")
	ErrConsistency = errors.New("ot: the peer's corrections are inconsistent")
)

// ErrOptions is the error of a call whose arguments are out of range.
var ErrOptions = errors.New("ot: argument out of range")

// Options are the same on both sides. The zero value and nil are secure against
// malicious peers.
type Options struct {
	// Session binds hashes to this run: no two runs should share it.
	Session []byte
	// SemiHonest leaves out the checks against a peer that departs from the
	// protocol.
	SemiHonest bool
	// FieldBits is k of Roy's fields GF(2^k): 1, 2, 4 or 8, and 4 for 0. A row costs
	// 128/k bits on the wire and 2^k·128/k of a generator's on each side.
	FieldBits int
}

// field is the small field GF(2^k), of whose structure the protocol only needs
// addition, and Δ as 128/k of its elements.
type field struct{ bits, size, instances int }

func (o *Options) field() (field, error) {
	k := o.FieldBits
	if k == 0 {
		k = 4
	}
	if k < 1 || k > 8 || bits.OnesCount(uint(k)) != 1 {
		return field{}, ErrOptions
	}
	return field{bits: k, size: 1 << k, instances: 128 / k}, nil
}

// session hashes under one run's name. Each use has a label of its own, and the
// fields behind the label have a fixed length for that label.
type session [sha256.Size]byte

func newSession(name []byte) session {
	return sha256.Sum256(append([]byte("comity ot v1 session "), name...))
}

func (s *session) transcript() hash.Hash {
	h := sha256.New()
	h.Write([]byte("comity ot v1 transcript "))
	h.Write(s[:])
	return h
}

// prefix is what the input of every other hash starts with.
func (s *session) prefix(label byte, index uint64) []byte {
	b := append(make([]byte, 0, 192), "comity ot v1 "...)
	b = append(b, label)
	b = append(b, s[:]...)
	return binary.LittleEndian.AppendUint64(b, index)
}

// Labels of hashes.
const (
	labelPoint = 'P' // onto the group
	labelBase  = 'B' // a base transfer's string
	labelLeaf  = 'L' // a leaf's proof
	labelRow   = 'R' // a row's string
)

// block shortens a hash to a block.
func block(h [sha256.Size]byte) Element { return gf128.FromBytes(h[:]) }

// bit returns bit i of e: 0 or 1.
func bit(e Element, i int) uint64 {
	if i < 64 {
		return e.Lo >> i & 1
	}
	return e.Hi >> (i - 64) & 1
}

// choose returns a where b is 0, and other where it is 1.
func choose(a, other Element, b uint64) Element { return a.Add(a.Add(other).Masked(b)) }
