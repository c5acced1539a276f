package protocol

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

var ledgerKills = flag.Int("ledgerkills", 12, "processes to kill at random moments over one ledger; -ledgerkills=1000 is the full campaign")

// The child is this test's binary once more, told by the environment which ledger
// to fill and up to which limit. It says "." for each session that it was given.
const (
	childLedger = "COMITY_TEST_LEDGER"
	childLimit  = "COMITY_TEST_LEDGER_LIMIT"
)

func TestLedgerChild(t *testing.T) {
	path := os.Getenv(childLedger)
	if path == "" {
		t.Skip("run by other tests, in a process of its own")
	}
	var limit int
	if _, err := fmt.Sscan(os.Getenv(childLimit), &limit); err != nil {
		t.Fatal(err)
	}
	l, err := OpenLedger(path)
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; ; n++ {
		terms := asked(func(t *Terms) { t.Scope, t.MaxProposer = ScopeBulk, 10 })
		h, err := l.reserve(noon, claimOf(terms, "", Acceptor, Limits{PeerSessions: limit, MinChange: 3}, "rule 1"))
		var refused *TermError
		if errors.As(err, &refused) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(os.Stderr, ".")
		if n%2 == 1 {
			continue // a session that fails
		}
		if err := h.begin(noon, setOf(10*n, 10).Items()); err != nil {
			t.Fatal(err)
		}
		if err := h.settle(4); err != nil {
			t.Fatal(err)
		}
	}
}

// child starts a process over a ledger. What it says comes from the reader.
func child(t *testing.T, path string, limit int) (*exec.Cmd, *bufio.Reader) {
	t.Helper()
	c := exec.Command(os.Args[0], "-test.run=^TestLedgerChild$", "-test.count=1")
	c.Env = append(os.Environ(), childLedger+"="+path, fmt.Sprintf("%s=%d", childLimit, limit))
	said, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	return c, bufio.NewReader(said)
}

// dots reads what a child says to its end.
func dots(t *testing.T, said *bufio.Reader) int {
	t.Helper()
	text, err := io.ReadAll(said)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range text {
		if b != '.' {
			t.Fatalf("the child says %q", text)
		}
	}
	return len(text)
}

// A process that is killed has had every session counted that it was given, and at
// most one more, which it was about to be given.
func TestLedgerKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger")
	r := rand.New(rand.NewPCG(11, 26))
	l, err := OpenLedger(path)
	if err != nil {
		t.Fatal(err)
	}
	acknowledged, before := 0, 0
	for round := range *ledgerKills {
		c, said := child(t, path, maxBookings)
		if round%2 == 0 { // the others may die while they open the file
			if _, err := said.Peek(1); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Duration(r.Int64N(int64(100 * time.Millisecond))))
		if err := c.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		given := dots(t, said)
		_ = c.Wait() // it was killed
		u := usage(t, l, noon)
		if fresh := u.Sessions - before; fresh < given || fresh > given+1 {
			t.Fatalf("round %d: %d sessions count, %d were given", round, fresh, given)
		}
		acknowledged, before = acknowledged+given, u.Sessions
		if most := uint64(10*u.Unsettled + 4*(u.Sessions-u.Unsettled)); u.Items != most {
			t.Fatalf("round %d: %d items, want %d", round, u.Items, most)
		}
		if err := l.Verify(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d kills: %d sessions given, %d count", *ledgerKills, acknowledged, before)
}

// A process may die while it makes the file: the next one makes it, or goes on.
func TestLedgerKillFirst(t *testing.T) {
	r := rand.New(rand.NewPCG(12, 26))
	for range max(*ledgerKills/4, 2) {
		path := filepath.Join(t.TempDir(), "ledger")
		c, said := child(t, path, maxBookings)
		time.Sleep(time.Duration(r.Int64N(int64(30 * time.Millisecond))))
		if err := c.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		given := dots(t, said)
		_ = c.Wait()
		l, err := OpenLedger(path)
		if err != nil {
			t.Fatal(err)
		}
		if n := usage(t, l, noon).Sessions; n < given || n > given+1 {
			t.Errorf("%d sessions count, %d were given", n, given)
		}
	}
}

// Processes share a limit.
func TestLedgerProcesses(t *testing.T) {
	const limit = 30
	path := filepath.Join(t.TempDir(), "ledger")
	type process struct {
		c    *exec.Cmd
		said *bufio.Reader
	}
	var all []process
	for range 3 {
		c, said := child(t, path, limit)
		all = append(all, process{c, said})
	}
	sum := 0
	for _, p := range all {
		text, err := io.ReadAll(p.said)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.c.Wait(); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		sum += len(text)
	}
	if sum != limit {
		t.Errorf("%d sessions given, want %d", sum, limit)
	}
}
