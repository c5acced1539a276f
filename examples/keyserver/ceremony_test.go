package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/comity-prl/comity/examples/keyserver/transport"
	"github.com/comity-prl/comity/tokenize"
)

// committee is three servers' folders with a plan for two of them.
type committee struct {
	dirs []string
	own  []tls.Certificate
	plan *planFile
}

func newCommittee(t *testing.T) *committee {
	t.Helper()
	c := &committee{plan: &planFile{
		Suite: "ristretto255-SHA512", Project: "demo", Purpose: "linkage", Epoch: "2027-Q1", Threshold: 2,
	}}
	for range 3 {
		dir := folders(t)
		own, err := identity(dir)
		if err != nil {
			t.Fatal(err)
		}
		c.dirs, c.own = append(c.dirs, dir), append(c.own, own)
		c.plan.Members = append(c.plan.Members, memberConfig{Certificate: fingerprint(own)})
	}
	return c
}

// play runs a ceremony among the members, over TLS on loopback; absent members do
// not take part.
func (c *committee) play(t *testing.T, session byte, old []*tokenize.Share, absent ...int) []*tokenize.Share {
	t.Helper()
	c.plan.Session[0] = session
	listeners := make([]net.Listener, len(c.dirs))
	for i := range listeners {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		listeners[i], c.plan.Members[i].URL = l, "https://"+l.Addr().String()
	}
	path := filepath.Join(t.TempDir(), "plan.json")
	if err := writeJSON(path, c.plan); err != nil {
		t.Fatal(err)
	}
	f, p, err := readPlan(path)
	if err != nil {
		t.Fatal(err)
	}
	timeout := time.Minute
	if len(absent) > 0 {
		timeout = 2 * time.Second
	}
	shares := make([]*tokenize.Share, len(c.dirs))
	var wg sync.WaitGroup
	for i := range c.dirs {
		if slices.Contains(absent, i) {
			listeners[i].Close()
			continue
		}
		wg.Go(func() {
			var before *tokenize.Share
			if old != nil {
				before = old[i]
			}
			var err error
			shares[i], err = ceremony(t.Context(), f, p, before, c.own[i], listeners[i], timeout, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Errorf("member %d: %v", i+1, err)
			}
		})
	}
	wg.Wait()
	if t.Failed() {
		t.FailNow()
	}
	return shares
}

// serve starts a server for each share, and returns a client's transports.
func (c *committee) serve(t *testing.T, shares []*tokenize.Share) []tokenize.Transport {
	t.Helper()
	var out []tokenize.Transport
	for i, s := range shares {
		a, err := sealing(filepath.Join(c.dirs[i], fileSealing))
		if err != nil {
			t.Fatal(err)
		}
		file := "session" + strconv.Itoa(int(c.plan.Session[0])) + ".share"
		if err := replace(filepath.Join(c.dirs[i], file), s.Seal(a)); err != nil {
			t.Fatal(err)
		}
		key, share, err := loadKey(filepath.Join(c.dirs[i], file), a)
		if err != nil || !share {
			t.Fatal(err)
		}
		scope := s.Committee().Scope()
		instance := start(t, c.dirs[i], func(conf *config, keys map[tokenize.Scope]tokenize.Key) {
			conf.Scopes = append(conf.Scopes, scopeConfig{Project: scope.Project, Purpose: scope.Purpose, Epoch: scope.Epoch, Key: file})
			keys[scope] = key
		})
		client, _ := peerOf(t, c.dirs[i], "a")
		out = append(out, transport.New(client, instance.url, "o"))
	}
	return out
}

// Three servers make a key that none of them holds, serve it, and refresh it.
func TestThresholdOfServers(t *testing.T) {
	c := newCommittee(t)
	shares := c.play(t, 1, nil)
	public := shares[0].Committee()
	servers := c.serve(t, shares)
	f, err := tokenize.NewThreshold(public, servers, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := tokens(t, f, 3)

	var mu sync.Mutex
	var named []int
	lying := slices.Clone(servers)
	lying[1] = servers[2] // answers under another share
	f, err = tokenize.NewThreshold(public, lying, &tokenize.OPRFOptions{Fault: func(e *tokenize.MemberError) {
		mu.Lock()
		defer mu.Unlock()
		named = append(named, e.Member)
	}})
	if err != nil {
		t.Fatal(err)
	}
	for range 8 {
		if !slices.Equal(want, tokens(t, f, 3)) {
			t.Fatal("tokens changed")
		}
	}
	if len(named) == 0 || slices.ContainsFunc(named, func(m int) bool { return m != 2 }) {
		t.Errorf("named: %v, want member 2 alone", named)
	}

	fresh := c.play(t, 2, shares)
	if fresh[0].Committee().Equal(public) || !fresh[0].Committee().Public().Equal(public.Public()) {
		t.Error("a refresh keeps the shares or changes the key")
	}
}

// A member that is out of reach does not stop the others.
func TestCeremonyWithoutOne(t *testing.T) {
	c := newCommittee(t)
	shares := c.play(t, 1, nil, 2)
	if !shares[0].Committee().Equal(shares[1].Committee()) {
		t.Error("two members have two committees")
	}
}

func TestCeremonyRefusesStrangers(t *testing.T) {
	c := newCommittee(t)
	c.plan.Session[0] = 1
	ch, err := newChannel(c.plan, c.own[0], time.Second, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := newChannel(&planFile{Members: c.plan.Members[:1]}, c.own[1], time.Second, nil); err == nil {
		t.Error("a plan without this server")
	}
	for name, tt := range map[string]struct {
		from       int
		path, body string
		code       int
	}{
		"a member":      {1, ch.path(1), `{"broadcast":"AQ=="}`, http.StatusOK},
		"a stranger":    {-1, ch.path(1), `{}`, http.StatusNotFound},
		"other session": {1, strings.Replace(ch.path(1), "01", "02", 1), `{}`, http.StatusNotFound},
		"round 0":       {1, ch.path(0), `{}`, http.StatusNotFound},
		"round 5":       {1, ch.path(5), `{}`, http.StatusNotFound},
		"not JSON":      {1, ch.path(2), `rubbish`, http.StatusBadRequest},
		"much too long": {1, ch.path(2), `{"broadcast":"` + strings.Repeat("A", maxMessage) + `"}`, http.StatusBadRequest},
	} {
		if code := post(t, ch, c, tt.from, tt.path, tt.body); code != tt.code {
			t.Errorf("%s: %d, want %d", name, code, tt.code)
		}
	}
	if post(t, ch, c, 1, ch.path(1), `{"broadcast":"Ag=="}`); ch.inbox[1][1].Broadcast[0] != 1 {
		t.Error("a second message takes the place of the first")
	}
}

// post has the handler take a message of a member, from 0, or of a stranger.
func post(t *testing.T, ch *channel, c *committee, from int, path, body string) int {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.TLS = new(tls.ConnectionState)
	if from >= 0 {
		r.TLS.PeerCertificates = append(r.TLS.PeerCertificates, c.own[from].Leaf)
	}
	r.SetPathValue("round", path[strings.LastIndex(path, "/")+1:])
	w := httptest.NewRecorder()
	ch.receive(w, r)
	return w.Code
}

func TestRunCeremonyRefuses(t *testing.T) {
	c := newCommittee(t)
	dir := c.dirs[0]
	planPath := filepath.Join(dir, "plan.json")
	if err := writeJSON(planPath, c.plan); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(c.plan)
	if err != nil {
		t.Fatal(err)
	}
	unknown := filepath.Join(dir, "unknown.json")
	if err := os.WriteFile(unknown, append([]byte(`{"more":1,`), text[1:]...), 0o600); err != nil {
		t.Fatal(err)
	}
	seal := filepath.Join(dir, fileSealing)
	for name, tt := range map[string]struct {
		sealing, plan, share string
		refresh              bool
	}{
		"no plan":                 {seal, "none.json", "s", false},
		"unknown key in the plan": {seal, unknown, "s", false},
		"no sealing key":          {planPath, planPath, "s", false},
		"no share to refresh":     {seal, planPath, "s", true},
		"a key, not a share":      {seal, planPath, "2026-Q4.key", true},
		"exists":                  {seal, planPath, "2026-Q4.key", false},
	} {
		if err := runCeremony(t.Context(), dir, tt.sealing, tt.plan, tt.share, tt.refresh, time.Second, slog.New(slog.DiscardHandler)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("stop")
	cancel(stop)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f, p, err := readPlan(planPath)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ceremony(ctx, f, p, nil, c.own[0], l, time.Second, slog.New(slog.DiscardHandler)); !errors.Is(err, stop) {
		t.Errorf("ended: %v", err)
	}
}

// The commands write the share and the committee, and refresh replaces both.
func TestRunCeremony(t *testing.T) {
	c := newCommittee(t)
	for i, dir := range c.dirs {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		address := l.Addr().String()
		l.Close()
		c.plan.Members[i].URL = "https://" + address
		edit(t, dir, func(conf *config) { conf.Listen = address })
	}
	run := func(session byte, command string) []*tokenize.Share {
		c.plan.Session[0] = session
		plan := filepath.Join(t.TempDir(), "plan.json")
		if err := writeJSON(plan, c.plan); err != nil {
			t.Fatal(err)
		}
		shares := make([]*tokenize.Share, len(c.dirs))
		var wg sync.WaitGroup
		for i, dir := range c.dirs {
			wg.Go(func() {
				if err := newCommand().Run(t.Context(), []string{"keyserver", command, "--dir", dir, "--plan", plan, "--share", "x.share"}); err != nil {
					t.Errorf("member %d: %v", i+1, err)
					return
				}
				a, err := sealing(filepath.Join(dir, fileSealing))
				if err != nil {
					t.Error(err)
					return
				}
				sealed, err := os.ReadFile(filepath.Join(dir, "x.share"))
				if err != nil {
					t.Error(err)
					return
				}
				if shares[i], err = tokenize.OpenShare(a, sealed); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if t.Failed() {
			t.FailNow()
		}
		public, err := os.ReadFile(filepath.Join(c.dirs[0], "x.share.committee"))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := tokenize.ParseCommittee(public); err != nil || !got.Equal(shares[1].Committee()) {
			t.Fatalf("the committee's file: %v", err)
		}
		return shares
	}
	before := run(1, "generate")
	after := run(2, "refresh")
	if !before[0].Committee().Public().Equal(after[0].Committee().Public()) || before[0].Committee().Equal(after[0].Committee()) {
		t.Error("a refresh changes the key, or nothing")
	}
}
