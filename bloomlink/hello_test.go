package bloomlink

import (
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comity-prl/comity/internal/shuffle"
)

func TestHelloRoundTrip(t *testing.T) {
	want := newHello(roleOwner, 1024, 0.8, []byte("session"))
	want.epoch, want.config = "2026-Q4", [32]byte{1}
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
	if other := newHello(roleOwner, 1024, 0.8, []byte("session")); other.nonce == want.nonce {
		t.Error("a nonce came twice")
	}
}

func TestHelloRefusesLongEpoch(t *testing.T) {
	h := hello{version: Version, epoch: strings.Repeat("e", 256)}
	if _, err := h.marshal(); !errors.Is(err, ErrEpoch) {
		t.Errorf("%v, want %v", err, ErrEpoch)
	}
}

// A hello that parses is the one form of itself.
func FuzzHello(f *testing.F) {
	h := newHello(roleUnit, 64, 1, nil)
	h.epoch = "e"
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

// Places that are taken in name own rows once, and groups once.
func FuzzGroups(f *testing.F) {
	f.Add(appendPlaces(nil, []place{{0, 1}, {2, 0}}), 3, 2)
	f.Add(appendPlaces(nil, []place{{0, 1}, {0, 0}}), 3, 2)
	f.Add(appendPlaces(nil, []place{{5, 9}}), 3, 2)
	f.Add([]byte{0, 0, 0}, 1, 1)
	f.Fuzz(func(t *testing.T, in []byte, rows, count int) {
		if rows < 0 || rows > 1000 || count < 0 || count > rows {
			return
		}
		r := placeReader{rows: rows, seen: make([]bool, count)}
		half := len(in) / 2 / placeSize * placeSize
		if r.read(in[:half]) != nil || r.read(in[half:]) != nil {
			return
		}
		if diff := cmp.Diff(in, appendPlaces(nil, r.places)); len(in) > 0 && diff != "" {
			t.Fatalf("(-in +out):\n%s", diff)
		}
		order := shuffle.Order(rows)
		taken, groups := make([]bool, rows), make([]bool, count)
		last := -1
		for _, m := range r.members(order) {
			if m.Row <= last || taken[m.Row] || groups[m.Group] {
				t.Fatal("a row or a group comes twice, or out of order")
			}
			taken[m.Row], groups[m.Group], last = true, true, m.Row
		}
	})
}

// Sizes and rows that are taken in are within bounds, and the rows are the bytes.
func FuzzRows(f *testing.F) {
	f.Add(binary.BigEndian.AppendUint64(nil, 5), 1)
	f.Add(make([]byte, 64), 4)
	f.Add([]byte{1}, 2)
	f.Fuzz(func(t *testing.T, in []byte, words int) {
		if n, err := parseSize(in, 1000); err == nil && (n < 0 || n > 1000) {
			t.Fatalf("size %d", n)
		}
		if n, err := parseCount(in, 7, 9); err == nil && (n < 0 || n > 7) {
			t.Fatalf("count %d", n)
		}
		if words < 1 || words > MaxLength/64 {
			return
		}
		rows := parseRows(in, words)
		if len(rows) != len(in)/8/words {
			t.Fatalf("%d rows of %d words in %d bytes", len(rows), words, len(in))
		}
		var out []byte
		for _, r := range rows {
			out = appendRow(out, r)
		}
		if diff := cmp.Diff(in[:len(out)], out); len(out) > 0 && diff != "" {
			t.Errorf("(-in +out):\n%s", diff)
		}
	})
}
