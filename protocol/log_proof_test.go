package protocol

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// exchange has one agency's log cosigned by another.
func exchange(t testing.TB, l, by *Log, own, witness *Identity) []byte {
	t.Helper()
	request, err := l.Request(witness.SigningKey(), -1)
	if err != nil {
		t.Fatal(err)
	}
	note, err := by.Cosign(request, own.Peer(), testTime(200))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.AddCosignature(note, witness.Peer()); err != nil {
		t.Fatal(err)
	}
	return note
}

// A log that its own agency cuts or rewrites is found by what others cosigned.
func TestLogWitness(t *testing.T) {
	own, other := identity(t, "Police of Arcadia"), identity(t, "Bureau of Borduria")
	l, dir := logOf(t, own, 3)
	theirs, _ := logOf(t, other, 0)
	exchange(t, l, theirs, own, other)
	saved := filepath.Join(t.TempDir(), "saved")
	if err := os.CopyFS(saved, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	for i := range 4 {
		if err := l.Append(testEntry(i + 3)); err != nil {
			t.Fatal(err)
		}
		exchange(t, l, theirs, own, other)
	}
	exchange(t, l, theirs, own, other) // nothing new is fine
	seven := must(l.Checkpoint())
	report, err := l.Verify([]Peer{other.Peer()})
	if err != nil || len(report.Witnesses) != 1 || report.Witnesses[0] != (Witness{"Bureau of Borduria", 7, testTime(200)}) {
		t.Errorf("%+v, %v", report, err)
	}
	if report, err := l.Verify(nil); err != nil || report.Unknown != 1 {
		t.Errorf("%+v, %v", report, err)
	}

	old, err := OpenLog(saved, own)
	if err != nil {
		t.Fatal(err)
	}
	request := func() []byte { return must(old.Request(other.SigningKey(), -1)) }
	if _, err := theirs.Cosign(request(), own.Peer(), testTime(201)); !errors.Is(err, ErrLogShort) {
		t.Errorf("truncated: %v, want %v", err, ErrLogShort)
	}
	if err := old.VerifyAgainst(seven); !errors.Is(err, ErrLogShort) {
		t.Errorf("truncated: %v, want %v", err, ErrLogShort)
	}
	for i := range 4 { // the same number of other entries
		if err := old.Append(testEntry(i + 30)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := theirs.Cosign(request(), own.Peer(), testTime(201)); !errors.Is(err, ErrLogFork) {
		t.Errorf("forked: %v, want %v", err, ErrLogFork)
	}
	if err := old.Append(testEntry(40)); err != nil {
		t.Fatal(err)
	}
	var stale *StaleError
	if _, err := theirs.Cosign(request(), own.Peer(), testTime(201)); !errors.As(err, &stale) || stale.Size != 7 {
		t.Errorf("stale: %v", err)
	}
	if _, err := theirs.Cosign(must(old.Request(other.SigningKey(), 7)), own.Peer(), testTime(201)); !errors.Is(err, ErrLogFork) {
		t.Errorf("forked: %v, want %v", err, ErrLogFork)
	}
	if err := old.VerifyAgainst(seven); !errors.Is(err, ErrLogFork) {
		t.Errorf("forked: %v, want %v", err, ErrLogFork)
	}
	name := noteName(cosignedPrefix, other.SigningKey())
	write(t, filepath.Join(saved, name), must(os.ReadFile(filepath.Join(dir, name))))
	if _, err := old.Verify([]Peer{other.Peer()}); !errors.Is(err, ErrLogFork) {
		t.Errorf("forked: %v, want %v", err, ErrLogFork)
	}
	fresh, _ := logOf(t, own, 0)
	if _, err := theirs.Cosign(must(fresh.Request(other.SigningKey(), 0)), own.Peer(), testTime(201)); !errors.Is(err, ErrLogShort) {
		t.Errorf("begun anew: %v, want %v", err, ErrLogShort)
	}
	if _, err := theirs.Cosign(request(), other.Peer(), testTime(201)); !errors.Is(err, ErrLogProof) {
		t.Errorf("another's: %v, want %v", err, ErrLogProof)
	}
}

// A proof of inclusion holds for one entry, in one place, of one log.
func TestLogProof(t *testing.T) {
	id := identity(t, "A")
	l, _ := logOf(t, id, 6)
	for i := range int64(6) {
		proof := must(l.Prove(i))
		e, c, err := CheckProof(proof, id.SigningKey())
		if err != nil || e.Index != i || e.Entry.Found != testEntry(int(i)).Found || c.Size != 6 {
			t.Errorf("%d: %+v, %v", i, e, err)
		}
		if _, _, err := CheckProof(proof, identity(t, "B").SigningKey()); !errors.Is(err, ErrLogProof) {
			t.Errorf("another's key: %v", err)
		}
		for at := int(i); at < len(proof); at += 6 {
			bad := slices.Clone(proof)
			bad[at] ^= 1
			if _, _, err := CheckProof(bad, id.SigningKey()); err == nil {
				t.Errorf("entry %d: a change of byte %d is not found", i, at)
			}
		}
	}
	for _, i := range []int64{-1, 6} {
		if _, err := l.Prove(i); !errors.Is(err, ErrEntry) {
			t.Errorf("%d: %v", i, err)
		}
	}
}

func TestLogExport(t *testing.T) {
	own, other := identity(t, "Police of Arcadia"), identity(t, "Bureau of Borduria")
	l, _ := logOf(t, own, 8)
	theirs, _ := logOf(t, other, 0)
	exchange(t, l, theirs, own, other)
	if _, _, err := l.Erase(Retention{Before: testTime(2), Now: testTime(30), Reason: "r"}); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := l.Export(&out, Period{From: testTime(4), Until: testTime(7)}); err != nil {
		t.Fatal(err)
	}
	witnesses := []Peer{other.Peer()}
	x, err := ReadExport(bytes.NewReader(out.Bytes()), own.SigningKey(), witnesses)
	if err != nil {
		t.Fatal(err)
	}
	var states strings.Builder
	for _, e := range x.Entries {
		states.WriteByte(map[bool]byte{true: 'e', false: 'w'}[e.Erased])
		if e.Entry != nil {
			fmt.Fprintf(&states, "%s ", e.Entry.Event)
		}
	}
	if want := "eewwwconsultation wconsultation wconsultation wwerasure "; states.String() != want {
		t.Errorf("%s, want %s", states.String(), want)
	}
	if diff := cmp.Diff([]Witness{{other.Name(), 8, testTime(200)}}, x.Cosigned); diff != "" {
		t.Error(diff)
	}
	lines := strings.SplitAfter(strings.TrimSuffix(out.String(), "\n"), "\n")
	for name, bad := range map[string][]string{
		"cut":     lines[:len(lines)-1],
		"more":    append(slices.Clone(lines), "\n"+lines[3]),
		"swapped": append(slices.Clone(lines[:2]), append([]string{lines[3], lines[2]}, lines[4:]...)...),
		"empty":   nil,
	} {
		if _, err := ReadExport(strings.NewReader(strings.Join(bad, "")), own.SigningKey(), nil); !errors.Is(err, ErrLogProof) {
			t.Errorf("%s: %v, want %v", name, err, ErrLogProof)
		}
	}
	for at := 0; at < out.Len()-1; at += 3 { // a last line break may be there or not
		bad := slices.Clone(out.Bytes())
		bad[at] ^= 1
		x, err := ReadExport(bytes.NewReader(bad), own.SigningKey(), witnesses)
		if err == nil && len(x.Cosigned) == 1 {
			t.Errorf("a change of byte %d is not found", at)
		}
	}
}
