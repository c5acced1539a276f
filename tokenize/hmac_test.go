package tokenize

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"slices"
	"testing"
)

// remoteMAC is a MAC outside of this package.
type remoteMAC struct {
	key []byte
	err error
}

func (m *remoteMAC) Sum(_ context.Context, messages [][]byte) ([][sha256.Size]byte, error) {
	var out [][sha256.Size]byte
	for _, message := range messages {
		h := hmac.New(sha256.New, m.key)
		h.Write(message)
		out = append(out, [sha256.Size]byte(h.Sum(nil)))
	}
	return out, m.err
}

// A key that an HSM holds makes the tokens of the secret that it was derived from.
func TestHMACFromMAC(t *testing.T) {
	key, err := HMACKey(secret, "2026-Q4")
	if err != nil {
		t.Fatal(err)
	}
	m := &remoteMAC{key: key}
	remote, err := NewHMACFrom(m, "2026-Q4")
	if err != nil {
		t.Fatal(err)
	}
	local, err := NewHMAC(secret, "2026-Q4")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(evaluate(t, local, "x", "y"), evaluate(t, remote, "x", "y")) {
		t.Error("tokens differ")
	}
	m.err = errors.New("boom")
	if _, err := remote.Evaluate(t.Context(), [][]byte{{1}}); !errors.Is(err, m.err) {
		t.Errorf("%v", err)
	}
	if _, err := NewHMACFrom(m, ""); !errors.Is(err, ErrEpoch) {
		t.Errorf("no epoch: %v", err)
	}
	if _, err := HMACKey(secret[:31], "e"); !errors.Is(err, ErrSecret) {
		t.Errorf("a short secret: %v", err)
	}
	if _, err := HMACKey(secret, "e e"); !errors.Is(err, ErrEpoch) {
		t.Errorf("a malformed epoch: %v", err)
	}
}
