package psi

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestHelloRoundTrip(t *testing.T) {
	want := &hello{version: Version, role: roleSender, suite: 2, function: Intersection,
		epoch: "2026-Q4", config: [32]byte{1}, session: [32]byte{2}, nonce: [nonceSize]byte{3}}
	b, err := want.marshal()
	if err != nil {
		t.Fatal(err)
	}
	got, err := parseHello(b)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(hello{})); diff != "" {
		t.Errorf("(-sent +parsed):\n%s", diff)
	}
}

func TestHelloRefusesLongEpoch(t *testing.T) {
	h := hello{version: Version, epoch: strings.Repeat("e", 256)}
	if _, err := h.marshal(); err == nil {
		t.Error("an epoch of 256 bytes was sent")
	}
}

// A hello that parses is the one form of itself.
func FuzzHello(f *testing.F) {
	h := hello{version: Version, role: roleReceiver, suite: 1, function: Intersection, epoch: "e"}
	b, err := h.marshal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add(b[:len(b)-1])
	f.Add([]byte{Version})
	f.Fuzz(func(t *testing.T, in []byte) {
		h, err := parseHello(in)
		if err != nil {
			return
		}
		out, err := h.marshal()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(in, out); diff != "" {
			t.Errorf("(-in +out):\n%s", diff)
		}
	})
}
