package protocol

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"
)

// Retention is an order to erase.
type Retention struct {
	Before  time.Time // payloads of entries older than this
	Now     time.Time
	Officer string // who ordered it, an opaque id
	Reason  string // the rule of retention
}

// Erase overwrites the payloads of old entries and sees to it that this is on disk.
// Entries under a legal hold stay and are counted, as do erasures, holds and their
// releases, which tell an erasure from a loss. The erasure is logged first; one
// that a crash breaks off is finished when the log is next used. Copies of the
// files, and blocks that a file system or disk keeps of its own accord, are out of
// reach.
func (l *Log) Erase(r Retention) (erased, held int64, err error) {
	err = l.with(func(t *logTree) error {
		var ranges []Range
		holds, err := t.holds()
		if err != nil {
			return err
		}
		err = t.scan(func(i int64, rec *record) error {
			switch {
			case rec.entry == nil || rec.entry.Event.permanent() || !rec.entry.Time.Before(r.Before):
			case holds.cover(i):
				held++
			default:
				ranges = addIndex(ranges, i)
				erased++
			}
			return nil
		})
		if err != nil || len(ranges) == 0 {
			return err
		}
		var entries []*Entry
		for part := range slices.Chunk(ranges, maxRanges) {
			entries = append(entries, &Entry{Event: Erasure, Time: r.Now, Officer: r.Officer, Reason: r.Reason, Ranges: part})
		}
		if err := replace(l.store, erasingFile, nil); err != nil {
			return err
		}
		if err := t.append(entries); err != nil {
			return err
		}
		return t.finishErasure()
	})
	if err != nil {
		return 0, 0, fmt.Errorf("erase: %w", err)
	}
	return erased, held, nil
}

// finishErasure overwrites all that entries say was erased.
func (t *logTree) finishErasure() error {
	var covered []*Entry
	if err := t.scanAny(func(_ int64, r *record) error {
		if r.entry != nil && r.entry.Event == Erasure {
			covered = append(covered, r.entry)
		}
		return nil
	}); err != nil {
		return err
	}
	if err := t.scanAny(func(i int64, r *record) error {
		if isZero(r.payload) || !slices.ContainsFunc(covered, func(e *Entry) bool { return e.covers(i) }) {
			return nil
		}
		_, err := t.payloads.WriteAt(make([]byte, len(r.payload)), r.start)
		return err
	}); err != nil {
		return err
	}
	if err := t.payloads.Sync(); err != nil {
		return err
	}
	if err := t.l.store.remove(erasingFile); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return t.l.store.sync()
}

// holds are the legal holds in force, by the index of their entry.
type holds map[int64]*Entry

func (h holds) cover(i int64) bool {
	for _, e := range h {
		if e.covers(i) {
			return true
		}
	}
	return false
}

// take follows the log by one entry.
func (h holds) take(i int64, e *Entry) error {
	switch {
	case e.Event == Hold:
		h[i] = e
	case e.Event == Release && h[e.Of] == nil:
		return fmt.Errorf("%w: entry %d is no hold in force", ErrEntry, e.Of)
	case e.Event == Release:
		delete(h, e.Of)
	}
	return nil
}

func (t *logTree) holds() (holds, error) {
	h := make(holds)
	return h, t.scan(func(i int64, r *record) error {
		if r.entry == nil {
			return nil
		}
		return h.take(i, r.entry)
	})
}

// Hold keeps the payloads of a range of entries from being erased until Release; a
// range to the greatest int64 takes in entries to come. It returns the hold's
// index.
func (l *Log) Hold(r Range, now time.Time, officer, reason string) (index int64, err error) {
	err = l.with(func(t *logTree) error {
		index = t.size
		return t.append([]*Entry{{Event: Hold, Time: now, Officer: officer, Reason: reason, Ranges: []Range{r}}})
	})
	return index, err
}

// Release ends the hold of that index. Errors are ErrEntry where there is none.
func (l *Log) Release(index int64, now time.Time, officer, reason string) error {
	return l.with(func(t *logTree) error {
		h, err := t.holds()
		if err != nil {
			return err
		}
		e := &Entry{Event: Release, Time: now, Officer: officer, Reason: reason, Of: index}
		if err := h.take(t.size, e); err != nil {
			return err
		}
		return t.append([]*Entry{e})
	})
}
