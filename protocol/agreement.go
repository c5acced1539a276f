package protocol

import (
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
)

const signatureSize = ed25519.SignatureSize

// Agreement is what both sides signed, to be kept with the result. Whoever knows
// the two signing keys can verify it later. Its JSON form holds no secret.
type Agreement struct {
	// Terms is the JSON text that was signed, byte for byte.
	Terms string `json:"terms"`
	// Proposer and Acceptor carry the certificates and signing keys in use.
	Proposer Peer `json:"proposer"`
	Acceptor Peer `json:"acceptor"`
	// Channel is the exporter value of the TLS connection (RFC 9266's idea, with a
	// label of our own): it binds the signatures to this one session.
	Channel           Hash   `json:"channel"`
	ProposerSignature []byte `json:"proposer_signature"`
	AcceptorSignature []byte `json:"acceptor_signature"`
}

// Verify reports whether both signatures are good and the terms name these
// parties. The keys are those in the Agreement: whose they are is for the caller
// to know. Errors are ErrSignature, or those of ParseTerms.
func (a *Agreement) Verify() error {
	for _, r := range []Role{Proposer, Acceptor} {
		if err := a.verify(r); err != nil {
			return err
		}
	}
	t, err := ParseTerms([]byte(a.Terms))
	if err != nil {
		return err
	}
	return a.names(t)
}

// names reports whether the terms name the parties.
func (a *Agreement) names(t *Terms) error {
	if t.Proposer != a.Proposer.Name {
		return invalid("proposer", "not the name that the proposer is known by")
	}
	if t.Acceptor != a.Acceptor.Name {
		return invalid("acceptor", "not the name that the acceptor is known by")
	}
	return nil
}

func (a *Agreement) verify(r Role) error {
	key, signature := a.Proposer.SigningKey, a.ProposerSignature
	if r == Acceptor {
		key, signature = a.Acceptor.SigningKey, a.AcceptorSignature
	}
	signed, err := a.signed(r)
	if err != nil {
		return err
	}
	if len(key) != ed25519.PublicKeySize || !ed25519.Verify(key, signed, signature) {
		return fmt.Errorf("%w: the %s's, under the terms", ErrSignature, r)
	}
	return nil
}

// signed returns what the role signs.
func (a *Agreement) signed(r Role) ([]byte, error) {
	b := cryptobyte.NewBuilder(nil)
	addContext(b, "comity protocol v2 terms")
	b.AddUint8(r.number())
	for _, p := range []Peer{a.Proposer, a.Acceptor} {
		b.AddBytes(p.Certificate[:])
		addContext(b, string(p.SigningKey))
	}
	b.AddBytes(a.Channel[:])
	b.AddUint24LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes([]byte(a.Terms)) })
	return b.Bytes()
}

func addContext(b *cryptobyte.Builder, context string) {
	b.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes([]byte(context)) })
}

// session names the run: terms, both signatures, and the channel.
func (a *Agreement) session() Hash {
	terms := sha256.Sum256([]byte(a.Terms))
	h := sha256.New()
	h.Write([]byte("comity protocol v2 session"))
	h.Write(terms[:])
	h.Write(a.ProposerSignature) // both signatures verified: their length is fixed
	h.Write(a.AcceptorSignature)
	h.Write(a.Channel[:])
	return Hash(h.Sum(nil))
}
