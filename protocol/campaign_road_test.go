package protocol

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/comity-prl/comity/internal/netsim"
)

// road is what lies between two ends.
type road interface {
	listen(c *Config) (*Listener, error)
	dial(ctx context.Context, t *Terms, c *Config) (*Session, error)
	hasten(c *Config)          // has a configuration give up before a campaign takes for ever
	must(pairs [][2]half) bool // the result must come, as nothing is lost for good
	close() error
}

// cable is a road of TCP connections.
type cable struct {
	seed uint64
	p    netsim.Profile
	x    *netsim.Proxy
}

func (r *cable) listen(c *Config) (*Listener, error) {
	l, err := Listen("127.0.0.1:0", c)
	if err != nil {
		return nil, err
	}
	r.x, err = netsim.NewProxy(l.Addr().String(), r.seed, r.p)
	return l, err
}

func (r *cable) dial(ctx context.Context, t *Terms, c *Config) (*Session, error) {
	return Dial(ctx, r.x.Addr(), t, c)
}

func (r *cable) hasten(c *Config) {
	if len(r.p.Cuts) == 0 {
		return
	}
	c.HandshakeTimeout, c.IdleTimeout, c.aliveEvery = 4*time.Second, 2*time.Second, 200*time.Millisecond
	if c.ResumeTimeout = time.Minute; r.hurried() {
		c.ResumeTimeout = 2 * time.Second
	}
}

// hurried says that a session may be given up before another connection comes.
func (r *cable) hurried() bool { return r.seed%5 == 4 }

// Sessions that both ends have outlive their connections.
func (r *cable) must(pairs [][2]half) bool {
	for _, pair := range pairs {
		if pair[0].s == nil || pair[1].s == nil {
			return false
		}
	}
	return !r.hurried()
}

func (r *cable) close() error { return r.x.Close() }

const postPoll = 10 * time.Millisecond

// post is a road of two folders.
type post struct {
	here, there string
	lost        bool // nothing comes any more at some time
	f           *netsim.Folder
}

func newPost(t *testing.T, seed uint64, p netsim.FolderProfile) *post {
	r := &post{here: t.TempDir(), there: t.TempDir(), lost: p.Cut > 0}
	p.Ignore, p.Every = isMailPart, postPoll
	r.f = netsim.NewFolder(r.here, r.there, seed, p)
	return r
}

func (r *post) listen(c *Config) (*Listener, error) {
	return ListenMailbox(&Mailbox{Dir: r.there, Poll: postPoll}, c)
}

func (r *post) dial(ctx context.Context, t *Terms, c *Config) (*Session, error) {
	return DialMailbox(ctx, &Mailbox{Dir: r.here, Poll: postPoll}, t, c)
}

func (r *post) hasten(c *Config) {
	c.HandshakeTimeout, c.IdleTimeout, c.aliveEvery, c.ResumeTimeout = time.Minute, time.Minute, time.Second, time.Minute
	if r.lost {
		c.HandshakeTimeout, c.IdleTimeout, c.aliveEvery, c.ResumeTimeout = 4*time.Second, 2*time.Second, 300*time.Millisecond, 3*time.Second
	}
}

func (r *post) must([][2]half) bool { return !r.lost }

func (r *post) close() error {
	_, err := r.f.Stop()
	return err
}

// port is a Listener that tells whom it did not let in.
type port struct {
	*Listener
	failed chan error
}

func openPort(t testing.TB, c *Config, listen func(*Config) (*Listener, error)) *port {
	t.Helper()
	failed := make(chan error, 100)
	c.Failed = func(err error) { failed <- err }
	l, err := listen(c)
	if err != nil {
		t.Fatal(err)
	}
	return &port{l, failed}
}

// check reports what no network may cause.
func (p *port) check(t *testing.T, name string) {
	t.Helper()
	for {
		select {
		case err := <-p.failed:
			if ending(err) == "" {
				t.Errorf("%s: a connection failed, not by an error of a network: %v", name, err)
			}
		default:
			return
		}
	}
}

// weather draws a network, and where it breaks: at the end of a TLS record, which
// is that of a frame or of a part of one, or at any byte.
func weather(r *rand.Rand, whole netsim.Traffic, border int) netsim.Profile {
	c := netsim.Cut{Mode: netsim.Close}
	switch n := r.IntN(100); {
	case n < 12:
		c.Mode = netsim.Silent
	case n < 24:
		c.Mode = netsim.HalfOpen
	case n < 50:
		c.Mode = netsim.Reset
	}
	if border > whole.Frames[netsim.Up] {
		c.Direction, c.Frames = netsim.Down, border-whole.Frames[netsim.Up]-1
	} else if border >= 0 {
		c.Frames = border
	} else {
		c.Direction = netsim.Direction(r.IntN(2))
		c.Bytes = r.Int64N(whole.Bytes[c.Direction] + 1)
	}
	p := netsim.Profile{
		Latency: time.Duration(r.IntN(4)) * time.Millisecond,
		Jitter:  time.Duration(r.IntN(4)) * time.Millisecond,
		Hold:    time.Duration(r.IntN(20)) * time.Millisecond,
		Cuts:    []netsim.Cut{c},
		Outage:  time.Duration(r.IntN(300)) * time.Millisecond,
	}
	for range r.IntN(3) { // what resumes is cut too
		p.Cuts = append(p.Cuts, netsim.Cut{
			Mode: []netsim.Mode{netsim.Close, netsim.Reset}[r.IntN(2)], Direction: netsim.Direction(r.IntN(2)), Bytes: r.Int64N(6000),
		})
	}
	if r.IntN(3) == 0 {
		p.Bandwidth = 200_000 << r.IntN(8)
	}
	if r.IntN(2) == 0 {
		p.Piece = 1 << r.IntN(14)
	}
	return p
}

// borders counts the ends of frames in both directions, and the two beginnings.
func borders(whole netsim.Traffic) int {
	return whole.Frames[netsim.Up] + whole.Frames[netsim.Down] + 2
}
