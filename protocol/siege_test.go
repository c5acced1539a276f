package protocol

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/comity-prl/comity/psi"
)

// do attacks over a connection, and then listens until the victim hangs up.
func (a *attack) do(ctx context.Context, c *Config, raw net.Conn) error {
	defer raw.Close()
	if a.raw != nil {
		err := a.raw(raw)
		_ = raw.(*net.TCPConn).CloseWrite() // the victim may have hung up
		_, _ = io.Copy(io.Discard, raw)     // as may this
		return err
	}
	c, err := c.withDefaults()
	if err != nil {
		return err
	}
	if a.in != nil {
		return a.inSession(ctx, c, raw)
	}
	h, err := c.secure(ctx, raw, a.by, c.Peers)
	if err != nil {
		return err
	}
	switch {
	case a.tls != nil:
		err = a.tls(h)
	case a.by == Acceptor:
		if _, _, err = h.accept(); err == nil {
			err = a.run(h)
		}
	default:
		terms := goodTerms().withDefaults(c)
		text, _ := terms.marshal()
		if _, err = h.propose(terms, text); err == nil {
			err = a.run(h)
		}
	}
	_, _ = io.Copy(io.Discard, raw) // until the victim has hung up
	return err
}

// inSession attacks when the own part of the run has begun as it should.
func (a *attack) inSession(ctx context.Context, c *Config, raw net.Conn) error {
	var s *Session
	var err error
	if a.by == Acceptor {
		s, err = c.accept(ctx, raw)
	} else {
		terms := goodTerms().withDefaults(c)
		text, _ := terms.marshal()
		s, err = c.propose(ctx, raw, terms, text, &c.Peers[0])
	}
	if err != nil {
		return err
	}
	set, err := s.enter(psi.NewSet(items(0, 20), binding))
	if err == nil {
		_, err = s.stream.Write(nil) // the commitment
	}
	if err == nil {
		err = a.in(ctx, s, set)
	}
	<-s.stream.ended // the victim has hung up
	return errors.Join(err, s.Close())
}

// siege is one attack and its victim.
type siege struct {
	attack
	victim, attacker *Config
	log              *Log
	err              error  // that the attack caused at the victim
	spent            uint64 // bytes that both allocated
}

func newSiege(t *testing.T, a attack) *siege {
	t.Helper()
	pc, ac := agencies(t)
	ac.Policy.Rules[0].Suites = []string{psi.ECDHRistretto255().String(), psi.ECDHP256().String()}
	s := &siege{attack: a, victim: ac, attacker: pc}
	if a.by == Acceptor {
		s.victim, s.attacker = pc, ac
	}
	if a.as != nil {
		s.attacker = a.as(t, s.attacker)
	}
	var err error
	if s.log, err = openLog(newCrashStore(0), s.victim.Identity); err != nil {
		t.Fatal(err)
	}
	s.victim.Log, s.victim.ResumeWindow = s.log, minWindow
	s.victim.RunTimeout = time.Minute // nothing may hang
	if s.patient() {
		s.victim.HandshakeTimeout, s.victim.IdleTimeout, s.victim.RunTimeout = 4*time.Second, 4*time.Second, 6*time.Second
	}
	return s
}

// patient says that the victim has to wait until it notices.
func (s *siege) patient() bool { return errors.Is(s.want, ErrStalled) }

// withstand is the victim's part, in which the attack takes place.
func (s *siege) withstand(ctx context.Context) error {
	done := make(chan struct{})
	defer func() { <-done }()
	assault := func(connect func() (net.Conn, error)) {
		defer close(done)
		if raw, err := connect(); err == nil {
			_ = s.do(ctx, s.attacker, raw) // the victim hangs up on it
		}
	}
	set := psi.NewSet(items(0, 20), binding)
	if s.by == Acceptor {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			close(done)
			return err
		}
		defer ln.Close()
		go assault(ln.Accept)
		session, err := Dial(ctx, ln.Addr().String(), goodTerms(), s.victim)
		if err != nil {
			return err
		}
		defer session.Close()
		s.await(session)
		_, err = session.Receive(ctx, set)
		return err
	}
	failed := make(chan error, 100)
	s.victim.Failed = func(err error) { failed <- err }
	l, err := Listen("127.0.0.1:0", s.victim)
	if err != nil {
		close(done)
		return err
	}
	defer l.Close()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case err := <-failed:
			cancel(err)
		case <-ctx.Done():
		}
	}()
	go assault(func() (net.Conn, error) { return net.Dial("tcp", l.Addr().String()) })
	session, err := l.Accept(ctx)
	if err != nil {
		return err
	}
	defer session.Close()
	s.await(session)
	_, err = session.Send(ctx, set)
	return err
}

// await lets the attack go on before the run, where it is late.
func (s *siege) await(session *Session) {
	if s.late {
		<-session.stream.ended
	}
}

// check reports what the attack should not have come to.
func (s *siege) check(t *testing.T) {
	t.Helper()
	if !isError(s.err, s.want) {
		t.Errorf("%v, want %v", s.err, s.want)
	}
	if s.spent > affordable {
		t.Errorf("%d bytes were allocated, at most %d expected", s.spent, affordable)
	}
	if s.logged == notLogged {
		if n := len(entries(t, s.log)); n != 0 {
			t.Errorf("%d entries", n)
		}
		return
	}
	e := only(t, s.log)
	if stranger := e.Event == Strangers && e.Count == 1; stranger != (s.logged == "") || e.Outcome != s.logged {
		t.Errorf("logged as %s %q, want %q", e.Event, e.Outcome, s.logged)
	}
}

// The attacks that the victim has to wait for take place side by side, and share what
// they may allocate.
func TestHostilePeer(t *testing.T) {
	goroutines, descriptors := resources(t)
	var patient []*siege
	for _, a := range attacks() {
		s := newSiege(t, a)
		if s.patient() {
			patient = append(patient, s)
			continue
		}
		t.Run(s.String(), func(t *testing.T) {
			s.spent = allocated(func() { s.err = s.withstand(t.Context()) })
			s.check(t)
		})
	}
	var all sync.WaitGroup
	spent := allocated(func() {
		for _, s := range patient {
			all.Go(func() { s.err = s.withstand(t.Context()) })
		}
		all.Wait()
	})
	for _, s := range patient {
		t.Run(s.String(), func(t *testing.T) {
			s.spent = spent / uint64(len(patient))
			s.check(t)
		})
	}
	settle(t, goroutines, descriptors)
}

func (s *siege) String() string { return fmt.Sprintf("%s/by=%s", s.name, s.by) }

// isError reports whether err is of the wanted kind: a *TermError of that term, an
// *AbortError, or what errors.Is says.
func isError(err, want error) bool {
	var term, wantTerm *TermError
	var abort, wantAbort *AbortError
	switch {
	case errors.As(want, &wantTerm):
		return errors.As(err, &term) && term.Term == wantTerm.Term
	case errors.As(want, &wantAbort):
		return errors.As(err, &abort)
	}
	return errors.Is(err, want)
}

// allocated returns how many bytes the process allocates while f runs.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}
