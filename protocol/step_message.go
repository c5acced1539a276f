package protocol

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
)

// The messages of a session in steps, to the byte in SPEC.md, "Step form of the mailbox":
//
//	proposer                                                        acceptor
//	1  propose: nonce, terms, run 1                  ──▶
//	                      ◀──   accept: nonce, signature, run 2             2
//	3  confirm: signature, commitment, run 3         ──▶
//	                              ◀──   go on: commitment, run 4            4
//	5  go on: run 5                                  ──▶
//	                                          ◀──   go on: run 6            6
//
// run n is message n of psi.Steps. Either side may answer by an abort, and the acceptor
// by a refusal. The proposal is signed as any part is; the proposer's signature under
// the agreement comes when the acceptor's nonce is known, and before the acceptor sends
// any of its data.

const (
	lastMessage = 6
	maxTermName = 32
)

const (
	kindPropose byte = 1 + iota
	kindAccept
	kindConfirm
	kindGoOn
	kindRefuse
	kindAbort
)

func stepHash(label string, parts ...[]byte) Hash {
	h := sha256.New()
	h.Write([]byte(label))
	for _, p := range parts { // each of a fixed length, but for one at most
		h.Write(p)
	}
	return Hash(h.Sum(nil))
}

// haltError is a failure of this side's own making, after which the same message can be
// taken again: nothing of it is in the checkpoint.
type haltError struct{ error }

func (e haltError) Unwrap() error { return e.error }

// stepReader reads the content of a message from its parts, which were all there.
type stepReader struct {
	r       *stepRun
	name    stepName // of the next part
	from    ed25519.PublicKey
	rest    []byte
	last    bool
	content hash.Hash
	bad     *string // set to the name of a file that is not the peer's
}

func (m *stepReader) Read(p []byte) (int, error) {
	for len(m.rest) == 0 {
		if m.last {
			return 0, io.EOF
		}
		if err := m.next(); err != nil {
			return 0, haltError{err}
		}
	}
	n := copy(p, m.rest)
	m.content.Write(p[:n])
	m.rest = m.rest[n:]
	return n, nil
}

func (m *stepReader) next() error {
	last, payload, err := m.r.part(m.name)
	if err != nil {
		return err
	}
	sender, content, err := openStep(m.r.c.Identity, m.name, last, payload)
	if err == nil && !bytes.Equal(sender, m.from) {
		err = errSealed
	}
	if err != nil {
		*m.bad = m.name.String()
		return &MailError{File: m.name.String(), Reason: "it is not the peer's, or was changed"}
	}
	m.rest, m.last = content, last
	m.name.part++
	return nil
}

// head reads so many bytes of a message before its run.
func (m *stepReader) head(n int) ([]byte, error) {
	b := make([]byte, n)
	if _, err := io.ReadFull(m, b); err != nil {
		return nil, malformedMessage(err)
	}
	return b, nil
}

func malformedMessage(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: a message that ends too early", ErrFrame)
	}
	return err
}

// terms reads the text of terms after its length.
func (m *stepReader) terms() ([]byte, error) {
	length, err := m.head(3)
	if err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(append([]byte{0}, length...))
	if n > MaxTerms {
		return nil, fmt.Errorf("%w: terms of %d bytes", ErrFrame, n)
	}
	return m.head(int(n))
}

// end reads the rest of a message, of at most max bytes.
func (m *stepReader) end(max int) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(m, int64(max)+1))
	if err != nil {
		return nil, err
	}
	if len(b) > max {
		return nil, fmt.Errorf("%w: a message that goes on", ErrFrame)
	}
	return b, nil
}

// part returns a file's payload. The error is fs.ErrNotExist or errNotWhole for one
// that is still to come.
func (r *stepRun) part(n stepName) (last bool, payload []byte, err error) {
	in, err := r.folder.get(n.String(), stepHeader+maxMailData)
	if err != nil {
		return false, nil, err
	}
	return parseStepFile(in, n)
}

// arrived reports whether all parts of a message are there and whole. A file that no
// transport makes of a good one is *MailError.
func (r *stepRun) arrived(session mailSession, message uint8) (bool, error) {
	for n := (stepName{session, message, 0}); ; n.part++ {
		last, _, err := r.part(n)
		switch {
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, errNotWhole):
			return false, nil
		case err != nil || last:
			return err == nil, err
		}
	}
}

// stepWriter makes the parts of an own message in the store.
type stepWriter struct {
	r       *stepRun
	to      Peer
	name    stepName               // of the next part
	head    func() ([]byte, error) // of the content; asked for when the run's first byte comes
	rest    []byte
	content hash.Hash
}

func (w *stepWriter) begin() error {
	if w.head == nil {
		return nil
	}
	head, err := w.head()
	w.head, w.rest = nil, head
	return err
}

func (w *stepWriter) Write(p []byte) (int, error) {
	if err := w.begin(); err != nil {
		return 0, err
	}
	w.rest = append(w.rest, p...)
	size := stepContent
	if w.r.Steps.part > 0 {
		size = w.r.Steps.part
	}
	for len(w.rest) > size {
		if err := w.cut(w.rest[:size], false); err != nil {
			return 0, err
		}
		w.rest = append(w.rest[:0], w.rest[size:]...)
	}
	return len(p), nil
}

// end makes the last part and returns how many there are.
func (w *stepWriter) end() (parts uint32, err error) {
	if err := w.begin(); err != nil {
		return 0, err
	}
	if err := w.cut(w.rest, true); err != nil {
		return 0, err
	}
	return w.name.part, nil
}

func (w *stepWriter) cut(content []byte, last bool) error {
	data, err := sealStep(w.r.c.Identity, w.to, w.name, last, content)
	if err != nil {
		return haltError{err}
	}
	if err := w.r.store.stage(w.name, data); err != nil {
		return haltError{err}
	}
	w.content.Write(content)
	w.name.part++
	return nil
}
