package protocol

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestClocksApart(t *testing.T) {
	for _, tt := range []struct {
		name  string
		ahead time.Duration // the acceptor's
		ok    bool
	}{
		{"acceptor ahead", 3 * time.Minute, false},
		{"acceptor behind", -3 * time.Minute, false},
		{"within the skew", time.Minute, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			pc, ac := agencies(t)
			ac.Clock = func() time.Time { return time.Now().Add(tt.ahead) }
			e := meet(t, goodTerms(), pc, ac)
			if tt.ok {
				if e.proposerErr != nil || e.acceptorErr != nil {
					t.Errorf("proposer: %v; acceptor: %v", e.proposerErr, e.acceptorErr)
				}
				return
			}
			var atProposer, atAcceptor *ClockError
			if !errors.As(e.proposerErr, &atProposer) || !errors.As(e.acceptorErr, &atAcceptor) {
				t.Fatalf("proposer: %v; acceptor: %v; want a ClockError at both", e.proposerErr, e.acceptorErr)
			}
			if atProposer.Difference.Round(time.Minute) != tt.ahead || atAcceptor.Difference.Round(time.Minute) != -tt.ahead {
				t.Errorf("proposer sees %v, acceptor %v", atProposer.Difference, atAcceptor.Difference)
			}
			if !errors.Is(e.proposerErr, ErrClock) || !errors.Is(e.acceptorErr, ErrClock) {
				t.Error("a ClockError is not ErrClock")
			}
		})
	}
}

// hello returns a signed one, changed before signing.
func (h *handshake) hello(t *testing.T, purpose uint8, change func(*hello)) *hello {
	t.Helper()
	m := &hello{version: Version, role: h.me.number(), purpose: purpose, clock: h.c.Clock().UnixMilli(),
		window: minWindow, key: [ed25519.PublicKeySize]byte(h.own().SigningKey)}
	if change != nil {
		change(m)
	}
	signed, err := m.signed(h.own().Certificate, FingerprintOf(h.chain[0]), h.exporter)
	if err != nil {
		t.Error(err)
	}
	m.signature = [signatureSize]byte(ed25519.Sign(h.c.Identity.signing, signed))
	return m
}

func (h *handshake) say(t *testing.T, m *hello) error {
	t.Helper()
	b, err := m.marshal()
	if err != nil {
		t.Error(err)
	}
	return h.ch.write(frameHello, b)
}

// A proposer against an acceptor that holds the right keys and cheats, or that
// holds the TLS key only.
func TestHostileAcceptor(t *testing.T) {
	tests := []struct {
		name string
		f    func(*testing.T, *handshake) error
		want error
	}{
		{"hello with a flipped signature", func(t *testing.T, h *handshake) error {
			m := h.hello(t, forSession, nil)
			m.signature[5] ^= 1
			return h.say(t, m)
		}, ErrSignature},
		{"hello with a clock changed after signing", func(t *testing.T, h *handshake) error {
			m := h.hello(t, forSession, nil)
			m.clock++
			return h.say(t, m)
		}, ErrSignature},
		{"hello reflected", func(t *testing.T, h *handshake) error {
			in, err := h.ch.read(frameHello)
			if err != nil {
				return err
			}
			return h.ch.write(frameHello, bytes.Clone(in))
		}, ErrRole},
		{"hello reflected with its role changed", func(t *testing.T, h *handshake) error {
			in, err := h.ch.read(frameHello)
			if err != nil {
				return err
			}
			in = bytes.Clone(in)
			in[1] = Acceptor.number()
			return h.ch.write(frameHello, in)
		}, ErrPeerUnknown},
		{"another version", func(t *testing.T, h *handshake) error {
			return h.say(t, h.hello(t, forSession, func(m *hello) { m.version = Version + 1 }))
		}, ErrVersion},
		{"another purpose", func(t *testing.T, h *handshake) error {
			return h.say(t, h.hello(t, forProbe, nil))
		}, ErrFrame},
		{"an unknown purpose", func(t *testing.T, h *handshake) error {
			return h.say(t, h.hello(t, 9, nil))
		}, ErrFrame},
		{"a clock beyond all bounds", func(t *testing.T, h *handshake) error {
			return h.say(t, h.hello(t, forSession, func(m *hello) { m.clock = -1 << 63 }))
		}, ErrClock},
		{"proposer's own signature in return", func(t *testing.T, h *handshake) error {
			in, err := h.terms(t)
			if err != nil {
				return err
			}
			return h.ch.write(frameAccept, in[:signatureSize])
		}, ErrSignature},
		{"other bytes countersigned", func(t *testing.T, h *handshake) error {
			in, err := h.terms(t)
			if err != nil {
				return err
			}
			text := bytes.Replace(in[signatureSize:], []byte("missing persons"), []byte("any purpose  "), 1)
			signature, err := h.sign(&Agreement{Terms: string(text), Proposer: *h.peer, Acceptor: h.own(), Channel: h.exporter})
			if err != nil {
				return err
			}
			return h.ch.write(frameAccept, signature)
		}, ErrSignature},
		{"countersigned for another connection", func(t *testing.T, h *handshake) error {
			in, err := h.terms(t)
			if err != nil {
				return err
			}
			signature, err := h.sign(&Agreement{Terms: string(in[signatureSize:]), Proposer: *h.peer, Acceptor: h.own(), Channel: Hash{1}})
			if err != nil {
				return err
			}
			return h.ch.write(frameAccept, signature)
		}, ErrSignature},
		{"refusal of a term that is none", func(t *testing.T, h *handshake) error {
			if _, err := h.terms(t); err != nil {
				return err
			}
			return h.ch.write(frameRefuse, []byte("the weather"))
		}, ErrFrame},
		{"refusal before terms", func(t *testing.T, h *handshake) error {
			return h.ch.write(frameRefuse, []byte("purpose"))
		}, ErrFrame},
		{"data before the hello", func(t *testing.T, h *handshake) error {
			return h.ch.write(frameData, []byte("x"))
		}, ErrFrame},
		{"signs of life before terms are agreed", func(t *testing.T, h *handshake) error {
			return h.ch.write(frameAlive)
		}, ErrFrame},
		{"silence", func(t *testing.T, h *handshake) error { return nil }, ErrStalled},
		{"silence after hello", func(t *testing.T, h *handshake) error {
			_, err := h.terms(t)
			return err
		}, ErrStalled},
		{"hang-up", func(t *testing.T, h *handshake) error { return h.ch.conn.Close() }, ErrHangUp},
		{"abort with an unknown code", func(t *testing.T, h *handshake) error {
			return h.ch.write(frameAbort, []byte{250})
		}, &AbortError{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			pc, ac := agencies(t)
			if tt.want == ErrStalled {
				pc.HandshakeTimeout = 500 * time.Millisecond
			}
			here, there := wires(t)
			cheat := hostile(t, ac, Acceptor, there, func(h *handshake) error { return tt.f(t, h) })
			_, err := proposeOver(t, here, pc)
			var aborted *AbortError
			if !errors.Is(err, tt.want) && !(errors.As(tt.want, &aborted) && errors.As(err, &aborted)) {
				t.Errorf("%v, want %v", err, tt.want)
			}
			if err := <-cheat; err != nil {
				t.Errorf("the hostile side failed: %v", err)
			}
		})
	}
}

// terms takes an honest acceptor's part up to the terms frame.
func (h *handshake) terms(t *testing.T) ([]byte, error) {
	t.Helper()
	if err := h.receiveHello(); err != nil {
		return nil, err
	}
	if err := h.sendHello(forSession); err != nil {
		return nil, err
	}
	in, err := h.ch.read(frameTerms)
	return bytes.Clone(in), err
}

// proposeOver proposes good terms over raw.
func proposeOver(t *testing.T, raw net.Conn, c *Config) (*Session, error) {
	t.Helper()
	c, err := c.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	terms := goodTerms().withDefaults(c)
	text, err := terms.marshal()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeoutCause(t.Context(), c.HandshakeTimeout, ErrStalled)
	defer cancel()
	return c.propose(ctx, raw, terms, text, &c.Peers[0])
}

// An acceptor against a proposer that holds the right keys and cheats.
func TestHostileProposer(t *testing.T) {
	signed := func(h *handshake, text string, change func(*Agreement)) error {
		a := &Agreement{Terms: text, Proposer: h.own(), Acceptor: *h.peer, Channel: h.exporter}
		if change != nil {
			change(a)
		}
		signature, err := h.sign(a)
		if err != nil {
			return err
		}
		return h.ch.write(frameTerms, signature, []byte(text))
	}
	good := func(h *handshake) string {
		text, err := goodTerms().withDefaults(h.c).marshal()
		if err != nil {
			t.Error(err)
		}
		return string(text)
	}
	tests := []struct {
		name string
		f    func(h *handshake) error // after the hellos
		want error                    // at the acceptor
		told Code                     // at the proposer; 0: a refusal
		term string                   // at both, where it is one
	}{
		{"terms with a flipped signature", func(h *handshake) error {
			return h.ch.write(frameTerms, make([]byte, signatureSize), []byte(good(h)))
		}, ErrSignature, CodeSignature, ""},
		{"terms signed for another connection", func(h *handshake) error {
			return signed(h, good(h), func(a *Agreement) { a.Channel[0]++ })
		}, ErrSignature, CodeSignature, ""},
		{"terms signed for another acceptor", func(h *handshake) error {
			return signed(h, good(h), func(a *Agreement) { a.Acceptor.Certificate[0]++ })
		}, ErrSignature, CodeSignature, ""},
		{"terms that are no JSON", func(h *handshake) error { return signed(h, "terms", nil) }, ErrTerms, CodeTerms, ""},
		{"terms with a key twice", func(h *handshake) error {
			return signed(h, `{"purpose":"missing persons",`+good(h)[1:], nil)
		}, ErrTerms, CodeTerms, ""},
		{"terms with an unknown key", func(h *handshake) error {
			return signed(h, `{"retention":"for ever",`+good(h)[1:], nil)
		}, ErrTerms, CodeTerms, ""},
		{"terms with a tail", func(h *handshake) error { return signed(h, good(h)+"{}", nil) }, ErrTerms, CodeTerms, ""},
		{"terms of another version", func(h *handshake) error {
			return signed(h, string(bytes.Replace([]byte(good(h)), []byte(`"version":2`), []byte(`"version":1`), 1)), nil)
		}, &TermError{}, 0, "version"},
		{"terms in another's name", func(h *handshake) error {
			terms := goodTerms()
			terms.Proposer = "Customs of Syldavia"
			text, _ := terms.withDefaults(h.c).marshal()
			return signed(h, string(text), nil)
		}, &TermError{}, 0, "proposer"},
		{"terms for another acceptor", func(h *handshake) error {
			terms := goodTerms()
			terms.Acceptor = "Customs of Syldavia"
			text, _ := terms.withDefaults(h.c).marshal()
			return signed(h, string(text), nil)
		}, &TermError{}, 0, "acceptor"},
		{"a second hello", func(h *handshake) error { return h.sendHello(forSession) }, ErrFrame, CodeFrame, ""},
		{"data before terms", func(h *handshake) error {
			return h.ch.write(frameData, make([]byte, 100))
		}, ErrFrame, CodeFrame, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			pc, ac := agencies(t)
			here, there := wires(t)
			cheat := hostile(t, pc, Proposer, here, func(h *handshake) error {
				if err := h.greet(forSession); err != nil {
					return err
				}
				if err := tt.f(h); err != nil {
					return err
				}
				_, err := h.ch.read(frameAccept)
				return err
			})
			c, err := ac.withDefaults()
			if err != nil {
				t.Fatal(err)
			}
			_, err = c.accept(t.Context(), there)
			told := <-cheat
			if tt.term == "" {
				if !errors.Is(err, tt.want) {
					t.Errorf("acceptor: %v, want %v", err, tt.want)
				}
				if diff := cmp.Diff(error(&AbortError{tt.told}), told, cmp.Comparer(sameAbort)); diff != "" {
					t.Errorf("proposer: %v, want code %d", told, tt.told)
				}
				return
			}
			checkRefused(t, tt.term, told, err)
		})
	}
}

func sameAbort(x, y error) bool {
	var a, b *AbortError
	return errors.As(x, &a) && errors.As(y, &b) && *a == *b
}

// checkRefused wants the term named at both ends, and the reason at the
// acceptor's alone.
func checkRefused(t *testing.T, term string, atProposer, atAcceptor error) {
	t.Helper()
	var refused *RefusedError
	if !errors.As(atProposer, &refused) || refused.Term != term {
		t.Errorf("proposer: %v, want a refusal of %q", atProposer, term)
	}
	var named *TermError
	if !errors.As(atAcceptor, &named) || named.Term != term || named.Reason == "" {
		t.Errorf("acceptor: %v, want term %q", atAcceptor, term)
	}
}

// Frames of one session are worth nothing in another one, even to who holds the
// TLS key of the peer.
func TestReplay(t *testing.T) {
	pc, ac := agencies(t)
	record := func() (hello, terms []byte) {
		here, there := wires(t)
		taken := hostile(t, ac, Acceptor, there, func(h *handshake) error {
			in, err := h.ch.read(frameHello)
			if err != nil {
				return err
			}
			hello = bytes.Clone(in)
			if err := h.sendHello(forSession); err != nil {
				return err
			}
			in, err = h.ch.read(frameTerms)
			terms = bytes.Clone(in)
			return errors.Join(err, h.ch.conn.Close())
		})
		if _, err := proposeOver(t, here, pc); !errors.Is(err, ErrHangUp) {
			t.Fatal(err)
		}
		if err := <-taken; err != nil {
			t.Fatal(err)
		}
		return hello, terms
	}
	oldHello, oldTerms := record()
	for name, replay := range map[string]func(*handshake) error{
		"hello": func(h *handshake) error { return h.ch.write(frameHello, oldHello) },
		"terms": func(h *handshake) error {
			if err := h.greet(forSession); err != nil {
				return err
			}
			return h.ch.write(frameTerms, oldTerms)
		},
	} {
		t.Run(name, func(t *testing.T) {
			here, there := wires(t)
			thief := hostile(t, pc, Proposer, here, func(h *handshake) error {
				if err := replay(h); err != nil {
					return err
				}
				_, err := h.ch.read(frameAccept)
				return err
			})
			c, err := ac.withDefaults()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.accept(t.Context(), there); !errors.Is(err, ErrSignature) {
				t.Errorf("%v, want %v", err, ErrSignature)
			}
			if err := <-thief; !errors.Is(err, ErrSignature) {
				t.Errorf("the thief hears %v, want %v", err, ErrSignature)
			}
		})
	}
}
