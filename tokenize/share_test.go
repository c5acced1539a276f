package tokenize

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"sync"
	"testing"

	"github.com/comity-prl/comity/internal/oprf"
	"github.com/comity-prl/comity/internal/vss"
)

// hub is the channel of a ceremony in one process. A participant that is absent
// never sends; tamper may change what goes from one to another.
type hub struct {
	n      int
	absent []int
	tamper func(round, from, to int, m *Received)

	mu     sync.Mutex
	gone   []int // who failed
	rounds [1 + rotateRounds]*hubRound
}

type hubRound struct {
	sent []*Round
	full chan struct{}
}

// round is called with mu held.
func (h *hub) round(number int) *hubRound {
	if h.rounds[number] == nil {
		h.rounds[number] = &hubRound{sent: make([]*Round, h.n), full: make(chan struct{})}
	}
	return h.rounds[number]
}

// release lets a round go on once all have sent who still will.
func (h *hub) release(r *hubRound) {
	for i, sent := range r.sent {
		if sent == nil && !slices.Contains(h.absent, i+1) && !slices.Contains(h.gone, i+1) {
			return
		}
	}
	select {
	case <-r.full:
	default:
		close(r.full)
	}
}

func (h *hub) leave(self int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.gone = append(h.gone, self)
	for _, r := range h.rounds {
		if r != nil {
			h.release(r)
		}
	}
}

func (h *hub) exchange(self int) Exchange {
	return func(ctx context.Context, r Round) ([]Received, error) {
		h.mu.Lock()
		round := h.round(r.Number)
		round.sent[self-1] = &r
		h.release(round)
		h.mu.Unlock()
		select {
		case <-round.full:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		in := make([]Received, h.n)
		for i, sent := range round.sent {
			if sent == nil || i == self-1 {
				continue
			}
			in[i].Broadcast = bytes.Clone(sent.Broadcast)
			if sent.Private != nil {
				in[i].Private = bytes.Clone(sent.Private[self-1])
			}
			if h.tamper != nil {
				h.tamper(r.Number, i+1, self, &in[i])
			}
		}
		return in, nil
	}
}

// outcome is what one participant of a ceremony comes to.
type outcome struct {
	share  *Share
	faults []*MemberError
	err    error
}

// play runs a ceremony for all participants that are not absent.
func (h *hub) play(ctx context.Context, f func(ctx context.Context, self int, x Exchange) outcome) []outcome {
	out := make([]outcome, h.n)
	var wg sync.WaitGroup
	for i := range out {
		if slices.Contains(h.absent, i+1) {
			continue
		}
		wg.Go(func() {
			if out[i] = f(ctx, i+1, h.exchange(i+1)); out[i].err != nil {
				h.leave(i + 1)
			}
		})
	}
	wg.Wait()
	return out
}

func plan(s Suite, threshold, members int) *Plan {
	return &Plan{Suite: s, Scope: scope, Threshold: threshold, Members: members, Session: [32]byte{1}}
}

func generate(t testing.TB, h *hub, p *Plan) []outcome {
	t.Helper()
	return h.play(t.Context(), func(ctx context.Context, self int, x Exchange) outcome {
		share, faults, err := Generate(ctx, p, self, x)
		return outcome{share, faults, err}
	})
}

func refresh(t testing.TB, h *hub, shares []*Share) []outcome {
	t.Helper()
	return h.play(t.Context(), func(ctx context.Context, self int, x Exchange) outcome {
		share, faults, err := shares[self-1].Refresh(ctx, [32]byte{2}, x)
		return outcome{share, faults, err}
	})
}

// reshare returns the outcomes of the old members and of the new.
func reshare(t testing.TB, h *hub, p *Plan, old []*Share) []outcome {
	t.Helper()
	return h.play(t.Context(), func(ctx context.Context, self int, x Exchange) outcome {
		if self <= len(old) {
			faults, err := old[self-1].Reshare(ctx, p, x)
			return outcome{nil, faults, err}
		}
		share, faults, err := Join(ctx, p, old[0].Committee(), self-len(old), x)
		return outcome{share, faults, err}
	})
}

// good returns the shares of outcomes that must have no error, with one committee.
func good(t testing.TB, outcomes []outcome) []*Share {
	t.Helper()
	var shares []*Share
	for i, o := range outcomes {
		if o.err != nil {
			t.Fatalf("participant %d: %v", i+1, o.err)
		}
		if o.share != nil && !o.share.Committee().Equal(outcomes[len(outcomes)-1].share.Committee()) {
			t.Fatalf("participant %d has another committee", i+1)
		}
		shares = append(shares, o.share)
	}
	return shares
}

// servers are those of the members in a set of bits.
func servers(t testing.TB, shares []*Share, set uint) []Transport {
	t.Helper()
	out := make([]Transport, len(shares))
	for i, s := range shares {
		if set>>i&1 == 1 {
			out[i] = direct(serve(t, map[Scope]Key{s.Committee().Scope(): s.Key()}))
		}
	}
	return out
}

func thresholdClient(t testing.TB, c *Committee, ts []Transport, o *OPRFOptions) *OPRF {
	t.Helper()
	f, err := NewThreshold(c, ts, o)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// checkCoalitions holds that every coalition of t members makes the tokens, and
// that none of fewer does, neither as servers nor by pooling shares.
func checkCoalitions(t *testing.T, shares []*Share, want []Token) {
	t.Helper()
	c := shares[0].Committee()
	for set := range uint(1) << len(shares) {
		size := bits.OnesCount(set)
		f, err := NewThreshold(c, servers(t, shares, set), nil)
		if size < c.Threshold() {
			if !errors.Is(err, ErrQuorum) {
				t.Errorf("coalition %b: %v", set, err)
			}
			if pooled(shares, set).Equal(c.commitment[0]) {
				t.Errorf("coalition %b holds the key", set)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if !pooled(shares, set).Equal(c.commitment[0]) {
			t.Errorf("coalition %b does not hold the key", set)
		}
		if size == c.Threshold() && !slices.Equal(want, evaluate(t, f, "x", "y")) {
			t.Errorf("coalition %b makes other tokens", set)
		}
	}
}

// pooled is the public form of the key that shares make together.
func pooled(shares []*Share, set uint) oprf.Element {
	g := shares[0].committee.suite.group()
	var members []int
	for i := range shares {
		if set>>i&1 == 1 {
			members = append(members, i+1)
		}
	}
	sum := g.Int(0)
	for i, w := range vss.Weights(g, members) {
		sum = sum.Add(w.Mul(shares[members[i]-1].key.key.Scalar()))
	}
	return g.Base(sum)
}

func TestThreshold(t *testing.T) {
	for _, tt := range []struct {
		suite              Suite
		threshold, members int
	}{{Ristretto255, 2, 2}, {Ristretto255, 3, 5}, {P256, 2, 3}} {
		t.Run(fmt.Sprintf("%s/%d of %d", tt.suite, tt.threshold, tt.members), func(t *testing.T) {
			shares := good(t, generate(t, &hub{n: tt.members}, plan(tt.suite, tt.threshold, tt.members)))
			all := uint(1)<<tt.members - 1
			c := shares[0].Committee()
			want := evaluate(t, thresholdClient(t, c, servers(t, shares, all), nil), "x", "y")
			if want[0] == want[1] {
				t.Error("two inputs have one token")
			}
			checkCoalitions(t, shares, want)

			fresh := good(t, refresh(t, &hub{n: tt.members}, shares))
			if fresh[0].Committee().Equal(c) || !fresh[0].Committee().Public().Equal(c.Public()) {
				t.Error("a refresh keeps shares or changes the key")
			}
			checkCoalitions(t, fresh, want)
			mixed := slices.Clone(fresh)
			mixed[0] = shares[0]
			for set := range all + 1 {
				if set&1 == 1 && bits.OnesCount(set) >= tt.threshold && pooled(mixed, set).Equal(c.commitment[0]) {
					t.Errorf("an old share combines with new ones: %b", set)
				}
			}

			p := plan(tt.suite, tt.members, tt.members+1)
			moved := good(t, reshare(t, &hub{n: 2*tt.members + 1}, p, fresh))[tt.members:]
			if !moved[0].Committee().Public().Equal(c.Public()) {
				t.Error("resharing changes the key")
			}
			checkCoalitions(t, moved, want)
		})
	}
}

// The tokens of a committee are those of VOPRF under the key that nobody holds.
func TestThresholdIsVOPRF(t *testing.T) {
	shares := good(t, generate(t, &hub{n: 3}, plan(P256, 2, 3)))
	g := P256.group()
	sum := g.Int(0)
	for i, w := range vss.Weights(g, []int{1, 3}) {
		sum = sum.Add(w.Mul(shares[2*i].key.key.Scalar()))
	}
	whole := newSecretKey(P256, VOPRF, sum)
	c := shares[0].Committee()
	if !whole.Public().Equal(c.Public()) {
		t.Fatal("the shares are of another key")
	}
	one := client(t, whole.Public(), scope, direct(serve(t, map[Scope]Key{scope: whole})), nil)
	many := thresholdClient(t, c, servers(t, shares, 7), &OPRFOptions{Batch: 2})
	if !slices.Equal(evaluate(t, one, "x", "y", "z"), evaluate(t, many, "x", "y", "z")) {
		t.Error("tokens differ")
	}
	if many.Epoch() != scope.Epoch {
		t.Errorf("epoch %q", many.Epoch())
	}
}

// A member that lies, fails or answers rubbish is named, and others make up for it.
func TestWrongMemberIsNamed(t *testing.T) {
	shares := good(t, generate(t, &hub{n: 3}, plan(Ristretto255, 2, 3)))
	c := shares[0].Committee()
	want := evaluate(t, thresholdClient(t, c, servers(t, shares, 7), nil), "x")
	boom := errors.New("boom")
	liar := direct(serve(t, map[Scope]Key{scope: secretKey(t, Ristretto255, VOPRF)}))
	for name, tt := range map[string]struct {
		bad  Transport
		want error
	}{
		"another key":      {liar, ErrProof},
		"another's answer": {servers(t, shares, 1)[0], ErrProof},
		"unreachable":      {func(context.Context, []byte) ([]byte, error) { return nil, boom }, boom},
		"rubbish":          {func(context.Context, []byte) ([]byte, error) { return []byte("rubbish"), nil }, ErrAnswer},
	} {
		t.Run(name, func(t *testing.T) {
			var mu sync.Mutex
			var named []*MemberError
			o := &OPRFOptions{Fault: func(e *MemberError) {
				mu.Lock()
				defer mu.Unlock()
				named = append(named, e)
			}}
			ts := servers(t, shares, 7)
			ts[1] = tt.bad
			f := thresholdClient(t, c, ts, o)
			for range 20 { // who is asked first is random
				if !slices.Equal(want, evaluate(t, f, "x")) {
					t.Fatal("tokens changed")
				}
			}
			if len(named) == 0 {
				t.Fatal("nobody is named")
			}
			for _, e := range named {
				if e.Member != 2 || !errors.Is(e, tt.want) {
					t.Errorf("named: %v, want member 2, %v", e, tt.want)
				}
			}
			ts[2] = nil
			f = thresholdClient(t, c, ts, nil)
			_, err := f.Evaluate(t.Context(), [][]byte{{1}})
			var at *MemberError
			if !errors.Is(err, ErrQuorum) || !errors.Is(err, tt.want) || !errors.As(err, &at) || at.Member != 2 {
				t.Errorf("too few are right: %v", err)
			}
		})
	}
}

func TestThresholdEndsWithItsContext(t *testing.T) {
	shares := good(t, generate(t, &hub{n: 2}, plan(Ristretto255, 2, 2)))
	ts := servers(t, shares, 3)
	stop := errors.New("stop")
	ctx, cancel := context.WithCancelCause(t.Context())
	never := make(chan struct{})
	t.Cleanup(func() { close(never) })
	ts[1] = func(context.Context, []byte) ([]byte, error) {
		cancel(stop)
		<-never
		return nil, nil
	}
	if _, err := thresholdClient(t, shares[0].Committee(), ts, nil).Evaluate(ctx, [][]byte{{1}}); !errors.Is(err, stop) {
		t.Errorf("%v, want %v", err, stop)
	}
}

func TestNewThresholdRefuses(t *testing.T) {
	shares := good(t, generate(t, &hub{n: 2}, plan(Ristretto255, 2, 2)))
	c := shares[0].Committee()
	for name, ts := range map[string][]Transport{
		"none":     nil,
		"too few":  servers(t, shares, 1),
		"too many": append(servers(t, shares, 3), nil),
	} {
		if _, err := NewThreshold(c, ts, nil); !errors.Is(err, ErrQuorum) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := NewThreshold(c, servers(t, shares, 3), &OPRFOptions{Batch: -1}); !errors.Is(err, ErrOptions) {
		t.Errorf("options: %v", err)
	}
}

func TestShareBackup(t *testing.T) {
	shares := good(t, generate(t, &hub{n: 3}, plan(P256, 2, 3)))
	want := evaluate(t, thresholdClient(t, shares[0].Committee(), servers(t, shares, 3), nil), "x")
	sealed := shares[1].Seal(gcm(t, 1))
	shares[1].Destroy()
	restored, err := OpenShare(gcm(t, 1), sealed)
	if err != nil {
		t.Fatal(err)
	}
	if restored.Member() != 2 {
		t.Errorf("member %d", restored.Member())
	}
	shares[1] = restored
	if got := evaluate(t, thresholdClient(t, restored.Committee(), servers(t, shares, 2+4), nil), "x"); !slices.Equal(want, got) {
		t.Error("tokens changed")
	}
	if _, err := OpenShare(gcm(t, 2), sealed); !errors.Is(err, ErrKey) {
		t.Errorf("under another key: %v", err)
	}
	if _, err := OpenKey(gcm(t, 1), sealed); !errors.Is(err, ErrKey) {
		t.Errorf("a share as a key: %v", err)
	}
	if s := fmt.Sprintf("%v %+v %#v %x", restored, restored, restored, restored); bytes.Count([]byte(s), []byte("redacted")) != 4 {
		t.Error("a share formats")
	}
}

func TestCommittees(t *testing.T) {
	c := good(t, generate(t, &hub{n: 3}, plan(Ristretto255, 2, 3)))[0].Committee()
	b := c.Bytes()
	got, err := ParseCommittee(b)
	if err != nil || !got.Equal(c) || got.Scope() != scope || got.Members() != 3 || got.Threshold() != 2 {
		t.Fatalf("read back: %v", err)
	}
	for i := range 3 {
		if !got.Member(i + 1).Equal(c.Member(i + 1)) {
			t.Errorf("member %d has another key", i+1)
		}
	}
	for i := range b {
		if _, err := ParseCommittee(b[:i]); !errors.Is(err, ErrCommittee) {
			t.Errorf("cut at %d: %v", i, err)
		}
	}
	at := len(b) - 2*32 - 2
	for name, change := range map[string]func([]byte) []byte{
		"format":           func(b []byte) []byte { b[0]++; return b },
		"suite":            func(b []byte) []byte { b[1] = 9; return b },
		"scope":            func(b []byte) []byte { b[3] = ' '; return b },
		"threshold of one": func(b []byte) []byte { b[at+1] = 1; return b[:len(b)-32] },
		"above members":    func(b []byte) []byte { b[at] = 1; return b },
		"too many members": func(b []byte) []byte { b[at] = 65; return b },
		"identity":         func(b []byte) []byte { clear(b[at+2:][:32]); return b },
		"trailing":         func(b []byte) []byte { return append(b, 0) },
	} {
		if _, err := ParseCommittee(change(bytes.Clone(b))); !errors.Is(err, ErrCommittee) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzCommittee(f *testing.F) {
	g := P256.group()
	commitment, _ := vss.Deal(g, g.Int(5), 2, 3)
	f.Add(newCommittee(P256, scope, 3, commitment).Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := ParseCommittee(b)
		if err != nil {
			if !errors.Is(err, ErrCommittee) {
				t.Errorf("%v", err)
			}
			return
		}
		if !bytes.Equal(b, c.Bytes()) {
			t.Error("two encodings of one committee")
		}
	})
}
