package protocol

import (
	"crypto/ed25519"
	"crypto/hpke"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/crypto/cryptobyte"
)

// Files and seals are in SPEC.md, "Step form of the mailbox". Who signs names the
// recipient, and what is sealed names the sender, so that no recipient can pass a part
// on as meant for another (Davis, USENIX 2001; An, Dodis and Rabin, EUROCRYPT 2002,
// section 5). The signature lies within the seal: whoever runs the folder cannot try
// signing keys on it. HPKE of both a lattice and a curve keeps files that somebody
// stored from a later quantum computer.

const (
	stepVersion = 1
	stepPrefix  = "comity-step1-"
	stepMagic   = "comity-step\x01"

	sealEnc     = 1120 // of the KEM: 1088 for ML-KEM-768, 32 for X25519
	sealTag     = 16
	stepInner   = ed25519.PublicKeySize + signatureSize
	stepContent = maxMailData - sealEnc - sealTag - stepInner
	stepHeader  = len(stepMagic) + len(mailSession{}) + 1 + 4 + mailVariable
)

var (
	sealKEM  = hpke.MLKEM768X25519()
	sealKDF  = hpke.HKDFSHA256()
	sealAEAD = hpke.AES256GCM()
)

// SealingKey returns the public key that messages to the agency are sealed to in steps,
// or nil in an identity that was made before there were any.
func (id *Identity) SealingKey() []byte {
	if id.sealing == nil {
		return nil
	}
	return id.sealing.PublicKey().Bytes()
}

// stepName is the name of a file.
type stepName struct {
	session mailSession
	message uint8
	part    uint32
}

func (n stepName) String() string {
	return fmt.Sprintf("%s%x-%d-%08x", stepPrefix, n.session[:], n.message, n.part)
}

// parseStepName reports whether a file is one of a mailbox in steps.
func parseStepName(s string) (n stepName, ok bool) {
	rest, ours := strings.CutPrefix(s, stepPrefix)
	parts := strings.Split(rest, "-")
	if !ours || len(parts) != 3 || len(parts[0]) != 2*len(n.session) {
		return n, false
	}
	if _, err := hex.Decode(n.session[:], []byte(parts[0])); err != nil {
		return n, false
	}
	message, err := strconv.ParseUint(parts[1], 10, 8)
	if err != nil || message < 1 || message > lastMessage {
		return n, false
	}
	part, err := strconv.ParseUint(parts[2], 16, 32)
	if err != nil {
		return n, false
	}
	n.message, n.part = uint8(message), uint32(part)
	return n, n.String() == s // one spelling only
}

// fixed is how the file of the name begins.
func (n stepName) fixed() []byte {
	b := append([]byte(stepMagic), n.session[:]...)
	return binary.BigEndian.AppendUint32(append(b, n.message), n.part)
}

// parseStepFile returns the payload of a file, and whether its part is the last one.
// Errors are those of parseFile.
func parseStepFile(in []byte, n stepName) (last bool, payload []byte, err error) {
	number, payload, err := parseFile(in, n.String(), n.fixed())
	if err != nil {
		return false, nil, err
	}
	if number > 1 {
		return false, nil, &MailError{File: n.String(), Reason: "it is neither the last part nor another"}
	}
	return number == 1, payload, nil
}

// stepContext is what a seal or a signature is bound to.
func stepContext(label string, n stepName, last bool, sender ed25519.PublicKey, to Peer) []byte {
	if sender == nil {
		sender = make([]byte, ed25519.PublicKeySize)
	}
	sealing := sha256.Sum256(to.SealingKey)
	b := cryptobyte.NewBuilder(nil)
	addContext(b, label)
	b.AddUint8(stepVersion)
	b.AddBytes(n.session[:])
	b.AddUint8(n.message)
	b.AddUint32(n.part)
	if last {
		b.AddUint8(1)
	} else {
		b.AddUint8(0)
	}
	b.AddBytes(sender)
	b.AddBytes(to.SigningKey)
	b.AddBytes(sealing[:])
	return b.BytesOrPanic() // of a short label and nothing else of variable length
}

// sealStep returns the file of a part.
func sealStep(id *Identity, to Peer, n stepName, last bool, content []byte) ([]byte, error) {
	key, err := sealKEM.NewPublicKey(to.SealingKey)
	if err != nil {
		return nil, fmt.Errorf("%w: of %q", ErrSealingKey, to.Name)
	}
	signed := append(stepContext("comity step v1 signature", n, last, id.SigningKey(), to), content...)
	plain := append(make([]byte, 0, stepInner+len(content)), id.SigningKey()...)
	plain = append(plain, ed25519.Sign(id.signing, signed)...)
	plain = append(plain, content...)
	payload, err := hpke.Seal(key, sealKDF, sealAEAD, stepContext("comity step v1 seal", n, last, nil, to), plain)
	if err != nil {
		return nil, err
	}
	number := uint32(0)
	if last {
		number = 1
	}
	return marshalFile(n.fixed(), number, payload), nil
}

// errSealed marks a payload that is not sealed to this side, or was changed.
var errSealed = errors.New("protocol: not sealed to this side")

// openStep returns who wrote a part, and its content. The error is errSealed, or
// ErrSignature where the sender did not sign what it sealed.
func openStep(id *Identity, n stepName, last bool, payload []byte) (sender ed25519.PublicKey, content []byte, err error) {
	to := id.Peer()
	plain, err := hpke.Open(id.sealing, sealKDF, sealAEAD, stepContext("comity step v1 seal", n, last, nil, to), payload)
	if err != nil || len(plain) <= stepInner {
		return nil, nil, errSealed
	}
	sender, signature, content := plain[:ed25519.PublicKeySize], plain[ed25519.PublicKeySize:stepInner], plain[stepInner:]
	signed := append(stepContext("comity step v1 signature", n, last, sender, to), content...)
	if !ed25519.Verify(sender, signed, signature) {
		return nil, nil, fmt.Errorf("%w: of %s", ErrSignature, n)
	}
	return sender, content, nil
}
