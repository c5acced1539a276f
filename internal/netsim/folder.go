package netsim

import (
	"bytes"
	"errors"
	"hash/fnv"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"
)

// block is the most that a file system fills in at once.
const block = 512

// FolderProfile is how badly two folders are kept the same. The zero value copies
// each file once, whole, within a round.
type FolderProfile struct {
	// Every is the time from one round to the next. 0: 2 ms.
	Every time.Duration
	// Delay is how many rounds at most a file waits. Files overtake each other.
	Delay int
	// Torn is how many files in a hundred show a part of themselves first: they are
	// cut short, or zeros stand for their beginning or end.
	Torn int
	// Again is how many files in a hundred are copied once more in a round, though
	// they were copied and the other side may have deleted them.
	Again int
	// Cut is how many copies are made before nothing travels any more. 0: it goes on.
	Cut int
	// Deletes lets deletions travel too.
	Deletes bool
	// Ignore names files that are never copied. Nil: none.
	Ignore func(name string) bool
	// Watch, if set, is told at each round which of its own files lie in a folder.
	Watch func(dir string, names []string)
}

// Folder copies new and changed files between two folders in both directions, in
// the background. A file belongs to the folder in which it is seen first, and is
// copied from there only.
type Folder struct {
	seed uint64
	p    FolderProfile
	dirs [2]string

	end, ended chan struct{}
	err        error
	files      map[string]*file
	copies     int
}

// file is what is known of one.
type file struct {
	owner  int // of dirs
	r      *rand.Rand
	wait   int    // rounds left
	text   []byte // as last copied whole
	copied bool   // whole, once
	there  bool   // the copy was not deleted since
	torn   bool   // a part has been shown
}

// NewFolder begins to copy between two folders.
func NewFolder(a, b string, seed uint64, p FolderProfile) *Folder {
	if p.Every == 0 {
		p.Every = 2 * time.Millisecond
	}
	f := &Folder{
		seed: seed, p: p, dirs: [2]string{a, b},
		end: make(chan struct{}), ended: make(chan struct{}), files: make(map[string]*file),
	}
	go f.loop()
	return f
}

// Stop ends the copying. It returns the texts of all files that were copied, by
// name, and the first error of a folder.
func (f *Folder) Stop() (map[string][]byte, error) {
	close(f.end)
	<-f.ended
	texts := make(map[string][]byte)
	for name, x := range f.files {
		if x.copied {
			texts[name] = x.text
		}
	}
	return texts, f.err
}

func (f *Folder) loop() {
	defer close(f.ended)
	tick := time.NewTicker(f.p.Every)
	defer tick.Stop()
	for f.err == nil {
		f.err = f.round()
		select {
		case <-f.end:
			return
		case <-tick.C:
		}
	}
}

// round copies what is due.
func (f *Folder) round() error {
	if f.p.Cut > 0 && f.copies >= f.p.Cut {
		return nil
	}
	var here [2]map[string]bool
	for i, dir := range f.dirs {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return err
		}
		here[i] = make(map[string]bool)
		for _, e := range entries {
			if f.p.Ignore == nil || !f.p.Ignore(e.Name()) {
				here[i][e.Name()] = true
			}
		}
	}
	if f.p.Deletes {
		if err := f.deletions(here); err != nil {
			return err
		}
	}
	for i, names := range here {
		if err := f.carry(i, names); err != nil {
			return err
		}
	}
	return nil
}

// carry copies what is due from one folder.
func (f *Folder) carry(from int, names map[string]bool) error {
	var own []string
	for name := range names {
		x := f.files[name]
		if x == nil {
			x = f.meet(name, from)
		}
		if x.owner != from || f.p.Cut > 0 && f.copies >= f.p.Cut {
			continue
		}
		own = append(own, name)
		if err := f.copy(name, x); err != nil {
			return err
		}
	}
	if f.p.Watch != nil {
		f.p.Watch(f.dirs[from], own)
	}
	return nil
}

// meet draws for a new file.
func (f *Folder) meet(name string, owner int) *file {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name)) // never fails
	x := &file{owner: owner, r: source(f.seed, h.Sum64())}
	x.wait = x.r.IntN(f.p.Delay + 1)
	x.torn = x.r.IntN(100) >= f.p.Torn
	f.files[name] = x
	return x
}

func (f *Folder) copy(name string, x *file) error {
	if x.wait > 0 {
		x.wait--
		return nil
	}
	text, err := os.ReadFile(filepath.Join(f.dirs[x.owner], name))
	if errors.Is(err, fs.ErrNotExist) { // deleted since
		return nil
	}
	if err != nil {
		return err
	}
	if x.copied && bytes.Equal(x.text, text) && x.r.IntN(100) >= f.p.Again {
		return nil
	}
	if !x.torn && len(text) > 0 {
		x.torn = true
		return f.put(name, x, tear(x.r, text))
	}
	x.text, x.copied, x.there = text, true, true
	return f.put(name, x, text)
}

func (f *Folder) put(name string, x *file, text []byte) error {
	f.copies++
	return os.WriteFile(filepath.Join(f.dirs[1-x.owner], name), text, 0o600)
}

// tear returns what may be seen of a file that is on its way: its beginning, or
// zeros where room was made and a block is not filled in yet.
func tear(r *rand.Rand, text []byte) []byte {
	at := r.IntN(len(text))
	blocks := at / block * block
	switch r.IntN(3) {
	case 0:
		return text[:at]
	case 1:
		return append(bytes.Clone(text[:blocks]), make([]byte, len(text)-blocks)...)
	}
	blocks = min(blocks+block, len(text))
	return append(make([]byte, blocks), text[blocks:]...)
}

// deletions makes those of one side the other's. A copy that was deleted stands
// for its file.
func (f *Folder) deletions(here [2]map[string]bool) error {
	for name, x := range f.files {
		if !x.there || here[0][name] == here[1][name] {
			continue
		}
		x.there = false
		for _, dir := range f.dirs {
			if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}
