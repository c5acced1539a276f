package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/comity-prl/comity/examples/keyserver/transport"
	"github.com/comity-prl/comity/tokenize"
)

// planFile is what the members of a threshold agree on, the same file for all.
type planFile struct {
	Suite     string         `json:"suite"`
	Project   string         `json:"project"`
	Purpose   string         `json:"purpose"`
	Epoch     tokenize.Epoch `json:"epoch"`
	Threshold int            `json:"threshold"`
	Session   pin            `json:"session"` // 64 hexadecimal digits, other ones for each ceremony
	Members   []memberConfig `json:"members"`
}

// memberConfig is a key server as the others know it.
type memberConfig struct {
	URL         string `json:"url"`
	Certificate pin    `json:"certificate"`
}

func readPlan(path string) (*planFile, *tokenize.Plan, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	f := new(planFile)
	if err := d.Decode(f); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	p := &tokenize.Plan{
		Scope:     tokenize.Scope{Project: f.Project, Purpose: f.Purpose, Epoch: f.Epoch},
		Threshold: f.Threshold, Members: len(f.Members), Session: f.Session,
	}
	for _, s := range []tokenize.Suite{tokenize.Ristretto255, tokenize.P256} {
		if s.String() == f.Suite {
			p.Suite = s
		}
	}
	return f, p, nil
}

// member is whose certificate this is, from 1; 0 is nobody.
func (f *planFile) member(chain *tls.ConnectionState) int {
	for i, m := range f.Members {
		if transport.Pinned(chain.PeerCertificates, m.Certificate, time.Now()) {
			return i + 1
		}
	}
	return 0
}

// maxMessage bounds a message of a ceremony: commitments and shares of 64 members
// are far shorter.
const maxMessage = 64 << 10

// ceremonyMessage is what one member sends another in a round.
type ceremonyMessage struct {
	Broadcast []byte `json:"broadcast"`
	Private   []byte `json:"private"`
}

// channel carries a ceremony over HTTPS with mutual TLS: each member posts its
// messages to the others. The first message of a member in a round counts. Who
// missed the end of a round is sent to once and not waited for any more.
type channel struct {
	plan    *planFile
	self    int
	clients []*http.Client // by member
	timeout time.Duration  // of a round
	log     *slog.Logger

	mu      sync.Mutex
	inbox   [5][]*ceremonyMessage // by round and member
	arrived chan struct{}         // closed and replaced when a message comes
	late    []bool                // by member
}

const rounds = 4

func newChannel(f *planFile, own tls.Certificate, timeout time.Duration, log *slog.Logger) (*channel, error) {
	c := &channel{plan: f, timeout: timeout, log: log, arrived: make(chan struct{}), late: make([]bool, len(f.Members))}
	for i, m := range f.Members {
		if m.Certificate == fingerprint(own) {
			c.self = i + 1
		}
		c.clients = append(c.clients, transport.Client(own, m.Certificate))
	}
	for i := range c.inbox {
		c.inbox[i] = make([]*ceremonyMessage, len(f.Members))
	}
	if c.self == 0 {
		return nil, errors.New("the plan has no member with this server's certificate")
	}
	return c, nil
}

func (c *channel) path(round int) string {
	return "/v1/ceremony/" + hex.EncodeToString(c.plan.Session[:]) + "/" + strconv.Itoa(round)
}

// receive is the handler of the other members' messages.
func (c *channel) receive(w http.ResponseWriter, r *http.Request) {
	round, err := strconv.Atoi(r.PathValue("round"))
	from := c.plan.member(r.TLS)
	if err != nil || round < 1 || round > rounds || r.URL.Path != c.path(round) || from == 0 {
		http.Error(w, "not of this ceremony", http.StatusNotFound)
		return
	}
	m := new(ceremonyMessage)
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxMessage)).Decode(m); err != nil {
		http.Error(w, "malformed message", http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.inbox[round][from-1] == nil {
		c.inbox[round][from-1] = m
		close(c.arrived)
		c.arrived = make(chan struct{})
	}
}

// exchange is tokenize.Exchange. A member that does not answer, or sends nothing,
// until the round's timeout is missing.
func (c *channel) exchange(ctx context.Context, r tokenize.Round) ([]tokenize.Received, error) {
	c.log.Info("ceremony", "round", r.Number)
	limit, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	var sending sync.WaitGroup
	for i := range c.plan.Members {
		if i+1 == c.self {
			continue
		}
		m := ceremonyMessage{Broadcast: r.Broadcast}
		if r.Private != nil {
			m.Private = r.Private[i]
		}
		late := c.late[i]
		sending.Go(func() { c.send(limit, i, r.Number, m, !late) })
	}
	in := c.wait(limit, r.Number)
	sending.Wait()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return in, nil
}

// send tries until the member has the message, if insisting: it may not have begun
// yet.
func (c *channel) send(ctx context.Context, to, round int, m ceremonyMessage, insist bool) {
	body, err := json.Marshal(m)
	if err != nil {
		c.log.Error("ceremony", "error", err.Error())
		return
	}
	for {
		if err = c.post(ctx, to, round, body); err == nil {
			return
		}
		if !insist || ctx.Err() != nil {
			c.log.Warn("member is out of reach", "member", to+1, "round", round, "error", err.Error())
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func (c *channel) post(ctx context.Context, to, round int, body []byte) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.plan.Members[to].URL+c.path(round), bytes.NewReader(body))
	if err != nil {
		return err
	}
	answer, err := c.clients[to].Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if _, err := io.CopyN(io.Discard, answer.Body, maxMessage); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", answer.StatusCode)
	}
	return nil
}

// wait returns what has come once the messages of all others have, or at the end of
// ctx.
func (c *channel) wait(ctx context.Context, round int) []tokenize.Received {
	for {
		c.mu.Lock()
		in, missing := make([]tokenize.Received, len(c.plan.Members)), 0
		for i, m := range c.inbox[round] {
			switch {
			case m != nil:
				in[i] = tokenize.Received(*m)
			case i+1 == c.self || c.late[i]:
			case ctx.Err() != nil:
				c.late[i] = true
			default:
				missing++
			}
		}
		arrived := c.arrived
		c.mu.Unlock()
		if missing == 0 {
			return in
		}
		select {
		case <-arrived:
		case <-ctx.Done():
		}
	}
}

// ceremony plays one over the listener: Generate if old is nil, or else Refresh.
func ceremony(ctx context.Context, f *planFile, p *tokenize.Plan, old *tokenize.Share, own tls.Certificate, l net.Listener, timeout time.Duration, log *slog.Logger) (*tokenize.Share, error) {
	c, err := newChannel(f, own, timeout, log)
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/ceremony/{session}/{round}", c.receive)
	s := &http.Server{
		Handler: mux, ReadHeaderTimeout: headerTimeout, ReadTimeout: transport.Timeout, MaxHeaderBytes: maxHeader,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		TLSConfig: &tls.Config{
			MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{own}, ClientAuth: tls.RequireAnyClientCert,
			VerifyConnection: func(s tls.ConnectionState) error {
				if f.member(&s) == 0 {
					return errors.New("not a member")
				}
				return nil
			},
		},
	}
	served := make(chan error, 1)
	go func() { served <- closed(s.ServeTLS(l, "", "")) }()
	share, faults, err := play(ctx, p, old, c)
	for _, e := range faults {
		log.Warn("fault", "member", e.Member, "error", e.Err.Error())
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	for _, client := range c.clients {
		client.CloseIdleConnections()
	}
	return share, errors.Join(err, s.Shutdown(stop), <-served)
}

func play(ctx context.Context, p *tokenize.Plan, old *tokenize.Share, c *channel) (*tokenize.Share, []*tokenize.MemberError, error) {
	if old != nil {
		return old.Refresh(ctx, p.Session, c.exchange)
	}
	return tokenize.Generate(ctx, p, c.self, c.exchange)
}

// runCeremony is the commands generate and refresh. The new share takes the old
// one's place only once it is on disk.
func runCeremony(ctx context.Context, dir, sealingPath, planPath, sharePath string, refresh bool, timeout time.Duration, log *slog.Logger) error {
	f, p, err := readPlan(planPath)
	if err != nil {
		return err
	}
	a, err := sealing(sealingPath)
	if err != nil {
		return err
	}
	own, err := identity(dir)
	if err != nil {
		return err
	}
	c, err := readConfig(filepath.Join(dir, fileConfig))
	if err != nil {
		return err
	}
	path := filepath.Join(dir, sharePath)
	var old *tokenize.Share
	if refresh {
		sealed, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if old, err = tokenize.OpenShare(a, sealed); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	} else if _, err := os.Stat(path); err == nil {
		return fmt.Errorf("%s exists", path)
	}
	l, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return err
	}
	share, err := ceremony(ctx, f, p, old, own, l, timeout, log)
	if err != nil {
		return err
	}
	committee := share.Committee().Bytes()
	log.Info("done", "member", share.Member(), "committee", fmt.Sprintf("%x", sha256.Sum256(committee)))
	return errors.Join(replace(path, share.Seal(a)), replace(path+".committee", committee))
}
