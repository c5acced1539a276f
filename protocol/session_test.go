package protocol

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/comity-prl/comity/psi"
)

// A whole session, from Dial and Accept to matches, for each suite and receiver.
func TestSession(t *testing.T) {
	for _, suite := range psi.Suites() {
		for _, receiver := range []Role{Proposer, Acceptor} {
			t.Run(fmt.Sprintf("suite=%v/receiver=%s", suite, receiver), func(t *testing.T) {
				t.Parallel()
				pc, ac := agencies(t)
				l, err := Listen("127.0.0.1:0", ac)
				if err != nil {
					t.Fatal(err)
				}
				defer l.Close()
				terms := goodTerms()
				terms.Suite, terms.Receiver = suite.String(), receiver
				accepted := make(chan *Session, 1)
				go func() {
					s, err := l.Accept(t.Context())
					if err != nil {
						t.Error(err)
					}
					accepted <- s
				}()
				p, err := Dial(t.Context(), l.Addr().String(), terms, pc)
				if err != nil {
					t.Fatal(err)
				}
				defer p.Close()
				a := <-accepted
				defer a.Close()

				r, s := p, a
				if receiver == Acceptor {
					r, s = a, p
				}
				o := intersect(t.Context(), r, s, psi.NewSet(items(0, 300), binding), psi.NewSet(items(200, 500), binding))
				if o.receiveErr != nil || o.sendErr != nil {
					t.Fatalf("receive: %v; send: %v", o.receiveErr, o.sendErr)
				}
				if o.result.Len() != 100 || o.result.PeerSize != 500 || o.handles.PeerSize != 300 {
					t.Errorf("%d matches, sizes %d and %d; want 100, 500, 300", o.result.Len(), o.result.PeerSize, o.handles.PeerSize)
				}
				rows := map[uint32]int{}
				for handle, row := range o.handles.All() {
					rows[handle] = row
				}
				for m := range o.result.All() {
					if rows[m.Handle]+200 != m.Item {
						t.Fatalf("item %d has the handle of the sender's item %d", m.Item, rows[m.Handle])
					}
				}
				checkRecords(t, p, a, pc, ac)
			})
		}
	}
}

// checkRecords compares what both ends keep of a session that ended well.
func checkRecords(t *testing.T, p, a *Session, pc, ac *Config) {
	t.Helper()
	if p.Transcript() != a.Transcript() || p.Transcript().IsZero() {
		t.Error("transcripts differ or are missing")
	}
	if diff := cmp.Diff(p.Agreement(), a.Agreement()); diff != "" {
		t.Errorf("agreements (-proposer +acceptor):\n%s", diff)
	}
	agreement := p.Agreement()
	if err := agreement.Verify(); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(p.Terms(), a.Terms()); diff != "" {
		t.Errorf("terms (-proposer +acceptor):\n%s", diff)
	}
	if diff := cmp.Diff([]Peer{ac.Identity.Peer().overTLS(), pc.Identity.Peer().overTLS()}, []Peer{p.Peer(), a.Peer()}); diff != "" {
		t.Errorf("peers (-want +got):\n%s", diff)
	}
	var sent, received, peerSent, peerReceived int64
	for until := time.Now().Add(10 * time.Second); time.Now().Before(until); time.Sleep(time.Millisecond) {
		sent, received = p.Bytes()
		peerSent, peerReceived = a.Bytes()
		if sent == peerReceived && received == peerSent && sent > 0 && received > 0 {
			return // the last acknowledgement has arrived
		}
	}
	t.Errorf("proposer counts %d and %d bytes, acceptor %d and %d", sent, received, peerSent, peerReceived)
}

// A set that is not what the terms are about is the same named error at both
// ends, whichever end has it, and no item crosses the wire.
func TestSetIsNotTheTerms(t *testing.T) {
	other := func(change func(*psi.Binding)) psi.Binding {
		b := binding
		change(&b)
		return b
	}
	tests := []struct {
		name string
		b    psi.Binding
		want error
	}{
		{"epoch", other(func(b *psi.Binding) { b.Epoch = "2027-Q1" }), ErrEpoch},
		{"schema", other(func(b *psi.Binding) { b.Config[0]++ }), ErrSchema},
		{"secret", other(func(b *psi.Binding) { b.Key[0]++ }), psi.ErrKey},
	}
	for _, tt := range tests {
		for _, wrong := range []Role{Proposer, Acceptor} {
			t.Run(fmt.Sprintf("%s/at=%s", tt.name, wrong), func(t *testing.T) {
				t.Parallel()
				pc, ac := agencies(t)
				p, a := met(t, goodTerms(), pc, ac)
				b := map[Role]psi.Binding{Proposer: binding, Acceptor: binding}
				b[wrong] = tt.b
				before, _ := p.Bytes()
				o := intersect(t.Context(), p, a, psi.NewSet(items(0, 500), b[Proposer]), psi.NewSet(items(0, 500), b[Acceptor]))
				if !errors.Is(o.receiveErr, tt.want) || !errors.Is(o.sendErr, tt.want) {
					t.Errorf("receive: %v; send: %v; want %v at both", o.receiveErr, o.sendErr, tt.want)
				}
				if o.result != nil || o.handles != nil {
					t.Error("a result came with the error")
				}
				if after, _ := p.Bytes(); after-before > 2000 {
					t.Errorf("%d bytes crossed the wire", after-before)
				}
			})
		}
	}
}

// Terms, not the caller, pick what runs; the wrong call does no harm.
func TestTermsPickTheRun(t *testing.T) {
	pc, ac := agencies(t)
	p, a := met(t, goodTerms(), pc, ac)
	set := psi.NewSet(items(0, 3), binding)
	if _, err := p.Send(t.Context(), set); !errors.Is(err, ErrRole) {
		t.Errorf("the receiver sends: %v, want %v", err, ErrRole)
	}
	if _, err := a.Receive(t.Context(), set); !errors.Is(err, ErrRole) {
		t.Errorf("the sender receives: %v, want %v", err, ErrRole)
	}
	o := intersect(t.Context(), p, a, set, set)
	if o.receiveErr != nil || o.sendErr != nil {
		t.Errorf("receive: %v; send: %v", o.receiveErr, o.sendErr)
	}
	if _, err := p.Receive(t.Context(), set); !errors.Is(err, ErrUsed) {
		t.Errorf("a second run: %v, want %v", err, ErrUsed)
	}
}

func TestSetLargerThanTheTerms(t *testing.T) {
	pc, ac := agencies(t)
	terms := goodTerms()
	terms.MaxAcceptor = 2
	p, a := met(t, terms, pc, ac)
	set := psi.NewSet(items(0, 3), binding)
	o := intersect(t.Context(), p, a, set, set)
	if !errors.Is(o.sendErr, psi.ErrTooLarge) || !errors.Is(o.receiveErr, psi.ErrAborted) {
		t.Errorf("send: %v; receive: %v; want %v and %v", o.sendErr, o.receiveErr, psi.ErrTooLarge, psi.ErrAborted)
	}
}

// Terms that expire between the handshake and the run do not run.
func TestTermsExpireBeforeTheRun(t *testing.T) {
	pc, ac := agencies(t)
	late := false
	pc.Clock = func() time.Time {
		if late {
			return time.Now().Add(2 * time.Hour)
		}
		return time.Now()
	}
	p, a := met(t, goodTerms(), pc, ac)
	late = true
	set := psi.NewSet(items(0, 3), binding)
	o := intersect(t.Context(), p, a, set, set)
	if !errors.Is(o.receiveErr, ErrExpired) || !errors.Is(o.sendErr, ErrExpired) {
		t.Errorf("receive: %v; send: %v; want %v at both", o.receiveErr, o.sendErr, ErrExpired)
	}
}

// A frame that only one side counts shows at both when they compare.
func TestTranscriptsDiffer(t *testing.T) {
	for _, wrong := range []Role{Proposer, Acceptor} {
		t.Run(string(wrong), func(t *testing.T) {
			pc, ac := agencies(t)
			p, a := met(t, goodTerms(), pc, ac)
			map[Role]*Session{Proposer: p, Acceptor: a}[wrong].stream.ch.received.Write([]byte{0})
			set := psi.NewSet(items(0, 3), binding)
			o := intersect(t.Context(), p, a, set, set)
			if !errors.Is(o.receiveErr, ErrTranscript) || !errors.Is(o.sendErr, ErrTranscript) {
				t.Errorf("receive: %v; send: %v; want %v at both", o.receiveErr, o.sendErr, ErrTranscript)
			}
			if o.result != nil || o.handles != nil {
				t.Error("a result came with the error")
			}
		})
	}
}

func TestCloseAndCancel(t *testing.T) {
	set := psi.NewSet(items(0, 1000), binding)
	t.Run("closed before the run", func(t *testing.T) {
		pc, ac := agencies(t)
		p, a := met(t, goodTerms(), pc, ac)
		go a.Close()
		_, err := p.Receive(t.Context(), set)
		var aborted *AbortError
		if !errors.As(err, &aborted) || !errors.Is(err, ErrClosed) {
			t.Errorf("%v, want an AbortError that is %v", err, ErrClosed)
		}
	})
	t.Run("closed during the own run", func(t *testing.T) {
		pc, ac := agencies(t)
		p, _ := met(t, goodTerms(), pc, ac)
		time.AfterFunc(50*time.Millisecond, func() { p.Close() })
		if _, err := p.Receive(t.Context(), set); !errors.Is(err, ErrClosed) {
			t.Errorf("%v, want %v", err, ErrClosed)
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		pc, ac := agencies(t)
		ctx, cancel := context.WithCancelCause(t.Context())
		cause := errors.New("the operator gave up")
		pc.Progress = func(Progress) { cancel(cause) }
		p, a := met(t, goodTerms(), pc, ac)
		done := make(chan error, 1)
		go func() { _, err := a.Send(t.Context(), set); done <- err }()
		if _, err := p.Receive(ctx, set); !errors.Is(err, cause) {
			t.Errorf("%v, want %v", err, cause)
		}
		if err := <-done; !errors.Is(err, ErrClosed) && !errors.Is(err, ErrHangUp) {
			t.Errorf("the peer saw %v", err)
		}
	})
}

// A side that takes its time is not taken for one that stalls.
func TestKeepAlive(t *testing.T) {
	pc, ac := agencies(t)
	for _, c := range []*Config{pc, ac} {
		c.IdleTimeout, c.aliveEvery = time.Second, 50*time.Millisecond
	}
	p, a := met(t, goodTerms(), pc, ac)
	set := psi.NewSet(items(0, 3), binding)
	done := make(chan error, 1)
	go func() {
		time.Sleep(2500 * time.Millisecond)
		_, err := a.Send(t.Context(), set)
		done <- err
	}()
	if _, err := p.Receive(t.Context(), set); err != nil {
		t.Error(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestProgress(t *testing.T) {
	pc, ac := agencies(t)
	var last Progress
	pc.Progress = func(p Progress) { last = p }
	p, a := met(t, goodTerms(), pc, ac)
	set := psi.NewSet(items(0, 30), binding)
	if o := intersect(t.Context(), p, a, set, set); o.receiveErr != nil || o.sendErr != nil {
		t.Fatalf("receive: %v; send: %v", o.receiveErr, o.sendErr)
	}
	if last.Done != 30 || last.Total != 30 {
		t.Errorf("the last report is %+v", last)
	}
}
