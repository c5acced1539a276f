package protocol

import (
	"encoding/binary"
	"errors"
	"flag"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	bolt "go.etcd.io/bbolt"

	"github.com/comity-prl/comity/internal/iblt"
)

var ledgerDamage = flag.Int("ledgerdamage", 60, "ways to damage a ledger at random; -ledgerdamage=100000 is the full campaign")

// filledLedger returns the bytes of a ledger of several pages.
func filledLedger(t *testing.T) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ledger")
	l, err := OpenLedger(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		if err := putIn(t, l, noon, Limits{MinChange: 10}, nil, 1000*i, 100); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// useDamaged does with the bytes what one does with a ledger. All errors must be of
// a ledger; it returns the first.
func useDamaged(t *testing.T, data []byte) error {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ledger")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	defer os.Remove(path)
	l, err := OpenLedger(path)
	if err == nil {
		defer l.Close()
		_, usageErr := l.Usage(noon, "Arcadia")
		var refused *TermError
		err = errors.Join(l.Verify(), usageErr)
		if h, bookErr := l.reserve(noon, claimOf(asked(nil), "", Acceptor, Limits{}, "rule 1")); bookErr == nil {
			err = errors.Join(err, h.begin(noon, nil), h.settle(1))
		} else if !errors.As(bookErr, &refused) {
			err = errors.Join(err, bookErr)
		}
	}
	if err != nil && !errors.Is(err, ErrLedger) && !errors.Is(err, ErrLedgerVersion) || errors.Is(err, ErrLedgerBusy) {
		t.Fatalf("%v", err)
	}
	return err
}

// Damage is an error, or does not show; it is no panic.
func TestLedgerDamaged(t *testing.T) {
	good := filledLedger(t)
	if err := useDamaged(t, good); err != nil {
		t.Fatal(err)
	}
	if err := useDamaged(t, []byte("not a ledger, but another file of some kind")); err == nil {
		t.Error("a text passes for a ledger")
	}
	shown := 0
	r := rand.New(rand.NewPCG(13, 26))
	damage := func(f func(data []byte) []byte) {
		if useDamaged(t, f(append([]byte(nil), good...))) != nil {
			shown++
		}
	}
	for n := 1; n < len(good); n += 1 + len(good)/20 {
		damage(func(data []byte) []byte { return data[:n] })
	}
	page := os.Getpagesize()
	for range *ledgerDamage {
		switch r.IntN(4) {
		case 0:
			damage(func(data []byte) []byte { return data[:r.IntN(len(data))] })
		case 1: // a few bits
			damage(func(data []byte) []byte {
				for range 1 + r.IntN(20) {
					data[r.IntN(len(data))] ^= 1 << r.IntN(8)
				}
				return data
			})
		case 2: // the head of a page
			damage(func(data []byte) []byte {
				data[page*r.IntN(len(data)/page)+r.IntN(32)] = byte(r.Uint32())
				return data
			})
		default: // a page of nothing
			damage(func(data []byte) []byte {
				clear(data[page*r.IntN(len(data)/page):][:page])
				return data
			})
		}
	}
	if shown == 0 {
		t.Error("no damage shows")
	}
	t.Logf("%d of %d show", shown, *ledgerDamage+20)
}

func TestLedgerVersion(t *testing.T) {
	for _, test := range []struct {
		name string
		f    func(tx *bolt.Tx, head *bolt.Bucket) error
		want error
	}{
		{"later", func(_ *bolt.Tx, head *bolt.Bucket) error {
			return head.Put(versionKey, binary.BigEndian.AppendUint16(nil, LedgerVersion+1))
		}, ErrLedgerVersion},
		{"none", func(_ *bolt.Tx, head *bolt.Bucket) error { return head.Delete(versionKey) }, ErrLedger},
		{"no key", func(_ *bolt.Tx, head *bolt.Bucket) error { return head.Delete(sketchKey) }, ErrLedger},
		{"no peers", func(tx *bolt.Tx, _ *bolt.Bucket) error { return tx.DeleteBucket(peersBucket) }, ErrLedger},
		{"another database", func(tx *bolt.Tx, _ *bolt.Bucket) error { return tx.DeleteBucket(headBucket) }, ErrLedger},
		{"malformed booking", func(tx *bolt.Tx, _ *bolt.Bucket) error {
			return tx.Bucket(peersBucket).Bucket([]byte("Arcadia")).Put(entryKey(bookingKind, 1), []byte{1})
		}, ErrLedger},
		{"malformed key", func(tx *bolt.Tx, _ *bolt.Bucket) error {
			return tx.Bucket(peersBucket).Bucket([]byte("Arcadia")).Put([]byte("r"), []byte{1})
		}, ErrLedger},
		{"malformed sketch", func(tx *bolt.Tx, _ *bolt.Bucket) error {
			return tx.Bucket(peersBucket).Bucket([]byte("Arcadia")).Put(entryKey(sketchKind, 1), []byte{1})
		}, ErrLedger},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := newLedger(t)
			if err := book(l, noon, Limits{}, asked(nil)); err != nil {
				t.Fatal(err)
			}
			if err := l.update(test.f); err != nil {
				t.Fatal(err)
			}
			if err := l.Verify(); !errors.Is(err, test.want) {
				t.Errorf("%v, want %v", err, test.want)
			}
			if _, err := OpenLedger(l.path); err != nil && !errors.Is(err, test.want) {
				t.Errorf("open: %v, want %v", err, test.want)
			}
		})
	}
}

// Another process that holds the file is waited for, and not for ever.
func TestLedgerBusy(t *testing.T) {
	l := newLedger(t)
	other, err := bolt.Open(l.path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	l.wait = 200e6
	if err := book(l, noon, Limits{}, asked(nil)); !errors.Is(err, ErrLedgerBusy) {
		t.Errorf("%v", err)
	}
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	if err := book(l, noon, Limits{}, asked(nil)); err != nil {
		t.Error(err)
	}
}

func goodBooking() *booking {
	return &booking{
		state: settled, time: noon, until: noon.Add(day), reserved: 10, settled: 9, bulk: true,
		function: FunctionSet, officer: "o-1", purpose: "missing persons", terms: schema,
	}
}

func TestBooking(t *testing.T) {
	value, err := goodBooking().marshal()
	if err != nil {
		t.Fatal(err)
	}
	got, err := parseBooking(value)
	if diff := cmp.Diff(goodBooking(), got, cmp.AllowUnexported(booking{})); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	for name, change := range map[string]func(*booking){
		"state 0":              func(b *booking) { b.state = 0 },
		"state 3":              func(b *booking) { b.state = 3 },
		"settled while not":    func(b *booking) { b.state = reserved },
		"more than reserved":   func(b *booking) { b.settled = 11 },
		"more than there is":   func(b *booking) { b.reserved = 1 << 60 },
		"overflow when summed": func(b *booking) { b.state, b.settled, b.reserved = reserved, 0, 1<<64-1 },
	} {
		b := goodBooking()
		change(b)
		value, err := b.marshal()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parseBooking(value); !errors.Is(err, ErrLedger) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for n := range value {
		if _, err := parseBooking(value[:n]); !errors.Is(err, ErrLedger) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

func FuzzBooking(f *testing.F) {
	value, err := goodBooking().marshal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(value)
	f.Add(value[:len(value)-1])
	f.Add(append(value, 0))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, in []byte) {
		b, err := parseBooking(in)
		if err != nil {
			if !errors.Is(err, ErrLedger) {
				t.Fatal(err)
			}
			return
		}
		if again, err := b.marshal(); err != nil || string(again) != string(in) {
			t.Fatalf("%x became %x, %v", in, again, err)
		}
	})
}

func FuzzSketch(f *testing.F) {
	set := iblt.New(1)
	set.Add([]uint64{1, 2, 3})
	value, err := (&sketch{noon, noon.Add(day), set}).marshal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(value)
	f.Add(value[:len(value)-1])
	f.Add(value[:20])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, in []byte) {
		s, err := parseSketch(in)
		if err != nil {
			if !errors.Is(err, ErrLedger) {
				t.Fatal(err)
			}
			return
		}
		if again, err := s.marshal(); err != nil || string(again) != string(in) {
			t.Fatalf("%d bytes became %d, %v", len(in), len(again), err)
		}
	})
}
