package protocol

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"iter"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/comity-prl/comity/bloomlink"
	"github.com/comity-prl/comity/internal/iblt"
)

// maxSketches bounds the sketches that are kept of sessions with a peer.
const maxSketches = 1 << 10

// begin says that the first byte of the run is about to be sent, from when on the
// reservation stays. In sessions of bulk scope under MinChange it compares the own
// set, whose items these are, with those of earlier ones: the error is then a
// *TermError that names the scope. A linkage unit has no set.
func (h *hold) begin(now time.Time, items iter.Seq[[32]byte]) error {
	if h == nil {
		return nil
	}
	if c := h.claim; items != nil && c.limits.MinChange > 1 && c.terms.Scope == ScopeBulk {
		err := h.ledger.update(func(tx *bolt.Tx, head *bolt.Bucket) error {
			peer, err := tx.Bucket(peersBucket).CreateBucketIfNotExists([]byte(c.peer))
			if err != nil {
				return err
			}
			return c.compare(peer, hasher(head), h.id, now, items)
		})
		if err != nil {
			return err
		}
	}
	if !h.phase.CompareAndSwap(phaseHeld, phaseBegun) {
		return ErrClosed // given back meanwhile
	}
	return nil
}

// compare judges the own set by the sketches of earlier ones, and keeps its own.
func (c *claim) compare(peer *bolt.Bucket, h *iblt.Hasher, id uint64, now time.Time, items iter.Seq[[32]byte]) error {
	own := map[int]*iblt.Sketch{} // by number of cells: rules may have had other limits
	like := func(s *iblt.Sketch) *iblt.Sketch {
		if own[s.Cells()] == nil {
			own[s.Cells()] = s.Fresh()
			h.AddTo(own[s.Cells()], items)
		}
		return own[s.Cells()]
	}
	approved := c.limits.ChangeApprovals > 0 && len(c.terms.Approvers) >= c.limits.ChangeApprovals
	kept := 0
	var old []uint64
	err := eachOf(peer, sketchKind, func(earlier uint64, value []byte) error {
		s, err := parseSketch(value)
		if err != nil {
			return err
		}
		if now.Sub(s.until) >= ledgerGrace {
			old = append(old, earlier)
			return nil
		}
		kept++
		if approved || now.Sub(s.time) > c.limits.window() {
			return nil
		}
		n, exact, err := iblt.Difference(like(s.set), s.set)
		if err != nil {
			return err
		}
		if n >= c.limits.MinChange || n == 0 && exact {
			return nil
		}
		return c.refuse("scope", "the own set has changed by %d items or more, and fewer than %d may have, since a session of %v",
			n, c.limits.MinChange, s.time.Format(time.RFC3339))
	})
	if err != nil {
		return err
	}
	if err := drop(peer, sketchKind, old); err != nil {
		return err
	}
	if kept >= maxSketches {
		return c.refuse("scope", "%d sketches of sessions with the peer still count: the ledger holds no more", kept)
	}
	value, err := (&sketch{now, now.Add(c.limits.window()), like(iblt.New(c.limits.MinChange))}).marshal()
	if err != nil {
		return err
	}
	return peer.Put(entryKey(sketchKind, id), value)
}

// encodingItems yields the distinct encodings of a set, hashed.
func encodingItems(set *bloomlink.Set) iter.Seq[[32]byte] {
	return func(yield func([32]byte) bool) {
		hashes := make([][32]byte, 0, set.Len())
		var row []byte
		for e := range set.All() {
			row = row[:0]
			for _, word := range e {
				row = binary.BigEndian.AppendUint64(row, word)
			}
			hashes = append(hashes, sha256.Sum256(row))
		}
		slices.SortFunc(hashes, func(a, b [32]byte) int { return bytes.Compare(a[:], b[:]) })
		slices.Values(slices.Compact(hashes))(yield)
	}
}
