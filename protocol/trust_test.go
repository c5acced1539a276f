package protocol

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"testing"
	"time"

	"github.com/comity-prl/comity/psi"
)

// authority is a certification authority.
type authority struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(100 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{key, cert}
}

func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// certify returns the identity with a certificate of the authority.
func (a *authority) certify(t testing.TB, id *Identity, change func(*x509.Certificate)) *Identity {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: id.Name()},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	if change != nil {
		change(template)
	}
	key := id.certificate.PrivateKey.(*ecdsa.PrivateKey)
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	certified, err := newIdentity([][]byte{der}, key, id.signing)
	if err != nil {
		t.Fatal(err)
	}
	return certified
}

// certified returns two agencies that trust the authority and know each other's
// signing key.
func certified(t testing.TB, root *authority) (pc, ac *Config) {
	t.Helper()
	pc, ac = agencies(t)
	pc.Identity, ac.Identity = root.certify(t, pc.Identity, nil), root.certify(t, ac.Identity, nil)
	pc.Roots, ac.Roots = root.pool(), root.pool()
	pc.Peers[0].Certificate, ac.Peers[0].Certificate = Fingerprint{}, Fingerprint{}
	return pc, ac
}

func TestCertifiedPeers(t *testing.T) {
	pc, ac := certified(t, newAuthority(t))
	p, a := met(t, goodTerms(), pc, ac)
	if p.Peer().Certificate != ac.Identity.Fingerprint() {
		t.Error("the session does not name the certificate in use")
	}
	set := psi.NewSet(items(0, 3), binding)
	if o := intersect(t.Context(), p, a, set, set); o.receiveErr != nil || o.sendErr != nil {
		t.Errorf("receive: %v; send: %v", o.receiveErr, o.sendErr)
	}
}

// Who is not trusted gets no further than TLS or the hello, and both ends say so.
func TestUntrustedPeers(t *testing.T) {
	expired := func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-defaultSkew - time.Minute) }
	tests := []struct {
		name               string
		configs            func(t *testing.T) (pc, ac *Config)
		atProposer, atPeer error
	}{
		{"acceptor's certificate not the pinned one", func(t *testing.T) (*Config, *Config) {
			pc, ac := agencies(t)
			pc.Peers[0].Certificate[0]++
			return pc, ac
		}, ErrPeerUnknown, ErrTLS},
		{"proposer's certificate not the pinned one", func(t *testing.T) (*Config, *Config) {
			pc, ac := agencies(t)
			ac.Peers[0].Certificate[0]++
			return pc, ac
		}, ErrTLS, ErrPeerUnknown},
		{"acceptor's signing key not the known one", func(t *testing.T) (*Config, *Config) {
			pc, ac := agencies(t)
			pc.Peers[0].SigningKey = identity(t, "X").SigningKey()
			return pc, ac
		}, ErrPeerUnknown, ErrPeerUnknown},
		{"proposer's signing key not the known one", func(t *testing.T) (*Config, *Config) {
			pc, ac := agencies(t)
			ac.Peers[0].SigningKey = identity(t, "X").SigningKey()
			return pc, ac
		}, ErrPeerUnknown, ErrPeerUnknown},
		{"one peer's certificate with another's signing key", func(t *testing.T) (*Config, *Config) {
			pc, ac := agencies(t)
			other := identity(t, "Customs of Syldavia")
			ac.Peers = append(ac.Peers, other.Peer())
			pc.Identity = &Identity{name: other.name, certificate: pc.Identity.certificate, signing: other.signing}
			return pc, ac
		}, ErrPeerUnknown, ErrPeerUnknown},
		{"pinned certificate expired", func(t *testing.T) (*Config, *Config) {
			pc, ac := agencies(t)
			future := func() time.Time { return time.Now().Add(366 * 24 * time.Hour) }
			pc.Clock, ac.Clock = future, future
			return pc, ac
		}, ErrCertificate, ErrTLS},
		{"certified by an unknown authority", func(t *testing.T) (*Config, *Config) {
			pc, ac := certified(t, newAuthority(t))
			ac.Roots = newAuthority(t).pool()
			return pc, ac
		}, ErrTLS, ErrPeerUnknown},
		{"certified, and the signing key is a stranger's", func(t *testing.T) (*Config, *Config) {
			pc, ac := certified(t, newAuthority(t))
			ac.Peers[0].SigningKey = identity(t, "X").SigningKey()
			return pc, ac
		}, ErrPeerUnknown, ErrPeerUnknown},
		{"certified, expired", func(t *testing.T) (*Config, *Config) {
			root := newAuthority(t)
			pc, ac := certified(t, root)
			ac.Identity = root.certify(t, ac.Identity, expired)
			return pc, ac
		}, ErrCertificate, ErrTLS},
		{"expired, by an unknown authority", func(t *testing.T) (*Config, *Config) {
			pc, ac := certified(t, newAuthority(t))
			ac.Identity = newAuthority(t).certify(t, ac.Identity, expired)
			return pc, ac
		}, ErrPeerUnknown, ErrTLS},
		{"certified for clients, used as a server", func(t *testing.T) (*Config, *Config) {
			root := newAuthority(t)
			pc, ac := certified(t, root)
			ac.Identity = root.certify(t, ac.Identity, func(c *x509.Certificate) {
				c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
			})
			return pc, ac
		}, ErrPeerUnknown, ErrTLS},
		{"certified where the certificate is pinned", func(t *testing.T) (*Config, *Config) {
			pc, ac := certified(t, newAuthority(t))
			pc.Peers[0].Certificate[0]++
			return pc, ac
		}, ErrPeerUnknown, ErrTLS},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			pc, ac := tt.configs(t)
			terms := goodTerms()
			if pc.Clock != nil {
				terms.Expires = pc.Clock().Add(time.Hour)
			}
			e := meet(t, terms, pc, ac)
			if !errors.Is(e.proposerErr, tt.atProposer) || !errors.Is(e.acceptorErr, tt.atPeer) {
				t.Errorf("proposer: %v; acceptor: %v; want %v and %v", e.proposerErr, e.acceptorErr, tt.atProposer, tt.atPeer)
			}
		})
	}
}

// Only TLS 1.3 with this protocol's name and a certificate is spoken.
func TestOtherTLS(t *testing.T) {
	tests := []struct {
		name   string
		change func(*tls.Config)
	}{
		{"TLS 1.2", func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS12, tls.VersionTLS12 }},
		{"another protocol", func(c *tls.Config) { c.NextProtos = []string{"h2"} }},
		{"no protocol", func(c *tls.Config) { c.NextProtos = nil }},
		{"no certificate", func(c *tls.Config) { c.Certificates, c.ClientAuth = nil, tls.NoClientCert }},
	}
	for _, tt := range tests {
		for _, me := range []Role{Proposer, Acceptor} {
			t.Run(tt.name+"/by="+string(me), func(t *testing.T) {
				t.Parallel()
				pc, ac := agencies(t)
				mine, theirs := pc, ac
				if me == Acceptor {
					mine, theirs = ac, pc
				}
				d, err := mine.withDefaults()
				if err != nil {
					t.Fatal(err)
				}
				config := d.tlsConfig(me, d.Peers)
				tt.change(config)
				config.VerifyConnection = nil
				here, there := wires(t)
				var conn *tls.Conn
				if me == Proposer {
					conn = tls.Client(here, config)
				} else {
					conn = tls.Server(here, config)
				}
				go func() {
					_, _ = conn.Read(make([]byte, 1))
					_ = here.Close()
				}()
				c, err := theirs.withDefaults()
				if err != nil {
					t.Fatal(err)
				}
				_, err = c.shake(t.Context(), there, me.other(), c.Peers, func(*handshake) error { return nil })
				if !errors.Is(err, ErrTLS) && !errors.Is(err, ErrPeerUnknown) {
					t.Errorf("%v, want %v", err, ErrTLS)
				}
			})
		}
	}
}

func TestUnusableConfig(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Config)
	}{
		{"no identity", func(c *Config) { c.Identity = nil }},
		{"no peers", func(c *Config) { c.Peers = nil }},
		{"peer without a name", func(c *Config) { c.Peers[0].Name = "" }},
		{"peer without a signing key", func(c *Config) { c.Peers[0].SigningKey = nil }},
		{"peer with neither certificate nor roots", func(c *Config) { c.Peers[0].Certificate = Fingerprint{} }},
		{"peer twice", func(c *Config) { c.Peers = append(c.Peers, c.Peers[0]) }},
		{"peer with the own signing key", func(c *Config) { c.Peers[0].SigningKey = c.Identity.SigningKey() }},
		{"peer with the own certificate", func(c *Config) { c.Peers[0].Certificate = c.Identity.Fingerprint() }},
		{"peer with the own name", func(c *Config) { c.Peers[0].Name = c.Identity.Name() }},
		{"negative skew", func(c *Config) { c.Skew = -1 }},
		{"negative timeout", func(c *Config) { c.IdleTimeout = -1 }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, c := agencies(t)
			tt.change(c)
			if _, err := Listen("127.0.0.1:0", c); !errors.Is(err, ErrConfig) {
				t.Errorf("Listen: %v, want %v", err, ErrConfig)
			}
			if _, err := Dial(t.Context(), "127.0.0.1:1", goodTerms(), c); !errors.Is(err, ErrConfig) {
				t.Errorf("Dial: %v, want %v", err, ErrConfig)
			}
			if _, err := Probe(t.Context(), "127.0.0.1:1", c); !errors.Is(err, ErrConfig) {
				t.Errorf("Probe: %v, want %v", err, ErrConfig)
			}
		})
	}
	_, c := agencies(t)
	c.Policy = nil
	if _, err := Listen("127.0.0.1:0", c); !errors.Is(err, ErrConfig) {
		t.Errorf("Listen without a policy: %v, want %v", err, ErrConfig)
	}
}

func TestProbe(t *testing.T) {
	pc, ac := agencies(t)
	ac.Clock = func() time.Time { return time.Now().Add(time.Hour) }
	ac.Failed = func(err error) { t.Errorf("a probe counts as failed: %v", err) }
	l, err := Listen("127.0.0.1:0", ac)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	r, err := Probe(t.Context(), l.Addr().String(), pc)
	var clock *ClockError
	if !errors.As(err, &clock) || clock.Difference.Round(time.Minute) != time.Hour {
		t.Errorf("%v, want a clock that is an hour ahead", err)
	}
	if r == nil || r.Peer.Name != ac.Identity.Name() || r.Peer.Certificate != ac.Identity.Fingerprint() || r.Version != Version {
		t.Errorf("report %+v", r)
	}
	pc.Skew = 2 * time.Hour
	if _, err := Probe(t.Context(), l.Addr().String(), pc); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if s, err := l.Accept(ctx); err == nil {
		t.Errorf("a probe became a session with %v", s.Peer().Name)
	}
}
