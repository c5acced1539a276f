package protocol

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"strings"
)

// Fingerprint is the SHA-256 of a certificate in DER. As text it is 64 lower-case
// hexadecimal digits.
type Fingerprint [sha256.Size]byte

// FingerprintOf returns the fingerprint of a certificate.
func FingerprintOf(c *x509.Certificate) Fingerprint { return sha256.Sum256(c.Raw) }

func (f Fingerprint) String() string { return hex.EncodeToString(f[:]) }

// MarshalText is String.
func (f Fingerprint) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText reads 64 lower-case hexadecimal digits.
func (f *Fingerprint) UnmarshalText(text []byte) error { return unhex(f[:], text) }

// Hash is a SHA-256 hash of something that both sides hold. As text it is 64
// lower-case hexadecimal digits.
type Hash [sha256.Size]byte

func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// MarshalText is String.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads 64 lower-case hexadecimal digits.
func (h *Hash) UnmarshalText(text []byte) error { return unhex(h[:], text) }

// IsZero reports whether the hash is unset.
func (h Hash) IsZero() bool { return h == Hash{} }

func unhex(out, text []byte) error {
	if len(text) != hex.EncodedLen(len(out)) || strings.ToLower(string(text)) != string(text) {
		return fmt.Errorf("protocol: a hash has %d lower-case hexadecimal digits", hex.EncodedLen(len(out)))
	}
	if _, err := hex.Decode(out, text); err != nil {
		return fmt.Errorf("protocol: a hash has %d lower-case hexadecimal digits", hex.EncodedLen(len(out)))
	}
	return nil
}
