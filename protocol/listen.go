package protocol

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

const (
	// maxHandshakes bounds the connections of a Listener that are not yet a
	// session that Accept returned.
	maxHandshakes = 64

	// acceptPause is how long a Listener rests when the system cannot give it a
	// connection, for lack of descriptors say.
	acceptPause = 100 * time.Millisecond
)

// Listener takes connections and makes them sessions. Handshakes run side by side
// and each has its deadline, so that one that fails or dawdles holds up no other.
type Listener struct {
	c        *Config
	ln       net.Listener
	ctx      context.Context // ends with Close
	end      context.CancelCauseFunc
	slots    chan struct{}
	sessions chan *Session
	work     sync.WaitGroup
}

// Listen takes connections at a TCP address. The configuration must have a
// Policy.
func Listen(addr string, c *Config) (*Listener, error) {
	l, err := listen(c, func() (net.Listener, error) { return net.Listen("tcp", addr) })
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	return l, nil
}

// listen takes connections from the listener that open makes.
func listen(c *Config, open func() (net.Listener, error)) (*Listener, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	if c.Policy == nil {
		return nil, fmt.Errorf("%w: no policy, so that all terms would be refused", ErrConfig)
	}
	ln, err := open()
	if err != nil {
		return nil, err
	}
	ctx, end := context.WithCancelCause(context.Background())
	c.sessions = &resumable{ctx: ctx, flows: make(map[Hash]*flow)}
	l := &Listener{
		c: c, ln: ln, ctx: ctx, end: end,
		slots:    make(chan struct{}, maxHandshakes),
		sessions: make(chan *Session),
	}
	l.work.Go(l.loop)
	return l, nil
}

// Addr returns the address in use.
func (l *Listener) Addr() net.Addr { return l.ln.Addr() }

// Accept returns the next session whose terms the policy permits. Connections
// that fail are told to Config.Failed and do not end Accept; probes are answered
// and not told. Errors are ErrClosed, or the cause of ctx. Several goroutines may
// call it at once.
func (l *Listener) Accept(ctx context.Context) (*Session, error) {
	select {
	case s := <-l.sessions:
		return s, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-l.ctx.Done():
		return nil, ErrClosed
	}
}

// Close stops listening and ends what Accept has not returned. Sessions that it
// has returned stay open, but do not survive the loss of their connection. A Config.Log gets the count of strangers that it lacks.
func (l *Listener) Close() error {
	l.end(ErrClosed)
	err := l.ln.Close()
	l.work.Wait()
	if errors.Is(err, net.ErrClosed) {
		err = nil
	}
	if l.c.Log != nil {
		err = errors.Join(err, l.c.Log.flushStrangers(l.c.Clock()))
	}
	return err
}

func (l *Listener) loop() {
	for {
		select {
		case l.slots <- struct{}{}:
		case <-l.ctx.Done():
			return
		}
		raw, err := l.ln.Accept()
		if err == nil {
			l.work.Go(func() { l.handle(raw) })
			continue
		}
		<-l.slots
		if l.ctx.Err() != nil {
			return
		}
		l.failed(fmt.Errorf("accept: %w", err))
		select {
		case <-time.After(acceptPause):
		case <-l.ctx.Done():
		}
	}
}

// handle makes one connection a session and hands it over.
func (l *Listener) handle(raw net.Conn) {
	defer func() { <-l.slots }()
	s, err := l.c.accept(l.ctx, raw)
	if err != nil {
		l.failed(fmt.Errorf("connection from %v: %w", raw.RemoteAddr(), err))
		return
	}
	if s == nil {
		return
	}
	select {
	case l.sessions <- s:
	case <-l.ctx.Done():
		if err := s.Close(); err != nil {
			l.failed(err)
		}
	}
}

func (l *Listener) failed(err error) {
	if l.c.Failed != nil {
		l.c.Failed(err)
	}
}

// accept takes the acceptor's part in a handshake. Neither a probe makes a session,
// nor a connection that resumes one.
func (c *Config) accept(ctx context.Context, raw net.Conn) (*Session, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.HandshakeTimeout, &StallError{Phase: PhaseHandshake})
	defer cancel()
	var a *Agreement
	var t *Terms
	h, err := c.shake(ctx, raw, Acceptor, c.Peers, func(h *handshake) (err error) {
		a, t, err = h.accept()
		return err
	})
	if err != nil {
		return nil, err
	}
	switch h.purpose {
	case forProbe:
		h.ch.linger()
		return nil, nil
	case forResume:
		err := h.resuming.offer(h.request)
		if err != nil {
			h.ch.fail(err)
		}
		return nil, err
	}
	return newSession(h, t, a), nil
}
