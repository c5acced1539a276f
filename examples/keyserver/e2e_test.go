package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/comity-prl/comity/examples/keyserver/transport"
	"github.com/comity-prl/comity/tokenize"
)

// TestMain lets the test binary be the command, for tests of real processes.
func TestMain(m *testing.M) {
	if os.Getenv("KEYSERVER_COMMAND") != "" {
		os.Exit(run(os.Args))
	}
	os.Exit(m.Run())
}

// folders makes a server's folder and those of two agencies, and returns the
// server's.
func folders(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "server")
	if err := newCommand().Run(t.Context(), []string{"keyserver", "init", "--dir", dir, "--peer", "a", "--peer", "b"}); err != nil {
		t.Fatal(err)
	}
	return dir
}

// instance is a server that runs in this process, on ports of its own.
type instance struct {
	url, admin string
	log        *logBuffer
	stop       func() error // shuts it down and waits
}

type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// start serves a folder, with its configuration and keys changed.
func start(t *testing.T, dir string, change func(*config, map[tokenize.Scope]tokenize.Key)) *instance {
	t.Helper()
	c, err := readConfig(filepath.Join(dir, fileConfig))
	if err != nil {
		t.Fatal(err)
	}
	a, err := sealing(filepath.Join(dir, fileSealing))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := loadKeys(dir, c, a)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(c, keys)
	}
	own, err := identity(dir)
	if err != nil {
		t.Fatal(err)
	}
	l, err := openLedger(filepath.Join(dir, fileUsage), c.Quotas)
	if err != nil {
		t.Fatal(err)
	}
	i := &instance{log: new(logBuffer)}
	k, err := newKeyServer(c, keys, l, slog.New(slog.NewJSONHandler(i.log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	listen := func() net.Listener {
		n, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	peers, admin := listen(), listen()
	i.url, i.admin = "https://"+peers.Addr().String(), "http://"+admin.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- errors.Join(k.serve(ctx, peers, admin, own), l.Close()) }()
	i.stop = sync.OnceValue(func() error {
		cancel()
		return <-done
	})
	t.Cleanup(func() {
		if err := i.stop(); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	return i
}

// peerOf reads an agency's folder beside the server's.
func peerOf(t *testing.T, dir, name string) (*http.Client, serverFile) {
	t.Helper()
	folder := filepath.Join(filepath.Dir(dir), name)
	text, err := os.ReadFile(filepath.Join(folder, fileServer))
	if err != nil {
		t.Fatal(err)
	}
	var known serverFile
	if err := json.Unmarshal(text, &known); err != nil {
		t.Fatal(err)
	}
	own, err := identity(folder)
	if err != nil {
		t.Fatal(err)
	}
	c := transport.Client(own, known.Certificate)
	t.Cleanup(c.CloseIdleConnections)
	return c, known
}

func prfOf(t *testing.T, dir, name, url, officer string) *tokenize.OPRF {
	t.Helper()
	c, known := peerOf(t, dir, name)
	s, public, err := known.Keys[0].parse()
	if err != nil {
		t.Fatal(err)
	}
	f, err := tokenize.NewOPRF(public, s, transport.New(c, url, officer), nil)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func inputs(n int) [][]byte {
	out := make([][]byte, n)
	for i := range out {
		out[i] = fmt.Appendf(nil, "Strauss %d", i)
	}
	return out
}

func tokens(t *testing.T, f tokenize.PRF, n int) []tokenize.Token {
	t.Helper()
	out, err := f.Evaluate(t.Context(), inputs(n))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func get(t *testing.T, url string) string {
	t.Helper()
	r, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	if r.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %s", url, r.StatusCode, b)
	}
	return string(b)
}

func TestTwoAgencies(t *testing.T) {
	dir := folders(t)
	i := start(t, dir, nil)
	a, b := tokens(t, prfOf(t, dir, "a", i.url, "o1"), 3), tokens(t, prfOf(t, dir, "b", i.url, "o1"), 3)
	if !slices.Equal(a, b) {
		t.Error("tokens of two agencies differ")
	}
	if got := get(t, i.admin+"/healthz"); got != "ok\n" {
		t.Errorf("healthz: %q", got)
	}
	metrics := get(t, i.admin+"/metrics")
	for _, want := range []string{
		`comity_keyserver_elements_total{epoch="2026-Q4",peer="a"} 3`,
		`comity_keyserver_requests_total{peer="b",status="OK"} 1`,
		`comity_keyserver_evaluation_seconds_count 2`,
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("metrics lack %s", want)
		}
	}

	c, known := peerOf(t, dir, "a")
	r, err := c.Get(i.url + "/v1/keys")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	var keys []publicKey
	if err := json.NewDecoder(r.Body).Decode(&keys); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(keys, known.Keys) || !keys[0].Primary {
		t.Error("the server tells other keys than init did")
	}
}

// A record of an evaluation says who, what for and how many, and nothing of inputs.
func TestLogs(t *testing.T) {
	dir := folders(t)
	i := start(t, dir, nil)
	tokens(t, prfOf(t, dir, "a", i.url, "officer-7"), 2)
	if err := i.stop(); err != nil {
		t.Fatal(err)
	}
	var found bool
	for line := range strings.Lines(i.log.String()) {
		var record map[string]any
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Fatalf("a line is not JSON: %v", err)
		}
		if record["msg"] != "evaluated" {
			continue
		}
		found = true
		for key := range record {
			if !slices.Contains([]string{"time", "level", "msg", "peer", "officer", "project", "purpose", "epoch", "elements", "seconds"}, key) {
				t.Errorf("the record has %q", key)
			}
		}
		if record["peer"] != "a" || record["officer"] != "officer-7" || record["epoch"] != "2026-Q4" || record["elements"] != 2.0 {
			t.Errorf("record: %v", record)
		}
	}
	if !found || strings.Contains(i.log.String(), "Strauss") {
		t.Error("no record, or one with an input")
	}
}

func TestStrangers(t *testing.T) {
	dir := folders(t)
	i := start(t, dir, nil)
	_, known := peerOf(t, dir, "a")
	if _, err := newIdentity(filepath.Join(filepath.Dir(dir), "stranger"), "a"); err != nil {
		t.Fatal(err)
	}
	stranger, err := identity(filepath.Join(filepath.Dir(dir), "stranger"))
	if err != nil {
		t.Fatal(err)
	}
	ask := func(own tls.Certificate, server pin) error {
		c := transport.Client(own, server)
		defer c.CloseIdleConnections()
		_, err := transport.New(c, i.url, "o")(t.Context(), nil)
		return err
	}
	for name, own := range map[string]tls.Certificate{"another certificate": stranger, "none": {}} {
		err := ask(own, known.Certificate)
		if status := (*transport.StatusError)(nil); err == nil || errors.As(err, &status) {
			t.Errorf("%s: %v, want a failed handshake", name, err)
		}
	}
	own, err := identity(filepath.Join(filepath.Dir(dir), "a"))
	if err != nil {
		t.Fatal(err)
	}
	if err := ask(own, fingerprint(stranger)); !errors.Is(err, transport.ErrServer) {
		t.Errorf("another server than the pinned one: %v", err)
	}
	if err := ask(own, known.Certificate); err == nil || !strings.Contains(err.Error(), "malformed") {
		t.Errorf("the peer itself: %v", err)
	}
	if got := get(t, i.admin+"/metrics"); !strings.Contains(got, "comity_keyserver_strangers_total 1") {
		t.Error("metrics lack the stranger")
	}
	r, err := http.Get(strings.Replace(i.url, "https", "http", 1) + "/v1/keys")
	if err == nil {
		r.Body.Close()
		if r.StatusCode == http.StatusOK {
			t.Error("an answer without TLS")
		}
	}
}

// Whatever a peer sends is answered, and what cannot be read costs nothing.
func TestBadRequests(t *testing.T) {
	dir := folders(t)
	i := start(t, dir, func(c *config, keys map[tokenize.Scope]tokenize.Key) {
		c.Quotas = limits{Officer: 4, Peer: 4, Epoch: 4}
		other := c.Scopes[0]
		other.Project = "secret"
		k, err := tokenize.GenerateKey(tokenize.Ristretto255, tokenize.VOPRF)
		if err != nil {
			t.Fatal(err)
		}
		c.Scopes = append(c.Scopes, other)
		keys[other.scope()] = k
	})
	c, known := peerOf(t, dir, "a")
	s, public, err := known.Keys[0].parse()
	if err != nil {
		t.Fatal(err)
	}
	// capture is a request as a client makes it.
	capture := func(s tokenize.Scope) (request []byte) {
		f, err := tokenize.NewOPRF(public, s, func(_ context.Context, r []byte) ([]byte, error) {
			request = r
			return nil, errors.New("captured")
		}, nil)
		if err != nil {
			t.Fatal(err)
		}
		f.Evaluate(t.Context(), inputs(1))
		return request
	}
	elsewhere, later := s, s
	elsewhere.Project, later.Epoch = "secret", "2099"
	bad := capture(s)
	copy(bad[len(bad)-32:], bytes.Repeat([]byte{255}, 32))
	for name, tt := range map[string]struct {
		officer string
		body    []byte
		code    int
	}{
		"no officer":           {"", capture(s), http.StatusBadRequest},
		"malformed officer":    {"o 1", capture(s), http.StatusBadRequest},
		"empty":                {"o", nil, http.StatusBadRequest},
		"rubbish":              {"o", []byte("rubbish"), http.StatusBadRequest},
		"too long":             {"o", make([]byte, tokenize.MaxRequest+1), http.StatusRequestEntityTooLarge},
		"another's project":    {"o", capture(elsewhere), http.StatusForbidden},
		"no such epoch":        {"o", capture(later), http.StatusNotFound},
		"not an element":       {"o", bad, http.StatusBadRequest},
		"good, within quota":   {"o", capture(s), http.StatusOK},
		"another suite's form": {"o", append([]byte{1, 2}, capture(s)[2:]...), http.StatusBadRequest},
	} {
		_, err := transport.New(c, i.url, tt.officer)(t.Context(), tt.body)
		code := http.StatusOK
		if status := (*transport.StatusError)(nil); errors.As(err, &status) {
			code = status.Code
		} else if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if code != tt.code {
			t.Errorf("%s: %d, want %d: %v", name, code, tt.code, err)
		}
	}
	for path, code := range map[string]int{transport.Evaluate: http.StatusMethodNotAllowed, "/": http.StatusNotFound, "/metrics": http.StatusNotFound} {
		r, err := c.Get(i.url + path)
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		if r.StatusCode != code {
			t.Errorf("GET %s: %d, want %d", path, r.StatusCode, code)
		}
	}
	if err := i.stop(); err != nil {
		t.Fatal(err)
	}
	l, err := openLedger(filepath.Join(dir, fileUsage), defaultQuotas)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if n, err := l.used(s, "a"); err != nil || n != 2 {
		t.Errorf("%d elements charged, %v; want 2: the good one and that which is no element", n, err)
	}
}

// slowKey waits before it evaluates.
type slowKey struct {
	tokenize.Key
	begun, release chan struct{}
}

func (k *slowKey) Evaluate(ctx context.Context, info, elements []byte) ([]byte, []byte, error) {
	close(k.begun)
	<-k.release
	return k.Key.Evaluate(ctx, info, elements)
}

// A request that is under way when the server is stopped is answered.
func TestGracefulShutdown(t *testing.T) {
	dir := folders(t)
	slow := &slowKey{begun: make(chan struct{}), release: make(chan struct{})}
	i := start(t, dir, func(c *config, keys map[tokenize.Scope]tokenize.Key) {
		s := c.Scopes[0].scope()
		slow.Key = keys[s]
		keys[s] = slow
	})
	answered := make(chan error, 1)
	f := prfOf(t, dir, "a", i.url, "o")
	go func() {
		_, err := f.Evaluate(context.Background(), inputs(1))
		answered <- err
	}()
	<-slow.begun
	stopped := make(chan error, 1)
	go func() { stopped <- i.stop() }()
	for !strings.Contains(i.log.String(), "shutting down") {
		time.Sleep(time.Millisecond)
	}
	select {
	case err := <-stopped:
		t.Fatalf("stopped before the answer: %v", err)
	default:
	}
	close(slow.release)
	if err := <-answered; err != nil {
		t.Errorf("the request under way: %v", err)
	}
	if err := <-stopped; err != nil {
		t.Errorf("stop: %v", err)
	}
	if _, err := f.Evaluate(t.Context(), inputs(1)); err == nil {
		t.Error("a server that is stopped answers")
	}
}

// A folder restored from backup, with the sealing key, makes the same tokens.
func TestBackupAndRestore(t *testing.T) {
	dir := folders(t)
	first := start(t, dir, nil)
	want := tokens(t, prfOf(t, dir, "a", first.url, "o"), 2)
	if err := first.stop(); err != nil {
		t.Fatal(err)
	}
	restored := filepath.Join(filepath.Dir(dir), "restored")
	if err := os.CopyFS(restored, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	second := start(t, restored, nil)
	if !slices.Equal(want, tokens(t, prfOf(t, restored, "a", second.url, "o"), 2)) {
		t.Error("tokens changed")
	}
}

// Several epochs of one purpose are live at once.
func TestTwoEpochs(t *testing.T) {
	dir := folders(t)
	var next publicKey
	i := start(t, dir, func(c *config, keys map[tokenize.Scope]tokenize.Key) {
		s := c.Scopes[0]
		s.Epoch, c.Scopes[0].Primary = "2027-Q1", false
		k, err := tokenize.GenerateKey(tokenize.P256, tokenize.POPRF)
		if err != nil {
			t.Fatal(err)
		}
		keys[s.scope()] = k
		c.Scopes = append(c.Scopes, s)
		next = s.public(k.Public())
	})
	client, _ := peerOf(t, dir, "a")
	s, public, err := next.parse()
	if err != nil {
		t.Fatal(err)
	}
	newer, err := tokenize.NewOPRF(public, s, transport.New(client, i.url, "o"), nil)
	if err != nil {
		t.Fatal(err)
	}
	epochs, err := tokenize.NewEpochs(newer, prfOf(t, dir, "a", i.url, "o"))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[tokenize.Token]bool{}
	for f := range epochs.All() {
		seen[tokens(t, f, 1)[0]] = true
	}
	if len(seen) != 2 {
		t.Errorf("%d tokens in 2 epochs", len(seen))
	}
}
