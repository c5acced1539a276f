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
	campaignHang  = 2 * time.Minute
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
	{"not resumed", ErrResume},
	{"alone", errAlone},
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

// errAlone ends the run of a side of which the peer came to no session.
var errAlone = errors.New("the peer has no session")

// half is one side of a session after all is over.
type half struct {
	c    *Config
	peer string // as log and ledger name it
	s    *Session
	has  bool // a result, and it is right
	err  error
}

// voyage is one seed's run: sessions over a road.
type voyage struct {
	name string
	road road
	at   *port
	sail func(ctx context.Context) [][2]half // by session
	done chan [][2]half
}

// kinds are what the sessions of a campaign may be for.
func kinds() []func(t *testing.T, r road) *voyage {
	var all []func(*testing.T, road) *voyage
	for _, receiver := range []Role{Proposer, Acceptor} {
		for _, suite := range psi.Suites() {
			all = append(all, func(t *testing.T, r road) *voyage { return setVoyage(t, r, FunctionSet, suite, receiver) })
		}
		all = append(all, func(t *testing.T, r road) *voyage { return setVoyage(t, r, FunctionCount, psi.ECDHP256(), receiver) })
	}
	return append(all, encodingsVoyage)
}

// accountable gives a side a log and a ledger.
func accountable(t *testing.T, c *Config) {
	t.Helper()
	l, err := openLog(newCrashStore(0), c.Identity)
	if err != nil {
		t.Fatal(err)
	}
	c.Log, c.Ledger = l, newLedger(t)
}

// setVoyage intersects 20 items with 30, of which they share 10, or counts.
func setVoyage(t *testing.T, r road, function string, suite psi.Suite, receiver Role) *voyage {
	t.Helper()
	pc, ac := agencies(t)
	for _, c := range []*Config{pc, ac} {
		accountable(t, c)
		r.hasten(c)
	}
	terms := goodTerms()
	terms.Function, terms.Suite, terms.Receiver = function, suite.String(), receiver
	ac.Policy.Rules[0].Functions = []string{function}
	at := openPort(t, ac, r.listen)
	part := func(ctx context.Context, s *Session, role Role) (bool, error) {
		if role == receiver && function == FunctionCount {
			c, err := s.Count(ctx, psi.NewSet(items(0, 20), binding))
			return err == nil && c.N == 10 && c.PeerSize == 30, err
		}
		if role == receiver {
			r, err := s.Receive(ctx, psi.NewSet(items(0, 20), binding))
			return err == nil && isTen(r), err
		}
		h, err := s.Send(ctx, psi.NewSet(items(10, 30), binding))
		return err == nil && h.PeerSize == 20, err
	}
	v := &voyage{name: fmt.Sprintf("%s/%v/%s", function, suite, receiver), road: r, at: at}
	v.sail = func(ctx context.Context) [][2]half {
		pair := [2]half{{c: pc, peer: ac.Identity.Name()}, {c: ac, peer: pc.Identity.Name()}}
		answering, alone := context.WithCancelCause(ctx)
		defer alone(nil)
		var both sync.WaitGroup
		both.Go(func() {
			s, err := r.dial(ctx, terms, pc)
			if err != nil {
				alone(errAlone)
				pair[0].err = err
				return
			}
			pair[0].s = s
			pair[0].has, err = part(ctx, s, Proposer)
			pair[0].err = errors.Join(err, s.Close())
		})
		both.Go(func() {
			s, err := at.Accept(answering)
			if err != nil {
				pair[1].err = err
				return
			}
			pair[1].s = s
			pair[1].has, err = part(answering, s, Acceptor)
			pair[1].err = errors.Join(err, s.Close())
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
	for _, c := range []*Config{o.a, o.b, o.unit} {
		accountable(t, c)
		r.hasten(c)
	}
	at := openPort(t, o.unit, r.listen)
	sets := []*bloomlink.Set{encodingSet(t, 0, 20, encodingBinding), encodingSet(t, 10, 30, encodingBinding)}
	v := &voyage{name: "encodings", road: r, at: at}
	v.sail = func(ctx context.Context) [][2]half {
		unit := o.unit.Identity.Name()
		pairs := [][2]half{
			{{c: o.a, peer: unit}, {c: o.unit, peer: o.a.Identity.Name()}},
			{{c: o.b, peer: unit}, {c: o.unit, peer: o.b.Identity.Name()}},
		}
		answering, alone := context.WithCancelCause(ctx)
		defer alone(nil)
		var all sync.WaitGroup
		for i, c := range []*Config{o.a, o.b} {
			all.Go(func() {
				owner := &pairs[i][0]
				s, err := r.dial(ctx, []*Terms{o.termsA, o.termsB}[i], c)
				if err != nil {
					alone(errAlone)
					owner.err = err
					return
				}
				owner.s = s
				g, err := s.Submit(ctx, sets[i])
				owner.has = err == nil && g.Len() == 10 && g.PeerSize == []int{30, 20}[i]
				owner.err = errors.Join(err, s.Close())
			})
		}
		all.Go(func() {
			both, sum, err := linkTwo(answering, at)
			for i := range pairs {
				pairs[i][1].s = both // the result takes both sessions
				pairs[i][1].has, pairs[i][1].err = err == nil && sum.Groups == 10, err
			}
		})
		all.Wait()
		_ = at.Close() // as in setVoyage
		return pairs
	}
	return v
}

// linkTwo is the unit: where an owner does not come, it sends the other away. It
// returns a session if there were both.
func linkTwo(ctx context.Context, at *port) (s *Session, sum *bloomlink.Summary, err error) {
	first, err := at.Accept(ctx)
	if err != nil {
		return nil, nil, errors.Join(err, at.Close())
	}
	defer first.Close()
	second, err := at.Accept(ctx)
	if err != nil {
		return nil, nil, errors.Join(err, at.Close())
	}
	defer second.Close()
	sum, err = Link(ctx, first, second)
	return first, sum, err
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

// check holds a pair against what must be true whatever the network did.
func (v *voyage) check(t *testing.T, pair [2]half, must bool, saw map[string]int) {
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
		case h.err != nil && must:
			t.Errorf("%s: side %d: %v", v.name, i, h.err)
		case h.err == nil:
			saw["result"]++
		default:
			saw[what]++
		}
		h.counted(t, v.name, pair[0].has || pair[1].has)
		if h.s != nil && h.s.Resumptions() > 0 {
			saw["resumed"]++
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

// counted reports where the ledger does not have the session once: settled with a
// result, in full where the other side may have one, and never twice.
func (h *half) counted(t *testing.T, name string, result bool) {
	t.Helper()
	u, err := h.c.Ledger.Usage(time.Now().Add(-time.Hour), h.peer) // the day may just have ended
	switch {
	case err != nil:
		t.Errorf("%s: the ledger: %v", name, err)
	case u.Sessions > 1, result && u.Sessions != 1:
		t.Errorf("%s: the ledger has %d sessions", name, u.Sessions)
	case u.Unsettled > 0 && u.Items < 1000: // as the terms allow
		t.Errorf("%s: %d items are counted of a session that is not settled", name, u.Items)
	case h.has != (u.Sessions == 1 && u.Unsettled == 0):
		t.Errorf("%s: result %v, and %d of %d sessions are not settled", name, h.has, u.Unsettled, u.Sessions)
	}
}

// entry returns the one entry of the session, nil where its peer stayed a
// stranger.
func (h *half) entry(t *testing.T, name string) (found *Entry) {
	t.Helper()
	if _, err := h.c.Log.Verify(nil); err != nil {
		t.Errorf("%s: the log: %v", name, err)
	}
	strangers := 0
	for _, l := range entries(t, h.c.Log) {
		switch e := l.Entry; {
		case e.Event == Strangers:
			strangers += e.Count
		case e.Peer == h.peer && found == nil:
			found = e
		case e.Peer == h.peer:
			t.Errorf("%s: two entries for one session: %s %s", name, found.Outcome, e.Outcome)
		}
	}
	// Where there was no connection there is no entry. What broke off while it
	// resumed a session is a stranger beside it.
	if found == nil && strangers == 0 && ending(h.err) != "dial" {
		t.Errorf("%s: no entry", name)
	}
	return found
}

// sail runs voyages in batches, and checks them and what they leave.
func sail(t *testing.T, seeds int, launch func(seed int) *voyage, saw map[string]int) {
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
			v.at.check(t, v.name)
			must := v.road.must(pairs)
			for _, pair := range pairs {
				v.check(t, pair, must, saw)
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
	saw := make(map[string]int) // how sides ended
	at := make(map[[2]int]bool)
	sail(t, *campaignSeeds, func(seed int) *voyage {
		k, nth := seed%len(kinds), seed/len(kinds)
		border := -1
		if nth%3 < 2 {
			border = (nth/3*2 + nth%3) * 101 % borders(whole[k]) // all of them in the end, and from all parts at first
			at[[2]int{k, border}] = true
		}
		p := weather(rand.New(rand.NewPCG(uint64(seed), 11)), whole[k], border)
		v := kinds[k](t, &cable{seed: uint64(seed), p: p})
		v.name = fmt.Sprintf("%s, cut %v", v.name, p.Cuts[0])
		return v
	}, saw)
	t.Logf("%d seeds, cut at %d of %d borders of frames: sides that ended with %v", *campaignSeeds, len(at), all, saw)
	if len(saw) < 3 {
		t.Errorf("the networks were kind: %v", saw)
	}
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
	saw := make(map[string]int) // how sides ended
	sail(t, *campaignSeeds, func(seed int) *voyage {
		r := rand.New(rand.NewPCG(uint64(seed), 12))
		p := netsim.FolderProfile{Delay: r.IntN(8), Torn: r.IntN(90), Again: r.IntN(20), Deletes: r.IntN(2) == 0}
		if r.IntN(3) == 0 {
			p.Cut = 1 + r.IntN(40)
		}
		v := kinds[seed%len(kinds)](t, newPost(t, uint64(seed), p))
		v.name = fmt.Sprintf("%s, %+v", v.name, p)
		return v
	}, saw)
	t.Logf("%d seeds: sides that ended with %v", *campaignSeeds, saw)
	if len(saw) < 2 {
		t.Errorf("the folders were kind: %v", saw)
	}
}
