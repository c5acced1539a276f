package protocol

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"slices"
	"time"

	"golang.org/x/crypto/cryptobyte"
)

// ErrRevoked is a certificate or signing key that Config.Revoked lists. It is
// ErrPeerUnknown too, which is what the peer hears.
var ErrRevoked = fmt.Errorf("%w: certificate or signing key revoked", ErrPeerUnknown)

// KeyFingerprint returns the fingerprint of a signing key, for Config.Revoked.
func KeyFingerprint(key ed25519.PublicKey) Fingerprint { return sha256.Sum256(key) }

// Revocation is an agency's statement that one of its certificates, or its signing
// key, is not to be trusted from now on. There is no way back: whoever stole the
// signing key can revoke it, and nothing worse by this. A side that hears of a theft
// by another way puts the fingerprint into Config.Revoked itself.
//
// The signature is of
//
//	"comity protocol v2 revocation" after its length (1)
//	name, after its length (2)
//	fingerprint of the certificate or of the signing key (32)
//	time of the statement, in milliseconds since 1970 UTC (8)
type Revocation struct {
	Version   int         `json:"version"`
	Name      string      `json:"name"`
	Revoked   Fingerprint `json:"revoked"`
	Time      time.Time   `json:"time"`
	Signature []byte      `json:"signature"`
}

// Revoke makes a statement about one of the identity's certificates, the present
// one or an old one, or about its signing key (KeyFingerprint).
func (id *Identity) Revoke(f Fingerprint) (*Revocation, error) {
	r := &Revocation{Version: RenewalVersion, Name: id.name, Revoked: f, Time: time.Now().UTC().Truncate(time.Millisecond)}
	signed, err := r.signed()
	if err != nil {
		return nil, err
	}
	r.Signature = ed25519.Sign(id.signing, signed)
	return r, nil
}

func (r *Revocation) signed() ([]byte, error) {
	b := cryptobyte.NewBuilder(nil)
	addContext(b, "comity protocol v2 revocation")
	b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes([]byte(r.Name)) })
	b.AddBytes(r.Revoked[:])
	b.AddUint64(uint64(r.Time.UnixMilli()))
	return b.Bytes()
}

// Verify reports whether the peer made the statement, and about itself: its
// fingerprint may then go into Config.Revoked. An agency can revoke its pinned and
// previous certificate and its signing key, not a stranger's. Errors are ErrRenewal
// and ErrVersion.
func (r *Revocation) Verify(p Peer) error {
	if r.Version != RenewalVersion {
		return fmt.Errorf("%w: a revocation of version %d, here %d", ErrVersion, r.Version, RenewalVersion)
	}
	signed, err := r.signed()
	if err != nil || r.Name != p.Name || len(p.SigningKey) != ed25519.PublicKeySize || !ed25519.Verify(p.SigningKey, signed, r.Signature) {
		return fmt.Errorf("%w: not signed by %q", ErrRenewal, p.Name)
	}
	// Without a pin any certificate may be the peer's.
	own := []Fingerprint{p.Certificate, p.Old, KeyFingerprint(p.SigningKey)}
	if r.Revoked == (Fingerprint{}) || p.Certificate != (Fingerprint{}) && !slices.Contains(own, r.Revoked) {
		return fmt.Errorf("%w: what it revokes is not known to be that of %q", ErrRenewal, p.Name)
	}
	return nil
}

// ParseRevocation reads a revocation from JSON. Unknown and duplicate keys are
// refused.
func ParseRevocation(text []byte) (*Revocation, error) {
	r := new(Revocation)
	return r, parseStatement(text, r)
}

// revoked reports whether the chain, or the signing key where that is known, is
// listed.
func (c *Config) revoked(chain []*x509.Certificate, key ed25519.PublicKey) error {
	for _, f := range c.Revoked {
		if key != nil && f == KeyFingerprint(key) {
			return fmt.Errorf("%w: signing key %x", ErrRevoked, []byte(key))
		}
		if slices.ContainsFunc(chain, func(x *x509.Certificate) bool { return f == FingerprintOf(x) }) {
			return fmt.Errorf("%w: certificate %v", ErrRevoked, f)
		}
	}
	return nil
}

// isPinned reports whether the certificate is one that the peer is known by.
func (p *Peer) isPinned(leaf *x509.Certificate, now time.Time) bool {
	f := FingerprintOf(leaf)
	return f == p.Certificate || p.Old != (Fingerprint{}) && f == p.Old && now.Before(p.OldUntil)
}
