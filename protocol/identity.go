package protocol

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hpke"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	defaultValidity = 365 * 24 * time.Hour
	backdate        = time.Hour // so that a peer whose clock is behind takes a new certificate
	maxName         = 64        // runes: the upper bound of a common name in RFC 5280, A.1
)

// Identity is one agency as peers know it: a name, a TLS key with its
// certificate, a signing key for terms, and a sealing key for what is sent to it in
// steps. The keys are distinct, so that who can speak for the agency on the network
// cannot for that alone bind it. An Identity holds secrets: it formats as its name.
type Identity struct {
	name        string
	certificate tls.Certificate
	signing     ed25519.PrivateKey
	sealing     hpke.PrivateKey // nil in an identity that was made before there were any
}

// NewIdentity makes an identity with fresh keys: ECDSA P-256 for TLS, Ed25519 for
// signing, ML-KEM-768 with X25519 for sealing, and a self-signed certificate valid for
// the given time (0: a year).
// The name has 1 to 64 printable runes; peers will know the agency by it.
func NewIdentity(name string, validity time.Duration) (*Identity, error) {
	_, signing, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	id, err := makeIdentity(name, validity, signing)
	if err != nil {
		return nil, err
	}
	id.sealing, err = sealKEM.GenerateKey()
	return id, err
}

// makeIdentity makes an identity with a fresh TLS key and the given signing key.
func makeIdentity(name string, validity time.Duration, signing ed25519.PrivateKey) (*Identity, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	if validity < 0 {
		return nil, fmt.Errorf("%w: a certificate's validity is negative", ErrConfig)
	}
	if validity == 0 {
		validity = defaultValidity
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: name},
		NotBefore:             now.Add(-backdate),
		NotAfter:              now.Add(validity),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	return newIdentity([][]byte{der}, key, signing)
}

func checkName(name string) error {
	if name == "" || utf8.RuneCountInString(name) > maxName || !printable(name) {
		return fmt.Errorf("%w: a name has 1 to %d printable characters and no space at either end", ErrConfig, maxName)
	}
	return nil
}

// printable reports whether s looks like what it is: no control or formatting
// characters, no line breaks, nothing that stands for a broken encoding, no
// space at either end.
func printable(s string) bool {
	hidden := func(r rune) bool { return r == utf8.RuneError || !unicode.IsPrint(r) }
	return strings.TrimSpace(s) == s && !strings.ContainsFunc(s, hidden)
}

func newIdentity(chain [][]byte, key crypto.Signer, signing ed25519.PrivateKey) (*Identity, error) {
	leaf, err := x509.ParseCertificate(chain[0])
	if err != nil {
		return nil, fmt.Errorf("%w: certificate: %w", ErrConfig, err)
	}
	if err := checkName(leaf.Subject.CommonName); err != nil {
		return nil, fmt.Errorf("the certificate's common name: %w", err)
	}
	switch public := key.Public().(type) {
	case *ecdsa.PublicKey:
		if public.Curve != elliptic.P256() || !public.Equal(leaf.PublicKey) {
			return nil, fmt.Errorf("%w: the TLS key is not the certificate's, or not on P-256", ErrConfig)
		}
	case ed25519.PublicKey:
		if !public.Equal(leaf.PublicKey) {
			return nil, fmt.Errorf("%w: the TLS key is not the certificate's", ErrConfig)
		}
		if public.Equal(signing.Public()) {
			return nil, fmt.Errorf("%w: the TLS key and the signing key are the same", ErrConfig)
		}
	default:
		return nil, fmt.Errorf("%w: a TLS key is ECDSA P-256 or Ed25519", ErrConfig)
	}
	return &Identity{
		name:        leaf.Subject.CommonName,
		certificate: tls.Certificate{Certificate: chain, PrivateKey: key, Leaf: leaf},
		signing:     signing,
	}, nil
}

// Name returns the agency's name, the common name of its certificate.
func (id *Identity) Name() string { return id.name }

// Fingerprint returns the hash of the certificate.
func (id *Identity) Fingerprint() Fingerprint { return FingerprintOf(id.certificate.Leaf) }

// SigningKey returns the public key that verifies signatures under terms.
func (id *Identity) SigningKey() ed25519.PublicKey { return id.signing.Public().(ed25519.PublicKey) }

// Issued returns the beginning of the certificate's validity.
func (id *Identity) Issued() time.Time { return id.certificate.Leaf.NotBefore }

// Expires returns the end of the certificate's validity.
func (id *Identity) Expires() time.Time { return id.certificate.Leaf.NotAfter }

// Peer returns what other agencies need to know of this one. None of it is
// secret, but it must reach them unchanged.
func (id *Identity) Peer() Peer {
	return Peer{Name: id.name, Certificate: id.Fingerprint(), SigningKey: id.SigningKey(), SealingKey: id.SealingKey()}
}

// PEM blocks of an identity, in this order.
const (
	pemCertificate = "CERTIFICATE" // the leaf, then any intermediates
	pemTLSKey      = "PRIVATE KEY" // PKCS #8
	pemSigningKey  = "COMITY SIGNING KEY"
	pemSealingKey  = "COMITY SEALING KEY" // the seed; older identities have none
)

// Marshal returns the identity as PEM: certificates, TLS key, signing key, sealing key.
// It holds the private keys: a file of it must be readable to its owner alone.
func (id *Identity) Marshal() ([]byte, error) {
	var out bytes.Buffer
	for _, der := range id.certificate.Certificate {
		if err := pem.Encode(&out, &pem.Block{Type: pemCertificate, Bytes: der}); err != nil {
			return nil, err
		}
	}
	for _, k := range []struct {
		kind string
		key  crypto.PrivateKey
	}{{pemTLSKey, id.certificate.PrivateKey}, {pemSigningKey, id.signing}} {
		der, err := x509.MarshalPKCS8PrivateKey(k.key)
		if err != nil {
			return nil, err
		}
		if err := pem.Encode(&out, &pem.Block{Type: k.kind, Bytes: der}); err != nil {
			return nil, err
		}
	}
	if id.sealing != nil {
		seed, err := id.sealing.Bytes()
		if err != nil {
			return nil, err
		}
		if err := pem.Encode(&out, &pem.Block{Type: pemSealingKey, Bytes: seed}); err != nil {
			return nil, err
		}
	}
	return out.Bytes(), nil
}

// errPEM never says what was found: the text holds private keys.
var errPEM = errors.New("want PEM blocks " + pemCertificate + ", " + pemTLSKey + ", " + pemSigningKey + " and, except in old ones, " + pemSealingKey + ", each well formed, and nothing else")

// ParseIdentity reads what Marshal writes. The certificate may also be one that a
// certification authority issued, with intermediates after it. Errors are
// ErrConfig.
func ParseIdentity(text []byte) (*Identity, error) {
	malformed := fmt.Errorf("%w: identity: %w", ErrConfig, errPEM)
	var chain [][]byte
	var keys []crypto.PrivateKey
	var sealing hpke.PrivateKey
	rest := text
	for len(bytes.TrimSpace(rest)) > 0 {
		if !bytes.HasPrefix(bytes.TrimSpace(rest), []byte("-----BEGIN ")) {
			return nil, malformed // pem.Decode would skip it
		}
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil || len(block.Headers) > 0 {
			return nil, malformed
		}
		switch {
		case block.Type == pemCertificate && len(keys) == 0:
			chain = append(chain, block.Bytes)
		case block.Type == pemTLSKey && len(keys) == 0, block.Type == pemSigningKey && len(keys) == 1:
			key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
			if err != nil {
				return nil, malformed
			}
			keys = append(keys, key)
		case block.Type == pemSealingKey && len(keys) == 2 && sealing == nil:
			var err error
			if sealing, err = sealKEM.NewPrivateKey(block.Bytes); err != nil {
				return nil, malformed
			}
		default:
			return nil, malformed
		}
	}
	if len(chain) == 0 || len(keys) != 2 {
		return nil, malformed
	}
	key, ok := keys[0].(crypto.Signer)
	signing, ok2 := keys[1].(ed25519.PrivateKey)
	if !ok || !ok2 {
		return nil, malformed
	}
	id, err := newIdentity(chain, key, signing)
	if err != nil {
		return nil, err
	}
	id.sealing = sealing
	return id, nil
}

// String shows the name, never a key.
func (id Identity) String() string { return fmt.Sprintf("identity of %q", id.name) }

// GoString is String.
func (id Identity) GoString() string { return id.String() }

// Format writes String for every verb.
func (id Identity) Format(f fmt.State, _ rune) { fmt.Fprint(f, id.String()) }

// LogValue is String.
func (id Identity) LogValue() slog.Value { return slog.StringValue(id.String()) }

// MarshalJSON writes String: keys leave by Marshal alone.
func (id Identity) MarshalJSON() ([]byte, error) { return json.Marshal(id.String()) }
