package bloomlink

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"log/slog"

	"github.com/comity-prl/comity/internal/parallel"
)

// MinSecret is the length of the shortest secret, in bytes. It must be random, not
// a passphrase: who holds an encoding can try out secrets.
const MinSecret = 32

// EncoderOptions change how an Encoder works. Both owners must use the same, but
// for NoiseKey. The zero value is the safe profile.
type EncoderOptions struct {
	// Project keeps apart what one secret encodes for several purposes: the
	// encodings of two projects have nothing to do with each other, so that a unit
	// cannot join them. At most 255 bytes. A name that is never used again makes
	// the keys one-time keys.
	Project string
	// Hardening is what is done to an encoding before it leaves. Nil is
	// Hardened(); &Hardening{} is nothing.
	Hardening *Hardening
	// NoiseKey is what Hardening.Flip draws its noise by: at least 32 random bytes
	// that this owner keeps and no one else has, the other owner included.
	NoiseKey []byte
}

// Encoder turns records into encodings. Several goroutines may use it at once. It
// holds keys: it formats as its configuration.
type Encoder struct {
	length  int // of an encoding, in bits
	width   int // of a record, in values
	coder   coder
	config  [32]byte
	confirm [32]byte
	note    string // shown with the configuration
}

// coder encodes records that have a value for each feature.
type coder interface {
	encode(values []string) (Encoding, error)
	encodeFields(values []string) ([]Encoding, error)
}

// NewEncoder makes an encoder from a secret that both owners hold and nobody else
// does, of at least 32 bytes. Nil options are the safe profile: hashes that are
// independent for every field and q-gram, repeated q-grams counted, and Hardened.
// Errors are ErrSchema, *FeatureError or ErrHardening, and ErrSecret.
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
	h := o.Hardening
	if h == nil {
		h = Hardened()
	}
	if err := h.check(s, o.NoiseKey); err != nil {
		return nil, err
	}
	e := &Encoder{length: h.length(s.Length), width: len(s.Features)}
	var err error
	if e.config, err = s.hash(o.Project, h); err != nil {
		return nil, err
	}
	k, err := newKeys(secret, e.config)
	if err != nil {
		return nil, err
	}
	e.confirm = k.derive("key confirmation")
	c := newFilterCoder(s, h, k, o.NoiseKey)
	e.coder, e.note = c, c.note()
	return e, nil
}

// keys derives keys by HKDF (RFC 5869). The configuration is part of every label,
// so that no two configurations, fields or uses have a key in common.
type keys struct {
	prk    []byte
	config [32]byte
}

func newKeys(secret []byte, config [32]byte) (keys, error) {
	prk, err := hkdf.Extract(sha256.New, secret, []byte("comity bloomlink v1"))
	return keys{prk, config}, err
}

func (k keys) derive(use string, name ...string) [32]byte {
	label := use + string(k.config[:])
	for _, n := range name {
		label += n
	}
	key, err := hkdf.Expand(sha256.New, k.prk, label, sha256.Size)
	if err != nil {
		panic("bloomlink: " + err.Error()) // not for one block of a key that Extract made
	}
	return [32]byte(key)
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
// Of an encoder of CLKs, the values are those of clkhash's schema, which checks
// them and says what a missing value is.
//
// Errors are ErrValue, and *FeatureError where one value is at fault.
//
// The time that it takes depends on the values. They are the caller's own, and no
// peer waits for a single encoding.
func (e *Encoder) Encode(values []string) (Encoding, error) {
	if err := e.checkWidth(values); err != nil {
		return nil, err
	}
	return e.coder.encode(values)
}

func (e *Encoder) checkWidth(values []string) error {
	if len(values) != e.width {
		return fmt.Errorf("%w: %d values for %d features", ErrValue, len(values), e.width)
	}
	return nil
}

// EncodeFields encodes each value of a record by itself, unhardened: filters that
// Encode would have put into one. They repeat with the values, so that counting
// how often each comes tells what it is: they are for comparing fields at home, as
// to find out what a field is worth, and must not leave.
func (e *Encoder) EncodeFields(values []string) ([]Encoding, error) {
	if err := e.checkWidth(values); err != nil {
		return nil, err
	}
	return e.coder.encodeFields(values)
}

// EncodeAll encodes records as Encode does, on all cores, until one fails or ctx
// ends. The error says which record it was, counted from 0.
func (e *Encoder) EncodeAll(ctx context.Context, records [][]string) ([]Encoding, error) {
	out := make([]Encoding, len(records))
	err := parallel.Spread(len(records), func(lo, hi int) error {
		for i := lo; i < hi && ctx.Err() == nil; i++ {
			var err error
			if out[i], err = e.Encode(records[i]); err != nil {
				return fmt.Errorf("record %d: %w", i, err)
			}
		}
		return context.Cause(ctx)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// String shows the configuration, and what noise there is, never a key.
func (e Encoder) String() string {
	return fmt.Sprintf("encoder of configuration %x%s", e.config[:4], e.note)
}

// GoString is String.
func (e Encoder) GoString() string { return e.String() }

// Format writes String for every verb.
func (e Encoder) Format(f fmt.State, _ rune) { fmt.Fprint(f, e.String()) }

// LogValue is String.
func (e Encoder) LogValue() slog.Value { return slog.StringValue(e.String()) }

// MarshalJSON writes String.
func (e Encoder) MarshalJSON() ([]byte, error) { return json.Marshal(e.String()) }
