package protocol

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"net"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// frameKind tells what a frame carries; SPEC.md lists them.
type frameKind uint8

const (
	frameAbort frameKind = 1 + iota
	frameHello
	frameTerms
	frameAccept
	frameRefuse
	frameData
	frameFinish
	frameAlive
	frameCommit
	frameAck
	frameResume
)

const (
	headerSize = 5
	maxData    = 64<<10 - headerSize // a full frame is four full records of TLS
	commitSize = sha256.Size + signatureSize
	maxHello   = 1 << 10 // another version's may be longer than ours

	// grace bounds what is done for a peer after the session failed: one abort
	// frame, and waiting until it was read.
	grace = time.Second
)

// limits are the shortest and longest payload of each kind. A length is checked
// before a byte of the payload is read or allocated.
var limits = [...]struct{ min, max int }{
	frameAbort:  {1, 1},
	frameHello:  {1, maxHello},
	frameTerms:  {signatureSize + 1, signatureSize + MaxTerms},
	frameAccept: {signatureSize, signatureSize},
	frameRefuse: {1, 32},
	frameData:   {1, maxData},
	frameFinish: {sha256.Size, sha256.Size},
	frameAlive:  {0, 0},
	frameCommit: {commitSize, commitSize},
	frameAck:    {8, 8},
	frameResume: {resumeSize, resumeSize},
}

// counted are the kinds that a session numbers, retains and acknowledges. They and
// no others are of the transcript from accept on.
var counted = [...]bool{frameData: true, frameFinish: true, frameCommit: true, len(limits) - 1: false}

func parseHeader(head [headerSize]byte) (frameKind, int, error) {
	kind, n := frameKind(head[0]), binary.BigEndian.Uint32(head[1:])
	if kind < frameAbort || int(kind) >= len(limits) {
		return 0, 0, fmt.Errorf("%w: of unknown kind %d", ErrFrame, kind)
	}
	if l := limits[kind]; int64(n) < int64(l.min) || int64(n) > int64(l.max) {
		return 0, 0, fmt.Errorf("%w: kind %d with %d bytes, between %d and %d allowed", ErrFrame, kind, n, l.min, l.max)
	}
	return kind, int(n), nil
}

// counter counts bytes on the wire, below TLS.
type counter struct {
	net.Conn
	sent, received atomic.Int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.received.Add(int64(n))
	return n, err
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.sent.Add(int64(n))
	return n, err
}

// secureConn is what a channel needs of a tls.Conn.
type secureConn interface {
	net.Conn
	CloseWrite() error
}

// channel carries frames over one TLS connection. One goroutine may read while
// another writes.
type channel struct {
	conn secureConn
	raw  *counter
	idle time.Duration // 0 during the handshake, which has a deadline of its own

	head     [headerSize]byte
	in       []byte
	received hash.Hash // of the handshake, as sent

	out  []byte
	sent hash.Hash

	reads, writes deadline
	torn          atomic.Bool // a write failed: TLS has counted a record that did not leave
}

func newChannel(conn secureConn, raw *counter) *channel {
	return &channel{
		conn: conn, raw: raw, received: sha256.New(), sent: sha256.New(),
		reads: deadline{set: conn.SetReadDeadline}, writes: deadline{set: conn.SetWriteDeadline},
	}
}

// header reads that of the next frame, into c.head.
func (c *channel) header() (frameKind, int, error) {
	c.reads.arm(c.idle)
	if _, err := io.ReadFull(c.conn, c.head[:]); err != nil {
		return 0, 0, c.reads.explain(err)
	}
	return parseHeader(c.head)
}

// payload fills p with what follows the header.
func (c *channel) payload(p []byte) error {
	c.reads.arm(c.idle)
	if _, err := io.ReadFull(c.conn, p); err != nil {
		return c.reads.explain(err)
	}
	return nil
}

// read returns the payload of the next frame of a handshake, which must be of the
// wanted kind. It is valid until the next read. Where the peer ended the session
// instead, the error is *AbortError or *RefusedError.
func (c *channel) read(want frameKind) ([]byte, error) {
	kind, n, err := c.header()
	if err != nil {
		return nil, err
	}
	refused := kind == frameRefuse && want == frameAccept
	if kind != want && kind != frameAbort && !refused {
		return nil, unexpected(kind, want)
	}
	c.in = slices.Grow(c.in[:0], n)[:n]
	if err := c.payload(c.in); err != nil {
		return nil, err
	}
	if kind == frameAbort {
		return nil, &AbortError{Code: Code(c.in[0])}
	}
	if refused {
		return nil, parseRefusal(c.in)
	}
	c.received.Write(c.head[:])
	c.received.Write(c.in)
	return c.in, nil
}

func unexpected(kind, want frameKind) error {
	return fmt.Errorf("%w: kind %d, expected %d", ErrFrame, kind, want)
}

func parseRefusal(term []byte) error {
	if !termKeys[string(term)] {
		return fmt.Errorf("%w: refusal of an unknown term", ErrFrame)
	}
	return &RefusedError{Term: string(term)}
}

// write sends one frame of a handshake.
func (c *channel) write(kind frameKind, payload ...[]byte) error {
	c.out = appendFrame(c.out[:0], kind, payload...)
	if kind != frameAbort {
		c.sent.Write(c.out)
	}
	return c.send(c.out)
}

// send sends a whole frame in one Write of the TLS connection.
func (c *channel) send(frame []byte) error {
	c.writes.arm(c.idle)
	if _, err := c.conn.Write(frame); err != nil {
		c.torn.Store(true)
		return c.writes.explain(err)
	}
	return nil
}

// appendFrame appends a frame to b.
func appendFrame(b []byte, kind frameKind, payload ...[]byte) []byte {
	n := 0
	for _, p := range payload {
		n += len(p)
	}
	b = append(b, byte(kind))
	b = binary.BigEndian.AppendUint32(b, uint32(n))
	for _, p := range payload {
		b = append(b, p...)
	}
	return b
}

// interrupt makes pending and later reads and writes return at once.
func (c *channel) interrupt() {
	past := time.Unix(1, 0)
	_ = c.reads.by(past) // a connection that refuses has been closed
	_ = c.writes.by(past)
}

// fail ends the connection after an error, and tells the peer of its code unless
// the peer was the one to end it.
func (c *channel) fail(err error) {
	var aborted *AbortError
	var refused *RefusedError
	if errors.As(err, &aborted) || errors.As(err, &refused) || errors.Is(err, ErrHangUp) {
		c.linger()
		return
	}
	c.last(frameAbort, []byte{byte(codeFor(err))})
}

// last sends one more frame, best effort, and ends the connection.
func (c *channel) last(kind frameKind, payload []byte) {
	if c.writes.by(time.Now().Add(grace)) == nil {
		_ = c.write(kind, payload) // the session is over: whether the peer hears why is up to the network
	}
	c.linger()
}

// linger ends the connection in order. Behind a write that failed, TLS's own farewell
// would be a record out of order, which the peer had to take for an attack.
func (c *channel) linger() {
	by := time.Now().Add(grace)
	_ = c.reads.by(by) // a connection that refuses has been closed
	_ = c.writes.by(by)
	if !c.torn.Load() {
		_ = c.conn.CloseWrite() // the peer may be gone
	}
	drain(c.raw)
}

// drain closes a connection once the peer has closed its end, or after grace. To
// close while bytes of the peer are still unread would reset the connection, and
// a reset overtakes what was last written.
func drain(raw net.Conn) {
	under := raw
	if c, ok := raw.(*counter); ok {
		under = c.Conn
	}
	tcp, ok := under.(interface{ CloseWrite() error })
	if ok && tcp.CloseWrite() == nil && raw.SetReadDeadline(time.Now().Add(grace)) == nil {
		_, _ = io.Copy(io.Discard, raw)
	}
	_ = raw.Close()
}

// deadline merges the deadline that the inner protocol sets with the idle
// timeout, for one direction.
type deadline struct {
	set func(time.Time) error

	mu     sync.Mutex
	caller time.Time
	idle   time.Time
}

// by sets the inner protocol's deadline; it holds for calls already pending.
func (d *deadline) by(t time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.caller = t
	return d.apply()
}

// arm gives the call that follows its time, if there is an idle timeout.
func (d *deadline) arm(idle time.Duration) {
	if idle == 0 {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.idle = time.Now().Add(idle)
	_ = d.apply() // a connection that refuses has been closed, as the call will find
}

func (d *deadline) apply() error {
	if d.caller.IsZero() || !d.idle.IsZero() && d.idle.Before(d.caller) {
		return d.set(d.idle)
	}
	return d.set(d.caller)
}

// explain names the cause of a failed read or write.
func (d *deadline) explain(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		d.mu.Lock()
		defer d.mu.Unlock()
		if !d.caller.IsZero() && !time.Now().Before(d.caller) {
			return err
		}
		return &StallError{Phase: PhaseIdle}
	}
	return connectionError(err)
}

// connectionError tells a complaint of TLS or of a mailbox from a connection that
// ended.
func connectionError(err error) error {
	if errors.Is(err, ErrMail) || errors.Is(err, ErrMailbox) {
		return err
	}
	var op *net.OpError
	if errors.As(err, &op) && (op.Op == "remote error" || op.Op == "local error") {
		return fmt.Errorf("%w: %w", ErrTLS, err)
	}
	return fmt.Errorf("%w: %w", ErrHangUp, err)
}
