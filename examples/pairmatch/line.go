package main

import (
	"bytes"
	"compress/flate"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/comity-prl/comity/protocol"
	"github.com/comity-prl/comity/tokenize"
)

// Two agencies agree by two lines of text, an invitation and a reply, each of
// which may be read by anyone but changed by no one:
//
//	comity-invite-1.BASE64URL.
//	comity-reply-1.BASE64URL.
//
// BASE64URL holds four bytes of SHA-256 of the message, against mistakes in
// copying, then the message, which is JSON, deflated. Spaces and line breaks do
// not count, nor does what follows the last full stop. Each message of two agencies carries a fresh X25519 key (RFC 7748);
// the secret is
//
//	HKDF-SHA-256(X25519 value, no salt, "comity pairmatch v1 secret" ‖ transcript)
//	transcript = SHA-256(len(invitation) ‖ invitation ‖ len(reply) ‖ reply)
//
// with lengths of 8 bytes, big endian. Against a change on the way both sides
// compare a code of 25 digits made from the transcript. A party in the middle
// knows the code that one side will see only once it has committed to what the
// other saw, and then has to find a message of its own with that code among
// 10^25 (83 bits).
//
// Two other lines are statements that an agency signs, about its own certificate:
//
//	comity-renewal-1.BASE64URL.
//	comity-revocation-1.BASE64URL.

const (
	invitePrefix     = "comity-invite-1."
	replyPrefix      = "comity-reply-1."
	renewalPrefix    = "comity-renewal-1."
	revocationPrefix = "comity-revocation-1."

	maxLine    = 64 << 10
	maxMessage = 128 << 10
)

var prefixes = []string{invitePrefix, replyPrefix, renewalPrefix, revocationPrefix}

// invitation is the first message. That of a linkage unit holds version, sender,
// time and the mark alone: a unit has no secret to agree on.
type invitation struct {
	Version int           `json:"version"`
	From    protocol.Peer `json:"from"`
	Issued  time.Time     `json:"issued"`
	Unit    bool          `json:"unit,omitempty"`
	Epoch   string        `json:"epoch,omitempty"`
	Linkage *linkage      `json:"linkage,omitempty"`
	Key     []byte        `json:"key,omitempty"` // X25519
}

// reply is the second message, with a key if the invitation has one.
type reply struct {
	Version    int           `json:"version"`
	From       protocol.Peer `json:"from"`
	Invitation protocol.Hash `json:"invitation"`
	Key        []byte        `json:"key,omitempty"` // X25519
}

// openInvitation is the file of an invitation that waits for its reply.
type openInvitation struct {
	Version int    `json:"version"`
	Message []byte `json:"message"`
	Key     []byte `json:"key,omitempty"` // X25519, private
}

func (i *invitation) validate() error {
	if err := validSender(i.Version, i.From); err != nil {
		return err
	}
	if i.Unit {
		if i.Epoch != "" || i.Linkage != nil || i.Key != nil {
			return errors.New("a linkage unit's invitation must not propose a secret")
		}
		return nil
	}
	if err := tokenize.Epoch(i.Epoch).Validate(); err != nil {
		return err
	}
	if i.Linkage == nil {
		return errors.New("it has no linkage file")
	}
	return i.Linkage.validate()
}

func (r *reply) validate() error { return validSender(r.Version, r.From) }

func validSender(version int, p protocol.Peer) error {
	if version != 1 {
		return fmt.Errorf("it is of version %d, here 1", version)
	}
	hidden := func(r rune) bool { return !unicode.IsPrint(r) }
	if n := utf8.RuneCountInString(p.Name); n < 1 || n > 64 || strings.TrimSpace(p.Name) != p.Name || strings.ContainsFunc(p.Name, hidden) {
		return errors.New("the sender's name is malformed")
	}
	if p.Certificate == (protocol.Fingerprint{}) || len(p.SigningKey) != 32 {
		return errors.New("the sender's fingerprint or signing key is missing")
	}
	if p.Old != (protocol.Fingerprint{}) || !p.OldUntil.IsZero() {
		return errors.New("the sender vouches for a second certificate, which only a renewal does")
	}
	return nil
}

// seal makes a line of a message.
func seal(prefix string, message []byte) (string, error) {
	sum := sha256.Sum256(message)
	var packed bytes.Buffer
	packed.Write(sum[:4])
	w, err := flate.NewWriter(&packed, flate.BestCompression)
	if err != nil {
		return "", err
	}
	if _, err := w.Write(message); err != nil {
		return "", err
	}
	if err := w.Close(); err != nil {
		return "", err
	}
	return prefix + base64.RawURLEncoding.EncodeToString(packed.Bytes()) + ".", nil
}

var (
	errNoLine  = errors.New("there is no line in it that begins with " + strings.Join(prefixes[:3], ", ") + " or " + prefixes[3] + ": copy the line as it was sent")
	errDamaged = errors.New("the line is damaged or incomplete: copy it again, to its end")
	errSeveral = errors.New("there are several statements in it: put each line in a file of its own, and accept them in turn")
)

// unseal finds the line in a text, a mail say, and returns its kind and message.
func unseal(text []byte) (prefix string, message []byte, err error) {
	solid := strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || r == '>' { // a mail program's marks of quotation
			return -1
		}
		return r
	}, string(text))
	if strings.Count(solid, renewalPrefix)+strings.Count(solid, revocationPrefix) > 1 {
		return "", nil, errSeveral // or one of them would go unnoticed
	}
	for _, prefix := range prefixes {
		if _, body, ok := strings.Cut(solid, prefix); ok {
			body, _, _ = strings.Cut(body, ".")
			message, err := unpack(body)
			return prefix, message, err
		}
	}
	return "", nil, errNoLine
}

func unpack(body string) ([]byte, error) {
	packed, err := base64.RawURLEncoding.DecodeString(body)
	if err != nil || len(packed) < 4 {
		return nil, errDamaged
	}
	message, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(packed[4:])), maxMessage+1))
	if err != nil || len(message) > maxMessage {
		return nil, errDamaged
	}
	if sum := sha256.Sum256(message); !bytes.Equal(sum[:4], packed[:4]) {
		return nil, errDamaged
	}
	return message, nil
}

// decodeMessage reads a message that must be valid.
func decodeMessage(message []byte, v interface{ validate() error }) error {
	if err := decodeJSON(message, v); err != nil {
		return err
	}
	return v.validate()
}

// messageID names an invitation by what it says.
func messageID(message []byte) protocol.Hash { return sha256.Sum256(message) }

func transcript(invitation, reply []byte) []byte {
	h := sha256.New()
	for _, m := range [][]byte{invitation, reply} {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(m))))
		h.Write(m)
	}
	return h.Sum(nil)
}

// agreedSecret is the same on both sides, and known to nobody else.
func agreedSecret(own *ecdh.PrivateKey, peer []byte, transcript []byte) (secret, error) {
	key, err := ecdh.X25519().NewPublicKey(peer)
	if err != nil {
		return nil, err
	}
	shared, err := own.ECDH(key) // refuses points of small order
	if err != nil {
		return nil, err
	}
	return hkdf.Key(sha256.New, shared, nil, "comity pairmatch v1 secret"+string(transcript), secretSize)
}

// telephoneCode is what both sides read to each other: five groups of five digits.
func telephoneCode(transcript []byte) string {
	sum := sha256.Sum256(append([]byte("comity pairmatch v1 code"), transcript...))
	n := new(big.Int).SetBytes(sum[:])
	n.Mod(n, new(big.Int).Exp(big.NewInt(10), big.NewInt(25), nil))
	digits := fmt.Sprintf("%025d", n)
	var groups []string
	for i := 0; i < len(digits); i += 5 {
		groups = append(groups, digits[i:i+5])
	}
	return strings.Join(groups, " ")
}
