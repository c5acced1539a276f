package protocol

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestIdentityRoundTrip(t *testing.T) {
	id := identity(t, "Polícia de Arcádia")
	text, err := id.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	back, err := ParseIdentity(text)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(id.Peer(), back.Peer()); diff != "" {
		t.Errorf("(-written +read):\n%s", diff)
	}
	if !id.signing.Equal(back.signing) || !back.Expires().Equal(id.Expires()) {
		t.Error("the signing key or the expiry changed")
	}
	again, err := back.Marshal()
	if err != nil || !bytes.Equal(text, again) {
		t.Errorf("an identity that was read is written differently, or not: %v", err)
	}
}

func TestNewIdentityRefuses(t *testing.T) {
	for _, name := range []string{"", " ", "a ", "a\tb", "a\u200bb", strings.Repeat("ä", 65), "\xff"} {
		if _, err := NewIdentity(name, 0); !errors.Is(err, ErrConfig) {
			t.Errorf("name %q: %v, want %v", name, err, ErrConfig)
		}
	}
	if _, err := NewIdentity("A", -time.Hour); !errors.Is(err, ErrConfig) {
		t.Errorf("%v, want %v", err, ErrConfig)
	}
}

func TestParseIdentityRefuses(t *testing.T) {
	text, err := identity(t, "A").Marshal()
	if err != nil {
		t.Fatal(err)
	}
	other, err := identity(t, "A").Marshal()
	if err != nil {
		t.Fatal(err)
	}
	split := func(text []byte) (blocks []string) {
		for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
			blocks = append(blocks, string(pem.EncodeToMemory(block)))
		}
		return blocks
	}
	b, o := split(text), split(other)
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"empty":                    "",
		"text":                     "identity",
		"no certificate":           b[1] + b[2],
		"no signing key":           b[0] + b[1],
		"two signing keys":         b[0] + b[1] + b[2] + b[2],
		"another order":            b[0] + b[2] + b[1],
		"text before":              "x\n" + b[0] + b[1] + b[2],
		"text between":             b[0] + "x\n" + b[1] + b[2],
		"text after":               b[0] + b[1] + b[2] + "x",
		"another certificate":      o[0] + b[1] + b[2],
		"another TLS key":          b[0] + string(pem.EncodeToMemory(&pem.Block{Type: pemTLSKey, Bytes: der})) + b[2],
		"a TLS key that signs":     b[0] + b[1] + strings.ReplaceAll(b[1], pemTLSKey, pemSigningKey),
		"two sealing keys":         b[0] + b[1] + b[2] + b[3] + b[3],
		"sealing before signing":   b[0] + b[1] + b[3] + b[2],
		"a short sealing key":      b[0] + b[1] + b[2] + string(pem.EncodeToMemory(&pem.Block{Type: pemSealingKey, Bytes: make([]byte, 31)})),
		"headers":                  string(pem.EncodeToMemory(&pem.Block{Type: pemCertificate, Headers: map[string]string{"a": "b"}, Bytes: der})),
		"certificate of no format": string(pem.EncodeToMemory(&pem.Block{Type: pemCertificate, Bytes: der})) + b[1] + b[2],
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParseIdentity([]byte(text))
			if !errors.Is(err, ErrConfig) {
				t.Fatalf("%v, want %v", err, ErrConfig)
			}
			if strings.Contains(err.Error(), "MIG") || strings.Contains(err.Error(), "MC4") { // how PKCS #8 begins
				t.Error("the error holds what looks like a key")
			}
		})
	}
}

// An identity of an older version has no sealing key. It is read and written as it is,
// and its peers know it without.
func TestIdentityWithoutSealingKey(t *testing.T) {
	text, err := identity(t, "A").Marshal()
	if err != nil {
		t.Fatal(err)
	}
	old, _, found := bytes.Cut(text, []byte("-----BEGIN "+pemSealingKey))
	if !found {
		t.Fatal("no sealing key")
	}
	id, err := ParseIdentity(old)
	if err != nil {
		t.Fatal(err)
	}
	again, err := id.Marshal()
	if err != nil || !bytes.Equal(old, again) {
		t.Errorf("an identity that was read is written differently, or not: %v", err)
	}
	peer, err := json.Marshal(id.Peer())
	if err != nil || bytes.Contains(peer, []byte("sealing")) || id.SealingKey() != nil {
		t.Errorf("its peers hear of a sealing key: %s, %v", peer, err)
	}
	for _, id := range []*Identity{id, identity(t, "A")} {
		next, _, err := id.Renew(0)
		if err != nil || !bytes.Equal(next.SealingKey(), id.SealingKey()) {
			t.Errorf("a renewal has another sealing key, or none: %v", err)
		}
	}
}

// One key for both uses would let who speaks for the agency bind it.
func TestKeysAreSeparate(t *testing.T) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Police of Arcadia"},
		NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := newIdentity([][]byte{der}, key, key); !errors.Is(err, ErrConfig) {
		t.Errorf("%v, want %v", err, ErrConfig)
	}
	_, signing, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	id, err := newIdentity([][]byte{der}, key, signing)
	if err != nil {
		t.Fatalf("Ed25519 for TLS, and another key to sign: %v", err)
	}
	pc, ac := agencies(t)
	pc.Identity, ac.Peers[0] = id, id.Peer()
	met(t, goodTerms(), pc, ac)
}

func TestIdentityHidesItsKeys(t *testing.T) {
	id := identity(t, "A")
	j, err := json.Marshal(id)
	if err != nil {
		t.Fatal(err)
	}
	value, err := json.Marshal(struct{ I Identity }{*id})
	if err != nil {
		t.Fatal(err)
	}
	want := `identity of "A"`
	for _, s := range []string{
		fmt.Sprint(id), fmt.Sprint(*id), fmt.Sprintf("%+v", *id), fmt.Sprintf("%#v", id), fmt.Sprintf("%x", id),
		fmt.Sprintf("%d", *id), id.LogValue().String(),
	} {
		if s != want {
			t.Error("an identity shows more than its name")
		}
	}
	if string(j) != `"identity of \"A\""` || string(value) != `{"I":"identity of \"A\""}` {
		t.Error("an identity shows more than its name in JSON")
	}
}

func TestPeerJSON(t *testing.T) {
	want := identity(t, "A").Peer()
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got Peer
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-written +read):\n%s", diff)
	}
	for _, text := range []string{"", "00", strings.Repeat("0", 63), strings.Repeat("A", 64), strings.Repeat("g", 64), strings.Repeat("0", 66)} {
		if err := new(Fingerprint).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("fingerprint %q was read", text)
		}
	}
}
