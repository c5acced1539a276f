package protocol

import (
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"
)

// Usage is what the sessions with a peer add up to on a day, as the Limits count.
type Usage struct {
	Day       time.Time // when it began, in UTC
	Sessions  int
	Unsettled int    // of the sessions: under way, failed, or of a process that ended
	Items     uint64 // those of unsettled sessions count as the terms allow
	Counts    int
	Purposes  map[string]int // sessions of each
	Officers  map[string]int // "" where the terms name none
}

// Usage returns what has been used with a peer on the day of now.
func (l *Ledger) Usage(now time.Time, peer string) (*Usage, error) {
	u := newUsage(now)
	err := l.view(func(tx *bolt.Tx, _ *bolt.Bucket) error {
		b := tx.Bucket(peersBucket).Bucket([]byte(peer))
		if b == nil {
			return nil
		}
		return eachOf(b, bookingKind, func(_ uint64, value []byte) error {
			r, err := parseBooking(value)
			if err == nil {
				u.add(r)
			}
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("ledger usage: %w", err)
	}
	return u, nil
}

func newUsage(now time.Time) *Usage {
	return &Usage{Day: now.UTC().Truncate(day), Purposes: map[string]int{}, Officers: map[string]int{}}
}

// add counts a booking of the day. One of a later day, from before the clock was set
// back, counts too.
func (u *Usage) add(r *booking) {
	if r.time.Before(u.Day) {
		return
	}
	u.Sessions++
	u.Items += r.items()
	u.Purposes[r.purpose]++
	u.Officers[r.officer]++
	if r.function == FunctionCount {
		u.Counts++
	}
	if r.state == reserved {
		u.Unsettled++
	}
}

// Verify reads all that the ledger holds and reports the first thing that is
// malformed, as ErrLedger.
func (l *Ledger) Verify() error {
	err := l.view(func(tx *bolt.Tx, _ *bolt.Bucket) error {
		peers := tx.Bucket(peersBucket)
		return peers.ForEachBucket(func(name []byte) error {
			peer := peers.Bucket(name)
			err := eachOf(peer, bookingKind, func(_ uint64, value []byte) error {
				_, err := parseBooking(value)
				return err
			})
			if err != nil {
				return err
			}
			return eachOf(peer, sketchKind, func(_ uint64, value []byte) error {
				_, err := parseSketch(value)
				return err
			})
		})
	})
	if err != nil {
		return fmt.Errorf("ledger verify: %w", err)
	}
	return nil
}
