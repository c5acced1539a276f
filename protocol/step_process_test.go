package protocol

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/comity-prl/comity/psi"
)

// stepProcess is what a process of TestStepsOfProcesses finds in its folder, beside the
// identities of both sides.
type stepProcess struct {
	Role        Role
	Box         string
	First, Last int // of the own items
}

// Ten thousand against ten thousand, by processes of which each ends before the next
// begins. A process is this test in another binary's run.
func TestStepsOfProcesses(t *testing.T) {
	if dir := os.Getenv("COMITY_STEP_PROCESS"); dir != "" {
		if err := stepAlone(dir); err != nil {
			t.Fatal(err)
		}
		return
	}
	n := 10_000
	if testing.Short() || raceDetector {
		n = 200 // 40,000 multiplications take a while
	}
	root := t.TempDir()
	box := filepath.Join(root, "box")
	dirs := map[Role]string{Proposer: filepath.Join(root, "p"), Acceptor: filepath.Join(root, "a")}
	for _, dir := range []string{box, dirs[Proposer], dirs[Acceptor]} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	first := 1
	ids := map[Role]*Identity{Proposer: identity(t, "Police of Arcadia"), Acceptor: identity(t, "Bureau of Borduria")}
	for _, role := range []Role{Proposer, Acceptor} {
		text, err := ids[role].Marshal()
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dirs[role], "identity"), text)
		for name, v := range map[string]any{
			"peer":    ids[role.other()].Peer(),
			"process": stepProcess{Role: role, Box: box, First: first, Last: first + n - 1},
		} {
			text, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(dirs[role], name), text)
		}
		first += n / 2
	}
	for range 3 {
		for _, role := range []Role{Proposer, Acceptor} {
			cmd := exec.Command(os.Args[0], "-test.run=^TestStepsOfProcesses$")
			cmd.Env = append(os.Environ(), "COMITY_STEP_PROCESS="+dirs[role])
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%s: %v\n%s", role, err, out)
			}
		}
	}
	var rows map[uint32]int
	var matches map[int]uint32
	for role, v := range map[Role]any{Proposer: &matches, Acceptor: &rows} {
		text, err := os.ReadFile(filepath.Join(dirs[role], "result"))
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, v); err != nil {
			t.Fatal(err)
		}
	}
	if len(matches) != n/2 || len(rows) != n {
		t.Fatalf("%d matches and %d handles, want %d and %d", len(matches), len(rows), n/2, n)
	}
	for row, handle := range matches {
		if rows[handle] != row-n/2 {
			t.Fatalf("row %d is matched with row %d", row, rows[handle])
		}
	}
	if left := names(t, box); len(left) > 0 {
		t.Errorf("left in the folder: %v", left)
	}
}

// stepAlone is one process: it does what there is to do for one side.
func stepAlone(dir string) error {
	text, err := os.ReadFile(filepath.Join(dir, "identity"))
	if err != nil {
		return err
	}
	id, err := ParseIdentity(text)
	if err != nil {
		return err
	}
	var peer Peer
	var process stepProcess
	for name, v := range map[string]any{"peer": &peer, "process": &process} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		if err := json.Unmarshal(text, v); err != nil {
			return err
		}
	}
	log, err := OpenLog(filepath.Join(dir, "log"), id)
	if err != nil {
		return err
	}
	n := process.Last - process.First + 1
	set := numbered(process.First, process.Last)
	steps := &Steps{
		Mailbox: &Mailbox{Dir: process.Box}, Dir: filepath.Join(dir, "steps"),
		Config: &Config{Identity: id, Peers: []Peer{peer}, Log: log},
		Set:    func(*Terms) (*psi.Set, error) { return set, nil },
		Done: func(r *StepResult) error {
			out := any(matchesOf(r))
			if r.Handles != nil {
				out = rowsOf(r)
			}
			text, err := json.Marshal(out)
			if err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(dir, "result"), text, 0o600)
		},
	}
	terms := stepTerms(n, Proposer)
	if process.Role == Acceptor {
		steps.Config.Policy = stepPolicy()
		terms = nil
	}
	if _, err := os.Stat(steps.Dir); err == nil {
		terms = nil // the proposal is on its way
	}
	status, err := steps.Run(context.Background(), terms)
	if err != nil {
		return err
	}
	for _, s := range status {
		if s.Err != nil {
			return fmt.Errorf("session %s: %w", s.Session, s.Err)
		}
	}
	return nil
}

func matchesOf(r *StepResult) map[int]uint32 {
	out := map[int]uint32{}
	if r.Result != nil {
		for m := range r.Result.All() {
			out[m.Item] = m.Handle
		}
	}
	return out
}

func rowsOf(r *StepResult) map[uint32]int {
	out := map[uint32]int{}
	for handle, row := range r.Handles.All() {
		out[handle] = row
	}
	return out
}
