package protocol

import (
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"
	"golang.org/x/crypto/cryptobyte"

	"github.com/comity-prl/comity/internal/iblt"
)

// # Ledger, version 1
//
// The file is a bbolt database with two buckets. Numbers are big endian, times in
// milliseconds since 1970 UTC.
//
// "ledger":
//
//	"version"  LedgerVersion (2)
//	"sketch"   random key of the hash in sketches (16)
//
// "peers" has a bucket for each peer, under its name, with a booking for each session
// that counts or may count, under "r" and the session's number (8), and a sketch for
// each that keeps one, under "s" and the number. A booking:
//
//	state      1   1 reserved, 2 settled
//	time       8   of the reservation
//	until      8   from then on it counts no more
//	reserved   8   items that the receiver may ask about
//	settled    8   items that it did; 0 while reserved
//	scope      1   1 bulk, 0 other
//	function       length (1), text
//	officer        length (1), text
//	purpose        length (2), text
//	terms     32   SHA-256 of the JSON that both signed
//
// A sketch:
//
//	time       8   when the run began
//	until      8
//	sketch         package iblt, Marshal

type bookingState uint8

const (
	reserved bookingState = 1 + iota
	settled
)

// booking is what the ledger knows of a session.
type booking struct {
	state             bookingState
	time, until       time.Time
	reserved, settled uint64 // items
	bulk              bool
	function          string
	officer           string
	purpose           string
	terms             Hash
}

// items are how many count.
func (r *booking) items() uint64 {
	if r.state == settled {
		return r.settled
	}
	return r.reserved
}

func (r *booking) marshal() ([]byte, error) {
	b := cryptobyte.NewBuilder(nil)
	b.AddUint8(uint8(r.state))
	b.AddUint64(uint64(r.time.UnixMilli()))
	b.AddUint64(uint64(r.until.UnixMilli()))
	b.AddUint64(r.reserved)
	b.AddUint64(r.settled)
	bulk := uint8(0)
	if r.bulk {
		bulk = 1
	}
	b.AddUint8(bulk)
	for _, short := range []string{r.function, r.officer} {
		b.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes([]byte(short)) })
	}
	b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes([]byte(r.purpose)) })
	b.AddBytes(r.terms[:])
	return b.Bytes()
}

func (r *booking) put(peer *bolt.Bucket, id uint64) error {
	value, err := r.marshal()
	if err != nil {
		return err
	}
	return peer.Put(entryKey(bookingKind, id), value)
}

func parseBooking(in []byte) (*booking, error) {
	var r booking
	var state, bulk uint8
	var at, until uint64
	var function, officer, purpose cryptobyte.String
	s := cryptobyte.String(in)
	if !s.ReadUint8(&state) ||
		!s.ReadUint64(&at) ||
		!s.ReadUint64(&until) ||
		!s.ReadUint64(&r.reserved) ||
		!s.ReadUint64(&r.settled) ||
		!s.ReadUint8(&bulk) ||
		!s.ReadUint8LengthPrefixed(&function) ||
		!s.ReadUint8LengthPrefixed(&officer) ||
		!s.ReadUint16LengthPrefixed(&purpose) ||
		!s.CopyBytes(r.terms[:]) ||
		!s.Empty() {
		return nil, fmt.Errorf("%w: a booking of %d bytes", ErrLedger, len(in))
	}
	r.state, r.bulk = bookingState(state), bulk == 1
	r.time, r.until = time.UnixMilli(int64(at)).UTC(), time.UnixMilli(int64(until)).UTC()
	r.function, r.officer, r.purpose = string(function), string(officer), string(purpose)
	switch {
	case r.state != reserved && r.state != settled || bulk > 1,
		r.state == reserved && r.settled != 0, r.reserved > maxReserved, r.settled > r.reserved:
		return nil, fmt.Errorf("%w: a booking that no session made", ErrLedger)
	}
	return &r, nil
}

// maxReserved keeps the sum of maxBookings from overflowing.
const maxReserved = 1 << 32

// sketch is what the ledger keeps of the own set of a session.
type sketch struct {
	time, until time.Time
	set         *iblt.Sketch
}

func (s *sketch) marshal() ([]byte, error) {
	b := cryptobyte.NewBuilder(nil)
	b.AddUint64(uint64(s.time.UnixMilli()))
	b.AddUint64(uint64(s.until.UnixMilli()))
	b.AddBytes(s.set.Marshal())
	return b.Bytes()
}

func parseSketch(in []byte) (*sketch, error) {
	var at, until uint64
	s := cryptobyte.String(in)
	if !s.ReadUint64(&at) || !s.ReadUint64(&until) {
		return nil, fmt.Errorf("%w: a sketch of %d bytes", ErrLedger, len(in))
	}
	set, err := iblt.Parse(s)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrLedger, err)
	}
	return &sketch{time.UnixMilli(int64(at)).UTC(), time.UnixMilli(int64(until)).UTC(), set}, nil
}
