package protocol

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/comity-prl/comity/psi"
)

// numbered returns a set of the items from first to last.
func numbered(first, last int) *psi.Set {
	var items [][32]byte
	for i := first; i <= last; i++ {
		items = append(items, sha256.Sum256(fmt.Append(nil, "item ", i)))
	}
	return psi.NewSet(items, binding)
}

// byMail runs an intersection of n items with n others, half of which both have,
// between two folders.
func byMail(t *testing.T, here, there string, suite psi.Suite, n int) {
	t.Helper()
	pc, ac := agencies(t)
	ac.Policy.Rules[0].Suites = []string{suite.String()}
	ac.Failed = func(err error) {
		if !errors.Is(err, ErrClosed) { // a caller that has died waits until the listener ends
			t.Errorf("no session: %v", err)
		}
	}
	ac.Policy.Rules[0].MaxProposer, ac.Policy.Rules[0].MaxAcceptor = n, n
	terms := goodTerms()
	terms.Suite = suite.String()
	terms.MaxProposer, terms.MaxAcceptor = n, n

	l, err := ListenMailbox(&Mailbox{Dir: there, Poll: testPoll}, ac)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	type sent struct {
		transcript Hash
		err        error
	}
	sending := make(chan sent, 1)
	go func() {
		s, err := l.Accept(t.Context())
		if err != nil {
			sending <- sent{err: err}
			return
		}
		_, err = s.Send(t.Context(), numbered(n/2+1, n+n/2))
		s.Close()
		sending <- sent{s.Transcript(), err}
	}()
	s, err := DialMailbox(t.Context(), &Mailbox{Dir: here, Poll: testPoll}, terms, pc)
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Receive(t.Context(), numbered(1, n))
	s.Close()
	other := <-sending
	if err != nil || other.err != nil {
		t.Fatalf("receiver: %v; sender: %v", err, other.err)
	}
	matches := 0
	for m := range r.All() {
		matches++
		if m.Item < n/2 {
			t.Errorf("item %d is no match", m.Item)
		}
	}
	if matches != n/2 {
		t.Errorf("%d matches, want %d", matches, n/2)
	}
	if s.Transcript() != other.transcript || other.transcript == (Hash{}) {
		t.Error("the transcripts differ")
	}
}

func TestMailboxEverySuite(t *testing.T) {
	for _, suite := range psi.Suites() {
		t.Run(suite.String(), func(t *testing.T) {
			goroutines, descriptors := resources(t)
			dir := t.TempDir()
			foreign := filepath.Join(dir, "minutes of the meeting.odt")
			if err := os.WriteFile(foreign, []byte("x"), 0o600); err != nil {
				t.Fatal(err)
			}
			byMail(t, dir, dir, suite, 200)
			if left := names(t, dir); len(left) != 1 {
				t.Errorf("left in the folder: %v", left)
			}
			settle(t, goroutines, descriptors)
		})
	}
}

// Two folders that are kept the same badly carry the fast suite too.
func TestMailboxSynchronised(t *testing.T) {
	here, there := t.TempDir(), t.TempDir()
	stop := synchronise(t, here, there)
	byMail(t, here, there, psi.VOLE(), 10_000)
	stop()
}

// Whoever runs the folder reads nothing of the terms, the names or the data.
func TestMailboxShowsCiphertext(t *testing.T) {
	here, there := t.TempDir(), t.TempDir()
	stop := synchronise(t, here, there)
	byMail(t, here, there, psi.ECDHRistretto255(), 200)
	all := bytes.Join(stop().text, nil)
	if len(all) < 10_000 {
		t.Fatalf("only %d bytes to look at", len(all))
	}
	for _, secret := range []string{"Arcadia", "Borduria", "missing persons", "2026-Q4", "Treaty"} {
		if bytes.Contains(all, []byte(secret)) {
			t.Errorf("the folder shows %q", secret)
		}
	}
}

func TestMailboxUnusable(t *testing.T) {
	pc, ac := agencies(t)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, dir := range map[string]string{
		"missing":      filepath.Join(t.TempDir(), "nowhere"),
		"a file":       file,
		"not writable": readOnlyFolder(t),
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := DialMailbox(t.Context(), &Mailbox{Dir: dir}, goodTerms(), pc); !errors.Is(err, ErrMailbox) {
				t.Errorf("DialMailbox: %v, want ErrMailbox", err)
			}
			if _, err := ListenMailbox(&Mailbox{Dir: dir}, ac); !errors.Is(err, ErrMailbox) {
				t.Errorf("ListenMailbox: %v, want ErrMailbox", err)
			}
		})
	}
	m := &Mailbox{Dir: t.TempDir(), Poll: -1}
	if _, err := m.Dial(); !errors.Is(err, ErrConfig) {
		t.Errorf("Dial with a negative interval: %v, want ErrConfig", err)
	}
	if _, err := m.Listen(); !errors.Is(err, ErrConfig) {
		t.Errorf("Listen with a negative interval: %v, want ErrConfig", err)
	}
	if _, err := DialMailbox(t.Context(), m, goodTerms(), nil); !errors.Is(err, ErrConfig) {
		t.Errorf("DialMailbox without a configuration: %v, want ErrConfig", err)
	}
}

// readOnlyFolder returns a folder in which nobody may write, not the superuser
// either.
func readOnlyFolder(t *testing.T) string {
	t.Helper()
	if _, err := os.Stat("/proc/self"); err == nil {
		return "/proc/self"
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestMailboxUnanswered(t *testing.T) {
	pc, _ := agencies(t)
	dir := t.TempDir()
	pc.HandshakeTimeout = 50 * time.Millisecond
	if _, err := DialMailbox(t.Context(), &Mailbox{Dir: dir, Poll: testPoll}, goodTerms(), pc); !errors.Is(err, ErrUnanswered) {
		t.Errorf("DialMailbox: %v, want ErrUnanswered", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	pc.HandshakeTimeout = time.Hour
	time.AfterFunc(20*time.Millisecond, cancel)
	if _, err := DialMailbox(ctx, &Mailbox{Dir: dir, Poll: testPoll}, goodTerms(), pc); !errors.Is(err, context.Canceled) {
		t.Errorf("DialMailbox that was cancelled: %v", err)
	}
	if left := names(t, dir); len(left) > 0 {
		t.Errorf("left in the folder: %v", left)
	}
}

// A run that is cancelled ends at both sides.
func TestMailboxCancel(t *testing.T) {
	pc, ac := agencies(t)
	m := &Mailbox{Dir: t.TempDir(), Poll: testPoll}
	l, err := ListenMailbox(m, ac)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s, err := DialMailbox(t.Context(), m, goodTerms(), pc)
	if err != nil {
		t.Fatal(err)
	}
	other, err := l.Accept(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	if _, err := s.Receive(ctx, numbered(1, 10)); !errors.Is(err, context.Canceled) {
		t.Errorf("Receive: %v, want the context's error", err)
	}
	if _, err := other.Send(t.Context(), numbered(1, 10)); !errors.Is(err, ErrClosed) {
		t.Errorf("Send: %v, want ErrClosed", err)
	}
	if left := names(t, m.Dir); len(left) > 0 {
		t.Errorf("left in the folder: %v", left)
	}
}

// A hostile file in the middle of a session is named as such.
func TestMailboxHostileFile(t *testing.T) {
	pc, ac := agencies(t)
	m := &Mailbox{Dir: t.TempDir(), Poll: testPoll}
	l, err := ListenMailbox(m, ac)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s, err := DialMailbox(t.Context(), m, goodTerms(), pc)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := l.Accept(t.Context()); err != nil {
		t.Fatal(err)
	}
	c := s.stream.ch.raw.Conn.(*mailConn)
	n := c.peers(mailData, c.next)
	if err := os.WriteFile(filepath.Join(m.Dir, n.String()), []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Receive(t.Context(), numbered(1, 10)); !errors.Is(err, ErrMail) {
		t.Errorf("Receive: %v, want ErrMail", err)
	}
}

// Callers that died leave files that hold up no new session.
func TestMailboxDeadCallers(t *testing.T) {
	dir := t.TempDir()
	for i := range 3 {
		n := mailName{mailSession{byte(i)}, caller, mailData, 0}
		first := marshalMail(n, 0, []byte("\x16\x03\x01")) // TLS begins so
		if err := os.WriteFile(filepath.Join(dir, n.String()), first, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	byMail(t, dir, dir, psi.ECDHRistretto255(), 20)
}

func TestMailboxLeftovers(t *testing.T) {
	dir := t.TempDir()
	at := func(session byte, side mailSide, k mailKind, age time.Duration, suffix string) string {
		n := mailName{mailSession{session}, side, k, 5}
		path := filepath.Join(dir, n.String()+suffix)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, time.Time{}, time.Now().Add(-age)); err != nil {
			t.Fatal(err)
		}
		return filepath.Base(path)
	}
	at(1, caller, mailData, 25*time.Hour, "")
	at(1, caller, mailData, 25*time.Hour, mailPart)
	recent := at(2, caller, mailData, time.Hour, "")
	at(3, caller, mailClosed, time.Hour, "")
	at(3, answerer, mailClosed, time.Hour, "")
	at(3, answerer, mailData, time.Hour, "")
	half := at(4, caller, mailClosed, time.Hour, "")
	foreign := "comity-live1-notes"
	if err := os.WriteFile(filepath.Join(dir, foreign), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	want := []string{recent, half, foreign}
	slices.Sort(want)

	l, err := (&Mailbox{Dir: dir, Poll: testPoll}).Listen()
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		time.Sleep(10 * testPoll)
		l.Close()
	}()
	if c, err := l.Accept(); err == nil {
		t.Errorf("Accept returned a connection of files left over: %v", c.RemoteAddr())
	}
	if got := names(t, dir); !slices.Equal(got, want) {
		t.Errorf("the folder has %v, want %v", got, want)
	}
}

// The first file of a session that comes again is no new session.
func TestMailboxRepeatedFirstFile(t *testing.T) {
	m := &Mailbox{Dir: t.TempDir(), Poll: testPoll}
	l, err := m.Listen()
	if err != nil {
		t.Fatal(err)
	}
	n := mailName{mailSession{9}, caller, mailData, 0}
	path := filepath.Join(m.Dir, n.String())
	first := func() {
		if err := os.WriteFile(path, marshalMail(n, 0, []byte("hello")), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	first()
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read(make([]byte, 5)); err != nil {
		t.Fatal(err)
	}
	first()
	go func() {
		time.Sleep(10 * testPoll)
		l.Close()
	}()
	if _, err := l.Accept(); err == nil {
		t.Error("Accept returned the same connection again")
	}
	c.Close()
}

// A listener of which the folder has gone says so once and goes on looking.
func TestMailboxListenerFolderLost(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "folder")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	l, err := (&Mailbox{Dir: dir, Poll: testPoll}).Listen()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(dir); err != nil {
		t.Skipf("the system does not let the test delete the folder: %v", err)
	}
	if _, err := l.Accept(); !errors.Is(err, ErrMailbox) {
		t.Errorf("Accept: %v, want ErrMailbox", err)
	}
	time.AfterFunc(10*testPoll, func() { l.Close() })
	if _, err := l.Accept(); errors.Is(err, ErrMailbox) {
		t.Errorf("Accept said it again: %v", err)
	}
}
