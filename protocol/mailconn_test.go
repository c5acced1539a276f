package protocol

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/nettest"

	"github.com/comity-prl/comity/internal/netsim"
)

const testPoll = 2 * time.Millisecond

// mailPair returns both ends of a connection, each over its folder.
func mailPair(t testing.TB, here, there string) (c, a *mailConn) {
	t.Helper()
	c, err := (&Mailbox{Dir: here, Poll: testPoll}).dial()
	if err != nil {
		t.Fatal(err)
	}
	f, err := openMailFolder(&Mailbox{Dir: there, Poll: testPoll})
	if err != nil {
		t.Fatal(err)
	}
	a = newMailConn(f, there, c.session, answerer)
	t.Cleanup(func() { c.Close(); a.Close() })
	return c, a
}

func names(t testing.TB, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestMailConn(t *testing.T) {
	nettest.TestConn(t, func() (net.Conn, net.Conn, func(), error) {
		dir := t.TempDir()
		c, a := mailPair(t, dir, dir)
		return c, a, func() {
			c.Close()
			a.Close()
			if left := names(t, dir); len(left) > 0 {
				t.Errorf("left in the folder: %v", left)
			}
		}, nil
	})
}

// What was written before Close can be read after it.
func TestMailConnEndsInOrder(t *testing.T) {
	dir := t.TempDir()
	c, a := mailPair(t, dir, dir)
	if _, err := c.Write([]byte("all that is said")); err != nil {
		t.Fatal(err)
	}
	c.Close()
	if _, err := c.Write([]byte("more")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Write after Close: %v", err)
	}
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Read after Close: %v", err)
	}
	if err := c.SetDeadline(time.Now()); !errors.Is(err, net.ErrClosed) {
		t.Errorf("SetDeadline after Close: %v", err)
	}
	got, err := io.ReadAll(a)
	if err != nil || string(got) != "all that is said" {
		t.Errorf("read %q, %v", got, err)
	}
	a.Close()
	if left := names(t, dir); len(left) > 0 {
		t.Errorf("left in the folder: %v", left)
	}
}

// A peer that reads nothing holds up the writer, not the folder.
func TestMailConnBackpressure(t *testing.T) {
	dir := t.TempDir()
	c, a := mailPair(t, dir, dir)
	data := make([]byte, (mailWindow+8)*maxMailData)
	rand.NewChaCha8([32]byte{1}).Read(data)
	var n int
	for n < len(data) { // until nothing has gone for a while
		c.SetWriteDeadline(time.Now().Add(300 * time.Millisecond))
		k, err := c.Write(data[n:min(n+maxMailData, len(data))])
		n += k
		if err != nil {
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatal(err)
			}
			break
		}
	}
	if files := len(names(t, dir)); files != mailWindow || n == len(data) {
		t.Fatalf("%d files in the folder and %d of %d bytes taken; %d files allowed", files, n, len(data), mailWindow)
	}
	c.SetWriteDeadline(time.Time{})
	go func() {
		c.Write(data[n:])
		c.Close()
	}()
	got, err := io.ReadAll(a)
	if err != nil || !bytes.Equal(got, data) {
		t.Errorf("read %d bytes that are the same: %v, %v", len(got), bytes.Equal(got, data), err)
	}
}

// carriage is what was seen on the way between two folders.
type carriage struct {
	most int      // data files of the caller that waited at once
	text [][]byte // of every file
}

// synchronise carries between two folders, as a bad synchronisation does: in any
// order, cut short or not filled in at first, again and again, and never a deletion.
func synchronise(t *testing.T, here, there string) (stop func() carriage) {
	t.Helper()
	var saw carriage
	f := netsim.NewFolder(here, there, 7, netsim.FolderProfile{
		Every: testPoll, Delay: 2, Torn: 67, Again: 5, Ignore: isMailPart,
		Watch: func(dir string, names []string) {
			waiting := 0
			for _, name := range names {
				if n, ok := parseMailName(name); ok && n.kind == mailData {
					waiting++
				}
			}
			if dir == here {
				saw.most = max(saw.most, waiting)
			}
		},
	})
	stop = sync.OnceValue(func() carriage {
		texts, err := f.Stop()
		if err != nil {
			t.Error(err)
		}
		saw.text = slices.Collect(maps.Values(texts))
		return saw
	})
	t.Cleanup(func() { stop() })
	return stop
}

func isMailPart(name string) bool { return strings.HasSuffix(name, mailPart) }

func TestMailConnTornRepeatedReordered(t *testing.T) {
	here, there := t.TempDir(), t.TempDir()
	c, a := mailPair(t, here, there)
	stop := synchronise(t, here, there)
	sent, received := sha256.New(), sha256.New()
	const chunks = 3 * mailWindow
	go func() {
		rng := rand.NewChaCha8([32]byte{2})
		for i := range chunks {
			chunk := make([]byte, 1+i*97)
			rng.Read(chunk)
			sent.Write(chunk)
			if _, err := c.Write(chunk); err != nil {
				t.Error(err)
			}
			time.Sleep(2 * gather) // a file each
		}
		c.Close()
	}()
	if _, err := io.Copy(received, a); err != nil {
		t.Fatal(err)
	}
	most := stop().most
	if !bytes.Equal(sent.Sum(nil), received.Sum(nil)) {
		t.Error("what was read is not what was written")
	}
	if most < 2 || most > mailWindow+2 {
		t.Errorf("%d files waited at once, between 2 and %d expected", most, mailWindow+2)
	}
}

// hostileMail lists files that no transport makes of a good one.
func hostileMail(n mailName) map[string][]byte {
	good := marshalMail(n, n.number, []byte("data"))
	with := func(at int, b byte) []byte {
		bad := bytes.Clone(good)
		bad[at] = b
		return bad
	}
	other := n
	other.session[3] ^= 1
	reflected := n
	reflected.side = n.side.other()
	return map[string][]byte{
		"another format":    []byte("#!/bin/sh"),
		"another version":   with(len(mailMagic)-1, 2),
		"another session":   marshalMail(other, n.number, []byte("data")),
		"reflected":         marshalMail(reflected, n.number, []byte("data")),
		"another kind":      with(mailFixed-1, 'r'),
		"another number":    marshalMail(n, n.number+1, []byte("data")),
		"empty payload":     marshalMail(n, n.number, nil),
		"too long":          marshalMail(n, n.number, make([]byte, maxMailData+1)),
		"length of 4 GiB":   with(mailFixed+4, 0xff),
		"goes on":           append(bytes.Clone(good), 0),
		"beginning of none": []byte("comity-mail\x01\x00"),
	}
}

// partialMail lists what a file on its way may look like.
func partialMail(n mailName) map[string][]byte {
	good := marshalMail(n, n.number, []byte("data"))
	return map[string][]byte{
		"empty":            {},
		"a byte":           good[:1],
		"the fixed part":   good[:mailFixed],
		"half a number":    good[:mailFixed+2],
		"the header":       good[:mailHeader],
		"all but a byte":   good[:len(good)-1],
		"room":             make([]byte, len(good)),
		"room for much":    make([]byte, 4<<20),
		"a beginning":      append(bytes.Clone(good[:mailHeader]), 0, 0, 0, 0),
		"an end":           append(make([]byte, mailHeader), "data"...),
		"not yet the data": append(bytes.Clone(good[:mailHeader]), "DATA"...),
	}
}

func TestMailConnHostileFile(t *testing.T) {
	for name := range hostileMail(mailName{}) {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			c, _ := mailPair(t, dir, dir)
			n := c.peers(mailData, 0)
			n.session[0] |= 1 // "beginning of none" has another first byte
			c.session = n.session
			if err := os.WriteFile(filepath.Join(dir, n.String()), hostileMail(n)[name], 0o600); err != nil {
				t.Fatal(err)
			}
			for range 2 { // and it stays so
				_, err := c.Read(make([]byte, 1))
				var bad *MailError
				if !errors.As(err, &bad) || bad.File != n.String() || !errors.Is(err, ErrMail) {
					t.Errorf("Read: %v, want a *MailError", err)
				}
			}
		})
	}
}

func TestMailConnPartialFile(t *testing.T) {
	for name := range partialMail(mailName{}) {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			c, _ := mailPair(t, dir, dir)
			n := c.peers(mailData, 0)
			path := filepath.Join(dir, n.String())
			if err := os.WriteFile(path, partialMail(n)[name], 0o600); err != nil {
				t.Fatal(err)
			}
			c.SetReadDeadline(time.Now().Add(10 * testPoll))
			if _, err := c.Read(make([]byte, 4)); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatalf("Read of a part: %v, want the deadline's error", err)
			}
			c.SetReadDeadline(time.Time{})
			if err := os.WriteFile(path, marshalMail(n, 0, []byte("data")), 0o600); err != nil {
				t.Fatal(err)
			}
			got := make([]byte, 8)
			if k, err := c.Read(got); err != nil || string(got[:k]) != "data" {
				t.Errorf("Read of the whole: %q, %v", got[:k], err)
			}
		})
	}
}

func TestMailConnOddFiles(t *testing.T) {
	for name, tt := range map[string]struct {
		file  func(c *mailConn) mailName
		count uint32
		odd   func(path string) error // nil: a good file with the count
		do    func(c *mailConn) error
	}{
		"a pipe or folder": {
			file: func(c *mailConn) mailName { return c.peers(mailData, 0) },
			odd:  func(path string) error { return os.Mkdir(path, 0o700) },
		},
		"a link out of the folder": {
			file: func(c *mailConn) mailName { return c.peers(mailData, 0) },
			odd:  func(path string) error { return os.Symlink(os.Args[0], path) },
		},
		"closed before what was read": {
			file: func(c *mailConn) mailName { c.next = 3; return c.peers(mailClosed, 0) }, count: 2,
		},
		"never whole": {
			file: func(c *mailConn) mailName {
				c.partly = time.Now().Add(-2 * wholeWithin)
				return c.peers(mailData, 0)
			},
			odd: func(path string) error { return os.WriteFile(path, []byte("comity"), 0o600) },
		},
		"read more than was written": {
			file: func(c *mailConn) mailName { return c.peers(mailRead, 0) }, count: 1 << 20,
			do: func(c *mailConn) (err error) {
				for err == nil {
					_, err = c.Write(make([]byte, maxMailData))
				}
				return err
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			c, _ := mailPair(t, dir, dir)
			n := tt.file(c)
			path := filepath.Join(dir, n.String())
			if tt.odd == nil {
				tt.odd = func(path string) error { return os.WriteFile(path, marshalMail(n, tt.count, nil), 0o600) }
			}
			if err := tt.odd(path); err != nil {
				t.Skipf("the system does not let the test make the file: %v", err)
			}
			if tt.do == nil {
				tt.do = func(c *mailConn) error { _, err := c.Read(make([]byte, 1)); return err }
			}
			if err := tt.do(c); !errors.Is(err, ErrMail) {
				t.Errorf("got %v, want ErrMail", err)
			}
		})
	}
}

// The folder goes away, or is full.
func TestMailConnFolderLost(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "folder")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	c, _ := mailPair(t, dir, dir)
	if err := os.RemoveAll(dir); err != nil {
		t.Skipf("the system does not let the test delete the folder: %v", err)
	}
	var err error
	for err == nil {
		_, err = c.Write([]byte("data"))
		time.Sleep(gather)
	}
	if !errors.Is(err, ErrMailbox) {
		t.Errorf("Write: %v, want ErrMailbox", err)
	}
}

func TestMailNames(t *testing.T) {
	n := mailName{side: caller, kind: mailData, number: 0xab}
	for s, want := range map[string]bool{
		n.String(): true,
		mailName{side: answerer, kind: mailRead}.String():   true,
		mailName{side: answerer, kind: mailClosed}.String(): true,
		n.String() + ".part":                                false,
		n.String() + " (1)":                                 false,
		"":                                                  false,
		"notes.txt":                                         false,
		mailPrefix:                                          false,
		mailPrefix + "00-c-read":                            false,
		mailPrefix + "0000000000000000000000000000000g-c-read":     false,
		mailPrefix + "0000000000000000000000000000000A-c-read":     false,
		mailPrefix + "00000000000000000000000000000000-b-read":     false,
		mailPrefix + "00000000000000000000000000000000-c-0":        false,
		mailPrefix + "00000000000000000000000000000000-c-+0000001": false,
	} {
		if got, ok := parseMailName(s); ok != want || ok && got.String() != s {
			t.Errorf("parseMailName(%q) = %v, %v", s, got, ok)
		}
	}
}

// A file that is taken is one that marshalMail makes; a part of one never is.
func FuzzMail(f *testing.F) {
	n := mailName{session: mailSession{1, 2}, side: caller, kind: mailData, number: 7}
	for _, set := range []map[string][]byte{hostileMail(n), partialMail(n)} {
		for _, text := range set {
			if len(text) < 1<<16 {
				f.Add(text, byte('d'), uint32(7))
			}
		}
	}
	f.Add(marshalMail(n, 7, []byte("data")), byte('d'), uint32(7))
	read := n
	read.kind = mailRead
	f.Add(marshalMail(read, 9, nil), byte('r'), uint32(0))
	f.Fuzz(func(t *testing.T, in []byte, kind byte, number uint32) {
		n := mailName{session: n.session, side: n.side, kind: mailKind(kind), number: number}
		got, payload, err := parseMail(in, n)
		if err != nil {
			if !errors.Is(err, errNotWhole) && !errors.Is(err, ErrMail) {
				t.Errorf("an error without a type: %v", err)
			}
			return
		}
		if len(payload) > maxMailData || !bytes.Equal(marshalMail(n, got, payload), in) {
			t.Errorf("a file of %d bytes is taken and not what marshalMail makes", len(in))
		}
		if _, _, err := parseMail(in[:len(in)-1], n); !errors.Is(err, errNotWhole) {
			t.Errorf("a part of it: %v", err)
		}
	})
}
