package protocol

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// renewed returns a new identity and the statement for it, after a trip through
// JSON.
func renewed(t testing.TB, id *Identity) (*Identity, *Renewal) {
	t.Helper()
	next, r, err := id.Renew(0)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	back, err := ParseRenewal(text)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r, back); diff != "" {
		t.Errorf("(-written +read):\n%s", diff)
	}
	return next, back
}

// A peer that applied a renewal takes both certificates for the grace period, and
// then the new one alone; a peer that did not, the old one alone.
func TestRenewal(t *testing.T) {
	for _, tt := range []struct {
		name         string
		useNew       bool
		applied      bool
		later        time.Duration
		atProposer   error // that of the acceptor, whose certificate is the proposer's to judge
		wantsSession bool
	}{
		{"old certificate, applied", false, true, 0, nil, true},
		{"new certificate, applied", true, true, 0, nil, true},
		{"new certificate, not applied", true, false, 0, ErrPeerUnknown, false},
		{"new certificate, after the grace period", true, true, RenewalGrace + time.Hour, nil, true},
		{"old certificate, after the grace period", false, true, RenewalGrace + time.Hour, ErrPeerUnknown, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			pc, ac := agencies(t)
			next, r := renewed(t, ac.Identity)
			if tt.applied {
				p, err := pc.Peers[0].Apply(r)
				if err != nil {
					t.Fatal(err)
				}
				pc.Peers[0] = p
			}
			if tt.useNew {
				ac.Identity = next
			}
			clock := func() time.Time { return time.Now().Add(tt.later) }
			pc.Clock, ac.Clock = clock, clock
			terms := goodTerms()
			terms.Expires = clock().Add(time.Hour)
			e := meet(t, terms, pc, ac)
			if !tt.wantsSession {
				if !errors.Is(e.proposerErr, tt.atProposer) {
					t.Errorf("%v, want %v", e.proposerErr, tt.atProposer)
				}
				return
			}
			if e.proposerErr != nil || e.acceptorErr != nil {
				t.Fatalf("proposer: %v; acceptor: %v", e.proposerErr, e.acceptorErr)
			}
			if got := e.proposer.Peer().Certificate; got != ac.Identity.Fingerprint() {
				t.Error("the session does not name the certificate in use")
			}
			closeAll(e.proposer, e.acceptor)
		})
	}
}

// Renewals are applied in their order, each once: none can be played again to bring
// an old certificate back.
func TestRenewalsInOrder(t *testing.T) {
	first := identity(t, "A")
	second, one := renewed(t, first)
	third, two := renewed(t, second)
	p := first.Peer()
	if _, err := p.Apply(two); !errors.Is(err, ErrRenewal) {
		t.Errorf("the second before the first: %v", err)
	}
	for i, r := range []*Renewal{one, two} {
		next, err := p.Apply(r)
		if err != nil {
			t.Fatalf("renewal %d: %v", i+1, err)
		}
		p = next
		if _, err := p.Apply(r); !errors.Is(err, ErrRenewal) {
			t.Errorf("renewal %d again: %v", i+1, err)
		}
	}
	if _, err := p.Apply(one); !errors.Is(err, ErrRenewal) {
		t.Errorf("the first after the second: %v", err)
	}
	if p.Certificate != third.Fingerprint() || p.Old != second.Fingerprint() {
		t.Error("not the certificates of the last renewal")
	}
}

func TestRenewalRefused(t *testing.T) {
	id := identity(t, "A")
	_, good := renewed(t, id)
	for name, change := range map[string]func(*Renewal, *Peer){
		"another name":      func(r *Renewal, _ *Peer) { r.Name = "B" },
		"another old one":   func(r *Renewal, _ *Peer) { r.Old[0]++ },
		"another new one":   func(r *Renewal, _ *Peer) { r.New[0]++ },
		"a longer use":      func(r *Renewal, _ *Peer) { r.Until = r.Until.Add(time.Hour) },
		"no signature":      func(r *Renewal, _ *Peer) { r.Signature = nil },
		"another's key":     func(_ *Renewal, p *Peer) { p.SigningKey = identity(t, "X").SigningKey() },
		"a peer without":    func(_ *Renewal, p *Peer) { p.SigningKey = nil },
		"a peer of no pin":  func(_ *Renewal, p *Peer) { p.Certificate = Fingerprint{} },
		"a peer of another": func(_ *Renewal, p *Peer) { p.Certificate[0]++ },
	} {
		r, p := *good, id.Peer()
		change(&r, &p)
		if _, err := p.Apply(&r); !errors.Is(err, ErrRenewal) {
			t.Errorf("%s: %v, want %v", name, err, ErrRenewal)
		}
	}
	newer := *good
	newer.Version++
	if _, err := id.Peer().Apply(&newer); !errors.Is(err, ErrVersion) {
		t.Errorf("a newer version: %v, want %v", err, ErrVersion)
	}
	certified := newAuthority(t).certify(t, id, nil)
	if _, _, err := certified.Renew(0); !errors.Is(err, ErrConfig) {
		t.Errorf("an authority's certificate: %v, want %v", err, ErrConfig)
	}
}

// What is revoked is refused at TLS, or once the hello shows the key, whoever
// vouches for it.
func TestRevoked(t *testing.T) {
	for _, tt := range []struct {
		name    string
		configs func(t *testing.T) (pc, ac *Config)
		revoke  func(ac *Config) Fingerprint
	}{
		{"pinned certificate", func(t *testing.T) (*Config, *Config) { return agencies(t) }, func(ac *Config) Fingerprint { return ac.Identity.Fingerprint() }},
		{"signing key", func(t *testing.T) (*Config, *Config) { return agencies(t) }, func(ac *Config) Fingerprint { return KeyFingerprint(ac.Identity.SigningKey()) }},
		{"certified", func(t *testing.T) (*Config, *Config) { return certified(t, newAuthority(t)) }, func(ac *Config) Fingerprint { return ac.Identity.Fingerprint() }},
		{"previous certificate", func(t *testing.T) (*Config, *Config) {
			pc, ac := agencies(t)
			_, r := renewed(t, ac.Identity)
			p, err := pc.Peers[0].Apply(r)
			if err != nil {
				t.Fatal(err)
			}
			pc.Peers[0] = p
			return pc, ac
		}, func(ac *Config) Fingerprint { return ac.Identity.Fingerprint() }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			pc, ac := tt.configs(t)
			pc.Revoked = []Fingerprint{{1}, tt.revoke(ac)}
			e := meet(t, goodTerms(), pc, ac)
			if !errors.Is(e.proposerErr, ErrRevoked) || !errors.Is(e.proposerErr, ErrPeerUnknown) || e.acceptorErr == nil {
				t.Errorf("proposer: %v; acceptor: %v; want %v", e.proposerErr, e.acceptorErr, ErrRevoked)
			}
		})
	}
}

// A revocation is the agency's own statement, about itself.
func TestRevocation(t *testing.T) {
	id := identity(t, "A")
	next, renewal := renewed(t, id)
	p, err := id.Peer().Apply(renewal)
	if err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]Fingerprint{
		"old certificate": id.Fingerprint(), "new certificate": next.Fingerprint(), "signing key": KeyFingerprint(id.SigningKey()),
	} {
		r, err := next.Revoke(f)
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		back, err := ParseRevocation(text)
		if err != nil || back.Verify(p) != nil {
			t.Errorf("%s: %v, %v", name, err, back.Verify(p))
		}
		for what, change := range map[string]func(*Revocation, *Peer){
			"another name": func(r *Revocation, _ *Peer) { r.Name = "B" },
			"another one":  func(r *Revocation, _ *Peer) { r.Revoked[0]++ },
			"another time": func(r *Revocation, _ *Peer) { r.Time = r.Time.Add(time.Second) },
			"another key":  func(_ *Revocation, p *Peer) { p.SigningKey = identity(t, "X").SigningKey() },
		} {
			r, p := *back, p
			change(&r, &p)
			if err := r.Verify(p); !errors.Is(err, ErrRenewal) {
				t.Errorf("%s, %s: %v, want %v", name, what, err, ErrRenewal)
			}
		}
	}
	stranger, err := id.Revoke(identity(t, "X").Fingerprint())
	if err != nil || !errors.Is(stranger.Verify(p), ErrRenewal) {
		t.Errorf("a stranger's certificate: %v, %v", err, stranger.Verify(p))
	}
}

func FuzzParseStatements(f *testing.F) {
	id := identity(f, "A")
	_, r := renewed(f, id)
	v, err := id.Revoke(id.Fingerprint())
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range []any{r, v} {
		text, err := json.Marshal(s)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	known := id.Peer()
	f.Fuzz(func(t *testing.T, text []byte) {
		if got, err := ParseRenewal(text); err == nil {
			if p, err := known.Apply(got); err == nil && (p.Certificate != r.New || p.Old != r.Old || !p.OldUntil.Equal(got.Until)) {
				t.Error("a renewal that was not signed was applied")
			}
		}
		if got, err := ParseRevocation(text); err == nil && got.Verify(known) == nil && got.Revoked != v.Revoked {
			t.Error("a revocation that was not signed is good")
		}
	})
}

// A certificate is good for the skew longer at either end, and no longer.
func TestCertificateValidityAllowsSkew(t *testing.T) {
	id := identity(t, "A")
	leaf, skew := id.certificate.Leaf, 5*time.Minute
	for _, tt := range []struct {
		name string
		now  time.Time
		want error
	}{
		{"within", leaf.NotBefore.Add(time.Hour), nil},
		{"just before", leaf.NotBefore.Add(-skew + time.Second), nil},
		{"long before", leaf.NotBefore.Add(-skew - time.Second), ErrCertificate},
		{"just after", leaf.NotAfter.Add(skew - time.Second), nil},
		{"long after", leaf.NotAfter.Add(skew + time.Second), ErrCertificate},
	} {
		if err := validAt(leaf, tt.now, skew); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
}
