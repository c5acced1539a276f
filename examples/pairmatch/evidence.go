package main

import (
	"encoding/base64"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/comity-prl/comity/protocol"
)

const maxEvidence = 1 << 20 // bytes of a file of terms, an opening or a proof

// signed is a record of terms whose signatures are good. What counts of it is what
// was signed.
type signed struct {
	path  string
	terms *protocol.Terms
	record
}

func readSigned(path string) (*signed, error) {
	s := &signed{path: path}
	if err := readJSONFile(path, &s.record); err != nil {
		return nil, err
	}
	err := s.Agreement.Verify()
	if errors.Is(err, protocol.ErrSignature) {
		return nil, disproved(path, "a signature under the terms is invalid")
	}
	if err == nil {
		s.terms, err = protocol.ParseTerms([]byte(s.Agreement.Terms))
	}
	if err != nil {
		return nil, inputf(path, "%s", flat(err))
	}
	return s, nil
}

func (s *signed) party(r protocol.Role) protocol.Peer {
	if r == protocol.Proposer {
		return s.Agreement.Proposer
	}
	return s.Agreement.Acceptor
}

// commitment returns that of a party, if it signed it in this session.
func (s *signed) commitment(r protocol.Role) (*protocol.Commitment, error) {
	c := s.Commitments[r]
	if c == nil {
		return nil, inputf(s.path, "it holds no commitment of that side")
	}
	if err := c.Verify(&s.Agreement, r); err != nil {
		return nil, disproved(s.path, "%s did not sign the commitment in this session", s.party(r).Name)
	}
	return c, nil
}

// show tells people what was agreed, and by whose keys.
func (s *signed) show(c *console) {
	c.say("  %-11s purpose %q, epoch %q, issued %s", "terms", s.terms.Purpose, s.terms.Epoch, s.terms.Issued.UTC().Format(time.RFC3339))
	for _, r := range []protocol.Role{protocol.Proposer, protocol.Acceptor} {
		c.say("  %-11s %s of %s", "signing key", base64.StdEncoding.EncodeToString(s.party(r).SigningKey), s.party(r).Name)
	}
}

// proof is a file that proves one item to have been put in.
type proof struct {
	Version int                `json:"version"`
	Role    protocol.Role      `json:"role"`           // of whose set it is
	Rule    string             `json:"rule,omitempty"` // that made the token, as its side says; none for an encoding
	Item    string             `json:"item"`           // hexadecimal: a token, or the words of an encoding in little endian
	Proof   protocol.ItemProof `json:"proof"`
}

// disproved reports a file that does not prove what it should.
func disproved(path, format string, args ...any) error {
	return &failure{exitLog, path + ": " + fmt.Sprintf(format, args...), "see that the files are of one session, and as they were written"}
}

func readJSONFile(path string, v any) error {
	text, err := readBounded(path, maxEvidence)
	if err != nil {
		return err
	}
	if err := decodeJSON(text, v); err != nil {
		return inputf(path, "%s", flat(err))
	}
	return nil
}

// numbered puts a number before the ending of a file's name.
func numbered(path string, n int) string {
	return fmt.Sprintf("%s-%d%s", strings.TrimSuffix(path, filepath.Ext(path)), n, filepath.Ext(path))
}
