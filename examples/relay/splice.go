package main

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

var (
	errIdle  = errors.New("relay: both sides were silent, or one did not read, for too long")
	errTime  = errors.New("relay: the session took too long")
	errBytes = errors.New("relay: the session carried too much")
)

// splice passes on what either connection sends until both have ended, and closes
// them. Limits of 0 are none.
func splice(a, b net.Conn, l Limits) (n int64, err error) {
	f := &flow{limits: l}
	if l.Session > 0 {
		f.end = time.Now().Add(l.Session)
	}
	f.touch()
	var first sync.Once
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{a, b}, {b, a}} {
		both.Go(func() {
			failed := f.copy(way[0], way[1])
			if failed == nil {
				return
			}
			first.Do(func() {
				err = failed
				a.Close()
				b.Close()
			})
		})
	}
	both.Wait()
	a.Close()
	b.Close()
	return f.bytes.Load(), err
}

// flow is both directions of a session.
type flow struct {
	limits Limits
	end    time.Time // zero: none
	last   atomic.Int64
	bytes  atomic.Int64
}

func (f *flow) touch() { f.last.Store(time.Now().UnixNano()) }

// deadline is when the session is over unless something comes. Zero: never.
func (f *flow) deadline() time.Time {
	if f.limits.Idle <= 0 {
		return f.end
	}
	idle := time.Unix(0, f.last.Load()).Add(f.limits.Idle)
	if f.end.IsZero() || idle.Before(f.end) {
		return idle
	}
	return f.end
}

func (f *flow) copy(from, to net.Conn) error {
	buf := make([]byte, 32<<10)
	for {
		_ = from.SetReadDeadline(f.deadline()) // a closed connection fails below
		n, err := from.Read(buf)
		if n > 0 {
			f.touch()
			if total := f.bytes.Add(int64(n)); f.limits.Bytes > 0 && total > f.limits.Bytes {
				return errBytes
			}
			_ = to.SetWriteDeadline(f.deadline()) // as above
			if _, err := to.Write(buf[:n]); err != nil {
				return f.explain(err)
			}
		}
		if errors.Is(err, io.EOF) {
			endWriting(to)
			return nil
		}
		if errors.Is(err, os.ErrDeadlineExceeded) && time.Now().Before(f.deadline()) {
			continue // the other direction is busy
		}
		if err != nil {
			return f.explain(err)
		}
	}
}

func (f *flow) explain(err error) error {
	switch {
	case !errors.Is(err, os.ErrDeadlineExceeded):
		return err
	case !f.end.IsZero() && !time.Now().Before(f.end):
		return errTime
	}
	return errIdle
}

// endWriting passes on that one side will send no more. Where the other is gone,
// the way back finds out.
func endWriting(conn net.Conn) {
	if c, ok := conn.(interface{ CloseWrite() error }); ok {
		_ = c.CloseWrite()
	}
}
