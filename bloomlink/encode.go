package bloomlink

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"log/slog"
)

// MinSecret is the length of the shortest secret, in bytes. It must be random, not
// a passphrase: who holds an encoding can try out secrets.
const MinSecret = 32

// EncoderOptions change how an Encoder works. Both owners must use the same.
type EncoderOptions struct {
	// Project keeps apart what one secret encodes for several purposes: the
	// encodings of two projects have nothing to do with each other, so that a unit
	// cannot join them. At most 255 bytes.
	Project string
}

// Encoder turns records into encodings. Several goroutines may use it at once. It
// holds keys: it formats as its configuration.
type Encoder struct {
	length   int
	features []Feature
	keys     [][]byte // one for each feature
	config   [32]byte
	confirm  [32]byte
}

// NewEncoder makes an encoder from a secret that both owners hold and nobody else
// does, of at least 32 bytes. Nil options are the safe profile: hashes that are
// independent for every field and q-gram, repeated q-grams counted. Errors are
// ErrSchema and ErrSecret.
func NewEncoder(s *Schema, secret []byte, o *EncoderOptions) (*Encoder, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	if len(secret) < MinSecret {
		return nil, fmt.Errorf("%w: %d bytes, at least %d needed", ErrSecret, len(secret), MinSecret)
	}
	if o == nil {
		o = &EncoderOptions{}
	}
	if len(o.Project) > maxName {
		return nil, fmt.Errorf("%w: a project has at most %d bytes", ErrSchema, maxName)
	}
	e := &Encoder{length: s.Length, features: append([]Feature(nil), s.Features...)}
	var err error
	if e.config, err = s.hash(o.Project); err != nil {
		return nil, err
	}
	return e, e.derive(secret)
}

// derive makes the keys by HKDF (RFC 5869). The configuration is part of every
// label, so that no two configurations, fields or uses have a key in common.
func (e *Encoder) derive(secret []byte) error {
	prk, err := hkdf.Extract(sha256.New, secret, []byte("comity bloomlink v1"))
	if err != nil {
		return err
	}
	confirm, err := hkdf.Expand(sha256.New, prk, "key confirmation"+string(e.config[:]), len(e.confirm))
	if err != nil {
		return err
	}
	e.confirm = [32]byte(confirm)
	for _, f := range e.features {
		key, err := hkdf.Expand(sha256.New, prk, "feature"+string(e.config[:])+f.Name, sha256.Size)
		if err != nil {
			return err
		}
		e.keys = append(e.keys, key)
	}
	return nil
}

// Binding returns what a set of this encoder's encodings is bound to.
func (e *Encoder) Binding(epoch string) Binding {
	return Binding{Epoch: epoch, Config: e.config, Length: e.length, Key: e.confirm}
}

// Encode encodes one record: a value for each feature, in the schema's order, in
// canonical form and valid UTF-8. A missing value is "" and sets no bit, so that
// it makes no record resemble another; a record without any value has no bit set
// and matches nothing.
//
// Errors are ErrValue, and *FeatureError where one value is at fault.
//
// The time that it takes depends on the values. They are the caller's own, and no
// peer waits for a single encoding.
func (e *Encoder) Encode(values []string) (Encoding, error) {
	if len(values) != len(e.features) {
		return nil, fmt.Errorf("%w: %d values for %d features", ErrValue, len(values), len(e.features))
	}
	out := make(Encoding, e.length/64)
	for i, v := range values {
		if !usable(v) {
			return nil, &FeatureError{Feature: i, Reason: "not valid UTF-8", cause: ErrValue}
		}
		f := drawer{mac: hmac.New(sha256.New, e.keys[i]), bits: e.features[i].Bits, length: uint64(e.length)}
		qgrams(v, e.features[i].Q, func(gram string, nth uint32) { f.draw(out, gram, nth) })
	}
	return out, nil
}

// drawer draws the positions of one feature's q-grams.
type drawer struct {
	mac    hash.Hash
	sum    [sha256.Size]byte
	bits   int
	length uint64
}

// draw sets the bits of one q-gram. Each position takes 32 bits of
// HMAC-SHA-256(key, block ‖ nth ‖ gram), block = 0, 1, …, brought into range by
// multiplication: no position is more likely than another by over 2^-32. As all
// are drawn alike, two of a q-gram may coincide.
func (d *drawer) draw(out Encoding, gram string, nth uint32) {
	const each = 4
	for drawn := 0; drawn < d.bits; {
		head := [5]byte{byte(drawn * each / sha256.Size)}
		binary.BigEndian.PutUint32(head[1:], nth)
		d.mac.Reset()
		d.mac.Write(head[:])
		_, _ = io.WriteString(d.mac, gram) // a hash takes all
		sum := d.mac.Sum(d.sum[:0])
		for ; len(sum) > 0 && drawn < d.bits; drawn++ {
			p := uint64(binary.BigEndian.Uint32(sum)) * d.length >> 32
			out[p/64] |= 1 << (p % 64)
			sum = sum[each:]
		}
	}
}

// String shows the configuration, never a key.
func (e Encoder) String() string { return fmt.Sprintf("encoder of configuration %x", e.config[:4]) }

// GoString is String.
func (e Encoder) GoString() string { return e.String() }

// Format writes String for every verb.
func (e Encoder) Format(f fmt.State, _ rune) { fmt.Fprint(f, e.String()) }

// LogValue is String.
func (e Encoder) LogValue() slog.Value { return slog.StringValue(e.String()) }

// MarshalJSON writes String.
func (e Encoder) MarshalJSON() ([]byte, error) { return json.Marshal(e.String()) }
