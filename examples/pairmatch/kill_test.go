package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/comity-prl/comity/protocol"
)

// The full campaign is
//
//	go test ./examples/pairmatch -run TestKill -kills 200 -timeout 2h -v
var kills = flag.Int("kills", 6, "how many runs the kill -9 campaign kills; 200 is the full one")

// field is where the two agencies of the campaign live.
type field struct {
	t     *testing.T
	dir   string
	began time.Time
	lines map[string]int    // that a whole result has, by its header
	items uint64            // that a session counts
	seen  map[string]before // by agency
}

// before is what an agency's log and ledger had at the last look.
type before struct {
	entries, sessions, unsettled int
	items                        uint64
}

// command is pairmatch in the field.
func (f *field) command(args ...string) *exec.Cmd {
	cmd := exec.Command("pairmatch", args...)
	cmd.Dir = f.dir
	cmd.Env = append(os.Environ(), "HOME="+f.dir)
	return cmd
}

// must runs a command that may not fail, and returns its output.
func (f *field) must(args ...string) string {
	f.t.Helper()
	out, err := f.command(args...).CombinedOutput()
	if err != nil {
		f.t.Fatalf("pairmatch %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

func (f *field) write(name, text string) {
	f.t.Helper()
	if err := os.WriteFile(filepath.Join(f.dir, name), []byte(text), 0o600); err != nil {
		f.t.Fatal(err)
	}
}

// newField has two agencies that agree, with persons of whom they share half.
func newField(t *testing.T, persons int) *field {
	f := &field{t: t, dir: t.TempDir(), began: time.Now(), lines: make(map[string]int), seen: make(map[string]before)}
	f.write("a.csv", somePeople(0, persons))
	f.write("b.csv", somePeople(persons/2, persons))
	for _, line := range []string{
		"init --dir a --name A",
		"init --dir b --name B",
		"schema a.csv -o linkage.json",
		"invite --dir a --linkage linkage.json --epoch 2026-Q4 -o invite.txt",
		"accept --dir b invite.txt -o reply.txt",
		"accept --dir a reply.txt",
	} {
		f.must(strings.Fields(line)...)
	}
	return f
}

func somePeople(from, n int) string {
	var b strings.Builder
	b.WriteString("given_name,family_name,birth_date\n")
	for i := from; i < from+n; i++ {
		letters := fmt.Sprintf("%c%c", 'a'+i%26, 'a'+i/26%26)
		fmt.Fprintf(&b, "Vim%s,Ko%sberg,19%02d-0%d-1%d\n", letters, letters, i%100, 1+i%9, i%10)
	}
	return b.String()
}

// child is a command that runs.
type child struct {
	*exec.Cmd
	out   bytes.Buffer
	err   error
	took  time.Duration
	ended chan struct{}
}

// start starts a command, and kills it after so long, if that is not 0.
func (f *field) start(kill time.Duration, args ...string) *child {
	f.t.Helper()
	p := &child{Cmd: f.command(args...), ended: make(chan struct{})}
	p.Stdout, p.Stderr = &p.out, &p.out
	began := time.Now()
	if err := p.Start(); err != nil {
		f.t.Fatal(err)
	}
	if kill > 0 {
		time.AfterFunc(kill, func() { _ = p.Process.Kill() }) // it may have ended
	}
	go func() {
		p.err = p.Wait()
		p.took = time.Since(began)
		close(p.ended)
	}()
	return p
}

// end waits for a process and returns its exit code. One that does not end is
// killed, and the test fails.
func (p *child) end(t *testing.T) int {
	t.Helper()
	select {
	case <-p.ended:
	case <-time.After(time.Minute):
		_ = p.Process.Kill() // what it wrote is reported
		<-p.ended
		t.Fatalf("%v hangs:\n%s", p.Args[1:], &p.out)
	}
	var exit *exec.ExitError
	if p.err != nil && !errors.As(p.err, &exit) {
		t.Fatal(p.err)
	}
	return p.ProcessState.ExitCode()
}

// meeting is one run of serve and link.
type meeting struct {
	name        string
	serve, link *child // link is nil where serve ended before it listened
}

// begin starts serve, with more arguments, and link once serve listens. Each is
// killed after its time, if that is not 0.
func (f *field) begin(name string, wait, killServe, killLink time.Duration, more ...string) *meeting {
	f.t.Helper()
	m := &meeting{name: name}
	at := filepath.Join(f.dir, name+".at")
	m.serve = f.start(killServe, append([]string{"serve", "--dir", "b", "--data", "b.csv", "--listen", "127.0.0.1:0", "--address-file", at,
		"--once", "--wait", wait.String(), "--resume", wait.String(), "--out", name}, more...)...)
	for {
		if address, err := os.ReadFile(at); err == nil {
			m.link = f.start(killLink, "link", "--dir", "a", "--data", "a.csv", "--connect", strings.TrimSpace(string(address)),
				"--purpose", "p", "--legal-basis", "l", "--jurisdictions", "DE", "--scope", "query", "--category", "other",
				"--resume", wait.String(), "-o", m.matches())
			return m
		}
		select {
		case <-m.serve.ended:
			return m
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// end waits for both and returns their exit codes, -1 for one that was killed or
// never began.
func (m *meeting) end(t *testing.T) (serve, link int) {
	t.Helper()
	link = -1
	if m.link != nil {
		link = m.link.end(t)
	}
	return m.serve.end(t), link
}

func (m *meeting) matches() string { return m.name + ".matches.csv" }
func (m *meeting) handles() string { return filepath.Join(m.name, kindHandles+".csv") }

// result reports whether a result is there, and of which transcript. One that is
// there must be complete, with the terms and an opening that is right beside it.
func (f *field) result(dir, path, header string) (transcript protocol.Hash, there bool) {
	f.t.Helper()
	text, err := os.ReadFile(filepath.Join(f.dir, path))
	if errors.Is(err, fs.ErrNotExist) {
		return transcript, false
	}
	if err != nil {
		f.t.Fatal(err)
	}
	table, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if f.lines[header] == 0 { // of the first run, in which nothing is killed
		f.lines[header] = len(table)
	}
	if err != nil || len(table) != f.lines[header] || strings.Join(table[0], ",") != header || !bytes.HasSuffix(text, []byte("\n")) {
		f.t.Errorf("%s: half a file of %d bytes and %d lines, %v", path, len(text), len(table), err)
	}
	var r record
	terms, err := os.ReadFile(filepath.Join(f.dir, termsPath(path)))
	if err == nil {
		err = json.Unmarshal(terms, &r)
	}
	if err == nil {
		err = r.Agreement.Verify()
	}
	if err != nil || r.Transcript.IsZero() || len(r.Commitments) != 2 {
		f.t.Errorf("%s: %d commitments, %v", termsPath(path), len(r.Commitments), err)
	}
	f.must("opening", "verify", "--dir", dir, "--data", dir+".csv", "--terms", termsPath(path), "--opening", openingPath(path))
	return r.Transcript, true
}

// left reports files of a run that no run may leave, and half ones.
func (f *field) left(m *meeting) {
	f.t.Helper()
	allowed := map[string]bool{m.name: true, m.name + ".at": true}
	for _, path := range append(resultFiles(m.matches()), resultFiles(m.handles())...) {
		allowed[path] = true
	}
	found, err := filepath.Glob(filepath.Join(f.dir, m.name+"*"))
	if err != nil {
		f.t.Fatal(err)
	}
	inside, err := filepath.Glob(filepath.Join(f.dir, m.name, "*"))
	if err != nil {
		f.t.Fatal(err)
	}
	for _, path := range append(found, inside...) {
		name, err := filepath.Rel(f.dir, path)
		if err != nil {
			f.t.Fatal(err)
		}
		switch {
		case strings.HasPrefix(filepath.Base(name), "."):
		case !allowed[name]:
			f.t.Errorf("%s was left", name)
		case filepath.Ext(name) == ".json":
			if text, err := os.ReadFile(path); err != nil || !json.Valid(text) {
				f.t.Errorf("%s: half a file of %d bytes, %v", name, len(text), err)
			}
		}
	}
}

// log returns the entries of an agency's log, which must be in order.
func (f *field) log(dir string) (entries []*protocol.Entry) {
	f.t.Helper()
	f.must("log", "verify", "--dir", dir)
	for line := range strings.Lines(f.must("log", "list", "--dir", dir, "--json")) {
		var e struct{ Entry *protocol.Entry }
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			f.t.Fatal(err)
		}
		entries = append(entries, e.Entry)
	}
	return entries
}

// since returns what the log and the ledger of an agency have that they did not at
// the last look.
func (f *field) since(dir string) (entries []*protocol.Entry, more before) {
	f.t.Helper()
	was := f.seen[dir]
	all := f.log(dir)
	l, err := protocol.OpenLedger(filepath.Join(f.dir, dir, ledgerFile))
	if err != nil {
		f.t.Fatal(err)
	}
	u, err := l.Usage(f.began, map[string]string{"a": "B", "b": "A"}[dir])
	if err := errors.Join(err, l.Verify(), l.Close()); err != nil {
		f.t.Fatal(err)
	}
	f.seen[dir] = before{len(all), u.Sessions, u.Unsettled, u.Items}
	return all[was.entries:], before{len(all) - was.entries, u.Sessions - was.sessions, u.Unsettled - was.unsettled, u.Items - was.items}
}

// check holds what a run left against what must be true whatever was killed, and
// returns how many results there are.
func (f *field) check(m *meeting) (results int) {
	f.t.Helper()
	f.left(m)
	var transcripts [2]protocol.Hash // of the results
	var has [2]bool
	transcripts[0], has[0] = f.result("a", m.matches(), "row,handle,rule,status")
	transcripts[1], has[1] = f.result("b", m.handles(), "handle,row,rule")
	agreed := false // there was a session
	var used [2]before
	for i, dir := range []string{"a", "b"} {
		entries, more := f.since(dir)
		done := make(map[protocol.Hash]int)
		for _, e := range entries {
			if e.Event == protocol.Consultation || e.Event == protocol.Disclosure {
				agreed = true
			}
			if e.Outcome == protocol.OutcomeDone {
				done[e.Transcript]++
			}
		}
		for j, there := range has {
			if there && done[transcripts[j]] != 1 {
				f.t.Errorf("%s: a result is there, and %s has %d entries of it", m.name, dir, done[transcripts[j]])
			}
		}
		used[i] = more
		if has[i] {
			results++
		}
	}
	for i, u := range used {
		f.counted(m.name, u, has[i], agreed)
	}
	return results
}

// counted reports where a ledger does not have a session once, and in full where it
// was not settled.
func (f *field) counted(name string, u before, has, agreed bool) {
	f.t.Helper()
	if f.items == 0 { // of the first run
		f.items = u.items
	}
	if u.sessions > 1 || agreed && u.sessions != 1 || has && u.unsettled != 0 || u.unsettled > u.sessions || u.items != f.items*uint64(u.sessions) {
		f.t.Errorf("%s: the ledger has %+v more; result %v, session %v", name, u, has, agreed)
	}
}

// Whenever serve or link is killed, both logs stay whole, no half result is left, a
// result is in both logs, both ledgers count a session that began, once and in full,
// the other side ends with the exit code of a connection, and the next run works.
func TestKill(t *testing.T) {
	f := newField(t, 100)
	whole := func(name string) *meeting {
		m := f.begin(name, time.Minute, 0, 0)
		if serve, link := m.end(t); serve != 0 || link != 0 {
			t.Fatalf("%s: serve ended with %d, link with %d:\n%s%s", name, serve, link, &m.serve.out, &m.link.out)
		}
		if n := f.check(m); n != 2 {
			t.Fatalf("%s: %d results, want 2", name, n)
		}
		return m
	}
	last := whole("first")
	if n := f.lines["row,handle,rule,status"]; n != 1+50 {
		t.Fatalf("%d lines of matches, want 51", n)
	}
	ends := make(map[string]int)
	killed, runs := 0, 0
	for ; killed < *kills && runs < 3**kills; runs++ {
		r := rand.New(rand.NewPCG(uint64(runs), 3))
		var killServe, killLink time.Duration
		if runs%2 == 0 {
			killServe = moment(r, last.serve.took)
		} else {
			killLink = moment(r, last.link.took)
		}
		m := f.begin(fmt.Sprint("run", runs), 2*time.Second, killServe, killLink)
		serve, link := m.end(t)
		if serve == -1 || m.link != nil && link == -1 { // else it had ended before
			killed++
		}
		for _, side := range []struct {
			p    *child
			code int
		}{{m.serve, serve}, {m.link, link}} {
			if side.code != 0 && side.code != exitConnection && side.code != -1 {
				t.Errorf("%s: %s ended with %d:\n%s", m.name, side.p.Args[1], side.code, &side.p.out)
			}
		}
		ends[fmt.Sprintf("serve %d, link %d, %d results", serve, link, f.check(m))]++
		last = whole(fmt.Sprint("again", runs))
		if t.Failed() {
			t.Fatalf("after run %d", runs)
		}
	}
	if killed < *kills {
		t.Errorf("%d of %d runs were killed in time, want %d", killed, runs, *kills)
	}
	a, b := f.seen["a"], f.seen["b"]
	if a.sessions < 1+runs || b.sessions < 1+runs {
		t.Errorf("%d and %d sessions are counted, at least %d whole ones were run", a.sessions, b.sessions, 1+runs)
	}
	f.quota(b.sessions, exitTerms)
	f.quota(b.sessions+1, 0)
	t.Logf("counted by link %d sessions, %d unsettled; by serve %d, %d", a.sessions, a.unsettled, b.sessions, b.unsettled)
	t.Logf("%d kills in %d runs: %v", killed, runs, ends)
}

// quota runs link against a serve that permits so many sessions a day.
func (f *field) quota(sessions, want int) {
	f.t.Helper()
	name := fmt.Sprint("quota", sessions)
	f.write(name+".json", fmt.Sprintf(`{"version": 1, "rules": [{
		"name": "so many a day", "peers": ["A"], "purposes": ["*"], "legal_bases": ["*"], "jurisdictions": ["*"], "categories": ["*"],
		"scopes": ["query"], "functions": ["set"], "receivers": ["proposer"], "suites": ["ecdh-ristretto255"], "epochs": ["*"],
		"any_schema": true, "max_proposer": 1000, "max_acceptor": 10000000, "optional": ["case", "officer", "fields", "retention_days"],
		"retention": {"max_days": 30}, "limits": {"peer_sessions": %d}
	}]}`, sessions))
	m := f.begin(name, 5*time.Second, 0, 0, "--policy", name+".json")
	if _, link := m.end(f.t); link != want {
		f.t.Errorf("with %d sessions a day link ends with %d, want %d:\n%s%s", sessions, link, want, &m.serve.out, &m.link.out)
	}
}

// moment draws one of a process's life.
func moment(r *rand.Rand, life time.Duration) time.Duration {
	return time.Millisecond + time.Duration(r.Int64N(int64(life)))
}
