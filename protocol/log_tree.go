package protocol

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"golang.org/x/mod/sumdb/tlog"
)

// Files of a log. The first three grow, each from a header on; the checkpoint says
// how much of them counts.
const (
	leavesFile     = "leaves"     // commitments, and where payloads end
	payloadsFile   = "payloads"   // salts and entries
	hashesFile     = "hashes"     // of the tree, in the order of tlog.StoredHashIndex
	checkpointFile = "checkpoint" // signed
	erasingFile    = "erasing"    // there while an erasure is under way

	logHeaderSize = 16
	saltSize      = 32
	leafSize      = sha256.Size + 8
	maxLogSize    = 1 << 40 // entries; far from overflow in any offset
)

func logHeader(file string) []byte {
	return fmt.Appendf(nil, "comity log v%d %c\n", logFormat, file[0])
}

// leaf is an entry's part in the tree, which stays when the payload is erased. Its
// length binds the places of payloads, erased ones too.
type leaf struct {
	commitment Hash
	length     int64 // of salt and entry
}

func (l *leaf) data() []byte {
	return binary.BigEndian.AppendUint64(l.commitment[:len(l.commitment):len(l.commitment)], uint64(l.length))
}

// commit is hiding through the salt, and binding as the salt's length is fixed.
func commit(payload []byte) Hash {
	h := sha256.New()
	h.Write([]byte("comity log v1 entry"))
	h.Write(payload) // salt, entry
	return Hash(h.Sum(nil))
}

// logTree is a log that is locked and loaded.
type logTree struct {
	l                        *Log
	leaves, payloads, hashes logFile
	note                     []byte // the checkpoint, signed
	size                     int64
	root                     tlog.Hash
	end                      int64 // of the payloads
}

func (t *logTree) close() error {
	var err error
	for _, f := range []logFile{t.leaves, t.payloads, t.hashes} {
		if f != nil {
			err = errors.Join(err, f.Close())
		}
	}
	return err
}

// load reads the head of the log, and puts right what a crash left unfinished.
func (l *Log) load() (_ *logTree, err error) {
	t := &logTree{l: l}
	defer func() {
		if err != nil {
			_ = t.close()
		}
	}()
	for _, f := range []struct {
		name string
		file *logFile
	}{{leavesFile, &t.leaves}, {payloadsFile, &t.payloads}, {hashesFile, &t.hashes}} {
		if *f.file, err = l.store.open(f.name); err != nil {
			return nil, err
		}
	}
	t.note, err = l.store.read(checkpointFile)
	if errors.Is(err, fs.ErrNotExist) {
		return t, t.begin()
	}
	if err != nil {
		return nil, err
	}
	if err := t.loadHead(); err != nil {
		return nil, err
	}
	if _, err := l.store.read(erasingFile); err == nil {
		l.repaired.Add(1)
		return t, t.finishErasure()
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return t, nil
}

// begin makes an empty log where there is none. Headers are on disk before the
// checkpoint is, so that without one there can be no entries.
func (t *logTree) begin() error {
	for _, f := range t.files() {
		n, err := f.file.Size()
		if err != nil {
			return err
		}
		if n > logHeaderSize {
			return &LogError{File: checkpointFile, Entry: -1, Reason: "it is missing, and there are entries"}
		}
		if err := f.file.Truncate(0); err != nil {
			return err
		}
		if _, err := f.file.WriteAt(logHeader(f.name), 0); err != nil {
			return err
		}
		if err := f.file.Sync(); err != nil {
			return err
		}
	}
	if err := t.l.store.sync(); err != nil {
		return err
	}
	t.end = logHeaderSize
	root, err := tlog.TreeHash(0, t)
	if err != nil {
		return err
	}
	return t.sign(0, root)
}

type namedFile struct {
	name string
	file logFile
	want int64 // size by the checkpoint
}

func (t *logTree) files() []namedFile {
	return []namedFile{
		{leavesFile, t.leaves, logHeaderSize + leafSize*t.size},
		{hashesFile, t.hashes, logHeaderSize + tlog.HashSize*tlog.StoredHashCount(t.size)},
		{payloadsFile, t.payloads, t.end},
	}
}

// loadHead checks headers, signature and sizes, and cuts off what no checkpoint
// covers: entries whose Append never returned.
func (t *logTree) loadHead() error {
	for _, f := range t.files() {
		if err := checkHeader(f.file, f.name); err != nil {
			return err
		}
	}
	c, err := openCheckpoint(t.note, t.l.identity.SigningKey())
	if err != nil {
		return &LogError{File: checkpointFile, Entry: -1, Reason: "not a checkpoint that this identity signed"}
	}
	t.size, t.root = c.Size, tlog.Hash(c.Root)
	t.end = logHeaderSize
	if t.size > 0 {
		if t.end, err = t.endOf(t.size - 1); err != nil {
			return err
		}
	}
	cut := false
	for _, f := range t.files() {
		n, err := f.file.Size()
		if err != nil {
			return err
		}
		if n < f.want {
			return &LogError{File: f.name, Entry: -1, Reason: fmt.Sprintf("%d bytes, %d by the checkpoint", n, f.want)}
		}
		if n > f.want {
			cut = true
			if err := errors.Join(f.file.Truncate(f.want), f.file.Sync()); err != nil {
				return err
			}
		}
	}
	if cut {
		t.l.repaired.Add(1)
	}
	return nil
}

func checkHeader(f io.ReaderAt, name string) error {
	var head [logHeaderSize]byte
	if err := readAt(f, name, head[:], 0); err != nil {
		return err
	}
	want := logHeader(name)
	if bytes.Equal(head[:], want) {
		return nil
	}
	version, rest, ok := bytes.Cut(bytes.TrimPrefix(head[:], []byte("comity log v")), []byte(" "))
	if ok && bytes.HasPrefix(head[:], []byte("comity log v")) && string(rest) == string(want[len(want)-len(rest):]) && isDigits(version) {
		return fmt.Errorf("%w: %s, here %d", ErrLogVersion, version, logFormat)
	}
	return &LogError{File: name, Entry: -1, Reason: "it does not begin as a log does"}
}

func isDigits(s []byte) bool {
	for _, c := range s {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(s) > 0
}

// readAt reads what the checkpoint says is there.
func readAt(f io.ReaderAt, name string, p []byte, at int64) error {
	_, err := f.ReadAt(p, at)
	if errors.Is(err, io.EOF) {
		return &LogError{File: name, Entry: -1, Reason: "it ends too early"}
	}
	return err
}

func (t *logTree) endOf(i int64) (int64, error) {
	if i < 0 {
		return logHeaderSize, nil
	}
	var end [8]byte
	if err := readAt(t.leaves, leavesFile, end[:], logHeaderSize+leafSize*i+sha256.Size); err != nil {
		return 0, err
	}
	n := binary.BigEndian.Uint64(end[:])
	if n > uint64(logHeaderSize+(i+1)*(saltSize+MaxEntry)) {
		return 0, &LogError{File: leavesFile, Entry: i, Reason: "the payload ends too far away"}
	}
	return int64(n), nil
}

// ReadHashes implements tlog.HashReader.
func (t *logTree) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		if err := readAt(t.hashes, hashesFile, out[i][:], logHeaderSize+tlog.HashSize*x); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// sign writes a checkpoint: the moment from which entries count.
func (t *logTree) sign(size int64, root tlog.Hash) error {
	note, err := signCheckpoint(t.l.identity, size, root)
	if err != nil {
		return err
	}
	if err := replace(t.l.store, checkpointFile, note); err != nil {
		return err
	}
	t.note, t.size, t.root = note, size, root
	return nil
}

// checkRoot reports whether the stored hashes that the next ones are made of are
// those that were signed.
func (t *logTree) checkRoot() error {
	root, err := tlog.TreeHash(t.size, t)
	if err != nil {
		return err
	}
	if root != t.root {
		return &LogError{File: hashesFile, Entry: -1, Reason: "the tree is not the one signed"}
	}
	return nil
}

// append writes entries: payloads, hashes and leaves, each on disk before the
// checkpoint that makes them count.
func (t *logTree) append(entries []*Entry) error {
	if err := t.checkRoot(); err != nil {
		return err
	}
	if t.size > maxLogSize-int64(len(entries)) {
		return &LogError{File: checkpointFile, Entry: -1, Reason: "the log is full"}
	}
	var payloads, hashes, leaves []byte
	grown := overlay{t: t, from: tlog.StoredHashCount(t.size)}
	end := t.end
	for i, e := range entries {
		text, err := e.normal().marshal()
		if err != nil {
			return err
		}
		payload := make([]byte, saltSize, saltSize+len(text))
		if _, err := rand.Read(payload); err != nil {
			return err
		}
		payload = append(payload, text...)
		end += int64(len(payload))
		l := leaf{commitment: commit(payload), length: int64(len(payload))}
		fresh, err := tlog.StoredHashes(t.size+int64(i), l.data(), &grown)
		if err != nil {
			return err
		}
		grown.hashes = append(grown.hashes, fresh...)
		payloads = append(payloads, payload...)
		leaves = binary.BigEndian.AppendUint64(append(leaves, l.commitment[:]...), uint64(end))
		for _, h := range fresh {
			hashes = append(hashes, h[:]...)
		}
	}
	size := t.size + int64(len(entries))
	root, err := tlog.TreeHash(size, &grown)
	if err != nil {
		return err
	}
	for _, f := range t.files() {
		data := map[string][]byte{payloadsFile: payloads, hashesFile: hashes, leavesFile: leaves}[f.name]
		if _, err := f.file.WriteAt(data, f.want); err != nil {
			return err
		}
		if err := f.file.Sync(); err != nil {
			return err
		}
	}
	if err := t.sign(size, root); err != nil {
		return err
	}
	t.end = end
	return nil
}

// overlay reads stored hashes, and behind them those about to be.
type overlay struct {
	t      *logTree
	from   int64
	hashes []tlog.Hash
}

// ReadHashes implements tlog.HashReader.
func (o *overlay) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		if x >= o.from {
			out[i] = o.hashes[x-o.from]
			continue
		}
		h, err := o.t.ReadHashes([]int64{x})
		if err != nil {
			return nil, err
		}
		out[i] = h[0]
	}
	return out, nil
}

// record is an entry as it is stored.
type record struct {
	leaf    leaf
	start   int64  // of the payload in its file
	payload []byte // salt and entry; all zero once erased
	entry   *Entry // nil once erased
	err     error  // why there is no entry although the payload is not zero
}

// readRecord reads a payload and checks it against its commitment. Only one that
// is all zero may differ: whether it was erased by right is for Verify to say.
func readRecord(i int64, stored [leafSize]byte, start int64, payloads io.ReaderAt) (*record, error) {
	end := binary.BigEndian.Uint64(stored[sha256.Size:])
	length := int64(end - uint64(start))
	if length <= saltSize || length > saltSize+MaxEntry {
		return nil, &LogError{File: leavesFile, Entry: i, Reason: "the length of its payload is out of bounds"}
	}
	r := &record{leaf: leaf{Hash(stored[:sha256.Size]), length}, start: start, payload: make([]byte, length)}
	if err := readAt(payloads, payloadsFile, r.payload, start); err != nil {
		return nil, err
	}
	if isZero(r.payload) {
		return r, nil
	}
	if commit(r.payload) != r.leaf.commitment {
		r.err = &LogError{File: payloadsFile, Entry: i, Reason: "not what was committed to"}
		return r, nil
	}
	var err error
	if r.entry, err = ParseEntry(r.payload[saltSize:]); err != nil {
		r.err = fmt.Errorf("entry %d: %w", i, err)
	}
	return r, nil
}

func isZero(p []byte) bool { return len(bytes.Trim(p, "\x00")) == 0 }

// scan reads all records in order, none of which may be damaged.
func (t *logTree) scan(f func(i int64, r *record) error) error {
	return t.scanAny(func(i int64, r *record) error {
		if r.err != nil {
			return r.err
		}
		return f(i, r)
	})
}

// scanAny reads all records in order, damaged ones too.
func (t *logTree) scanAny(f func(i int64, r *record) error) error {
	const buffer = 64 << 10
	leaves := bufio.NewReaderSize(io.NewSectionReader(t.leaves, logHeaderSize, leafSize*t.size), buffer)
	start := int64(logHeaderSize)
	for i := range t.size {
		var stored [leafSize]byte
		if _, err := io.ReadFull(leaves, stored[:]); err != nil {
			return &LogError{File: leavesFile, Entry: i, Reason: "it ends too early"}
		}
		r, err := readRecord(i, stored, start, t.payloads)
		if err != nil {
			return err
		}
		start += r.leaf.length
		if err := f(i, r); err != nil {
			return err
		}
	}
	return nil
}
