package protocol

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/comity-prl/comity/psi"
)

// cut is a connection that breaks off at its n-th write, before it or in its
// middle. A frame of a small run is one write, as TLS's own flights are.
type cut struct {
	net.Conn
	mu   sync.Mutex
	left int
	half bool
	hit  bool
}

func (c *cut) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.hit {
		return 0, net.ErrClosed
	}
	if c.left--; c.left >= 0 {
		return c.Conn.Write(p)
	}
	c.hit = true
	n := 0
	if c.half {
		n, _ = c.Conn.Write(p[:len(p)/2])
	}
	_ = c.Conn.Close()
	return n, net.ErrClosed
}

// resources are what a connection must give back.
func resources(t *testing.T) (goroutines, descriptors int) {
	t.Helper()
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil && runtime.GOOS == "linux" {
		t.Fatal(err)
	}
	return runtime.NumGoroutine(), len(fds)
}

// settle waits until goroutines and descriptors are back where they were.
func settle(t *testing.T, goroutines, descriptors int) {
	t.Helper()
	for range 5000 {
		g, d := resources(t)
		if g <= goroutines && d <= descriptors {
			return
		}
		time.Sleep(time.Millisecond)
	}
	g, d := resources(t)
	t.Errorf("%d goroutines and %d descriptors, %d and %d before", g, d, goroutines, descriptors)
}

// A peer that hangs up between any two frames, or within one, is a typed error
// at the other side; nothing hangs and nothing stays behind.
func TestHangUpAnywhere(t *testing.T) {
	goroutines, descriptors := resources(t)
	for _, breaks := range []Role{Proposer, Acceptor} {
		for _, half := range []bool{false, true} {
			points := 0
			for whole := false; !whole && !t.Failed(); points++ {
				t.Run(fmt.Sprintf("by=%s/half=%v/write=%d", breaks, half, points), func(t *testing.T) {
					whole = hangUp(t, breaks, points, half)
				})
			}
			if points < 10 { // TLS, two frames of handshake, seven of psi, one to finish
				t.Errorf("by=%s: only %d places to hang up", breaks, points)
			}
		}
	}
	settle(t, goroutines, descriptors)
}

// hangUp runs a session of which one side breaks off at a write, and reports
// whether the run was over before.
func hangUp(t *testing.T, breaks Role, write int, half bool) (whole bool) {
	pc, ac := agencies(t)
	here, there := wires(t)
	broken := &cut{left: write, half: half}
	if breaks == Proposer {
		broken.Conn, here = here, broken
	} else {
		broken.Conn, there = there, broken
	}
	e := over(t.Context(), t, here, there, goodTerms(), pc, ac)
	var o outcome
	set := psi.NewSet(items(0, 20), binding)
	if e.proposer != nil && e.acceptor != nil {
		o = intersect(t.Context(), e.proposer, e.acceptor, set, set)
	} else if e.proposer != nil {
		_, o.receiveErr = e.proposer.Receive(t.Context(), set)
	} else if e.acceptor != nil {
		_, o.sendErr = e.acceptor.Send(t.Context(), set)
	}
	for _, s := range []*Session{e.proposer, e.acceptor} {
		if s != nil {
			s.Close()
		}
	}
	broken.mu.Lock()
	defer broken.mu.Unlock()
	if !broken.hit {
		if err := errors.Join(e.proposerErr, e.acceptorErr, o.receiveErr, o.sendErr); err != nil {
			t.Error(err)
		}
		return true
	}
	err := errors.Join(e.proposerErr, o.receiveErr)
	if breaks == Proposer {
		err = errors.Join(e.acceptorErr, o.sendErr)
	}
	// The other side may have had all it needed: only the farewell was lost.
	session := e.proposer
	if breaks == Proposer {
		session = e.acceptor
	}
	complete := session != nil && !session.Transcript().IsZero()
	if complete == (err != nil) || err != nil && !errors.Is(err, ErrHangUp) {
		t.Errorf("the other side: %v, want %v", err, ErrHangUp)
	}
	return false
}

// Who gives up within a write has hung up, and is not taken for an attacker: TLS
// would say its farewell out of order.
func TestGivesUpWithinAWrite(t *testing.T) {
	pc, ac := agencies(t)
	here, there := wires(t)
	gaveUp := hostile(t, pc, Proposer, here, func(h *handshake) error {
		_ = h.ch.writes.by(time.Unix(1, 0))
		if err := h.ch.write(frameHello, make([]byte, 100)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%v, want %v", err, os.ErrDeadlineExceeded)
		}
		h.ch.linger()
		return nil
	})
	heard := hostile(t, ac, Acceptor, there, func(h *handshake) error {
		_, err := h.ch.read(frameHello)
		_ = h.ch.raw.Close() // or the other end lingers
		return err
	})
	if err := <-heard; !errors.Is(err, ErrHangUp) || errors.Is(err, ErrTLS) {
		t.Errorf("%v, want %v", err, ErrHangUp)
	}
	<-gaveUp
}

// A peer that goes silent in the run is a typed error once the idle timeout is
// over, whether the own side reads or writes.
func TestStalledPeer(t *testing.T) {
	for _, tt := range []struct {
		name string
		n    int
	}{{"reading", 3}, {"writing", 1 << 17}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			pc, ac := agencies(t)
			pc.IdleTimeout = 300 * time.Millisecond
			terms := goodTerms()
			terms.MaxProposer = 1 << 20
			ac.Policy.Rules[0].MaxProposer = 1 << 20
			here, there := wires(t)
			accepted, over := make(chan error, 1), make(chan struct{})
			defer close(over)
			hostile(t, ac, Acceptor, there, func(h *handshake) error {
				_, _, err := h.accept()
				accepted <- err
				<-over // until then it reads nothing
				return err
			})
			c, err := pc.withDefaults()
			if err != nil {
				t.Fatal(err)
			}
			full := terms.withDefaults(c)
			text, err := full.marshal()
			if err != nil {
				t.Fatal(err)
			}
			s, err := c.propose(t.Context(), here, full, text, &c.Peers[0])
			if err != nil {
				t.Fatal(err)
			}
			if err := <-accepted; err != nil {
				t.Fatal(err)
			}
			if tt.name == "reading" {
				if _, err = s.Receive(t.Context(), psi.NewSet(items(0, tt.n), binding)); !errors.Is(err, ErrStalled) {
					t.Errorf("%v, want %v", err, ErrStalled)
				}
				return
			}
			buf := make([]byte, 1<<20)
			for err = nil; err == nil; {
				_, err = s.stream.Write(buf)
			}
			if !errors.Is(err, ErrStalled) {
				t.Errorf("%v, want %v", err, ErrStalled)
			}
		})
	}
}

// Connections that dribble, say nothing or speak nonsense use up neither the
// listener nor its resources: each ends at its deadline, and the next good one is
// served.
func TestListenerOutlivesBadConnections(t *testing.T) {
	goroutines, descriptors := resources(t)
	pc, ac := agencies(t)
	ac.HandshakeTimeout = 1500 * time.Millisecond // ample for a good handshake beside the bad
	var mu sync.Mutex
	failures := map[string]int{}
	ac.Failed = func(err error) {
		mu.Lock()
		defer mu.Unlock()
		for _, known := range []error{ErrStalled, ErrHangUp, ErrTLS, ErrPeerUnknown, ErrClosed} {
			if errors.Is(err, known) {
				failures[known.Error()]++
				return
			}
		}
		t.Errorf("not a typed error: %v", err)
	}
	l, err := Listen("127.0.0.1:0", ac)
	if err != nil {
		t.Fatal(err)
	}
	open := func(first string) net.Conn {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_, _ = c.Write([]byte(first))
		return c
	}
	var bad []net.Conn
	for range maxHandshakes + 10 {
		bad = append(bad, open("\x16\x03\x01\x02")) // the beginning of a ClientHello, and then a byte now and again
	}
	bad = append(bad, open("GET / HTTP/1.1\r\n\r\n"))
	_ = open("").Close()
	stop := make(chan struct{})
	var dribble sync.WaitGroup
	dribble.Go(func() {
		for {
			for _, c := range bad {
				_, _ = c.Write([]byte{0})
			}
			select {
			case <-stop:
				return
			case <-time.After(100 * time.Millisecond):
			}
		}
	})
	stranger := &Config{Identity: identity(t, "X"), Peers: pc.Peers}
	if _, err := Dial(t.Context(), l.Addr().String(), goodTerms(), stranger); err == nil {
		t.Error("a stranger was let in")
	}
	accepted := make(chan *Session, 1)
	go func() {
		s, _ := l.Accept(t.Context())
		accepted <- s
	}()
	p, err := Dial(t.Context(), l.Addr().String(), goodTerms(), pc)
	if err != nil {
		t.Fatal(err)
	}
	a := <-accepted
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	set := psi.NewSet(items(0, 3), binding)
	if o := intersect(t.Context(), p, a, set, set); o.receiveErr != nil || o.sendErr != nil {
		t.Errorf("after Listener.Close: receive: %v; send: %v", o.receiveErr, o.sendErr)
	}
	p.Close()
	a.Close()
	close(stop)
	dribble.Wait()
	for _, c := range bad {
		c.Close()
	}
	mu.Lock()
	defer mu.Unlock()
	for _, want := range []error{ErrStalled, ErrTLS, ErrPeerUnknown} {
		if failures[want.Error()] == 0 {
			t.Errorf("no connection failed with %v: %v", want, failures)
		}
	}
	settle(t, goroutines, descriptors)
}

// Accept ends with its context or its listener; a session that nobody took is
// closed with it.
func TestListenerCloses(t *testing.T) {
	goroutines, descriptors := resources(t)
	pc, ac := agencies(t)
	l, err := Listen("127.0.0.1:0", ac)
	if err != nil {
		t.Fatal(err)
	}
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	if _, err := l.Accept(ctx); !errors.Is(err, cause) {
		t.Errorf("%v, want %v", err, cause)
	}
	s, err := Dial(t.Context(), l.Addr().String(), goodTerms(), pc)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if _, err := l.Accept(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("Accept: %v, want %v", err, ErrClosed)
	}
	if _, err := s.Receive(t.Context(), psi.NewSet(items(0, 3), binding)); !errors.Is(err, ErrClosed) {
		t.Errorf("Receive: %v, want %v", err, ErrClosed)
	}
	if err := l.Close(); err != nil {
		t.Errorf("closed again: %v", err)
	}
	settle(t, goroutines, descriptors)
}

func TestDialEndsWithItsContext(t *testing.T) {
	pc, _ := agencies(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	cause := errors.New("the operator gave up")
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(50*time.Millisecond, func() { cancel(cause) })
	if _, err := Dial(ctx, ln.Addr().String(), goodTerms(), pc); !errors.Is(err, cause) {
		t.Errorf("%v, want %v", err, cause)
	}
	pc.HandshakeTimeout = 50 * time.Millisecond
	if _, err := Dial(t.Context(), ln.Addr().String(), goodTerms(), pc); !errors.Is(err, ErrStalled) {
		t.Errorf("%v, want %v", err, ErrStalled)
	}
}

// Errors name neither an item nor a key.
func TestErrorsRevealNoItem(t *testing.T) {
	pc, ac := agencies(t)
	p, a := met(t, goodTerms(), pc, ac)
	other := binding
	other.Key[0]++
	o := intersect(t.Context(), p, a, psi.NewSet(items(0, 3), binding), psi.NewSet(items(0, 3), other))
	for _, err := range []error{o.receiveErr, o.sendErr} {
		for _, secret := range append(items(0, 3), binding.Key, other.Key) {
			if err == nil || strings.Contains(err.Error(), fmt.Sprintf("%x", secret[:4])) {
				t.Error("an error names an item or a key, or there is none")
			}
		}
	}
}
