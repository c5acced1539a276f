package tokenize

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comity-prl/comity/internal/oprf"
	"github.com/comity-prl/comity/internal/vss"
)

// fault is a MemberError that can be compared.
type fault struct {
	member int
	err    error
}

func faults(list []*MemberError) []fault {
	var out []fault
	for _, e := range list {
		out = append(out, fault{e.Member, e.Err})
	}
	return out
}

// Four members, threshold two: what one does wrong names it and stops nobody.
func TestFaultyMembers(t *testing.T) {
	const bad = 2
	g := Ristretto255.group()
	rogue, _ := vss.Deal(g, g.Int(7), 2, 4)
	for name, tt := range map[string]struct {
		absent []int
		tamper func(round, from, to int, m *Received)
		want   []fault
	}{
		"absent": {
			absent: []int{bad},
			want:   []fault{{bad, ErrMissing}},
		},
		"commitment malformed": {
			tamper: func(round, from, _ int, m *Received) {
				if round == 1 && from == bad {
					m.Broadcast = m.Broadcast[:len(m.Broadcast)-1]
				}
			},
			want: []fault{{bad, ErrDealing}},
		},
		"no proof of knowledge": {
			tamper: func(round, from, _ int, m *Received) {
				if round == 1 && from == bad {
					rogue[0].Append(m.Broadcast[:1+oprf.ProofSize])
					rogue[1].Append(m.Broadcast[:1+oprf.ProofSize+32])
				}
			},
			want: []fault{{bad, ErrDealing}},
		},
		"one share wrong, and opened": {
			tamper: func(round, from, to int, m *Received) {
				if round == 1 && from == bad && to == 3 {
					m.Private[0] ^= 1
				}
			},
		},
		"one share missing, and opened": {
			tamper: func(round, from, to int, m *Received) {
				if round == 1 && from == bad && to == 3 {
					m.Private = nil
				}
			},
		},
		"one share wrong, and not opened": {
			tamper: func(round, from, to int, m *Received) {
				if from == bad && (round == 1 && to == 3 || round == 3) {
					m.Private, m.Broadcast = nil, m.Broadcast[:len(m.Broadcast)*(3-round)/2]
				}
			},
			want: []fault{{bad, ErrDealing}},
		},
		"a false complaint": {
			tamper: func(round, from, _ int, m *Received) {
				if round == 2 && from == bad {
					m.Broadcast[1+3*33-1] = 1 // against member 3, who opens the share
				}
			},
		},
		"silent in round 2": {
			tamper: func(round, from, _ int, m *Received) {
				if round == 2 && from == bad {
					m.Broadcast = nil
				}
			},
			want: []fault{{bad, ErrMissing}},
		},
		"rubbish in round 4": {
			tamper: func(round, from, _ int, m *Received) {
				if round == 4 && from == bad {
					m.Broadcast = []byte("rubbish")
				}
			},
			want: []fault{{bad, ErrMissing}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			outcomes := generate(t, &hub{n: 4, absent: tt.absent, tamper: tt.tamper}, plan(Ristretto255, 2, 4))
			var shares []*Share
			for i, o := range outcomes {
				if i+1 == bad {
					shares = append(shares, nil)
					continue // it sees itself differently
				}
				if o.err != nil {
					t.Fatalf("member %d: %v", i+1, o.err)
				}
				if diff := cmp.Diff(tt.want, faults(o.faults), cmp.AllowUnexported(fault{}), cmp.Comparer(errorIs)); diff != "" {
					t.Errorf("member %d (-want +got):\n%s", i+1, diff)
				}
				shares = append(shares, o.share)
			}
			tokens := func(a, b int) Token {
				ts := make([]Transport, 4)
				for _, i := range []int{a, b} {
					ts[i] = direct(serve(t, map[Scope]Key{scope: shares[i].Key()}))
				}
				return evaluate(t, thresholdClient(t, shares[0].Committee(), ts, nil), "x")[0]
			}
			if tokens(0, 2) != tokens(2, 3) {
				t.Error("two coalitions have two keys")
			}
		})
	}
}

func errorIs(a, b error) bool { return errors.Is(a, b) || errors.Is(b, a) }

// t complaints disqualify a dealer, and too few dealers end the ceremony.
func TestTooManyComplaints(t *testing.T) {
	drop := func(dealers ...int) func(round, from, to int, m *Received) {
		return func(round, from, to int, m *Received) {
			if round == 1 && to > 1 && slices.Contains(dealers, from) {
				m.Private = nil
			}
		}
	}
	for i, o := range generate(t, &hub{n: 4, tamper: drop(1)}, plan(Ristretto255, 2, 4)) {
		if o.err != nil || len(o.faults) != 1 || o.faults[0].Member != 1 || !errors.Is(o.faults[0], ErrDealing) {
			t.Errorf("member %d: %v, %v", i+1, faults(o.faults), o.err)
		}
	}
	for i, o := range generate(t, &hub{n: 4, tamper: drop(1, 2, 3)}, plan(Ristretto255, 2, 4)) {
		var at *MemberError
		if !errors.Is(o.err, ErrCeremony) || !errors.As(o.err, &at) || at.Member != 1 {
			t.Errorf("member %d: %v", i+1, o.err)
		}
	}
}

// Different things told to different members end the ceremony.
func TestEquivocation(t *testing.T) {
	for round := 1; round <= 4; round++ {
		h := &hub{n: 3, tamper: func(r, from, to int, m *Received) {
			if r != round || from != 1 || to != 2 {
				return
			}
			switch round {
			case 1:
				m.Broadcast[5] ^= 1
			case 2:
				m.Broadcast[1] ^= 1
			case 3:
				return
			case 4:
				m.Broadcast[0] ^= 1
			}
		}}
		var ended int
		for _, o := range generate(t, h, plan(Ristretto255, 2, 3)) {
			if errors.Is(o.err, ErrBroadcast) {
				ended++
			}
		}
		if (ended > 0) != (round != 3) {
			t.Errorf("round %d: %d members noticed", round, ended)
		}
	}
}

// Members that see different complaints come to different committees, and notice.
func TestComplaintToldToOne(t *testing.T) {
	h := &hub{n: 3, tamper: func(r, from, to int, m *Received) {
		switch {
		case r == 2 && from == 1 && to == 2:
			m.Broadcast[1+3*33-1] = 1 // against member 3, which is not told
		}
	}}
	var noticed int
	for _, o := range generate(t, h, plan(Ristretto255, 2, 3)) {
		if errors.Is(o.err, ErrBroadcast) {
			noticed++
		}
	}
	if noticed == 0 {
		t.Error("nobody noticed")
	}
}

// Ceremonies with different sessions do not mix.
func TestSessionsDiffer(t *testing.T) {
	h := &hub{n: 2}
	for _, o := range h.play(t.Context(), func(ctx context.Context, self int, x Exchange) outcome {
		p := plan(P256, 2, 2)
		p.Session[0] = byte(self)
		share, faults, err := Generate(ctx, p, self, x)
		return outcome{share, faults, err}
	}) {
		if o.err == nil {
			t.Error("a ceremony of two sessions has a result")
		}
	}
	shares := good(t, generate(t, &hub{n: 2}, plan(Ristretto255, 2, 2)))
	h = &hub{n: 2}
	noticed := false
	for _, o := range h.play(t.Context(), func(ctx context.Context, self int, x Exchange) outcome {
		share, faults, err := shares[self-1].Refresh(ctx, [32]byte{byte(self)}, x)
		return outcome{share, faults, err}
	}) {
		noticed = noticed || errors.Is(o.err, ErrBroadcast)
	}
	if !noticed {
		t.Error("a refresh of two sessions goes unnoticed")
	}
}

// An old member that deals something else than its share is left out of a reshare,
// and one that deals something else than zero out of a refresh.
func TestWrongSecretDealt(t *testing.T) {
	shares := good(t, generate(t, &hub{n: 3}, plan(Ristretto255, 2, 3)))
	c := shares[0].Committee()
	want := evaluate(t, thresholdClient(t, c, servers(t, shares, 7), nil), "x", "y")
	forged := slices.Clone(shares)
	forged[0] = newShare(c, 1, Ristretto255.group().Random())

	outcomes := reshare(t, &hub{n: 6}, plan(Ristretto255, 2, 3), forged)
	for i, o := range outcomes[3:] {
		if o.err != nil || len(o.faults) != 1 || o.faults[0].Member != 1 {
			t.Fatalf("new member %d: %v, %v", i+1, faults(o.faults), o.err)
		}
	}
	moved := good(t, outcomes[3:])
	checkCoalitions(t, moved, want)

	g := Ristretto255.group()
	commitment, dealt := vss.Deal(g, g.Int(1), 2, 3)
	h := &hub{n: 3, tamper: func(round, from, to int, m *Received) {
		if round == 1 && from == 1 {
			m.Broadcast = commitment[1].Append([]byte{format})
			m.Private = oprf.Encode(dealt[to-1])
		}
	}}
	outcomes = refresh(t, h, shares)
	for i, o := range outcomes[1:] {
		if o.err != nil || len(o.faults) == 0 || o.faults[0].Member != 1 {
			t.Errorf("member %d: %v, %v", i+2, faults(o.faults), o.err)
		}
	}
}

// A member that misses a refresh is left behind; the others go on.
func TestAbsentFromRefresh(t *testing.T) {
	shares := good(t, generate(t, &hub{n: 3}, plan(P256, 2, 3)))
	want := evaluate(t, thresholdClient(t, shares[0].Committee(), servers(t, shares, 7), nil), "x")
	outcomes := refresh(t, &hub{n: 3, absent: []int{3}}, shares)
	fresh := good(t, outcomes[:2])
	fresh = append(fresh, shares[2])
	var named []int
	o := &OPRFOptions{Requests: 1, Fault: func(e *MemberError) { named = append(named, e.Member) }}
	f := thresholdClient(t, fresh[0].Committee(), servers(t, fresh, 7), o)
	for range 10 {
		if !slices.Equal(want, evaluate(t, f, "x")) {
			t.Fatal("tokens changed")
		}
	}
	if slices.ContainsFunc(named, func(m int) bool { return m != 3 }) {
		t.Errorf("named: %v", named)
	}
}

func TestCeremonyRefuses(t *testing.T) {
	x := (&hub{n: 2}).exchange(1)
	good := func() *Plan { return plan(Ristretto255, 2, 3) }
	for name, tt := range map[string]struct {
		change func(p *Plan)
		member int
		want   error
	}{
		"suite":               {func(p *Plan) { p.Suite = 0 }, 1, ErrPlan},
		"threshold of one":    {func(p *Plan) { p.Threshold = 1 }, 1, ErrPlan},
		"threshold too high":  {func(p *Plan) { p.Threshold = 4 }, 1, ErrPlan},
		"too many members":    {func(p *Plan) { p.Members = MaxMembers + 1 }, 1, ErrPlan},
		"member 0":            {func(*Plan) {}, 0, ErrPlan},
		"member 4":            {func(*Plan) {}, 4, ErrPlan},
		"purpose":             {func(p *Plan) { p.Scope.Purpose = "" }, 1, ErrScope},
		"epoch":               {func(p *Plan) { p.Scope.Epoch = "" }, 1, ErrEpoch},
		"another scope later": {func(p *Plan) { p.Scope.Epoch = "other" }, 1, ErrPlan},
	} {
		p := good()
		tt.change(p)
		var err error
		if name == "another scope later" {
			g := p.Suite.group()
			commitment, _ := vss.Deal(g, g.Random(), 2, 3)
			_, _, err = Join(t.Context(), p, newCommittee(p.Suite, scope, 3, commitment), 1, x)
		} else {
			_, _, err = Generate(t.Context(), p, tt.member, x)
		}
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
	boom := errors.New("boom")
	for round := 1; round <= 4; round++ {
		h := &hub{n: 2}
		for i, o := range h.play(t.Context(), func(ctx context.Context, self int, x Exchange) outcome {
			share, faults, err := Generate(ctx, plan(P256, 2, 2), self, func(ctx context.Context, r Round) ([]Received, error) {
				if r.Number == round {
					return nil, boom
				}
				return x(ctx, r)
			})
			return outcome{share, faults, err}
		}) {
			if !errors.Is(o.err, boom) {
				t.Errorf("round %d, member %d: %v", round, i+1, o.err)
			}
		}
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(boom)
	if _, _, err := Generate(ctx, good(), 1, x); !errors.Is(err, boom) {
		t.Errorf("ended: %v", err)
	}
}

// Whatever the other members send, an honest one has an error or a good share.
func FuzzCeremony(f *testing.F) {
	g := Ristretto255.group()
	p := plan(Ristretto255, 2, 2)
	secret := g.Int(5)
	c := &ceremony{group: g, id: p.id(kindGenerate, nil), threshold: 2, receivers: 2, dealers: 2, self: 2, secret: secret}
	dealt, _ := c.deal()
	f.Add(dealt.Broadcast, dealt.Private[0], make([]byte, 67), []byte{format}, make([]byte, 32))
	f.Add([]byte{}, []byte{}, []byte{}, []byte{}, []byte{})
	f.Fuzz(func(t *testing.T, dealing, private, verdict, answer, confirmation []byte) {
		x := func(_ context.Context, r Round) ([]Received, error) {
			other := Received{Broadcast: [][]byte{dealing, verdict, answer, confirmation}[r.Number-1]}
			if r.Number == 1 {
				other.Private = private
			}
			return []Received{{}, other}, nil
		}
		share, _, err := Generate(t.Context(), p, 1, x)
		if err == nil && !share.Committee().Member(1).Equal(share.Key().Public()) {
			t.Error("a share that is not the committee's")
		}
	})
}
