package protocol

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"
)

// LogVersion is the version of the audit log's entries that this package writes. It
// reads those of version 1 too, which lack the keys from article to rule: a log
// begun by an older version goes on, and each entry says its own version.
const LogVersion = 2

// logFormat is the version of all that holds entries: files, tree, checkpoints,
// proofs and exports. Entries of a new version do not change it.
const logFormat = 1

// MaxEntry is the size of the longest entry, in bytes of JSON.
const MaxEntry = 32 << 10

const maxRanges = 500 // in one entry of an erasure

// Event is what an entry of the audit log is about: the processing operations of
// Directive (EU) 2016/680, article 25(1), as far as they occur here, and what
// happens to the log itself.
type Event string

// The events.
const (
	Collection   Event = "collection"   // records came into the own hands
	Consultation Event = "consultation" // this side learnt which of its records a peer has
	Disclosure   Event = "disclosure"   // this side gave out its set or its encodings
	Combination  Event = "combination"  // a linkage unit compared two owners' encodings
	Refusal      Event = "refusal"      // an authenticated peer and this side came to no session
	Strangers    Event = "strangers"    // Count connections never authenticated

	Erasure Event = "erasure" // payloads in Ranges were erased
	Hold    Event = "hold"    // payloads in Ranges must not be erased
	Release Event = "release" // the hold that is entry Of has ended
)

// permanent reports whether the payload is never erased: without these entries an
// erasure could not be told from a loss.
func (e Event) permanent() bool { return e == Erasure || e == Hold || e == Release }

// Outcomes of a session; others are names of what Code stands for.
const OutcomeDone = "done"

// Range is entries from the first up to but without the second.
type Range [2]int64

func (r Range) contains(i int64) bool { return r[0] <= i && i < r[1] }

// Entry is one entry of the audit log. It holds no identifier of a data subject
// and no token: officer and case are opaque to others, and texts are for the
// reason alone.
type Entry struct {
	Version int       `json:"version"` // 0 in Append: LogVersion
	Event   Event     `json:"event"`
	Time    time.Time `json:"time"` // in UTC, to the millisecond

	Peer    string `json:"peer,omitempty"`    // name of the other side
	Partner string `json:"partner,omitempty"` // name of the other owner, with a linkage unit
	Role    Role   `json:"role,omitempty"`    // the own side
	Officer string `json:"officer,omitempty"` // who asked, an opaque id
	Case    string `json:"case,omitempty"`    // case reference

	Purpose    string `json:"purpose,omitempty"`
	LegalBasis string `json:"legal_basis,omitempty"`
	Reason     string `json:"reason,omitempty"` // of an erasure, hold, release or collection

	// From version 2 on: what else the terms say of who, about whom and why. Rule is
	// that of the own policy which permitted the session, or refused it.
	Article       string   `json:"article,omitempty"`
	Offence       string   `json:"offence,omitempty"` // its code
	Approvers     []string `json:"approvers,omitempty"`
	Categories    []string `json:"categories,omitempty"`
	Scope         string   `json:"scope,omitempty"`
	RetentionDays int      `json:"retention_days,omitempty"`
	Rule          string   `json:"rule,omitempty"`

	Function string `json:"function,omitempty"`
	Suite    string `json:"suite,omitempty"`
	// Outcome is OutcomeDone or why the session failed; Term is the refused term.
	Outcome string `json:"outcome,omitempty"`
	Term    string `json:"term,omitempty"`

	// OwnSize and PeerSize count items or rows that went in, Found those of the own
	// side, or the groups at a unit, that came out. At a unit the sizes are those of
	// the owner and of its partner.
	OwnSize  int `json:"own_size,omitempty"`
	PeerSize int `json:"peer_size,omitempty"`
	Found    int `json:"found,omitempty"`
	Count    int `json:"count,omitempty"` // of strangers

	Terms      Hash `json:"terms,omitzero"`      // SHA-256 of the terms
	Transcript Hash `json:"transcript,omitzero"` // the same in the peer's log

	Ranges []Range `json:"ranges,omitempty"` // of an erasure or a hold
	Of     int64   `json:"of,omitempty"`     // of a release
}

// normal returns the entry as it is logged.
func (e *Entry) normal() *Entry {
	n := *e
	if n.Version == 0 {
		n.Version = LogVersion
	}
	n.Time = n.Time.UTC().Truncate(time.Millisecond)
	return &n
}

// marshal returns the one text of a valid entry.
func (e *Entry) marshal() ([]byte, error) {
	if err := e.validate(); err != nil {
		return nil, err
	}
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(e); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrEntry, err)
	}
	out := bytes.TrimSuffix(text.Bytes(), []byte("\n"))
	if len(out) > MaxEntry {
		return nil, fmt.Errorf("%w: %d bytes, at most %d allowed", ErrEntry, len(out), MaxEntry)
	}
	return out, nil
}

// ParseEntry reads the text of an entry. Each entry has one text: another one that
// means the same is refused. Errors are ErrEntry and ErrLogVersion.
func ParseEntry(text []byte) (*Entry, error) {
	if len(text) > MaxEntry {
		return nil, fmt.Errorf("%w: %d bytes, at most %d allowed", ErrEntry, len(text), MaxEntry)
	}
	e := new(Entry)
	if err := decodeStrict(text, e); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrEntry, err)
	}
	canonical, err := e.marshal()
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(canonical, text) {
		return nil, fmt.Errorf("%w: not in its one form", ErrEntry)
	}
	return e, nil
}

func (e *Entry) validate() error {
	if e.Version < 1 || e.Version > LogVersion {
		return fmt.Errorf("%w: an entry of version %d, here %d", ErrLogVersion, e.Version, LogVersion)
	}
	if e.Version == 1 && e.hasVersion2() {
		return fmt.Errorf("%w: a key of version 2 in an entry of version 1", ErrEntry)
	}
	if year := e.Time.Year(); year < 2000 || year > 9999 || e.Time != e.Time.UTC().Truncate(time.Millisecond) {
		return fmt.Errorf("%w: its time is missing, or not in UTC and whole milliseconds", ErrEntry)
	}
	for _, t := range []struct{ key, text string }{
		{"peer", e.Peer}, {"partner", e.Partner}, {"role", string(e.Role)}, {"officer", e.Officer}, {"case", e.Case},
		{"purpose", e.Purpose}, {"legal_basis", e.LegalBasis}, {"reason", e.Reason}, {"function", e.Function},
		{"suite", e.Suite}, {"outcome", e.Outcome}, {"term", e.Term},
		{"article", e.Article}, {"offence", e.Offence}, {"scope", e.Scope}, {"rule", e.Rule},
	} {
		if utf8.RuneCountInString(t.text) > maxText || !printable(t.text) {
			return fmt.Errorf("%w: %q is not up to %d printable characters", ErrEntry, t.key, maxText)
		}
	}
	for _, l := range []struct {
		key  string
		list []string
	}{{"approvers", e.Approvers}, {"categories", e.Categories}} {
		if len(l.list) > maxApprovers || slices.ContainsFunc(l.list, func(s string) bool { return !idForm.MatchString(s) }) {
			return fmt.Errorf("%w: %q is not up to %d ids", ErrEntry, l.key, maxApprovers)
		}
	}
	if min(e.OwnSize, e.PeerSize, e.Found, e.Count, e.RetentionDays) < 0 || e.Of < 0 {
		return fmt.Errorf("%w: a number is negative", ErrEntry)
	}
	return e.validateEvent()
}

// hasVersion2 reports whether a key is set that version 1 lacks.
func (e *Entry) hasVersion2() bool {
	return e.Article != "" || e.Offence != "" || len(e.Approvers) > 0 || len(e.Categories) > 0 ||
		e.Scope != "" || e.RetentionDays != 0 || e.Rule != ""
}

func (e *Entry) validateEvent() error {
	switch e.Event {
	case Collection, Consultation, Disclosure, Combination, Refusal:
	case Strangers:
		if e.Count == 0 {
			return fmt.Errorf("%w: no count of strangers", ErrEntry)
		}
	case Erasure, Hold:
		if len(e.Ranges) == 0 {
			return fmt.Errorf("%w: %s of no entries", ErrEntry, e.Event)
		}
	case Release:
	default:
		return fmt.Errorf("%w: its event is not known", ErrEntry)
	}
	if len(e.Ranges) > 0 && e.Event != Erasure && e.Event != Hold || e.Of != 0 && e.Event != Release || e.Count != 0 && e.Event != Strangers {
		return fmt.Errorf("%w: a key does not belong to event %q", ErrEntry, e.Event)
	}
	if len(e.Ranges) > maxRanges {
		return fmt.Errorf("%w: %d ranges, at most %d allowed", ErrEntry, len(e.Ranges), maxRanges)
	}
	last := int64(-1)
	for _, r := range e.Ranges {
		if r[0] <= last || r[1] <= r[0] { // ranges that touch are one
			return fmt.Errorf("%w: its ranges are empty, touch, or are out of order", ErrEntry)
		}
		last = r[1]
	}
	return nil
}

func (e *Entry) covers(i int64) bool {
	return slices.ContainsFunc(e.Ranges, func(r Range) bool { return r.contains(i) })
}

// addIndex adds an index above all others to ranges.
func addIndex(ranges []Range, i int64) []Range {
	if n := len(ranges); n > 0 && ranges[n-1][1] == i {
		ranges[n-1][1]++
		return ranges
	}
	return append(ranges, Range{i, i + 1})
}
