// Package wire frames one run of a protocol over a byte stream.
//
// A frame is a kind (1 byte), a payload length (4 bytes, big endian) and the
// payload. Frames are the whole of it: what a payload means is for the protocol
// that runs on top. The package adds the three things that every such protocol
// needs against a hostile or absent peer:
//
//   - every length is checked against what the reader expects before anything
//     is allocated, and each way in which a frame can be wrong is an error of
//     its own;
//   - a local failure reaches the peer as one alert frame, the same for every
//     cause, so that a peer learns nothing from how a check failed;
//   - the context is honoured at once where the stream has deadlines or can be
//     closed, else when the pending call returns.
//
// Start with [Open]; run readers and writers side by side with [Conn.Run]; end
// with [Conn.Close].
package wire

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// Kind tells what a frame carries. Each protocol numbers its own; 0 is the alert.
type Kind byte

const alert Kind = 0

const (
	headerSize = 5

	// MaxPayload is the longest payload that Write takes, in bytes.
	MaxPayload = 1 << 20

	readBuffer = 64 << 10

	// grace bounds how long a failing side waits for its last write to drain
	// before it gives up on telling the peer.
	grace = time.Second
)

// Errors that a peer or the stream can cause.
var (
	ErrAlert     = errors.New("wire: peer aborted the run")
	ErrKind      = errors.New("wire: unexpected kind of frame")
	ErrLength    = errors.New("wire: frame of wrong length")
	ErrTruncated = errors.New("wire: stream ended before the run did")
)

// errWrite marks a failed write. On its own it says little: a peer that aborts
// stops reading, and its alert may still wait to be read.
var errWrite = errors.New("wire: write")

// Conn is one run over a stream. One goroutine may read while another writes.
type Conn struct {
	ctx  context.Context
	rw   io.ReadWriter
	r    *bufio.Reader
	head [headerSize]byte
	in   []byte

	reading sync.Mutex // held for the length of a read
	writing sync.Mutex // held for the length of a write
	out     []byte
	torn    bool // a write failed: frames no longer line up

	stop func() bool // releases the context hook
	end  sync.Once
}

// Open starts a run over rw that ends when ctx does. The stream must allow a
// Read and a Write at the same time, as every net.Conn and net.Pipe does. If the
// run fails, the stream is of no further use: its deadline may lie in the past,
// or it may have been closed.
func Open(ctx context.Context, rw io.ReadWriter) *Conn {
	c := &Conn{ctx: ctx, rw: rw, r: bufio.NewReaderSize(rw, readBuffer)}
	c.stop = context.AfterFunc(ctx, c.interrupt)
	return c
}

// Context is the one that the run ends with: work between frames looks at it.
func (c *Conn) Context() context.Context { return c.ctx }

// Read returns the payload of the next frame, which must be of the wanted kind
// and of at most max bytes. The payload is valid until the next Read.
func (c *Conn) Read(want Kind, max int) ([]byte, error) {
	c.reading.Lock()
	defer c.reading.Unlock()
	n, err := c.readHeader(want)
	if err != nil {
		return nil, err
	}
	if n > max {
		return nil, fmt.Errorf("%w: %d bytes, at most %d allowed", ErrLength, n, max)
	}
	return c.readPayload(n)
}

// ReadExact is Read for a payload whose length both sides know.
func (c *Conn) ReadExact(want Kind, size int) ([]byte, error) {
	c.reading.Lock()
	defer c.reading.Unlock()
	n, err := c.readHeader(want)
	if err != nil {
		return nil, err
	}
	if n != size {
		return nil, fmt.Errorf("%w: %d bytes, %d expected", ErrLength, n, size)
	}
	return c.readPayload(n)
}

func (c *Conn) readHeader(want Kind) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	if _, err := io.ReadFull(c.r, c.head[:]); err != nil {
		return 0, truncated(err)
	}
	kind := Kind(c.head[0])
	n := binary.BigEndian.Uint32(c.head[1:])
	if kind == alert {
		return 0, ErrAlert
	}
	if kind != want {
		return 0, fmt.Errorf("%w: %d, expected %d", ErrKind, kind, want)
	}
	if n > MaxPayload {
		return 0, fmt.Errorf("%w: %d bytes, at most %d in any frame", ErrLength, n, MaxPayload)
	}
	return int(n), nil
}

func (c *Conn) readPayload(n int) ([]byte, error) {
	if cap(c.in) < n {
		c.in = make([]byte, n)
	}
	c.in = c.in[:n]
	if _, err := io.ReadFull(c.r, c.in); err != nil {
		return nil, truncated(err)
	}
	return c.in, nil
}

// End reports whether the stream has ended with the last frame: ErrLength where it
// goes on.
func (c *Conn) End() error {
	c.reading.Lock()
	defer c.reading.Unlock()
	switch _, err := c.r.ReadByte(); {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return truncated(err)
	}
	return fmt.Errorf("%w: bytes after the last frame", ErrLength)
}

func truncated(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return ErrTruncated
	}
	return fmt.Errorf("wire: read: %w", err)
}

// Write sends one frame in a single Write of the stream. The kind must not be 0
// and the payload not longer than MaxPayload.
func (c *Conn) Write(k Kind, payload []byte) error {
	if k == alert || len(payload) > MaxPayload {
		return fmt.Errorf("wire: cannot frame %d bytes of kind %d", len(payload), k)
	}
	if err := c.ctx.Err(); err != nil {
		return err
	}
	c.writing.Lock()
	defer c.writing.Unlock()
	return c.write(k, payload)
}

func (c *Conn) write(k Kind, payload []byte) error {
	if c.torn {
		return errors.New("wire: write after the run ended")
	}
	c.out = append(c.out[:0], byte(k))
	c.out = binary.BigEndian.AppendUint32(c.out, uint32(len(payload)))
	c.out = append(c.out, payload...)
	if _, err := c.rw.Write(c.out); err != nil {
		c.torn = true
		return fmt.Errorf("%w: %w", errWrite, err)
	}
	return nil
}

// Run calls the functions side by side and waits for all of them. The first
// error ends the run, which makes the pending calls of the others return, and is
// the one that Run returns. A failed write alone gives the reader a moment to
// find out why: the peer's alert or hang-up is then what Run returns.
func (c *Conn) Run(fs ...func() error) error {
	var wg sync.WaitGroup
	var mu sync.Mutex
	var first error
	for _, f := range fs {
		wg.Go(func() {
			err := f()
			if err == nil {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			if first == nil || explains(err, first) {
				first = err
			}
			if errors.Is(err, errWrite) && c.readOn() {
				return
			}
			first = c.Close(first)
		})
	}
	wg.Wait()
	if first != nil {
		first = c.Close(first)
	}
	return first
}

// explains reports whether an error is the reason of another one that came first: a
// hang-up or an alert of a failed write, and an alert of a hang-up behind it.
func explains(err, first error) bool {
	switch {
	case errors.Is(first, errWrite):
		return errors.Is(err, ErrAlert) || errors.Is(err, ErrTruncated)
	case errors.Is(first, ErrTruncated):
		return errors.Is(err, ErrAlert)
	}
	return false
}

// readOn lets reads go on for grace and no longer; it reports whether the stream
// can do so.
func (c *Conn) readOn() bool {
	d, ok := c.rw.(deadliner)
	return ok && c.ctx.Err() == nil && d.SetReadDeadline(time.Now().Add(grace)) == nil
}

// Exchange sends one frame and receives one of the same kind, in either order,
// so that two peers that both begin by writing cannot block each other. The
// payload received has at most max bytes and is valid until the next Read.
func (c *Conn) Exchange(k Kind, payload []byte, max int) ([]byte, error) {
	var got []byte
	err := c.Run(
		func() error { return c.Write(k, payload) },
		func() (err error) { got, err = c.Read(k, max); return err },
	)
	return got, err
}

// Close ends the run. With a nil error it only lets go of the context. Otherwise
// it tells the peer by an alert, unless the peer or the stream was the one to
// fail, makes pending reads and writes return, and returns err, or the cause of
// the context's end where that is what ended the run. Calls after the first
// return their error and do nothing.
func (c *Conn) Close(err error) error {
	if cause := context.Cause(c.ctx); cause != nil && err != nil {
		err = cause
	}
	c.end.Do(func() {
		c.stop()
		if err == nil {
			return
		}
		if errors.Is(err, errWrite) {
			err = c.reason(err)
		}
		if c.ctx.Err() == nil && !errors.Is(err, ErrAlert) && !errors.Is(err, ErrTruncated) {
			c.sendAlert()
		}
		c.interrupt()
	})
	return err
}

// reason looks for what made a write fail: the peer's alert behind whatever else it
// still said, or its hang-up. It reads for grace at most, and not where somebody else
// reads or the stream has no deadlines.
func (c *Conn) reason(err error) error {
	if !c.reading.TryLock() {
		return err
	}
	defer c.reading.Unlock()
	d, ok := c.rw.(deadliner)
	if !ok || c.ctx.Err() != nil {
		return err
	}
	_ = d.SetReadDeadline(time.Now().Add(grace)) // a stream that refuses has been closed
	for {
		if _, e := io.ReadFull(c.r, c.head[:]); e != nil {
			return hungUp(e, err)
		}
		if Kind(c.head[0]) == alert {
			return ErrAlert
		}
		n := binary.BigEndian.Uint32(c.head[1:])
		if _, e := io.CopyN(io.Discard, c.r, int64(n)); e != nil {
			return hungUp(e, err)
		}
	}
}

// hungUp is ErrTruncated if a read ended with the stream, else otherwise.
func hungUp(read, otherwise error) error {
	if e := truncated(read); errors.Is(e, ErrTruncated) {
		return e
	}
	return otherwise
}

// IsAlert reports whether bytes are just an alert, for who finds some behind a run.
func IsAlert(p []byte) bool { return bytes.Equal(p, make([]byte, headerSize)) }

// sendAlert waits for a write in flight, within grace where the stream has
// deadlines. Where it has none and a write is stuck, the peer gets no alert: it
// sees the stream end.
func (c *Conn) sendAlert() {
	if d, ok := c.rw.(deadliner); ok {
		if d.SetWriteDeadline(time.Now().Add(grace)) != nil {
			return
		}
		c.writing.Lock()
	} else if !c.writing.TryLock() {
		return
	}
	defer c.writing.Unlock()
	if !c.torn {
		_ = c.write(alert, nil) // the run has failed already; its error is the one to report
		c.torn = true
	}
}

type deadliner interface {
	SetDeadline(time.Time) error
	SetReadDeadline(time.Time) error
	SetWriteDeadline(time.Time) error
}

// interrupt makes pending calls on the stream return where it can.
func (c *Conn) interrupt() {
	if d, ok := c.rw.(deadliner); ok {
		_ = d.SetDeadline(time.Unix(1, 0)) // a stream that refuses has been closed
		return
	}
	if cl, ok := c.rw.(io.Closer); ok {
		_ = cl.Close()
	}
}
