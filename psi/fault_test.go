package psi_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/comity-prl/comity/internal/wire/wiretest"
	"github.com/comity-prl/comity/psi"
)

// A wrong set-up is the same typed error on both sides, never an empty result.
func TestSetUpDiffers(t *testing.T) {
	other := func(change func(*psi.Binding, *psi.Params)) func(s psi.Suite) (psi.Binding, *psi.Params) {
		return func(s psi.Suite) (psi.Binding, *psi.Params) {
			b, p := binding, params(s)
			change(&b, p)
			return b, p
		}
	}
	tests := []struct {
		name  string
		other func(psi.Suite) (psi.Binding, *psi.Params)
		want  error
	}{
		{"epoch", other(func(b *psi.Binding, _ *psi.Params) { b.Epoch = "2027-Q1" }), psi.ErrEpoch},
		{"configuration", other(func(b *psi.Binding, _ *psi.Params) { b.Config[31] = 9 }), psi.ErrConfig},
		{"secret", other(func(b *psi.Binding, _ *psi.Params) { b.Key[31] = 9 }), psi.ErrKey},
		{"session", other(func(_ *psi.Binding, p *psi.Params) { p.Session = []byte("other") }), psi.ErrSession},
		{"suite", other(func(_ *psi.Binding, p *psi.Params) {
			for _, s := range psi.Suites() {
				if s.ID() != p.Suite.ID() {
					p.Suite = s
					return
				}
			}
		}), psi.ErrSuite},
	}
	eachSuite(t, func(t *testing.T, s psi.Suite) {
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				t.Parallel()
				b, p := tt.other(s)
				o := both(t.Context(), params(s), p, psi.NewSet(items(0, 9), binding), psi.NewSet(items(0, 9), b))
				if !errors.Is(o.errR, tt.want) || !errors.Is(o.errS, tt.want) {
					t.Errorf("receiver: %v; sender: %v; want %v on both", o.errR, o.errS, tt.want)
				}
				if o.result != nil || o.handles != nil {
					t.Error("a result came with the error")
				}
			})
		}
	})
}

func TestBothWantOneRole(t *testing.T) {
	a, b := net.Pipe()
	set := psi.NewSet(items(0, 3), binding)
	done := make(chan error, 1)
	go func() { _, err := psi.Receive(t.Context(), b, params(nil), set); done <- err }()
	_, err := psi.Receive(t.Context(), a, params(nil), set)
	if peer := <-done; !errors.Is(err, psi.ErrRole) || !errors.Is(peer, psi.ErrRole) {
		t.Errorf("%v and %v, want %v twice", err, peer, psi.ErrRole)
	}
}

func TestSizesAboveTheMaximum(t *testing.T) {
	small := func(change func(*psi.Params)) *psi.Params {
		p := params(nil)
		change(p)
		return p
	}
	tests := []struct {
		name         string
		pr, ps       *psi.Params
		wantR, wantS error
	}{
		{"own set, receiver", small(func(p *psi.Params) { p.MaxReceiver = 2 }), params(nil), psi.ErrTooLarge, psi.ErrAborted},
		{"own set, sender", params(nil), small(func(p *psi.Params) { p.MaxSender = 2 }), psi.ErrAborted, psi.ErrTooLarge},
		{"peer's set, receiver", small(func(p *psi.Params) { p.MaxSender = 2 }), params(nil), psi.ErrTooLarge, psi.ErrAborted},
		{"peer's set, sender", params(nil), small(func(p *psi.Params) { p.MaxReceiver = 2 }), psi.ErrAborted, psi.ErrTooLarge},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			set := psi.NewSet(items(0, 3), binding)
			o := both(t.Context(), tt.pr, tt.ps, set, set)
			if !errors.Is(o.errR, tt.wantR) || !errors.Is(o.errS, tt.wantS) {
				t.Errorf("receiver: %v; sender: %v; want %v and %v", o.errR, o.errS, tt.wantR, tt.wantS)
			}
		})
	}
}

func TestBindingWithoutKey(t *testing.T) {
	a, b := net.Pipe()
	go func() { _, _ = io.Copy(io.Discard, b) }()
	defer b.Close()
	set := psi.NewSet(items(0, 3), psi.Binding{Epoch: "e"})
	if _, err := psi.Receive(t.Context(), a, params(nil), set); !errors.Is(err, psi.ErrNoKey) {
		t.Errorf("%v, want %v", err, psi.ErrNoKey)
	}
}

const (
	frameHello = iota
	frameConfirm
	frameSize
	frameElements
)

// Hostile frames: each is a distinct error here, and the peer sees only an alert.
func TestHostilePeer(t *testing.T) {
	fill := func(b byte) func([]byte) []byte {
		return wiretest.Payload(func(p []byte) []byte { return append(bytes.Repeat([]byte{b}, 32), p[32:]...) })
	}
	flip := func(at int) func([]byte) []byte {
		return wiretest.Payload(func(p []byte) []byte { p[at] ^= 1; return p })
	}
	tests := []struct {
		name   string
		frame  int
		change func([]byte) []byte
		want   error
	}{
		{"hello empty", frameHello, wiretest.Payload(func([]byte) []byte { return nil }), psi.ErrLength},
		{"hello cut", frameHello, wiretest.Cut, psi.ErrLength},
		{"hello with a tail", frameHello, wiretest.Grow, psi.ErrLength},
		{"another version", frameHello, flip(0), psi.ErrVersion},
		{"an unknown role", frameHello, wiretest.Payload(func(p []byte) []byte { p[1] = 9; return p }), psi.ErrRole},
		{"another function", frameHello, flip(4), psi.ErrFunction},
		{"nonce changed on the way", frameHello, wiretest.Payload(func(p []byte) []byte { p[len(p)-1] ^= 1; return p }), psi.ErrKey},
		{"confirmation cut", frameConfirm, wiretest.Cut, psi.ErrLength},
		{"confirmation with a tail", frameConfirm, wiretest.Grow, psi.ErrLength},
		{"confirmation flipped", frameConfirm, flip(0), psi.ErrKey},
		{"size cut", frameSize, wiretest.Cut, psi.ErrLength},
		{"size beyond all bounds", frameSize, fillSize(0xff), psi.ErrTooLarge},
		{"elements cut", frameElements, wiretest.Cut, psi.ErrLength},
		{"elements with a tail", frameElements, wiretest.Grow, psi.ErrLength},
		{"identity", frameElements, fill(0), psi.ErrIdentity},
		{"non-canonical element", frameElements, fill(0xff), psi.ErrEncoding},
		{"out of turn", frameElements, func(f []byte) []byte { f[0] = 99; return f }, psi.ErrMessage},
		{"frame beyond all bounds", frameElements, func(f []byte) []byte { copy(f[1:5], "\xff\xff\xff\xff"); return f[:5] }, psi.ErrLength},
		{"hang-up before hello", frameHello, func([]byte) []byte { return nil }, psi.ErrTruncated},
		{"hang-up before elements", frameElements, func([]byte) []byte { return nil }, psi.ErrTruncated},
		{"hang-up inside a frame", frameElements, func(f []byte) []byte { return nil }, psi.ErrTruncated},
	}
	set := psi.NewSet(items(0, 40), binding)
	for _, victim := range []string{"receiver", "sender"} {
		for _, tt := range tests {
			t.Run(victim+"/"+tt.name, func(t *testing.T) {
				t.Parallel()
				r, s := net.Pipe()
				var o outcome
				var mine, theirs error
				if victim == "receiver" {
					o = over(t.Context(), &wiretest.Tamper{Conn: r, Frame: tt.frame, Change: tt.change}, s, params(nil), params(nil), set, set)
					mine, theirs = o.errR, o.errS
				} else {
					o = over(t.Context(), r, &wiretest.Tamper{Conn: s, Frame: tt.frame, Change: tt.change}, params(nil), params(nil), set, set)
					mine, theirs = o.errS, o.errR
				}
				if !errors.Is(mine, tt.want) {
					t.Errorf("%v, want %v", mine, tt.want)
				}
				if theirs == nil {
					t.Error("the peer noticed nothing")
				}
				if o.result != nil && victim == "receiver" || o.handles != nil && victim == "sender" {
					t.Error("a result came with the error")
				}
			})
		}
	}
}

func fillSize(b byte) func([]byte) []byte {
	return wiretest.Payload(func(p []byte) []byte { return bytes.Repeat([]byte{b}, len(p)) })
}

// What the peer of a failed run gets to see is one alert, whatever went wrong.
func TestOneAlert(t *testing.T) {
	set := psi.NewSet(items(0, 40), binding)
	for name, tm := range map[string]wiretest.Tamper{
		"identity":     {Frame: frameElements, Change: wiretest.Payload(func(p []byte) []byte { return make([]byte, len(p)) })},
		"encoding":     {Frame: frameElements, Change: wiretest.Payload(func(p []byte) []byte { return bytes.Repeat([]byte{255}, len(p)) })},
		"length":       {Frame: frameElements, Change: wiretest.Payload(func(p []byte) []byte { return p[1:] })},
		"out of turn":  {Frame: frameElements, Change: func(f []byte) []byte { f[0] = 99; return f }},
		"key":          {Frame: frameConfirm, Change: wiretest.Payload(func(p []byte) []byte { p[0] ^= 1; return p })},
		"size too big": {Frame: frameSize, Change: fillSize(0xff)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, s := net.Pipe()
			tm.Conn = r
			o := over(t.Context(), &tm, s, params(nil), params(nil), set, set)
			if !errors.Is(o.errS, psi.ErrAborted) {
				t.Errorf("the peer saw %v, want %v", o.errS, psi.ErrAborted)
			}
		})
	}
}

// Whatever ends a run, no goroutine stays behind and no error names an item.
func TestCancel(t *testing.T) {
	eachSuite(t, func(t *testing.T, s psi.Suite) {
		before := runtime.NumGoroutine()
		ctx, cancel := context.WithCancelCause(t.Context())
		cause := errors.New("the operator gave up")
		p := params(s)
		p.Progress = func(psi.Progress) { cancel(cause) }
		set := psi.NewSet(items(0, 5000), binding)
		o := both(ctx, p, params(s), set, set)
		if !errors.Is(o.errR, cause) || !errors.Is(o.errS, cause) {
			t.Errorf("receiver: %v; sender: %v; want the context's cause", o.errR, o.errS)
		}
		settled := func() bool { return runtime.NumGoroutine() <= before }
		for end := time.Now().Add(5 * time.Second); !settled() && time.Now().Before(end); {
			time.Sleep(time.Millisecond)
		}
		if !settled() {
			t.Errorf("%d goroutines, %d before", runtime.NumGoroutine(), before)
		}
	})
}

// plain is a stream with neither deadlines nor Close.
type plain struct{ io.ReadWriter }

func TestCancelWithoutDeadlines(t *testing.T) {
	r, s := net.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	p := params(nil)
	p.Progress = func(psi.Progress) { cancel() }
	set := psi.NewSet(items(0, 5000), binding)
	done := make(chan error, 1)
	go func() { _, err := psi.Send(t.Context(), s, params(nil), set); s.Close(); done <- err }()
	go func() { <-ctx.Done(); time.Sleep(50 * time.Millisecond); r.Close() }()
	_, err := psi.Receive(ctx, plain{r}, p, set)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want %v", err, context.Canceled)
	}
	if err := <-done; err == nil {
		t.Error("the peer noticed nothing")
	}
}

func TestBindingHidesItsKey(t *testing.T) {
	b := psi.Binding{Epoch: "2026", Key: [32]byte(bytes.Repeat([]byte{0xab}, 32))}
	json, err := b.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{fmt.Sprint(b), fmt.Sprintf("%+v", b), fmt.Sprintf("%#v", b), fmt.Sprintf("%x", b), b.LogValue().String(), string(json)} {
		if strings.Contains(strings.ToLower(s), "abab") || strings.Contains(s, "171") {
			t.Error("a binding shows its key")
		}
	}
}
