package ot

import (
	"bytes"
	"errors"
	"net"
	"testing"

	"github.com/gtank/ristretto255"

	"github.com/comity-prl/comity/internal/wire"
	"github.com/comity-prl/comity/internal/wire/wiretest"
)

// base runs n base transfers.
func base(t testing.TB, wrap func(int, net.Conn) net.Conn, n int, os, or *Options) (keys [][2]Element, choices []byte, got []Element, errS, errR error) {
	r := source(1)
	choices = make([]byte, n)
	for i := range choices {
		choices[i] = byte(r.IntN(2))
	}
	errS, errR = pair(t, wrap,
		func(c *wire.Conn) (err error) { keys, err = BaseSend(c, testKind, n, os); return err },
		func(c *wire.Conn) (err error) { got, err = BaseReceive(c, testKind, choices, or); return err },
	)
	return
}

func TestBase(t *testing.T) {
	for _, n := range []int{1, 2, 33} {
		keys, choices, got, errS, errR := base(t, nil, n, nil, nil)
		if errS != nil || errR != nil {
			t.Fatal(errS, errR)
		}
		seen := map[Element]bool{}
		for i, k := range keys {
			if got[i] != k[choices[i]] {
				t.Errorf("n=%d: transfer %d: not the chosen string", n, i)
			}
			if seen[k[0]] || seen[k[1]] || k[0] == k[1] {
				t.Errorf("n=%d: transfer %d: a string came twice", n, i)
			}
			seen[k[0]], seen[k[1]] = true, true
		}
	}
}

// Sides that disagree on the session share no string.
func TestBaseSession(t *testing.T) {
	keys, _, got, errS, errR := base(t, nil, 8, &Options{Session: []byte("a")}, &Options{Session: []byte("b")})
	if errS != nil || errR != nil {
		t.Fatal(errS, errR)
	}
	for i, k := range keys {
		if got[i] == k[0] || got[i] == k[1] {
			t.Errorf("transfer %d: shared across sessions", i)
		}
	}
}

// The hash to the group depends on every part of its input.
func TestHashToGroup(t *testing.T) {
	a, b := newSession([]byte("a")), newSession([]byte("b"))
	p, q := make([]byte, pointSize), bytes.Repeat([]byte{1}, pointSize)
	seen := map[string]bool{}
	for _, in := range []struct {
		s     *session
		i, j  int
		point []byte
	}{{&a, 0, 0, p}, {&b, 0, 0, p}, {&a, 1, 0, p}, {&a, 0, 1, p}, {&a, 256, 0, p}, {&a, 0, 0, q}} {
		h, err := hashToGroup(in.s, in.i, in.j, in.point)
		if err != nil {
			t.Fatal(err)
		}
		seen[string(h.Bytes())] = true
	}
	if len(seen) != 6 {
		t.Errorf("%d hashes of 6 inputs", len(seen))
	}
}

func TestBaseHostile(t *testing.T) {
	fill := func(at int, b byte) func([]byte) []byte {
		return wiretest.Payload(func(p []byte) []byte {
			copy(p[at:], bytes.Repeat([]byte{b}, pointSize))
			return p
		})
	}
	tests := []struct {
		name   string
		side   int // 0 the sender of transfers, 1 the receiver
		change func([]byte) []byte
		want   error
	}{
		{"identity first", 0, fill(0, 0), ErrIdentity},
		{"identity later", 0, fill(3*pointSize, 0), ErrIdentity},
		{"non-canonical", 0, fill(pointSize, 0xff), ErrEncoding},
		{"negative", 0, fill(2*pointSize, 1), ErrEncoding},
		{"too few", 0, wiretest.Payload(func(p []byte) []byte { return p[:len(p)-2*pointSize] }), wire.ErrLength},
		{"too many", 0, wiretest.Payload(func(p []byte) []byte { return append(p, p[:2*pointSize]...) }), wire.ErrLength},
		{"none", 0, wiretest.Payload(func(p []byte) []byte { return nil }), wire.ErrLength},
		{"cut", 0, wiretest.Cut, wire.ErrLength},
		{"grown", 0, wiretest.Grow, wire.ErrLength},
		{"out of turn", 0, func(f []byte) []byte { f[0] = 99; return f }, wire.ErrKind},
		{"sender's identity", 1, fill(0, 0), ErrIdentity},
		{"sender's non-canonical", 1, fill(0, 0xff), ErrEncoding},
		{"sender's cut", 1, wiretest.Cut, wire.ErrLength},
		{"sender's grown", 1, wiretest.Grow, wire.ErrLength},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, _, _, errS, errR := base(t, on(tt.side, 0, tt.change), 4, nil, nil)
			mine := []error{errS, errR}[tt.side]
			if !errors.Is(mine, tt.want) {
				t.Errorf("%v, want %v", mine, tt.want)
			}
		})
	}
}

// A pair that a third party swapped for another valid one leaves no string shared.
func TestBaseSwapped(t *testing.T) {
	other := ristretto255.NewGeneratorElement().Bytes()
	swap := wiretest.Payload(func(p []byte) []byte { copy(p, other); return p })
	keys, _, got, errS, errR := base(t, on(0, 0, swap), 2, nil, nil)
	if errS != nil || errR != nil {
		t.Fatal(errS, errR)
	}
	if got[0] == keys[0][0] || got[0] == keys[0][1] {
		t.Error("a string of the changed transfer is shared")
	}
	if _, choices, _, _, _ := base(t, nil, 2, nil, nil); got[1] != keys[1][choices[1]] {
		t.Error("the transfer that was left alone is not")
	}
}

func TestBaseOptions(t *testing.T) {
	for _, n := range []int{0, -1, maxBase + 1} {
		if _, err := BaseSend(nil, testKind, n, nil); !errors.Is(err, ErrOptions) {
			t.Errorf("BaseSend of %d: %v", n, err)
		}
	}
	if _, err := BaseReceive(nil, testKind, nil, nil); !errors.Is(err, ErrOptions) {
		t.Errorf("BaseReceive of none: %v", err)
	}
}

// BenchmarkBaseOT makes 128 transfers, both parties in one process.
func BenchmarkBaseOT(b *testing.B) {
	for b.Loop() {
		if _, _, _, errS, errR := base(b, nil, 128, nil, nil); errS != nil || errR != nil {
			b.Fatal(errS, errR)
		}
	}
	b.ReportMetric(128*2*pointSize+pointSize+2*5, "wire-B")
}
