package psi_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/comity-prl/comity/internal/wire/wiretest"
	"github.com/comity-prl/comity/psi"
)

func countParams(s psi.Suite) *psi.Params {
	p := params(s)
	p.Function = psi.Cardinality
	return p
}

type counted struct {
	count      *psi.Count
	handles    *psi.Handles
	errR, errS error
}

func countOver(ctx context.Context, r, s io.ReadWriteCloser, pr, ps *psi.Params, receiver, sender *psi.Set) (c counted) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer s.Close()
		c.handles, c.errS = psi.Send(ctx, s, ps, sender)
	}()
	c.count, c.errR = psi.ReceiveCount(ctx, r, pr, receiver)
	r.Close()
	<-done
	return c
}

func count(ctx context.Context, p *psi.Params, receiver, sender *psi.Set) counted {
	r, s := net.Pipe()
	return countOver(ctx, r, s, p, p, receiver, sender)
}

// Suites that support Cardinality count the distinct items that the sets share, and
// leave the sender nothing that stands for an item. The others refuse by name.
func TestCardinality(t *testing.T) {
	eachSuite(t, func(t *testing.T, s psi.Suite) {
		for _, w := range workloads {
			if len(w.receiver)+len(w.sender) > 200 {
				continue // masking takes time
			}
			t.Run(w.name, func(t *testing.T) {
				t.Parallel()
				receiver, sender := psi.NewSet(w.receiver, binding), psi.NewSet(w.sender, binding)
				c := count(t.Context(), countParams(s), receiver, sender)
				if !s.Supports(psi.Cardinality) {
					if !errors.Is(c.errR, psi.ErrFunction) || !errors.Is(c.errS, psi.ErrFunction) || c.count != nil || c.handles != nil {
						t.Errorf("receiver: %v; sender: %v; want %v and no result", c.errR, c.errS, psi.ErrFunction)
					}
					return
				}
				if c.errR != nil || c.errS != nil {
					t.Fatalf("receiver: %v; sender: %v", c.errR, c.errS)
				}
				shared := map[[32]byte]bool{}
				for _, p := range joined(w.receiver, w.sender) {
					shared[w.receiver[p[0]]] = true
				}
				if want := (psi.Count{PeerSize: sender.Len(), N: len(shared)}); *c.count != want {
					t.Errorf("%+v, want %+v", *c.count, want)
				}
				if c.handles.PeerSize != receiver.Len() || c.handles.PeerBound != receiver.Len() {
					t.Errorf("the sender hears of %d items, at most %d; want %d", c.handles.PeerSize, c.handles.PeerBound, receiver.Len())
				}
				for range c.handles.All() {
					t.Fatal("a count left the sender a handle")
				}
				if c.handles.Len() != 0 {
					t.Errorf("%d handles", c.handles.Len())
				}
			})
		}
	})
}

func TestSupports(t *testing.T) {
	for suite, want := range map[psi.Suite]bool{
		psi.ECDHRistretto255(): true, psi.ECDHP256(): true, psi.Auto(): true, psi.VOLE(): false, psi.VOLEMalicious(): false,
	} {
		if suite.Supports(psi.Cardinality) != want || !suite.Supports(psi.Intersection) || suite.Supports(3) || suite.Supports(0) {
			t.Errorf("%v supports the wrong functions", suite)
		}
	}
}

// A call for another function than the parameters say does nothing, and neither does
// a run whose sides want different ones.
func TestFunctionsDiffer(t *testing.T) {
	set := psi.NewSet(items(0, 9), binding)
	if _, err := psi.ReceiveCount(t.Context(), nil, params(nil), set); !errors.Is(err, psi.ErrFunction) {
		t.Errorf("a count of an intersection: %v", err)
	}
	if _, err := psi.Receive(t.Context(), nil, countParams(nil), set); !errors.Is(err, psi.ErrFunction) {
		t.Errorf("an intersection of a count: %v", err)
	}
	if _, err := psi.Send(t.Context(), nil, &psi.Params{Function: 3}, set); !errors.Is(err, psi.ErrFunction) {
		t.Errorf("an unknown function: %v", err)
	}
	r, s := net.Pipe()
	if c := countOver(t.Context(), r, s, countParams(nil), params(nil), set, set); !errors.Is(c.errR, psi.ErrFunction) || !errors.Is(c.errS, psi.ErrFunction) {
		t.Errorf("receiver counts: %v; sender does not: %v", c.errR, c.errS)
	}
	r, s = net.Pipe()
	if o := over(t.Context(), r, s, params(nil), countParams(nil), set, set); !errors.Is(o.errR, psi.ErrFunction) || !errors.Is(o.errS, psi.ErrFunction) {
		t.Errorf("receiver does not count: %v; sender does: %v", o.errR, o.errS)
	}
}

// Hostile frames of a count are typed errors; what stays within the protocol cannot
// lift the count above the receiver's own size.
func TestHostileCount(t *testing.T) {
	const elements, tags = frameElements, frameElements + 1 // as the receiver reads them
	zero := wiretest.Payload(func(p []byte) []byte { return append(make([]byte, 32), p[32:]...) })
	repeat := wiretest.Payload(func(p []byte) []byte { return append(bytes.Repeat(p[:len(p)/40], 39), p[len(p)/40*39:]...) })
	for _, tt := range []struct {
		name   string
		victim string
		frame  int
		change func([]byte) []byte
		want   error
	}{
		{"elements cut", "receiver", elements, wiretest.Cut, psi.ErrLength},
		{"identity", "receiver", elements, zero, psi.ErrIdentity},
		{"tags cut", "receiver", tags, wiretest.Cut, psi.ErrLength},
		{"tags with a tail", "receiver", tags, wiretest.Grow, psi.ErrLength},
		{"tags out of turn", "receiver", tags, func(f []byte) []byte { f[0] = 99; return f }, psi.ErrMessage},
		{"tags repeated", "receiver", tags, repeat, nil},
		{"elements repeated", "receiver", elements, repeat, nil},
		{"elements cut", "sender", elements, wiretest.Cut, psi.ErrLength},
		{"identity", "sender", elements, zero, psi.ErrIdentity},
		{"done with a tail", "sender", elements + 1, wiretest.Grow, psi.ErrLength},
	} {
		t.Run(fmt.Sprintf("%s read by %s", tt.name, tt.victim), func(t *testing.T) {
			t.Parallel()
			set := psi.NewSet(items(0, 40), binding)
			r, s := net.Pipe()
			var c counted
			if tt.victim == "receiver" {
				c = countOver(t.Context(), &wiretest.Tamper{Conn: r, Frame: tt.frame, Change: tt.change}, s, countParams(nil), countParams(nil), set, set)
			} else {
				c = countOver(t.Context(), r, &wiretest.Tamper{Conn: s, Frame: tt.frame, Change: tt.change}, countParams(nil), countParams(nil), set, set)
				c.errR, c.errS = c.errS, c.errR // the victim's first
			}
			if tt.want == nil {
				if c.errR != nil || c.errS != nil || c.count.N > 40 {
					t.Errorf("%+v, receiver: %v; sender: %v", c.count, c.errR, c.errS)
				}
				return
			}
			if !errors.Is(c.errR, tt.want) {
				t.Errorf("%v, want %v", c.errR, tt.want)
			}
			if tt.victim == "receiver" && c.count != nil || tt.victim == "sender" && c.handles != nil {
				t.Error("a result came with the error")
			}
		})
	}
}

// A count of padded sets is that of the sets.
func TestCardinalityOfPadded(t *testing.T) {
	receiver, sender := padded(t, items(0, 30), 64), padded(t, items(10, 50), 100)
	for _, s := range []psi.Suite{psi.ECDHRistretto255(), psi.ECDHP256(), psi.Auto()} {
		c := count(t.Context(), countParams(s), receiver, sender)
		if c.errR != nil || c.errS != nil {
			t.Fatalf("receiver: %v; sender: %v", c.errR, c.errS)
		}
		if want := (psi.Count{PeerSize: 100, N: 20}); *c.count != want || c.handles.PeerSize != 64 {
			t.Errorf("%v: %+v and %d, want %+v and 64", s, *c.count, c.handles.PeerSize, want)
		}
	}
}
