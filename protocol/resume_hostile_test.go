package protocol

import (
	"bytes"
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/comity-prl/comity/psi"
)

// again connects to a Listener as the given agency and runs f in the place of a
// handshake, after TLS.
func again(t *testing.T, c *Config, l *Listener, f func(*handshake) error) error {
	t.Helper()
	d, err := c.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := connect(t.Context(), l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	h, err := d.secure(t.Context(), raw, Proposer, d.Peers)
	if err != nil {
		t.Fatal(err)
	}
	return f(h)
}

// asks sends a resume frame as it stands, and reads the answer.
func (h *handshake) asks(payload []byte) (*resumption, error) {
	if err := h.greet(forResume); err != nil {
		return nil, err
	}
	if err := h.ch.write(frameResume, payload); err != nil {
		return nil, err
	}
	in, err := h.ch.read(frameResume)
	if err != nil {
		return nil, err
	}
	return parseResumption(in)
}

// Nobody but the peer resumes a session, and it not with what it has said before.
// None of it disturbs the session.
func TestResumeRefused(t *testing.T) {
	r := newRig(t)
	third := identity(t, "Customs of Syldavia")
	r.ac.Peers = append(r.ac.Peers, third.Peer())
	var mu sync.Mutex
	var told []error
	r.ac.Failed = func(err error) { mu.Lock(); defer mu.Unlock(); told = append(told, err) }
	p, a, l, err := r.begin(t)
	if err != nil {
		t.Fatal(err)
	}
	f := p.stream.flow
	signed := func(h *handshake, change func(*resumption)) []byte {
		m := &resumption{session: f.session, attempt: 1, received: 0}
		if err := m.sign(f.secret, Proposer, h.exporter); err != nil {
			t.Error(err)
		}
		if change != nil {
			change(m)
		}
		b, err := m.marshal()
		if err != nil {
			t.Error(err)
		}
		return b
	}
	var old []byte // proved for a connection that is gone
	_ = again(t, r.pc, l, func(h *handshake) error { old = signed(h, nil); return nil })
	tests := []struct {
		name string
		who  *Config
		ask  func(h *handshake) []byte
	}{
		{"replay", r.pc, func(*handshake) []byte { return old }},
		{"another session", r.pc, func(h *handshake) []byte { return signed(h, func(m *resumption) { m.session[0]++ }) }},
		{"no secret", r.pc, func(h *handshake) []byte { return signed(h, func(m *resumption) { m.mac[0]++ }) }},
		{"another count", r.pc, func(h *handshake) []byte { return signed(h, func(m *resumption) { m.received++ }) }},
		{"another attempt", r.pc, func(h *handshake) []byte { return signed(h, func(m *resumption) { m.attempt++ }) }},
		{"the acceptor's role", r.pc, func(h *handshake) []byte {
			return signed(h, func(m *resumption) { _ = m.sign(f.secret, Acceptor, h.exporter) })
		}},
		{"attempt 0", r.pc, func(h *handshake) []byte {
			return signed(h, func(m *resumption) { m.attempt = 0; _ = m.sign(f.secret, Proposer, h.exporter) })
		}},
		{"an attempt beyond all", r.pc, func(h *handshake) []byte {
			return signed(h, func(m *resumption) { m.attempt = maxAttempts + 1; _ = m.sign(f.secret, Proposer, h.exporter) })
		}},
		{"another peer that knows the secret", &Config{Identity: third, Peers: r.pc.Peers}, func(h *handshake) []byte {
			return signed(h, nil)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := again(t, tt.who, l, func(h *handshake) error {
				_, err := h.asks(tt.ask(h))
				return err
			})
			if !errors.Is(err, ErrResume) || !isAbort(err) {
				t.Errorf("%v, want an abort that is %v", err, ErrResume)
			}
		})
	}
	if n := r.run(t, p, a, 50); n != 0 {
		t.Errorf("%d resumptions", n)
	}
	l.Close()
	mu.Lock()
	defer mu.Unlock()
	for _, err := range told {
		if !errors.Is(err, ErrResume) && !errors.Is(err, ErrHangUp) {
			t.Errorf("the acceptor was told %v", err)
		}
	}
	if want := len(tests) + 1; len(told) != want { // one connection was for its exporter alone
		t.Errorf("the acceptor was told %d times, want %d", len(told), want)
	}
}

// A session that is over is unknown, like one that never was.
func TestResumeAfterTheEnd(t *testing.T) {
	r := newRig(t)
	p, a, l, err := r.begin(t)
	if err != nil {
		t.Fatal(err)
	}
	r.run(t, p, a, 10)
	err = again(t, r.pc, l, func(h *handshake) error {
		m := &resumption{session: p.stream.session, attempt: 1}
		if err := m.sign(p.stream.secret, Proposer, h.exporter); err != nil {
			return err
		}
		b, err := m.marshal()
		if err != nil {
			return err
		}
		_, err = h.asks(b)
		return err
	})
	if !errors.Is(err, ErrResume) {
		t.Errorf("%v, want %v", err, ErrResume)
	}
}

// Of two connections that resume one session the later attempt wins, whichever comes
// first.
func TestResumeRace(t *testing.T) {
	r := newRig(t)
	p, a, l, err := r.begin(t)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	f := p.stream.flow
	attempt := func(n uint64) error {
		return again(t, r.pc, l, func(h *handshake) error {
			m := &resumption{session: f.session, attempt: n}
			if err := m.sign(f.secret, Proposer, h.exporter); err != nil {
				return err
			}
			b, err := m.marshal()
			if err != nil {
				return err
			}
			got, err := h.asks(b)
			if err == nil && (got.attempt != n || !f.proves(got, h.exporter)) {
				t.Errorf("attempt %d was answered for %d, or without proof", n, got.attempt)
			}
			return err
		})
	}
	if err := attempt(7); err != nil {
		t.Errorf("attempt 7: %v", err)
	}
	for _, n := range []uint64{3, 7} {
		if err := attempt(n); !errors.Is(err, ErrResume) {
			t.Errorf("attempt %d after 7: %v, want %v", n, err, ErrResume)
		}
	}
	if err := attempt(8); err != nil {
		t.Errorf("attempt 8: %v", err)
	}
	if n := a.Resumptions(); n != 2 {
		t.Errorf("%d resumptions, want 2", n)
	}
}

// A peer that claims more frames than there were, or fewer than it has acknowledged,
// ends the session.
func TestResumeFromNowhere(t *testing.T) {
	r := newRig(t)
	p, a, l, err := r.begin(t)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	f := p.stream.flow
	err = again(t, r.pc, l, func(h *handshake) error {
		m := &resumption{session: f.session, attempt: 1, received: 5}
		if err := m.sign(f.secret, Proposer, h.exporter); err != nil {
			return err
		}
		b, err := m.marshal()
		if err != nil {
			return err
		}
		_, err = h.asks(b)
		return err
	})
	if !errors.Is(err, ErrResume) {
		t.Errorf("the peer hears %v, want %v", err, ErrResume)
	}
	if _, err := a.Send(t.Context(), psi.NewSet(items(0, 10), binding)); !errors.Is(err, ErrResume) {
		t.Errorf("%v, want %v", err, ErrResume)
	}
}

// An acceptor that answers with the proposer's own frame is not believed.
func TestResumeReflected(t *testing.T) {
	r := newRig(t)
	r.pc.ResumeTimeout = time.Second
	here, there := wires(t)
	r.here = func(n int, c net.Conn) net.Conn {
		if n == 0 {
			return c
		}
		c.Close()
		return here
	}
	p, a, _, err := r.begin(t)
	if err != nil {
		t.Fatal(err)
	}
	cheat := hostile(t, r.ac, Acceptor, there, func(h *handshake) error {
		if err := h.receiveHello(); err != nil {
			return err
		}
		if err := h.sendHello(forResume); err != nil {
			return err
		}
		in, err := h.ch.read(frameResume)
		if err != nil {
			return err
		}
		return h.ch.write(frameResume, bytes.Clone(in))
	})
	_ = a.stream.ch.raw.Close()
	if _, err := p.Receive(t.Context(), psi.NewSet(items(0, 10), binding)); !errors.Is(err, ErrResume) {
		t.Errorf("%v, want %v", err, ErrResume)
	}
	if err := <-cheat; err != nil {
		t.Error(err)
	}
}
