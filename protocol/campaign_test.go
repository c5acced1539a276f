package protocol

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/comity-prl/comity/bloomlink"
	"github.com/comity-prl/comity/internal/netsim"
	"github.com/comity-prl/comity/psi"
)

// The campaigns run sessions over bad networks, one a seed. CI runs the first
// seeds; the full campaign is
//
//	go test ./protocol -run Campaign -campaign 1000 -timeout 2h -v
var campaignSeeds = flag.Int("campaign", 25, "seeds of each fault campaign; 1000 is the full one")

const (
	campaignBatch = 25 // seeds that run side by side
	campaignHang  = time.Minute
)

// endings are the errors that a bad network may leave behind.
var endings = []struct {
	name string
	err  error
}{
	{"stalled", ErrStalled},
	{"closed", ErrClosed},
	{"hang-up", ErrHangUp},
	{"unanswered", ErrUnanswered},
	{"partner", errPartner},
	{"aborted", psi.ErrAborted},
}

// ending names an error, or returns "" for one that no network may cause.
func ending(err error) string {
	for _, e := range endings {
		if errors.Is(err, e.err) {
			return e.name
		}
	}
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		return "dial"
	}
	return ""
}

// half is one side of a session after all is over.
type half struct {
	log      *Log
	peer     string // as the log names it
	sessions int    // that the log is of
	has      bool   // a result, and it is right
	err      error
}

// road is what lies between two ends.
type road interface {
	listen(c *Config) (*Listener, error)
	dial(ctx context.Context, t *Terms, c *Config) (*Session, error)
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

func (r *cable) close() error { return r.x.Close() }

// post is a road of two folders.
type post struct {
	here, there string
	f           *netsim.Folder
}

func newPost(t *testing.T, seed uint64, p netsim.FolderProfile) *post {
	r := &post{here: t.TempDir(), there: t.TempDir()}
	p.Ignore = isMailPart
	r.f = netsim.NewFolder(r.here, r.there, seed, p)
	return r
}

func (r *post) listen(c *Config) (*Listener, error) {
	return ListenMailbox(&Mailbox{Dir: r.there, Poll: testPoll}, c)
}

func (r *post) dial(ctx context.Context, t *Terms, c *Config) (*Session, error) {
	return DialMailbox(ctx, &Mailbox{Dir: r.here, Poll: testPoll}, t, c)
}

func (r *post) close() error {
	_, err := r.f.Stop()
	return err
}

// voyage is one seed's run: sessions over a road.
type voyage struct {
	name string
	road road
	sail func(ctx context.Context) [][2]half // by session
	// whole says that nothing is lost for good: the result must come.
	whole bool
	done  chan [][2]half
}

// kinds are what the sessions of a campaign may be for.
func kinds() []func(t *testing.T, r road) *voyage {
	var all []func(*testing.T, road) *voyage
	for _, suite := range psi.Suites() {
		for _, receiver := range []Role{Proposer, Acceptor} {
			all = append(all, func(t *testing.T, r road) *voyage { return setVoyage(t, r, suite, receiver) })
		}
	}
	return append(all, encodingsVoyage)
}

// hasty makes a configuration give up before a campaign takes for ever.
func hasty(c *Config) {
	c.HandshakeTimeout, c.IdleTimeout, c.aliveEvery = 4*time.Second, 3*time.Second, 300*time.Millisecond
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

// next returns the next session, or why there is none.
func (p *port) next(ctx context.Context) (*Session, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		select {
		case err := <-p.failed:
			cancel(err)
		case <-stop:
		}
	}()
	return p.Accept(ctx)
}

// setVoyage intersects 20 items with 30, of which they share 10.
func setVoyage(t *testing.T, r road, suite psi.Suite, receiver Role) *voyage {
	t.Helper()
	pc, ac := agencies(t)
	hasty(pc)
	hasty(ac)
	pl, al := audited(t, pc, ac)
	terms := goodTerms()
	terms.Suite, terms.Receiver = suite.String(), receiver
	at := openPort(t, ac, r.listen)
	part := func(ctx context.Context, s *Session, role Role) (bool, error) {
		if role == receiver {
			r, err := s.Receive(ctx, psi.NewSet(items(0, 20), binding))
			return err == nil && isTen(r), err
		}
		h, err := s.Send(ctx, psi.NewSet(items(10, 30), binding))
		return err == nil && h.PeerSize == 20, err
	}
	v := &voyage{name: fmt.Sprintf("set/%v/%s", suite, receiver), road: r}
	v.sail = func(ctx context.Context) [][2]half {
		pair := [2]half{{log: pl, peer: ac.Identity.Name(), sessions: 1}, {log: al, peer: pc.Identity.Name(), sessions: 1}}
		var both sync.WaitGroup
		both.Go(func() {
			s, err := r.dial(ctx, terms, pc)
			if err == nil {
				pair[0].has, err = part(ctx, s, Proposer)
				err = errors.Join(err, s.Close())
			}
			pair[0].err = err
		})
		both.Go(func() {
			s, err := at.next(ctx)
			if err == nil {
				pair[1].has, err = part(ctx, s, Acceptor)
				err = errors.Join(err, s.Close())
			}
			pair[1].err = err
		})
		both.Wait()
		_ = at.Close() // the count of strangers is looked at below
		return [][2]half{pair}
	}
	return v
}

// isTen reports whether the items 10 to 19 matched.
func isTen(r *psi.Result) bool {
	var got []int
	for m := range r.All() {
		got = append(got, m.Item)
	}
	slices.Sort(got)
	return r.PeerSize == 30 && slices.Equal(got, []int{10, 11, 12, 13, 14, 15, 16, 17, 18, 19})
}

// encodingsVoyage links 20 encodings with 30 at a unit; they share 10.
func encodingsVoyage(t *testing.T, r road) *voyage {
	t.Helper()
	o := newTrio(t)
	hasty(o.unit)
	al, bl := audited(t, o.a, o.b)
	ul, err := openLog(newCrashStore(0), o.unit.Identity)
	if err != nil {
		t.Fatal(err)
	}
	o.unit.Log = ul
	at := openPort(t, o.unit, r.listen)
	sets := []*bloomlink.Set{encodingSet(t, 0, 20, encodingBinding), encodingSet(t, 10, 30, encodingBinding)}
	v := &voyage{name: "encodings", road: r}
	v.sail = func(ctx context.Context) [][2]half {
		unit := o.unit.Identity.Name()
		pairs := [][2]half{
			{{log: al, peer: unit, sessions: 1}, {log: ul, peer: o.a.Identity.Name(), sessions: 2}},
			{{log: bl, peer: unit, sessions: 1}, {log: ul, peer: o.b.Identity.Name(), sessions: 2}},
		}
		var all sync.WaitGroup
		for i, c := range []*Config{o.a, o.b} {
			hasty(c)
			all.Go(func() {
				s, err := r.dial(ctx, []*Terms{o.termsA, o.termsB}[i], c)
				if err == nil {
					var g *bloomlink.Groups
					if g, err = s.Submit(ctx, sets[i]); err == nil {
						pairs[i][0].has = g.Len() == 10 && g.PeerSize == []int{30, 20}[i]
					}
					err = errors.Join(err, s.Close())
				}
				pairs[i][0].err = err
			})
		}
		all.Go(func() {
			sum, err := linkTwo(ctx, at)
			for i := range pairs {
				pairs[i][1].has, pairs[i][1].err = err == nil && sum.Groups == 10, err
			}
		})
		all.Wait()
		_ = at.Close() // as in setVoyage
		return pairs
	}
	return v
}

// linkTwo is the unit: where an owner does not come, it sends the other away.
func linkTwo(ctx context.Context, at *port) (*bloomlink.Summary, error) {
	first, err := at.next(ctx)
	if err != nil {
		other, second := at.next(ctx)
		if second == nil {
			err = errors.Join(err, other.Close())
		}
		return nil, err
	}
	defer first.Close()
	second, err := at.next(ctx)
	if err != nil {
		return nil, err
	}
	defer second.Close()
	return Link(ctx, first, second)
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
	}
	if r.IntN(3) == 0 {
		p.Bandwidth = 200_000 << r.IntN(8)
	}
	if r.IntN(2) == 0 {
		p.Piece = 1 << r.IntN(14)
	}
	return p
}

// start lets a voyage begin.
func (v *voyage) start(ctx context.Context) {
	v.done = make(chan [][2]half, 1)
	go func() { v.done <- v.sail(ctx) }()
}

// arrive waits for the end of a voyage, and closes the network behind it.
func (v *voyage) arrive(t *testing.T, cancel context.CancelFunc) (pairs [][2]half, ok bool) {
	t.Helper()
	select {
	case pairs = <-v.done:
		ok = true
	case <-time.After(campaignHang):
		t.Errorf("%s: it hangs", v.name)
		cancel()
		pairs = <-v.done
	}
	if err := v.road.close(); err != nil {
		t.Errorf("%s: %v", v.name, err)
	}
	return pairs, ok
}

// tallied is what a campaign came to.
type tallied struct {
	mu     sync.Mutex
	counts map[string]int
}

func (c *tallied) add(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counts[what]++
}

// check holds a pair against what must be true whatever the network did.
func (v *voyage) check(t *testing.T, pair [2]half, saw *tallied) {
	t.Helper()
	var done [2]*Entry
	for i, h := range pair {
		e := h.entry(t, v.name)
		if e != nil && e.Outcome == OutcomeDone {
			done[i] = e
		}
		switch what := ending(h.err); {
		case h.err == nil && !h.has:
			t.Errorf("%s: side %d has a wrong result", v.name, i)
		case h.err != nil && h.has:
			t.Errorf("%s: side %d has a result and an error: %v", v.name, i, h.err)
		case h.err != nil && what == "":
			t.Errorf("%s: side %d: not an error of a network: %v", v.name, i, h.err)
		case v.whole && h.err != nil:
			t.Errorf("%s: side %d: %v", v.name, i, h.err)
		case h.err == nil:
			saw.add("result")
		default:
			saw.add(what)
		}
	}
	if !pair[0].has && !pair[1].has {
		return
	}
	switch a, b := done[0], done[1]; {
	case a == nil || b == nil:
		t.Errorf("%s: a result, and not both logs have it", v.name)
	case a.Transcript != b.Transcript || a.Transcript.IsZero():
		t.Errorf("%s: the logs have different transcripts", v.name)
	case a.Event != Combination && b.Event != Combination && (a.OwnSize != b.PeerSize || a.PeerSize != b.OwnSize):
		t.Errorf("%s: the logs have different sizes", v.name)
	}
}

// entry returns the one entry of the session, nil where its peer stayed a
// stranger.
func (h *half) entry(t *testing.T, name string) (found *Entry) {
	t.Helper()
	if _, err := h.log.Verify(nil); err != nil {
		t.Errorf("%s: the log: %v", name, err)
	}
	count := 0
	for _, l := range entries(t, h.log) {
		count++
		if l.Entry.Event == Strangers {
			count += l.Entry.Count - 1
		}
		if l.Entry.Peer != h.peer {
			continue
		}
		if found != nil {
			t.Errorf("%s: two entries for one session", name)
		}
		found = l.Entry
	}
	want := h.sessions
	if ending(h.err) == "dial" { // there was no connection
		want = 0
	}
	if count != want {
		t.Errorf("%s: %d entries, want %d", name, count, want)
	}
	return found
}

// sail runs voyages in batches, and checks them and what they leave.
func sail(t *testing.T, seeds int, launch func(seed int) *voyage, saw *tallied) {
	goroutines, descriptors := resources(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for first := 0; first < seeds; first += campaignBatch {
		var batch []*voyage
		for seed := first; seed < min(first+campaignBatch, seeds); seed++ {
			v := launch(seed)
			v.name = fmt.Sprintf("seed %d: %s", seed, v.name)
			batch = append(batch, v)
			v.start(ctx)
		}
		for _, v := range batch {
			pairs, ok := v.arrive(t, cancel)
			if !ok {
				return
			}
			for _, pair := range pairs {
				v.check(t, pair, saw)
			}
		}
		settle(t, goroutines, descriptors)
	}
}

// TestCampaign cuts sessions of every kind at the end of every frame and at random
// bytes, over networks with latency, jitter, narrow lines, short reads, split
// writes, and connections that overtake each other. Each ends in the right result
// or in a typed error, with one entry in each log.
func TestCampaign(t *testing.T) {
	kinds := kinds()
	whole := make([]netsim.Traffic, len(kinds))
	all := 0
	for i, kind := range kinds {
		whole[i] = calibrate(t, kind)
		all += borders(whole[i])
	}
	saw := &tallied{counts: make(map[string]int)}
	at := make(map[[2]int]bool)
	sail(t, *campaignSeeds, func(seed int) *voyage {
		k, nth := seed%len(kinds), seed/len(kinds)
		border := -1
		if nth%2 == 0 {
			border = nth / 2 * 101 % borders(whole[k]) // all of them in the end, and from all parts at first
			at[[2]int{k, border}] = true
		}
		p := weather(rand.New(rand.NewPCG(uint64(seed), 11)), whole[k], border)
		v := kinds[k](t, &cable{seed: uint64(seed), p: p})
		v.name = fmt.Sprintf("%s, cut %v", v.name, p.Cuts[0])
		return v
	}, saw)
	t.Logf("%d seeds, cut at %d of %d borders of frames: sides that ended with %v", *campaignSeeds, len(at), all, saw.counts)
	if len(saw.counts) < 3 {
		t.Errorf("the networks were kind: %v", saw.counts)
	}
}

// borders counts the ends of frames in both directions, and the two beginnings.
func borders(whole netsim.Traffic) int {
	return whole.Frames[netsim.Up] + whole.Frames[netsim.Down] + 2
}

// calibrate runs a session without faults, and returns the traffic of its first
// connection.
func calibrate(t *testing.T, kind func(*testing.T, road) *voyage) netsim.Traffic {
	t.Helper()
	r := new(cable)
	v := kind(t, r)
	v.start(t.Context())
	pairs, _ := v.arrive(t, func() {})
	for _, pair := range pairs {
		for _, h := range pair {
			if h.err != nil || !h.has {
				t.Fatalf("%s fails over a good network: %v", v.name, h.err)
			}
		}
	}
	return r.x.Traffic()[0]
}

// TestMailCampaign runs sessions of every kind between folders that are kept the
// same badly: files come late, in another order, in part at first, and again. In a
// third of the seeds nothing comes any more at some time; the others end in the
// right result.
func TestMailCampaign(t *testing.T) {
	kinds := kinds()
	saw := &tallied{counts: make(map[string]int)}
	sail(t, *campaignSeeds, func(seed int) *voyage {
		r := rand.New(rand.NewPCG(uint64(seed), 12))
		p := netsim.FolderProfile{Delay: r.IntN(8), Torn: r.IntN(90), Again: r.IntN(20), Deletes: r.IntN(2) == 0}
		if r.IntN(3) == 0 {
			p.Cut = 1 + r.IntN(40)
		}
		v := kinds[seed/2%len(kinds)](t, newPost(t, uint64(seed), p))
		v.name = fmt.Sprintf("%s, %+v", v.name, p)
		v.whole = p.Cut == 0
		return v
	}, saw)
	t.Logf("%d seeds: sides that ended with %v", *campaignSeeds, saw.counts)
	if len(saw.counts) < 2 {
		t.Errorf("the folders were kind: %v", saw.counts)
	}
}
