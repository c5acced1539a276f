package protocol

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/comity-prl/comity/psi"
)

// rig is a proposer and an acceptor whose connections tests may tamper with.
type rig struct {
	pc, ac      *Config
	terms       *Terms
	here, there func(i int, c net.Conn) net.Conn // the i-th connection at either end
}

func newRig(t *testing.T) *rig {
	pc, ac := agencies(t)
	for _, c := range []*Config{pc, ac} {
		c.ResumeTimeout = 5 * time.Second
	}
	same := func(_ int, c net.Conn) net.Conn { return c }
	return &rig{pc: pc, ac: ac, terms: goodTerms(), here: same, there: same}
}

// begin comes to a session. Where the proposer does not, the acceptor's is closed.
func (r *rig) begin(t *testing.T) (p, a *Session, l *Listener, err error) {
	t.Helper()
	numbered := func(wrap func(int, net.Conn) net.Conn) func(net.Conn) net.Conn {
		var mu sync.Mutex
		n := 0
		return func(c net.Conn) net.Conn {
			mu.Lock()
			defer mu.Unlock()
			n++
			return wrap(n-1, c)
		}
	}
	listener, err := listen(r.ac, func() (net.Listener, error) {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		return wrapped{ln, numbered(r.there)}, err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	ctx, cancel := context.WithCancel(t.Context())
	accepted := make(chan *Session, 1)
	go func() {
		s, _ := listener.Accept(ctx)
		accepted <- s
	}()
	here := numbered(r.here)
	p, err = dial(t.Context(), r.terms, r.pc, func(ctx context.Context) (net.Conn, error) {
		c, err := connect(ctx, listener.Addr().String())
		if err != nil {
			return nil, err
		}
		return here(c), nil
	})
	if err != nil {
		time.AfterFunc(50*time.Millisecond, cancel)
	}
	a = <-accepted
	cancel()
	if err != nil {
		if a != nil {
			a.Close()
		}
		return nil, nil, nil, errors.Join(err, listener.Close())
	}
	t.Cleanup(func() { p.Close(); a.Close() })
	return p, a, listener, nil
}

// run carries out an intersection of n items with 2n, that is to be as if nothing
// had happened to the connection, and returns how often the session was resumed.
func (r *rig) run(t *testing.T, p, a *Session, n int) int {
	t.Helper()
	o := intersect(t.Context(), p, a, psi.NewSet(items(0, n), binding), psi.NewSet(items(n/2, 2*n), binding))
	if o.receiveErr != nil || o.sendErr != nil {
		t.Fatalf("receive: %v; send: %v", o.receiveErr, o.sendErr)
	}
	rows := map[uint32]int{}
	for handle, row := range o.handles.All() {
		rows[handle] = row
	}
	var got []int
	for m := range o.result.All() {
		if rows[m.Handle]+n/2 != m.Item {
			t.Fatalf("item %d has the handle of another", m.Item)
		}
		got = append(got, m.Item)
	}
	slices.Sort(got)
	var want []int
	for i := n / 2; i < n; i++ {
		want = append(want, i)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("matches (-want +got):\n%s", diff)
	}
	var closing sync.WaitGroup
	for _, s := range []*Session{p, a} {
		closing.Go(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	closing.Wait()
	if p.Transcript() != a.Transcript() || p.Transcript().IsZero() {
		t.Error("transcripts differ or are missing")
	}
	return p.Resumptions()
}

// The connection breaks at each write of either side, before it or in its middle: at
// each boundary of frames, and within each frame. The run goes on over another one,
// brings the same result, and leaves one entry.
func TestResumeAnywhere(t *testing.T) {
	goroutines, descriptors := resources(t)
	for _, breaks := range []Role{Proposer, Acceptor} {
		for _, half := range []bool{false, true} {
			resumed := 0
			for n, whole := 0, false; !whole && !t.Failed(); n++ {
				t.Run(fmt.Sprintf("by=%s/half=%v/write=%d", breaks, half, n), func(t *testing.T) {
					r := newRig(t)
					pl, al := audited(t, r.pc, r.ac)
					var broken *cut
					tamper := func(i int, c net.Conn) net.Conn {
						if i > 0 {
							return c
						}
						broken = &cut{Conn: c, left: n, half: half}
						return broken
					}
					if breaks == Proposer {
						r.here = tamper
					} else {
						r.there = tamper
					}
					p, a, _, err := r.begin(t)
					if err != nil {
						if breaks == Acceptor && !errors.Is(err, ErrHangUp) {
							t.Errorf("%v, want %v", err, ErrHangUp)
						}
						return
					}
					resumed += r.run(t, p, a, 20)
					broken.mu.Lock()
					whole = !broken.hit
					broken.mu.Unlock()
					for _, l := range []*Log{pl, al} {
						if e := only(t, l); e.Outcome != OutcomeDone {
							t.Errorf("the session is logged as %q", e.Outcome)
						}
					}
				})
			}
			if resumed < 6 {
				t.Errorf("by=%s: resumed at %d places only", breaks, resumed)
			}
		}
	}
	settle(t, goroutines, descriptors)
}

// Several connections break in one run, at random bytes of either direction, some
// while the session is being resumed.
func TestResumeAtRandomBytes(t *testing.T) {
	goroutines, descriptors := resources(t)
	var mu sync.Mutex
	total := 0
	t.Run("seeds", func(t *testing.T) {
		for seed := range uint64(18) {
			t.Run(fmt.Sprint(seed), func(t *testing.T) {
				t.Parallel()
				random := rand.New(rand.NewPCG(seed, 5))
				r := newRig(t)
				if seed%6 == 0 {
					r.terms.Suite = psi.VOLE().String()
				}
				r.pc.ResumeWindow = minWindow
				r.here = func(i int, c net.Conn) net.Conn {
					s := &severed{Conn: c, write: -1, read: -1}
					least := 0
					if i == 0 {
						least = 4000 // so that there is a session
					}
					if i < 6 {
						at := least + random.IntN(12_000)
						if random.IntN(3) == 0 {
							at = least + random.IntN(3000)
						}
						if random.IntN(2) == 0 {
							s.write = at
						} else {
							s.read = at
						}
					}
					return s
				}
				p, a, _, err := r.begin(t)
				if err != nil {
					t.Fatal(err)
				}
				n := r.run(t, p, a, 300)
				mu.Lock()
				defer mu.Unlock()
				total += n
			})
		}
	})
	if total < 18 {
		t.Errorf("%d resumptions in all", total)
	}
	settle(t, goroutines, descriptors)
}

// A connection that only the proposer takes for lost is replaced while it is still
// open at the acceptor.
func TestResumeReplacesHalfOpen(t *testing.T) {
	r := newRig(t)
	r.here = func(i int, c net.Conn) net.Conn {
		if i > 2 {
			return c
		}
		return &severed{Conn: c, write: 6000 + 3000*i, read: -1, deaf: true}
	}
	p, a, _, err := r.begin(t)
	if err != nil {
		t.Fatal(err)
	}
	if n := r.run(t, p, a, 900); n < 3 {
		t.Errorf("%d resumptions", n)
	}
	sent, received := p.Bytes()
	if sent < 900*32 || received < 1800*32 {
		t.Errorf("%d and %d bytes counted", sent, received)
	}
}

// A peer that goes silent is left for another connection.
func TestResumeAfterSilence(t *testing.T) {
	r := newRig(t)
	for _, c := range []*Config{r.pc, r.ac} {
		c.IdleTimeout, c.aliveEvery = time.Second, 100*time.Millisecond
	}
	r.here = func(i int, c net.Conn) net.Conn {
		if i > 0 {
			return c
		}
		return &swallowing{Conn: c, left: 6000}
	}
	p, a, _, err := r.begin(t)
	if err != nil {
		t.Fatal(err)
	}
	if n := r.run(t, p, a, 300); n == 0 {
		t.Error("the session was not resumed")
	}
}

// swallowing passes so many bytes on; what is written after them gets lost.
type swallowing struct {
	net.Conn
	left int
}

func (s *swallowing) Write(p []byte) (int, error) {
	n := min(s.left, len(p))
	s.left -= n
	if _, err := s.Conn.Write(p[:n]); err != nil {
		return 0, err
	}
	return len(p), nil
}

// A mailbox session goes on over another connection in the same folder.
func TestMailboxResumes(t *testing.T) {
	pc, ac := agencies(t)
	m := &Mailbox{Dir: t.TempDir(), Poll: testPoll}
	l, err := ListenMailbox(m, ac)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	p, err := DialMailbox(t.Context(), m, goodTerms(), pc)
	if err != nil {
		t.Fatal(err)
	}
	a, err := l.Accept(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_ = p.stream.ch.raw.Close()
	r := &rig{pc: pc, ac: ac}
	if n := r.run(t, p, a, 100); n == 0 {
		t.Error("the session was not resumed")
	}
	if left := names(t, m.Dir); len(left) > 0 {
		t.Errorf("left in the folder: %v", left)
	}
}

// Where no other connection comes, the session fails at its time with both reasons,
// at whichever side.
func TestNotResumed(t *testing.T) {
	for _, side := range []Role{Proposer, Acceptor} {
		t.Run(string(side), func(t *testing.T) {
			goroutines, descriptors := resources(t)
			r := newRig(t)
			r.pc.ResumeTimeout = 300 * time.Millisecond // which binds both
			r.here = func(i int, c net.Conn) net.Conn {
				if i > 0 {
					_ = c.Close()
				}
				return c
			}
			p, a, l, err := r.begin(t)
			if err != nil {
				t.Fatal(err)
			}
			_ = p.stream.ch.raw.Close()
			set := psi.NewSet(items(0, 10), binding)
			if side == Proposer {
				_, err = p.Receive(t.Context(), set)
			} else {
				_, err = a.Send(t.Context(), set)
			}
			var stalled *StallError
			if !errors.Is(err, ErrHangUp) || !errors.As(err, &stalled) || stalled.Phase != PhaseResume {
				t.Errorf("%v, want a StallError of phase %q that is %v", err, PhaseResume, ErrHangUp)
			}
			p.Close()
			a.Close()
			l.Close()
			settle(t, goroutines, descriptors)
		})
	}
}

// A session that is closed, or whose run is cancelled, while there is no connection
// ends at once, and is then unknown.
func TestEndsWhileBroken(t *testing.T) {
	for _, how := range []string{"close", "cancel"} {
		t.Run(how, func(t *testing.T) {
			r := newRig(t)
			r.pc.ResumeTimeout, r.ac.ResumeTimeout = time.Hour, time.Hour
			blocked := make(chan struct{})
			r.there = func(i int, c net.Conn) net.Conn {
				if i > 0 {
					<-blocked
				}
				return c
			}
			p, a, _, err := r.begin(t)
			if err != nil {
				t.Fatal(err)
			}
			_ = p.stream.ch.raw.Close()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			time.AfterFunc(50*time.Millisecond, func() {
				if how == "close" {
					a.Close()
				} else {
					cancel()
				}
			})
			set := psi.NewSet(items(0, 10), binding)
			want := map[string]error{"close": ErrClosed, "cancel": context.Canceled}[how]
			if _, err := a.Send(ctx, set); !errors.Is(err, want) {
				t.Errorf("%v, want %v", err, want)
			}
			close(blocked)
			if _, err := p.Receive(t.Context(), set); !errors.Is(err, ErrResume) {
				t.Errorf("the peer: %v, want %v", err, ErrResume)
			}
		})
	}
}

// A proposer that ends the session while there is no connection makes one more for
// its last word.
func TestLastWord(t *testing.T) {
	r := newRig(t)
	r.pc.ResumeTimeout, r.ac.ResumeTimeout = time.Hour, time.Hour
	var down atomic.Bool
	r.here = func(_ int, c net.Conn) net.Conn {
		if down.Load() {
			_ = c.Close()
		}
		return c
	}
	p, a, _, err := r.begin(t)
	if err != nil {
		t.Fatal(err)
	}
	down.Store(true)
	_ = p.stream.ch.raw.Close()
	time.AfterFunc(100*time.Millisecond, func() {
		down.Store(false)
		p.Close()
	})
	if _, err := a.Send(t.Context(), psi.NewSet(items(0, 10), binding)); !errors.Is(err, ErrClosed) || !isAbort(err) {
		t.Errorf("%v, want an abort that is %v", err, ErrClosed)
	}
}

func TestRunTimeout(t *testing.T) {
	r := newRig(t)
	r.pc.RunTimeout = 200 * time.Millisecond
	p, a, _, err := r.begin(t)
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.Receive(t.Context(), psi.NewSet(items(0, 10), binding)) // the peer does not run
	var stalled *StallError
	if !errors.As(err, &stalled) || stalled.Phase != PhaseRun {
		t.Errorf("%v, want a StallError of phase %q", err, PhaseRun)
	}
	if _, err := a.Send(t.Context(), psi.NewSet(items(0, 10), binding)); !errors.Is(err, ErrStalled) {
		t.Errorf("the peer: %v, want %v", err, ErrStalled)
	}
}

func TestResumeConfig(t *testing.T) {
	pc, _ := agencies(t)
	for _, window := range []int{-1, 1, minWindow - 1, maxWindow + 1} {
		c := *pc
		c.ResumeWindow = window
		if _, err := c.withDefaults(); !errors.Is(err, ErrConfig) {
			t.Errorf("a window of %d: %v, want %v", window, err, ErrConfig)
		}
	}
	open := func(context.Context) (net.Conn, error) { return nil, nil }
	for _, tt := range []struct{ timeout, want time.Duration }{
		{0, defaultResume}, {-1, 0}, {time.Second, time.Second}, {1 << 62, maxPatience},
	} {
		c := *pc
		c.ResumeTimeout = tt.timeout
		d, err := c.withDefaults()
		if err != nil {
			t.Fatal(err)
		}
		if got := d.patience(Proposer); got != 0 {
			t.Errorf("%v without a way to another connection", got)
		}
		d.open = open
		if got := d.patience(Proposer); got != tt.want {
			t.Errorf("timeout %v: patience %v, want %v", tt.timeout, got, tt.want)
		}
	}
}
