package netsim

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func put(t *testing.T, dir, name string, text []byte) {
	t.Helper()
	part := filepath.Join(dir, name+".part")
	if err := os.WriteFile(part, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(part, filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
}

// until waits until a condition holds.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for range 5000 {
		if holds() {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatalf("it never came to it: %s", what)
}

func has(dir, name string, text []byte) bool {
	got, err := os.ReadFile(filepath.Join(dir, name))
	return err == nil && bytes.Equal(got, text)
}

func gone(dir, name string) bool {
	_, err := os.Lstat(filepath.Join(dir, name))
	return err != nil
}

func isPart(name string) bool { return strings.HasSuffix(name, ".part") }

// Files of both folders come to the other one, whatever happens to them first.
func TestFolder(t *testing.T) {
	for name, p := range map[string]FolderProfile{
		"at once": {Ignore: isPart},
		"all":     {Delay: 10, Torn: 100, Again: 30, Ignore: isPart},
	} {
		t.Run(name, func(t *testing.T) {
			here, there := t.TempDir(), t.TempDir()
			f := NewFolder(here, there, 1, p)
			want := make(map[string][]byte)
			for i := range 20 {
				name, text := fmt.Sprint(i), bytes.Repeat([]byte{byte(i + 1)}, 200*i)
				want[name] = text
				put(t, []string{here, there}[i%2], name, text)
			}
			for i := range 20 {
				name := fmt.Sprint(i)
				until(t, "file "+name, func() bool { return has(here, name, want[name]) && has(there, name, want[name]) })
			}
			put(t, here, "0", []byte("renewed"))
			want["0"] = []byte("renewed")
			until(t, "a file is renewed", func() bool { return has(there, "0", want["0"]) })
			got, err := f.Stop()
			if err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Deletions travel in both directions, or in none; what was deleted comes again.
func TestFolderDeletions(t *testing.T) {
	for _, travel := range []bool{true, false} {
		t.Run(fmt.Sprint(travel), func(t *testing.T) {
			here, there := t.TempDir(), t.TempDir()
			p := FolderProfile{Deletes: travel, Ignore: isPart}
			if !travel {
				p.Again = 50
			}
			f := NewFolder(here, there, 2, p)
			defer f.Stop()
			for _, name := range []string{"a", "b"} {
				put(t, here, name, []byte(name))
				until(t, "it is copied", func() bool { return has(there, name, []byte(name)) })
			}
			os.Remove(filepath.Join(there, "a"))
			if travel {
				until(t, "the original goes", func() bool { return gone(here, "a") })
				put(t, here, "a", []byte("new"))
				until(t, "a new one comes", func() bool { return has(there, "a", []byte("new")) })
			} else {
				until(t, "it comes again", func() bool { return has(there, "a", []byte("a")) })
			}
			os.Remove(filepath.Join(here, "b"))
			if travel {
				until(t, "the copy goes", func() bool { return gone(there, "b") })
			} else if gone(there, "b") {
				t.Error("the copy has gone")
			}
		})
	}
}

// Files overtake each other, and show parts of themselves.
func TestFolderFaults(t *testing.T) {
	here, there := t.TempDir(), t.TempDir()
	const files = 40
	text := bytes.Repeat([]byte("x"), 4*block)
	for i := range files {
		put(t, here, fmt.Sprintf("%02d", i), text)
	}
	var order []string
	parts := 0
	seen := make(map[string]bool)
	watched := make(chan int, 1000)
	f := NewFolder(here, there, 3, FolderProfile{Delay: 20, Torn: 50, Watch: func(dir string, own []string) {
		if dir == here {
			watched <- len(own)
			return
		}
		for i := range files {
			name := fmt.Sprintf("%02d", i)
			if got, err := os.ReadFile(filepath.Join(there, name)); err == nil && !seen[name] {
				seen[name] = true
				order = append(order, name)
				if !bytes.Equal(got, text) {
					parts++
				}
			}
		}
	}})
	until(t, "all are copied", func() bool {
		for i := range files {
			if !has(there, fmt.Sprintf("%02d", i), text) {
				return false
			}
		}
		return true
	})
	if _, err := f.Stop(); err != nil {
		t.Error(err)
	}
	if slices.IsSorted(order) {
		t.Error("no file overtook another")
	}
	if parts < files/4 || parts > 3*files/4 {
		t.Errorf("%d of %d files showed a part first", parts, files)
	}
	if n := <-watched; n != files {
		t.Errorf("%d files watched", n)
	}
}

// After so many copies nothing travels.
func TestFolderCut(t *testing.T) {
	here, there := t.TempDir(), t.TempDir()
	for i := range 10 {
		put(t, here, fmt.Sprint(i), []byte("x"))
	}
	f := NewFolder(here, there, 4, FolderProfile{Cut: 4})
	until(t, "four are copied", func() bool {
		entries, err := os.ReadDir(there)
		return err == nil && len(entries) == 4
	})
	put(t, there, "back", []byte("x"))
	time.Sleep(20 * time.Millisecond)
	if texts, err := f.Stop(); err != nil || len(texts) != 4 || !gone(here, "back") {
		t.Errorf("%d files were copied, %v", len(texts), err)
	}
}

// What becomes of a file depends on the seed and its name.
func TestFolderReproducible(t *testing.T) {
	draw := func(seed uint64, name string) []any {
		f := &Folder{seed: seed, p: FolderProfile{Delay: 1000, Torn: 50}, files: make(map[string]*file)}
		x := f.meet(name, 0)
		return []any{x.wait, x.torn, string(tear(x.r, bytes.Repeat([]byte("x"), 5000)))}
	}
	if diff := cmp.Diff(draw(1, "a"), draw(1, "a")); diff != "" {
		t.Error(diff)
	}
	if cmp.Equal(draw(1, "a"), draw(2, "a")) || cmp.Equal(draw(1, "a"), draw(1, "b")) {
		t.Error("another seed or name draws the same")
	}
}

func TestFolderLost(t *testing.T) {
	f := NewFolder(t.TempDir(), filepath.Join(t.TempDir(), "nowhere"), 1, FolderProfile{})
	if _, err := f.Stop(); !os.IsNotExist(err) {
		t.Errorf("%v", err)
	}
}
