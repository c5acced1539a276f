package bloomlink_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/comity-prl/comity/bloomlink"
	"github.com/comity-prl/comity/internal/wire/wiretest"
)

// A wrong set-up is the same typed error at all three parties, never "no matches".
func TestSetUpDiffers(t *testing.T) {
	xs := encodings(0, 9)
	short := make([]bloomlink.Encoding, len(xs))
	for i := range short {
		short[i] = xs[i][:2]
	}
	tests := []struct {
		name   string
		change func(t *testing.T, r *trial)
		want   error
	}{
		{"epoch", func(t *testing.T, r *trial) {
			b := binding
			b.Epoch = "2027-Q1"
			r.b.set = bound(t, xs, b)
		}, bloomlink.ErrEpoch},
		{"configuration", func(t *testing.T, r *trial) {
			b := binding
			b.Config[31] = 9
			r.a.set = bound(t, xs, b)
		}, bloomlink.ErrConfig},
		{"secret of A", func(t *testing.T, r *trial) {
			b := binding
			b.Key[31] = 9
			r.a.set = bound(t, xs, b)
		}, bloomlink.ErrKey},
		{"secret of B", func(t *testing.T, r *trial) {
			b := binding
			b.Key[0] = 9
			r.b.set = bound(t, xs, b)
		}, bloomlink.ErrKey},
	}
	var checks []func()
	for _, tt := range tests {
		r := newTrial(set(t, xs), set(t, xs))
		var seen bytes.Buffer
		r.wrap = func(c net.Conn) io.ReadWriter { return recording{c, &seen} }
		tt.change(t, r)
		wait := r.start(t.Context())
		checks = append(checks, func() {
			t.Run(tt.name, func(t *testing.T) {
				wait()
				for who, err := range map[string]error{"A": r.a.err, "B": r.b.err, "unit": r.err} {
					if !errors.Is(err, tt.want) {
						t.Errorf("%s: %v, want %v", who, err, tt.want)
					}
				}
				if r.a.groups != nil || r.b.groups != nil || r.sum != nil {
					t.Error("a result came with the error")
				}
				if seen.Len() > 400 {
					t.Errorf("%d bytes reached the unit", seen.Len())
				}
			})
		})
	}
	// What an owner and the unit disagree about, these two name, and the other
	// owner hears of.
	tests = []struct {
		name   string
		change func(t *testing.T, r *trial)
		want   error
	}{
		{"session", func(_ *testing.T, r *trial) { r.a.params.Session = []byte("other") }, bloomlink.ErrSession},
		{"threshold", func(_ *testing.T, r *trial) { r.a.params.Threshold = 0.81 }, bloomlink.ErrThreshold},
		{"length", func(t *testing.T, r *trial) {
			b := binding
			b.Length = 128
			r.a.set = bound(t, short, b)
		}, bloomlink.ErrConfig},
	}
	for _, tt := range tests {
		r := newTrial(set(t, xs), set(t, xs))
		tt.change(t, r)
		wait := r.start(t.Context())
		checks = append(checks, func() {
			t.Run(tt.name, func(t *testing.T) {
				wait()
				if !errors.Is(r.a.err, tt.want) || !errors.Is(r.err, tt.want) {
					t.Errorf("A: %v; unit: %v; want %v", r.a.err, r.err, tt.want)
				}
				var at *bloomlink.OwnerError
				if !errors.As(r.err, &at) || at.Owner != 0 {
					t.Errorf("the unit blames %+v", at)
				}
				if !errors.Is(r.b.err, bloomlink.ErrAborted) {
					t.Errorf("B: %v, want %v", r.b.err, bloomlink.ErrAborted)
				}
			})
		})
	}
	for _, check := range checks {
		check()
	}
}

// Two owners without a unit between them find out.
func TestOwnersMeetDirectly(t *testing.T) {
	a, b := net.Pipe()
	r := newTrial(set(t, encodings(0, 3)), set(t, encodings(0, 3)))
	done := make(chan error, 1)
	go func() { _, err := bloomlink.Submit(t.Context(), b, r.a.params, r.b.set); done <- err }()
	_, err := bloomlink.Submit(t.Context(), a, r.a.params, r.a.set)
	if peer := <-done; !errors.Is(err, bloomlink.ErrRole) || !errors.Is(peer, bloomlink.ErrRole) {
		t.Errorf("%v and %v, want %v twice", err, peer, bloomlink.ErrRole)
	}
}

func TestUnusableParams(t *testing.T) {
	none := struct{ io.ReadWriter }{} // a use would panic
	s := set(t, nil)
	for _, p := range []bloomlink.Params{{Threshold: 0}, {Threshold: math.NaN()}, {Threshold: 1.5}, {Threshold: 1, MaxRows: -1}, {Threshold: 1, MaxRows: bloomlink.MaxRows + 1}} {
		if _, err := bloomlink.Submit(t.Context(), none, &p, s); !errors.Is(err, bloomlink.ErrThreshold) && !errors.Is(err, bloomlink.ErrTooLarge) {
			t.Errorf("%+v: %v", p, err)
		}
	}
	for _, p := range []bloomlink.UnitParams{{Length: 64}, {Length: 65, Threshold: 1}, {Length: 64, Threshold: 1, MaxB: -1}} {
		if _, err := bloomlink.Link(t.Context(), none, none, &p); !errors.Is(err, bloomlink.ErrThreshold) && !errors.Is(err, bloomlink.ErrTooLarge) && !errors.Is(err, bloomlink.ErrSchema) {
			t.Errorf("%+v: %v", p, err)
		}
	}
}

func TestFailuresOfAnOwner(t *testing.T) {
	xs := encodings(0, 40)
	tests := []struct {
		name         string
		change       func(t *testing.T, r *trial)
		wantA, wantB error
		wantUnit     error
		owner        int
	}{
		{"own set too large", func(_ *testing.T, r *trial) { r.a.params.MaxRows = 39 },
			bloomlink.ErrTooLarge, bloomlink.ErrAborted, bloomlink.ErrAborted, 0},
		{"A's set too large for the unit", func(_ *testing.T, r *trial) { r.params.MaxA = 39 },
			bloomlink.ErrAborted, bloomlink.ErrAborted, bloomlink.ErrTooLarge, 0},
		{"B's set too large for the unit", func(_ *testing.T, r *trial) { r.params.MaxB = 39 },
			bloomlink.ErrAborted, bloomlink.ErrAborted, bloomlink.ErrTooLarge, 1},
		{"no key", func(t *testing.T, r *trial) {
			b := binding
			b.Key = [32]byte{}
			r.a.set = bound(t, xs, b)
		}, bloomlink.ErrNoKey, bloomlink.ErrAborted, bloomlink.ErrAborted, 0},
		{"epoch too long", func(t *testing.T, r *trial) {
			b := binding
			b.Epoch = string(make([]byte, 256))
			r.b.set = bound(t, xs, b)
		}, bloomlink.ErrAborted, bloomlink.ErrEpoch, bloomlink.ErrAborted, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newTrial(set(t, xs), set(t, xs))
			tt.change(t, r)
			r.run(t.Context())
			if !errors.Is(r.a.err, tt.wantA) || !errors.Is(r.b.err, tt.wantB) || !errors.Is(r.err, tt.wantUnit) {
				t.Errorf("A: %v; B: %v; unit: %v; want %v, %v, %v", r.a.err, r.b.err, r.err, tt.wantA, tt.wantB, tt.wantUnit)
			}
			var at *bloomlink.OwnerError
			if !errors.As(r.err, &at) || at.Owner != tt.owner {
				t.Errorf("the unit blames %+v, want owner %d", at, tt.owner)
			}
		})
	}
}

var (
	empty    = wiretest.Payload(func([]byte) []byte { return nil })
	full     = wiretest.Payload(func(p []byte) []byte { return bytes.Repeat([]byte{0xff}, len(p)) })
	hangUp   = func([]byte) []byte { return nil }
	otherOne = func(f []byte) []byte { f[0] = 99; return f }
	endless  = func(f []byte) []byte { copy(f[1:5], "\xff\xff\xff\xff"); return f[:5] }
)

func flip(at int) func([]byte) []byte {
	return wiretest.Payload(func(p []byte) []byte { p[(at+len(p))%len(p)] ^= 1; return p })
}

func put(at int, bytes ...byte) func([]byte) []byte {
	return wiretest.Payload(func(p []byte) []byte { copy(p[at:], bytes); return p })
}

// Frames in the order in which a party reads them.
const (
	ownerHello = iota
	ownerPeer
	ownerConfirm
	ownerVerdict
	ownerSize
	ownerCount
	ownerGroups
)

const (
	unitHello = iota
	unitConfirm
	unitVerdict
	unitSize
	unitEncodings
	unitDone
)

type fault struct {
	name   string
	frame  int
	change func([]byte) []byte
	want   error
}

var (
	ownerFaults = []fault{
		{"hello empty", ownerHello, empty, bloomlink.ErrLength},
		{"hello cut", ownerHello, wiretest.Cut, bloomlink.ErrLength},
		{"hello with a tail", ownerHello, wiretest.Grow, bloomlink.ErrLength},
		{"another version", ownerHello, flip(0), bloomlink.ErrVersion},
		{"an unknown role", ownerHello, put(1, 9), bloomlink.ErrRole},
		{"an owner for a unit", ownerHello, put(1, 1), bloomlink.ErrRole},
		{"another length", ownerHello, flip(3), bloomlink.ErrConfig},
		{"another threshold", ownerHello, flip(11), bloomlink.ErrThreshold},
		{"another session", ownerHello, flip(12), bloomlink.ErrSession},
		{"peer cut", ownerPeer, wiretest.Cut, bloomlink.ErrLength},
		{"peer of another version", ownerPeer, flip(0), bloomlink.ErrVersion},
		{"a unit for a peer", ownerPeer, put(1, 2), bloomlink.ErrRole},
		{"peer of another epoch", ownerPeer, flip(45), bloomlink.ErrEpoch},
		{"peer of another configuration", ownerPeer, flip(-33), bloomlink.ErrConfig},
		{"peer of another threshold", ownerPeer, flip(11), bloomlink.ErrThreshold},
		{"peer's nonce changed on the way", ownerPeer, flip(-1), bloomlink.ErrKey},
		{"peer's session changed on the way", ownerPeer, flip(12), bloomlink.ErrKey},
		{"confirmation cut", ownerConfirm, wiretest.Cut, bloomlink.ErrLength},
		{"confirmation with a tail", ownerConfirm, wiretest.Grow, bloomlink.ErrLength},
		{"confirmation flipped", ownerConfirm, flip(0), bloomlink.ErrKey},
		{"verdict empty", ownerVerdict, empty, bloomlink.ErrLength},
		{"verdict flipped", ownerVerdict, flip(0), bloomlink.ErrKey},
		{"size cut", ownerSize, wiretest.Cut, bloomlink.ErrLength},
		{"size beyond all bounds", ownerSize, full, bloomlink.ErrTooLarge},
		{"count cut", ownerCount, wiretest.Cut, bloomlink.ErrLength},
		{"more groups than rows", ownerCount, put(0, 0, 0, 0, 41), bloomlink.ErrGroups},
		{"count beyond all bounds", ownerCount, full, bloomlink.ErrGroups},
		{"groups cut", ownerGroups, wiretest.Cut, bloomlink.ErrLength},
		{"groups with a tail", ownerGroups, wiretest.Grow, bloomlink.ErrLength},
		{"a position beyond the rows", ownerGroups, put(0, 0, 0, 0, 40), bloomlink.ErrGroups},
		{"a number beyond the count", ownerGroups, put(4, 0, 0, 0, 40), bloomlink.ErrGroups},
		{"positions that descend", ownerGroups, wiretest.Payload(func(p []byte) []byte {
			copy(p, p[8:12])
			return p
		}), bloomlink.ErrGroups},
		{"a number twice", ownerGroups, wiretest.Payload(func(p []byte) []byte {
			copy(p[4:8], p[12:16])
			return p
		}), bloomlink.ErrGroups},
		{"out of turn", ownerGroups, otherOne, bloomlink.ErrMessage},
		{"frame beyond all bounds", ownerGroups, endless, bloomlink.ErrLength},
		{"hang-up before hello", ownerHello, hangUp, bloomlink.ErrTruncated},
		{"hang-up before the peer", ownerPeer, hangUp, bloomlink.ErrTruncated},
		{"hang-up before groups", ownerGroups, hangUp, bloomlink.ErrTruncated},
	}
	unitFaults = []fault{
		{"hello empty", unitHello, empty, bloomlink.ErrLength},
		{"hello cut", unitHello, wiretest.Cut, bloomlink.ErrLength},
		{"hello with a tail", unitHello, wiretest.Grow, bloomlink.ErrLength},
		{"another version", unitHello, flip(0), bloomlink.ErrVersion},
		{"an unknown role", unitHello, put(1, 9), bloomlink.ErrRole},
		{"a unit for an owner", unitHello, put(1, 2), bloomlink.ErrRole},
		{"another session", unitHello, flip(12), bloomlink.ErrSession},
		{"another length", unitHello, flip(3), bloomlink.ErrConfig},
		{"nonce changed on the way", unitHello, flip(-1), bloomlink.ErrKey},
		{"confirmation cut", unitConfirm, wiretest.Cut, bloomlink.ErrLength},
		{"confirmation flipped", unitConfirm, flip(0), bloomlink.ErrKey},
		{"verdict cut", unitVerdict, wiretest.Cut, bloomlink.ErrLength},
		{"verdict flipped", unitVerdict, flip(0), bloomlink.ErrKey},
		{"size cut", unitSize, wiretest.Cut, bloomlink.ErrLength},
		{"size beyond all bounds", unitSize, full, bloomlink.ErrTooLarge},
		{"encodings cut", unitEncodings, wiretest.Cut, bloomlink.ErrLength},
		{"encodings with a tail", unitEncodings, wiretest.Grow, bloomlink.ErrLength},
		{"out of turn", unitEncodings, otherOne, bloomlink.ErrMessage},
		{"frame beyond all bounds", unitEncodings, endless, bloomlink.ErrLength},
		{"done with a tail", unitDone, wiretest.Grow, bloomlink.ErrLength},
		{"hang-up before hello", unitHello, hangUp, bloomlink.ErrTruncated},
		{"hang-up before confirmation", unitConfirm, hangUp, bloomlink.ErrTruncated},
		{"hang-up before encodings", unitEncodings, hangUp, bloomlink.ErrTruncated},
		{"hang-up before done", unitDone, hangUp, bloomlink.ErrTruncated},
	}
)

// Hostile frames: each is a distinct error at the party that reads it, and neither
// of the others is left waiting or with a result that is none.
func TestHostileFrames(t *testing.T) {
	s := set(t, encodings(0, 40))
	var checks []func()
	for _, tt := range ownerFaults {
		r := newTrial(s, s)
		r.a.wrap = func(c net.Conn) io.ReadWriter { return &wiretest.Tamper{Conn: c, Frame: tt.frame, Change: tt.change} }
		wait := r.start(t.Context())
		checks = append(checks, func() {
			wait()
			t.Run("owner/"+tt.name, func(t *testing.T) { tt.checkOwner(t, r) })
		})
	}
	for _, tt := range unitFaults {
		r := newTrial(s, s)
		r.wrap = func(c net.Conn) io.ReadWriter { return &wiretest.Tamper{Conn: c, Frame: tt.frame, Change: tt.change} }
		wait := r.start(t.Context())
		checks = append(checks, func() {
			wait()
			t.Run("unit/"+tt.name, func(t *testing.T) { tt.checkUnit(t, r) })
		})
	}
	for _, check := range checks {
		check()
	}
}

func (f *fault) checkOwner(t *testing.T, r *trial) {
	if !errors.Is(r.a.err, f.want) {
		t.Errorf("A: %v, want %v", r.a.err, f.want)
	}
	if r.err == nil || r.a.groups != nil || r.sum != nil {
		t.Error("the unit noticed nothing, or a result came with the error")
	}
	if r.b.err == nil && f.frame < ownerCount { // later, B may have had all that it needed
		t.Error("B noticed nothing")
	}
}

func (f *fault) checkUnit(t *testing.T, r *trial) {
	if !errors.Is(r.err, f.want) || r.sum != nil {
		t.Errorf("unit: %v, want %v", r.err, f.want)
	}
	if f.frame < unitDone && (r.a.err == nil || r.b.err == nil) {
		t.Errorf("A: %v; B: %v; want errors", r.a.err, r.b.err)
	}
}

// A key confirmation that goes wrong on the way, or a verdict that lies, is ErrKey
// wherever it is found, at the other owner too.
func TestOneVerdictIsForAll(t *testing.T) {
	s := set(t, encodings(0, 40))
	r := newTrial(s, s)
	r.a.wrap = func(c net.Conn) io.ReadWriter { return &wiretest.Tamper{Conn: c, Frame: ownerConfirm, Change: flip(0)} }
	r.run(t.Context())
	for who, err := range map[string]error{"A": r.a.err, "B": r.b.err, "unit": r.err} {
		if !errors.Is(err, bloomlink.ErrKey) {
			t.Errorf("%s: %v, want %v", who, err, bloomlink.ErrKey)
		}
	}
}

// A unit that shows an owner to itself learns nothing and gets nothing.
func TestReflection(t *testing.T) {
	own, unit := net.Pipe()
	defer unit.Close()
	var first []byte
	mirror := func() {
		frame := func() []byte {
			head := make([]byte, 5)
			if _, err := io.ReadFull(unit, head); err != nil {
				return nil
			}
			f := append(head, make([]byte, binary.BigEndian.Uint32(head[1:]))...)
			_, _ = io.ReadFull(unit, f[5:])
			return f
		}
		first = frame()
		hello := bytes.Clone(first)
		hello[6] = 2 // a unit
		_, _ = unit.Write(hello)
		first[0] = 2 // the peer
		_, _ = unit.Write(first)
		for f := frame(); f != nil; f = frame() {
			_, _ = unit.Write(f)
		}
	}
	go mirror()
	r := newTrial(set(t, encodings(0, 3)), nil)
	if _, err := bloomlink.Submit(t.Context(), own, r.a.params, r.a.set); !errors.Is(err, bloomlink.ErrSession) {
		t.Errorf("%v, want %v", err, bloomlink.ErrSession)
	}
}

// Whatever ends a run, no goroutine stays behind; the others are told.
func TestCancel(t *testing.T) {
	before := runtime.NumGoroutine()
	xs := encodings(0, 4000)
	cause := errors.New("the operator gave up")
	for _, who := range []string{"A", "unit"} {
		for _, step := range []string{"send", "receive", "compare"} {
			ctx, cancel := context.WithCancelCause(t.Context())
			r := newTrial(set(t, xs), set(t, xs))
			report := func(p bloomlink.Progress) {
				if p.Step == step {
					cancel(cause)
				}
			}
			if who == "A" {
				r.a.params.Progress = report
			} else {
				r.params.Progress = report
			}
			r.run(ctx)
			if ctx.Err() != nil && !errors.Is(r.err, cause) && r.err != nil {
				t.Errorf("%s at %s: unit: %v", who, step, r.err)
			}
			if ctx.Err() != nil && (r.a.err == nil || r.b.err == nil || r.err == nil) {
				t.Errorf("%s at %s: A: %v; B: %v; unit: %v", who, step, r.a.err, r.b.err, r.err)
			}
			cancel(nil)
		}
	}
	for end := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
		}
	}
}

// An owner that goes away while the unit compares ends the comparison and the
// other's run.
func TestOwnerLeavesDuringTheComparison(t *testing.T) {
	xs := encodings(0, 4000)
	r := newTrial(set(t, xs), set(t, xs))
	var own net.Conn
	r.a.wrap = func(c net.Conn) io.ReadWriter { own = c; return c }
	compared := 0
	r.params.Progress = func(p bloomlink.Progress) {
		if p.Step == "compare" {
			if compared == 0 {
				own.Close()
				time.Sleep(50 * time.Millisecond)
			}
			compared = p.Done
		}
	}
	r.run(t.Context())
	var at *bloomlink.OwnerError
	if !errors.As(r.err, &at) || at.Owner != 0 || !errors.Is(r.err, bloomlink.ErrTruncated) {
		t.Errorf("unit: %v, want owner A's %v", r.err, bloomlink.ErrTruncated)
	}
	if !errors.Is(r.b.err, bloomlink.ErrAborted) || r.a.err == nil {
		t.Errorf("A: %v; B: %v", r.a.err, r.b.err)
	}
	if compared == len(xs) {
		t.Error("the comparison went on to its end")
	}
}
