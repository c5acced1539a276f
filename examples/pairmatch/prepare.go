package main

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"slices"
	"strings"

	"github.com/comity-prl/comity/bloomlink"
	"github.com/comity-prl/comity/protocol"
	"github.com/comity-prl/comity/psi"
	"github.com/comity-prl/comity/tokenize"
)

// largeSet is so many items that to commit to them takes a moment.
const largeSet = 1 << 20

// maxWarnings is how many records with an unreadable value are named one by one.
const maxWarnings = 5

// derive returns a key for one use of the agreed secret.
func (s secret) derive(use string) ([]byte, error) {
	return hkdf.Expand(sha256.New, s, "comity pairmatch v1 "+use, secretSize)
}

// tokenizer returns the one that the linkage file and the secret make.
func (l *linkage) tokenizer(s secret, epoch string) (*tokenize.Tokenizer, error) {
	key, err := s.derive("tokens")
	if err != nil {
		return nil, err
	}
	prf, err := tokenize.NewHMAC(key, tokenize.Epoch(epoch))
	if err != nil {
		return nil, err
	}
	return tokenize.New(l.schema(), l.Rules, prf)
}

// tokens are the own records as tokens, and where each comes from.
type tokens struct {
	set     *psi.Set
	entries []tokenize.Entry // in the order of the set's items
	hash    [32]byte         // of fields, rules and versions
	perRule []int            // how many tokens each rule made
}

// tokens makes the own tokens.
func (s *side) tokens(ctx context.Context) (*tokens, error) {
	tk, err := s.pact.linkage.tokenizer(s.pact.secret, s.pact.epoch)
	if err != nil {
		return nil, err
	}
	key, err := tk.Confirmation(ctx)
	if err != nil {
		return nil, err
	}
	t := &tokens{hash: tk.Hash(), perRule: make([]int, len(s.pact.linkage.Rules))}
	var items []tokenize.Token
	w := s.warner()
	for entry, err := range tk.Tokens(ctx, slices.Values(s.table.records)) {
		if bad := asRecordError(err); bad != nil {
			w.warn(bad)
			continue
		}
		if err != nil {
			return nil, err
		}
		t.entries = append(t.entries, entry)
		items = append(items, entry.Token)
		t.perRule[entry.Rule]++
		s.con.progress("making tokens", "", entry.Row+1, len(s.table.records))
	}
	w.sum()
	binding := psi.Binding{Epoch: s.pact.epoch, Config: t.hash, Key: key}
	t.set = psi.NewSet(items, binding)
	t.set.Records = len(s.table.records)
	return t, nil
}

// commit makes what a session commits to a set by, so that no session waits for it.
func (s *side) commit(set interface {
	protocol.Committed
	Len() int
}) {
	if set.Len() >= largeSet {
		s.con.note("committing to %d items", set.Len())
	}
	set.Tree()
}

// encodings makes the own Bloom encodings, one a record.
func (s *side) encodings(ctx context.Context) (*bloomlink.Set, bloomlink.Binding, error) {
	l := s.pact.linkage
	key, err := s.pact.secret.derive("encodings")
	if err != nil {
		return nil, bloomlink.Binding{}, err
	}
	encoder, err := bloomlink.NewEncoder(l.bloom(), key, nil)
	if err != nil {
		return nil, bloomlink.Binding{}, err
	}
	binding := encoder.Binding(s.pact.epoch)
	w := s.warner()
	encodings, err := l.encode(ctx, s.table.records, encoder, func(row int, err error) {
		if err != nil {
			w.warn(&tokenize.RecordError{Row: row, Err: err})
		}
		s.con.progress("encoding", "", row+1, len(s.table.records))
	})
	if err != nil {
		return nil, binding, err
	}
	w.sum()
	set, err := bloomlink.NewSet(encodings, binding)
	return set, binding, err
}

// encode makes the encoding of each record. It reports each row, with an error
// where a value cannot be read.
func (l *linkage) encode(ctx context.Context, records []tokenize.Record, encoder *bloomlink.Encoder, report func(row int, err error)) ([]bloomlink.Encoding, error) {
	var at []int // of each feature's field
	for _, f := range l.Encoding.Features {
		at = append(at, l.field(f.Name))
	}
	schema := l.schema()
	values := make([]string, len(at))
	encodings := make([]bloomlink.Encoding, len(records))
	for row, record := range records {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		fields, unreadable := schema.Normalize(record)
		for i, field := range at {
			values[i] = fields[field].Value
		}
		var err error
		if encodings[row], err = encoder.Encode(values); err != nil {
			return nil, err
		}
		report(row, unreadable)
	}
	return encodings, nil
}

func asRecordError(err error) *tokenize.RecordError {
	var bad *tokenize.RecordError
	errors.As(err, &bad)
	return bad
}

// warner names the first few records with values that cannot be read, and counts
// the rest.
type warner struct {
	s     *side
	count int
}

func (s *side) warner() *warner { return &warner{s: s} }

func (w *warner) warn(bad *tokenize.RecordError) {
	w.count++
	if w.count <= maxWarnings {
		reasons := strings.ReplaceAll(bad.Err.Error(), "\n", "; ")
		w.s.con.warn("%s: line %d: %s: taken as missing", w.s.table.path, w.s.table.lines[bad.Row], reasons)
	}
}

func (w *warner) sum() {
	if w.count > maxWarnings {
		w.s.con.warn("%s: %d records in all have values that cannot be read", w.s.table.path, w.count)
	}
}
