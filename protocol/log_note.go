package protocol

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Kinds of signature in a note: C2SP signed-note and tlog-cosignature v1.
const (
	noteEd25519     = 1
	noteCosignature = 4
)

// Checkpoint is a signed statement of what a log was: C2SP tlog-checkpoint.
type Checkpoint struct {
	Origin string // LogOrigin of the agency
	Size   int64  // entries
	Root   Hash   // of the Merkle tree
	// Cosigned is when the witness that was asked for cosigned; zero: it did not.
	Cosigned time.Time
}

func (c *Checkpoint) text() string {
	return fmt.Sprintf("%s\n%d\n%s\n", c.Origin, c.Size, tlog.Hash(c.Root))
}

// noteKey signs and verifies notes by an agency's signing key. What it signs
// begins with the name of a log or of the cosignature's format, and so is neither
// terms nor a hello, which begin with a length below 32.
type noteKey struct {
	kind    uint8
	public  ed25519.PublicKey
	private ed25519.PrivateKey // nil: verifies only
	time    time.Time          // of a cosignature to make
}

// Name implements note.Signer and note.Verifier.
func (k *noteKey) Name() string { return LogOrigin(k.public) }

// KeyHash implements note.Signer and note.Verifier.
func (k *noteKey) KeyHash() uint32 {
	h := sha256.New()
	h.Write([]byte(k.Name() + "\n"))
	h.Write([]byte{k.kind})
	h.Write(k.public)
	return binary.BigEndian.Uint32(h.Sum(nil))
}

func cosigned(seconds uint64, msg []byte) []byte {
	return append(fmt.Appendf(nil, "cosignature/v1\ntime %d\n", seconds), msg...)
}

// Sign implements note.Signer.
func (k *noteKey) Sign(msg []byte) ([]byte, error) {
	if k.kind == noteEd25519 {
		return ed25519.Sign(k.private, msg), nil
	}
	seconds := uint64(k.time.Unix())
	return append(binary.BigEndian.AppendUint64(nil, seconds), ed25519.Sign(k.private, cosigned(seconds, msg))...), nil
}

// Verify implements note.Verifier.
func (k *noteKey) Verify(msg, sig []byte) bool {
	if k.kind == noteEd25519 {
		return ed25519.Verify(k.public, msg, sig)
	}
	if len(sig) != 8+signatureSize {
		return false
	}
	return ed25519.Verify(k.public, cosigned(binary.BigEndian.Uint64(sig), msg), sig[8:])
}

func signCheckpoint(id *Identity, size int64, root tlog.Hash) ([]byte, error) {
	c := &Checkpoint{Origin: LogOrigin(id.SigningKey()), Size: size, Root: Hash(root)}
	return note.Sign(&note.Note{Text: c.text()}, &noteKey{kind: noteEd25519, public: id.SigningKey(), private: id.signing})
}

// cosign adds a cosignature to a note that openCheckpoint took.
func cosign(id *Identity, text []byte, key ed25519.PublicKey, now time.Time) ([]byte, error) {
	n, err := note.Open(text, note.VerifierList(&noteKey{kind: noteEd25519, public: key}))
	if err != nil {
		return nil, err
	}
	return note.Sign(n, &noteKey{kind: noteCosignature, public: id.SigningKey(), private: id.signing, time: now})
}

// ParseCheckpoint reads a checkpoint of the agency with the signing key, which
// must have signed it. With a witness's key, that of another agency, it also wants
// its cosignature. Errors are ErrLogProof and ErrLogVersion.
func ParseCheckpoint(text []byte, key, witness ed25519.PublicKey) (*Checkpoint, error) {
	c, err := openCheckpoint(text, key)
	if err != nil || witness == nil {
		return c, err
	}
	v := &noteKey{kind: noteCosignature, public: witness}
	n, err := note.Open(text, note.VerifierList(v))
	if err != nil {
		return nil, fmt.Errorf("%w: the checkpoint is not cosigned by the witness", ErrLogProof)
	}
	raw, err := base64.StdEncoding.DecodeString(n.Sigs[0].Base64)
	if err != nil || len(raw) < 12 {
		return nil, fmt.Errorf("%w: malformed cosignature", ErrLogProof)
	}
	seconds := binary.BigEndian.Uint64(raw[4:])
	if seconds > 1<<40 {
		return nil, fmt.Errorf("%w: the time of the cosignature is out of bounds", ErrLogProof)
	}
	c.Cosigned = time.Unix(int64(seconds), 0).UTC()
	return c, nil
}

// openCheckpoint reads a checkpoint that the holder of key signed.
func openCheckpoint(text []byte, key ed25519.PublicKey) (*Checkpoint, error) {
	if len(text) > maxNote || len(key) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("%w: a checkpoint too long, or no key", ErrLogProof)
	}
	if err := checkOrigin(text); err != nil {
		return nil, err
	}
	n, err := note.Open(text, note.VerifierList(&noteKey{kind: noteEd25519, public: key}))
	if err != nil {
		return nil, fmt.Errorf("%w: the checkpoint is malformed, or not signed by the key", ErrLogProof)
	}
	if !canonical(n, text) {
		return nil, fmt.Errorf("%w: the checkpoint is not in its one form", ErrLogProof)
	}
	lines := strings.Split(n.Text, "\n")
	if len(lines) != 4 {
		return nil, fmt.Errorf("%w: a checkpoint has three lines", ErrLogProof)
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 || size > maxLogSize {
		return nil, fmt.Errorf("%w: the checkpoint's size is malformed", ErrLogProof)
	}
	root, err := tlog.ParseHash(lines[2])
	if err != nil {
		return nil, fmt.Errorf("%w: the checkpoint's root is malformed", ErrLogProof)
	}
	c := &Checkpoint{Origin: lines[0], Size: size, Root: Hash(root)}
	if c.Origin != LogOrigin(key) || c.text() != n.Text {
		return nil, fmt.Errorf("%w: the checkpoint is another log's, or not in its one form", ErrLogProof)
	}
	return c, nil
}

// checkOrigin tells another version from a malformed text.
func checkOrigin(text []byte) error {
	rest, ok := bytes.CutPrefix(text, []byte("comity-log-v"))
	version, _, slash := bytes.Cut(rest, []byte("/"))
	if !ok || !slash || !isDigits(version) {
		return fmt.Errorf("%w: not a checkpoint of an audit log", ErrLogProof)
	}
	if string(version) != strconv.Itoa(logFormat) {
		if len(version) > 8 {
			version = version[:8]
		}
		return fmt.Errorf("%w: %s, here %d", ErrLogVersion, version, logFormat)
	}
	return nil
}

// canonical reports whether the text is the one that note.Sign would write: its
// reader lets pass base64 whose last bits are not zero.
func canonical(n *note.Note, text []byte) bool {
	var b strings.Builder
	b.WriteString(n.Text + "\n")
	rest, ok := strings.CutPrefix(string(text), b.String())
	if !ok {
		return false
	}
	for line := range strings.Lines(rest) {
		_, sig, ok := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(line, "— "), "\n"), " ")
		if _, err := base64.StdEncoding.Strict().DecodeString(sig); !ok || err != nil {
			return false
		}
	}
	return true
}

// Checkpoint returns the log's signed head.
func (l *Log) Checkpoint() (text []byte, err error) {
	err = l.with(func(t *logTree) error {
		text = t.note
		return nil
	})
	return text, err
}

// Names of files that hold the last checkpoint of another agency that this one
// cosigned, and the last of the own that another one did. The rest is the end of
// the other's origin.
const (
	witnessedPrefix = "witnessed-"
	cosignedPrefix  = "cosigned-"
)

func noteName(prefix string, key ed25519.PublicKey) string {
	_, id, _ := strings.Cut(LogOrigin(key), "/")
	return prefix + id
}

// StaleError says from which size on a witness wants a proof of consistency. It is
// ErrLogProof.
type StaleError struct {
	Size int64 // that it cosigned last
}

func (e *StaleError) Error() string {
	return fmt.Sprintf("%v: the proof must begin at size %d, which was cosigned last", ErrLogProof, e.Size)
}

// Unwrap returns ErrLogProof.
func (e *StaleError) Unwrap() error { return ErrLogProof }

// Request returns what a witness needs to cosign the log as it is: the checkpoint,
// and the proof that it continues the one of the given size, which the witness
// cosigned last (C2SP tlog-witness, add-checkpoint). Size -1 is that of the last
// cosignature that AddCosignature took from the witness.
func (l *Log) Request(witness ed25519.PublicKey, old int64) (request []byte, err error) {
	err = l.with(func(t *logTree) error {
		if old < 0 {
			if old, err = t.cosignedSize(witness); err != nil {
				return err
			}
		}
		proof, err := t.consistency(old)
		if err != nil {
			return err
		}
		request = fmt.Appendf(nil, "old %d\n", old)
		for _, h := range proof {
			request = fmt.Appendf(request, "%v\n", h)
		}
		request = append(append(request, '\n'), t.note...)
		return nil
	})
	return request, err
}

func (t *logTree) cosignedSize(witness ed25519.PublicKey) (int64, error) {
	text, err := t.l.readNote(noteName(cosignedPrefix, witness))
	if text == nil {
		return 0, err
	}
	c, err := openCheckpoint(text, t.l.identity.SigningKey())
	if err != nil {
		return 0, err
	}
	return c.Size, nil
}

// consistency proves that the log continues that of an older size.
func (t *logTree) consistency(old int64) (tlog.TreeProof, error) {
	if old > t.size {
		return nil, fmt.Errorf("%w: %d entries, %d then", ErrLogShort, t.size, old)
	}
	if err := t.checkRoot(); err != nil || old == 0 {
		return nil, err
	}
	return tlog.ProveTree(t.size, old, t)
}

// Cosign states that a peer's log, by its Request, continues what this side
// cosigned before, or begins there; it remembers the checkpoint and returns it with
// the cosignature. This side learns how many entries the log has. ErrLogShort and
// ErrLogFork say that the peer's log was cut or rewritten; *StaleError asks for
// another proof.
func (l *Log) Cosign(request []byte, peer Peer, now time.Time) ([]byte, error) {
	old, proof, text, err := parseRequest(request)
	if err != nil {
		return nil, err
	}
	c, err := openCheckpoint(text, peer.SigningKey)
	if err != nil {
		return nil, err
	}
	var out []byte
	err = l.with(func(*logTree) error {
		name := noteName(witnessedPrefix, peer.SigningKey)
		if err := l.continues(name, peer, c, old, proof); err != nil {
			return err
		}
		if out, err = cosign(l.identity, text, peer.SigningKey, now); err != nil {
			return err
		}
		return replace(l.store, name, out)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// continues reports why a peer's checkpoint does not continue the one of the name.
func (l *Log) continues(name string, peer Peer, c *Checkpoint, old int64, proof tlog.TreeProof) error {
	text, err := l.readNote(name)
	if err != nil {
		return err
	}
	last := &Checkpoint{Root: Hash(emptyRoot)}
	if text != nil {
		if last, err = ParseCheckpoint(text, peer.SigningKey, l.identity.SigningKey()); err != nil {
			return &LogError{File: name, Entry: -1, Reason: "not a checkpoint that this identity cosigned"}
		}
	}
	switch {
	case c.Size < last.Size:
		return fmt.Errorf("%w: %d entries, %d then", ErrLogShort, c.Size, last.Size)
	case c.Size == last.Size && c.Root != last.Root:
		return ErrLogFork
	case old != last.Size:
		return &StaleError{Size: last.Size}
	case last.Size == 0:
		if len(proof) > 0 {
			return fmt.Errorf("%w: a proof from nothing is empty", ErrLogProof)
		}
		return nil
	}
	if tlog.CheckTree(proof, c.Size, tlog.Hash(c.Root), last.Size, tlog.Hash(last.Root)) != nil {
		return ErrLogFork
	}
	return nil
}

var emptyRoot = tlog.Hash(sha256.Sum256(nil)) // RFC 6962, 2.1

const maxProof = 63 // hashes, as in tlog-witness

func parseRequest(request []byte) (old int64, proof tlog.TreeProof, text []byte, err error) {
	malformed := fmt.Errorf("%w: the request is malformed", ErrLogProof)
	head, text, ok := bytes.Cut(request, []byte("\n\n"))
	if !ok || len(request) > maxNote {
		return 0, nil, nil, malformed
	}
	lines := strings.Split(string(head), "\n")
	number, ok := strings.CutPrefix(lines[0], "old ")
	if old, err = strconv.ParseInt(number, 10, 64); !ok || err != nil || old < 0 || strconv.FormatInt(old, 10) != number {
		return 0, nil, nil, malformed
	}
	hashes, err := parseHashes(lines[1:])
	return old, hashes, text, err
}

func parseHashes(lines []string) ([]tlog.Hash, error) {
	if len(lines) > maxProof {
		return nil, fmt.Errorf("%w: longer than %d hashes", ErrLogProof, maxProof)
	}
	var hashes []tlog.Hash
	for _, line := range lines {
		h, err := tlog.ParseHash(line)
		if err != nil || h.String() != line {
			return nil, fmt.Errorf("%w: a hash is malformed", ErrLogProof)
		}
		hashes = append(hashes, h)
	}
	return hashes, nil
}

// AddCosignature keeps a checkpoint of this log that a witness cosigned, for
// Verify. It must be the log's own past, and not older than the one kept.
func (l *Log) AddCosignature(text []byte, witness Peer) (*Checkpoint, error) {
	c, err := ParseCheckpoint(text, l.identity.SigningKey(), witness.SigningKey)
	if err != nil {
		return nil, err
	}
	return c, l.with(func(t *logTree) error {
		if err := t.follows(c); err != nil {
			return err
		}
		old, err := t.cosignedSize(witness.SigningKey)
		if err != nil || old > c.Size {
			return err
		}
		return replace(l.store, noteName(cosignedPrefix, witness.SigningKey), text)
	})
}

// follows reports why the log does not continue its own checkpoint c.
func (t *logTree) follows(c *Checkpoint) error {
	if c.Size > t.size {
		return fmt.Errorf("%w: %d entries, %d then", ErrLogShort, t.size, c.Size)
	}
	if err := t.checkRoot(); err != nil {
		return err
	}
	root, err := tlog.TreeHash(c.Size, t)
	if err != nil {
		return err
	}
	if Hash(root) != c.Root {
		return ErrLogFork
	}
	return nil
}

// readNote returns a note, or nil where there is none.
func (l *Log) readNote(name string) ([]byte, error) {
	text, err := l.store.read(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return text, err
}
