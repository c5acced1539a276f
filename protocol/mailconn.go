package protocol

import (
	"errors"
	"io"
	"io/fs"
	"math"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// firstLook is how long a connection waits before it looks for a file again.
	// Each time that nothing has come doubles it, up to the folder's interval.
	firstLook = 2 * time.Millisecond

	// gather is how long bytes wait for more to come into the same file. TLS
	// writes each record of 16 KiB on its own.
	gather = 2 * time.Millisecond

	// maxLinger bounds how long Close waits for the peer to close too.
	maxLinger = 2 * time.Second
)

// mailConn is one end of a connection over a folder.
type mailConn struct {
	folder  *mailFolder
	session mailSession
	side    mailSide
	addr    mailAddr

	closing sync.Once
	closed  chan struct{}
	heard   atomic.Bool // a file of the peer has come

	reads, writes mailDeadline

	reading sync.Mutex
	next    uint32 // data file of the peer, at hand or to come
	rest    []byte // of its payload
	partly  time.Time
	readErr error // that no later Read gets over

	writing sync.Mutex // one Write at a time

	mu       sync.Mutex
	pending  []byte // not yet in a file
	writeErr error  // that no later Write gets over

	filled, room  chan struct{} // pending has something, or less
	flushed       chan struct{} // the last file is out
	written, free uint32        // own data files, and those known to be read; flush's alone
}

func newMailConn(f *mailFolder, dir string, s mailSession, side mailSide) *mailConn {
	c := &mailConn{
		folder: f, session: s, side: side, addr: mailAddr{dir, s},
		closed: make(chan struct{}), flushed: make(chan struct{}),
		filled: make(chan struct{}, 1), room: make(chan struct{}, 1),
	}
	go c.flush()
	return c
}

func (c *mailConn) name(side mailSide, k mailKind, number uint32) mailName {
	return mailName{c.session, side, k, number}
}

func (c *mailConn) own(k mailKind, number uint32) mailName { return c.name(c.side, k, number) }

func (c *mailConn) peers(k mailKind, number uint32) mailName {
	return c.name(c.side.other(), k, number)
}

// Read returns bytes of the peer's next data file, once it is there and whole.
func (c *mailConn) Read(p []byte) (int, error) {
	c.reading.Lock()
	defer c.reading.Unlock()
	for wait := firstLook; ; wait = min(2*wait, c.folder.poll) {
		if err := c.ready(&c.reads); err != nil {
			return 0, err
		}
		if len(c.rest) > 0 || len(p) == 0 {
			n := copy(p, c.rest)
			c.rest = c.rest[n:]
			if n > 0 && len(c.rest) == 0 {
				c.done()
			}
			return n, nil
		}
		if c.readErr == nil {
			c.look()
		}
		if c.readErr != nil {
			return 0, c.readErr
		}
		if len(c.rest) == 0 {
			c.pause(&c.reads, wait, nil)
		}
	}
}

// look takes the next file if it is whole. Earlier ones that come again are never
// looked at, and later ones wait their turn.
func (c *mailConn) look() {
	name := c.peers(mailData, c.next)
	_, payload, err := c.folder.read(name)
	switch {
	case err == nil:
		c.rest, c.partly = payload, time.Time{}
		c.heard.Store(true)
	case errors.Is(err, fs.ErrNotExist):
		c.lookForEnd()
	case errors.Is(err, errNotWhole):
		if c.partly.IsZero() {
			c.partly = time.Now()
		}
		if time.Since(c.partly) > wholeWithin {
			c.readErr = &MailError{File: name.String(), Reason: "it has not become whole"}
		}
	default:
		c.readErr = err
	}
}

// lookForEnd finds out whether the peer has closed, and no file is on its way.
func (c *mailConn) lookForEnd() {
	name := c.peers(mailClosed, 0)
	total, _, err := c.folder.read(name)
	switch {
	case errors.Is(err, ErrMail):
		c.readErr = err
	case err != nil:
	case total < c.next:
		c.readErr = &MailError{File: name.String(), Reason: "it counts fewer files than were read"}
	case total == c.next:
		c.readErr = io.EOF
	}
}

// done deletes the data file that was read to its end, and tells the peer where
// it cannot see that.
func (c *mailConn) done() {
	c.folder.remove(c.peers(mailData, c.next).String())
	c.next++
	if c.next%(mailWindow/4) == 0 {
		c.readErr = c.folder.write(c.own(mailRead, 0), c.next, nil)
	}
}

// Write hands bytes over to be written to files. It waits while the peer leaves
// too many of them unread.
func (c *mailConn) Write(p []byte) (n int, err error) {
	c.writing.Lock()
	defer c.writing.Unlock()
	for {
		if err := c.ready(&c.writes); err != nil {
			return n, err
		}
		k, err := c.add(p[n:])
		n += k
		if err != nil || n == len(p) {
			return n, err
		}
		if k == 0 {
			c.pause(&c.writes, math.MaxInt64, c.room)
		}
	}
}

// add takes as many bytes as go into the next file.
func (c *mailConn) add(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.writeErr != nil {
		return 0, c.writeErr
	}
	n := min(len(p), maxMailData-len(c.pending))
	if n > 0 {
		c.pending = append(c.pending, p[:n]...)
		notify(c.filled)
	}
	return n, nil
}

// flush makes files of what Write took, until the connection is closed. The last
// of them do not wait for the peer, so that Close need not.
func (c *mailConn) flush() {
	defer close(c.flushed)
	for {
		select {
		case <-c.filled:
		case <-c.closed:
		}
		err := c.await()
		if err == nil {
			err = c.cut()
		}
		if err != nil {
			c.mu.Lock()
			c.writeErr = err
			c.mu.Unlock()
			notify(c.room)
			<-c.closed
		}
		if c.isClosed() {
			_ = c.cut() // the peer learns what the folder still takes
			_ = c.folder.write(c.own(mailClosed, 0), c.written, nil)
			return
		}
	}
}

// cut writes one file of what is pending.
func (c *mailConn) cut() error {
	c.mu.Lock()
	data := c.pending
	c.pending = nil
	c.mu.Unlock()
	notify(c.room)
	if len(data) == 0 {
		return nil
	}
	if err := c.folder.write(c.own(mailData, c.written), c.written, data); err != nil {
		return err
	}
	c.written++
	return nil
}

// await waits until a file may be written: first for what belongs into the same
// file, and then for the peer to read earlier ones. Close ends it.
func (c *mailConn) await() error {
	c.pause(nil, gather, nil)
	for wait := firstLook; !c.isClosed(); wait = min(2*wait, c.folder.poll) {
		if c.written-c.free < mailWindow {
			return nil
		}
		if err := c.settle(); err != nil {
			return err
		}
		if c.written-c.free >= mailWindow {
			c.pause(nil, wait, nil)
		}
	}
	return nil
}

// settle finds out which own files the peer has read. They are read in order.
func (c *mailConn) settle() error {
	for c.free < c.written && !c.folder.exists(c.own(mailData, c.free)) {
		c.free++
	}
	name := c.peers(mailRead, 0)
	read, _, err := c.folder.read(name)
	switch {
	case errors.Is(err, ErrMail):
		return err
	case err != nil:
		return nil
	case read > c.written:
		return &MailError{File: name.String(), Reason: "it counts more files than were written"}
	}
	for ; c.free < read; c.free++ {
		c.folder.remove(c.own(mailData, c.free).String())
	}
	return nil
}

// Close ends the connection. The peer may read what was written before. Close
// waits a moment for the peer to close too: whoever sees that both have deletes
// the files of the session.
func (c *mailConn) Close() error {
	c.closing.Do(func() {
		close(c.closed)
		<-c.flushed
		c.reading.Lock() // no Read is under way that would write a file
		defer c.reading.Unlock()
		c.linger()
		_ = c.folder.root.Close() // which was for looking up names
	})
	return nil
}

func (c *mailConn) linger() {
	until := time.Now().Add(min(20*c.folder.poll, maxLinger))
	for wait := firstLook; ; wait = min(2*wait, c.folder.poll) {
		if c.folder.exists(c.peers(mailClosed, 0)) || !c.folder.exists(c.own(mailClosed, 0)) {
			c.folder.clear(c.session)
			return
		}
		if !c.heard.Load() || time.Now().After(until) {
			return // the peer has files to read, and will clear
		}
		time.Sleep(wait)
	}
}

func (c *mailConn) isClosed() bool {
	select {
	case <-c.closed:
		return true
	default:
		return false
	}
}

// ready reports why a call may not go on.
func (c *mailConn) ready(d *mailDeadline) error {
	if c.isClosed() {
		return net.ErrClosed
	}
	if t, _ := d.get(); !t.IsZero() && !time.Now().Before(t) {
		return os.ErrDeadlineExceeded
	}
	return nil
}

// pause waits, until the connection is closed, the deadline passes or changes, or
// wake is notified, at most.
func (c *mailConn) pause(d *mailDeadline, wait time.Duration, wake <-chan struct{}) {
	var changed <-chan struct{}
	if d != nil {
		var t time.Time
		if t, changed = d.get(); !t.IsZero() {
			wait = min(wait, time.Until(t))
		}
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-changed:
	case <-wake:
	case <-c.closed:
	}
}

// notify leaves a note in a channel that holds one.
func notify(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (c *mailConn) LocalAddr() net.Addr  { return c.addr }
func (c *mailConn) RemoteAddr() net.Addr { return c.addr }

func (c *mailConn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

func (c *mailConn) SetReadDeadline(t time.Time) error  { return c.setDeadline(&c.reads, t) }
func (c *mailConn) SetWriteDeadline(t time.Time) error { return c.setDeadline(&c.writes, t) }

func (c *mailConn) setDeadline(d *mailDeadline, t time.Time) error {
	if c.isClosed() {
		return net.ErrClosed
	}
	d.set(t)
	return nil
}

// mailDeadline is a deadline that a call may wait for the change of.
type mailDeadline struct {
	mu      sync.Mutex
	t       time.Time
	changed chan struct{}
}

func (d *mailDeadline) set(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.t = t
	if d.changed != nil {
		close(d.changed)
		d.changed = nil
	}
}

func (d *mailDeadline) get() (time.Time, <-chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.changed == nil {
		d.changed = make(chan struct{})
	}
	return d.t, d.changed
}

// mailAddr is where a connection or a listener is.
type mailAddr struct {
	dir     string
	session mailSession // zero: a listener
}

func (a mailAddr) Network() string { return "mailbox" }

func (a mailAddr) String() string {
	if a.session == (mailSession{}) {
		return a.dir
	}
	return a.dir + " " + a.session.String()
}
