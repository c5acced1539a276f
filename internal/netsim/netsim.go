// Package netsim makes bad networks for tests: connections that are slow, narrow
// and break off, and folders that are kept the same badly.
//
// A [Proxy] stands between the two ends of TCP connections, so that it serves
// whole processes too. A [Folder] stands between two folders. What either does is
// drawn from a seed: for connections by their number and the place in the stream,
// for files by their name, and never by when something happens to come. So a seed
// shows the same faults again, as far as the two ends say the same again.
package netsim

import (
	"math/rand/v2"
	"time"
)

// Profile is what a network does. The zero value passes on what comes.
type Profile struct {
	// Latency is how long bytes are on their way, and Jitter how much longer at
	// most. No byte of a stream overtakes another.
	Latency, Jitter time.Duration
	// Bandwidth is the most bytes a second in each direction. 0: any.
	Bandwidth int
	// Piece is the most bytes that go on at once: reads come short and writes are
	// split, at places of the stream that are drawn. 0: as they come.
	Piece int
	// Hold is how long at most a new connection waits before its first byte goes
	// on, so that one that was made later may overtake it.
	Hold time.Duration
	// Cuts break the first connections, one each. Later ones stay whole.
	Cuts []Cut
	// Outage is how long new connections are turned away after a cut.
	Outage time.Duration
	// Framing is what Cut.Frames counts. The zero value is TLSRecords.
	Framing Framing
}

// Direction is one of the two of a connection.
type Direction int

// The directions.
const (
	Up   Direction = iota // from who dials to who listens
	Down                  // back
)

func (d Direction) String() string { return [...]string{"up", "down"}[d] }

// Mode is what the ends see of a cut.
type Mode int

// The modes. What was under way in the other direction is lost in all of them.
const (
	Whole    Mode = iota // no cut
	Close                // both ends see the connection end
	Reset                // both ends see it reset
	HalfOpen             // the sender sees it end, and the receiver nothing
	Silent               // neither end sees anything
)

func (m Mode) String() string {
	return [...]string{"whole", "close", "reset", "half-open", "silent"}[m]
}

// Cut breaks a connection when so much has gone through in one direction: Frames
// whole frames, and Bytes more.
type Cut struct {
	Mode      Mode
	Direction Direction
	Frames    int
	Bytes     int64
}

// Framing finds frames in a stream: the length of their header, and how many
// bytes follow a header.
type Framing struct {
	Header int
	Body   func(header []byte) int
}

// TLSRecords are the frames of RFC 8446, section 5.1.
var TLSRecords = Framing{Header: 5, Body: func(h []byte) int { return int(h[3])<<8 | int(h[4]) }}

// source returns what is drawn from for one thing of a kind.
func source(seed, thing uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, thing)) }

// upTo draws a duration from 0 to d.
func upTo(r *rand.Rand, d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return time.Duration(r.Int64N(int64(d) + 1))
}

// schedule draws for one direction of one connection.
type schedule struct {
	Profile
	r    *rand.Rand
	left int // of the piece at hand
}

// next returns how many of n bytes go on at once, and how long they take.
func (s *schedule) next(n int) (size int, delay time.Duration) {
	delay = s.Latency + upTo(s.r, s.Jitter)
	if s.Piece == 0 {
		return n, delay
	}
	if s.left == 0 {
		s.left = 1 + s.r.IntN(s.Piece)
	}
	size = min(n, s.left)
	s.left -= size
	return size, delay
}

// meter counts the frames of a stream, and finds the place of a cut in it.
type meter struct {
	Framing
	cut    Cut
	frames int
	beyond int64 // bytes behind as many frames as the cut has

	head []byte
	body int
}

// take returns how many of the bytes go through, and whether the cut is reached
// behind them.
func (m *meter) take(p []byte) (n int, reached bool) {
	for {
		counting := m.cut.Mode != Whole && m.frames >= m.cut.Frames
		if counting && m.beyond >= m.cut.Bytes {
			return n, true
		}
		if n == len(p) {
			return n, false
		}
		k := m.step(len(p) - n)
		if counting {
			k = int(min(int64(k), m.cut.Bytes-m.beyond))
			m.beyond += int64(k)
		}
		m.count(p[n : n+k])
		n += k
	}
}

// step returns how many of n bytes lie within the same header or body.
func (m *meter) step(n int) int {
	if m.body > 0 {
		return min(n, m.body)
	}
	return min(n, m.Header-len(m.head))
}

// count takes bytes of one header or body.
func (m *meter) count(p []byte) {
	if m.body > 0 {
		m.body -= len(p)
	} else if m.head = append(m.head, p...); len(m.head) == m.Header {
		m.body = m.Body(m.head)
	}
	if len(m.head) == m.Header && m.body == 0 {
		m.head = m.head[:0]
		m.frames++
	}
}
