package psi_test

import (
	"errors"
	"fmt"
	"net"
	"testing"

	"github.com/comity-prl/comity/internal/wire/wiretest"
	"github.com/comity-prl/comity/psi"
)

// Frames of a run of VOLEMalicious in the order in which a side reads them.
var (
	senderReads   = []string{"hello", "confirmation", "size", "salt", "point", "transfer trees", "corrections", "answer", "challenge", "seeds", "table", "done"}
	receiverReads = []string{"hello", "confirmation", "size", "salt", "commitment", "points", "trees", "proof", "opening", "values"}
)

// Whatever changes on the way, no run of the malicious suite ends in a match that
// is none. Changes to all but the table and the values end it in an error; a change to
// those can only lose matches, which a sender that leaves items out can do as well.
func TestTampered(t *testing.T) {
	flip := func(at int) func([]byte) []byte {
		return wiretest.Payload(func(p []byte) []byte {
			if len(p) > 0 {
				p[(at+len(p))%len(p)] ^= 4
			}
			return p
		})
	}
	changes := map[string]func([]byte) []byte{"first": flip(0), "middle": flip(4099), "last": flip(-1), "cut": func(f []byte) []byte {
		if len(f) == 5 {
			return wiretest.Grow(f)
		}
		return wiretest.Cut(f)
	}}
	receiver, sender := items(0, 60), items(30, 90)
	shared := map[[2]int]bool{}
	for _, p := range joined(receiver, sender) {
		shared[p] = true
	}
	for side, frames := range [][]string{senderReads, receiverReads} {
		for n, frame := range frames {
			for name, change := range changes {
				t.Run(fmt.Sprintf("%s of %s read by %s", name, frame, []string{"sender", "receiver"}[side]), func(t *testing.T) {
					t.Parallel()
					r, s := net.Pipe()
					reached := false
					bad := &wiretest.Tamper{Frame: n, Change: func(f []byte) []byte { reached = true; return change(f) }}
					if side == 0 {
						bad.Conn, s = s, bad
					} else {
						bad.Conn, r = r, bad
					}
					p := params(psi.VOLEMalicious())
					o := over(t.Context(), r, s, p, p, psi.NewSet(receiver, binding), psi.NewSet(sender, binding))
					if !reached {
						t.Fatal("there is no such frame")
					}
					harmless := name != "cut" && (frame == "table" || frame == "values" || frame == "done")
					if !harmless {
						if o.errR == nil && o.errS == nil {
							t.Fatal("nobody noticed")
						}
						if o.result != nil && frame != "done" {
							t.Error("the receiver has a result")
						}
						return
					}
					for _, pair := range o.pairs(t) {
						if !shared[pair] {
							t.Error("a match that is none")
						}
					}
				})
			}
		}
	}
}

// There is no frame after the last ones that TestTampered knows.
func TestTamperedIsAll(t *testing.T) {
	for side, n := range []int{len(senderReads), len(receiverReads)} {
		r, s := net.Pipe()
		bad := &wiretest.Tamper{Frame: n, Change: func(f []byte) []byte { t.Error("one more frame"); return f }}
		if side == 0 {
			bad.Conn, s = s, bad
		} else {
			bad.Conn, r = r, bad
		}
		p := params(psi.VOLEMalicious())
		set := psi.NewSet(items(0, 60), binding)
		if n := len(over(t.Context(), r, s, p, p, set, set).pairs(t)); n != 60 {
			t.Errorf("%d matches, want 60", n)
		}
	}
}

// The peer of whoever finds out sees an alert, the same for all causes, or that the
// stream has ended.
func TestTamperedAlert(t *testing.T) {
	set := psi.NewSet(items(0, 60), binding)
	flip := wiretest.Payload(func(p []byte) []byte { p[0] ^= 4; return p })
	for n, frame := range receiverReads[3:9] {
		r, s := net.Pipe()
		p := params(psi.VOLEMalicious())
		o := over(t.Context(), &wiretest.Tamper{Conn: r, Frame: 3 + n, Change: flip}, s, p, p, set, set)
		told := 0
		for _, err := range []error{o.errR, o.errS} {
			if errors.Is(err, psi.ErrAborted) || errors.Is(err, psi.ErrTruncated) {
				told++
			}
		}
		if o.errR == nil || o.errS == nil || told != 1 {
			t.Errorf("%s: receiver: %v; sender: %v", frame, o.errR, o.errS)
		}
	}
}
