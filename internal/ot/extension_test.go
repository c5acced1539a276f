package ot

import (
	"errors"
	"fmt"
	"net"
	"testing"

	"github.com/comity-prl/comity/internal/gf128"
	"github.com/comity-prl/comity/internal/wire"
	"github.com/comity-prl/comity/internal/wire/wiretest"
)

// extend runs an extension over random choices.
func extend(t testing.TB, wrap func(int, net.Conn) net.Conn, chunks int, os, or *Options) (s *Sent, r *Received, choices []Element, errS, errR error) {
	choices = randomElements(source(2), chunks)
	errS, errR = pair(t, wrap,
		func(c *wire.Conn) (err error) { s, err = Send(c, testKind, chunks, os); return err },
		func(c *wire.Conn) (err error) { r, err = Receive(c, testKind, choices, or); return err },
	)
	return
}

func options(k int, semiHonest bool) *Options {
	return &Options{Session: []byte("test"), SemiHonest: semiHonest, FieldBits: k}
}

// Row by row, q = t + u·Δ; and so for products and for strings.
func TestExtension(t *testing.T) {
	for _, k := range []int{0, 1, 2, 4, 8} {
		for _, semiHonest := range []bool{false, true} {
			for _, chunks := range []int{1, 3, frameChunks + 1} {
				if chunks > 1 && (semiHonest || k > 1) {
					continue
				}
				t.Run(fmt.Sprintf("k=%d/semi=%v/chunks=%d", k, semiHonest, chunks), func(t *testing.T) {
					s, r, choices, errS, errR := extend(t, nil, chunks, options(k, semiHonest), options(k, semiHonest))
					if errS != nil || errR != nil {
						t.Fatal(errS, errR)
					}
					for _, j := range []int{0, chunks / 2, chunks - 1} {
						checkChunk(t, s, r, choices, j)
					}
				})
			}
		}
	}
}

// No side waits for the other to read what nobody reads.
func TestExtensionUnbuffered(t *testing.T) {
	a, b := net.Pipe()
	choices := randomElements(source(2), 2)
	var s *Sent
	var r *Received
	errS, errR := both(t, a, b,
		func(c *wire.Conn) (err error) { s, err = Send(c, testKind, len(choices), nil); return err },
		func(c *wire.Conn) (err error) { r, err = Receive(c, testKind, choices, nil); return err },
	)
	if errS != nil || errR != nil {
		t.Fatal(errS, errR)
	}
	checkChunk(t, s, r, choices, 1)
}

func checkChunk(t *testing.T, s *Sent, r *Received, choices []Element, j int) {
	t.Helper()
	q := [128]Element(s.columns[128*j:])
	v := [128]Element(r.columns[128*j:])
	transpose(&q)
	transpose(&v)
	sent, got := s.Keys(j), r.Keys(j)
	for i := range q {
		u := bit(choices[j], i)
		if q[i] != v[i].Add(s.Delta.Masked(u)) {
			t.Fatalf("chunk %d: row %d: not t + u·Δ", j, i)
		}
		if got[i] != sent[i][u] || got[i] == sent[i][1-u] {
			t.Fatalf("chunk %d: transfer %d: not the chosen string alone", j, i)
		}
	}
	if s.Packed(j) != r.Packed(j).Add(choices[j].Mul(s.Delta)) {
		t.Fatalf("chunk %d: packed rows are no product", j)
	}
}

func TestSessionsDiffer(t *testing.T) {
	_, _, _, errS, errR := extend(t, nil, 1, &Options{Session: []byte("a")}, &Options{Session: []byte("b")})
	if !errors.Is(errS, ErrTree) || errR == nil && errS == nil {
		t.Errorf("sender: %v; receiver: %v; want %v", errS, errR, ErrTree)
	}
	s, r, choices, errS, errR := extend(t, nil, 1, &Options{Session: []byte("a"), SemiHonest: true}, &Options{Session: []byte("b"), SemiHonest: true})
	if errS != nil || errR != nil {
		t.Fatal(errS, errR)
	}
	if s.Packed(0) == r.Packed(0).Add(choices[0].Mul(s.Delta)) {
		t.Error("the relation holds across sessions")
	}
}

// Every frame, changed anywhere, is caught: by its form, or by a check.
func TestExtensionTampered(t *testing.T) {
	flip := func(at int) func([]byte) []byte {
		return wiretest.Payload(func(p []byte) []byte { p[(at+len(p))%len(p)] ^= 4; return p })
	}
	frames := []struct {
		name string
		side int
		n    int
	}{{"points", 1, 0}, {"point", 0, 0}, {"trees", 0, 1}, {"corrections", 0, 2}, {"answer", 0, 3}}
	for _, k := range []int{1, 4} {
		for _, f := range frames {
			for name, change := range map[string]func([]byte) []byte{
				"first": flip(0), "middle": flip(700), "last": flip(-1),
				"cut": wiretest.Cut, "grown": wiretest.Grow,
				"out of turn": func(f []byte) []byte { f[0] = 99; return f },
			} {
				t.Run(fmt.Sprintf("k=%d/%s/%s", k, f.name, name), func(t *testing.T) {
					t.Parallel()
					// Side 0 of pair is the sender of transfers, who reads all but the points.
					_, _, _, errS, errR := extend(t, on(f.side, f.n, change), 3, options(k, false), options(k, false))
					if errS == nil {
						t.Errorf("the sender of transfers noticed nothing; receiver: %v", errR)
					}
					if errors.Is(errS, wire.ErrAlert) && errors.Is(errR, wire.ErrAlert) {
						t.Error("both blame the other")
					}
				})
			}
		}
	}
}

// cheat is a receiver of transfers that uses other bits for some of the instances
// and is consistent in all else: its own transcript holds what it sends.
func cheat(c *wire.Conn, choices []Element, o *Options, wrong int) error {
	f, err := o.field()
	if err != nil {
		return err
	}
	x := &extension{conn: c, kind: testKind, field: f, checked: true, session: newSession(o.Session)}
	x.transcript = x.session.transcript()
	keys, err := baseSend(c, testKind, 128, &x.session, x.transcript)
	if err != nil {
		return err
	}
	trees, err := x.sendTrees(keys)
	if err != nil {
		return err
	}
	wanted := append(append([]Element(nil), choices...), randomElements(source(9), 1)...)
	columns := make([]Element, len(wanted)*128)
	corrections := make([]Element, len(wanted)*f.instances)
	for i := range f.instances {
		x.receiverColumns(columns, corrections, trees, wanted, i)
	}
	for i := range wrong {
		corrections[i].Lo ^= 1
	}
	if err := x.sendCorrections(corrections); err != nil {
		return err
	}
	return x.answer(columns, wanted)
}

func TestInconsistentBits(t *testing.T) {
	for _, k := range []int{1, 2, 4, 8} {
		o := options(k, false)
		choices := randomElements(source(3), 2)
		run := func(wrong int) error {
			err, _ := pair(t, nil,
				func(c *wire.Conn) error { _, err := Send(c, testKind, len(choices), o); return err },
				func(c *wire.Conn) error { return cheat(c, choices, o, wrong) },
			)
			return err
		}
		if err := run(0); err != nil {
			t.Fatalf("k=%d: the honest run of this test fails: %v", k, err)
		}
		// It passes if all the Δ_i concerned are zero.
		if err := run(64 / k); !errors.Is(err, ErrConsistency) {
			t.Errorf("k=%d: %v, want %v", k, err, ErrConsistency)
		}
	}
}

func TestOptions(t *testing.T) {
	for _, k := range []int{-1, 3, 5, 16} {
		if _, err := Send(nil, testKind, 1, options(k, false)); !errors.Is(err, ErrOptions) {
			t.Errorf("Send with k=%d: %v", k, err)
		}
		if _, err := Receive(nil, testKind, make([]Element, 1), options(k, false)); !errors.Is(err, ErrOptions) {
			t.Errorf("Receive with k=%d: %v", k, err)
		}
	}
	for _, chunks := range []int{0, -1, MaxChunks + 1} {
		if _, err := Send(nil, testKind, chunks, nil); !errors.Is(err, ErrOptions) {
			t.Errorf("Send of %d chunks: %v", chunks, err)
		}
	}
	if _, err := Receive(nil, testKind, nil, nil); !errors.Is(err, ErrOptions) {
		t.Errorf("Receive of no chunks: %v", err)
	}
}

func TestTranspose(t *testing.T) {
	m := [128]Element(randomElements(source(4), 128))
	n := m
	transpose(&n)
	for i := range 128 {
		for j := range 128 {
			if bit(m[i], j) != bit(n[j], i) {
				t.Fatalf("bit %d of row %d", j, i)
			}
		}
	}
}

// packed by its definition: rows, not columns.
func TestPacked(t *testing.T) {
	columns := randomElements(source(5), 128)
	rows := [128]Element(columns)
	transpose(&rows)
	var want Element
	power := Element{Lo: 1}
	for _, row := range rows {
		want = want.Add(row.Mul(power))
		power = power.Mul(Element{Lo: 2})
	}
	if got := packed(columns); got != want {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestUniversal(t *testing.T) {
	columns := randomElements(source(6), 4*3)
	chi := Element{Lo: 7, Hi: 9}
	got := universal(columns, 3, chi)
	for c := range got {
		column := []Element{columns[c], columns[3+c], columns[6+c]}
		if want := gf128.DotPowers(column, chi).Add(columns[9+c]); got[c] != want {
			t.Errorf("column %d: %v, want %v", c, got[c], want)
		}
	}
}

// BenchmarkExtension makes what a vector OLE of 2^20 takes, both parties in one
// process, base transfers included.
func BenchmarkExtension(b *testing.B) {
	for _, k := range []int{1, 2, 4, 8} {
		b.Run(fmt.Sprintf("k=%d", k), func(b *testing.B) {
			for b.Loop() {
				if _, _, _, errS, errR := extend(b, nil, 144, options(k, false), options(k, false)); errS != nil || errR != nil {
					b.Fatal(errS, errR)
				}
			}
		})
	}
}
