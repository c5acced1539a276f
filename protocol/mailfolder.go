package protocol

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"
)

// mailFolder is an open folder. Names in it cannot lead out of it, not by
// symbolic links either.
type mailFolder struct {
	root *os.Root
	poll time.Duration
}

// openMailFolder finds out whether the folder can be used.
func openMailFolder(m *Mailbox) (*mailFolder, error) {
	poll := m.Poll
	if poll < 0 {
		return nil, fmt.Errorf("%w: a negative time between looks into a mailbox", ErrConfig)
	}
	if poll == 0 {
		poll = defaultPoll
	}
	root, err := os.OpenRoot(m.Dir)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMailbox, err)
	}
	f := &mailFolder{root: root, poll: poll}
	trial := mailName{newMailSession(), caller, mailClosed, 0}.String() + mailPart
	if err := errors.Join(root.WriteFile(trial, nil, 0o666), root.Remove(trial)); err != nil {
		_ = root.Close() // a folder that was not written to
		return nil, fmt.Errorf("%w: not writable: %w", ErrMailbox, err)
	}
	return f, nil
}

// write puts a file into the folder, whole or not at all. Nothing is synced to
// the disk: a session does not outlive its process, and a file that a crash tears
// is never whole. The mode is the umask's to narrow, as the peer may be another
// user, and the file is ciphertext.
func (f *mailFolder) write(n mailName, number uint32, payload []byte) error {
	name := n.String()
	if err := f.root.WriteFile(name+mailPart, marshalMail(n, number, payload), 0o666); err != nil {
		return fmt.Errorf("%w: %w", ErrMailbox, err)
	}
	if err := f.root.Rename(name+mailPart, name); err != nil {
		return fmt.Errorf("%w: %w", ErrMailbox, err)
	}
	return nil
}

// read returns what parseMail makes of a file. The error is fs.ErrNotExist where
// there is none, and errNotWhole where it cannot be read yet: some programs that
// synchronise folders lock a file until it is whole.
func (f *mailFolder) read(n mailName) (number uint32, payload []byte, err error) {
	info, err := f.root.Lstat(n.String())
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil, fs.ErrNotExist
	}
	if err != nil {
		return 0, nil, errNotWhole
	}
	if !info.Mode().IsRegular() { // to open a pipe could take for ever
		return 0, nil, &MailError{File: n.String(), Reason: "it is not a regular file"}
	}
	file, err := f.root.Open(n.String())
	if err != nil {
		return 0, nil, errNotWhole
	}
	defer file.Close()
	in := make([]byte, min(info.Size(), int64(mailHeader+maxMailData))+1)
	read, err := io.ReadFull(file, in)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return 0, nil, errNotWhole
	}
	return parseMail(in[:read], n)
}

func (f *mailFolder) exists(n mailName) bool {
	_, err := f.root.Lstat(n.String())
	return !errors.Is(err, fs.ErrNotExist)
}

// remove deletes a file. Where that fails, as for a file that another program has
// open, the end of the session or a later one tries again.
func (f *mailFolder) remove(name string) { _ = f.root.Remove(name) }

// walk calls visit for each file of a live mailbox, a batch in memory at a time.
// Those that are being written have part set, and no more than their session.
func (f *mailFolder) walk(visit func(e fs.DirEntry, n mailName)) error {
	dir, err := f.root.Open(".")
	if err != nil {
		return fmt.Errorf("%w: %w", ErrMailbox, err)
	}
	defer dir.Close()
	for {
		entries, err := dir.ReadDir(256)
		for _, e := range entries {
			if n, ok := parseMailName(strings.TrimSuffix(e.Name(), mailPart)); ok {
				visit(e, n)
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%w: %w", ErrMailbox, err)
		}
	}
}

// clear deletes all files of a session.
func (f *mailFolder) clear(s mailSession) {
	_ = f.walk(func(e fs.DirEntry, n mailName) { // a folder that cannot be listed keeps them
		if n.session == s {
			f.remove(e.Name())
		}
	})
}

// sweep deletes what sessions that ended in disorder have left for a day. The
// time of a file is the one that it was written at, by the clock of its writer.
func (f *mailFolder) sweep() {
	_ = f.walk(func(e fs.DirEntry, _ mailName) { // as in clear
		if info, err := e.Info(); err == nil && time.Since(info.ModTime()) > staleAfter {
			f.remove(e.Name())
		}
	})
}

func newMailSession() (s mailSession) {
	rand.Read(s[:])
	return s
}

// String returns enough of the identifier to tell sessions apart in a log.
func (s mailSession) String() string { return hex.EncodeToString(s[:4]) }
