package protocol

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"time"

	"golang.org/x/crypto/cryptobyte"
)

// RenewalVersion is the version of renewals and revocations.
const RenewalVersion = 1

// RenewalGrace is how long the old certificate stays good beside the new one.
const RenewalGrace = 30 * day

// ErrRenewal is a renewal or revocation that does not fit the peer, or is not
// signed by it.
var ErrRenewal = errors.New("protocol: malformed, false or outdated statement about a certificate")

// Renewal is an agency's statement that a new certificate takes the place of the
// one that peers pin. It is signed by the signing key, which stays, so that peers
// need not compare fingerprints anew. It is no secret, and may travel by mail.
//
// It names the certificate that it replaces: a peer takes the renewals of an agency
// in their order, each once, and an old one cannot bring an old certificate back.
//
// The signature is of
//
//	"comity protocol v2 renewal" after its length (1)
//	name, after its length (2)
//	fingerprints of the old certificate (32) and the new one (32)
//	end of the old one's use, in milliseconds since 1970 UTC (8)
type Renewal struct {
	Version int         `json:"version"`
	Name    string      `json:"name"`
	Old     Fingerprint `json:"old"`
	New     Fingerprint `json:"new"`
	// Until is how long peers take the old certificate too, if that is valid.
	Until     time.Time `json:"until"`
	Signature []byte    `json:"signature"`
}

// Renew makes an identity with a fresh TLS key and certificate, valid for the given
// time (0: a year), under the same name, signing and sealing key, and the statement for
// peers. Both certificates are good for RenewalGrace: give all peers the statement,
// and then use the new identity. A peer that was not told in time refuses it. An
// identity that an authority certified is renewed by the authority.
func (id *Identity) Renew(validity time.Duration) (*Identity, *Renewal, error) {
	if leaf := id.certificate.Leaf; !bytes.Equal(leaf.RawIssuer, leaf.RawSubject) {
		return nil, nil, fmt.Errorf("%w: the certificate is an authority's to renew", ErrConfig)
	}
	renewed, err := makeIdentity(id.name, validity, id.signing)
	if err != nil {
		return nil, nil, err
	}
	renewed.sealing = id.sealing
	r := &Renewal{
		Version: RenewalVersion, Name: id.name, Old: id.Fingerprint(), New: renewed.Fingerprint(),
		Until: time.Now().Add(RenewalGrace).UTC().Truncate(time.Millisecond),
	}
	signed, err := r.signed()
	if err != nil {
		return nil, nil, err
	}
	r.Signature = ed25519.Sign(id.signing, signed)
	return renewed, r, nil
}

func (r *Renewal) signed() ([]byte, error) {
	b := cryptobyte.NewBuilder(nil)
	addContext(b, "comity protocol v2 renewal")
	b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes([]byte(r.Name)) })
	b.AddBytes(r.Old[:])
	b.AddBytes(r.New[:])
	b.AddUint64(uint64(r.Until.UnixMilli()))
	return b.Bytes()
}

// Apply returns the peer with the new certificate pinned, and the old one good
// until the renewal says. The error is ErrRenewal where it is not signed by the
// peer, or does not replace the certificate that is pinned; ErrVersion for one of
// another version.
func (p Peer) Apply(r *Renewal) (Peer, error) {
	if r.Version != RenewalVersion {
		return Peer{}, fmt.Errorf("%w: a renewal of version %d, here %d", ErrVersion, r.Version, RenewalVersion)
	}
	signed, err := r.signed()
	if err != nil || r.Name != p.Name || len(p.SigningKey) != ed25519.PublicKeySize || !ed25519.Verify(p.SigningKey, signed, r.Signature) {
		return Peer{}, fmt.Errorf("%w: not signed by %q", ErrRenewal, p.Name)
	}
	if r.Old != p.Certificate || r.New == r.Old {
		return Peer{}, fmt.Errorf("%w: it does not replace the certificate that is known of %q", ErrRenewal, p.Name)
	}
	p.Old, p.OldUntil, p.Certificate = r.Old, r.Until, r.New
	return p, nil
}

// ParseRenewal reads a renewal from JSON. Unknown and duplicate keys are refused.
func ParseRenewal(text []byte) (*Renewal, error) {
	r := new(Renewal)
	return r, parseStatement(text, r)
}

const maxStatement = 4 << 10

func parseStatement(text []byte, v any) error {
	if len(text) > maxStatement {
		return fmt.Errorf("%w: %d bytes, at most %d allowed", ErrRenewal, len(text), maxStatement)
	}
	if err := decodeStrict(text, v); err != nil {
		return fmt.Errorf("%w: %w", ErrRenewal, err)
	}
	return nil
}
