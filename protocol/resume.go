package protocol

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/crypto/cryptobyte"
)

const (
	// maxAttempts bounds how often a session may ask to be resumed.
	maxAttempts = 1 << 12

	// maxResumable bounds the sessions of a Listener that can be resumed at a time.
	// Any more are as if they were never resumed.
	maxResumable = 1 << 12

	// firstRetry is the pause after an attempt to resume that failed. Each further
	// one is twice as long, up to lastRetry.
	firstRetry = 50 * time.Millisecond
	lastRetry  = 5 * time.Second

	// farewell bounds how long Close waits for the peer to acknowledge the end.
	farewell = 10 * time.Second

	secretLabel = "EXPORTER-comity-resumption-v2"

	resumeSize = 2*sha256.Size + 16
)

// line is what carries a flow: a connection, and what it takes to replace it.
type line struct {
	c        *Config
	role     Role
	peer     Peer
	session  Hash
	secret   Hash          // of the first connection's TLS exporter
	patience time.Duration // how long to try, or wait, for another connection; 0: not at all

	ctx     context.Context // ends with the session
	cancel  context.CancelFunc
	ended   chan struct{} // closed when nothing of it runs any more
	offered chan struct{} // there is a pending request

	// Under the flow's mutex.
	ch          *channel
	lost        time.Time // since when there was no sign of life; zero if there is
	attempt     uint64    // of resumption, the last one
	pending     *request
	resumptions int
	pastSent    int64 // bytes on connections before ch
	pastRead    int64
}

// request is a peer's wish to resume, proved, with the connection that it came on.
type request struct {
	resumption
	ch       *channel
	exporter Hash
}

// resumption is the content of a resume frame.
type resumption struct {
	session  Hash
	attempt  uint64
	received uint64 // how many frames have come
	mac      Hash
}

// sign sets the MAC. The exporter keeps a frame from serving on another connection,
// and the role from being reflected.
func (r *resumption) sign(secret Hash, role Role, exporter Hash) error {
	b := cryptobyte.NewBuilder(nil)
	addContext(b, "comity protocol v2 resume")
	b.AddUint8(role.number())
	r.addHead(b)
	b.AddBytes(exporter[:])
	signed, err := b.Bytes()
	if err != nil {
		return err
	}
	h := hmac.New(sha256.New, secret[:])
	h.Write(signed)
	r.mac = Hash(h.Sum(nil))
	return nil
}

func (r *resumption) addHead(b *cryptobyte.Builder) {
	b.AddBytes(r.session[:])
	b.AddUint64(r.attempt)
	b.AddUint64(r.received)
}

func (r *resumption) marshal() ([]byte, error) {
	b := cryptobyte.NewBuilder(nil)
	r.addHead(b)
	b.AddBytes(r.mac[:])
	return b.Bytes()
}

func parseResumption(in []byte) (*resumption, error) {
	var r resumption
	s := cryptobyte.String(in)
	if !s.CopyBytes(r.session[:]) || !s.ReadUint64(&r.attempt) || !s.ReadUint64(&r.received) ||
		!s.CopyBytes(r.mac[:]) || !s.Empty() {
		return nil, fmt.Errorf("%w: resume of %d bytes", ErrFrame, len(in))
	}
	return &r, nil
}

// proves reports whether the frame is that of the other side, for this session and
// made for the connection.
func (f *flow) proves(r *resumption, exporter Hash) bool {
	want := *r
	err := want.sign(f.secret, f.role.other(), exporter)
	return err == nil && r.session == f.session && hmac.Equal(want.mac[:], r.mac[:])
}

// ask sends the own resume frame.
func (f *flow) ask(ch *channel, attempt uint64, exporter Hash) error {
	own := &resumption{session: f.session, attempt: attempt, received: f.receivedCount()}
	if err := own.sign(f.secret, f.role, exporter); err != nil {
		return err
	}
	payload, err := own.marshal()
	if err != nil {
		return err
	}
	return ch.write(frameResume, payload)
}

// serve carries the flow over one connection after another until the session is
// over.
func (f *flow) serve() {
	defer close(f.ended)
	defer f.cancel()
	defer f.c.sessions.forget(f)
	for ch := f.ch; ch != nil; {
		err := f.carry(ch)
		if !f.survives(err) {
			f.end(err, false)
			break
		}
		if ch, err = f.replace(err); err != nil {
			f.end(err, false)
			f.lastWord()
		}
	}
	if r := f.requested(); r != nil { // it came too late
		r.ch.fail(ErrResume)
	}
}

// lastWord tells an acceptor that waits for another connection that this side has
// given up. The other way round the proposer finds out when it tries.
func (f *flow) lastWord() {
	f.mu.Lock()
	tell := f.failed && f.role == Proposer
	f.mu.Unlock()
	if !tell {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	if ch, err := f.resume(ctx); err == nil {
		f.part(ch)
	}
}

// survives reports whether the end of a connection is not that of the session: what
// a network can do by accident. What only a peer can do is final.
func (f *flow) survives(err error) bool {
	return f.ctx.Err() == nil && f.patience > 0 && (errors.Is(err, ErrHangUp) || errors.Is(err, ErrStalled)) && !isAbort(err)
}

func isAbort(err error) bool {
	var aborted *AbortError
	return errors.As(err, &aborted)
}

// replace returns another connection in the place of one that was lost. The proposer
// makes it, the acceptor waits for it.
func (f *flow) replace(cause error) (*channel, error) {
	f.mu.Lock()
	if f.lost.IsZero() {
		f.lost = time.Now()
	}
	until := f.lost.Add(f.patience)
	f.mu.Unlock()
	ctx, cancel := context.WithDeadlineCause(f.ctx, until, &StallError{Phase: PhaseResume, cause: cause})
	defer cancel()
	if f.role == Proposer {
		return f.redial(ctx)
	}
	for {
		if r := f.requested(); r != nil {
			if err := f.rewind(r.received); err != nil {
				r.ch.fail(err)
				return nil, err
			}
			f.attach(r.ch)
			if f.ask(r.ch, r.attempt, r.exporter) == nil {
				return r.ch, nil
			}
			_ = r.ch.raw.Close()
		}
		select {
		case <-f.offered:
		case <-f.c.sessions.ctx.Done():
			return nil, fmt.Errorf("%w; the listener is closed", cause)
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// requested takes the request at hand, if there is one.
func (f *flow) requested() *request {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := f.pending
	f.pending = nil
	return r
}

// attach makes a connection the one at hand.
func (f *flow) attach(ch *channel) {
	ch.idle = f.c.IdleTimeout
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pastSent += f.ch.raw.sent.Load()
	f.pastRead += f.ch.raw.received.Load()
	f.ch = ch
	f.resumptions++
}

func (f *flow) bytes() (sent, received int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.pastSent + f.ch.raw.sent.Load(), f.pastRead + f.ch.raw.received.Load()
}

// redial tries to resume until ctx ends, or the peer knows of no such session.
func (f *flow) redial(ctx context.Context) (*channel, error) {
	for wait := time.Duration(0); ; wait = min(max(2*wait, firstRetry), lastRetry) {
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		ch, err := f.resume(ctx)
		if err == nil {
			return ch, nil
		}
		if errors.Is(err, ErrResume) {
			return nil, err
		}
	}
}

// resume makes one attempt.
func (f *flow) resume(ctx context.Context) (*channel, error) {
	if f.attempt == maxAttempts {
		return nil, fmt.Errorf("%w: %d attempts were made", ErrResume, f.attempt)
	}
	f.attempt++
	ctx, cancel := context.WithTimeoutCause(ctx, f.c.HandshakeTimeout, &StallError{Phase: PhaseHandshake})
	defer cancel()
	raw, err := f.c.open(ctx)
	if err != nil {
		return nil, err
	}
	quiet := *f.c
	quiet.Log = nil // the session has its entry
	h, err := quiet.shake(ctx, raw, Proposer, []Peer{f.peer}, f.reconnect)
	if err != nil {
		return nil, err
	}
	f.attach(h.ch)
	return h.ch, nil
}

// reconnect is the proposer's part of a handshake that resumes.
func (f *flow) reconnect(h *handshake) error {
	if err := h.greet(forResume); err != nil {
		return err
	}
	if err := f.ask(h.ch, f.attempt, h.exporter); err != nil {
		return err
	}
	in, err := h.ch.read(frameResume)
	if err != nil {
		return err
	}
	r, err := parseResumption(in)
	if err != nil {
		return err
	}
	if r.attempt != f.attempt || !f.proves(r, h.exporter) {
		return fmt.Errorf("%w: the answer does not prove the peer", ErrResume)
	}
	return f.rewind(r.received)
}

// resumes is the acceptor's part of a handshake that resumes, up to its answer.
// That a session is not known, or is another peer's, or that the proof is wrong, is
// the same to the peer.
func (h *handshake) resumes() (*flow, *request, error) {
	in, err := h.ch.read(frameResume)
	if err != nil {
		return nil, nil, err
	}
	r, err := parseResumption(in)
	if err != nil {
		return nil, nil, err
	}
	f := h.c.sessions.find(r.session)
	if f == nil || !samePeer(&f.peer, h.peer) || !f.proves(r, h.exporter) {
		return nil, nil, fmt.Errorf("%w: there is none that this peer may resume", ErrResume)
	}
	return f, &request{resumption: *r, ch: h.ch, exporter: h.exporter}, nil
}

func samePeer(a, b *Peer) bool {
	return a.Name == b.Name && a.Certificate == b.Certificate && a.SigningKey.Equal(b.SigningKey)
}

// offer hands a new connection over to the session. The latest attempt wins, be the
// connection at hand still open or not.
func (f *flow) offer(r *request) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ctx.Err() != nil {
		return fmt.Errorf("%w: it has ended", ErrResume)
	}
	if r.attempt <= f.attempt || r.attempt > maxAttempts {
		return fmt.Errorf("%w: attempt %d after %d", ErrResume, r.attempt, f.attempt)
	}
	f.attempt = r.attempt
	_ = f.ch.raw.Close() // the peer has left it
	if f.pending != nil {
		_ = f.pending.ch.raw.Close() // likewise
	}
	f.pending = r
	notify(f.offered)
	return nil
}

// resumable are the sessions of a Listener that can be resumed.
type resumable struct {
	ctx context.Context // ends with the Listener

	mu    sync.Mutex
	flows map[Hash]*flow
}

func (s *resumable) add(f *flow) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.flows) < maxResumable {
		s.flows[f.session] = f
	}
}

func (s *resumable) find(session Hash) *flow {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.flows[session]
}

func (s *resumable) forget(f *flow) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.flows, f.session)
}
