package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/comity-prl/comity/examples/keyserver/transport"
	"github.com/comity-prl/comity/tokenize"
)

// process is a server in a process of its own.
type process struct {
	*exec.Cmd
	url string
}

// spawn starts serve and waits until it serves.
func spawn(t *testing.T, dir string) *process {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{Cmd: exec.Command(exe, "serve", "--dir", dir)}
	p.Env = append(os.Environ(), "KEYSERVER_COMMAND=1")
	out, err := p.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Process.Kill()
		p.Wait()
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var record struct{ Msg, Peers string }
		if json.Unmarshal(lines.Bytes(), &record) == nil && record.Msg == "serving" {
			p.url = "https://" + record.Peers
			go io.Copy(io.Discard, out)
			return p
		}
		t.Log(lines.Text())
	}
	t.Fatal("the server does not serve")
	return nil
}

// edit changes a server's configuration on disk.
func edit(t *testing.T, dir string, change func(*config)) {
	t.Helper()
	path := filepath.Join(dir, fileConfig)
	c, err := readConfig(path)
	if err != nil {
		t.Fatal(err)
	}
	change(c)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := writeJSON(path, c); err != nil {
		t.Fatal(err)
	}
}

// A server that is killed loses no count.
func TestCrashLosesNoCount(t *testing.T) {
	dir := folders(t)
	edit(t, dir, func(c *config) {
		c.Listen, c.Admin = "127.0.0.1:0", "127.0.0.1:0"
		c.Quotas = limits{Officer: 5, Peer: 5, Epoch: 5}
	})
	p := spawn(t, dir)
	tokens(t, prfOf(t, dir, "a", p.url, "o"), 4)
	if err := p.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	p.Wait()
	p = spawn(t, dir)
	if _, err := prfOf(t, dir, "a", p.url, "o").Evaluate(t.Context(), inputs(2)); !errors.Is(err, transport.ErrQuota) || !strings.Contains(err.Error(), "has 1 ") {
		t.Fatalf("after a crash: %v", err)
	}
	tokens(t, prfOf(t, dir, "a", p.url, "o"), 1)
	if _, err := prfOf(t, dir, "b", p.url, "o").Evaluate(t.Context(), inputs(1)); !errors.Is(err, transport.ErrQuota) {
		t.Fatalf("the quota of the epoch: %v", err)
	}
	if runtime.GOOS == "windows" {
		return // has no interrupt to send
	}
	if err := p.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := p.Wait(); err != nil {
		t.Errorf("an interrupted server ends with %v", err)
	}
}

// Two processes cannot count in one folder.
func TestOneServerAFolder(t *testing.T) {
	dir := folders(t)
	start(t, dir, nil)
	if l, err := openLedger(filepath.Join(dir, fileUsage), defaultQuotas); err == nil {
		l.Close()
		t.Error("two ledgers on one file")
	}
}

func command(t *testing.T, args ...string) error {
	t.Helper()
	return newCommand().Run(t.Context(), append([]string{"keyserver"}, args...))
}

func TestCheck(t *testing.T) {
	dir := folders(t)
	i := start(t, dir, nil)
	peer := filepath.Join(filepath.Dir(dir), "a")
	_, known := peerOf(t, dir, "a")
	known.URL = i.url
	if err := os.Remove(filepath.Join(peer, fileServer)); err != nil {
		t.Fatal(err)
	}
	if err := writeJSON(filepath.Join(peer, fileServer), known); err != nil {
		t.Fatal(err)
	}
	if err := command(t, "check", "--dir", peer); err != nil {
		t.Error(err)
	}
	if err := command(t, "check", "--dir", dir); err == nil {
		t.Error("a server's folder is no peer's")
	}
}

func TestInitRefuses(t *testing.T) {
	dir := folders(t)
	if err := command(t, "init", "--dir", dir, "--peer", "c"); err == nil {
		t.Error("init writes over a server")
	}
	for name, args := range map[string][]string{
		"no peer":          {},
		"malformed peer":   {"--peer", "a/b"},
		"one peer twice":   {"--peer", "c", "--peer", "c"},
		"malformed epoch":  {"--peer", "c", "--epoch", "a b"},
		"no sealing place": {"--peer", "c", "--sealing-key", filepath.Join(dir, "none", "x")},
	} {
		other := filepath.Join(t.TempDir(), "server")
		if err := command(t, append([]string{"init", "--dir", other}, args...)...); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestServeRefuses(t *testing.T) {
	for name, spoil := range map[string]func(t *testing.T, dir string){
		"no configuration": func(t *testing.T, dir string) { remove(t, dir, fileConfig) },
		"no key":           func(t *testing.T, dir string) { remove(t, dir, "2026-Q4.key") },
		"no certificate":   func(t *testing.T, dir string) { remove(t, dir, fileCertificate) },
		"no sealing key":   func(t *testing.T, dir string) { remove(t, dir, fileSealing) },
		"another sealing key": func(t *testing.T, dir string) {
			if err := os.WriteFile(filepath.Join(dir, fileSealing), []byte(strings.Repeat("ab", 32)), 0o600); err != nil {
				t.Fatal(err)
			}
		},
		"not an address": func(t *testing.T, dir string) { edit(t, dir, func(c *config) { c.Listen = "nowhere" }) },
		"not an admin address": func(t *testing.T, dir string) {
			edit(t, dir, func(c *config) { c.Listen, c.Admin = "127.0.0.1:0", "nowhere" })
		},
		"a key of two scopes": func(t *testing.T, dir string) {
			edit(t, dir, func(c *config) {
				s := c.Scopes[0]
				s.Purpose = "other"
				c.Scopes = append(c.Scopes, s)
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := folders(t)
			spoil(t, dir)
			if err := command(t, "serve", "--dir", dir); err == nil {
				t.Error("it serves")
			}
		})
	}
}

func remove(t *testing.T, dir, name string) {
	t.Helper()
	if err := os.Remove(filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
}

// A new epoch is served beside the old one, which stays as it is.
func TestAddEpoch(t *testing.T) {
	dir := folders(t)
	var out bytes.Buffer
	if err := addEpoch(dir, filepath.Join(dir, fileSealing), "2027-Q1", &out); err != nil {
		t.Fatal(err)
	}
	if err := addEpoch(dir, filepath.Join(dir, fileSealing), "2027-Q1", io.Discard); err == nil {
		t.Error("one epoch twice")
	}
	i := start(t, dir, nil)
	c, known := peerOf(t, dir, "a")
	var added []publicKey
	if err := json.Unmarshal(out.Bytes(), &added); err != nil {
		t.Fatal(err)
	}
	r, err := c.Get(i.url + "/v1/keys")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	var live []publicKey
	if err := json.NewDecoder(r.Body).Decode(&live); err != nil {
		t.Fatal(err)
	}
	known.Keys[0].Primary = false
	if want := append(known.Keys, added...); len(added) != 1 || !added[0].Primary || !slices.Equal(want, live) {
		t.Errorf("live: %d keys, added %d", len(live), len(added))
	}
	for _, k := range live {
		s, public, err := k.parse()
		if err != nil {
			t.Fatal(err)
		}
		f, err := tokenize.NewOPRF(public, s, transport.New(c, i.url, "o"), nil)
		if err != nil {
			t.Fatal(err)
		}
		tokens(t, f, 1)
	}
}
