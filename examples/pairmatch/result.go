package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/comity-prl/comity/bloomlink"
	"github.com/comity-prl/comity/protocol"
	"github.com/comity-prl/comity/psi"
)

// candidate is the status of every match: a person has to confirm it.
const candidate = "candidate"

// result is what one side got out of a run, as a table. Rows count records from
// 1, without the header line.
type result struct {
	kind     string   // kindMatches, kindHandles, kindGroups, kindCount
	header   []string // nil: there is no table
	lines    [][]string
	rows     int  // own rows in it; for handles, all that made tokens
	peerSize int  // what the run told about the peer: distinct tokens, or rows
	padded   bool // dummies are among them

	count  *int // kindCount, at the receiver: own tokens that match
	tokens int  // of so many

	// peerBound is how many tokens the peer can have put in, where that is more than
	// it declared.
	peerBound int

	ids []string
}

// newResult starts a table; "id" among the columns is left out where the user
// named no such column.
func (s *side) newResult(kind string, peerSize int, columns ...string) *result {
	r := &result{kind: kind, peerSize: peerSize, ids: s.table.ids}
	for _, c := range columns {
		if c != "id" || r.ids != nil {
			r.header = append(r.header, c)
		}
	}
	return r
}

func (r *result) add(row int, value func(column string) string) {
	line := make([]string, len(r.header))
	for i, column := range r.header {
		switch column {
		case "row":
			line[i] = strconv.Itoa(row + 1)
		case "id":
			line[i] = r.ids[row]
		default:
			line[i] = value(column)
		}
	}
	r.lines = append(r.lines, line)
}

// matches is the receiver's result: for each row the first rule that matched.
// Rules are in order of strength, so that a weaker one could only repeat the
// candidate or add a doubtful one.
func (s *side) matches(t *tokens, found *psi.Result) *result {
	r := s.newResult(kindMatches, found.PeerSize, "row", "id", "handle", "rule", "status")
	first := make(map[int]int) // by row: its strongest rule
	for m := range found.All() {
		e := t.entries[m.Item]
		if rule, seen := first[e.Row]; !seen || e.Rule < rule {
			first[e.Row] = e.Rule
		}
	}
	for m := range found.All() {
		e := t.entries[m.Item]
		if first[e.Row] != e.Rule {
			continue
		}
		r.add(e.Row, func(column string) string {
			return map[string]string{
				"handle": strconv.FormatUint(uint64(m.Handle), 10),
				"rule":   s.pact.linkage.Rules[e.Rule].Name,
				"status": candidate,
			}[column]
		})
	}
	r.rows = len(first)
	return r
}

// handles is what the sender keeps to itself.
func (s *side) handles(t *tokens, kept *psi.Handles) *result {
	r := s.newResult(kindHandles, kept.PeerSize, "handle", "row", "id", "rule")
	if kept.PeerBound > kept.PeerSize {
		r.peerBound = kept.PeerBound
	}
	rows := make(map[int]bool)
	for handle, item := range kept.All() {
		e := t.entries[item]
		rows[e.Row] = true
		r.add(e.Row, func(column string) string {
			return map[string]string{
				"handle": strconv.FormatUint(uint64(handle), 10),
				"rule":   s.pact.linkage.Rules[e.Rule].Name,
			}[column]
		})
	}
	r.rows = len(rows)
	return r
}

// groups is an owner's result from a linkage unit.
func (s *side) groups(g *bloomlink.Groups) *result {
	r := s.newResult(kindGroups, g.PeerSize, "row", "id", "group", "status")
	for m := range g.All() {
		r.add(m.Row, func(column string) string {
			return map[string]string{
				"group":  strconv.FormatUint(uint64(m.Group), 10),
				"status": candidate,
			}[column]
		})
		r.rows++
	}
	return r
}

func (r *result) write(w io.Writer) error {
	out := csv.NewWriter(w)
	if err := out.Write(r.header); err != nil {
		return err
	}
	return out.WriteAll(r.lines)
}

// record is the agreed terms, kept beside the result.
type record struct {
	Terms       protocol.Terms                         `json:"terms"`
	Agreement   protocol.Agreement                     `json:"agreement"`   // the same as it was signed, and both signatures
	Commitments map[protocol.Role]*protocol.Commitment `json:"commitments"` // what each side that has a set put in
	Transcript  protocol.Hash                          `json:"transcript"`
	Ended       time.Time                              `json:"ended"`
}

func recordOf(s *protocol.Session) record {
	own, peer := s.Commitments()
	return newRecord(s.Terms(), s.Agreement(), s.Transcript(), s.Role(), own, peer)
}

// newRecord takes the commitments of the own side, whose role is given, and of the peer.
func newRecord(t protocol.Terms, a protocol.Agreement, transcript protocol.Hash, role protocol.Role, own, peer *protocol.Commitment) record {
	r := record{t, a, make(map[protocol.Role]*protocol.Commitment), transcript, clock().UTC()}
	other := protocol.Acceptor
	if role == other {
		other = protocol.Proposer
	}
	for role, c := range map[protocol.Role]*protocol.Commitment{role: own, other: peer} {
		if c != nil { // a linkage unit has no set
			r.Commitments[role] = c
		}
	}
	return r
}

// termsPath is the file of the agreed terms that belong to a result.
func termsPath(path string) string { return beside(path, ".terms.json") }

// openingPath is the file of what opens the own commitment.
func openingPath(path string) string { return beside(path, ".opening.json") }

func beside(path, ending string) string {
	return strings.TrimSuffix(path, filepath.Ext(path)) + ending
}

// resultFiles are all that belong to a result.
func resultFiles(path string) []string { return []string{path, termsPath(path), openingPath(path)} }

// save writes the terms and the opening, then the result: a result never stands
// without them.
func (r *result) save(path string, terms record, opening *protocol.Opening) error {
	if err := writeJSONFile(termsPath(path), terms); err != nil {
		return err
	}
	if err := writeJSONFile(openingPath(path), opening); err != nil {
		return err
	}
	if r.header == nil {
		return nil
	}
	return writeWhole(path, r.write)
}

// headline says in a sentence what came out.
func (r *result) headline(records int, partner, peer string) string {
	switch r.kind {
	case kindMatches:
		return fmt.Sprintf("%d of %d own records are candidates; %s brought %s", r.rows, records, peer, r.peerTokens())
	case kindCount:
		return r.counted(records, peer)
	case kindHandles:
		compared := fmt.Sprintf("%s compared %s", peer, r.peerTokens())
		if r.peerBound > 0 {
			compared += fmt.Sprintf(" (%d at most if it did not tell the truth)", r.peerBound)
		}
		return fmt.Sprintf("%s with %d own records; keep the handles: they turn its matches into rows", compared, records)
	}
	return fmt.Sprintf("%d of %d own records are candidates; %s brought %d records", r.rows, records, partner, r.peerSize)
}
