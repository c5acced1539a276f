package protocol

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
)

// OfficerSignature is an Ed25519 signature by the requesting officer's own key
// under the terms. It says that whoever holds the key asked for this session; which
// officer that is, the agency asserts, and a Rule may list the keys that it takes.
//
// It signs
//
//	"comity protocol v2 officer" after its length (1)
//	the terms as JSON without officer_signature, after their length (3)
//
// with the JSON as Dial writes it: the keys in the order of Terms, optional ones
// that are empty left out, no space between tokens, strings escaped as by
// encoding/json. The terms are those that are sent: version, names, suite and time
// of issue included.
type OfficerSignature struct {
	Key       ed25519.PublicKey `json:"key"`
	Signature []byte            `json:"signature"`
}

// SignOfficer puts the signature of an Ed25519 key on terms. They must be complete,
// names and time of issue included (Config.Complete): what Dial filled in later
// would break the signature. Errors are *TermError for terms that are not valid,
// ErrConfig for another kind of key, or the signer's.
func SignOfficer(key crypto.Signer, t *Terms) error {
	public, ok := key.Public().(ed25519.PublicKey)
	if !ok {
		return fmt.Errorf("%w: an officer's key is Ed25519", ErrConfig)
	}
	bare := t.clone()
	bare.OfficerSignature = nil
	if err := bare.Validate(); err != nil {
		return err
	}
	signed, err := bare.signedByOfficer()
	if err != nil {
		return err
	}
	signature, err := key.Sign(rand.Reader, signed, crypto.Hash(0))
	if err != nil {
		return fmt.Errorf("protocol: officer's signature: %w", err)
	}
	t.OfficerSignature = &OfficerSignature{Key: public, Signature: signature}
	return nil
}

// verifyOfficer reports whether the officer's signature, where there is one, is
// good.
func (t *Terms) verifyOfficer() error {
	s := t.OfficerSignature
	if s == nil {
		return nil
	}
	if t.Officer == "" {
		return invalid("officer", "missing where there is the officer's signature")
	}
	bare := *t
	bare.OfficerSignature = nil
	signed, err := bare.signedByOfficer()
	if err != nil || len(s.Key) != ed25519.PublicKeySize || !ed25519.Verify(s.Key, signed, s.Signature) {
		return invalid("officer_signature", "not that of its key under these terms")
	}
	return nil
}

func (t *Terms) signedByOfficer() ([]byte, error) {
	text, err := t.marshal()
	if err != nil {
		return nil, err
	}
	b := cryptobyte.NewBuilder(nil)
	addContext(b, "comity protocol v2 officer")
	b.AddUint24LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(text) })
	return b.Bytes()
}
