package protocol

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"slices"
	"testing"
	"time"
)

func officer(t testing.TB) ed25519.PrivateKey {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// signedTerms are goodTerms with an officer's signature.
func signedTerms(t testing.TB, c *Config, key ed25519.PrivateKey) *Terms {
	t.Helper()
	terms, err := c.Complete(goodTerms())
	if err != nil {
		t.Fatal(err)
	}
	if err := SignOfficer(key, terms); err != nil {
		t.Fatal(err)
	}
	return terms
}

// An officer's signature travels with the terms, and a rule may want it by one of
// the keys that it lists.
func TestOfficerSignature(t *testing.T) {
	key, other := officer(t), officer(t)
	listed := []ed25519.PublicKey{other.Public().(ed25519.PublicKey), key.Public().(ed25519.PublicKey)}
	for _, tt := range []struct {
		name     string
		keys     []ed25519.PublicKey
		optional []string
		sign     bool
		term     string
	}{
		{"not wanted, not there", nil, nil, false, ""},
		{"not wanted, there", nil, nil, true, ""},
		{"wanted, there", listed, nil, true, ""},
		{"wanted, not there", listed, nil, false, "officer_signature"},
		{"of another officer", listed[:1], nil, true, "officer_signature"},
		{"optional, not there", listed, []string{"officer_signature"}, false, ""},
		{"optional, of another officer", listed[:1], []string{"officer_signature"}, true, "officer_signature"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			pc, ac := agencies(t)
			r := &ac.Policy.Rules[0]
			r.OfficerKeys, r.Optional = tt.keys, tt.optional
			terms := goodTerms()
			if tt.sign {
				terms = signedTerms(t, pc, key)
			}
			e := meet(t, terms, pc, ac)
			if tt.term != "" {
				checkRefused(t, tt.term, e.proposerErr, e.acceptorErr)
				return
			}
			if e.proposerErr != nil || e.acceptorErr != nil {
				t.Fatalf("proposer: %v; acceptor: %v", e.proposerErr, e.acceptorErr)
			}
			a := e.acceptor.Agreement()
			if err := a.Verify(); err != nil {
				t.Error(err)
			}
			closeAll(e.proposer, e.acceptor)
		})
	}
}

// Whatever changes in the terms after the officer signed breaks the signature, and
// the error names it.
func TestOfficerSignatureBindsTheTerms(t *testing.T) {
	pc, _ := agencies(t)
	key := officer(t)
	for name, change := range map[string]func(*Terms){
		"purpose":   func(t *Terms) { t.Purpose = "another" },
		"case":      func(t *Terms) { t.Case = "2026/118" },
		"officer":   func(t *Terms) { t.Officer = "o-2" },
		"approvers": func(t *Terms) { t.Approvers = []string{"p-1"} },
		"acceptor":  func(t *Terms) { t.Acceptor = "Customs of Syldavia" },
		"issued":    func(t *Terms) { t.Issued = t.Issued.Add(time.Second) },
		"size":      func(t *Terms) { t.MaxProposer++ },
		"signature": func(t *Terms) { t.OfficerSignature.Signature[0]++ },
		"short":     func(t *Terms) { t.OfficerSignature.Signature = t.OfficerSignature.Signature[1:] },
		"key":       func(t *Terms) { t.OfficerSignature.Key = officerKey },
	} {
		signed := signedTerms(t, pc, key)
		if err := signed.Validate(); err != nil {
			t.Fatal(err)
		}
		change(signed)
		var named *TermError
		if err := signed.Validate(); !errors.As(err, &named) || named.Term != "officer_signature" {
			t.Errorf("%s: %v, want term officer_signature", name, err)
		}
	}
}

var officerKey = make(ed25519.PublicKey, ed25519.PublicKeySize)

func TestSignOfficerRefuses(t *testing.T) {
	pc, _ := agencies(t)
	var named *TermError
	if err := SignOfficer(officer(t), goodTerms()); !errors.As(err, &named) || named.Term != "version" {
		t.Errorf("terms that Dial is yet to complete: %v", err)
	}
	elliptic, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	terms := signedTerms(t, pc, officer(t))
	if err := SignOfficer(elliptic, terms); !errors.Is(err, ErrConfig) {
		t.Errorf("an ECDSA key: %v, want %v", err, ErrConfig)
	}
	again := officer(t) // a second signature takes the place of the first
	if err := SignOfficer(again, terms); err != nil || terms.Validate() != nil || !slices.Equal(terms.OfficerSignature.Key, again.Public().(ed25519.PublicKey)) {
		t.Errorf("%v, %v", err, terms.Validate())
	}
}
