package protocol

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"
)

// A probe by mail reports what one over TCP does, becomes no session, and leaves
// nothing behind.
func TestProbeMailbox(t *testing.T) {
	goroutines, descriptors := resources(t)
	pc, ac := agencies(t)
	ac.Failed = func(err error) { t.Errorf("a probe counts as failed: %v", err) }
	m := &Mailbox{Dir: t.TempDir(), Poll: testPoll}
	l, err := ListenMailbox(m, ac)
	if err != nil {
		t.Fatal(err)
	}
	r, err := ProbeMailbox(t.Context(), m, pc)
	if err != nil {
		t.Fatal(err)
	}
	if r.Peer.Name != ac.Identity.Name() || r.Peer.Certificate != ac.Identity.Fingerprint() || r.Version != Version {
		t.Errorf("report %+v", r)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if s, err := l.Accept(ctx); err == nil {
		t.Errorf("a probe became a session with %v", s.Peer().Name)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if left := names(t, m.Dir); len(left) > 0 {
		t.Errorf("left in the folder: %v", left)
	}
	settle(t, goroutines, descriptors)
}

// A clock may seem further off by mail, and no further than that.
func TestProbeMailboxClock(t *testing.T) {
	pc, ac := agencies(t)
	ac.Clock = func() time.Time { return time.Now().Add(-5 * time.Minute) }
	m := &Mailbox{Dir: t.TempDir(), Poll: testPoll}
	l, err := ListenMailbox(m, ac)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := ProbeMailbox(t.Context(), m, pc); err != nil {
		t.Errorf("5 minutes behind: %v", err)
	}
	pc.Skew = time.Minute
	r, err := ProbeMailbox(t.Context(), m, pc)
	var clock *ClockError
	if !errors.As(err, &clock) || clock.Difference.Round(time.Minute) != -5*time.Minute || r == nil {
		t.Errorf("%v, report %v; want a clock that is 5 minutes behind", err, r)
	}
}

func TestProbeMailboxFails(t *testing.T) {
	pc, ac := agencies(t)
	m := &Mailbox{Dir: t.TempDir(), Poll: testPoll}
	short := *pc
	short.HandshakeTimeout = 50 * time.Millisecond
	if _, err := ProbeMailbox(t.Context(), m, &short); !errors.Is(err, ErrUnanswered) {
		t.Errorf("nobody there: %v, want ErrUnanswered", err)
	}
	if left := names(t, m.Dir); len(left) > 0 {
		t.Errorf("left in the folder: %v", left)
	}
	if _, err := ProbeMailbox(t.Context(), &Mailbox{Dir: filepath.Join(m.Dir, "nowhere")}, pc); !errors.Is(err, ErrMailbox) {
		t.Errorf("no folder: %v, want ErrMailbox", err)
	}
	if _, err := ProbeMailbox(t.Context(), m, nil); !errors.Is(err, ErrConfig) {
		t.Errorf("no configuration: %v, want ErrConfig", err)
	}
	l, err := ListenMailbox(m, ac)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	pc.Peers = []Peer{identity(t, "Somebody else").Peer()}
	if _, err := ProbeMailbox(t.Context(), m, pc); !errors.Is(err, ErrPeerUnknown) {
		t.Errorf("a stranger answers: %v, want ErrPeerUnknown", err)
	}
}
