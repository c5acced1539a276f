package netsim

import (
	"io"
	"net"
	"sync"
	"time"
)

const (
	maxRead  = 16 << 10
	maxQueue = 1024 // pieces that are on their way in one direction
)

// Proxy passes TCP connections on to an address. It is safe for concurrent use.
type Proxy struct {
	seed   uint64
	p      Profile
	target string
	ln     net.Listener
	closed chan struct{}
	work   sync.WaitGroup

	mu      sync.Mutex
	links   []*link
	downTil time.Time
}

// NewProxy listens on a free port of the loopback interface.
func NewProxy(target string, seed uint64, p Profile) (*Proxy, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	if p.Framing.Header == 0 {
		p.Framing = TLSRecords
	}
	x := &Proxy{seed: seed, p: p, target: target, ln: ln, closed: make(chan struct{})}
	x.work.Go(x.loop)
	return x, nil
}

// Addr is where the proxy listens.
func (x *Proxy) Addr() string { return x.ln.Addr().String() }

// Close ends all connections and waits until nothing is left of them.
func (x *Proxy) Close() error {
	close(x.closed)
	err := x.ln.Close()
	x.mu.Lock()
	for _, l := range x.links {
		l.close()
	}
	x.mu.Unlock()
	x.work.Wait()
	return err
}

// Traffic is what went through a connection, by direction.
type Traffic struct {
	Bytes  [2]int64
	Frames [2]int // whole ones
	Cut    bool   // the cut was reached
}

// Traffic returns that of each connection, in the order in which they were made.
func (x *Proxy) Traffic() []Traffic {
	x.mu.Lock()
	defer x.mu.Unlock()
	all := make([]Traffic, len(x.links))
	for i, l := range x.links {
		l.mu.Lock()
		all[i] = l.traffic
		l.mu.Unlock()
	}
	return all
}

func (x *Proxy) loop() {
	for {
		near, err := x.ln.Accept()
		if err != nil {
			return
		}
		x.mu.Lock()
		down := time.Now().Before(x.downTil)
		x.mu.Unlock()
		if down {
			_ = near.Close()
			continue
		}
		x.work.Go(func() { x.carry(near) })
	}
}

func (x *Proxy) add(near net.Conn) *link {
	x.mu.Lock()
	defer x.mu.Unlock()
	l := &link{x: x, number: len(x.links), ends: [2]net.Conn{near}, closed: make(chan struct{})}
	if l.number < len(x.p.Cuts) {
		l.cut = x.p.Cuts[l.number]
	}
	x.links = append(x.links, l)
	return l
}

// carry joins a connection to a new one.
func (x *Proxy) carry(near net.Conn) {
	l := x.add(near)
	defer l.close()
	if !l.wait(upTo(source(x.seed, uint64(3*l.number)), x.p.Hold)) {
		return
	}
	far, err := net.Dial("tcp", x.target)
	if err != nil {
		return // as the target does: the caller sees the end
	}
	defer far.Close()
	l.mu.Lock()
	l.ends[1] = far
	l.mu.Unlock()
	if !l.open() {
		return
	}
	var both sync.WaitGroup
	both.Go(func() { l.flow(Up, near, far) })
	both.Go(func() { l.flow(Down, far, near) })
	both.Wait()
}

// link is one connection through the proxy.
type link struct {
	x      *Proxy
	number int
	cut    Cut
	ending sync.Once
	closed chan struct{}

	mu      sync.Mutex
	ends    [2]net.Conn // the caller's, and the target's once there is one
	traffic Traffic
}

func (l *link) close() {
	l.ending.Do(func() { close(l.closed) })
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.ends {
		if c != nil {
			_ = c.Close()
		}
	}
}

// wait lets time pass, and reports whether the link is still open.
func (l *link) wait(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-l.closed:
	case <-l.x.closed:
	}
	return l.open()
}

func (l *link) open() bool {
	select {
	case <-l.closed:
		return false
	case <-l.x.closed:
		return false
	default:
		return true
	}
}

// piece is bytes on their way.
type piece struct {
	data []byte
	due  time.Time
	cut  bool // the connection is cut behind them
}

// flow carries one direction.
func (l *link) flow(d Direction, from, to net.Conn) {
	way := make(chan piece, maxQueue)
	var sending sync.WaitGroup
	sending.Go(func() { l.send(d, from, to, way) })
	l.receive(d, from, way)
	close(way)
	sending.Wait()
}

// receive gives what comes its time.
func (l *link) receive(d Direction, from net.Conn, way chan<- piece) {
	s := schedule{Profile: l.x.p, r: source(l.x.seed, uint64(3*l.number+1+int(d)))}
	m := meter{Framing: l.x.p.Framing}
	if l.cut.Direction == d {
		m.cut = l.cut
	}
	free := time.Now() // when the line has sent what went before
	last := free
	buf := make([]byte, maxRead)
	for {
		_, reached := m.take(nil) // it may be before the first byte
		n := 0
		if !reached {
			var err error
			if n, err = from.Read(buf); err != nil {
				return
			}
		}
		for rest := buf[:n]; len(rest) > 0 || reached; {
			size, delay := s.next(len(rest))
			size, reached = m.take(rest[:size])
			now := time.Now()
			if l.x.p.Bandwidth > 0 {
				free = later(free, now).Add(time.Duration(size) * time.Second / time.Duration(l.x.p.Bandwidth))
				delay += free.Sub(now)
			}
			last = later(last, now.Add(delay))
			l.count(d, size, m.frames)
			select {
			case way <- piece{append([]byte(nil), rest[:size]...), last, reached}:
			case <-l.closed:
				return
			}
			if reached {
				return
			}
			rest = rest[size:]
		}
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func (l *link) count(d Direction, bytes, frames int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.traffic.Bytes[d] += int64(bytes)
	l.traffic.Frames[d] = frames
}

// send hands pieces on when they are due.
func (l *link) send(d Direction, from, to net.Conn, way <-chan piece) {
	for p := range way {
		if !l.wait(time.Until(p.due)) {
			return
		}
		if l.isCut() {
			continue
		}
		if _, err := to.Write(p.data); err != nil {
			l.close() // the receiver has gone, and the sender shall see it
			return
		}
		if p.cut {
			l.breakOff(d, from, to)
			return
		}
	}
	if !l.isCut() {
		_ = to.(*net.TCPConn).CloseWrite() // the receiver may have gone
	}
}

func (l *link) isCut() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.traffic.Cut
}

// breakOff cuts the connection.
func (l *link) breakOff(d Direction, from, to net.Conn) {
	l.mu.Lock()
	l.traffic.Cut = true
	l.mu.Unlock()
	l.x.mu.Lock()
	l.x.downTil = time.Now().Add(l.x.p.Outage)
	l.x.mu.Unlock()
	switch l.cut.Mode {
	case Reset:
		for _, c := range l.ends {
			_ = c.(*net.TCPConn).SetLinger(0) // an end that has gone needs no reset
		}
		l.close()
	case Close:
		l.close()
	case HalfOpen:
		_ = from.Close()
	case Silent:
		_, _ = io.Copy(io.Discard, from) // until the sender gives up
	}
}
