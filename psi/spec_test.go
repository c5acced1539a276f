package psi

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/gtank/ristretto255"

	"github.com/comity-prl/comity/internal/aeshash"
	"github.com/comity-prl/comity/internal/gf128"
	"github.com/comity-prl/comity/internal/spectest"
	"github.com/comity-prl/comity/internal/voleprf"
	"github.com/comity-prl/comity/internal/wire"
)

const specPage = "SPEC.md"

// Every table of the appendix has a test: those of psi here, the others beside what
// they are about.
func TestSpecTables(t *testing.T) {
	want := []string{
		"A.1 Runs", "A.2 Opening and keys", "A.3 Elements and tags", "A.4 Buckets",
		"A.5 Sizes of tables", "A.6 Rows", // okvs
		"A.7 Blocks",
		"A.8 The oblivious function", // oprf
		"A.9 Oblivious transfers",    // ot
		"A.10 Silent VOLE",           // vole
	}
	if diff := cmp.Diff(want, spectest.Headings(t, specPage, "A.")); diff != "" {
		t.Errorf("(-tested +on the page):\n%s", diff)
	}
}

func TestSpecKinds(t *testing.T) {
	got := [][]string{
		spectest.Cells(0, "alert"), spectest.Cells(kindHello, "hello"), spectest.Cells(kindConfirm, "confirmation"),
		spectest.Cells(kindSize, "size"), spectest.Cells(kindDone, "done"),
		spectest.Cells(kindReceiverElements, "elements of R"), spectest.Cells(kindSenderElements, "elements of S"),
		spectest.Cells(kindTags, "tags"), spectest.Cells(kindSalt, "salt"), spectest.Cells(kindValues, "values"),
	}
	// Of ot, vole and oprf, one after the other.
	inner := []string{"points", "point", "transfer trees", "corrections", "answer", "trees", "challenge", "proof",
		"commitment", "seeds", "table", "opening"}
	if len(inner) != voleprf.Kinds {
		t.Fatalf("oprf has %d kinds, %d names are known", voleprf.Kinds, len(inner))
	}
	for i, name := range inner {
		got = append(got, spectest.Cells(kindPRF+wire.Kind(i), name))
	}
	var want [][]string
	for _, row := range spectest.Table(t, specPage, "2. Frames") {
		want = append(want, row[:2])
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-page +code):\n%s", diff)
	}
}

// outgoing records the frames that go out over a stream, each in one Write.
type outgoing struct {
	net.Conn
	frames []string
}

func (o *outgoing) Write(p []byte) (int, error) {
	o.frames = append(o.frames, fmt.Sprintf("%d:%d", p[0], binary.BigEndian.Uint32(p[1:])))
	return o.Conn.Write(p)
}

func specItem(n int) [32]byte {
	return sha256.Sum256(binary.BigEndian.AppendUint64([]byte("item"), uint64(n)))
}

func specSet(n int) *Set {
	items := make([][32]byte, n)
	for i := range items {
		items[i] = specItem(i)
	}
	return NewSet(items, Binding{Epoch: "2026-Q4", Config: [32]byte{1}, Key: [32]byte{2}})
}

func TestSpecRuns(t *testing.T) {
	var got [][]string
	for _, suite := range []Suite{ECDHRistretto255(), ECDHP256(), VOLE(), VOLEMalicious()} {
		for _, f := range []Function{Intersection, Cardinality} {
			if !suite.Supports(f) {
				continue
			}
			a, b := net.Pipe()
			receiver, sender := &outgoing{Conn: a}, &outgoing{Conn: b}
			found(t, suite, f, receiver, sender, specSet(50), specSet(40))
			got = append(got,
				spectest.Cells(suite, f, "R → S", strings.Join(receiver.frames, " ")),
				spectest.Cells(suite, f, "S → R", strings.Join(sender.frames, " ")))
		}
	}
	spectest.Check(t, specPage, "A.1 Runs", got)
}

func TestSpecOpening(t *testing.T) {
	key := [32]byte{2}
	side := func(r role, s Suite, f Function, nonce byte) []byte {
		h := hello{version: Version, role: r, suite: s.ID(), function: f, epoch: "2026-Q4",
			config: [32]byte{1}, session: sha256.Sum256([]byte("test")), nonce: [nonceSize]byte(bytes.Repeat([]byte{nonce}, nonceSize))}
		b, err := h.marshal()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	receiver, sender := side(roleReceiver, VOLE(), Intersection, 0x11), side(roleSender, VOLE(), Intersection, 0x22)
	both := transcript(roleReceiver, receiver, sender)
	if both != transcript(roleSender, sender, receiver) {
		t.Error("the sides' transcripts differ")
	}
	r := &run{nReceiver: 50, nSender: 40, transcript: both}
	session := r.session(bytes.Repeat([]byte{0x33}, saltSize), bytes.Repeat([]byte{0x44}, saltSize))
	hash := newHasher(specSet(1), session)
	keys := make([]gf128.Element, 1)
	hash.keys(keys, []uint32{0})
	members, err := hash.cut(5, 1)
	if err != nil {
		t.Fatal(err)
	}
	item := specItem(0)
	spectest.Check(t, specPage, "A.2 Opening and keys", [][]string{
		spectest.Cells("hello of R", receiver),
		spectest.Cells("hello of R, suite 1, function 2", side(roleReceiver, ECDHRistretto255(), Cardinality, 0x11)),
		spectest.Cells("hello of S", sender),
		spectest.Cells("transcript", both[:]),
		spectest.Cells("confirmation of R", confirmation(key, roleReceiver, both)),
		spectest.Cells("confirmation of S", confirmation(key, roleSender, both)),
		spectest.Cells("session", session[:]),
		spectest.Cells("item 0", item[:]),
		spectest.Cells("key(item 0)", keys[0].AppendBytes(nil)),
		spectest.Cells("bucket of item 0 among 5", slices.IndexFunc(members, func(m []uint32) bool { return len(m) == 1 })),
	})
}

func TestSpecElements(t *testing.T) {
	var got [][]string
	item := specItem(0)
	add := func(suite string, a byte, m mask) {
		e, err := m.item(nil, &item)
		if err != nil {
			t.Fatal(err)
		}
		h := tag(e)
		got = append(got, spectest.Cells(suite, a, e, h[:tagSize(50, 40)]))
	}
	for _, a := range []byte{1, 3} {
		k, err := ristretto255.NewScalar().SetCanonicalBytes(append([]byte{a}, make([]byte, 31)...))
		if err != nil {
			t.Fatal(err)
		}
		add("ecdh-ristretto255", a, &ristrettoMask{k})
	}
	for _, a := range []byte{1, 3} {
		add("ecdh-p256", a, &p256Mask{append(make([]byte, 31), a)})
	}
	spectest.Check(t, specPage, "A.3 Elements and tags", got)
}

func TestSpecBuckets(t *testing.T) {
	plain, malicious := VOLE().(*voleSuite), VOLEMalicious().(*voleSuite)
	var got [][]string
	for _, n := range [][2]int{{0, 0}, {50, 40}, {1 << 16, 1 << 14}, {1 << 20, 1 << 20}, {1572864, 1}, {1572865, 1000},
		{1 << 22, 1 << 22}, {1 << 24, 100}, {100, 40_000_000}} {
		r := &run{nReceiver: n[0], nSender: n[1]}
		b := plain.buckets(r)
		slots, err := plain.params(b, [32]byte{}, 0).Slots()
		if err != nil {
			t.Fatal(err)
		}
		bound, err := malicious.bound(r, malicious.buckets(r))
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, spectest.Cells(n[0], n[1], b.count, b.lambda, b.receiver, b.sender, slots, plain.valueSize(b), bound))
	}
	spectest.Check(t, specPage, "A.4 Buckets", got)
}

func TestSpecBlocks(t *testing.T) {
	one, two := gf128.FromBytes(spectest.Block(1)), gf128.FromBytes(spectest.Block(2))
	hashed := []gf128.Element{two}
	aeshash.NewKey([16]byte(spectest.Block(1))).Hash(hashed, hashed)
	spectest.Check(t, specPage, "A.7 Blocks", [][]string{
		spectest.Cells("B(1)", one.AppendBytes(nil)),
		spectest.Cells("B(1)·B(2)", one.Mul(two).AppendBytes(nil)),
		spectest.Cells("h_B(1)(B(2))", hashed[0].AppendBytes(nil)),
	})
}
