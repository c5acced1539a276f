package protocol

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// flowOver returns a flow that begins with a channel, and is not served.
func flowOver(t testing.TB, ch *channel, window int) *flow {
	t.Helper()
	pc, _ := agencies(t)
	return flowOf(t, pc, ch, window)
}

func flowOf(t testing.TB, pc *Config, ch *channel, window int) *flow {
	t.Helper()
	c, err := pc.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	c.ResumeWindow = window
	return newFlow(&handshake{c: c, me: Proposer, peer: &c.Peers[0], ch: ch, window: window}, Hash{})
}

func ack(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// What is sent stays until the peer has acknowledged it, and is sent again as it was.
func TestRetainedFrames(t *testing.T) {
	ch, _ := scripted(nil)
	f := flowOver(t, ch, minWindow)
	var want [][]byte
	for i := range byte(5) {
		if err := f.write(frameData, bytes.Repeat([]byte{i}, 100)); err != nil {
			t.Fatal(err)
		}
		want = append(want, bytes.Clone(f.next(false)))
	}
	if frame := f.next(false); frame != nil {
		t.Fatalf("a frame that nobody wrote: %x", frame)
	}
	if err := f.acknowledge(ack(2)); err != nil {
		t.Fatal(err)
	}
	for _, from := range []uint64{2, 4, 5} {
		if err := f.rewind(from); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(frame(frameAck, ack(0)...), f.next(false)); diff != "" {
			t.Errorf("after a resumption, what came is acknowledged first (-want +got):\n%s", diff)
		}
		for i, frame := range want[from:] {
			if diff := cmp.Diff(frame, f.next(false)); diff != "" {
				t.Errorf("frame %d from %d (-first +again):\n%s", i, from, diff)
			}
		}
	}
	for _, from := range []uint64{0, 1, 6} {
		if err := f.rewind(from); !errors.Is(err, ErrResume) {
			t.Errorf("from %d: %v, want %v", from, err, ErrResume)
		}
	}
	for _, n := range []uint64{1, 6, 1 << 63} {
		if err := f.acknowledge(ack(n)); !errors.Is(err, ErrFrame) {
			t.Errorf("%d acknowledged: %v, want %v", n, err, ErrFrame)
		}
	}
	if f.weight != 3*(100+overhead) {
		t.Errorf("3 frames weigh %d", f.weight)
	}
}

// A write waits while the window is full, for an acknowledgement, its deadline or the
// end.
func TestWindow(t *testing.T) {
	full := func(t *testing.T) *flow {
		ch, _ := scripted(nil)
		f := flowOver(t, ch, minWindow)
		for n := minWindow / (1000 + overhead); n > 0; n-- {
			if err := f.write(frameData, make([]byte, 1000)); err != nil {
				t.Fatal(err)
			}
			f.next(false)
		}
		return f
	}
	reason := errors.New("a reason")
	for _, tt := range []struct {
		name string
		wake func(*flow)
		want error
	}{
		{"acknowledged", func(f *flow) { _ = f.acknowledge(ack(1)) }, nil},
		{"interrupted", func(f *flow) { f.interrupt() }, os.ErrDeadlineExceeded},
		{"deadline", func(f *flow) { f.writes.set(time.Now().Add(10 * time.Millisecond)) }, os.ErrDeadlineExceeded},
		{"ended by the peer", func(f *flow) { f.end(reason, false) }, reason},
		{"ended by this side", func(f *flow) { f.end(reason, true) }, reason},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := full(t)
			time.AfterFunc(20*time.Millisecond, func() { tt.wake(f) })
			if err := f.write(frameData, make([]byte, 1000)); !errors.Is(err, tt.want) {
				t.Errorf("%v, want %v", err, tt.want)
			}
			if f.weight > f.limit {
				t.Errorf("%d bytes are retained, of %d", f.weight, f.limit)
			}
		})
	}
}

// What the peer said is read before why the session ended, unless this side ended it.
func TestReadToTheEnd(t *testing.T) {
	for _, own := range []bool{false, true} {
		ch, _ := scripted(frame(frameData, 1, 2, 3))
		f := flowOver(t, ch, minWindow)
		if err := f.receive(ch); !errors.Is(err, ErrHangUp) {
			t.Fatal(err)
		}
		f.end(ErrEpoch, own)
		payload, err := f.read(frameData)
		if own {
			if !errors.Is(err, ErrEpoch) {
				t.Errorf("%v, want %v", err, ErrEpoch)
			}
			continue
		}
		if diff := cmp.Diff([]byte{1, 2, 3}, payload); diff != "" || err != nil {
			t.Errorf("%v, (-want +got):\n%s", err, diff)
		}
		if _, err := f.read(frameData); !errors.Is(err, ErrEpoch) {
			t.Errorf("%v, want %v", err, ErrEpoch)
		}
	}
}

// What a peer may not send from accept on.
func TestHostileFrames(t *testing.T) {
	finish := frame(frameFinish, make([]byte, 32)...)
	for _, tt := range []struct {
		name string
		in   []byte
		want error
	}{
		{"a hello", frame(frameHello, make([]byte, 115)...), ErrFrame},
		{"terms", frame(frameTerms, make([]byte, 100)...), ErrFrame},
		{"a refusal", frame(frameRefuse, []byte("purpose")...), ErrFrame},
		{"a resumption", frame(frameResume, make([]byte, resumeSize)...), ErrFrame},
		{"data after finish", slices.Concat(finish, frame(frameData, 1)), ErrFrame},
		{"finish twice", slices.Concat(finish, finish), ErrFrame},
		{"life after finish", slices.Concat(finish, frame(frameAlive)), ErrHangUp},
		{"an abort after finish", slices.Concat(finish, frame(frameAbort, byte(CodeTranscript))), ErrTranscript},
		{"more acknowledged than sent", frame(frameAck, ack(1)...), ErrFrame},
		{"data beyond all bounds", header(frameData, 1<<32-1), ErrFrame},
		{"half a frame", frame(frameData, 1, 2)[:6], ErrHangUp},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ch, _ := scripted(tt.in)
			if err := flowOver(t, ch, minWindow).receive(ch); !errors.Is(err, tt.want) {
				t.Errorf("%v, want %v", err, tt.want)
			}
		})
	}
}

// A peer that sends more than the window while nothing is read, in frames of any
// size, is stopped there.
func TestHostileFlood(t *testing.T) {
	for _, size := range []int{1, 1000, maxData} {
		ch, _ := scripted(bytes.Repeat(frame(frameData, make([]byte, size)...), 2*minWindow/(size+overhead)))
		f := flowOver(t, ch, minWindow)
		if err := f.receive(ch); !errors.Is(err, ErrFrame) {
			t.Errorf("frames of %d: %v, want %v", size, err, ErrFrame)
		}
		if f.held > minWindow || f.held < minWindow/2 {
			t.Errorf("frames of %d: %d bytes are held", size, f.held)
		}
	}
}

// FuzzFlow takes whatever a peer may send from accept on: memory stays within the
// window, and each error is typed.
func FuzzFlow(f *testing.F) {
	pc, _ := agencies(f)
	f.Add(append(frame(frameData, 1, 2, 3), frame(frameFinish, make([]byte, 32)...)...))
	f.Add(append(frame(frameAlive), frame(frameAck, ack(0)...)...))
	f.Add(frame(frameAck, ack(1<<63)...))
	f.Add(append(frame(frameCommit, make([]byte, commitSize)...), frame(frameAbort, 3)...))
	f.Add(header(frameData, 1<<32-1))
	f.Fuzz(func(t *testing.T, in []byte) {
		ch, _ := scripted(in)
		fl := flowOf(t, pc, ch, minWindow)
		err := fl.receive(ch)
		if !isAbort(err) && !errors.Is(err, ErrFrame) && !errors.Is(err, ErrHangUp) {
			t.Errorf("not a typed error: %v", err)
		}
		if fl.held > fl.window {
			t.Errorf("%d bytes are held", fl.held)
		}
	})
}

// FuzzResumption: a resume frame that parses is the one form of itself.
func FuzzResumption(f *testing.F) {
	f.Add(make([]byte, resumeSize))
	f.Add(make([]byte, resumeSize-1))
	f.Fuzz(func(t *testing.T, in []byte) {
		r, err := parseResumption(in)
		if err != nil {
			if !errors.Is(err, ErrFrame) {
				t.Errorf("not a typed error: %v", err)
			}
			return
		}
		out, err := r.marshal()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(in, out); diff != "" {
			t.Errorf("(-in +out):\n%s", diff)
		}
	})
}

// Both sides write as much as the window takes before either reads, which no buffer
// of a connection holds.
func TestBothWriteAtOnce(t *testing.T) {
	pc, ac := agencies(t)
	p, a := met(t, goodTerms(), pc, ac)
	sessions := []*Session{p, a}
	sent := make([]byte, 12<<20)
	for i := range sent {
		sent[i] = byte(i >> 10)
	}
	var work sync.WaitGroup
	for _, s := range sessions {
		work.Go(func() {
			if _, err := s.stream.Write(sent); err != nil {
				t.Error(err)
			}
		})
	}
	work.Wait()
	for _, s := range sessions {
		work.Go(func() {
			got := make([]byte, len(sent))
			if _, err := io.ReadFull(&s.stream, got); err != nil || !bytes.Equal(got, sent) {
				t.Errorf("%v, or other bytes than were sent", err)
			}
		})
	}
	work.Wait()
}

// A smaller window than the peer's binds both.
func TestWindowsDiffer(t *testing.T) {
	pc, ac := agencies(t)
	pc.ResumeWindow = minWindow
	p, a := met(t, goodTerms(), pc, ac)
	for _, s := range []*Session{p, a} {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		defer context.AfterFunc(ctx, s.stream.interrupt)()
		n, err := s.stream.Write(make([]byte, 1<<20))
		if !errors.Is(err, os.ErrDeadlineExceeded) || n > minWindow || n < minWindow/2 {
			t.Errorf("%d bytes were taken; %v", n, err)
		}
	}
}
