package protocol

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// A proof of inclusion is a text in the form of C2SP tlog-proof: its extra data is
// the leaf, followed by the payload unless that was erased.
const proofHead = "c2sp.org/tlog-proof@v1\n"

// Prove returns the proof that an entry is in the log, to be shown to others: it
// holds the entry itself, where that was not erased, and no other.
func (l *Log) Prove(index int64) (proof []byte, err error) {
	err = l.with(func(t *logTree) error {
		if index < 0 || index >= t.size {
			return fmt.Errorf("%w: no entry %d among %d", ErrEntry, index, t.size)
		}
		if err := t.checkRoot(); err != nil {
			return err
		}
		r, err := t.read(index)
		if err != nil {
			return err
		}
		path, err := tlog.ProveRecord(t.size, index, t)
		if err != nil {
			return err
		}
		extra := r.leaf.data()
		if r.entry != nil {
			extra = append(extra, r.payload...)
		}
		proof = fmt.Appendf(nil, "%sextra %s\nindex %d\n", proofHead, base64.StdEncoding.EncodeToString(extra), index)
		for _, h := range path {
			proof = fmt.Appendf(proof, "%v\n", h)
		}
		proof = append(append(proof, '\n'), t.note...)
		return nil
	})
	return proof, err
}

func (t *logTree) read(i int64) (*record, error) {
	start, err := t.endOf(i - 1)
	if err != nil {
		return nil, err
	}
	var stored [leafSize]byte
	if err := readAt(t.leaves, leavesFile, stored[:], logHeaderSize+leafSize*i); err != nil {
		return nil, err
	}
	r, err := readRecord(i, stored, start, t.payloads)
	if err != nil {
		return nil, err
	}
	return r, r.err
}

// CheckProof reads a proof by Prove from the agency with the signing key. It
// returns the entry in its place, and the checkpoint that it is proved under; a
// payload that was erased has none. Errors are ErrLogProof and ErrLogVersion.
func CheckProof(proof []byte, key ed25519.PublicKey) (*Logged, *Checkpoint, error) {
	malformed := fmt.Errorf("%w: not a proof of inclusion", ErrLogProof)
	if len(proof) > 2*maxNote {
		return nil, nil, malformed
	}
	body, ok := bytes.CutPrefix(proof, []byte(proofHead))
	head, text, ok2 := bytes.Cut(body, []byte("\n\n"))
	lines := strings.Split(string(head), "\n")
	if !ok || !ok2 || len(lines) < 2 {
		return nil, nil, malformed
	}
	encoded, ok := strings.CutPrefix(lines[0], "extra ")
	extra, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if !ok || err != nil || base64.StdEncoding.EncodeToString(extra) != encoded {
		return nil, nil, malformed
	}
	number, ok := strings.CutPrefix(lines[1], "index ")
	index, err := strconv.ParseInt(number, 10, 64)
	if !ok || err != nil || index < 0 || strconv.FormatInt(index, 10) != number {
		return nil, nil, malformed
	}
	path, err := parseHashes(lines[2:])
	if err != nil {
		return nil, nil, err
	}
	c, err := openCheckpoint(text, key)
	if err != nil {
		return nil, nil, err
	}
	stored, entry, err := openLeaf(extra)
	if err != nil {
		return nil, nil, err
	}
	if index >= c.Size || tlog.CheckRecord(path, c.Size, tlog.Hash(c.Root), index, tlog.RecordHash(stored)) != nil {
		return nil, nil, fmt.Errorf("%w: the entry is not in the log", ErrLogProof)
	}
	return &Logged{Index: index, Entry: entry, Erased: entry == nil}, c, nil
}

// openLeaf reads a leaf and the payload behind it, if there is one.
func openLeaf(data []byte) (stored []byte, entry *Entry, err error) {
	if len(data) < leafSize {
		return nil, nil, fmt.Errorf("%w: a leaf is too short", ErrLogProof)
	}
	stored, payload := data[:leafSize], data[leafSize:]
	if len(payload) == 0 {
		return stored, nil, nil
	}
	length := binary.BigEndian.Uint64(stored[len(Hash{}):])
	if len(payload) <= saltSize || uint64(len(payload)) != length || commit(payload) != Hash(stored[:len(Hash{})]) {
		return nil, nil, fmt.Errorf("%w: a payload is not what was committed to", ErrLogProof)
	}
	entry, err = ParseEntry(payload[saltSize:])
	if err != nil && !errors.Is(err, ErrLogVersion) {
		err = fmt.Errorf("%w: %w", ErrLogProof, err)
	}
	return stored, entry, err
}
