package protocol

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"
)

// carrier brings files between two folders and does not delete any. It gives each file
// that it has not brought before to fault, which says what arrives in its place: nil for
// nothing.
type carrier struct {
	t           testing.TB
	here, there string
	fault       func(n stepName, data []byte) []byte
	met         map[string]bool
	all         map[string][]byte // every file, as it was written
}

func newCarrier(t testing.TB, p, a *stepSide, fault func(stepName, []byte) []byte) *carrier {
	a.box = t.TempDir()
	return &carrier{t: t, here: p.box, there: a.box, fault: fault, met: map[string]bool{}, all: map[string][]byte{}}
}

func read(t testing.TB, dir string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	for _, name := range names(t, dir) {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = data
	}
	return files
}

// carry makes one pass. Odd messages go there, even ones come here.
func (c *carrier) carry() {
	for i, dir := range []string{c.here, c.there} {
		to := []string{c.there, c.here}[i]
		target := read(c.t, to)
		files := read(c.t, dir)
		for _, name := range slices.Backward(slices.Sorted(maps.Keys(files))) { // the last part first
			n, ok := parseStepName(name)
			if !ok || int(n.message)%2 == i {
				continue
			}
			data := files[name]
			c.all[name] = data
			if !c.met[name] {
				c.met[name] = true
				data = c.fault(n, data)
			}
			if data != nil && !bytes.Equal(target[name], data) {
				write(c.t, filepath.Join(to, name), data)
			}
		}
	}
}

// whole is a carrier's fault that there is none.
func whole(_ stepName, data []byte) []byte { return data }

// carried runs a session between two folders to its end.
func carried(t *testing.T, p, a *stepSide, c *carrier, receiver Role, n int) {
	t.Helper()
	if _, err := p.run(stepTerms(n, receiver)); err != nil {
		t.Fatal(err)
	}
	for range 30 {
		c.carry()
		for _, s := range []*stepSide{a, p} {
			status, err := s.run(nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, x := range status {
				if x.Err != nil && (x.Over || !errors.Is(x.Err, ErrMail)) {
					t.Fatal(x.Err)
				}
			}
		}
		if len(p.results) > 0 && len(a.results) > 0 {
			p.check(a, n)
			return
		}
	}
	t.Fatalf("no end; %d files here, %d there", len(names(t, c.here)), len(names(t, c.there)))
}

// reseal returns the file with another payload, and all that anybody can make right of
// the header.
func reseal(n stepName, data, payload []byte) []byte {
	last, _, err := parseStepFile(data, n)
	if err != nil {
		panic(err)
	}
	number := uint32(0)
	if last {
		number = 1
	}
	return marshalFile(n.fixed(), number, payload)
}

// Whatever becomes of a file on its way, once: the next runs come to the right result,
// with one entry in each log.
func TestStepsFaults(t *testing.T) {
	t.Parallel()
	foreign := map[string][]byte{} // files of another session, by message and part
	key := func(n stepName) string { return fmt.Sprintf("%d-%d", n.message, n.part) }
	{
		p, a := stepSides(t, 12)
		p.part, a.part = 100, 100
		c := newCarrier(t, p, a, func(n stepName, data []byte) []byte { foreign[key(n)] = data; return data })
		carried(t, p, a, c, Acceptor, 12)
	}
	other := func(n stepName) []byte {
		if data := foreign[key(n)]; data != nil {
			return data
		}
		return foreign["1-0"]
	}
	for name, fault := range map[string]func(n stepName, data []byte) []byte{
		"none":        whole,
		"lost":        func(stepName, []byte) []byte { return nil },
		"torn":        func(_ stepName, data []byte) []byte { return data[:len(data)/2] },
		"begun":       func(_ stepName, data []byte) []byte { return data[:0] },
		"zeros":       func(_ stepName, data []byte) []byte { return make([]byte, len(data)) },
		"zeros after": func(_ stepName, data []byte) []byte { return append(data[:100:100], make([]byte, len(data)-100)...) },
		"flipped": func(_ stepName, data []byte) []byte {
			data = bytes.Clone(data)
			data[len(data)-9] ^= 1
			return data
		},
		"forged": func(n stepName, data []byte) []byte {
			_, payload, _ := parseStepFile(data, n)
			payload = bytes.Clone(payload)
			payload[len(payload)-9] ^= 1
			return reseal(n, data, payload)
		},
		"another session's":           func(n stepName, _ []byte) []byte { return other(n) },
		"another session's, reheaded": func(n stepName, data []byte) []byte { return reseal(n, data, other(n)[stepHeader:]) },
		"too long":                    func(_ stepName, data []byte) []byte { return append(data[:len(data):len(data)], make([]byte, 9)...) },
		"nonsense":                    func(stepName, []byte) []byte { return []byte("nonsense") },
	} {
		for _, receiver := range []Role{Proposer, Acceptor} {
			t.Run(fmt.Sprintf("%s/receiver=%s", name, receiver), func(t *testing.T) {
				t.Parallel()
				p, a := stepSides(t, 12)
				p.part, a.part = 100, 100
				carried(t, p, a, newCarrier(t, p, a, fault), receiver, 12)
			})
		}
	}
}

// Parts that come one at a time, the last one first, wait for each other.
func TestStepsReordered(t *testing.T) {
	t.Parallel()
	p, a := stepSides(t, 12)
	p.part, a.part = 200, 200
	pass, budget := 0, 0
	c := newCarrier(t, p, a, nil)
	c.fault = func(n stepName, data []byte) []byte {
		if budget == 0 {
			delete(c.met, n.String()) // again in the next pass
			return nil
		}
		budget--
		return data
	}
	if _, err := p.run(stepTerms(12, Proposer)); err != nil {
		t.Fatal(err)
	}
	for ; len(p.results) == 0 || len(a.results) == 0; pass++ {
		if pass > 200 {
			t.Fatal("no end")
		}
		budget = 1
		c.carry()
		a.step(nil)
		p.step(nil)
	}
	p.check(a, 12)
	if pass < 10 {
		t.Errorf("only %d passes", pass)
	}
}

// Files that come back after they were read are known, and change nothing.
func TestStepsRepeated(t *testing.T) {
	t.Parallel()
	for _, receiver := range []Role{Proposer, Acceptor} {
		t.Run(fmt.Sprintf("receiver=%s", receiver), func(t *testing.T) {
			t.Parallel()
			p, a := stepSides(t, 12)
			p.part, a.part = 100, 100
			c := newCarrier(t, p, a, whole)
			if _, err := p.run(stepTerms(12, receiver)); err != nil {
				t.Fatal(err)
			}
			for range 12 {
				c.carry()
				for _, s := range []*stepSide{a, p} {
					for name, data := range c.all {
						write(t, filepath.Join(s.box, name), data)
					}
					s.step(nil)
				}
			}
			p.check(a, 12)
			again := read(t, p.box)
			for name := range again {
				if n, _ := parseStepName(name); n.message < 5 && n.message%2 == 0 {
					t.Errorf("a message that was read stays: %s", name)
				}
			}
			for name, data := range again {
				if !bytes.Equal(data, c.all[name]) {
					t.Errorf("%s was made a second time, differently", name)
				}
			}
		})
	}
}

// A folder without all deletions and with the same file twice under names of programs
// that synchronise leaves strangers' files alone.
func TestStepsOtherFiles(t *testing.T) {
	p, a := stepSides(t, 12)
	others := []string{
		"comity-step1-notes", "comity-step1-" + fmt.Sprintf("%032x", 7) + "-1-00000000 (conflicted copy)",
		"comity-step1-" + fmt.Sprintf("%032X", 0xab) + "-1-00000000", "comity-step1-" + fmt.Sprintf("%032x", 7) + "-7-00000000",
		"comity-step1-" + fmt.Sprintf("%032x", 7) + "-0-00000000", "comity-step2-" + fmt.Sprintf("%032x", 7) + "-1-00000000",
	}
	for _, name := range others {
		write(t, filepath.Join(p.box, name), []byte("x"))
	}
	until(t, p, a, stepTerms(12, Proposer))
	p.check(a, 12)
	slices.Sort(others)
	if got := names(t, p.box); !slices.Equal(got, others) {
		t.Errorf("the folder has %q, want %q", got, others)
	}
}

// What unknown sessions left is deleted when it is old, and not before.
func TestStepsLeftovers(t *testing.T) {
	p, _ := stepSides(t, 2)
	old, recent := stepName{mailSession{1}, 2, 0}.String(), stepName{mailSession{2}, 1, 0}.String()
	for _, name := range []string{old, recent} {
		write(t, filepath.Join(p.box, name), []byte("x"))
	}
	if err := os.Chtimes(filepath.Join(p.box, old), time.Time{}, time.Now().Add(-staleSteps-time.Hour)); err != nil {
		t.Fatal(err)
	}
	p.step(nil)
	if got := names(t, p.box); !slices.Equal(got, []string{recent}) {
		t.Errorf("the folder has %q, want %q", got, recent)
	}
}

var crashEverywhere = flag.Bool("stepcrash", false, "stop sessions in steps at every place, not at one in five")

// crashing gives the side a disk for checkpoints and log that stops at a step; changes to
// the mailbox count too.
func (s *stepSide) crashing(seed uint64) *crashStore {
	disk := newCrashStore(seed)
	s.store = disk
	s.changes = disk.step
	s.reopen()
	return disk
}

func (s *stepSide) reopen() {
	log, err := openLog(s.store, s.c.Identity)
	if err != nil {
		s.t.Fatal(err)
	}
	s.c.Log = log
}

// A side that stops at any step of any run goes on from there in the next: one result,
// one entry in the log, and no message that is made twice.
func TestStepsCrash(t *testing.T) {
	t.Parallel()
	for _, receiver := range []Role{Proposer, Acceptor} {
		for _, proposerStops := range []bool{true, false} {
			t.Run(fmt.Sprintf("receiver=%s/proposerStops=%v", receiver, proposerStops), func(t *testing.T) {
				t.Parallel()
				every, at := 5, rand.IntN(5) // of some hundred places, or of all
				if *crashEverywhere {
					every, at = 1, 0
				}
				for stopped := true; stopped && !t.Failed(); at += every {
					stopped = crashAt(t, receiver, proposerStops, at)
				}
				if at < 60 {
					t.Errorf("only %d places to stop", at)
				}
			})
		}
	}
}

// crashAt runs a session of which one side stops at a step, and reports whether it did.
func crashAt(t *testing.T, receiver Role, proposerStops bool, at int) (stopped bool) {
	p, a := stepSides(t, 4)
	p.part, a.part = 200, 200
	side := a
	if proposerStops {
		side = p
	}
	var disk *crashStore
	for i, s := range []*stepSide{p, a} {
		if d := s.crashing(uint64(2*at + i)); s == side {
			disk = d
		}
	}
	disk.left = at
	seen := map[string][]byte{}
	terms := stepTerms(4, receiver)
	for range 20 {
		for _, s := range []*stepSide{p, a} {
			propose := terms
			if s == a {
				propose = nil
			}
			_, err := s.run(propose)
			switch {
			case errors.Is(err, errCrash) && !stopped:
				stopped = true
				disk.restart()
				s.reopen()
			case err != nil:
				t.Fatalf("stop at %d: %v", at, err)
			case s == p:
				terms = nil // it is on its way
			}
			for name, data := range read(t, p.box) {
				if old, ok := seen[name]; ok && !bytes.Equal(old, data) {
					t.Errorf("stop at %d: %s was made twice", at, name)
				}
				seen[name] = data
			}
		}
		if len(p.results) > 0 && len(a.results) > 0 {
			break
		}
	}
	// A result that was handed over may be handed over again.
	for _, s := range []*stepSide{p, a} {
		if len(s.results) == 2 && s == side {
			s.results = s.results[1:]
		}
	}
	if len(p.results) != 1 || len(a.results) != 1 {
		t.Fatalf("stop at %d: %d and %d results; the folder has %v", at, len(p.results), len(a.results), names(t, p.box))
	}
	p.check(a, 4)
	if t.Failed() {
		t.Logf("stop at %d", at)
	}
	return stopped
}

// Whoever runs the folder reads nothing of terms, names and data, and finds no key by
// which to tell who wrote.
func TestStepsShowCiphertext(t *testing.T) {
	p, a := stepSides(t, 200)
	c := newCarrier(t, p, a, whole)
	carried(t, p, a, c, Proposer, 200)
	all := bytes.Join(slices.Collect(maps.Values(c.all)), nil)
	if len(all) < 10_000 {
		t.Fatalf("only %d bytes to look at", len(all))
	}
	for _, secret := range []string{
		"Arcadia", "Borduria", "missing persons", "2026-Q4", "Treaty", "terms", "ecdh",
		string(p.c.Identity.SigningKey()), string(a.c.Identity.SigningKey()),
	} {
		if bytes.Contains(all, []byte(secret)) {
			t.Errorf("the folder shows %q", secret)
		}
	}
	for name, data := range c.all {
		if sum := compressible(data[stepHeader:]); sum {
			t.Errorf("%s is not random", name)
		}
	}
}

// compressible reports bytes that are far from evenly spread.
func compressible(data []byte) bool {
	var counts [256]int
	for _, b := range data {
		counts[b]++
	}
	return slices.Max(counts[:]) > len(data)/256*4+20
}

// Files of an authenticated peer that go on without end are refused before they are all
// in memory, and the peer hears of it.
func TestStepsEndless(t *testing.T) {
	p, a := stepSides(t, 4)
	p.step(stepTerms(4, Acceptor))
	a.step(nil)
	p.step(nil)
	files := read(t, p.box)
	if len(files) != 1 {
		t.Fatalf("%d files, want message 3", len(files))
	}
	name := slices.Collect(maps.Keys(files))[0]
	n, _ := parseStepName(name)
	content := make([]byte, stepContent)
	for part := range uint32(64) {
		m := stepName{n.session, 3, part}
		if part == 0 {
			content[0] = kindConfirm
		}
		data, err := sealStep(p.c.Identity, a.c.Identity.Peer(), m, part == 63, content)
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(p.box, m.String()), data)
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	status, err := a.run(nil)
	runtime.ReadMemStats(&after)
	if err != nil || len(status) != 1 || !status[0].Over || !errors.Is(status[0].Err, ErrTranscript) {
		t.Errorf("%+v, %v; want ErrTranscript", status, err)
	}
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 8<<20 {
		t.Errorf("the heap grew by %d bytes", grown)
	}
	status, err = p.run(nil)
	if err != nil || len(status) != 1 || !errors.Is(status[0].Err, ErrTranscript) {
		t.Errorf("the peer: %+v, %v; want ErrTranscript", status, err)
	}
}
