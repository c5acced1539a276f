package protocol

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"fmt"
	"math"
	"net"
	"time"
)

const (
	defaultSkew      = 2 * time.Minute
	defaultHandshake = 15 * time.Second
	defaultIdle      = time.Minute
	defaultAlive     = 10 * time.Second
	defaultResume    = 2 * time.Minute
	defaultRun       = 24 * time.Hour
	maxPatience      = math.MaxUint32 * time.Millisecond // as the hello can say

	defaultWindow = 16 << 20
	minWindow     = 256 << 10 // a few of the longest frames
	maxWindow     = 1 << 30
)

// Config is what an agency brings to its sessions. It is not changed, and may
// serve several sessions at once.
type Config struct {
	// Identity is the own one.
	Identity *Identity
	// Peers are the agencies to speak with, and no others. Names, certificates and
	// signing keys are distinct.
	Peers []Peer
	// Roots certify peers that have no pinned certificate. Nil: every peer has one.
	Roots *x509.CertPool
	// Revoked are the fingerprints of certificates and of signing keys
	// (KeyFingerprint) that are trusted no longer, whatever Peers and Roots say.
	Revoked []Fingerprint
	// Policy says which terms this side permits. A Listener needs one. Where Dial
	// has one, the terms it proposes must fit too.
	Policy *Policy

	// Log, if set, gets one entry for each session, and for each that an
	// authenticated peer and this side did not come to. A run whose entry cannot be
	// written fails with ErrLogWrite at this side, and gives neither side a result.
	Log *Log

	// Ledger, if set, counts all sessions. A Policy whose rules have limits needs one.
	Ledger *Ledger

	// Clock tells the time for validity, expiry and skew. Nil: time.Now. It is
	// called by several goroutines at once.
	Clock func() time.Time
	// Skew is how far the peer's clock may be from the own one. 0: two minutes.
	Skew time.Duration
	// HandshakeTimeout bounds the time from connecting to agreed terms. 0: 15 s.
	HandshakeTimeout time.Duration
	// IdleTimeout bounds how long a frame may take to come or to go. 0: one
	// minute. Peers that compute or wait send a sign of life every ten seconds; a
	// shorter timeout takes them for stalled.
	IdleTimeout time.Duration

	// RunTimeout bounds a run, the peer's part included; it is noticed at the next
	// frame. 0: a day.
	RunTimeout time.Duration
	// ResumeTimeout bounds how long a session whose connection was lost waits for
	// another one to take its place. It ends sooner where the peer's is shorter.
	// 0: two minutes; negative: such a session fails at once.
	ResumeTimeout time.Duration
	// ResumeWindow bounds the frames, in bytes, that either side may have under way
	// without the other's having read them. So much memory a session may take twice,
	// for what it sent and for what it received. 0: 16 MiB; at least 256 KiB and at
	// most 1 GiB. What this side may send is bounded by the peer's too.
	ResumeWindow int

	// Progress, if set, is called as a run proceeds, by one goroutine at a time.
	Progress func(Progress)
	// Failed, if set, is told why a Listener's connection did not become a
	// session. Several goroutines may call it at once.
	Failed func(error)

	aliveEvery time.Duration // 0: ten seconds; tests are less patient

	// How a session comes to another connection, in the copies that dial and listen
	// make: the proposer opens it, the acceptor's Listener finds the session.
	open     func(context.Context) (net.Conn, error)
	sessions *resumable
}

// Progress is how far one step of a run has come.
type Progress struct {
	Step        string
	Done, Total int
}

// withDefaults returns a copy of the configuration that is valid and complete.
func (c *Config) withDefaults() (*Config, error) {
	if c == nil || c.Identity == nil {
		return nil, fmt.Errorf("%w: no identity", ErrConfig)
	}
	d := *c
	if d.Clock == nil {
		d.Clock = time.Now
	}
	for _, v := range []struct {
		value    *time.Duration
		fallback time.Duration
	}{{&d.Skew, defaultSkew}, {&d.HandshakeTimeout, defaultHandshake}, {&d.IdleTimeout, defaultIdle}, {&d.aliveEvery, defaultAlive}, {&d.RunTimeout, defaultRun}} {
		if *v.value < 0 {
			return nil, fmt.Errorf("%w: a duration is negative", ErrConfig)
		}
		if *v.value == 0 {
			*v.value = v.fallback
		}
	}
	if err := d.checkPolicy(); err != nil {
		return nil, err
	}
	if d.ResumeTimeout == 0 {
		d.ResumeTimeout = defaultResume
	}
	if d.ResumeWindow == 0 {
		d.ResumeWindow = defaultWindow
	}
	if d.ResumeWindow < minWindow || d.ResumeWindow > maxWindow {
		return nil, fmt.Errorf("%w: a window of %d bytes, between %d and %d allowed", ErrConfig, d.ResumeWindow, minWindow, maxWindow)
	}
	return &d, d.checkPeers()
}

func (c *Config) checkPolicy() error {
	if c.Policy == nil {
		return nil
	}
	if err := c.Policy.Validate(); err != nil {
		return fmt.Errorf("%w: %w", ErrConfig, err)
	}
	if c.Ledger == nil && c.Policy.limits() {
		return fmt.Errorf("%w: the policy has limits, and there is no ledger to count by", ErrConfig)
	}
	if c.Policy.fips() {
		if err := fipsCertificate(c.Identity.certificate.Leaf); err != nil {
			return fmt.Errorf("%w: %w", ErrConfig, err)
		}
	}
	return nil
}

// patience is how long a session of this side waits for another connection; 0 where
// it cannot come to one.
func (c *Config) patience(me Role) time.Duration {
	if me == Proposer && c.open == nil || me == Acceptor && c.sessions == nil {
		return 0
	}
	return min(max(c.ResumeTimeout, 0), maxPatience)
}

func (c *Config) checkPeers() error {
	if len(c.Peers) == 0 {
		return fmt.Errorf("%w: no peers", ErrConfig)
	}
	own := c.Identity.Peer()
	for i, p := range c.Peers {
		if err := checkName(p.Name); err != nil {
			return err
		}
		if len(p.SigningKey) != ed25519.PublicKeySize {
			return fmt.Errorf("%w: peer %q has no signing key", ErrConfig, p.Name)
		}
		if _, err := sealKEM.NewPublicKey(p.SealingKey); err != nil && len(p.SealingKey) > 0 {
			return fmt.Errorf("%w: the sealing key of peer %q is malformed", ErrConfig, p.Name)
		}
		if p.Certificate == (Fingerprint{}) && c.Roots == nil {
			return fmt.Errorf("%w: peer %q has no certificate, and there are no roots", ErrConfig, p.Name)
		}
		for _, q := range append(c.Peers[:i:i], own) {
			if p.Name == q.Name || bytes.Equal(p.SigningKey, q.SigningKey) ||
				p.Certificate != (Fingerprint{}) && p.Certificate == q.Certificate {
				return fmt.Errorf("%w: peer %q shares its name, certificate or signing key with %q", ErrConfig, p.Name, q.Name)
			}
		}
	}
	return nil
}
