package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/comity-prl/comity/protocol"
	"github.com/comity-prl/comity/psi"
)

const name = "a-name-that-two-agreed-on"

// journal collects what is logged.
type journal struct {
	mu    sync.Mutex
	lines strings.Builder
}

func (j *journal) logf(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	fmt.Fprintf(&j.lines, format+"\n", args...)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.lines.String()
}

// waitFor waits until the journal has the text.
func (j *journal) waitFor(t *testing.T, text string) {
	t.Helper()
	for range 3000 {
		if strings.Contains(j.String(), text) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("%q is not in the log:\n%s", text, j)
}

// open starts a hub on loopback, which ends with the test.
func open(t *testing.T, change func(*Limits)) (address string, log *journal) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	limits := defaultLimits
	if change != nil {
		change(&limits)
	}
	log = new(journal)
	run(t, func(ctx context.Context) error { return NewHub(limits, log.logf).Serve(ctx, ln) })
	return ln.Addr().String(), log
}

// run runs f until the test is over.
func run(t *testing.T, f func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// call connects to the hub and says the line.
func call(t *testing.T, address, line string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(time.Minute))
	if _, err := io.WriteString(conn, line); err != nil {
		t.Fatal(err)
	}
	return conn
}

// hears expects an answer.
func hears(t *testing.T, conn net.Conn, want string) {
	t.Helper()
	got, err := readLine(conn, 256, errReply)
	if err != nil || got != want {
		t.Fatalf("the hub answered %q, %v; want %q", got, err, want)
	}
}

// pair returns two guests that are joined.
func pair(t *testing.T, address string) (a, d net.Conn) {
	t.Helper()
	a, d = call(t, address, hello(accepts, name)), call(t, address, hello(dials, name))
	hears(t, a, joined)
	hears(t, d, joined)
	return a, d
}

// spy keeps what passes one way through the connection to the hub. It cuts one where
// it is to, once so many bytes have passed.
type spy struct {
	net.Listener
	mu   sync.Mutex
	seen bytes.Buffer
	cut  int // 0: none
}

type spied struct {
	*net.TCPConn
	s *spy
}

func (s *spy) Accept() (net.Conn, error) {
	conn, err := s.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &spied{conn.(*net.TCPConn), s}, nil
}

func (c *spied) Read(p []byte) (int, error) {
	n, err := c.TCPConn.Read(p)
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.s.seen.Write(p[:n])
	if c.s.cut > 0 && c.s.seen.Len() > c.s.cut {
		c.s.cut = 0
		_ = c.Close()
	}
	return n, err
}

// Two agencies run two sessions through the commands, and the hub sees ciphertext.
// The second session loses its connection in the hub, and goes on over another one.
func TestSessionThroughTheHub(t *testing.T) {
	arcadia, borduria := identity(t, "Arcadia"), identity(t, "Borduria")
	binding := psi.Binding{Epoch: "2026-Q4", Config: sha256.Sum256([]byte("rules")), Key: sha256.Sum256([]byte("key"))}
	set := func(first, last int) *psi.Set {
		var items [][32]byte
		for i := first; i <= last; i++ {
			items = append(items, sha256.Sum256(fmt.Append(nil, i)))
		}
		return psi.NewSet(items, binding)
	}
	server, err := protocol.Listen("127.0.0.1:0", &protocol.Config{
		Identity: borduria, Peers: []protocol.Peer{arcadia.Peer()},
		Policy: &protocol.Policy{Rules: []protocol.Rule{{
			Name: "any of Arcadia", Peers: []string{"Arcadia"}, Categories: []string{protocol.Any}, Scopes: []string{protocol.ScopeQuery},
			Retention: protocol.RetentionBounds{MaxDays: 30},
			Functions: []string{protocol.FunctionSet}, Purposes: []string{protocol.Any}, LegalBases: []string{protocol.Any},
			Jurisdictions: []string{protocol.Any}, Epochs: []string{binding.Epoch}, Suites: []string{psi.VOLE().String()},
			Receivers: []protocol.Role{protocol.Proposer}, Schemas: []protocol.Hash{binding.Config}, MaxProposer: 500, MaxAcceptor: 500,
		}}},
		Failed: func(err error) { t.Errorf("no session: %v", err) },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()

	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	watch := &spy{Listener: ln}
	log := new(journal)
	run(t, func(ctx context.Context) error { return NewHub(defaultLimits, log.logf).Serve(ctx, watch) })
	hub := ln.Addr().String()
	run(t, func(ctx context.Context) error {
		return newCommand(io.Discard).Run(ctx, []string{"relay", "accept", "--hub", hub, "--session", name, "--to", server.Addr().String()})
	})
	out, in := io.Pipe()
	run(t, func(ctx context.Context) error {
		return newCommand(in).Run(ctx, []string{"relay", "dial", "--hub", hub, "--session", name, "--listen", "127.0.0.1:0"})
	})
	line, err := readLine(out, 256, errReply)
	if err != nil {
		t.Fatal(err)
	}

	for _, cut := range []bool{false, true} {
		if cut {
			watch.mu.Lock()
			watch.cut = watch.seen.Len() + 8000
			watch.mu.Unlock()
		}
		sent := make(chan error, 1)
		go func() {
			s, err := server.Accept(t.Context())
			if err == nil {
				_, err = s.Send(t.Context(), set(201, 500))
				s.Close()
			}
			sent <- err
		}()
		s, err := protocol.Dial(t.Context(), strings.TrimPrefix(line, "listening on "), &protocol.Terms{
			Purpose: "missing persons", LegalBasis: "Treaty of 2026", Jurisdictions: []string{"DE"}, Function: protocol.FunctionSet,
			Case: "2026/117", Officer: "o1", Categories: []string{protocol.CategoryOther}, Scope: protocol.ScopeQuery, Fields: 2, RetentionDays: 30,
			Receiver: protocol.Proposer, Suite: psi.VOLE().String(), Epoch: binding.Epoch, SchemaHash: binding.Config,
			MaxProposer: 500, MaxAcceptor: 500, Expires: time.Now().Add(time.Hour),
		}, &protocol.Config{Identity: arcadia, Peers: []protocol.Peer{borduria.Peer()}})
		if err != nil {
			t.Fatalf("%v; the hub's log:\n%s", err, log)
		}
		r, err := s.Receive(t.Context(), set(1, 300))
		s.Close()
		if err := errors.Join(err, <-sent); err != nil {
			t.Fatal(err)
		}
		if n := r.Len(); n != 100 {
			t.Errorf("%d matches, want 100", n)
		}
		if n := s.Resumptions(); (n > 0) != cut {
			t.Errorf("%d resumptions, cut: %v", n, cut)
		}
	}
	log.waitFor(t, "a session ended in order")
	watch.mu.Lock()
	defer watch.mu.Unlock()
	if watch.seen.Len() < 10_000 {
		t.Errorf("the hub saw only %d bytes", watch.seen.Len())
	}
	for _, secret := range []string{"Arcadia", "Borduria", "missing persons", "Treaty"} {
		if bytes.Contains(watch.seen.Bytes(), []byte(secret)) {
			t.Errorf("the hub saw %q", secret)
		}
	}
	if strings.Contains(log.String(), name) {
		t.Error("the hub's log has the session's name")
	}
}

func identity(t *testing.T, name string) *protocol.Identity {
	t.Helper()
	id, err := protocol.NewIdentity(name, 0)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestHubPassesOn(t *testing.T) {
	address, log := open(t, nil)
	a, d := pair(t, address)
	for _, way := range [][2]net.Conn{{a, d}, {d, a}} {
		text := bytes.Repeat([]byte("ciphertext"), 50_000)
		go func() {
			way[0].Write(text)
			way[0].(*net.TCPConn).CloseWrite()
		}()
		got, err := io.ReadAll(way[1])
		if err != nil || !bytes.Equal(got, text) {
			t.Errorf("read %d bytes of %d, %v", len(got), len(text), err)
		}
	}
	log.waitFor(t, "a session ended in order after 1000000 bytes")
}

func TestHubRefusesFirstLines(t *testing.T) {
	address, _ := open(t, func(l *Limits) { l.Hello = 200 * time.Millisecond })
	for line, want := range map[string]error{
		"GET / HTTP/1.1\r\n":                                       errHello,
		"comity-relay/2 dial " + name + "\n":                       errHello,
		"comity-relay/1 steal " + name + "\n":                      errHello,
		"comity-relay/1 dial\n":                                    errHello,
		"comity-relay/1 dial short\n":                              errSession,
		"comity-relay/1 dial " + strings.Repeat("x", 65) + "\n":    errSession,
		"comity-relay/1 dial sixteen/letters/and\n":                errSession,
		"comity-relay/1 dial ":                                     errHello, // and silence
		"comity-relay/1 dial " + strings.Repeat("x", 2*maxHello):   errHello,
		"comity-relay/1 dial " + strings.Repeat(" ", 20) + "a b\n": errHello,
	} {
		conn := call(t, address, line)
		if got, err := readLine(conn, 256, errReply); err == nil && got != want.Error() {
			t.Errorf("%.40q was answered by %q, want %q", line, got, want)
		} else if err != nil && len(line) < maxHello { // where bytes are left unread, a reset may overtake the answer
			t.Errorf("%.40q was answered by nothing: %v", line, err)
		}
	}
}

func TestHubWaits(t *testing.T) {
	address, log := open(t, func(l *Limits) { l.Wait = 300 * time.Millisecond })
	hears(t, call(t, address, hello(accepts, name)), errWait.Error())

	// A guest that leaves, or speaks too early, is not joined.
	gone := call(t, address, hello(accepts, name))
	gone.Close()
	log.waitFor(t, errEarly.Error())
	early := call(t, address, hello(accepts, name)+"x")
	hears(t, early, errEarly.Error())

	// Two of one kind: the later one waits.
	first := call(t, address, hello(dials, name))
	time.Sleep(20 * time.Millisecond)
	second := call(t, address, hello(dials, name))
	hears(t, first, errReplaced.Error())
	third := call(t, address, hello(accepts, name))
	hears(t, second, joined)
	hears(t, third, joined)

	// Other names do not meet.
	other := call(t, address, hello(dials, name+"-2"))
	hears(t, call(t, address, hello(accepts, name)), errWait.Error())
	hears(t, other, errWait.Error())
}

func TestHubLimits(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*Limits)
		want   error
		do     func(a, d net.Conn)
	}{
		"bytes": {func(l *Limits) { l.Bytes = 1 << 20 }, errBytes, func(a, d net.Conn) {
			go io.Copy(io.Discard, d)
			for {
				if _, err := a.Write(make([]byte, 32<<10)); err != nil {
					return
				}
			}
		}},
		"silence":     {func(l *Limits) { l.Idle = 100 * time.Millisecond }, errIdle, func(a, d net.Conn) {}},
		"not reading": {func(l *Limits) { l.Idle = 200 * time.Millisecond }, errIdle, func(a, d net.Conn) { a.Write(make([]byte, 64<<20)) }},
		"time": {func(l *Limits) { l.Session = 200 * time.Millisecond }, errTime, func(a, d net.Conn) {
			for {
				if _, err := a.Write([]byte("x")); err != nil {
					return
				}
				if _, err := d.Read(make([]byte, 1)); err != nil {
					return
				}
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			address, log := open(t, tt.change)
			a, d := pair(t, address)
			tt.do(a, d)
			log.waitFor(t, tt.want.Error())
			for _, conn := range []net.Conn{a, d} {
				if _, err := io.Copy(io.Discard, conn); errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("the hub left a connection open")
				}
			}
		})
	}
}

// A busy direction keeps a silent one alive.
func TestHubOneWay(t *testing.T) {
	address, log := open(t, func(l *Limits) { l.Idle = 300 * time.Millisecond })
	a, d := pair(t, address)
	for range 30 {
		if _, err := a.Write([]byte("x")); err != nil {
			t.Fatalf("%v; the log:\n%s", err, log)
		}
		if _, err := io.ReadFull(d, make([]byte, 1)); err != nil {
			t.Fatalf("%v; the log:\n%s", err, log)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func TestHubIsFull(t *testing.T) {
	for name, change := range map[string]func(*Limits){
		"in all":       func(l *Limits) { l.Connections = 2 },
		"for one host": func(l *Limits) { l.PerHost = 2 },
	} {
		t.Run(name, func(t *testing.T) {
			address, log := open(t, change)
			a, d := pair(t, address)
			conn, err := net.Dial("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			hears(t, conn, errFull.Error())
			a.Close()
			d.Close()
			log.waitFor(t, "a session ended")
			for { // the places are free soon after
				conn := call(t, address, hello(dials, "another-name-of-two"))
				conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
				if _, err := readLine(conn, 256, errReply); err != nil {
					break // it waits
				}
			}
		})
	}
}

// All goes when the hub does.
func TestHubCloses(t *testing.T) {
	before := runtime.NumGoroutine()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- NewHub(defaultLimits, new(journal).logf).Serve(ctx, ln) }()
	address := ln.Addr().String()
	a, d := pair(t, address)
	waiting := call(t, address, hello(dials, "another-name-of-two"))
	mute := call(t, address, "")
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	for _, conn := range []net.Conn{a, d, waiting, mute} {
		io.Copy(io.Discard, conn) // ends, in whichever way
		conn.Close()
	}
	for range 1000 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Errorf("%d goroutines, %d before", runtime.NumGoroutine(), before)
}

// Agents tell why, and go on.
func TestAgents(t *testing.T) {
	address, _ := open(t, func(l *Limits) { l.Wait = 50 * time.Millisecond })
	_, err := visit(t.Context(), address, name, dials, time.Minute)
	if !errors.Is(err, errTurnedAway) || !strings.Contains(err.Error(), "did not come") {
		t.Errorf("visit: %v", err)
	}
	for what, args := range map[string][]string{
		"a name that is too short": {"dial", "--hub", address, "--session", "short"},
		"no hub":                   {"dial", "--session", name},
		"limits of 0":              {"hub", "--listen", "127.0.0.1:0", "--bytes", "0"},
		"a port of nobody":         {"hub", "--listen", "256.0.0.1:0"},
	} {
		cmd := newCommand(io.Discard)
		cmd.ErrWriter = io.Discard
		if err := cmd.Run(t.Context(), append([]string{"relay"}, args...)); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
	log := new(journal)
	run(t, func(ctx context.Context) error { return acceptFrom(ctx, "127.0.0.1:1", name, "127.0.0.1:1", log.logf) })
	log.waitFor(t, "next try in 200ms")

	// The own server is not there: the other side's session ends.
	patient, _ := open(t, nil)
	run(t, func(ctx context.Context) error { return acceptFrom(ctx, patient, name, "127.0.0.1:1", log.logf) })
	d := call(t, patient, hello(dials, name))
	hears(t, d, joined)
	if n, err := d.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("read %d bytes of a server that is not there", n)
	}
	log.waitFor(t, "the own server cannot be reached")
}

func TestName(t *testing.T) {
	var a, b strings.Builder
	for _, out := range []*strings.Builder{&a, &b} {
		if err := newCommand(out).Run(t.Context(), []string{"relay", "name"}); err != nil {
			t.Fatal(err)
		}
		if err := checkSession(strings.TrimSpace(out.String())); err != nil {
			t.Error(err)
		}
	}
	if a.String() == b.String() {
		t.Error("the same name twice")
	}
}

func FuzzHello(f *testing.F) {
	f.Add(strings.TrimSpace(hello(dials, name)))
	f.Add(strings.TrimSpace(hello(accepts, name)))
	f.Add("comity-relay/1  ")
	f.Fuzz(func(t *testing.T, line string) {
		if k, session, err := parseHello(line); err == nil && hello(k, session) != line+"\n" {
			t.Errorf("%q is taken for %q", line, hello(k, session))
		}
	})
}
