package protocol

import (
	"crypto/ed25519"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// LogReport is what Verify found.
type LogReport struct {
	Entries int64
	Erased  int64 // of them, by right
	Holds   int   // in force
	Root    Hash
	// Witnesses are the peers that cosigned; what came after has the agency's own
	// signature alone.
	Witnesses []Witness
	// Unknown counts cosigned checkpoints whose witness is none of the peers.
	Unknown int
}

// Witness is a peer that cosigned the log, up to which size, and when.
type Witness struct {
	Name string    `json:"name"`
	Size int64     `json:"size"`
	Time time.Time `json:"time"`
}

// Verify reads the whole log. It finds each entry that was changed, removed, added
// or moved since it was signed for, each payload missing without an erasure on
// record, and each erased one that was under a hold; and, by the checkpoints that
// the peers cosigned, a log that was cut short (ErrLogShort) or rewritten by its
// own agency (ErrLogFork). Other errors are ErrLog and ErrLogVersion.
func (l *Log) Verify(peers []Peer) (*LogReport, error) {
	var report *LogReport
	err := l.with(func(t *logTree) (err error) {
		report, err = t.verify(peers)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("verify: %w", err)
	}
	return report, nil
}

func (t *logTree) verify(peers []Peer) (*LogReport, error) {
	a := newAuditor()
	err := t.scan(func(i int64, r *record) error {
		if err := t.checkHashes(i, &r.leaf); err != nil {
			return err
		}
		return a.take(i, r.entry)
	})
	if err != nil {
		return nil, err
	}
	if err := t.checkRoot(); err != nil {
		return nil, err
	}
	if err := a.finish(); err != nil {
		return nil, err
	}
	report := &LogReport{Entries: t.size, Erased: count(a.gone), Holds: len(a.holds), Root: Hash(t.root)}
	return report, t.witnesses(report, peers)
}

// checkHashes compares the stored hashes of a leaf, and of what it completes, with
// those that it should have.
func (t *logTree) checkHashes(i int64, l *leaf) error {
	want, err := tlog.StoredHashes(i, l.data(), t)
	if err != nil {
		return err
	}
	indexes := make([]int64, len(want))
	for j := range indexes {
		indexes[j] = tlog.StoredHashIndex(0, i) + int64(j)
	}
	got, err := t.ReadHashes(indexes)
	if err != nil {
		return err
	}
	if !slices.Equal(got, want) {
		return &LogError{File: hashesFile, Entry: i, Reason: "its hash is another"}
	}
	return nil
}

// witnesses checks the log against what others have cosigned.
func (t *logTree) witnesses(report *LogReport, peers []Peer) error {
	names, err := t.l.store.names(cosignedPrefix)
	if err != nil {
		return err
	}
	for _, name := range names {
		text, err := t.l.store.read(name)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(peers, func(p Peer) bool { return noteName(cosignedPrefix, p.SigningKey) == name })
		var witness ed25519.PublicKey
		if i >= 0 {
			witness = peers[i].SigningKey
		}
		c, err := ParseCheckpoint(text, t.l.identity.SigningKey(), witness)
		if err != nil {
			return &LogError{File: name, Entry: -1, Reason: "not a checkpoint of this log with the witness's cosignature"}
		}
		if err := t.follows(c); err != nil {
			return err
		}
		if i < 0 {
			report.Unknown++
			continue
		}
		report.Witnesses = append(report.Witnesses, Witness{peers[i].Name, c.Size, c.Cosigned})
	}
	slices.SortFunc(report.Witnesses, func(a, b Witness) int { return strings.Compare(a.Name, b.Name) })
	return t.witnessed(peers)
}

// witnessed checks what this side keeps of other agencies' logs.
func (t *logTree) witnessed(peers []Peer) error {
	for _, p := range peers {
		name := noteName(witnessedPrefix, p.SigningKey)
		text, err := t.l.readNote(name)
		if err != nil {
			return err
		}
		if text == nil {
			continue
		}
		if _, err := ParseCheckpoint(text, p.SigningKey, t.l.identity.SigningKey()); err != nil {
			return &LogError{File: name, Entry: -1, Reason: "not a checkpoint that this identity cosigned"}
		}
	}
	return nil
}

// VerifyAgainst reports whether the log continues a checkpoint of its own that
// somebody else kept: ErrLogShort or ErrLogFork if not.
func (l *Log) VerifyAgainst(text []byte) error {
	c, err := openCheckpoint(text, l.identity.SigningKey())
	if err != nil {
		return err
	}
	return l.with(func(t *logTree) error { return t.follows(c) })
}

// auditor follows a log in order and holds erasures against it.
type auditor struct {
	holds   holds
	events  map[int64]bool // that may not be erased
	gone    []Range        // payloads that are not there
	covered map[int64]bool // entries that were to be erased
}

func newAuditor() *auditor {
	return &auditor{holds: make(holds), events: make(map[int64]bool), covered: make(map[int64]bool)}
}

// take follows the log by one entry; nil is one whose payload is gone.
func (a *auditor) take(i int64, e *Entry) error {
	if e == nil {
		a.gone = addIndex(a.gone, i)
		return nil
	}
	if err := a.holds.take(i, e); err != nil {
		return &LogError{File: payloadsFile, Entry: i, Reason: "the release of no hold"}
	}
	if e.Event.permanent() {
		a.events[i] = true
	}
	if e.Event != Erasure {
		return nil
	}
	for _, r := range e.Ranges {
		if r[1] > i {
			return &LogError{File: payloadsFile, Entry: i, Reason: "the erasure of an entry to come"}
		}
		for j := r[0]; j < r[1]; j++ {
			if a.holds.cover(j) || a.events[j] || a.covered[j] {
				return &LogError{File: payloadsFile, Entry: i, Reason: fmt.Sprintf("the erasure of entry %d, which had to stay or was erased before", j)}
			}
			a.covered[j] = true
		}
	}
	return nil
}

// finish compares what is gone with what was to be erased.
func (a *auditor) finish() error {
	for _, r := range a.gone {
		for i := r[0]; i < r[1]; i++ {
			if !a.covered[i] {
				return &LogError{File: payloadsFile, Entry: i, Reason: "its payload is gone, and no entry says that it was erased"}
			}
			delete(a.covered, i)
		}
	}
	for i := range a.covered {
		return &LogError{File: payloadsFile, Entry: i, Reason: "its payload was to be erased, and is there"}
	}
	return nil
}

func count(ranges []Range) (n int64) {
	for _, r := range ranges {
		n += r[1] - r[0]
	}
	return n
}
