package protocol

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/comity-prl/comity/psi"
)

var (
	schema  = Hash(sha256.Sum256([]byte("schema")))
	binding = psi.Binding{Epoch: "2026-Q4", Config: schema, Key: sha256.Sum256([]byte("confirmation"))}
)

// items returns the tokens of n persons, numbered from lo.
func items(lo, n int) [][32]byte {
	out := make([][32]byte, n)
	for i := range out {
		out[i] = sha256.Sum256(fmt.Append(nil, lo+i))
	}
	return out
}

func identity(t testing.TB, name string) *Identity {
	t.Helper()
	id, err := NewIdentity(name, 0)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// agencies returns two that know each other, the second with a policy that
// permits goodTerms.
func agencies(t testing.TB) (proposer, acceptor *Config) {
	t.Helper()
	a, b := identity(t, "Police of Arcadia"), identity(t, "Bureau of Borduria")
	proposer = &Config{Identity: a, Peers: []Peer{b.Peer()}}
	acceptor = &Config{Identity: b, Peers: []Peer{a.Peer()}, Policy: goodPolicy()}
	return proposer, acceptor
}

func goodPolicy() *Policy { return &Policy{Rules: []Rule{goodRule()}} }

// goodRule permits goodTerms to either of the agencies.
func goodRule() Rule {
	return Rule{
		Name:          "missing persons",
		Peers:         []string{"Police of Arcadia", "Bureau of Borduria"},
		Purposes:      []string{"missing persons"},
		LegalBases:    []string{"Treaty of 2026, article 9"},
		Jurisdictions: []string{"DE", "FR", "EU"},
		Categories:    []string{CategorySuspect, CategoryOther},
		Scopes:        []string{ScopeQuery},
		Functions:     []string{FunctionSet},
		Epochs:        []string{"2026-Q4"},
		Suites:        suiteNames(),
		Receivers:     []Role{Proposer, Acceptor},
		Schemas:       []Hash{schema},
		MaxProposer:   1000,
		MaxAcceptor:   2000,
		Retention:     RetentionBounds{MaxDays: 90},
	}
}

func goodTerms() *Terms {
	return &Terms{
		Purpose:       "missing persons",
		LegalBasis:    "Treaty of 2026, article 9",
		Case:          "2026/117",
		Officer:       "officer-4711",
		Jurisdictions: []string{"DE", "FR"},
		Categories:    []string{CategoryOther},
		Scope:         ScopeQuery,
		Fields:        2,
		RetentionDays: 30,
		Function:      FunctionSet,
		Receiver:      Proposer,
		Epoch:         "2026-Q4",
		SchemaHash:    schema,
		MaxProposer:   1000,
		MaxAcceptor:   2000,
		Expires:       time.Now().Add(time.Hour),
	}
}

// complete returns terms as Dial would propose them.
func complete(t testing.TB, terms *Terms, c *Config) *Terms {
	t.Helper()
	d, err := c.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	return terms.withDefaults(d)
}

// wires returns both ends of a loopback TCP connection.
func wires(t testing.TB) (here, there net.Conn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	accepted := make(chan net.Conn, 1)
	go func() {
		c, _ := ln.Accept()
		accepted <- c
	}()
	here, err = net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if there = <-accepted; there == nil {
		t.Fatal("no connection")
	}
	t.Cleanup(func() { here.Close(); there.Close() })
	return here, there
}

// ends are both sides of a handshake.
type ends struct {
	proposer, acceptor       *Session
	proposerErr, acceptorErr error
}

// over has both sides shake hands over the given connections.
func over(ctx context.Context, t testing.TB, here, there net.Conn, terms *Terms, pc, ac *Config) (e ends) {
	t.Helper()
	p, err := pc.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	a, err := ac.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	terms = terms.withDefaults(p)
	text, err := terms.marshal()
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		ctx, cancel := context.WithTimeoutCause(ctx, a.HandshakeTimeout, ErrStalled)
		defer cancel()
		e.acceptor, e.acceptorErr = a.accept(ctx, there)
	}()
	pctx, cancel := context.WithTimeoutCause(ctx, p.HandshakeTimeout, ErrStalled)
	defer cancel()
	e.proposer, e.proposerErr = p.propose(pctx, here, terms, text, &p.Peers[0])
	<-done
	for _, s := range []*Session{e.proposer, e.acceptor} {
		if s != nil {
			t.Cleanup(func() { s.Close() })
		}
	}
	return e
}

// meet is over a loopback connection.
func meet(t testing.TB, terms *Terms, pc, ac *Config) ends {
	t.Helper()
	here, there := wires(t)
	return over(t.Context(), t, here, there, terms, pc, ac)
}

// met is meet where both sides must come to a session.
func met(t testing.TB, terms *Terms, pc, ac *Config) (proposer, acceptor *Session) {
	t.Helper()
	e := meet(t, terms, pc, ac)
	if e.proposerErr != nil || e.acceptorErr != nil {
		t.Fatalf("proposer: %v; acceptor: %v", e.proposerErr, e.acceptorErr)
	}
	return e.proposer, e.acceptor
}

// outcome is what a run brought both sides.
type outcome struct {
	result              *psi.Result
	handles             *psi.Handles
	receiveErr, sendErr error
}

// intersect runs a set between two sessions.
func intersect(ctx context.Context, receiver, sender *Session, r, s *psi.Set) (o outcome) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		o.handles, o.sendErr = sender.Send(ctx, s)
	}()
	o.result, o.receiveErr = receiver.Receive(ctx, r)
	<-done
	return o
}

// hostile runs f in place of one side's handshake, after TLS, and then waits for
// the other side to hang up.
func hostile(t testing.TB, c *Config, me Role, raw net.Conn, f func(*handshake) error) <-chan error {
	t.Helper()
	d, err := c.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	ctx := t.Context()
	go func() {
		h, err := d.secure(ctx, raw, me, d.Peers)
		if err == nil {
			err = f(h)
		}
		done <- err
		_, _ = io.Copy(io.Discard, raw)
		_ = raw.Close()
	}()
	return done
}

func suiteNames() []string {
	var names []string
	for _, s := range psi.Suites() {
		names = append(names, s.String())
	}
	return names
}
