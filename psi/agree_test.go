package psi_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comity-prl/comity/psi"
)

// The fast suites find what Diffie–Hellman finds, also for overlaps that a wrong
// hash, row or handle would spoil.
func TestSuitesAgree(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	some := func(n int) [][32]byte {
		xs := make([][32]byte, n)
		for i := range xs {
			xs[i] = item(rng.IntN(n))
		}
		return xs
	}
	workloads := []struct {
		name             string
		receiver, sender [][32]byte
	}{
		{"none shared", items(0, 500), items(500, 1000)},
		{"one shared", items(0, 500), items(499, 999)},
		{"all shared", items(0, 500), items(0, 500)},
		{"all but one shared", items(0, 500), items(1, 501)},
		{"a subset", items(100, 200), items(0, 500)},
		{"one against some", items(77, 78), items(0, 500)},
		{"random, with duplicates", some(700), some(500)},
	}
	for _, w := range workloads {
		receiver, sender := psi.NewSet(w.receiver, binding), psi.NewSet(w.sender, binding)
		p := params(psi.ECDHRistretto255())
		want := both(t.Context(), p, p, receiver, sender).pairs(t)
		for _, s := range []psi.Suite{psi.VOLE(), psi.VOLEMalicious(), psi.Bucketed(false), psi.Bucketed(true)} {
			t.Run(fmt.Sprintf("%s/suite=%v", w.name, s), func(t *testing.T) {
				p := params(s)
				if diff := cmp.Diff(want, both(t.Context(), p, p, receiver, sender).pairs(t)); diff != "" {
					t.Errorf("pairs (-ecdh +%v):\n%s", s, diff)
				}
			})
		}
	}
}

// One item against 2^16, where the sender's capacity of a bucket is far from the
// receiver's.
func TestOneAgainstMany(t *testing.T) {
	many, one := items(0, 1<<16), items(40_000, 40_001)
	for _, s := range []psi.Suite{psi.VOLE(), psi.VOLEMalicious(), psi.Auto()} {
		for name, sets := range map[string][2][][32]byte{"receiver": {one, many}, "sender": {many, one}} {
			t.Run(fmt.Sprintf("suite=%v/one=%s", s, name), func(t *testing.T) {
				p := params(s)
				o := both(t.Context(), p, p, psi.NewSet(sets[0], binding), psi.NewSet(sets[1], binding))
				if diff := cmp.Diff(joined(sets[0], sets[1]), o.pairs(t)); diff != "" {
					t.Errorf("pairs (-want +got):\n%s", diff)
				}
			})
		}
	}
}

// A quota can count on the bound: it is the declared size of a peer that is trusted
// to follow the protocol, and more of one that is not, but not much more.
func TestPeerBound(t *testing.T) {
	for _, n := range []int{1, 900} {
		set := psi.NewSet(items(0, n), binding)
		for _, s := range []psi.Suite{psi.VOLE(), psi.VOLEMalicious(), psi.Bucketed(true)} {
			p := params(s)
			o := both(t.Context(), p, p, set, set)
			o.pairs(t)
			bound, exact := o.handles.PeerBound, s.ID() == psi.VOLE().ID()
			if exact && bound != n || !exact && (bound <= n || bound > 6*n+200) {
				t.Errorf("%v, %d items: bound %d", s, n, bound)
			}
		}
	}
}

// What goes over the wire depends on the sizes of the sets and not on what is in
// them: neither side can see how full the other's buckets are.
func TestPadding(t *testing.T) {
	frames := func(receiver, sender [][32]byte) (out [2][][2]int) {
		r, s := net.Pipe()
		ends := [2]recording{{ReadWriteCloser: r}, {ReadWriteCloser: s}}
		p := params(psi.Bucketed(false))
		over(t.Context(), &ends[0], &ends[1], p, p, psi.NewSet(receiver, binding), psi.NewSet(sender, binding)).pairs(t)
		for i := range ends {
			for b := ends[i].read.Bytes(); len(b) > 0; {
				n := int(binary.BigEndian.Uint32(b[1:]))
				out[i] = append(out[i], [2]int{int(b[0]), n})
				b = b[5+n:]
			}
		}
		return out
	}
	want := frames(items(0, 900), items(500, 1200))
	if diff := cmp.Diff(want, frames(items(5000, 5900), items(100, 800))); diff != "" {
		t.Errorf("kinds and lengths of frames (-one set +another):\n%s", diff)
	}
}
