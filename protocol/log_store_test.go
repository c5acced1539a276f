package protocol

import (
	"errors"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

var errCrash = errors.New("the machine stopped")

// crashStore is a logStore in memory that stops at its n-th step and then keeps
// what a disk may keep: all that was synced, and of the rest any part, in any
// order.
type crashStore struct {
	names_ map[string]*crashData // as the process sees them
	synced map[string]*crashData // as they are on disk
	left   int                   // steps until it stops; negative: never
	steps  int
	rng    *rand.Rand
}

// crashData is the content of a file, and what was written since its last sync.
type crashData struct {
	data    []byte
	durable []byte
	writes  []crashWrite
}

type crashWrite struct {
	at       int64 // -1: the file got the size of data
	data     []byte
	truncate int64
}

func newCrashStore(seed uint64) *crashStore {
	return &crashStore{names_: map[string]*crashData{}, synced: map[string]*crashData{}, left: -1, rng: rand.New(rand.NewPCG(seed, 5))}
}

// step counts a step that changes something, and reports the crash.
func (s *crashStore) step() error {
	s.steps++
	if s.left == 0 {
		return errCrash
	}
	if s.left > 0 {
		s.left--
	}
	return nil
}

// restart is the machine after a crash.
func (s *crashStore) restart() {
	s.left = -1
	files := maps.Clone(s.synced)
	for name, d := range s.names_ { // a name that was not synced may be there or not
		if s.rng.IntN(2) == 0 {
			files[name] = d
		}
	}
	for name := range s.synced {
		if s.names_[name] == nil && s.rng.IntN(2) == 0 {
			delete(files, name)
		}
	}
	for _, d := range files {
		d.settle(s.rng)
	}
	s.names_, s.synced = files, maps.Clone(files)
}

func (d *crashData) settle(rng *rand.Rand) {
	data := slices.Clone(d.durable)
	for _, w := range d.writes {
		if rng.IntN(3) == 0 {
			continue
		}
		if w.at < 0 {
			data = resize(data, w.truncate)
			continue
		}
		part := w.data
		if rng.IntN(3) == 0 {
			part = part[:rng.IntN(len(part)+1)]
		}
		data = put(data, part, w.at)
	}
	d.data, d.durable, d.writes = data, slices.Clone(data), nil
}

func resize(data []byte, n int64) []byte {
	if n <= int64(len(data)) {
		return data[:n]
	}
	return append(data, make([]byte, n-int64(len(data)))...)
}

func put(data, part []byte, at int64) []byte {
	if end := at + int64(len(part)); end > int64(len(data)) {
		data = resize(data, end)
	}
	copy(data[at:], part)
	return data
}

func (s *crashStore) lock() (func() error, error) { return func() error { return nil }, nil }

func (s *crashStore) open(name string) (logFile, error) {
	d := s.names_[name]
	if d == nil {
		if err := s.step(); err != nil {
			return nil, err
		}
		d = &crashData{}
		s.names_[name] = d
	}
	return &crashFile{s, d}, nil
}

func (s *crashStore) read(name string) ([]byte, error) {
	if d := s.names_[name]; d != nil {
		return slices.Clone(d.data), nil
	}
	return nil, fs.ErrNotExist
}

func (s *crashStore) names(prefix string) ([]string, error) {
	var names []string
	for _, n := range slices.Sorted(maps.Keys(s.names_)) {
		if strings.HasPrefix(n, prefix) {
			names = append(names, n)
		}
	}
	return names, nil
}

func (s *crashStore) rename(from, to string) error {
	if err := s.step(); err != nil {
		return err
	}
	s.names_[to] = s.names_[from]
	delete(s.names_, from)
	return nil
}

func (s *crashStore) remove(name string) error {
	if err := s.step(); err != nil {
		return err
	}
	delete(s.names_, name)
	return nil
}

func (s *crashStore) sync() error {
	if err := s.step(); err != nil {
		return err
	}
	s.synced = maps.Clone(s.names_)
	return nil
}

type crashFile struct {
	s *crashStore
	d *crashData
}

func (f *crashFile) ReadAt(p []byte, at int64) (int, error) {
	if at >= int64(len(f.d.data)) {
		return 0, io.EOF
	}
	n := copy(p, f.d.data[at:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (f *crashFile) WriteAt(p []byte, at int64) (int, error) {
	err := f.s.step()
	f.d.writes = append(f.d.writes, crashWrite{at: at, data: slices.Clone(p)})
	f.d.data = put(f.d.data, p, at)
	if err != nil {
		return 0, err
	}
	return len(p), nil
}

func (f *crashFile) Truncate(n int64) error {
	if err := f.s.step(); err != nil {
		return err
	}
	f.d.writes = append(f.d.writes, crashWrite{at: -1, truncate: n})
	f.d.data = resize(f.d.data, n)
	return nil
}

func (f *crashFile) Sync() error {
	if err := f.s.step(); err != nil {
		return err
	}
	f.d.durable, f.d.writes = slices.Clone(f.d.data), nil
	return nil
}

func (f *crashFile) Size() (int64, error) { return int64(len(f.d.data)), nil }
func (f *crashFile) Close() error         { return nil }

// A crash after any step of beginning a log, appending, erasing and cosigning
// leaves a log that verifies and has every entry that Append returned for.
func TestLogSurvivesCrashes(t *testing.T) {
	t.Parallel()
	own, other := identity(t, "Police of Arcadia"), identity(t, "Bureau of Borduria")
	peers := []Peer{other.Peer()}
	remote, err := openLog(newCrashStore(0), other)
	if err != nil {
		t.Fatal(err)
	}
	repaired := 0
	for stop, over := 0, false; !over; stop++ {
		for seed := range uint64(8) {
			s := newCrashStore(seed)
			s.left = stop
			acknowledged := int64(0)
			erased := false
			err := func() error {
				l, err := openLog(s, own)
				if err != nil {
					return err
				}
				for i := range 3 {
					if err := l.Append(testEntry(i), testEntry(i+10)); err != nil {
						return err
					}
					acknowledged += 2
				}
				if _, _, err := l.Erase(Retention{Before: testTime(2), Now: testTime(100), Reason: "three years"}); err != nil {
					return err
				}
				acknowledged, erased = acknowledged+1, true
				_, err = l.Cosign(must(remote.Request(own.SigningKey(), 0)), other.Peer(), testTime(101))
				return err
			}()
			if over = err == nil; err != nil && !errors.Is(err, errCrash) {
				t.Fatalf("step %d: %v", stop, err)
			}
			s.restart()
			l, err := openLog(s, own)
			if err != nil {
				t.Fatalf("step %d, seed %d: %v", stop, seed, err)
			}
			report, err := l.Verify(peers)
			if err != nil {
				t.Fatalf("step %d, seed %d: %v", stop, seed, err)
			}
			repaired += l.Repaired()
			if report.Entries < acknowledged || report.Entries > acknowledged+2 {
				t.Errorf("step %d, seed %d: %d entries, %d acknowledged", stop, seed, report.Entries, acknowledged)
			}
			if erased && report.Erased != 2 {
				t.Errorf("step %d, seed %d: %d erased", stop, seed, report.Erased)
			}
			if err := l.Append(testEntry(50)); err != nil {
				t.Errorf("step %d, seed %d: %v", stop, seed, err)
			}
		}
		if over && stop < 60 {
			t.Errorf("only %d steps", stop)
		}
	}
	if repaired == 0 {
		t.Error("no crash left anything to repair")
	}
}

// A disk that fails an operation fails the entry, and the log goes on after.
func TestLogWriteFails(t *testing.T) {
	s := newCrashStore(1)
	l, err := openLog(s, identity(t, "A"))
	if err != nil {
		t.Fatal(err)
	}
	for stop := 0; ; stop++ {
		s.left = stop
		err := l.Append(testEntry(stop))
		s.left = -1
		if err == nil {
			break
		}
		if !errors.Is(err, ErrLogWrite) || !errors.Is(err, errCrash) {
			t.Errorf("step %d: %v", stop, err)
		}
		if _, err := l.Verify(nil); err != nil {
			t.Errorf("step %d: %v", stop, err)
		}
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
