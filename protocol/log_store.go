package protocol

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/lockedfile"
)

// logStore is where a log keeps its files: a flat folder. What is written is on
// disk after Sync of the file, and a new or changed name after sync of the store;
// a crash before may leave any part of it.
type logStore interface {
	lock() (unlock func() error, err error)
	open(name string) (logFile, error) // for reading and writing; made if missing
	read(name string) ([]byte, error)  // of a small file; fs.ErrNotExist
	names(prefix string) ([]string, error)
	rename(from, to string) error
	remove(name string) error
	sync() error
}

type logFile interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Size() (int64, error)
	Truncate(size int64) error
	Sync() error
}

const maxNote = 64 << 10 // a checkpoint with its signatures, or a proof

// replace gives a name new contents, wholly or not at all.
func replace(s logStore, name string, data []byte) error {
	fresh := name + ".new"
	f, err := s.open(fresh)
	if err != nil {
		return err
	}
	err = f.Truncate(0)
	if err == nil {
		_, err = f.WriteAt(data, 0)
	}
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := s.rename(fresh, name); err != nil {
		return err
	}
	return s.sync()
}

// folderStore is a logStore in the file system.
type folderStore struct{ path string }

func newFolderStore(path string) (*folderStore, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, err
	}
	return &folderStore{path}, nil
}

func (s *folderStore) join(name string) string { return filepath.Join(s.path, name) }

func (s *folderStore) lock() (func() error, error) {
	f, err := lockedfile.OpenFile(s.join("lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	return f.Close, nil
}

func (s *folderStore) open(name string) (logFile, error) {
	f, err := os.OpenFile(s.join(name), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

type osFile struct{ *os.File }

func (f osFile) Size() (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

func (s *folderStore) read(name string) ([]byte, error) {
	f, err := os.Open(s.join(name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxNote+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxNote {
		return nil, &LogError{File: name, Entry: -1, Reason: fmt.Sprintf("longer than %d bytes", maxNote)}
	}
	return data, nil
}

func (s *folderStore) names(prefix string) ([]string, error) {
	entries, err := os.ReadDir(s.path)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), prefix) && !strings.HasSuffix(e.Name(), ".new") {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

func (s *folderStore) rename(from, to string) error { return os.Rename(s.join(from), s.join(to)) }

func (s *folderStore) remove(name string) error { return os.Remove(s.join(name)) }

// sync sees the names on disk, on systems that can.
func (s *folderStore) sync() error {
	d, err := os.Open(s.path)
	if err != nil {
		return err
	}
	defer d.Close()
	err = d.Sync()
	if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrInvalid) {
		return nil
	}
	return err
}
