package protocol

import (
	"errors"
	"os"
	"slices"
	"time"
)

// carry runs one connection, to its end. If that of the session came first, the peer
// is told.
func (f *flow) carry(ch *channel) error {
	var heard error
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		heard = f.receive(ch)
	}()
	said := f.transmit(ch, gone)
	switch {
	case f.ctx.Err() != nil:
		f.flush(ch)
		_ = ch.reads.by(time.Unix(1, 0))
	case said != nil:
		_ = ch.reads.by(time.Now().Add(grace)) // why the peer no longer reads may be about to come
	}
	<-gone
	if errors.Is(heard, os.ErrDeadlineExceeded) {
		heard = said
	}
	if said == nil && f.complete() { // the peer was the first to know
		f.end(nil, false)
	}
	switch {
	case f.survives(heard):
		_ = ch.raw.Close()
		return heard
	case f.ctx.Err() == nil:
		f.end(heard, false)
	}
	f.part(ch)
	return heard
}

// part ends the last connection.
func (f *flow) part(ch *channel) {
	f.mu.Lock()
	why, settled := f.overErr, f.settled
	f.mu.Unlock()
	if why == nil || settled {
		ch.linger()
		return
	}
	ch.fail(why)
}

// transmit puts frames on a connection until that fails. It returns nil when nobody
// receives any more or the session is over.
func (f *flow) transmit(ch *channel, gone <-chan struct{}) error {
	tick := time.NewTicker(f.c.aliveEvery)
	defer tick.Stop()
	for beat := false; ; {
		select {
		case <-gone:
			return nil
		case <-f.ctx.Done():
			return nil
		default:
		}
		if frame := f.next(beat); frame != nil {
			beat = false
			if err := ch.send(frame); err != nil {
				return err
			}
			continue
		}
		if f.complete() {
			f.end(nil, false)
			return nil
		}
		select {
		case <-tick.C:
			beat = true
		case <-f.outgoing:
		case <-gone:
		case <-f.ctx.Done():
		}
	}
}

// flush sends what the run wrote before it failed: it may tell the peer more than
// the code of the abort frame behind it.
func (f *flow) flush(ch *channel) {
	if ch.writes.by(time.Now().Add(grace)) != nil {
		return
	}
	for until := time.Now().Add(grace / 2); time.Now().Before(until); {
		frame := f.next(false)
		if frame == nil || ch.send(frame) != nil {
			return
		}
	}
}

// receive takes frames from a connection until it ends, and returns why.
func (f *flow) receive(ch *channel) error {
	for first := true; ; first = false {
		kind, n, err := ch.header()
		if err != nil {
			return err
		}
		if err := f.take(ch, kind, n); err != nil {
			return err
		}
		if first {
			f.mu.Lock()
			f.lost = time.Time{}
			f.mu.Unlock()
		}
	}
}

func (f *flow) take(ch *channel, kind frameKind, n int) error {
	if counted[kind] {
		if err := f.admit(kind, n); err != nil {
			return err
		}
		head, payload := ch.head, f.blank(&f.spareIn, n)[:n]
		if err := ch.payload(payload); err != nil {
			return err
		}
		f.arrive(kind, head[:], payload)
		return nil
	}
	if kind != frameAlive && kind != frameAck && kind != frameAbort {
		return unexpected(kind, frameData)
	}
	ch.in = slices.Grow(ch.in[:0], n)[:n] // a peer may send these without end
	payload := ch.in
	if err := ch.payload(payload); err != nil {
		return err
	}
	switch kind {
	case frameAbort:
		return &AbortError{Code: Code(payload[0])}
	case frameAck:
		return f.acknowledge(payload)
	}
	return nil
}

// fail ends the session because of err, tells the peer if there is a connection, and
// waits until all is closed.
func (f *flow) fail(err error) {
	f.end(err, true)
	f.mu.Lock()
	ch := f.ch
	f.mu.Unlock()
	_ = ch.writes.by(time.Now().Add(grace)) // a connection that refuses has been closed
	<-f.ended
}
