package main

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/comity-prl/comity/examples/keyserver/transport"
	"github.com/comity-prl/comity/tokenize"
)

// How long things may take.
const (
	headerTimeout   = 10 * time.Second // with the TLS handshake
	idleTimeout     = 2 * time.Minute
	shutdownTimeout = 30 * time.Second
)

const maxHeader = 16 << 10

// keyServer answers peers over HTTPS.
type keyServer struct {
	config  *config
	server  *tokenize.Server
	ledger  *ledger
	metrics *metrics
	log     *slog.Logger
	slots   chan struct{} // of evaluations, which use all cores each
}

func newKeyServer(c *config, keys map[tokenize.Scope]tokenize.Key, l *ledger, log *slog.Logger) (*keyServer, error) {
	s, err := tokenize.NewServer(keys)
	if err != nil {
		return nil, err
	}
	slots := make(chan struct{}, 2*runtime.GOMAXPROCS(0))
	return &keyServer{config: c, server: s, ledger: l, metrics: newMetrics(), log: log, slots: slots}, nil
}

// tlsConfig lets in whom the configuration pins, and nobody else.
func (k *keyServer) tlsConfig(own tls.Certificate) *tls.Config {
	return &tls.Config{
		MinVersion:             tls.VersionTLS13,
		Certificates:           []tls.Certificate{own},
		ClientAuth:             tls.RequireAnyClientCert, // and then VerifyConnection
		SessionTicketsDisabled: true,
		VerifyConnection: func(s tls.ConnectionState) error {
			if _, ok := k.peer(&s); !ok {
				k.metrics.strangers.Inc()
				return errors.New("the certificate is not a peer's, or not valid now")
			}
			return nil
		},
	}
}

// peer is whose certificate a connection showed.
func (k *keyServer) peer(s *tls.ConnectionState) (*peerConfig, bool) {
	for i := range k.config.Peers {
		p := &k.config.Peers[i]
		if transport.Pinned(s.PeerCertificates, p.Certificate, time.Now()) {
			return p, true
		}
	}
	return nil, false
}

// peerHandler serves peers.
func (k *keyServer) peerHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+transport.Evaluate, k.evaluate)
	mux.HandleFunc("GET /v1/keys", k.keys)
	return mux
}

// adminHandler serves those who run the server.
func (k *keyServer) adminHandler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", k.metrics.handler())
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		if err := k.ledger.healthy(); err != nil {
			http.Error(w, "the quota ledger cannot be read", http.StatusServiceUnavailable)
			return
		}
		io.WriteString(w, "ok\n")
	})
	return mux
}

// refusal is an answer other than 200: what the peer and the log are told.
type refusal struct {
	code int
	text string
}

func (k *keyServer) evaluate(w http.ResponseWriter, r *http.Request) {
	begin := time.Now()
	p, ok := k.peer(r.TLS)
	if !ok {
		http.Error(w, "unknown peer", http.StatusForbidden)
		return
	}
	officer := r.Header.Get(transport.Officer)
	request, answer, no := k.answer(w, r, p, officer)
	log := k.log.With("peer", p.Name)
	if request != nil {
		s := request.Scope()
		log = log.With("officer", officer, "project", s.Project, "purpose", s.Purpose, "epoch", string(s.Epoch), "elements", request.Len())
	}
	if no != nil {
		k.metrics.requests.WithLabelValues(p.Name, http.StatusText(no.code)).Inc()
		log.Warn("refused", "code", no.code, "why", no.text)
		http.Error(w, no.text, no.code)
		return
	}
	k.metrics.requests.WithLabelValues(p.Name, http.StatusText(http.StatusOK)).Inc()
	k.metrics.elements.WithLabelValues(p.Name, string(request.Scope().Epoch)).Add(float64(request.Len()))
	k.metrics.seconds.Observe(time.Since(begin).Seconds())
	log.Info("evaluated", "seconds", time.Since(begin).Seconds())
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Write(answer)
}

// answer checks, charges and evaluates, in this order. A request that was charged
// stays so, whatever comes of it: bad elements would else be free to try. The
// request is nil if it could not be read.
func (k *keyServer) answer(w http.ResponseWriter, r *http.Request, p *peerConfig, officer string) (*tokenize.Request, []byte, *refusal) {
	if !nameForm.MatchString(officer) {
		return nil, nil, &refusal{http.StatusBadRequest, "the header " + transport.Officer + " names no officer"}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, tokenize.MaxRequest))
	if tooBig := (*http.MaxBytesError)(nil); errors.As(err, &tooBig) {
		return nil, nil, &refusal{http.StatusRequestEntityTooLarge, "the request is too long"}
	}
	if err != nil {
		return nil, nil, &refusal{http.StatusBadRequest, "the request breaks off"}
	}
	request, err := tokenize.ParseRequest(body)
	if err != nil {
		return nil, nil, &refusal{http.StatusBadRequest, "malformed request"}
	}
	if !slices.Contains(p.Projects, request.Scope().Project) {
		return request, nil, &refusal{http.StatusForbidden, "not a project of this peer"}
	}
	if _, ok := k.server.Public(request.Scope()); !ok {
		return request, nil, &refusal{http.StatusNotFound, "no key of this purpose and epoch"}
	}
	select {
	case k.slots <- struct{}{}:
		defer func() { <-k.slots }()
	case <-r.Context().Done():
		return request, nil, &refusal{http.StatusServiceUnavailable, "the peer hung up"}
	}
	err = k.ledger.charge(request.Scope(), p.Name, officer, request.Len())
	if spent := (*quotaError)(nil); errors.As(err, &spent) {
		k.metrics.spent.WithLabelValues(p.Name, spent.which).Inc()
		return request, nil, &refusal{http.StatusTooManyRequests, spent.Error()}
	}
	if err != nil {
		k.log.Error("quota ledger", "error", err.Error())
		return request, nil, &refusal{http.StatusInternalServerError, "the quota cannot be charged"}
	}
	answer, err := k.server.Answer(r.Context(), request)
	switch {
	case errors.Is(err, tokenize.ErrNoKey):
		return request, nil, &refusal{http.StatusNotFound, "no key of this suite and mode"}
	case errors.Is(err, tokenize.ErrRequest):
		return request, nil, &refusal{http.StatusBadRequest, "an element does not decode"}
	case err != nil:
		k.log.Error("key", "error", err.Error())
		return request, nil, &refusal{http.StatusInternalServerError, "the key does not answer"}
	}
	return request, answer, nil
}

// keys tells a peer the public keys of its projects.
func (k *keyServer) keys(w http.ResponseWriter, r *http.Request) {
	p, ok := k.peer(r.TLS)
	if !ok {
		http.Error(w, "unknown peer", http.StatusForbidden)
		return
	}
	list := []publicKey{}
	for _, s := range k.config.Scopes {
		public, ok := k.server.Public(s.scope())
		if !ok || !slices.Contains(p.Projects, s.Project) {
			continue
		}
		list = append(list, s.public(public))
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(list)
}

// serve answers on both listeners until ctx ends, and then lets requests that are
// under way finish.
func (k *keyServer) serve(ctx context.Context, peers, admin net.Listener, own tls.Certificate) error {
	quiet := slog.NewLogLogger(k.log.Handler(), slog.LevelDebug)
	servers := []*http.Server{
		{Handler: k.peerHandler(), TLSConfig: k.tlsConfig(own)},
		{Handler: k.adminHandler()},
	}
	for _, s := range servers {
		s.ReadHeaderTimeout, s.ReadTimeout, s.WriteTimeout = headerTimeout, transport.Timeout, 2*transport.Timeout
		s.IdleTimeout, s.MaxHeaderBytes, s.ErrorLog = idleTimeout, maxHeader, quiet
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return closed(servers[0].ServeTLS(peers, "", "")) })
	group.Go(func() error { return closed(servers[1].Serve(admin)) })
	group.Go(func() error {
		<-ctx.Done()
		k.log.Info("shutting down")
		ctx, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
		defer cancel()
		return errors.Join(servers[0].Shutdown(ctx), servers[1].Shutdown(ctx))
	})
	k.log.Info("serving", "peers", peers.Addr().String(), "admin", admin.Addr().String())
	return group.Wait()
}

// closed is nil for the error of a server that was shut down.
func closed(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// fingerprint is what a peer pins.
func fingerprint(c tls.Certificate) pin { return sha256.Sum256(c.Certificate[0]) }
