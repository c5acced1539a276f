package protocol

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/comity-prl/comity/internal/iblt"
)

// LedgerVersion is the version of a ledger's file.
const LedgerVersion = 1

// Ledger remembers what this side's sessions added up to, and what it put in, so
// that the Limits of a policy's rules hold over sessions, processes and crashes.
//
// A session is reserved in the handshake, with the largest numbers that its terms
// allow, on disk before the terms leave this side as proposed or accepted. A run
// that ends well is settled with what it really was. A reservation is given back
// only where this side has sent nothing of a run: the terms were refused, the
// handshake failed, the session was closed unused, or its set was not the one of
// the terms. Everything else counts in full, so that neither hanging up nor killing
// a process buys a free query.
//
// With Limits.MinChange the ledger also keeps a sketch of the own set, from before
// its first byte is sent: a few kilobytes from which it can tell by how many items a
// later set differs, but for the items. Whoever repeats a session over nearly the
// same set learns of the few that differ what no single session tells; the sketch
// is there so that this side does not do so by accident, nor lets its officers. An
// unchanged set passes: it reveals what it did before, and what the peer's set has
// gained, and Cooldown bounds how often. Each set is compared with one earlier one
// at a time: what three or more sessions tell together is not looked for.
//
// PeerSessions, Counts and Items bind a dishonest peer too: they are about
// what this side takes part in. The items of a receiver count as it declares them,
// and under psi.VOLEMalicious as it can have had at most. Purpose, officer and
// approvers are what a proposer states: PurposeSessions and Cooldown bind a dishonest
// one within each purpose that the policy leaves it, OfficerSessions and
// ChangeApprovals only where it tells the truth, and MinChange where the rule permits no
// scope but bulk. What a receiver makes of its own
// result (Rule.MinCount, Terms.MaxCandidates) binds an honest one alone, as do the
// fields that a query combines.
//
// The ledger cannot see the peer's set, nor what it changed there; that the peer asks
// through another agency, or pools results with one; that a person is in sets of
// different epochs or schemas, which have no token in common. And it believes the
// Clock: whoever sets that, or deletes the file, has new quotas, and the Log to
// account for it.
//
// The file holds names of peers, purposes, ids of officers, numbers, hashes of terms,
// and sketches with their key. It is for its owner alone: who steals it learns from
// two sketches the keyed hashes of what changed between two sessions, and from the
// sketch of a set that is itself not much larger than MinChange those of its items;
// with the key of the tokens, too, they can try out who that is. For other sets it
// takes a guess of nearly the whole set to test any of it.
//
// It is safe for concurrent use, and several processes may have the file open: each
// locks it for the moment of a transaction.
type Ledger struct {
	path string
	wait time.Duration // for another process

	one sync.Mutex // one transaction at a time
	end error      // why there is none any more
}

// ledgerWait is how long a transaction waits for one of another process, which
// takes milliseconds.
const ledgerWait = 10 * time.Second

// maxBookings bounds the sessions with a peer that are kept at a time. No limit can
// be higher, and beyond it all are refused.
const maxBookings = 1 << 16

// OpenLedger opens the ledger in a file, which it makes if there is none. Errors are
// ErrLedger, ErrLedgerVersion, and ErrLedgerBusy where another process holds the
// file for too long.
func OpenLedger(path string) (*Ledger, error) {
	l := &Ledger{path: path, wait: ledgerWait}
	if err := l.transact(os.O_RDWR|os.O_CREATE, func(*bolt.Tx, *bolt.Bucket) error { return nil }); err != nil {
		return nil, fmt.Errorf("open ledger: %w", err)
	}
	if err := (&folderStore{filepath.Dir(path)}).sync(); err != nil { // the name too is to survive
		return nil, fmt.Errorf("open ledger: %w: %w", ErrLedger, err)
	}
	return l, nil
}

// Close ends the use of the ledger by this process.
func (l *Ledger) Close() error {
	l.one.Lock()
	defer l.one.Unlock()
	l.end = ErrClosed
	return nil
}

// The buckets of a ledger, and the keys of the first one. In peersBucket each peer
// has one of its own.
var (
	headBucket  = []byte("ledger")
	peersBucket = []byte("peers")

	versionKey = []byte("version") // LedgerVersion (2)
	sketchKey  = []byte("sketch")  // of the hash in sketches (16)
)

// update runs f in a transaction, which is on disk when update returns nil.
func (l *Ledger) update(f func(tx *bolt.Tx, head *bolt.Bucket) error) error {
	return l.transact(os.O_RDWR, f)
}

// view runs f in a transaction that changes nothing.
func (l *Ledger) view(f func(tx *bolt.Tx, head *bolt.Bucket) error) error {
	return l.transact(os.O_RDONLY, f)
}

// transact opens the file with a flag and runs f in one transaction. A *TermError of
// f comes through as it is; all else is ErrLedger.
//
// The file is mapped into memory, and bbolt panics over a page that makes no sense:
// damage is an error here, be it a page that the disk lacks, on which the processor
// faults. It is final: the map and the lock stay with the process, since bbolt can no
// longer be trusted to give them up.
func (l *Ledger) transact(flag int, f func(*bolt.Tx, *bolt.Bucket) error) (err error) {
	l.one.Lock()
	defer l.one.Unlock()
	if l.end != nil {
		return l.end
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: damaged: %v", ErrLedger, r)
			l.end = err
		}
	}()
	db, err := bolt.Open(l.path, 0o600, &bolt.Options{
		Timeout:      l.wait,
		ReadOnly:     flag == os.O_RDONLY,
		NoStatistics: true,
		OpenFile: func(name string, _ int, perm os.FileMode) (*os.File, error) {
			return os.OpenFile(name, flag, perm) // a file that was deleted is not made anew
		},
	})
	if err != nil {
		return ledgerError(err)
	}
	run := db.Update
	if flag == os.O_RDONLY {
		run = db.View
	}
	err = run(func(tx *bolt.Tx) error {
		head, err := ledgerHead(tx, flag&os.O_CREATE != 0)
		if err != nil {
			return err
		}
		return f(tx, head)
	})
	if closeErr := db.Close(); err == nil {
		err = closeErr
	}
	return ledgerError(err)
}

// ledgerError names an error of the store.
func ledgerError(err error) error {
	var term *TermError
	switch {
	case err == nil, errors.As(err, &term), errors.Is(err, ErrLedger), errors.Is(err, ErrLedgerVersion):
		return err
	case errors.Is(err, bolterrors.ErrTimeout):
		return fmt.Errorf("%w for too long", ErrLedgerBusy)
	}
	return fmt.Errorf("%w: %w", ErrLedger, err)
}

// ledgerHead checks the version. It fills in a file that has nothing yet.
func ledgerHead(tx *bolt.Tx, create bool) (*bolt.Bucket, error) {
	head := tx.Bucket(headBucket)
	if head == nil && create {
		if name, _ := tx.Cursor().First(); name == nil {
			return newLedgerHead(tx)
		}
	}
	if head == nil || tx.Bucket(peersBucket) == nil || len(head.Get(versionKey)) != 2 {
		return nil, fmt.Errorf("%w: the file holds no ledger", ErrLedger)
	}
	if v := binary.BigEndian.Uint16(head.Get(versionKey)); v != LedgerVersion {
		return nil, fmt.Errorf("%w: %d, here %d", ErrLedgerVersion, v, LedgerVersion)
	}
	if len(head.Get(sketchKey)) != 16 {
		return nil, fmt.Errorf("%w: it has no key", ErrLedger)
	}
	return head, nil
}

func newLedgerHead(tx *bolt.Tx) (*bolt.Bucket, error) {
	head, err := tx.CreateBucket(headBucket)
	if err != nil {
		return nil, err
	}
	if _, err := tx.CreateBucket(peersBucket); err != nil {
		return nil, err
	}
	key := make([]byte, 16)
	rand.Read(key)
	if err := head.Put(sketchKey, key); err != nil {
		return nil, err
	}
	return head, head.Put(versionKey, binary.BigEndian.AppendUint16(nil, LedgerVersion))
}

// hasher returns the hash of items in sketches.
func hasher(head *bolt.Bucket) *iblt.Hasher { return iblt.NewHasher([16]byte(head.Get(sketchKey))) }

// What a peer's bucket holds: a booking and, where there is one, a sketch, for each
// session, by the number that the ledger gave it.
const (
	bookingKind = 'r'
	sketchKind  = 's'
)

func entryKey(kind byte, id uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{kind}, id)
}

// eachOf calls f with what a peer's bucket holds of a kind, in order of number.
func eachOf(peer *bolt.Bucket, kind byte, f func(id uint64, value []byte) error) error {
	c := peer.Cursor()
	for k, v := c.Seek([]byte{kind}); bytes.HasPrefix(k, []byte{kind}); k, v = c.Next() {
		if len(k) != 1+8 {
			return fmt.Errorf("%w: a key of %d bytes", ErrLedger, len(k))
		}
		if err := f(binary.BigEndian.Uint64(k[1:]), v); err != nil {
			return err
		}
	}
	return nil
}
