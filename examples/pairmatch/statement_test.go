package main

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/comity-prl/comity/protocol"
)

// agency makes a folder that knows the given peers.
func agency(t testing.TB, name string, peers ...*protocol.Identity) *folder {
	t.Helper()
	f, err := createFolder(filepath.Join(t.TempDir(), name), newIdentity(t, name))
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range peers {
		k, err := f.trusting(known{Peer: id.Peer()})
		if err != nil {
			t.Fatal(err)
		}
		if err := f.trust(k); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

func newIdentity(t testing.TB, name string) *protocol.Identity {
	t.Helper()
	id, err := protocol.NewIdentity(name, 0)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// chain renews an identity so many times.
func chain(t testing.TB, id *protocol.Identity, n int) (*protocol.Identity, *renewals) {
	t.Helper()
	r := &renewals{Version: 1}
	for range n {
		next, statement, err := id.Renew(0)
		if err != nil {
			t.Fatal(err)
		}
		id, r.Renewals = next, append(r.Renewals, statement)
	}
	return id, r
}

func message(t testing.TB, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// accepting is an accept command at a folder that says nothing.
func accepting(f *folder) *acceptance {
	return &acceptance{folder: f, say: func(string, ...any) {}}
}

// What a peer did not sign, and what does not follow, changes nothing.
func TestAcceptRenewals(t *testing.T) {
	first := newIdentity(t, "B")
	last, good := chain(t, first, 3)
	_, long := chain(t, first, maxRenewals+1)
	for _, tt := range []struct {
		name   string
		change func(*renewals)
		code   int // 0: accepted
	}{
		{"as sent", func(*renewals) {}, 0},
		{"the newest is missing its signature", func(r *renewals) { r.Renewals[2].Signature = nil }, exitPeer},
		{"one on the way is another's", func(r *renewals) { r.Renewals[1].Signature = r.Renewals[0].Signature }, exitPeer},
		{"good for longer", func(r *renewals) { r.Renewals[2].Until = r.Renewals[2].Until.Add(time.Hour) }, exitPeer},
		{"the first is missing", func(r *renewals) { r.Renewals = r.Renewals[1:] }, exitSetUp},
		{"one on the way is missing", func(r *renewals) { r.Renewals = append(r.Renewals[:1], r.Renewals[2]) }, exitInput},
		{"one is null", func(r *renewals) { r.Renewals[1] = nil }, exitInput},
		{"of two agencies", func(r *renewals) { r.Renewals[2].Name = "C" }, exitInput},
		{"of a stranger", func(r *renewals) {
			for _, s := range r.Renewals {
				s.Name = "C"
			}
		}, exitSetUp},
		{"of this folder", func(r *renewals) {
			for _, s := range r.Renewals {
				s.Name = "A"
			}
		}, exitPeer},
		{"none", func(r *renewals) { r.Renewals = nil }, exitInput},
		{"too many", func(r *renewals) { r.Renewals = long.Renewals }, exitInput},
		{"a newer version", func(r *renewals) { r.Version = 2 }, exitInput},
		{"a newer version of a statement", func(r *renewals) { r.Renewals[0].Version = 2 }, exitSetUp},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := agency(t, "A", first)
			var r renewals
			if err := json.Unmarshal(message(t, good), &r); err != nil {
				t.Fatal(err)
			}
			tt.change(&r)
			err := accepting(f).acceptRenewals("line", message(t, r))
			if code := codeOf(t, err); code != tt.code {
				t.Errorf("%v: code %d, want %d", err, code, tt.code)
			}
			k, err := f.named("B")
			if err != nil {
				t.Fatal(err)
			}
			want := first.Fingerprint()
			if tt.code == 0 {
				want = last.Fingerprint()
			}
			if k.Certificate != want {
				t.Error("not the certificate that should be known")
			}
		})
	}
}

func TestAcceptRevocation(t *testing.T) {
	first := newIdentity(t, "B")
	for _, tt := range []struct {
		name   string
		change func(*protocol.Revocation)
		code   int
	}{
		{"as sent", func(*protocol.Revocation) {}, 0},
		{"unsigned", func(r *protocol.Revocation) { r.Signature = nil }, exitInput},
		{"of another key", func(r *protocol.Revocation) { r.Signature[0]++ }, exitPeer},
		{"of another time", func(r *protocol.Revocation) { r.Time = r.Time.Add(time.Second) }, exitPeer},
		{"of another certificate", func(r *protocol.Revocation) { r.Revoked[0]++ }, exitSetUp},
		{"of the signing key", func(r *protocol.Revocation) { r.Revoked = protocol.KeyFingerprint(first.SigningKey()) }, exitPeer},
		{"of a stranger", func(r *protocol.Revocation) { r.Name = "C" }, exitSetUp},
		{"a newer version", func(r *protocol.Revocation) { r.Version = 2 }, exitSetUp},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := agency(t, "A", first)
			r, err := first.Revoke(first.Fingerprint())
			if err != nil {
				t.Fatal(err)
			}
			tt.change(r)
			err = accepting(f).acceptRevocation("line", message(t, r))
			if code := codeOf(t, err); code != tt.code {
				t.Errorf("%v: code %d, want %d", err, code, tt.code)
			}
			again, err := openFolder(f.path)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := len(again.config(nil).Revoked), map[bool]int{true: 1}[tt.code == 0]; got != want {
				t.Errorf("%d revoked in a session's configuration, want %d", got, want)
			}
		})
	}
}

// An invitation brings one certificate; a second one, good beside it, would never be
// shown to anyone.
func TestInvitationVouchesForOneCertificate(t *testing.T) {
	p := newIdentity(t, "B").Peer()
	if err := validSender(1, p); err != nil {
		t.Fatal(err)
	}
	p.Old, p.OldUntil = protocol.Fingerprint{1}, time.Now().Add(time.Hour)
	if err := validSender(1, p); err == nil || !strings.Contains(err.Error(), "second certificate") {
		t.Errorf("%v, want that a second certificate is refused", err)
	}
}

// A line from before a renewal neither makes a second folder nor brings the old
// certificate back.
func TestTrustingAfterRenewal(t *testing.T) {
	first := newIdentity(t, "B")
	next, r := chain(t, first, 1)
	f := agency(t, "A", first)
	before, err := f.named("B")
	if err != nil {
		t.Fatal(err)
	}
	if err := accepting(f).acceptRenewals("line", message(t, r)); err != nil {
		t.Fatal(err)
	}
	want, err := f.named("B")
	if err != nil {
		t.Fatal(err)
	}
	if want.slot != before.slot {
		t.Errorf("the folder of the peer is %s, was %s", want.slot, before.slot)
	}
	for _, id := range []*protocol.Identity{first, next} {
		got, err := f.trusting(known{Peer: id.Peer()})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(known{})); diff != "" {
			t.Errorf("(-known +from its line):\n%s", diff)
		}
	}
}

// codeOf is the exit code that an error stands for.
func codeOf(t testing.TB, err error) int {
	t.Helper()
	if err == nil {
		return 0
	}
	var f *failure
	if !errors.As(err, &f) {
		t.Fatalf("an error that is not for people: %v", err)
	}
	return f.code
}

// Whatever the line says, only what the peer signed is believed.
func FuzzAcceptStatements(f *testing.F) {
	id := newIdentity(f, "B")
	_, r := chain(f, id, 2)
	v, err := id.Revoke(id.Fingerprint())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(message(f, r))
	f.Add(message(f, v))
	f.Add([]byte(`{"version":1,"renewals":[null]}`))
	dir := agency(f, "A", id)
	f.Fuzz(func(t *testing.T, message []byte) {
		dir := *dir
		_ = accepting(&dir).acceptRenewals("line", message)
		_ = accepting(&dir).acceptRevocation("line", message)
		k, err := dir.named("B")
		if err != nil {
			t.Fatal(err)
		}
		signed := []protocol.Fingerprint{id.Fingerprint(), r.Renewals[0].New, r.Renewals[1].New}
		if k.Certificate != signed[0] && k.Certificate != signed[1] && k.Certificate != signed[2] {
			t.Error("a certificate that was never signed is trusted")
		}
		for _, entry := range dir.revoked {
			if entry.Fingerprint != v.Revoked {
				t.Error("what was never revoked is listed")
			}
		}
	})
}
