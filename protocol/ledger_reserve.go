package protocol

import (
	"crypto/sha256"
	"fmt"
	"sync/atomic"
	"time"

	bolt "go.etcd.io/bbolt"
)

// claim is what terms ask of the ledger.
type claim struct {
	terms     *Terms
	hash      Hash // of their text
	peer      string
	peerTerm  string // where the terms name the peer
	items     int    // that the receiver may ask about
	itemsTerm string // where the terms say so
	limits    Limits
	rule      string // that set them
}

// claimOf reads terms, whose text is what both sides sign, for the side that is own.
func claimOf(t *Terms, text string, own Role, limits Limits, rule string) *claim {
	c := &claim{
		terms: t, hash: sha256.Sum256([]byte(text)), limits: limits, rule: rule,
		peer: t.Acceptor, peerTerm: "acceptor",
		items: t.MaxProposer, itemsTerm: "max_proposer",
	}
	if own == Acceptor {
		c.peer, c.peerTerm = t.Proposer, "proposer"
	}
	if t.Receiver == Acceptor { // without a receiver, it is the proposer's rows that are compared
		c.items, c.itemsTerm = t.MaxAcceptor, "max_acceptor"
	}
	return c
}

// refuse is the error of a limit that the claim would exceed.
func (c *claim) refuse(term, format string, args ...any) error {
	return &TermError{Term: term, Rule: c.rule, Reason: fmt.Sprintf(format, args...), cause: ErrLimit}
}

// reserve counts a session in the ledger, if there is one, by the rule under which
// the policy permits it. Without a policy there are no limits.
func (c *Config) reserve(t *Terms, text string, own Role, r *Rule) (*hold, error) {
	if c.Ledger == nil {
		return nil, nil
	}
	if r == nil {
		r = &Rule{}
	}
	return c.Ledger.reserve(c.Clock(), claimOf(t, text, own, r.Limits, r.Name))
}

// used is what a peer's bookings add up to that count for a claim.
type used struct {
	*Usage
	bookings int
	last     time.Time // of a session for the purpose; zero: none
}

func (u *used) add(r *booking, c *claim) {
	u.Usage.add(r)
	u.bookings++
	if r.purpose == c.terms.Purpose && r.time.After(u.last) {
		u.last = r.time
	}
}

// permits returns the first limit that one more session would exceed, as a
// *TermError.
func (u *used) permits(c *claim, now time.Time) error {
	for _, limit := range []struct {
		term, of  string
		used, max int
		asked     bool
	}{
		{c.peerTerm, "sessions with the peer", u.Sessions, c.limits.PeerSessions, true},
		{"purpose", "sessions with the peer for the purpose", u.Purposes[c.terms.Purpose], c.limits.PurposeSessions, true},
		{"officer", "sessions of the officer with the peer", u.Officers[c.terms.Officer], c.limits.OfficerSessions, true},
		{"function", "counts with the peer", u.Counts, c.limits.Counts, c.terms.Function == FunctionCount},
	} {
		if limit.asked && limit.max > 0 && limit.used >= limit.max {
			return c.refuse(limit.term, "%d %s today, at most %d permitted", limit.used, limit.of, limit.max)
		}
	}
	l := &c.limits
	if l.Items > 0 && u.Items+uint64(c.items) > uint64(l.Items) {
		return c.refuse(c.itemsTerm, "%d items, %d of %d a day are used", c.items, u.Items, l.Items)
	}
	if since := now.Sub(u.last); l.Cooldown > 0 && !u.last.IsZero() && since < time.Duration(l.Cooldown) {
		return c.refuse("issued", "%v after the last session with the peer for the purpose, at least %v wanted",
			since.Truncate(time.Second), l.Cooldown)
	}
	if u.bookings >= maxBookings {
		return c.refuse(c.peerTerm, "%d sessions with the peer still count: the ledger holds no more", u.bookings)
	}
	return nil
}

// ledgerGrace is how long it keeps what counts no more, so that a clock that
// is set back finds what it counted.
const ledgerGrace = 2 * day

// reserve counts a session in full, on disk, if the limits permit it.
func (l *Ledger) reserve(now time.Time, c *claim) (*hold, error) {
	h := &hold{ledger: l, claim: c}
	err := l.update(func(tx *bolt.Tx, _ *bolt.Bucket) error {
		peer, err := tx.Bucket(peersBucket).CreateBucketIfNotExists([]byte(c.peer))
		if err != nil {
			return err
		}
		u, err := usedOf(peer, c, now)
		if err != nil {
			return err
		}
		if err := u.permits(c, now); err != nil {
			return err
		}
		if h.id, err = peer.NextSequence(); err != nil {
			return err
		}
		until := now.Add(time.Duration(c.limits.Cooldown))
		if tomorrow := u.Day.Add(day); tomorrow.After(until) {
			until = tomorrow
		}
		return (&booking{
			state: reserved, time: now, until: until, reserved: uint64(c.items), terms: c.hash,
			bulk: c.terms.Scope == ScopeBulk, function: c.terms.Function, officer: c.terms.Officer, purpose: c.terms.Purpose,
		}).put(peer, h.id)
	})
	if err != nil {
		return nil, err
	}
	return h, nil
}

// usedOf adds up a peer's bookings, and drops those that count no more.
func usedOf(peer *bolt.Bucket, c *claim, now time.Time) (*used, error) {
	u := &used{Usage: newUsage(now)}
	var old []uint64
	err := eachOf(peer, bookingKind, func(id uint64, value []byte) error {
		r, err := parseBooking(value)
		if err != nil {
			return err
		}
		if now.Sub(r.until) >= ledgerGrace {
			old = append(old, id)
			return nil
		}
		u.add(r, c)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return u, drop(peer, bookingKind, old)
}

func drop(peer *bolt.Bucket, kind byte, ids []uint64) error {
	for _, id := range ids {
		if err := peer.Delete(entryKey(kind, id)); err != nil {
			return err
		}
	}
	return nil
}

// hold is a reservation. It is held, then begun and settled, or given back; each
// happens once, whoever comes first. A nil hold, without a ledger, permits all.
type hold struct {
	ledger *Ledger
	claim  *claim
	id     uint64
	phase  atomic.Int32
}

const (
	phaseHeld int32 = iota
	phaseBegun
	phaseOver
)

// release gives the reservation back, unless the run has begun.
func (h *hold) release() error {
	if h == nil || !h.phase.CompareAndSwap(phaseHeld, phaseOver) {
		return nil
	}
	return h.change(func(peer *bolt.Bucket) error { return peer.Delete(entryKey(bookingKind, h.id)) })
}

// settle puts the items that the receiver really asked about in place of what was
// reserved, never more.
func (h *hold) settle(items int) error {
	if h == nil || !h.phase.CompareAndSwap(phaseBegun, phaseOver) {
		return nil
	}
	return h.change(func(peer *bolt.Bucket) error {
		value := peer.Get(entryKey(bookingKind, h.id))
		if value == nil {
			return nil // a run of days: it counts no more
		}
		r, err := parseBooking(value)
		if err != nil {
			return err
		}
		r.state, r.settled = settled, min(uint64(max(items, 0)), r.reserved)
		return r.put(peer, h.id)
	})
}

// change runs f over the peer's bucket, which has been there since the reservation.
func (h *hold) change(f func(peer *bolt.Bucket) error) error {
	return h.ledger.update(func(tx *bolt.Tx, _ *bolt.Bucket) error {
		peer := tx.Bucket(peersBucket).Bucket([]byte(h.claim.peer))
		if peer == nil {
			return fmt.Errorf("%w: it has lost a peer", ErrLedger)
		}
		return f(peer)
	})
}
