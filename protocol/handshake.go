package protocol

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"golang.org/x/crypto/cryptobyte"
)

// The wire format is in SPEC.md, to the byte: one session is one TLS 1.3 connection,
// or several that follow one another, each with ALPN "comity/1" and certificates at
// both ends. Within TLS, each direction is a sequence of frames:
//
//	kind     1 byte
//	length   4 bytes, big endian
//	payload  length bytes
//
//	1 abort    code (1)                                   either side, last frame
//	2 hello    see below                                  proposer, then acceptor
//	3 terms    signature (64), terms (1 to 16384)         proposer
//	4 accept   signature (64)                             acceptor
//	5 refuse   name of a term (1 to 32)                   acceptor, last frame
//	6 data     bytes of the run (1 to 65531)              either side, counted
//	7 finish   transcript (32)                            either side, counted, the last one
//	8 alive    empty                                      either side, from accept on
//	9 commit   commitment (32), signature (64)            either side, counted, commit.go
//	10 ack     how many counted frames were read (8)      either side, from accept on
//	11 resume  session (32), attempt (8), how many
//	           counted frames came (8), MAC (32)          proposer, then acceptor
//
//	hello: version (1), role (1), purpose (1: 1 session, 2 probe, 3 resume), clock (8),
//	       window (4), patience (4), signing key (32), signature (64)

const exporterLabel = "EXPORTER-comity-protocol-v2"

// What a connection is for.
const (
	forSession uint8 = 1 + iota
	forProbe
	forResume
)

func (r Role) number() uint8 {
	if r == Proposer {
		return 1
	}
	return 2
}

// hello is each side's first frame.
type hello struct {
	version   uint8
	role      uint8
	purpose   uint8
	clock     int64
	window    uint32 // bytes that the peer may have unacknowledged
	patience  uint32 // for a connection that resumes, in milliseconds; 0: none
	key       [ed25519.PublicKeySize]byte
	signature [signatureSize]byte
}

func (h *hello) marshal() ([]byte, error) {
	b := cryptobyte.NewBuilder(nil)
	h.addHead(b)
	b.AddBytes(h.key[:])
	b.AddBytes(h.signature[:])
	return b.Bytes()
}

func (h *hello) addHead(b *cryptobyte.Builder) {
	b.AddUint8(h.version)
	b.AddUint8(h.role)
	b.AddUint8(h.purpose)
	b.AddUint64(uint64(h.clock))
	b.AddUint32(h.window)
	b.AddUint32(h.patience)
}

func parseHello(in []byte) (*hello, error) {
	var h hello
	var clock uint64
	s := cryptobyte.String(in)
	if !s.ReadUint8(&h.version) {
		return nil, fmt.Errorf("%w: empty hello", ErrFrame)
	}
	if h.version != Version {
		return nil, fmt.Errorf("%w: %d, here %d", ErrVersion, h.version, Version)
	}
	if !s.ReadUint8(&h.role) ||
		!s.ReadUint8(&h.purpose) ||
		!s.ReadUint64(&clock) ||
		!s.ReadUint32(&h.window) ||
		!s.ReadUint32(&h.patience) ||
		!s.CopyBytes(h.key[:]) ||
		!s.CopyBytes(h.signature[:]) ||
		!s.Empty() {
		return nil, fmt.Errorf("%w: hello of %d bytes", ErrFrame, len(in))
	}
	if h.purpose < forSession || h.purpose > forResume {
		return nil, fmt.Errorf("%w: hello of unknown purpose %d", ErrFrame, h.purpose)
	}
	if h.window < minWindow || h.window > maxWindow {
		return nil, fmt.Errorf("%w: hello with a window of %d bytes", ErrFrame, h.window)
	}
	h.clock = int64(clock)
	return &h, nil
}

// signed returns what the sender of the hello signs.
func (h *hello) signed(sender, peer Fingerprint, exporter Hash) ([]byte, error) {
	b := cryptobyte.NewBuilder(nil)
	addContext(b, "comity protocol v2 hello")
	h.addHead(b)
	b.AddBytes(sender[:])
	b.AddBytes(peer[:])
	addContext(b, string(h.key[:]))
	b.AddBytes(exporter[:])
	return b.Bytes()
}

// handshake is the state of one from the end of TLS's own.
type handshake struct {
	c        *Config
	me       Role
	peers    []Peer // whom the other side may be
	ch       *channel
	chain    []*x509.Certificate // the other side's
	exporter Hash
	secret   Hash // for resumption

	peer     *Peer         // set by receiveHello, with the certificate in use
	ahead    time.Duration // of the peer's clock, before the own one
	purpose  uint8
	window   int // the peer's, as patience is
	patience time.Duration

	resuming *flow // set by accept, where the peer resumes a session
	request  *request

	proposed *Terms // once their signature is verified, and their text
	text     string
	rule     *Rule // of the own policy, once it has decided; nil where there is none
	hold     *hold // of the ledger
}

// shake authenticates both ends of raw by TLS and then runs f. If either fails,
// the peer is told, raw is closed, and the cause is that of ctx where that ended.
func (c *Config) shake(ctx context.Context, raw net.Conn, me Role, peers []Peer, f func(*handshake) error) (*handshake, error) {
	h, err := c.secure(ctx, raw, me, peers)
	if err != nil {
		err = causeOf(ctx, err)
		logErr := c.recordFailure(nil, err)
		drain(raw) // TLS has sent its alert
		return nil, errors.Join(err, logErr)
	}
	stop := context.AfterFunc(ctx, h.ch.interrupt)
	err = f(h)
	if !stop() && err == nil {
		err = ctx.Err() // the deadline lies in the past
	}
	if err != nil {
		err = causeOf(ctx, err)
		logErr := errors.Join(c.recordFailure(h, err), h.hold.release()) // before the peer is told
		h.abort(told(ctx, err))
		return nil, errors.Join(err, logErr)
	}
	return h, nil
}

// causeOf returns why ctx ended, where that is all that err says.
func causeOf(ctx context.Context, err error) error {
	cause := context.Cause(ctx)
	if cause != nil && (errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, ctx.Err())) {
		return cause
	}
	return err
}

// told is what the peer hears of err: why a caller gave up is its own affair.
func told(ctx context.Context, err error) error {
	if ctx.Err() != nil && !errors.Is(err, ErrStalled) {
		return ErrClosed
	}
	return err
}

func (c *Config) secure(ctx context.Context, raw net.Conn, me Role, peers []Peer) (*handshake, error) {
	counted := &counter{Conn: raw}
	conn := tls.Client(counted, c.tlsConfig(me, peers))
	if me == Acceptor {
		conn = tls.Server(counted, c.tlsConfig(me, peers))
	}
	if err := conn.HandshakeContext(ctx); err != nil {
		return nil, tlsError(err)
	}
	state := conn.ConnectionState()
	h := &handshake{c: c, me: me, peers: peers, ch: newChannel(conn, counted), chain: state.PeerCertificates}
	for label, value := range map[string]*Hash{exporterLabel: &h.exporter, secretLabel: &h.secret} {
		exported, err := state.ExportKeyingMaterial(label, nil, len(value))
		if err != nil {
			return nil, tlsError(err)
		}
		*value = Hash(exported)
	}
	return h, nil
}

// tlsError lets errors of the own verification through, and contexts.
func tlsError(err error) error {
	for _, own := range []error{ErrPeerUnknown, ErrCertificate, ErrProfile, ErrTLS, ErrMail, ErrMailbox, context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, own) {
			return err
		}
	}
	if hungUp(err) {
		return fmt.Errorf("%w: %w", ErrHangUp, err)
	}
	return fmt.Errorf("%w: %w", ErrTLS, err)
}

// abort tells the peer. A term at fault has a frame of its own.
func (h *handshake) abort(err error) {
	var term *TermError
	if h.me == Acceptor && errors.As(err, &term) {
		h.ch.last(frameRefuse, []byte(term.Term))
		return
	}
	h.ch.fail(err)
}

func (h *handshake) own() Peer { return h.c.Identity.Peer().overTLS() }

func (h *handshake) sendHello(purpose uint8) error {
	own := h.own()
	m := &hello{
		version:  Version,
		role:     h.me.number(),
		purpose:  purpose,
		clock:    h.c.Clock().UnixMilli(),
		window:   uint32(h.c.ResumeWindow),
		patience: uint32(h.c.patience(h.me).Milliseconds()),
		key:      [ed25519.PublicKeySize]byte(own.SigningKey),
	}
	signed, err := m.signed(own.Certificate, FingerprintOf(h.chain[0]), h.exporter)
	if err != nil {
		return err
	}
	m.signature = [signatureSize]byte(ed25519.Sign(h.c.Identity.signing, signed))
	payload, err := m.marshal()
	if err != nil {
		return err
	}
	return h.ch.write(frameHello, payload)
}

// receiveHello finds out who the peer is and what its clock shows.
func (h *handshake) receiveHello() error {
	payload, err := h.ch.read(frameHello)
	if err != nil {
		return err
	}
	now := h.c.Clock()
	m, err := parseHello(payload)
	if err != nil {
		return err
	}
	if m.role != h.me.other().number() {
		return fmt.Errorf("%w: the peer's hello has role %d", ErrRole, m.role)
	}
	peer, err := h.c.identify(h.peers, h.me, h.chain, m.key[:])
	if err != nil {
		return err
	}
	used := FingerprintOf(h.chain[0])
	signed, err := m.signed(used, h.own().Certificate, h.exporter)
	if err != nil {
		return err
	}
	if !ed25519.Verify(m.key[:], signed, m.signature[:]) {
		return fmt.Errorf("%w: of the hello", ErrSignature)
	}
	h.peer = &Peer{Name: peer.Name, Certificate: used, SigningKey: peer.SigningKey}
	h.ahead = time.UnixMilli(m.clock).Sub(now)
	h.purpose = m.purpose
	h.window = int(m.window)
	h.patience = time.Duration(m.patience) * time.Millisecond
	return nil
}

func (h *handshake) checkClock() error {
	if h.ahead > h.c.Skew || h.ahead < -h.c.Skew {
		return &ClockError{Difference: h.ahead, Allowed: h.c.Skew}
	}
	return nil
}

// greet is the proposer's part of the hellos.
func (h *handshake) greet(purpose uint8) error {
	if err := h.sendHello(purpose); err != nil {
		return err
	}
	if err := h.receiveHello(); err != nil {
		return err
	}
	if got := h.purpose; got != purpose {
		h.purpose = purpose // the own one is what the connection was for
		return fmt.Errorf("%w: hello of purpose %d, expected %d", ErrFrame, got, purpose)
	}
	return nil
}

// propose signs the terms and has them countersigned.
func (h *handshake) propose(terms *Terms, text []byte) (*Agreement, error) {
	if err := h.greet(forSession); err != nil {
		return nil, err
	}
	if err := h.checkClock(); err != nil {
		return nil, err
	}
	if h.c.Policy != nil { // again, as time has passed since prepare
		rule, err := h.c.Policy.Decide(terms, Proposer, h.c.Clock(), h.c.Skew)
		if err != nil {
			return nil, err
		}
		h.rule = rule
	}
	a := &Agreement{Terms: string(text), Proposer: h.own(), Acceptor: *h.peer, Channel: h.exporter}
	signature, err := h.sign(a)
	if err != nil {
		return nil, err
	}
	a.ProposerSignature = signature
	h.text, h.proposed = string(text), terms
	if err := h.reserve(); err != nil {
		return nil, err
	}
	if err := h.ch.write(frameTerms, signature, text); err != nil {
		return nil, err
	}
	accepted, err := h.ch.read(frameAccept)
	if err != nil {
		return nil, err
	}
	a.AcceptorSignature = append([]byte(nil), accepted...)
	return a, a.verify(Acceptor)
}

// accept answers a proposer. For a probe or a connection that resumes it returns
// neither agreement nor error.
func (h *handshake) accept() (*Agreement, *Terms, error) {
	if err := h.receiveHello(); err != nil {
		return nil, nil, err
	}
	if err := h.sendHello(h.purpose); err != nil {
		return nil, nil, err
	}
	switch h.purpose {
	case forProbe:
		return nil, nil, nil // the prober judges the clocks
	case forResume:
		var err error
		h.resuming, h.request, err = h.resumes()
		return nil, nil, err
	}
	if err := h.checkClock(); err != nil {
		return nil, nil, err
	}
	payload, err := h.ch.read(frameTerms)
	if err != nil {
		return nil, nil, err
	}
	a := &Agreement{
		Terms:             string(payload[signatureSize:]),
		Proposer:          *h.peer,
		Acceptor:          h.own(),
		Channel:           h.exporter,
		ProposerSignature: append([]byte(nil), payload[:signatureSize]...),
	}
	if err := a.verify(Proposer); err != nil {
		return nil, nil, err
	}
	t, err := ParseTerms([]byte(a.Terms))
	if err != nil {
		return nil, nil, err
	}
	h.text, h.proposed = a.Terms, t
	if err := a.names(t); err != nil {
		return nil, nil, err
	}
	if h.rule, err = h.c.Policy.Decide(t, Acceptor, h.c.Clock(), h.c.Skew); err != nil {
		return nil, nil, err
	}
	if err := h.reserve(); err != nil {
		return nil, nil, err
	}
	if a.AcceptorSignature, err = h.sign(a); err != nil {
		return nil, nil, err
	}
	return a, t, h.ch.write(frameAccept, a.AcceptorSignature)
}

// reserve counts the session in the own ledger, if there is one.
func (h *handshake) reserve() (err error) {
	h.hold, err = h.c.reserve(h.proposed, h.text, h.me, h.rule)
	return err
}

func (h *handshake) sign(a *Agreement) ([]byte, error) {
	signed, err := a.signed(h.me)
	if err != nil {
		return nil, err
	}
	return ed25519.Sign(h.c.Identity.signing, signed), nil
}
