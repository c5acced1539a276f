package protocol

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"syscall"
	"time"
)

// Dial connects to the acceptor that the terms name, which must be among the
// peers, and proposes them. Missing version, names, suite and time of issue are
// filled in as the fields of Terms say; the caller's terms stay as they are. The
// peer learns the terms once it has proved who it is.
//
// Errors: *TermError for terms that the own side cannot propose, *RefusedError
// for terms that the peer refuses, *ClockError, *AbortError, and the sentinels of
// this package. ErrTLS with a "bad certificate" alert says that the peer does not
// trust the own certificate.
func Dial(ctx context.Context, addr string, t *Terms, c *Config) (*Session, error) {
	s, err := dial(ctx, t, c, tcp(addr))
	if err != nil {
		return nil, fmt.Errorf("dial: %w", err)
	}
	return s, nil
}

// opener makes a connection to a peer.
type opener func(context.Context) (net.Conn, error)

// tcp makes connections to an address.
func tcp(addr string) opener {
	return func(ctx context.Context) (net.Conn, error) { return connect(ctx, addr) }
}

// dial proposes the terms over the connection that open makes.
func dial(ctx context.Context, t *Terms, c *Config, open opener) (*Session, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	t = t.withDefaults(c)
	c.open = open
	text, peer, err := c.prepare(t)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, c.HandshakeTimeout, &StallError{Phase: PhaseHandshake})
	defer cancel()
	raw, err := open(ctx)
	if err != nil {
		return nil, err
	}
	return c.propose(ctx, raw, t, text, peer)
}

// propose takes the proposer's part in a handshake.
func (c *Config) propose(ctx context.Context, raw net.Conn, t *Terms, text []byte, peer *Peer) (*Session, error) {
	var a *Agreement
	h, err := c.shake(ctx, raw, Proposer, []Peer{*peer}, func(h *handshake) (err error) {
		a, err = h.propose(t, text)
		return err
	})
	if err != nil {
		return nil, err
	}
	return newSession(h, t, a), nil
}

// prepare returns the text of terms that the own side may propose, and whom to.
func (c *Config) prepare(t *Terms) (text []byte, peer *Peer, err error) {
	if err := t.Validate(); err != nil {
		return nil, nil, err
	}
	if t.Proposer != c.Identity.Name() {
		return nil, nil, invalid("proposer", "not the own name")
	}
	i := slices.IndexFunc(c.Peers, func(p Peer) bool { return p.Name == t.Acceptor })
	if i < 0 {
		return nil, nil, invalid("acceptor", "not the name of a peer")
	}
	if err := t.timely(c.Clock(), c.Skew); err != nil {
		return nil, nil, err
	}
	if c.Policy != nil {
		if _, err := c.Policy.Decide(t, Proposer, c.Clock(), c.Skew); err != nil {
			return nil, nil, err
		}
	}
	text, err = t.marshal()
	return text, &c.Peers[i], err
}

func connect(ctx context.Context, addr string) (net.Conn, error) {
	var d net.Dialer
	raw, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			return nil, cause
		}
		return nil, err
	}
	return raw, nil
}

// hungUp reports whether the peer ended the connection.
func hungUp(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// Report is what a probe found out.
type Report struct {
	Peer    Peer          // with the certificate that it presented
	Version int           // of the protocol, the same at both ends
	Ahead   time.Duration // how far the peer's clock is ahead of the own one; negative: behind
	RTT     time.Duration // from sending the own hello to receiving the peer's
}

// Probe tries out whether a session with one of the peers could begin: whether
// it can be reached, whether each end trusts the other, and whether versions
// match. It proposes nothing and sends no data. Where the clocks are too far
// apart, the report comes with a *ClockError.
func Probe(ctx context.Context, addr string, c *Config) (*Report, error) {
	r, err := probe(ctx, c, tcp(addr))
	if err != nil {
		return r, fmt.Errorf("probe: %w", err)
	}
	return r, nil
}

func probe(ctx context.Context, c *Config, open opener) (*Report, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, c.HandshakeTimeout, &StallError{Phase: PhaseHandshake})
	defer cancel()
	raw, err := open(ctx)
	if err != nil {
		return nil, err
	}
	var rtt time.Duration
	h, err := c.shake(ctx, raw, Proposer, c.Peers, func(h *handshake) error {
		began := time.Now()
		err := h.greet(forProbe)
		rtt = time.Since(began)
		return err
	})
	if err != nil {
		return nil, err
	}
	h.ch.linger()
	return &Report{Peer: *h.peer, Version: Version, Ahead: h.ahead, RTT: rtt}, h.checkClock()
}
