package protocol

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// script is a connection whose peer's bytes are given.
type script struct {
	net.Conn
	in  *bytes.Reader
	out bytes.Buffer
}

func (s *script) Read(p []byte) (int, error)       { return s.in.Read(p) }
func (s *script) Write(p []byte) (int, error)      { return s.out.Write(p) }
func (s *script) CloseWrite() error                { return nil }
func (s *script) SetReadDeadline(time.Time) error  { return nil }
func (s *script) SetWriteDeadline(time.Time) error { return nil }

func scripted(in []byte) (*channel, *script) {
	s := &script{in: bytes.NewReader(in)}
	return newChannel(s, &counter{Conn: s}), s
}

func frame(kind frameKind, payload ...byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{byte(kind)}, uint32(len(payload))), payload...)
}

// header returns that of a frame whose payload never comes.
func header(kind frameKind, n uint32) []byte {
	return binary.BigEndian.AppendUint32([]byte{byte(kind)}, n)
}

func TestFrames(t *testing.T) {
	tests := []struct {
		name string
		in   []byte
		want frameKind
		err  error
	}{
		{"data", frame(frameData, 1, 2), frameData, nil},
		{"longest data", frame(frameData, make([]byte, maxData)...), frameData, nil},
		{"life in a handshake", append(frame(frameAlive), frame(frameData, 1)...), frameData, ErrFrame},
		{"nothing", nil, frameData, ErrHangUp},
		{"half a header", frame(frameData, 1)[:3], frameData, ErrHangUp},
		{"header alone", header(frameData, 10), frameData, ErrHangUp},
		{"half a payload", frame(frameData, 1, 2)[:6], frameData, ErrHangUp},
		{"kind 0", frame(0), frameData, ErrFrame},
		{"commitment", frame(frameCommit, make([]byte, commitSize)...), frameCommit, nil},
		{"short commitment", frame(frameCommit, make([]byte, commitSize-1)...), frameCommit, ErrFrame},
		{"commitment out of turn", frame(frameCommit, make([]byte, commitSize)...), frameData, ErrFrame},
		{"kind 12", frame(12, 1), frameData, ErrFrame},
		{"short acknowledgement", frame(frameAck, 1), frameAck, ErrFrame},
		{"long resumption", frame(frameResume, make([]byte, resumeSize+1)...), frameResume, ErrFrame},
		{"kind 255", frame(255, 1), frameData, ErrFrame},
		{"another kind", frame(frameFinish, make([]byte, 32)...), frameData, ErrFrame},
		{"empty data", frame(frameData), frameData, ErrFrame},
		{"data one too long", header(frameData, maxData+1), frameData, ErrFrame},
		{"data beyond all bounds", header(frameData, 1<<32-1), frameData, ErrFrame},
		{"hello too long", header(frameHello, maxHello+1), frameHello, ErrFrame},
		{"hello empty", frame(frameHello), frameHello, ErrFrame},
		{"terms too long", header(frameTerms, signatureSize+MaxTerms+1), frameTerms, ErrFrame},
		{"terms without terms", frame(frameTerms, make([]byte, signatureSize)...), frameTerms, ErrFrame},
		{"short signature", frame(frameAccept, make([]byte, signatureSize-1)...), frameAccept, ErrFrame},
		{"long finish", frame(frameFinish, make([]byte, 33)...), frameFinish, ErrFrame},
		{"life with a payload", frame(frameAlive, 1), frameData, ErrFrame},
		{"abort without a code", frame(frameAbort), frameData, ErrFrame},
		{"refusal", frame(frameRefuse, []byte("purpose")...), frameAccept, &RefusedError{"purpose"}},
		{"refusal out of turn", frame(frameRefuse, []byte("purpose")...), frameData, ErrFrame},
		{"refusal of what is no term", frame(frameRefuse, []byte("\x1b[2J")...), frameAccept, ErrFrame},
		{"abort", frame(frameAbort, byte(CodeEpoch)), frameData, ErrEpoch},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ch, _ := scripted(tt.in)
			_, err := ch.read(tt.want)
			var refused, wanted *RefusedError
			if errors.As(tt.err, &wanted) && errors.As(err, &refused) && *wanted == *refused {
				return
			}
			if !errors.Is(err, tt.err) {
				t.Errorf("%v, want %v", err, tt.err)
			}
			if cap(ch.in) > 2*maxData || errors.Is(err, ErrFrame) && cap(ch.in) > 64 {
				t.Errorf("a buffer of %d bytes was made", cap(ch.in))
			}
		})
	}
}

// Codes survive the wire, and stand for the same error on both sides.
func TestAbortCodes(t *testing.T) {
	for _, c := range causes {
		if got := codeFor(c.cause); got != c.code {
			t.Errorf("%v has code %d, want %d", c.cause, got, c.code)
		}
		ch, _ := scripted(frame(frameAbort, byte(c.code)))
		_, err := ch.read(frameData)
		var aborted *AbortError
		if !errors.As(err, &aborted) || aborted.Code != c.code || !errors.Is(err, c.cause) {
			t.Errorf("code %d arrives as %v", c.code, err)
		}
	}
	if got := codeFor(errors.New("something else")); got != CodeRun {
		t.Errorf("an error without a code has code %d, want %d", got, CodeRun)
	}
}

// A frame is one write, whatever its size.
func TestOneWritePerFrame(t *testing.T) {
	ch, s := scripted(nil)
	for _, n := range []int{1, 100, maxData} {
		s.out.Reset()
		if err := ch.write(frameData, make([]byte, n)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(frame(frameData, make([]byte, n)...), s.out.Bytes()); diff != "" {
			t.Errorf("(-want +written):\n%s", diff)
		}
	}
}

// FuzzFrames reads whatever a peer may send: nothing panics, no buffer outgrows
// the longest frame, and every error is typed.
func FuzzFrames(f *testing.F) {
	f.Add(append(frame(frameHello, make([]byte, 115)...), frame(frameData, 1)...), uint8(frameHello))
	f.Add(append(frame(frameAlive), frame(frameData, 1, 2, 3)...), uint8(frameData))
	f.Add(frame(frameRefuse, []byte("purpose")...), uint8(frameAccept))
	f.Add(header(frameData, 1<<32-1), uint8(frameData))
	f.Add(frame(frameAbort, 9), uint8(frameData))
	f.Fuzz(func(t *testing.T, in []byte, want uint8) {
		ch, _ := scripted(in)
		kind := frameAbort + frameKind(want)%frameResume
		for {
			got, err := ch.read(kind)
			if err == nil {
				if l := limits[kind]; len(got) < l.min || len(got) > l.max {
					t.Fatalf("kind %d came with %d bytes", kind, len(got))
				}
				continue
			}
			var aborted *AbortError
			var refused *RefusedError
			if !errors.As(err, &aborted) && !errors.As(err, &refused) && !errors.Is(err, ErrFrame) && !errors.Is(err, ErrHangUp) {
				t.Errorf("not a typed error: %v", err)
			}
			break
		}
		if cap(ch.in) > 2*maxData {
			t.Errorf("a buffer of %d bytes was made", cap(ch.in))
		}
	})
}

// A hello that parses is the one form of itself.
func FuzzHello(f *testing.F) {
	m := &hello{version: Version, role: 1, purpose: forProbe, clock: -1, window: minWindow}
	b, err := m.marshal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add(b[:len(b)-1])
	f.Add([]byte{1, 0})
	f.Fuzz(func(t *testing.T, in []byte) {
		m, err := parseHello(in)
		if err != nil {
			if !errors.Is(err, ErrFrame) && !errors.Is(err, ErrVersion) {
				t.Errorf("not a typed error: %v", err)
			}
			return
		}
		out, err := m.marshal()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(in, out); diff != "" {
			t.Errorf("(-in +out):\n%s", diff)
		}
	})
}
