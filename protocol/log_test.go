package protocol

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func testTime(minutes int) time.Time {
	return time.Date(2026, 11, 26, 12, minutes, 0, 0, time.UTC)
}

func testEntry(i int) *Entry {
	return &Entry{
		Event: Consultation, Time: testTime(i), Peer: "Bureau of Borduria", Role: Proposer, Officer: "o-17", Case: "c/2026/1",
		Purpose: "missing <persons>", LegalBasis: "Treaty of 2026, article 9", Function: FunctionSet, Suite: "ecdh-p256",
		Outcome: OutcomeDone, OwnSize: 10, PeerSize: 20, Found: i % 5,
		Terms: sha256.Sum256([]byte("terms")), Transcript: sha256.Sum256(fmt.Append(nil, i)),
	}
}

// logOf is a log with n entries, in a folder.
func logOf(t testing.TB, id *Identity, n int) (*Log, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "log")
	l, err := OpenLog(dir, id)
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		if err := l.Append(testEntry(i)); err != nil {
			t.Fatal(err)
		}
	}
	return l, dir
}

func entries(t testing.TB, l *Log) []Logged {
	t.Helper()
	var all []Logged
	for e, err := range l.Entries() {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	return all
}

func TestLogEntries(t *testing.T) {
	id := identity(t, "Police of Arcadia")
	_, dir := logOf(t, id, 5)
	l, err := OpenLog(dir, id) // another process
	if err != nil {
		t.Fatal(err)
	}
	all := entries(t, l)
	if len(all) != 5 {
		t.Fatalf("%d entries", len(all))
	}
	for i, e := range all {
		want := testEntry(i)
		want.Version = LogVersion
		if diff := cmp.Diff(Logged{Index: int64(i), Entry: want}, e); diff != "" {
			t.Error(diff)
		}
	}
	report, err := l.Verify(nil)
	if err != nil || report.Entries != 5 || report.Erased != 0 {
		t.Errorf("%+v, %v", report, err)
	}
	if _, err := OpenLog(dir, identity(t, "Police of Arcadia")); !errors.Is(err, ErrLog) {
		t.Errorf("another's log: %v, want %v", err, ErrLog)
	}
	if err := l.Append(&Entry{Event: "party", Time: testTime(1)}); !errors.Is(err, ErrEntry) || !errors.Is(err, ErrLogWrite) {
		t.Errorf("%v, want %v", err, ErrEntry)
	}
}

func TestLogConcurrently(t *testing.T) {
	id := identity(t, "A")
	l, dir := logOf(t, id, 0)
	second, err := OpenLog(dir, id)
	if err != nil {
		t.Fatal(err)
	}
	var work sync.WaitGroup
	for _, log := range []*Log{l, second} {
		for range 4 {
			work.Go(func() {
				for i := range 5 {
					if err := log.Append(testEntry(i)); err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
	work.Wait()
	if report, err := l.Verify(nil); err != nil || report.Entries != 40 {
		t.Errorf("%+v, %v", report, err)
	}
}

// Retention erases payloads and keeps the proofs; a hold stops it.
func TestLogErase(t *testing.T) {
	id := identity(t, "A")
	l, dir := logOf(t, id, 10)
	before := must(l.Checkpoint())
	proof := must(l.Prove(2))
	hold, err := l.Hold(Range{4, 6}, testTime(20), "o-1", "court order")
	if err != nil {
		t.Fatal(err)
	}
	order := Retention{Before: testTime(8), Now: testTime(30), Officer: "o-1", Reason: "retention of 3 years"}
	if erased, held, err := l.Erase(order); err != nil || erased != 6 || held != 2 {
		t.Errorf("erased %d, held %d, %v", erased, held, err)
	}
	if erased, held, err := l.Erase(order); err != nil || erased != 0 || held != 2 {
		t.Errorf("again: erased %d, held %d, %v", erased, held, err)
	}
	report, err := l.Verify(nil)
	if err != nil || report.Erased != 6 || report.Holds != 1 {
		t.Errorf("%+v, %v", report, err)
	}
	for _, e := range entries(t, l) {
		if want := e.Index < 8 && e.Index != 4 && e.Index != 5; e.Erased != want || want != (e.Entry == nil) {
			t.Errorf("entry %d: erased %v", e.Index, e.Erased)
		}
	}
	if data, err := os.ReadFile(filepath.Join(dir, payloadsFile)); err != nil || bytes.Contains(data, []byte(`"2026-11-26T12:02:00Z"`)) || !bytes.Contains(data, []byte(`"2026-11-26T12:04:00Z"`)) {
		t.Error("an erased payload is still on disk, or a held one is not")
	}
	if err := l.VerifyAgainst(before); err != nil {
		t.Error(err)
	}
	for name, p := range map[string][]byte{"older": proof, "newer": must(l.Prove(2))} {
		e, _, err := CheckProof(p, id.SigningKey())
		if err != nil || e.Index != 2 || (e.Entry == nil) != (name == "newer") {
			t.Errorf("%s: %+v, %v", name, e, err)
		}
	}
	if err := l.Release(hold+1, testTime(40), "o-1", "mistaken"); !errors.Is(err, ErrEntry) {
		t.Errorf("release of no hold: %v", err)
	}
	if err := l.Release(hold, testTime(40), "o-1", "case closed"); err != nil {
		t.Fatal(err)
	}
	if erased, held, err := l.Erase(order); err != nil || erased != 2 || held != 0 {
		t.Errorf("after release: erased %d, held %d, %v", erased, held, err)
	}
	if _, err := l.Hold(Range{0, math.MaxInt64}, testTime(50), "o-1", "inquiry"); err != nil {
		t.Fatal(err)
	}
	order.Before = testTime(99)
	if erased, held, err := l.Erase(order); err != nil || erased != 0 || held != 2 {
		t.Errorf("all held: erased %d, held %d, %v", erased, held, err)
	}
	if report, err := l.Verify(nil); err != nil || report.Erased != 8 {
		t.Errorf("%+v, %v", report, err)
	}
}

// An erasure that breaks a hold is found, although the agency signed it.
func TestLogErasureOfHeld(t *testing.T) {
	l, _ := logOf(t, identity(t, "A"), 3)
	if _, err := l.Hold(Range{0, 3}, testTime(9), "", "inquiry"); err != nil {
		t.Fatal(err)
	}
	err := l.with(func(tree *logTree) error {
		if err := tree.append([]*Entry{{Event: Erasure, Time: testTime(10), Ranges: []Range{{1, 2}}}}); err != nil {
			return err
		}
		return tree.finishErasure()
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Verify(nil); !errors.Is(err, ErrLog) {
		t.Errorf("%v, want %v", err, ErrLog)
	}
}

// Every byte of every file matters: changed, each is found.
func TestLogTamper(t *testing.T) {
	t.Parallel()
	own, other := identity(t, "Police of Arcadia"), identity(t, "Bureau of Borduria")
	store := newCrashStore(0)
	l, err := openLog(store, own)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 4 {
		if err := l.Append(testEntry(i)); err != nil {
			t.Fatal(err)
		}
	}
	theirs, _ := logOf(t, other, 2)
	if _, _, err := l.Erase(Retention{Before: testTime(2), Now: testTime(9), Reason: "r"}); err != nil {
		t.Fatal(err)
	}
	exchange(t, l, theirs, own, other)
	exchange(t, theirs, l, other, own)
	with := func(name string, data []byte) error { // the log with another file of the name
		changed := newCrashStore(0)
		for n, d := range store.names_ {
			changed.names_[n] = &crashData{data: slices.Clone(d.data)}
		}
		delete(changed.names_, name)
		if data != nil {
			changed.names_[name] = &crashData{data: data}
		}
		l, err := openLog(changed, own)
		if err == nil {
			_, err = l.Verify([]Peer{other.Peer()})
		}
		return err
	}
	flipped := 0
	for name, d := range store.names_ {
		whole := d.data
		if err := with(name, slices.Clone(whole)); err != nil {
			t.Fatal(err)
		}
		for i := range whole {
			bad := slices.Clone(whole)
			bad[i] ^= 1 << (i % 8)
			if err := with(name, bad); err == nil {
				t.Errorf("%s: a change of byte %d is not found", name, i)
			}
			flipped++
		}
		if strings.HasPrefix(name, cosignedPrefix) || strings.HasPrefix(name, witnessedPrefix) {
			continue // a log that nobody cosigned is one too
		}
		for n := range whole {
			if err := with(name, slices.Clone(whole[:n])); err == nil {
				t.Errorf("%s: cut to %d bytes, and not found", name, n)
			}
		}
		if err := with(name, nil); err == nil {
			t.Errorf("%s: removed, and not found", name)
		}
	}
	if flipped < 2000 {
		t.Errorf("only %d bytes", flipped)
	}
}

func write(t testing.TB, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func reverify(dir string, id *Identity, peers []Peer) error {
	l, err := OpenLog(dir, id)
	if err != nil {
		return err
	}
	_, err = l.Verify(peers)
	return err
}

// Entries that change places, or vanish from the middle, are found.
func TestLogReorderAndDelete(t *testing.T) {
	id := identity(t, "A")
	for name, change := range map[string]func(leaves [][]byte) [][]byte{
		"swap":   func(l [][]byte) [][]byte { l[1], l[2] = l[2], l[1]; return l },
		"delete": func(l [][]byte) [][]byte { return slices.Delete(l, 1, 2) },
		"repeat": func(l [][]byte) [][]byte { return slices.Insert(l, 1, l[1]) },
	} {
		_, dir := logOf(t, id, 5)
		path := filepath.Join(dir, leavesFile)
		whole := must(os.ReadFile(path))
		leaves := slices.Collect(slices.Chunk(whole[logHeaderSize:], leafSize))
		write(t, path, append(slices.Clone(whole[:logHeaderSize]), bytes.Join(change(leaves), nil)...))
		if err := reverify(dir, id, nil); !errors.Is(err, ErrLog) {
			t.Errorf("%s: %v, want %v", name, err, ErrLog)
		}
	}
}

// What a crash left behind the checkpoint is cut off, and said to be.
func TestLogTornTail(t *testing.T) {
	id := identity(t, "A")
	for _, name := range []string{leavesFile, payloadsFile, hashesFile} {
		_, dir := logOf(t, id, 3)
		path := filepath.Join(dir, name)
		write(t, path, append(must(os.ReadFile(path)), "torn"...))
		l, err := OpenLog(dir, id)
		if err != nil {
			t.Fatal(err)
		}
		if l.Repaired() != 1 {
			t.Errorf("%s: repaired %d times", name, l.Repaired())
		}
		if err := l.Append(testEntry(4)); err != nil {
			t.Error(err)
		}
		if report, err := l.Verify(nil); err != nil || report.Entries != 4 {
			t.Errorf("%s: %+v, %v", name, report, err)
		}
	}
}

func TestLogOfAnotherVersion(t *testing.T) {
	id := identity(t, "A")
	l, dir := logOf(t, id, 1)
	for _, name := range []string{leavesFile, payloadsFile, hashesFile, checkpointFile} {
		path := filepath.Join(dir, name)
		whole := must(os.ReadFile(path))
		write(t, path, bytes.Replace(whole, []byte("log v1"), []byte("log v2"), 1))
		if name == checkpointFile {
			if _, err := ParseCheckpoint(bytes.Replace(whole, []byte("-v1/"), []byte("-v23/"), 1), id.SigningKey(), nil); !errors.Is(err, ErrLogVersion) || !strings.Contains(err.Error(), "23") {
				t.Errorf("%s: %v", name, err)
			}
		} else if _, err := OpenLog(dir, id); !errors.Is(err, ErrLogVersion) || !strings.Contains(err.Error(), "2, here 1") {
			t.Errorf("%s: %v, want %v", name, err, ErrLogVersion)
		}
		write(t, path, whole)
	}
	var x bytes.Buffer
	if err := l.Export(&x, Period{}); err != nil {
		t.Fatal(err)
	}
	newer := strings.Replace(x.String(), `_export":1`, `_export":2,"more":0`, 1)
	if _, err := ReadExport(strings.NewReader(newer), id.SigningKey(), nil); !errors.Is(err, ErrLogVersion) {
		t.Errorf("export: %v, want %v", err, ErrLogVersion)
	}
}

func TestPairSessions(t *testing.T) {
	a, b := testEntry(1), testEntry(1)
	b.Peer, b.Role, b.Event = "Police of Arcadia", Acceptor, Disclosure
	b.OwnSize, b.PeerSize = a.PeerSize, a.OwnSize
	odd := *b
	odd.Terms, odd.OwnSize, odd.Transcript = Hash{1}, 3, testEntry(2).Transcript
	lone, failed := *b, *b
	lone.Transcript, failed.Transcript = Hash{9}, Hash{}
	own := []Logged{{Index: 0, Entry: a}, {Index: 1}, {Index: 2, Entry: testEntry(2)}, {Index: 3, Entry: testEntry(3)}}
	peer := []Logged{{Index: 0}, {Index: 1, Entry: &odd}, {Index: 2, Entry: b}, {Index: 3, Entry: &lone}, {Index: 4, Entry: &failed}}
	want := []Pairing{
		{Transcript: a.Transcript, Own: 0, Peer: 2},
		{Transcript: odd.Transcript, Own: 2, Peer: 1, Differ: []string{"terms", "peer_size"}},
		{Transcript: testEntry(3).Transcript, Own: 3, Peer: -1},
		{Transcript: lone.Transcript, Own: -1, Peer: 3},
	}
	if diff := cmp.Diff(want, PairSessions(own, "Police of Arcadia", peer, "Bureau of Borduria")); diff != "" {
		t.Error(diff)
	}
}

// Strangers share an entry, however many there are.
func TestLogStrangers(t *testing.T) {
	l, _ := logOf(t, identity(t, "A"), 0)
	for i := range 1000 {
		if err := l.countStranger(testTime(0).Add(time.Duration(i) * time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.flushStrangers(testTime(30)); err != nil {
		t.Fatal(err)
	}
	total := 0
	all := entries(t, l)
	for _, e := range all {
		total += e.Entry.Count
	}
	if total != 1000 || len(all) > 3 {
		t.Errorf("%d counted in %d entries", total, len(all))
	}
}

// Killed processes leave a log that verifies and has each entry they reported.
func TestLogSurvivesKill(t *testing.T) {
	if dir := os.Getenv("COMITY_TEST_LOG"); dir != "" {
		appendUntilKilled(dir)
	}
	t.Parallel()
	id := identity(t, "A")
	dir := t.TempDir()
	write(t, filepath.Join(dir, "identity"), must(id.Marshal()))
	rounds, repaired := 40, 0
	if testing.Short() {
		rounds = 5
	}
	var reported int64
	for round := range rounds {
		cmd := exec.Command(os.Args[0], "-test.run=^TestLogSurvivesKill$")
		cmd.Env = append(os.Environ(), "COMITY_TEST_LOG="+dir)
		var out bytes.Buffer
		cmd.Stdout = &out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(20+round*3) * time.Millisecond) // no assertion hangs on it
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		reported += int64(bytes.Count(out.Bytes(), []byte("+")))
		l, err := OpenLog(filepath.Join(dir, "log"), id)
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		repaired += l.Repaired()
		report, err := l.Verify(nil)
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		if report.Entries < reported || report.Entries > reported+int64(round)+1 {
			t.Errorf("round %d: %d entries, %d reported", round, report.Entries, reported)
		}
	}
	if reported == 0 {
		t.Error("nothing was appended")
	}
	t.Logf("%d entries, %d repairs", reported, repaired)
}

func appendUntilKilled(dir string) {
	id := must(ParseIdentity(must(os.ReadFile(filepath.Join(dir, "identity")))))
	l := must(OpenLog(filepath.Join(dir, "log"), id))
	for i := 0; ; i++ {
		if err := l.Append(testEntry(i % 50)); err != nil {
			panic(err)
		}
		os.Stdout.WriteString("+")
	}
}
