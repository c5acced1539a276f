package protocol

import (
	"crypto/ed25519"
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

// fipsPolicy is goodPolicy in the profile.
func fipsPolicy() *Policy {
	p := goodPolicy()
	p.Profile = ProfileFIPS
	return p
}

func TestProfilePermitsOneSuite(t *testing.T) {
	for _, suite := range suiteNames() {
		for name, policy := range map[string]*Policy{"own": fipsPolicy(), "either": goodPolicy().And(fipsPolicy())} {
			t.Run(name+"/"+suite, func(t *testing.T) {
				t.Parallel()
				pc, ac := agencies(t)
				ac.Policy = policy
				terms := goodTerms()
				terms.Suite = suite
				e := meet(t, terms, pc, ac)
				if suite != psi.ECDHP256().String() {
					checkRefused(t, "suite", e.proposerErr, e.acceptorErr)
					return
				}
				if e.proposerErr != nil || e.acceptorErr != nil {
					t.Fatalf("proposer: %v; acceptor: %v", e.proposerErr, e.acceptorErr)
				}
				set := psi.NewSet(items(0, 3), binding)
				if o := intersect(t.Context(), e.proposer, e.acceptor, set, set); o.receiveErr != nil || o.sendErr != nil {
					t.Errorf("receive: %v; send: %v", o.receiveErr, o.sendErr)
				}
				closeAll(e.proposer, e.acceptor)
			})
		}
	}
}

// TLS is restricted too: its key agreement beforehand, its cipher once chosen.
func TestProfileRestrictsTLS(t *testing.T) {
	for _, tt := range []struct {
		name  string
		state tls.ConnectionState
		want  error
	}{
		{"AES-128-GCM", tls.ConnectionState{CipherSuite: tls.TLS_AES_128_GCM_SHA256, CurveID: tls.CurveP256}, nil},
		{"AES-256-GCM", tls.ConnectionState{CipherSuite: tls.TLS_AES_256_GCM_SHA384, CurveID: tls.CurveP256}, nil},
		{"ChaCha20-Poly1305", tls.ConnectionState{CipherSuite: tls.TLS_CHACHA20_POLY1305_SHA256, CurveID: tls.CurveP256}, ErrProfile},
		{"X25519", tls.ConnectionState{CipherSuite: tls.TLS_AES_128_GCM_SHA256, CurveID: tls.X25519}, ErrProfile},
		{"a hybrid", tls.ConnectionState{CipherSuite: tls.TLS_AES_128_GCM_SHA256, CurveID: tls.X25519MLKEM768}, ErrProfile},
	} {
		if err := fipsConnection(&tt.state); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
}

// ed25519Identity is one whose TLS key is of the other kind.
func ed25519Identity(t testing.TB, name string) *Identity {
	t.Helper()
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, key)
	if err != nil {
		t.Fatal(err)
	}
	id, err := newIdentity([][]byte{der}, key, officer(t))
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// A certificate on another curve is refused at the own side when it is configured,
// and the peer's in the handshake.
func TestProfileWantsP256Certificates(t *testing.T) {
	pc, ac := agencies(t)
	pc.Identity = ed25519Identity(t, pc.Identity.Name())
	ac.Peers = []Peer{pc.Identity.Peer()}
	ac.Policy = fipsPolicy()
	if e := meet(t, goodTerms(), pc, ac); !errors.Is(e.acceptorErr, ErrProfile) || e.proposerErr == nil {
		t.Errorf("proposer: %v; acceptor: %v, want %v", e.proposerErr, e.acceptorErr, ErrProfile)
	}
	pc.Policy = fipsPolicy()
	if _, err := Dial(t.Context(), "127.0.0.1:1", goodTerms(), pc); !errors.Is(err, ErrConfig) || !errors.Is(err, ErrProfile) {
		t.Errorf("%v, want %v and %v", err, ErrConfig, ErrProfile)
	}
}

// A policy that means nothing is found before any connection.
func TestUnusablePolicy(t *testing.T) {
	pc, ac := agencies(t)
	ac.Policy.Rules[0].Name = ""
	pc.Policy = ac.Policy
	if _, err := Listen("127.0.0.1:0", ac); !errors.Is(err, ErrConfig) || !errors.Is(err, ErrPolicy) {
		t.Errorf("Listen: %v, want %v", err, ErrPolicy)
	}
	if _, err := Dial(t.Context(), "127.0.0.1:1", goodTerms(), pc); !errors.Is(err, ErrConfig) || !errors.Is(err, ErrPolicy) {
		t.Errorf("Dial: %v, want %v", err, ErrPolicy)
	}
}
