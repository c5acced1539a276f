package opentoken

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
)

// ErrToken says that a text is no token, or does not open under the key.
var ErrToken = errors.New("opentoken: not a token, or one of another key")

// KeySize is the length of an encryption key, in bytes.
const KeySize = 32

// Cipher hides tokens on their way: AES-256-GCM over the base64 of a token, with a
// random nonce of 12 bytes in front and a tag of 16 behind, in base64. It is safe
// for concurrent use, and one key seals no more than 2³² tokens (NIST SP 800-38D,
// section 8.3).
type Cipher struct{ aead cipher.AEAD }

// NewCipher makes a cipher of a key of 32 bytes. The error is ErrKey.
func NewCipher(encryptionKey []byte) (*Cipher, error) {
	if len(encryptionKey) != KeySize {
		return nil, ErrKey
	}
	block, err := aes.NewCipher(encryptionKey)
	if err != nil {
		return nil, errors.Join(ErrKey, err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, errors.Join(ErrKey, err)
	}
	return &Cipher{aead}, nil
}

// Seal returns the text of a token, encrypted.
func (c *Cipher) Seal(t Token) string {
	return base64.StdEncoding.EncodeToString(c.aead.Seal(nil, nil, encode(t), nil))
}

// Open returns the token of a text that Seal, or OpenToken, made. The error is
// ErrToken.
func (c *Cipher) Open(text string) (Token, error) {
	sealed, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil {
		return Token{}, ErrToken
	}
	plain, err := c.aead.Open(nil, nil, sealed, nil)
	if err != nil {
		return Token{}, ErrToken
	}
	return decode(plain)
}

// Format writes a placeholder for every verb: a cipher holds the key.
func (Cipher) Format(f fmt.State, _ rune) { fmt.Fprint(f, "opentoken.Cipher") }

// LogValue is a placeholder.
func (Cipher) LogValue() slog.Value { return slog.StringValue("opentoken.Cipher") }

func encode(t Token) []byte { return base64.StdEncoding.AppendEncode(nil, t[:]) }

func decode(text []byte) (t Token, err error) {
	if len(text) != base64.StdEncoding.EncodedLen(len(t)) {
		return Token{}, ErrToken
	}
	raw, err := base64.StdEncoding.Strict().AppendDecode(nil, text)
	if err != nil || len(raw) != len(t) {
		return Token{}, ErrToken
	}
	return Token(raw), nil
}
