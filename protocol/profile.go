package protocol

import (
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/comity-prl/comity/psi"
)

// # The profile "fips"
//
// It restricts a session to algorithms that FIPS 140-3 modules approve: sets and
// counts through the suite ecdh-p256 (SHA-2 and P-256), encodings (HMAC and SHA-2),
// TLS 1.3 with AES-GCM, key agreement on P-256 and ECDSA certificates on P-256.
// Signatures of hellos and terms are Ed25519, of FIPS 186-5.
//
// It does not make the program a validated module, nor imply
// GODEBUG=fips140=only, which the code of other modules, such as hashing to the
// curve, bypasses; and a use of P-256 as in package psi, a Diffie-Hellman between
// items and keys, is built from approved parts and is not itself an approved
// service.

// ErrProfile is a connection or certificate outside the policy's profile.
var ErrProfile = errors.New("protocol: outside the policy's profile")

// fipsSuite reports whether what the terms run is in the profile.
func fipsSuite(t *Terms) bool { return !t.exact() || t.Suite == psi.ECDHP256().String() }

// fipsConnection reports whether TLS agreed on what the profile has. The suites of
// TLS 1.3 cannot be configured, so that they are checked once one is chosen.
func fipsConnection(s *tls.ConnectionState) error {
	if s.CipherSuite != tls.TLS_AES_128_GCM_SHA256 && s.CipherSuite != tls.TLS_AES_256_GCM_SHA384 {
		return fmt.Errorf("%w: TLS chose %s", ErrProfile, tls.CipherSuiteName(s.CipherSuite))
	}
	if s.CurveID != tls.CurveP256 {
		return fmt.Errorf("%w: TLS agreed on keys by %v", ErrProfile, s.CurveID)
	}
	return nil
}

// fipsCertificate reports whether the certificate's key is in the profile.
func fipsCertificate(c *x509.Certificate) error {
	// Identities take no other curve than P-256, and a peer's pinned one comes from
	// such; an authority may certify others.
	key, ok := c.PublicKey.(*ecdsa.PublicKey)
	if !ok || key.Curve.Params().Name != "P-256" {
		return fmt.Errorf("%w: a certificate's key is not on P-256", ErrProfile)
	}
	return nil
}
