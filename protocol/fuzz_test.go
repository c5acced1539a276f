package protocol

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// An identity that is read is written as one that reads the same.
func FuzzParseIdentity(f *testing.F) {
	id := identity(f, "Police of Arcadia")
	text := must(id.Marshal())
	if _, err := ParseIdentity(text); err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add(text[:len(text)/2])
	f.Add(bytes.Replace(text, []byte("BEGIN"), []byte("Begin"), 1))
	f.Add(append(bytes.Clone(text), text...))
	f.Fuzz(func(t *testing.T, text []byte) {
		id, err := ParseIdentity(text)
		if err != nil {
			if !errors.Is(err, ErrConfig) {
				t.Errorf("not a typed error: %v", err)
			}
			return
		}
		again, err := ParseIdentity(must(id.Marshal()))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(id.Peer(), again.Peer()); diff != "" {
			t.Errorf("(-first +second):\n%s", diff)
		}
	})
}

// A checkpoint that is read is signed, and its bytes are the one form of it.
func FuzzCheckpoint(f *testing.F) {
	own, l, theirs, other := fuzzLog(f)
	note := exchange(f, l, theirs, own, other)
	if _, err := ParseCheckpoint(note, own.SigningKey(), other.SigningKey()); err != nil {
		f.Fatal(err)
	}
	f.Add(note)
	f.Add(note[:len(note)-3])
	f.Add(append(bytes.Clone(note), "— x AAAA\n"...))
	f.Add([]byte("comity-log-v2/"))
	f.Fuzz(func(t *testing.T, note []byte) {
		for _, witness := range [][]byte{nil, other.SigningKey()} {
			c, err := ParseCheckpoint(note, own.SigningKey(), witness)
			switch {
			case err == nil && (c.Origin != LogOrigin(own.SigningKey()) || c.Size < 0):
				t.Errorf("%+v", c)
			case err != nil && !errors.Is(err, ErrLogProof) && !errors.Is(err, ErrLogVersion):
				t.Errorf("not a typed error: %v", err)
			}
		}
	})
}

// An agreement that verifies is the one that was signed.
func FuzzAgreement(f *testing.F) {
	pc, ac := agencies(f)
	p, _ := met(f, goodTerms(), pc, ac)
	good := p.Agreement()
	if err := good.Verify(); err != nil {
		f.Fatal(err)
	}
	f.Add(must(json.Marshal(good)))
	f.Add([]byte(`{"terms":"{}","proposer":{"signing_key":"AA=="}}`))
	f.Add([]byte(`{"channel":"00"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var a Agreement
		if json.Unmarshal(text, &a) != nil || a.Verify() != nil {
			return
		}
		if _, err := ParseTerms([]byte(a.Terms)); err != nil {
			t.Errorf("terms that cannot be read verify: %v", err)
		}
		if bytes.Equal(a.Proposer.SigningKey, good.Proposer.SigningKey) && a.Terms != good.Terms {
			t.Error("a signature is under other terms")
		}
	})
}

// Text of a hash or a fingerprint is the one form of it.
func FuzzHash(f *testing.F) {
	good := must(schema.MarshalText())
	if err := new(Hash).UnmarshalText(good); err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(bytes.ToUpper(good))
	f.Add(good[1:])
	f.Fuzz(func(t *testing.T, text []byte) {
		var h Hash
		var p Fingerprint
		errHash, errPrint := h.UnmarshalText(text), p.UnmarshalText(text)
		if (errHash == nil) != (errPrint == nil) {
			t.Fatalf("%v as a hash, %v as a fingerprint", errHash, errPrint)
		}
		if errHash == nil && (!bytes.Equal(must(h.MarshalText()), text) || !bytes.Equal(must(p.MarshalText()), text)) {
			t.Errorf("%s is also %s", h, text)
		}
	})
}

// A name that is one of a mailbox has one spelling, and cannot lead out of it.
func FuzzMailName(f *testing.F) {
	good := mailName{session: mailSession{1}, side: caller, kind: mailData, number: 0xab}.String()
	if _, ok := parseMailName(good); !ok {
		f.Fatal("a good name is none")
	}
	f.Add(good)
	f.Add(good + mailPart)
	f.Add("../" + good)
	f.Add(mailPrefix + "00-c-read")
	f.Fuzz(func(t *testing.T, s string) {
		n, ok := parseMailName(s)
		if ok && (n.String() != s || bytes.ContainsAny([]byte(s), `/\`)) {
			t.Errorf("%q is taken for %v", s, n)
		}
	})
}
