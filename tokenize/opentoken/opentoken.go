// Package opentoken makes and reads the tokens of Truveta's OpenToken 1.5.2, for
// work with those who use it.
//
//	Person ──attributes──▶ signature of a rule ──SHA-256, HMAC-SHA-256──▶ Token
//
// Its five rules, normalisation and tokens are OpenToken's, bit for bit. They are
// weaker than those of package tokenize, with which they never mix: keys may be
// short, rules such as T4 have low entropy, a name in another spelling does not
// meet, tokens have no epoch, and equal signatures of two rules have equal tokens.
// Who holds the key can guess persons. Do not use them for anything else.
//
// OpenToken writes 64 zeros for a token that a record lacks, so that all such
// records look alike. Here there is no token, unless [Options] ask for the zeros.
package opentoken

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"strings"
)

// ErrKey says that a key is empty or, for encryption, not of 32 bytes.
var ErrKey = errors.New("opentoken: a hashing key is not empty, and an encryption key has 32 bytes")

// Version is that of OpenToken with which this package agrees.
const Version = "1.5.2"

// Config is a name for what shapes these tokens: the configuration hash of a set that
// is made of them, so that it never meets a set of package tokenize.
var Config = sha256.Sum256([]byte("comity tokenize OpenToken " + Version + " rules T1 to T5"))

// Person is what rules use. "" is missing.
type Person struct {
	RecordID, FirstName, LastName, PostalCode, Sex, BirthDate, SocialSecurityNumber string
}

// Rule is one of T1 to T5, counted from 1.
type Rule uint8

// Rules is how many there are.
const Rules = 5

// String returns OpenToken's name for the rule.
func (r Rule) String() string { return fmt.Sprintf("T%d", uint8(r)) }

// Token is the 32 bytes of an HMAC, of which OpenToken writes base64. It formats as
// a placeholder.
type Token [32]byte

const redacted = "token(redacted)"

// String is a placeholder: a token must not end up in a log.
func (Token) String() string { return redacted }

// GoString is String.
func (Token) GoString() string { return redacted }

// Format writes String for every verb.
func (Token) Format(f fmt.State, _ rune) { fmt.Fprint(f, redacted) }

// LogValue is String.
func (Token) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText is String: tokens leave by conversion to [32]byte, and by [Writer].
func (Token) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Entry is one token of one record.
type Entry struct {
	RecordID string
	Rule     Rule
	Token    Token
	Blank    bool // no token, but OpenToken's 64 zeros
}

// Options of a tokenizer. The zero Options are the safe ones.
type Options struct {
	// Blanks yields an entry where OpenToken writes 64 zeros: for a rule that uses an
	// invalid or a missing attribute. For a birth date in a right form that no calendar
	// has, it writes nothing. Blank entries must not be matched.
	Blanks bool
}

// Tokenizer makes tokens. It is safe for concurrent use.
type Tokenizer struct {
	key    []byte
	blanks bool
}

// New makes a tokenizer of a hashing key of any length but 0. nil options are the
// zero Options. The error is ErrKey.
func New(hashingKey []byte, o *Options) (*Tokenizer, error) {
	if len(hashingKey) == 0 {
		return nil, ErrKey
	}
	t := &Tokenizer{key: append([]byte(nil), hashingKey...)}
	if o != nil {
		t.blanks = o.Blanks
	}
	return t, nil
}

// Format writes a placeholder for every verb: a tokenizer holds the key.
func (Tokenizer) Format(f fmt.State, _ rune) { fmt.Fprint(f, "opentoken.Tokenizer") }

// LogValue is a placeholder.
func (Tokenizer) LogValue() slog.Value { return slog.StringValue("opentoken.Tokenizer") }

// Tokens yields the tokens of persons, in order of record and rule. A person with
// invalid attributes yields an *AttributeError first, and then the tokens of the
// rules that do without them. An error of the input is passed on and ends the
// sequence.
func (t *Tokenizer) Tokens(persons iter.Seq2[Person, error]) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		mac := hmac.New(sha256.New, t.key)
		row := 0
		for p, err := range persons {
			if err != nil {
				yield(Entry{}, err)
				return
			}
			a, invalid := p.attributes()
			if invalid != nil && !yield(Entry{RecordID: p.RecordID}, &AttributeError{Row: row, Attributes: invalid}) {
				return
			}
			row++
			for r := Rule(1); r <= Rules; r++ {
				e := Entry{RecordID: p.RecordID, Rule: r}
				signature, row := a.signature(r)
				if signature != "" {
					mac.Reset()
					digest := sha256.Sum256([]byte(signature))
					mac.Write(hex.AppendEncode(nil, digest[:]))
					mac.Sum(e.Token[:0])
				} else if e.Blank = true; !t.blanks || !row {
					continue
				}
				if !yield(e, nil) {
					return
				}
			}
		}
	}
}

// signature is what a rule makes of a person, or "" if it lacks an attribute, and
// whether OpenToken writes a row at all. Parts that are blank after normalisation
// are left out, as OpenToken does.
func (a *attributes) signature(r Rule) (signature string, row bool) {
	var parts []*string
	switch r {
	case 1:
		parts = []*string{a.last, a.initial, a.sex, a.birth}
	case 2:
		parts = []*string{a.last, a.first, a.birth, a.zip}
	case 3:
		parts = []*string{a.last, a.first, a.sex, a.birth}
	case 4:
		parts = []*string{a.ssn, a.sex, a.birth}
	case 5:
		parts = []*string{a.last, a.first3, a.sex}
	}
	var values []string
	for _, part := range parts {
		switch {
		case part == nil:
			return "", true
		case part == &noSuchDay:
			return "", false
		case !blank(*part):
			values = append(values, *part)
		}
	}
	return strings.Join(values, "|"), true
}
