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

// write puts a file of a live session into the folder. Nothing is synced to the disk:
// a session does not outlive its process, and a file that a crash tears is never whole.
func (f *mailFolder) write(n mailName, number uint32, payload []byte) error {
	return f.put(n.String(), marshalMail(n, number, payload))
}

// put puts a file into the folder, whole or not at all. The mode is the umask's to
// narrow, as the peer may be another user, and the file is ciphertext.
func (f *mailFolder) put(name string, data []byte) error {
	if err := f.root.WriteFile(name+mailPart, data, 0o666); err != nil {
		return fmt.Errorf("%w: %w", ErrMailbox, err)
	}
	if err := f.root.Rename(name+mailPart, name); err != nil {
		return fmt.Errorf("%w: %w", ErrMailbox, err)
	}
	return nil
}

// read returns what parseMail makes of a file. Errors are those of get beside.
func (f *mailFolder) read(n mailName) (number uint32, payload []byte, err error) {
	in, err := f.get(n.String(), mailHeader+maxMailData)
	if err != nil {
		return 0, nil, err
	}
	return parseMail(in, n)
}

// get returns a file's bytes, and at most one more than max. The error is fs.ErrNotExist
// where there is none, and errNotWhole where it cannot be read yet: some programs that
// synchronise folders lock a file until it is whole.
func (f *mailFolder) get(name string, max int) ([]byte, error) {
	info, err := f.root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fs.ErrNotExist
	}
	if err != nil {
		return nil, errNotWhole
	}
	if !info.Mode().IsRegular() { // to open a pipe could take for ever
		return nil, &MailError{File: name, Reason: "it is not a regular file"}
	}
	file, err := f.root.Open(name)
	if err != nil {
		return nil, errNotWhole
	}
	defer file.Close()
	in := make([]byte, min(info.Size(), int64(max))+1)
	read, err := io.ReadFull(file, in)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, errNotWhole
	}
	return in[:read], nil
}

func (f *mailFolder) exists(n mailName) bool {
	_, err := f.root.Lstat(n.String())
	return !errors.Is(err, fs.ErrNotExist)
}

// remove deletes a file. Where that fails, as for a file that another program has
// open, the end of the session or a later one tries again.
func (f *mailFolder) remove(name string) { _ = f.root.Remove(name) }

// walk calls visit for each file of a live mailbox. Those that are being written have
// part set, and no more than their session.
func (f *mailFolder) walk(visit func(e fs.DirEntry, n mailName)) error {
	return f.list(func(e fs.DirEntry) {
		if n, ok := parseMailName(strings.TrimSuffix(e.Name(), mailPart)); ok {
			visit(e, n)
		}
	})
}

// list calls visit for each file in the folder, a batch in memory at a time.
func (f *mailFolder) list(visit func(fs.DirEntry)) error {
	dir, err := f.root.Open(".")
	if err != nil {
		return fmt.Errorf("%w: %w", ErrMailbox, err)
	}
	defer dir.Close()
	for {
		entries, err := dir.ReadDir(256)
		for _, e := range entries {
			visit(e)
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
