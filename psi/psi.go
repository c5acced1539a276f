// Package psi intersects two sets of tokens so that only matches are revealed.
//
// One side is the sender and one the receiver. The receiver learns which of its
// own items the sender has too, and for each a handle: the item's place in the
// sender's shuffled list. The sender keeps the list from handle to item, so that
// both can follow a match up later without another identity travelling. Beyond
// that each side learns the size of the other's set, and nothing else, from a
// peer that follows the protocol.
//
//	receiver                                            sender
//	   hello: version, role, suite, function, epoch,
//	          configuration, session, nonce      <──▶     hello
//	   key confirmation                          <──▶     key confirmation
//	   size                                      <──▶     size
//	   ...the suite's messages...
//	   done                                       ──▶
//
// Build a [Set] with [NewSet] from the tokens of package tokenize, or from any
// 32-byte values that are pseudorandom to the peer, choose a [Suite], and call
// [Send] on one end of a stream and [Receive] on the other:
//
//	R: result, err := psi.Receive(ctx, conn, params, set)
//	S: handles, err := psi.Send(ctx, conn, params, set)
//
// [ECDHRistretto255], the default, rests on the fewest assumptions and takes some
// 200 µs of processor time an item; [ECDHP256] is for where only NIST curves are
// allowed. [VOLE] takes less than a microsecond an item, and is the faster one from
// about 500 items on: [Auto] chooses by the sizes. [VOLEMalicious] costs little more
// and is for a peer that may depart from the protocol.
//
// [Cardinality] tells the receiver only how many items the sets share, by
// [ReceiveCount]. [Set.Pad] hides how large a set is.
//
// Sets carry a [Binding] to the epoch, configuration and key that made them. Two
// sets whose bindings differ end in an error on both sides before a size or an
// item is sent: a wrong set-up never looks like an empty intersection.
//
// The wire format is versioned by [Version]; two versions refuse each other. SPEC.md,
// beside this file, gives it to the byte.
package psi

import (
	"cmp"
	"context"
	"fmt"
	"io"

	"github.com/comity-prl/comity/internal/wire"
)

// Version is the version of the wire format.
const Version = 1

// MaxItems is the largest set that any Params allow, in distinct items.
const MaxItems = 1 << 31

// Function is what the receiver learns.
type Function uint8

const (
	// Intersection tells the receiver which of its items the sender has too, by
	// Receive.
	Intersection Function = 1 + iota
	// Cardinality tells the receiver how many they are, and no more, by ReceiveCount.
	// The Diffie–Hellman suites support it, against receivers that follow the protocol.
	// It is no less a query than Intersection: who asks about one item, or about two
	// sets that differ in one, learns of that item.
	Cardinality
)

func (f Function) String() string {
	switch f {
	case Intersection:
		return "set"
	case Cardinality:
		return "count"
	}
	return fmt.Sprintf("function(%d)", uint8(f))
}

// Params are what both sides agree on before a run. Suite, Function and Session
// must be the same on both sides; the maxima bound what each accepts of the
// other and what it may put in itself.
type Params struct {
	Suite    Suite    // nil: ECDHRistretto255
	Function Function // 0: Intersection

	// MaxSender and MaxReceiver bound the sets, in distinct items. A run in
	// which either set is larger ends in ErrTooLarge on both sides.
	MaxSender, MaxReceiver int

	// Session names this run: a hash of the agreed terms and of the channel, or
	// any bytes that both sides know. It is compared, and bound into the key
	// confirmation. It need not be secret.
	Session []byte

	// Progress, if set, is called as work proceeds, by one goroutine at a time.
	Progress func(Progress)
}

// Progress is how far one step of a run has come, in items.
type Progress struct {
	Step        string // "mask" for the own set, "match" for the peer's
	Done, Total int
}

func (p *Params) withDefaults() (*Params, error) {
	q := *p
	if q.Suite == nil {
		q.Suite = ECDHRistretto255()
	}
	q.Function = cmp.Or(q.Function, Intersection)
	if !q.Suite.Supports(q.Function) {
		return nil, fmt.Errorf("%w: suite %v does not support %v", ErrFunction, q.Suite, q.Function)
	}
	for _, n := range []int{q.MaxSender, q.MaxReceiver} {
		if n < 0 || n > MaxItems {
			return nil, fmt.Errorf("%w: a maximum must lie between 0 and %d", ErrTooLarge, MaxItems)
		}
	}
	return &q, nil
}

// Send takes the sender's part in one run over rw, which must allow a Read and a
// Write at the same time. The returned handles tell which item each handle
// stands for. The sender learns the number of distinct items of the receiver. It
// returns once the receiver has said that it has all it needs.
//
// Work stops when ctx ends: at once where rw has SetDeadline and
// SetWriteDeadline, or else Close; otherwise when the pending call of rw
// returns. After an error rw is of no further use. Errors wrap one of the
// package's sentinels where the cause is the peer or the set-up.
func Send(ctx context.Context, rw io.ReadWriter, p *Params, s *Set) (*Handles, error) {
	r, err := open(ctx, rw, p, s, roleSender)
	if err != nil {
		return nil, fmt.Errorf("psi: send: %w", err)
	}
	h, err := r.params.Suite.send(r, s)
	if err := r.conn.Close(err); err != nil {
		return nil, fmt.Errorf("psi: send: %w", err)
	}
	return h, nil
}

// Receive takes the receiver's part in one run of Intersection over rw, under the
// same rules as Send. The receiver learns the matches of its own items and the number
// of distinct items of the sender.
func Receive(ctx context.Context, rw io.ReadWriter, p *Params, s *Set) (*Result, error) {
	handles, peerSize, err := receive(ctx, rw, p, s, Intersection)
	if err != nil {
		return nil, fmt.Errorf("psi: receive: %w", err)
	}
	return &Result{PeerSize: peerSize, matches: s.matches(handles)}, nil
}

// ReceiveCount takes the receiver's part in one run of Cardinality over rw, under the
// same rules as Send.
func ReceiveCount(ctx context.Context, rw io.ReadWriter, p *Params, s *Set) (*Count, error) {
	handles, peerSize, err := receive(ctx, rw, p, s, Cardinality)
	if err != nil {
		return nil, fmt.Errorf("psi: receive: %w", err)
	}
	return newCount(handles, peerSize), nil
}

func newCount(handles []uint32, peerSize int) *Count {
	c := &Count{PeerSize: peerSize}
	for _, h := range handles {
		if h != absent {
			c.N++
		}
	}
	return c
}

// receive returns what the suite found and the size of the sender's set.
func receive(ctx context.Context, rw io.ReadWriter, p *Params, s *Set, f Function) ([]uint32, int, error) {
	if wanted := cmp.Or(p.Function, Intersection); wanted != f {
		return nil, 0, fmt.Errorf("%w: the parameters are for %v, this call for %v", ErrFunction, wanted, f)
	}
	r, err := open(ctx, rw, p, s, roleReceiver)
	if err != nil {
		return nil, 0, err
	}
	handles, err := r.params.Suite.receive(r, s)
	if err := r.conn.Close(err); err != nil {
		return nil, 0, err
	}
	return handles, r.nSender, nil
}

// run is one run after the opening: bindings compared, sizes known.
type run struct {
	conn      *wire.Conn
	params    *Params
	nSender   int // distinct items
	nReceiver int
	progress  *reporter
	// transcript is a hash of both hellos, nonces included: the same on both sides,
	// and never twice.
	transcript [32]byte
}

func open(ctx context.Context, rw io.ReadWriter, p *Params, s *Set, me role) (*run, error) {
	p, err := p.withDefaults()
	if err != nil {
		return nil, err
	}
	c := wire.Open(ctx, rw)
	peer, transcript, err := greet(c, p, s, me)
	if err != nil {
		return nil, c.Close(err)
	}
	r := &run{conn: c, params: p, nSender: s.Len(), nReceiver: peer, progress: newReporter(p.Progress), transcript: transcript}
	if me == roleReceiver {
		r.nSender, r.nReceiver = peer, s.Len()
	}
	return r, nil
}

// done tells the sender that the receiver has all it needs.
func (r *run) done() error { return r.conn.Write(kindDone, nil) }

// awaitDone waits for done. The sender reads on until then, so that it hears of
// a receiver that fails while the sender still writes.
func (r *run) awaitDone() error {
	_, err := r.conn.ReadExact(kindDone, 0)
	return err
}

func (p *Params) max(r role) int {
	if r == roleSender {
		return p.MaxSender
	}
	return p.MaxReceiver
}
