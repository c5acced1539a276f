package protocol

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"os"
	"slices"
	"sync"
	"time"
)

// overhead is what a frame weighs beside its payload, for the memory that keeping it
// takes: without, a window of small frames would hold many times its size.
const overhead = 64

// flow is the frames of a session from accept on, in both directions, over one
// connection after another. It numbers those of the counted kinds in each direction,
// keeps what it sent until the peer has acknowledged it, and what it received until
// the run reads it.
//
// A frame is acknowledged once the run has read it, not when it arrived. So what a
// side keeps of the peer's frames weighs no more than what the peer may have
// unacknowledged, and both ends of either direction are bounded by its window. The
// connection itself is always read from, by a goroutine of its own, so that
// acknowledgements come in while the run only writes or computes, and so that two
// sides that both write a lot do not block each other. The run only ever waits on
// the flow, never on a connection.
type flow struct {
	line // what carries it: resume.go

	window int // weight that the peer may have unacknowledged
	limit  int // weight that this side may have unacknowledged

	writing sync.Mutex // held for the length of a write
	sent    hash.Hash

	hashing  sync.Mutex
	received hash.Hash

	reads, writes  mailDeadline  // the run's own
	incoming, room chan struct{} // something to read, or room to write
	outgoing       chan struct{} // something to put on the connection

	mu       sync.Mutex
	overErr  error    // why the session is over; nil if it ended well
	failed   bool     // it ended by the own side's doing: what is queued no longer counts
	retained [][]byte // whole frames, from number base on
	base     uint64   // how many the peer has acknowledged
	cursor   uint64   // the next to put on the connection
	weight   int      // of what is retained
	finished bool     // the own finish frame is among them, or was

	spareOut, spareIn buffers // of frames that nobody needs any more

	queue    []arrival
	current  []byte // payload that the run reads
	arrived  uint64 // how many have come, in order
	consumed uint64 // how many of them the run has read
	acked    uint64 // how many of them the peer was told of
	held     int    // weight of those that it was not told of
	taken    int    // weight of those that the run has read, and the peer was not told of
	owed     bool   // it is to be told at once
	closing  bool   // the peer's finish frame has come
	settled  bool   // and was the right one
}

// arrival is a frame that came.
type arrival struct {
	kind    frameKind
	payload []byte
}

// buffers are memory to use again: a large set is a thousand frames, and fresh memory
// for each would keep the collector busy. The flow's mutex guards them.
type buffers [][]byte

const (
	bufferSize = headerSize + maxData
	maxBuffers = 64
)

func (b *buffers) get() []byte {
	n := len(*b)
	if n == 0 {
		return make([]byte, 0, bufferSize)
	}
	out := (*b)[n-1]
	*b = (*b)[:n-1]
	return out[:0]
}

func (b *buffers) put(buf []byte) {
	if cap(buf) >= bufferSize && len(*b) < maxBuffers {
		*b = append(*b, buf)
	}
}

// newFlow takes over the channel of a handshake that came to a session.
func newFlow(h *handshake, session Hash) *flow {
	ctx, cancel := context.WithCancel(context.Background())
	return &flow{
		line: line{
			c: h.c, role: h.me, peer: *h.peer, session: session, secret: h.secret,
			patience: min(h.c.patience(h.me), h.patience),
			ctx:      ctx, cancel: cancel, ended: make(chan struct{}), offered: make(chan struct{}, 1), ch: h.ch,
		},
		window: h.c.ResumeWindow, limit: min(h.c.ResumeWindow, h.window),
		sent: h.ch.sent, received: h.ch.received,
		incoming: make(chan struct{}, 1), room: make(chan struct{}, 1), outgoing: make(chan struct{}, 1),
	}
}

// write queues one frame of a counted kind. It waits while too much is
// unacknowledged. What the peer did shows when the run reads, behind all that the
// peer said before.
func (f *flow) write(kind frameKind, payload ...[]byte) error {
	f.writing.Lock()
	defer f.writing.Unlock()
	n := 0
	for _, p := range payload {
		n += len(p)
	}
	frame := appendFrame(f.blank(&f.spareOut, n), kind, payload...)
	for {
		queued, err := f.enqueue(kind, frame)
		if err != nil {
			return err
		}
		if queued {
			if kind != frameFinish {
				f.sent.Write(frame) // while it is under way
			}
			return nil
		}
		f.await(&f.writes, f.room)
	}
}

// blank returns memory for a payload of so many bytes, and for its header.
func (f *flow) blank(spare *buffers, n int) []byte {
	if n < maxData/2 {
		return make([]byte, 0, headerSize+n)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return spare.get()
}

func (f *flow) enqueue(kind frameKind, frame []byte) (queued bool, err error) {
	if err := f.stopped(&f.writes); err != nil {
		return false, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	w := len(frame) - headerSize + overhead
	if f.weight+w > f.limit {
		return false, f.why()
	}
	f.weight += w
	f.retained = append(f.retained, frame)
	f.finished = f.finished || kind == frameFinish
	notify(f.outgoing)
	return true, nil
}

// read returns the payload of the next frame, which must be of the wanted kind. It is
// valid until the next read. Where the session is over instead, it returns why.
func (f *flow) read(want frameKind) ([]byte, error) {
	for {
		payload, err := f.dequeue(want)
		if err != nil || payload != nil {
			return payload, err
		}
		f.await(&f.reads, f.incoming)
	}
}

func (f *flow) dequeue(want frameKind) ([]byte, error) {
	if err := f.stopped(&f.reads); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.queue) == 0 {
		return nil, f.why()
	}
	in := f.queue[0]
	if in.kind != want {
		return nil, unexpected(in.kind, want)
	}
	f.spareIn.put(f.current)
	f.current, f.queue[0] = in.payload, arrival{}
	f.queue = f.queue[1:]
	f.consumed++
	f.taken += len(in.payload) + overhead
	if f.taken >= f.limit/4 {
		f.owed = true
		notify(f.outgoing)
	}
	return in.payload, nil
}

// why returns the reason that a session is over, if it is.
func (f *flow) why() error {
	if f.ctx.Err() == nil {
		return nil
	}
	return cmp.Or(f.overErr, ErrClosed)
}

// stopped reports why the run may not go on.
func (f *flow) stopped(d *mailDeadline) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.failed {
		return f.why()
	}
	if t, _ := d.get(); !t.IsZero() && !time.Now().Before(t) {
		return os.ErrDeadlineExceeded
	}
	return nil
}

// await waits until there is reason to look again.
func (f *flow) await(d *mailDeadline, wake <-chan struct{}) {
	t, changed := d.get()
	var expired <-chan time.Time
	if !t.IsZero() {
		timer := time.NewTimer(time.Until(t))
		defer timer.Stop()
		expired = timer.C
	}
	select {
	case <-wake:
	case <-changed:
	case <-expired:
	case <-f.ctx.Done():
	}
}

// interrupt makes pending and later reads and writes of the run return at once.
func (f *flow) interrupt() {
	past := time.Unix(1, 0)
	f.reads.set(past)
	f.writes.set(past)
}

// end marks the session as over, for the reason that err gives; nil is that all is
// done. Only the first call counts.
func (f *flow) end(err error, own bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ctx.Err() == nil {
		f.overErr, f.failed = err, own
		f.cancel()
	}
}

// transcript hashes all frames of both directions, up to the finish frames.
func (f *flow) transcript(me Role) (sum [sha256.Size]byte) {
	f.writing.Lock()
	defer f.writing.Unlock()
	f.hashing.Lock()
	defer f.hashing.Unlock()
	first, second := f.sent, f.received
	if me == Acceptor {
		first, second = second, first
	}
	h := sha256.New()
	h.Write([]byte("comity protocol v2 transcript"))
	h.Write(first.Sum(nil))
	h.Write(second.Sum(nil))
	h.Sum(sum[:0])
	return sum
}

// next returns the frame to put on the connection now, if there is any. With beat
// set there is one: a sign of life if nothing else.
func (f *flow) next(beat bool) []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.owed || beat && f.acked < f.consumed {
		f.acked, f.owed = f.consumed, false
		f.held -= f.taken
		f.taken = 0
		return appendFrame(nil, frameAck, binary.BigEndian.AppendUint64(nil, f.acked))
	}
	if i := f.cursor - f.base; i < uint64(len(f.retained)) {
		f.cursor++
		return f.retained[i]
	}
	if beat {
		return appendFrame(nil, frameAlive)
	}
	return nil
}

// settle says that the peer's finish frame was read and is right: the peer alone may
// still lack something, and has its time to fetch it.
func (f *flow) settle() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.settled, f.owed = true, true
	notify(f.outgoing)
	timer := time.AfterFunc(max(f.patience, grace), func() { f.end(nil, false) })
	context.AfterFunc(f.ctx, func() { timer.Stop() })
}

// complete reports whether each side has all of the other's frames, and knows it. It
// is asked when what next returned has left.
func (f *flow) complete() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.finished && len(f.retained) == 0 && f.settled && !f.owed
}

// admit reports whether a frame may come, before any of its payload is read.
func (f *flow) admit(kind frameKind, n int) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closing {
		return fmt.Errorf("%w: kind %d after finish", ErrFrame, kind)
	}
	if f.held+n+overhead > f.window {
		return fmt.Errorf("%w: more than the window of %d bytes unacknowledged", ErrFrame, f.window)
	}
	return nil
}

// arrive queues a frame that has come whole.
func (f *flow) arrive(kind frameKind, head, payload []byte) {
	if kind != frameFinish {
		f.hashing.Lock()
		f.received.Write(head)
		f.received.Write(payload)
		f.hashing.Unlock()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.queue = append(f.queue, arrival{kind, payload})
	f.arrived++
	f.held += len(payload) + overhead
	f.closing = kind == frameFinish
	notify(f.incoming)
}

// acknowledge lets go of the frames that the peer has.
func (f *flow) acknowledge(count []byte) error {
	n := binary.BigEndian.Uint64(count)
	f.mu.Lock()
	defer f.mu.Unlock()
	if n < f.base || n > f.cursor {
		return fmt.Errorf("%w: %d frames acknowledged, of %d to %d", ErrFrame, n, f.base, f.cursor)
	}
	k := int(n - f.base)
	for i, frame := range f.retained[:k] {
		f.weight -= len(frame) - headerSize + overhead
		if f.base+uint64(i)+1 < f.cursor { // the last one may be under way, whatever the peer says
			f.spareOut.put(frame)
		}
	}
	f.retained = slices.Delete(f.retained, 0, k)
	f.base = n
	notify(f.room)
	notify(f.outgoing) // that may have been all
	return nil
}

// rewind has the frames from number n on put on a new connection, and the peer told
// how far this side has come.
func (f *flow) rewind(n uint64) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if end := f.base + uint64(len(f.retained)); n < f.base || n > end {
		return fmt.Errorf("%w: the peer has %d frames, here are %d to %d", ErrResume, n, f.base, end)
	}
	f.cursor = n
	f.owed = true
	return nil
}

func (f *flow) receivedCount() uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.arrived
}
