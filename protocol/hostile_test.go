package protocol

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/comity-prl/comity/psi"
)

// The hostile peer suite: one attack a row, by a peer whose keys are trusted and
// that then misbehaves, or by a stranger. Each ends in the error of its cause, with
// one entry in the victim's log, and costs the victim a bounded amount of memory.

const (
	// flooded is how much an attack that goes on without end sends.
	flooded = 32 << 20

	// affordable is how much both ends of an attack may allocate, all told. It takes
	// half a megabyte; the race detector has TLS allocate its buffers anew.
	affordable = 8 << 20
)

// An attack is a peer's. It comes in place of TLS, after it, after the terms are
// agreed, or in a session that has entered its run.
type attack struct {
	name string
	by   Role
	raw  func(net.Conn) error
	tls  func(*handshake) error
	run  func(*handshake) error
	in   func(context.Context, *Session, *psi.Set) error
	late bool                                  // the victim begins its run when the attack is over
	as   func(t *testing.T, c *Config) *Config // who attacks; nil: the peer itself
	want error                                 // at the victim; nil: it has its result
	// logged is the outcome in the victim's one entry; "": a stranger was counted.
	logged string
}

// notLogged is what wants to resume a session: that has an entry of its own, and
// Config.Failed is told.
const notLogged = "-"

// put writes bytes that need not be a frame.
func (h *handshake) put(p []byte) error {
	_, err := h.ch.conn.Write(p)
	return err
}

// flood writes the same again and again, until the victim has had enough.
func flood(w io.Writer, p []byte) error {
	for n := 0; n < flooded; n += len(p) {
		if _, err := w.Write(p); err != nil {
			return err
		}
	}
	return nil
}

// dribble writes a byte at a time, until the victim has had enough.
func dribble(w io.Writer, p []byte) error {
	for i := range p {
		if _, err := w.Write(p[i : i+1]); err != nil {
			return err
		}
		time.Sleep(50 * time.Millisecond)
	}
	return nil
}

// repeated returns so many frames in a row.
func repeated(f []byte, n int) []byte { return bytes.Repeat(f, n) }

// withTerms sends terms that are changed before or after they are signed.
func withTerms(h *handshake, change func(*Terms), tamper func([]byte) []byte) error {
	if err := h.greet(forSession); err != nil {
		return err
	}
	terms := goodTerms().withDefaults(h.c)
	if change != nil {
		change(terms)
	}
	text, err := terms.marshal()
	if err != nil {
		return err
	}
	signature, err := h.sign(&Agreement{Terms: string(text), Proposer: h.own(), Acceptor: *h.peer, Channel: h.exporter})
	if err != nil {
		return err
	}
	if tamper != nil {
		text = tamper(text)
	}
	return h.ch.write(frameTerms, signature, text)
}

// stranger has keys of its own.
func stranger(t *testing.T, c *Config) *Config {
	d := *c
	d.Identity = identity(t, "Customs of Syldavia")
	return &d
}

// thief has the TLS key of the peer, and not its signing key.
func thief(t *testing.T, c *Config) *Config {
	d := *c
	id := *c.Identity
	id.signing = identity(t, "Customs of Syldavia").signing
	d.Identity = &id
	return &d
}

// intersect takes the own part of a run that has been entered, under the name of any
// session.
func (s *Session) intersect(ctx context.Context, set *psi.Set, session []byte) error {
	p, err := s.params(s.terms.Receiver, psi.Intersection)
	if err != nil {
		return err
	}
	if session != nil {
		p.Session = session
	}
	if s.role == s.terms.Receiver {
		_, err = psi.Receive(ctx, &s.stream, p, set)
		return err
	}
	_, err = psi.Send(ctx, &s.stream, p, set)
	return err
}

// stuff has the same bytes sent again and again, behind all that was written, and
// whatever the window is.
func (s *Session) stuff(p []byte) error {
	f := s.stream.flow
	f.mu.Lock()
	defer f.mu.Unlock()
	for n := 0; n < flooded; n += len(p) {
		f.retained = append(f.retained, p)
	}
	notify(f.outgoing)
	return nil
}

// stuffing is an attack by that in the run.
func stuffing(p []byte) func(context.Context, *Session, *psi.Set) error {
	return func(_ context.Context, s *Session, _ *psi.Set) error { return s.stuff(p) }
}

// afterRun attacks when both sides have had their run, and the victim has said so.
func afterRun(f func(s *Session, finish []byte) error) func(context.Context, *Session, *psi.Set) error {
	return func(ctx context.Context, s *Session, set *psi.Set) error {
		if err := s.intersect(ctx, set, nil); err != nil {
			return err
		}
		finish, err := s.stream.read(frameFinish)
		if err != nil {
			return err
		}
		return f(s, finish)
	}
}

// echo sends back what comes behind the commitment.
func echo(_ context.Context, s *Session, _ *psi.Set) error {
	_, err := s.stream.read(frameCommit)
	for err == nil {
		var in []byte
		if in, err = s.stream.read(frameData); err == nil {
			err = s.stream.write(frameData, in)
		}
	}
	return err
}

func attacks() []attack {
	nothing := func(*handshake) error { return nil }
	all := []attack{
		{name: "bytes that are no TLS", by: Proposer, raw: func(c net.Conn) error { return flood(c, make([]byte, 1<<16)) }, want: ErrTLS},
		{name: "an endless ClientHello", by: Proposer, raw: func(c net.Conn) error {
			record := append([]byte{22, 3, 1, 0x40, 0}, make([]byte, 0x4000)...)
			copy(record[5:], []byte{1, 0xff, 0xff, 0xff}) // 16 MB are to come
			return flood(c, record)
		}, want: ErrTLS},
		{name: "TLS a byte at a time", by: Proposer, raw: func(c net.Conn) error {
			return dribble(c, append([]byte{22, 3, 1, 1, 0}, make([]byte, 200)...))
		}, want: ErrStalled},
		{name: "a hang-up before TLS", by: Proposer, raw: func(net.Conn) error { return nil }, want: ErrHangUp},
	}
	for _, me := range []Role{Proposer, Acceptor} {
		all = append(all, []attack{
			{name: "an unknown certificate", by: me, as: stranger, tls: nothing, want: ErrPeerUnknown},
			{name: "another's signing key", by: me, as: thief, tls: func(h *handshake) error { return h.sendHello(forSession) }, want: ErrPeerUnknown},

			{name: "a hello beyond all bounds", by: me, tls: func(h *handshake) error {
				return errors.Join(h.put(header(frameHello, 1<<32-1)), flood(h.ch.conn, make([]byte, 1<<16)))
			}, want: ErrFrame},
			{name: "a hello that is too long", by: me, tls: func(h *handshake) error {
				return h.put(frame(frameHello, append([]byte{Version}, make([]byte, maxHello-1)...)...))
			}, want: ErrFrame},
			{name: "a hello of no version", by: me, tls: func(h *handshake) error {
				return h.put(frame(frameHello, 0))
			}, want: ErrVersion},
			{name: "a hello of an older version", by: me, tls: func(h *handshake) error {
				return h.put(frame(frameHello, append([]byte{Version - 1}, make([]byte, 106)...)...))
			}, want: ErrVersion},
			{name: "a hello a byte at a time", by: me, tls: func(h *handshake) error {
				return dribble(h.ch.conn, frame(frameHello, make([]byte, 107)...))
			}, want: ErrStalled},
			{name: "no hello", by: me, tls: nothing, want: ErrStalled},
			{name: "signs of life without end, and no hello", by: me, tls: func(h *handshake) error {
				return flood(h.ch.conn, repeated(frame(frameAlive), 10_000))
			}, want: ErrFrame},
			{name: "a hang-up before hello", by: me, tls: func(h *handshake) error { return h.ch.conn.Close() }, want: ErrHangUp},

			{name: "data beyond all bounds", by: me, run: func(h *handshake) error {
				return errors.Join(h.put(header(frameData, 1<<32-1)), flood(h.ch.conn, make([]byte, 1<<16)))
			}, want: ErrFrame, logged: "frame"},
			{name: "a frame of an unknown kind", by: me, run: func(h *handshake) error {
				return h.put(frame(200, 1))
			}, want: ErrFrame, logged: "frame"},
			{name: "hello in the run", by: me, run: func(h *handshake) error { return h.sendHello(forSession) }, want: ErrFrame, logged: "frame"},
			{name: "terms in the run", by: me, run: func(h *handshake) error {
				return h.put(frame(frameTerms, make([]byte, 100)...))
			}, want: ErrFrame, logged: "frame"},
			{name: "accept in the run", by: me, run: func(h *handshake) error {
				return h.put(frame(frameAccept, make([]byte, signatureSize)...))
			}, want: ErrFrame, logged: "frame"},
			{name: "a refusal in the run", by: me, run: func(h *handshake) error {
				return h.put(frame(frameRefuse, []byte("purpose")...))
			}, want: ErrFrame, logged: "frame"},
			{name: "finish before the run", by: me, run: func(h *handshake) error {
				return h.put(frame(frameFinish, make([]byte, 32)...))
			}, want: ErrFrame, logged: "frame"},
			{name: "an abort of an unknown code", by: me, run: func(h *handshake) error {
				return h.put(frame(frameAbort, 250))
			}, want: &AbortError{}, logged: "run"},
			{name: "signs of life without end", by: me, run: func(h *handshake) error {
				return flood(h.ch.conn, repeated(frame(frameAlive), 10_000))
			}, want: ErrStalled, logged: "stalled"},
			{name: "acknowledgements without end", by: me, run: func(h *handshake) error {
				return flood(h.ch.conn, repeated(frame(frameAck, ack(0)...), 10_000))
			}, want: ErrStalled, logged: "stalled"},
			{name: "an acknowledgement of what was not sent", by: me, run: func(h *handshake) error {
				return h.put(frame(frameAck, ack(1<<63)...))
			}, want: ErrFrame, logged: "frame"},
			{name: "a resumption in the run", by: me, run: func(h *handshake) error {
				return h.put(frame(frameResume, make([]byte, resumeSize)...))
			}, want: ErrFrame, logged: "frame"},
			{name: "frames of a byte without end", by: me, in: stuffing(repeated(frame(frameData, 0xff), 10_000)), want: psi.ErrMessage, logged: "run"},
			{name: "frames of a byte without end, which nobody reads", by: me, late: true, in: stuffing(repeated(frame(frameData, 0xff), 10_000)), want: psi.ErrMessage, logged: "run"},
			{name: "noise without end", by: me, in: stuffing(frame(frameData, repeated([]byte{0xff}, maxData)...)), want: psi.ErrMessage, logged: "run"},
			{name: "noise without end, which nobody reads", by: me, late: true, in: stuffing(frame(frameData, repeated([]byte{0xff}, maxData)...)), want: psi.ErrMessage, logged: "run"},
			{name: "a message of the run beyond all bounds", by: me, in: func(_ context.Context, s *Session, _ *psi.Set) error {
				return s.stream.write(frameData, []byte{1, 0xff, 0xff, 0xff, 0xff})
			}, want: psi.ErrLength, logged: "run"},
			{name: "the victim's words reflected", by: me, in: echo, want: psi.ErrRole, logged: "run"},
			{name: "a run for another session", by: me, in: func(ctx context.Context, s *Session, set *psi.Set) error {
				return s.intersect(ctx, set, []byte("another"))
			}, want: psi.ErrSession, logged: "run"},
			{name: "data before the commitment", by: me, run: func(h *handshake) error {
				return h.put(frame(frameData, 1))
			}, want: ErrFrame, logged: "frame"},
			{name: "a commitment that is not signed", by: me, run: func(h *handshake) error {
				return h.put(frame(frameCommit, make([]byte, commitSize)...))
			}, want: ErrSignature, logged: "signature"},
			{name: "a second commitment", by: me, in: func(_ context.Context, s *Session, _ *psi.Set) error {
				return s.stream.write(frameCommit, make([]byte, commitSize))
			}, want: ErrFrame, logged: "frame"},
			{name: "finish in the run", by: me, in: func(_ context.Context, s *Session, _ *psi.Set) error {
				return s.stream.write(frameFinish, make([]byte, 32))
			}, want: ErrFrame, logged: "frame"},
			{name: "noise after the run", by: me, in: afterRun(func(s *Session, _ []byte) error {
				return s.stream.write(frameData, []byte("and another thing"))
			}), want: ErrFrame, logged: OutcomeDone},
			{name: "an alert of the run after it", by: me, in: afterRun(func(s *Session, _ []byte) error {
				return s.stream.write(frameData, make([]byte, 5))
			}), want: psi.ErrAborted, logged: OutcomeDone},
			{name: "a wrong transcript", by: me, in: afterRun(func(s *Session, _ []byte) error {
				return s.stream.write(frameFinish, make([]byte, 32))
			}), want: ErrTranscript, logged: OutcomeDone},
			{name: "silence after the run", by: me, in: afterRun(func(*Session, []byte) error { return nil }), want: ErrStalled, logged: OutcomeDone},
			{name: "a hang-up after the run", by: me, in: afterRun(func(s *Session, _ []byte) error { return s.stream.ch.conn.Close() }),
				want: ErrHangUp, logged: OutcomeDone},
			{name: "noise after finish", by: me, in: afterRun(func(s *Session, finish []byte) error {
				return errors.Join(s.stream.write(frameFinish, finish), s.stuff(frame(frameData, make([]byte, maxData)...)))
			}), logged: OutcomeDone},
			{name: "a frame a byte at a time", by: me, run: func(h *handshake) error {
				return dribble(h.ch.conn, frame(frameData, make([]byte, 200)...))
			}, want: ErrStalled, logged: "stalled"},
			{name: "silence in the run", by: me, run: nothing, want: ErrStalled, logged: "stalled"},
			{name: "a hang-up in the run", by: me, run: func(h *handshake) error { return h.ch.conn.Close() }, want: ErrHangUp, logged: "hang-up"},
		}...)
	}
	return append(all, []attack{
		{name: "terms beyond all bounds", by: Proposer, tls: func(h *handshake) error {
			return errors.Join(h.greet(forSession), h.put(header(frameTerms, 1<<32-1)), flood(h.ch.conn, make([]byte, 1<<16)))
		}, want: ErrFrame, logged: "frame"},
		{name: "terms a byte at a time", by: Proposer, tls: func(h *handshake) error {
			return errors.Join(h.greet(forSession), dribble(h.ch.conn, frame(frameTerms, make([]byte, 200)...)))
		}, want: ErrStalled, logged: "stalled"},
		{name: "a resumption of no session", by: Proposer, tls: func(h *handshake) error {
			return errors.Join(h.greet(forResume), h.ch.write(frameResume, make([]byte, resumeSize)))
		}, want: ErrResume, logged: notLogged},
		{name: "a resumption beyond all bounds", by: Proposer, tls: func(h *handshake) error {
			return errors.Join(h.greet(forResume), h.put(header(frameResume, 1<<32-1)), flood(h.ch.conn, make([]byte, 1<<16)))
		}, want: ErrFrame, logged: notLogged},
		{name: "terms in place of a resumption", by: Proposer, tls: func(h *handshake) error {
			return errors.Join(h.greet(forResume), h.put(frame(frameTerms, make([]byte, 100)...)))
		}, want: ErrFrame, logged: notLogged},
		{name: "no terms", by: Proposer, tls: func(h *handshake) error { return h.greet(forSession) }, want: ErrStalled, logged: "stalled"},
		{name: "a suite that the policy leaves out", by: Proposer, tls: func(h *handshake) error {
			return withTerms(h, func(t *Terms) { t.Suite = psi.VOLE().String() }, nil)
		}, want: &TermError{Term: "suite"}, logged: "not-permitted"},
		{name: "a suite that nobody knows", by: Proposer, tls: func(h *handshake) error {
			return withTerms(h, func(t *Terms) { t.Suite = "rot13" }, nil)
		}, want: &TermError{Term: "suite"}, logged: "terms"},
		{name: "terms of an older version", by: Proposer, tls: func(h *handshake) error {
			return withTerms(h, func(t *Terms) { t.Version = Version - 1 }, nil)
		}, want: &TermError{Term: "version"}, logged: "terms"},
		{name: "a suite changed after signing", by: Proposer, tls: func(h *handshake) error {
			return withTerms(h, nil, func(text []byte) []byte {
				return bytes.Replace(text, []byte("ecdh-ristretto255"), []byte("ecdh-p256"), 1)
			})
		}, want: ErrSignature, logged: "signature"},
		{name: "another suite countersigned", by: Acceptor, tls: func(h *handshake) error {
			in, err := h.heard()
			if err != nil {
				return err
			}
			text := bytes.Replace(in[signatureSize:], []byte("ecdh-ristretto255"), []byte("ecdh-p256"), 1)
			signature, err := h.sign(&Agreement{Terms: string(text), Proposer: *h.peer, Acceptor: h.own(), Channel: h.exporter})
			if err != nil {
				return err
			}
			return h.ch.write(frameAccept, signature)
		}, want: ErrSignature, logged: "signature"},
		{name: "an answer beyond all bounds", by: Acceptor, tls: func(h *handshake) error {
			_, err := h.heard()
			return errors.Join(err, h.put(header(frameAccept, 1<<32-1)), flood(h.ch.conn, make([]byte, 1<<16)))
		}, want: ErrFrame, logged: "frame"},
		{name: "no answer to the terms", by: Acceptor, tls: func(h *handshake) error {
			_, err := h.heard()
			return err
		}, want: ErrStalled, logged: "stalled"},
	}...)
}

// heard takes an acceptor's part up to the terms.
func (h *handshake) heard() ([]byte, error) {
	if err := h.receiveHello(); err != nil {
		return nil, err
	}
	if err := h.sendHello(forSession); err != nil {
		return nil, err
	}
	in, err := h.ch.read(frameTerms)
	return bytes.Clone(in), err
}
