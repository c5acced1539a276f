package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"go.etcd.io/bbolt"

	"github.com/comity-prl/comity/tokenize"
)

// limits are how many elements may be evaluated within one scope, which is one
// epoch of one purpose: by all peers, by each peer, and by each officer of a peer.
type limits struct {
	Epoch   uint64 `json:"epoch"`
	Peer    uint64 `json:"peer"`
	Officer uint64 `json:"officer"`
}

func (l limits) validate() error {
	if l.Epoch == 0 || l.Peer == 0 || l.Officer == 0 || l.Epoch > math.MaxInt64 || l.Peer > math.MaxInt64 || l.Officer > math.MaxInt64 {
		return errors.New("quotas of epoch, peer and officer are from 1 to 2^63-1 elements")
	}
	return nil
}

// quotaError says which quota does not suffice.
type quotaError struct {
	which string // epoch, peer or officer
	left  uint64
}

func (e *quotaError) Error() string {
	return fmt.Sprintf("the quota of the %s has %d elements left", e.which, e.left)
}

// ledger counts evaluated elements. Each charge is on disk before the evaluation
// begins, so that a crash can make a peer lose some of its quota and never gain
// any.
type ledger struct {
	db     *bbolt.DB
	limits limits
}

var usageBucket = []byte("usage")

func openLedger(path string, l limits) (*ledger, error) {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: time.Second})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucketIfNotExists(usageBucket)
		return err
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), db.Close())
	}
	return &ledger{db: db, limits: l}, nil
}

func (l *ledger) Close() error { return l.db.Close() }

// key joins names, none of which holds a zero byte.
func usageKey(s tokenize.Scope, names ...string) []byte {
	return []byte(strings.Join(append([]string{s.Project, s.Purpose, string(s.Epoch)}, names...), "\x00"))
}

// charge counts n elements against the three quotas, or against none if one of
// them does not suffice, which is a *quotaError.
func (l *ledger) charge(s tokenize.Scope, peer, officer string, n int) error {
	return l.db.Update(func(tx *bbolt.Tx) error {
		b := tx.Bucket(usageBucket)
		for _, q := range []struct {
			which string
			key   []byte
			limit uint64
		}{
			{"officer", usageKey(s, peer, officer), l.limits.Officer},
			{"peer", usageKey(s, peer), l.limits.Peer},
			{"epoch", usageKey(s), l.limits.Epoch},
		} {
			used := usage(b.Get(q.key))
			left := q.limit - min(used, q.limit) // a limit may have been lowered
			if uint64(n) > left {
				return &quotaError{q.which, left}
			}
			if err := b.Put(q.key, binary.BigEndian.AppendUint64(nil, used+uint64(n))); err != nil {
				return err
			}
		}
		return nil
	})
}

// usage reads a count. What is none counts as all.
func usage(b []byte) uint64 {
	switch len(b) {
	case 0:
		return 0
	case 8:
		return binary.BigEndian.Uint64(b)
	}
	return math.MaxUint64
}

// used returns how many elements a peer has had evaluated.
func (l *ledger) used(s tokenize.Scope, peer string) (n uint64, err error) {
	err = l.db.View(func(tx *bbolt.Tx) error {
		n = usage(tx.Bucket(usageBucket).Get(usageKey(s, peer)))
		return nil
	})
	return n, err
}

// healthy reports whether the ledger can be read.
func (l *ledger) healthy() error {
	return l.db.View(func(*bbolt.Tx) error { return nil })
}
