package protocol

import (
	"bytes"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"time"
)

// Peer is another agency as this one trusts it.
type Peer struct {
	// Name is the name of the peer's identity, as it stands in terms.
	Name string `json:"name"`
	// Certificate pins the peer's certificate. Zero means that any certificate is
	// good that chains to Config.Roots; the signing key then tells the peer from
	// others whom that authority certified.
	Certificate Fingerprint `json:"certificate"`
	// SigningKey verifies the peer's hello and its signature under terms.
	SigningKey ed25519.PublicKey `json:"signing_key"`
	// SealingKey is what messages to the peer are sealed to in the step form of a
	// mailbox, which wants one. An identity of an older version has none.
	SealingKey []byte `json:"sealing_key,omitempty"`

	// Old is the certificate that Certificate replaced, and good beside it until
	// OldUntil: Apply.
	Old      Fingerprint `json:"old,omitzero"`
	OldUntil time.Time   `json:"old_until,omitzero"`
}

// overTLS is a peer as it stands in agreements of sessions over TLS, which seal nothing.
func (p Peer) overTLS() Peer {
	p.SealingKey = nil
	return p
}

const alpn = "comity/1"

// tlsConfig accepts TLS 1.3 alone and the certificates of the given peers alone.
// There are no tickets: each session authenticates anew.
func (c *Config) tlsConfig(me Role, peers []Peer) *tls.Config {
	t := &tls.Config{
		Certificates: []tls.Certificate{c.Identity.certificate},
		MinVersion:   tls.VersionTLS13,
		NextProtos:   []string{alpn},
		Time:         c.Clock,
		ClientAuth:   tls.RequireAnyClientCert,
		// VerifyConnection replaces verification by the system's authorities and by
		// host name: peers are agencies, not hosts.
		InsecureSkipVerify: true,
		VerifyConnection: func(s tls.ConnectionState) error {
			if s.NegotiatedProtocol != alpn {
				return fmt.Errorf("%w: the peer does not speak %s", ErrTLS, alpn)
			}
			if err := c.trustsAny(peers, me, s.PeerCertificates); err != nil || !c.Policy.fips() {
				return err
			}
			if err := fipsConnection(&s); err != nil {
				return err
			}
			return fipsCertificate(s.PeerCertificates[0])
		},
		SessionTicketsDisabled:      true,
		DynamicRecordSizingDisabled: true, // a session moves bulk, and a frame is written at once
	}
	if c.Policy.fips() {
		t.CurvePreferences = []tls.CurveID{tls.CurveP256}
	}
	return t
}

// trustsAny reports why no peer may present this chain of certificates.
func (c *Config) trustsAny(peers []Peer, me Role, chain []*x509.Certificate) error {
	if len(chain) == 0 {
		return fmt.Errorf("%w: no certificate", ErrPeerUnknown)
	}
	if err := c.revoked(chain, nil); err != nil {
		return err
	}
	for i := range peers {
		if recognised, why := c.trusts(&peers[i], me, chain); recognised {
			return why
		}
	}
	return fmt.Errorf("%w: certificate %v", ErrPeerUnknown, FingerprintOf(chain[0]))
}

// trusts reports whether the chain is the peer's to present, and if so whether it
// is valid now.
func (c *Config) trusts(p *Peer, me Role, chain []*x509.Certificate) (recognised bool, why error) {
	leaf, now := chain[0], c.Clock()
	if p.Certificate != (Fingerprint{}) {
		return p.isPinned(leaf, now), validAt(leaf, now, c.Skew)
	}
	if c.Roots == nil {
		return false, nil
	}
	usage := x509.ExtKeyUsageServerAuth
	if me == Acceptor {
		usage = x509.ExtKeyUsageClientAuth
	}
	options := x509.VerifyOptions{
		Roots:         c.Roots,
		Intermediates: x509.NewCertPool(),
		CurrentTime:   within(leaf, now), // so that an expired certificate is told from a stranger's
		KeyUsages:     []x509.ExtKeyUsage{usage},
	}
	for _, extra := range chain[1:] {
		options.Intermediates.AddCert(extra)
	}
	if _, err := leaf.Verify(options); err != nil {
		return false, nil
	}
	return true, validAt(leaf, now, c.Skew)
}

// within returns the moment of the certificate's validity that is closest to now.
func within(leaf *x509.Certificate, now time.Time) time.Time {
	if now.Before(leaf.NotBefore) {
		return leaf.NotBefore
	}
	if now.After(leaf.NotAfter) {
		return leaf.NotAfter
	}
	return now
}

// validAt allows for clocks that differ.
func validAt(leaf *x509.Certificate, now time.Time, skew time.Duration) error {
	if now.Add(skew).Before(leaf.NotBefore) || now.Add(-skew).After(leaf.NotAfter) {
		return fmt.Errorf("%w: certificate %v is valid from %v to %v", ErrCertificate, FingerprintOf(leaf),
			leaf.NotBefore.UTC().Format(time.RFC3339), leaf.NotAfter.UTC().Format(time.RFC3339))
	}
	return nil
}

// identify returns the peer that holds the signing key, if it may present this
// chain of certificates: a known certificate with another peer's key is nobody.
func (c *Config) identify(peers []Peer, me Role, chain []*x509.Certificate, key ed25519.PublicKey) (*Peer, error) {
	if err := c.revoked(chain, key); err != nil {
		return nil, err
	}
	for i := range peers {
		p := &peers[i]
		if !bytes.Equal(p.SigningKey, key) {
			continue
		}
		if recognised, why := c.trusts(p, me, chain); recognised {
			return p, why
		}
	}
	return nil, fmt.Errorf("%w: certificate %v with signing key %x", ErrPeerUnknown, FingerprintOf(chain[0]), []byte(key))
}
