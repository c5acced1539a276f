package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"
)

// Limits are the hub's own. All are more than 0.
type Limits struct {
	Connections int           // at once
	PerHost     int           // of these, from one address
	Hello       time.Duration // for the first line
	Wait        time.Duration // of one side for the other
	Idle        time.Duration // both sides silent
	Session     time.Duration // from joined to the end
	Bytes       int64         // a session, both ways together
}

var defaultLimits = Limits{
	Connections: 256,
	PerHost:     32,
	Hello:       10 * time.Second,
	Wait:        time.Hour,
	Idle:        5 * time.Minute,
	Session:     12 * time.Hour,
	Bytes:       64 << 30,
}

// acceptPause is how long the hub rests when the system has no connection to give.
const acceptPause = 100 * time.Millisecond

// Why the hub turns a guest away or ends a session.
var (
	errFull     = errors.New("relay: too many connections")
	errWait     = errors.New("relay: the other side did not come")
	errReplaced = errors.New("relay: another guest took the place")
	errEarly    = errors.New("relay: a guest left or spoke before it was joined")
)

// Hub joins guests that bring the same session, one of each kind. It keeps
// nothing of what it forwards, and no name in its log.
type Hub struct {
	limits Limits
	logf   func(format string, args ...any)

	mu      sync.Mutex
	guests  int
	perHost map[string]int
	waiting map[string]*guest // by session
}

// guest is a connection that waits to be joined. Whoever takes it out of waiting
// interrupts its read.
type guest struct {
	conn     net.Conn
	kind     kind
	replaced bool
	there    chan bool     // holds one: whether a guest taken out was there to the end
	over     chan struct{} // closed when the session of a guest that was there is over
}

// NewHub returns a hub. It logs what it does through logf.
func NewHub(l Limits, logf func(format string, args ...any)) *Hub {
	return &Hub{limits: l, logf: logf, perHost: make(map[string]int), waiting: make(map[string]*guest)}
}

// Serve takes guests until ctx ends; then it closes the listener and all
// connections, and returns nil.
func (h *Hub) Serve(ctx context.Context, ln net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	var work sync.WaitGroup
	defer work.Wait()
	defer cancel()
	stop := context.AfterFunc(ctx, func() { ln.Close() })
	defer stop()
	for {
		conn, err := ln.Accept()
		if ctx.Err() != nil {
			return nil
		}
		if errors.Is(err, net.ErrClosed) {
			return err
		}
		if err != nil { // for lack of descriptors, say
			h.logf("%v", err)
			time.Sleep(acceptPause)
			continue
		}
		host := hostOf(conn)
		if !h.admit(host) {
			h.turnAway(conn, errFull)
			continue
		}
		work.Go(func() {
			defer h.release(host)
			h.receive(ctx, conn)
		})
	}
}

func hostOf(conn net.Conn) string {
	host, _, err := net.SplitHostPort(conn.RemoteAddr().String())
	if err != nil {
		return conn.RemoteAddr().String()
	}
	return host
}

func (h *Hub) admit(host string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.guests == h.limits.Connections || h.perHost[host] == h.limits.PerHost {
		return false
	}
	h.guests++
	h.perHost[host]++
	return true
}

func (h *Hub) release(host string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.guests--
	if h.perHost[host]--; h.perHost[host] == 0 {
		delete(h.perHost, host)
	}
}

// turnAway tells a guest why, if it listens, and closes.
func (h *Hub) turnAway(conn net.Conn, why error) {
	_ = conn.SetWriteDeadline(time.Now().Add(time.Second)) // a closed connection fails below
	_, _ = fmt.Fprintln(conn, why)                         // the guest may be gone
	_ = conn.Close()
	h.logf("turned a guest away: %v", why)
}

// receive serves one guest: it joins the one that waits, or waits itself.
func (h *Hub) receive(ctx context.Context, conn net.Conn) {
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	_ = conn.SetReadDeadline(time.Now().Add(h.limits.Hello)) // a closed connection fails below
	line, err := readLine(conn, maxHello, errHello)
	if err != nil {
		h.turnAway(conn, errHello)
		return
	}
	k, session, err := parseHello(line)
	if err != nil {
		h.turnAway(conn, err)
		return
	}
	_ = conn.SetReadDeadline(time.Now().Add(h.limits.Wait)) // before another guest may interrupt it
	g := &guest{conn: conn, kind: k, there: make(chan bool, 1), over: make(chan struct{})}
	for {
		other := h.meet(session, g)
		if other == nil {
			h.await(session, g)
			return
		}
		if <-other.there {
			h.join(conn, other.conn)
			close(other.over)
			return
		}
	}
}

// meet takes the guest of the other kind out of waiting, or lets g wait. A guest
// of the same kind makes place: it may be the same agency's, whose connection
// broke off unnoticed.
func (h *Hub) meet(session string, g *guest) (other *guest) {
	h.mu.Lock()
	defer h.mu.Unlock()
	old := h.waiting[session]
	if old != nil {
		old.replaced = old.kind == g.kind
		_ = old.conn.SetReadDeadline(time.Unix(1, 0)) // one that is closed returns by itself
	}
	if old != nil && !old.replaced {
		delete(h.waiting, session)
		return old
	}
	h.waiting[session] = g
	return nil
}

// await waits until the guest is taken out, leaves, speaks or has waited for too
// long.
func (h *Hub) await(session string, g *guest) {
	_, err := g.conn.Read(make([]byte, 1))
	quiet := errors.Is(err, os.ErrDeadlineExceeded)
	switch left, replaced := h.leave(session, g); {
	case replaced:
		h.turnAway(g.conn, errReplaced)
	case left && quiet:
		h.turnAway(g.conn, errWait)
	case quiet:
		g.there <- true
		<-g.over
	default:
		h.turnAway(g.conn, errEarly)
		if !left {
			g.there <- false
		}
	}
}

// leave ends the wait of a guest, and reports whether it did, or whether another
// guest was given its place.
func (h *Hub) leave(session string, g *guest) (left, replaced bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if left = h.waiting[session] == g; left {
		delete(h.waiting, session)
	}
	return left, g.replaced
}

// join tells both guests and passes on what they send.
func (h *Hub) join(a, b net.Conn) {
	defer a.Close()
	defer b.Close()
	began := time.Now()
	var n int64
	err := errors.Join(tellJoined(a), tellJoined(b))
	if err == nil {
		n, err = splice(a, b, h.limits)
	}
	if err != nil {
		h.logf("a session ended after %d bytes and %v: %v", n, time.Since(began).Round(time.Millisecond), err)
		return
	}
	h.logf("a session ended in order after %d bytes and %v", n, time.Since(began).Round(time.Millisecond))
}

func tellJoined(conn net.Conn) error {
	_ = conn.SetDeadline(time.Now().Add(time.Second)) // a closed connection fails below
	_, err := fmt.Fprintln(conn, joined)
	return err
}
