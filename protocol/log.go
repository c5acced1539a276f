package protocol

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"sync"
	"sync/atomic"
	"time"
)

// What can be wrong with an audit log.
var (
	// ErrLog is a log that was damaged or changed. *LogError says where.
	ErrLog = errors.New("protocol: the audit log is damaged or was changed")
	// ErrLogVersion is a log, export or proof of another format version.
	ErrLogVersion = errors.New("protocol: audit log of another version")
	// ErrLogWrite is an entry that could not be written. Its session has no result.
	ErrLogWrite = errors.New("protocol: the audit log cannot be written")
	// ErrLogShort is a log with fewer entries than a checkpoint that was cosigned.
	ErrLogShort = errors.New("protocol: the audit log is shorter than one of its checkpoints")
	// ErrLogFork is a log that does not continue a checkpoint that was cosigned.
	ErrLogFork = errors.New("protocol: the audit log does not continue one of its checkpoints")
	// ErrLogProof is a proof, checkpoint or request that is malformed or false.
	ErrLogProof = errors.New("protocol: malformed or false proof")
	// ErrEntry is an entry that cannot be logged.
	ErrEntry = errors.New("protocol: malformed log entry")
)

// LogError says where a log is wrong. It is ErrLog.
type LogError struct {
	File   string // in the log's folder, or "export"
	Entry  int64  // from 0; -1 where no single entry is at fault
	Reason string
}

func (e *LogError) Error() string {
	if e.Entry < 0 {
		return fmt.Sprintf("%v: %s: %s", ErrLog, e.File, e.Reason)
	}
	return fmt.Sprintf("%v: %s: entry %d: %s", ErrLog, e.File, e.Entry, e.Reason)
}

// Unwrap returns ErrLog.
func (e *LogError) Unwrap() error { return ErrLog }

// Log is the audit log of one agency: who asked whom for what, when and why, and
// how much, never about whom. It is a Merkle tree as in RFC 6962 over salted
// commitments to entries, so that a payload can be erased and all proofs stay
// valid. Its head is a checkpoint signed by the agency, which other agencies
// cosign; SPEC.md has the formats to the byte.
//
// Whoever changes, removes or reorders entries without the signing key is found
// out by Verify. The agency itself, which has the key, is found out as far as
// somebody else has cosigned: what lies before a cosigned checkpoint can be
// neither changed nor cut off.
//
// An entry that Append returned for is on disk, and one that a crash left
// unfinished is removed. Several goroutines and processes may use a log at once.
type Log struct {
	identity *Identity
	store    logStore
	repaired atomic.Int64

	mu      sync.Mutex
	strange int       // connections not yet in the log
	told    time.Time // when such were logged last
}

// strangeEvery is how often connections that never authenticated get an entry, at
// most; a crash loses the count of so long.
const strangeEvery = 10 * time.Minute

// OpenLog opens the identity's log in a folder, or begins one there. The folder is
// for its owner alone. A log whose checkpoint the identity did not sign is ErrLog.
func OpenLog(folder string, id *Identity) (*Log, error) {
	if id == nil {
		return nil, fmt.Errorf("open log: %w: no identity", ErrConfig)
	}
	store, err := newFolderStore(folder)
	if err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	return openLog(store, id)
}

func openLog(store logStore, id *Identity) (*Log, error) {
	l := &Log{identity: id, store: store}
	if err := l.with(func(*logTree) error { return nil }); err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	return l, nil
}

// with runs f with the log locked and whole.
func (l *Log) with(f func(*logTree) error) (err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.withLocked(f)
}

func (l *Log) withLocked(f func(*logTree) error) (err error) {
	unlock, err := l.store.lock()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	t, err := l.load()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.close()) }()
	return f(t)
}

// Repaired returns how often this Log found what a crash had left unfinished, and
// put it right: an entry that was not yet signed for is removed, an erasure that
// was logged is carried out.
func (l *Log) Repaired() int { return int(l.repaired.Load()) }

// Append writes entries, all or none, and returns once they are on disk. Errors
// are ErrLogWrite, and beside it ErrEntry for a malformed entry, ErrLog for a log
// that cannot be continued.
func (l *Log) Append(entries ...*Entry) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.append(entries)
}

func (l *Log) append(entries []*Entry) error {
	if err := l.withLocked(func(t *logTree) error { return t.append(entries) }); err != nil {
		return fmt.Errorf("%w: %w", ErrLogWrite, err)
	}
	return nil
}

// countStranger takes note of a connection that never authenticated. Such
// connections share an entry, so that strangers cannot fill the log.
func (l *Log) countStranger(now time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.strange++
	if since := now.Sub(l.told); since >= 0 && since < strangeEvery {
		return nil
	}
	return l.flush(now)
}

// flushStrangers logs the connections that countStranger has counted.
func (l *Log) flushStrangers(now time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.flush(now)
}

func (l *Log) flush(now time.Time) error {
	if l.strange == 0 {
		return nil
	}
	if err := l.append([]*Entry{{Event: Strangers, Time: now, Count: l.strange}}); err != nil {
		return err
	}
	l.strange, l.told = 0, now
	return nil
}

// Logged is an entry in its place.
type Logged struct {
	Index int64 // from 0
	// Entry is nil where the payload was erased, or left out of an export.
	Entry *Entry
	// Erased says that a later entry accounts for the erasure.
	Erased bool
}

// Entries yields the log from its beginning. The log is locked meanwhile: use none
// of its methods within the loop. It checks each payload against its commitment;
// Verify checks the rest.
func (l *Log) Entries() iter.Seq2[Logged, error] {
	return func(yield func(Logged, error) bool) {
		stopped := errors.New("stopped")
		err := l.with(func(t *logTree) error {
			return t.scan(func(i int64, r *record) error {
				if !yield(Logged{Index: i, Entry: r.entry, Erased: r.entry == nil}, nil) {
					return stopped
				}
				return nil
			})
		})
		if err != nil && !errors.Is(err, stopped) {
			yield(Logged{}, err)
		}
	}
}

// LogOrigin names the log of the agency with the signing key, and its signatures.
// An agency has one log for each signing key: one that begins anew is found out by
// whoever cosigned the old.
func LogOrigin(key ed25519.PublicKey) string {
	sum := sha256.Sum256(key)
	return fmt.Sprintf("comity-log-v%d/%s", logFormat, hex.EncodeToString(sum[:16]))
}
