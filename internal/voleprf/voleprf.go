// Package voleprf evaluates a random function obliviously: the receiver learns its
// values at the keys of a set, the sender can evaluate it anywhere, and neither
// learns what the other's keys are.
//
// It is the protocol of Raghuraman and Rindal, "Blazing Fast PSI from Improved
// OKVS and Subfield VOLE" (CCS 2022, ePrint 2022/320), after Rindal and
// Schoppmann's VOLE-PSI (Eurocrypt 2021, 2021/266). H is a hash into GF(2^128):
//
//	sender                                    receiver of values at X
//	   SHA-256(w_s)                   ──▶     r; P encodes (x, H(x)) for x in X
//	                                  ◀─▶     silent VOLE: C = A'·Δ + B
//	                                  ◀──     r, w_r
//	   K = B + A·Δ                    ◀──     A = P + A'
//	   w_s, hash of what set it up    ──▶     compares
//	   F(y) = out(Decode(K,y) + H(y)·Δ + w, y)    F(x) = out(Decode(C,x) + w, x)
//
// with w = w_s + w_r: in characteristic 2, K = C + P·Δ, and Decode is linear, so
// that both are equal where P decodes to H(x). Elsewhere a value is one of a random
// function to whoever does not know Δ.
//
// A receiver that departs from the protocol can choose a table that decodes to H at
// more keys than the honest encoding takes, but not at many more: see [MaxKeys].
// The sender can choose its keys freely and can refuse to go on.
//
// If both sides say that their peer is semi-honest, the checks of VOLE are left out,
// w is zero, and out is a fixed-key hash of the sum alone.
package voleprf

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"math"

	"github.com/comity-prl/comity/internal/aeshash"
	"github.com/comity-prl/comity/internal/gf128"
	"github.com/comity-prl/comity/internal/okvs"
	"github.com/comity-prl/comity/internal/parallel"
	"github.com/comity-prl/comity/internal/vole"
	"github.com/comity-prl/comity/internal/wire"
)

// Element is a key, a value, and an element of GF(2^128).
type Element = gf128.Element

// Kinds is how many kinds of frame a run uses, from the caller's first one on.
const Kinds = vole.Kinds + 4

const (
	kindCommitment wire.Kind = vole.Kinds + iota
	kindSeeds
	kindTable
	kindOpening
)

// frameSlots is how many slots of the table travel in a frame.
const frameSlots = 1 << 15

// Errors of the receiver, of which the sender sees an alert.
var (
	// ErrCommitment says that the sender opened its commitment to something else.
	ErrCommitment = errors.New("voleprf: the peer's commitment does not open")
	// ErrSeeds says that the sender uses other seeds than were sent.
	ErrSeeds = errors.New("voleprf: the peer's seeds are not those that were sent")
)

// Params are the same on both sides.
type Params struct {
	// Session binds hashes to this run: no two runs should share it.
	Session []byte
	// Keys is the largest number of keys at which the receiver gets values. The
	// sender learns it, and not how many there are.
	Keys int
	// Lambda is the statistical parameter of the encoding, in bits: it fails with a
	// chance of 2^-Lambda.
	Lambda int
	// SemiHonest leaves out the checks against a peer that departs from the
	// protocol.
	SemiHonest bool
	// Code is the code of the silent VOLE; the zero value is ExConv 21×24.
	Code vole.Code
}

func (p *Params) vole() *vole.Params {
	return &vole.Params{Session: p.Session, SemiHonest: p.SemiHonest, Code: p.Code}
}

// Slots is the number of slots of the table for at most that many keys.
func (p *Params) Slots() (int, error) {
	l, err := okvs.NewLayout(p.Keys, p.Lambda, Element{})
	if err != nil {
		return 0, err
	}
	return l.Len(), nil
}

// MaxKeys bounds the number of keys at which a receiver can get values through a
// table of that many slots, however it makes it, but for a chance of 2^-40 and for
// receivers that compute more than 2^80 hashes.
//
// For k keys, fixed, some table decodes to their hashes with a chance of
// 2^(-128·(k−slots)) at most, as hashes are random and all vectors of decoded values
// lie in a space of that many dimensions. There are less than (e·q/k)^k ways to
// choose them among q keys. (This is the overfitting game of Pinkas, Rosulek, Trieu
// and Yanai, "PSI from PaXoS", Eurocrypt 2020, with the values of a random oracle.
// Seeds, of which a receiver can try q too, add log2 q.)
func MaxKeys(slots int) int {
	const q, lambda = 80, 40
	k := float64(slots)
	for range 64 { // converges from below: the left side falls as k grows
		k = (128*float64(slots) + lambda + q) / (128 - q - math.Log2E + math.Log2(k))
		k = max(k, float64(slots))
	}
	return int(math.Ceil(k))
}

// shareSize is the length of w_s and w_r: none are sent between semi-honest peers.
func (p *Params) shareSize() int {
	if p.SemiHonest {
		return 0
	}
	return gf128.Size
}

// newShare draws w_s or w_r.
func (p *Params) newShare() []byte {
	share := make([]byte, p.shareSize())
	rand.Read(share)
	return share
}

// joined is w.
func (p *Params) joined(own, peer []byte) Element {
	if p.SemiHonest {
		return Element{}
	}
	return gf128.FromBytes(own).Add(gf128.FromBytes(peer))
}

// commitment binds the sender to its share, which has as many random bits as a
// salt would add.
func (p *Params) commitment(share []byte) [sha256.Size]byte { return p.hash("commitment", share) }

// receipt shows which seeds the sender got.
func (p *Params) receipt(seeds []byte) [sha256.Size]byte { return p.hash("receipt", seeds) }

func (p *Params) hash(use string, in []byte) [sha256.Size]byte {
	session := sha256.Sum256(append([]byte("comity oprf v1 session "), p.Session...))
	labelled := append([]byte("comity oprf v1 "+use+" "), session[:]...)
	return sha256.Sum256(append(labelled, in...))
}

// The public permutations of H and of the semi-honest output.
var hashKey, outputKey = publicKey("hash"), publicKey("output")

func publicKey(use string) *aeshash.Key {
	h := sha256.Sum256([]byte("comity oprf v1 " + use))
	return aeshash.NewKey([16]byte(h[:]))
}

// output replaces sums by values of the function at keys.
func (p *Params) output(sums, keys []Element, w Element) {
	if p.SemiHonest {
		outputKey.Hash(sums, sums)
		return
	}
	for i := range sums {
		sums[i] = sums[i].Add(w)
	}
	aeshash.HashKeyed(sums, sums, keys)
}

// batch is how many keys are hashed at a time.
const batch = 256

// each calls f for consecutive batches of [0,n), on all cores.
func each(n int, f func(lo, hi int)) {
	parallel.Do(n, func(lo, hi int) {
		for ; lo < hi; lo += batch {
			f(lo, min(lo+batch, hi))
		}
	})
}
