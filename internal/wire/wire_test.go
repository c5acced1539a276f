package wire

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
)

const kind Kind = 7

// stream joins a reader and a writer; it has neither deadlines nor Close.
type stream struct {
	io.Reader
	io.Writer
}

func TestFrames(t *testing.T) {
	var buf bytes.Buffer
	c := Open(t.Context(), stream{&buf, &buf})
	payloads := [][]byte{{}, {1}, bytes.Repeat([]byte{2}, MaxPayload)}
	for _, p := range payloads {
		if err := c.Write(kind, p); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range payloads {
		got, err := c.Read(kind, MaxPayload)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, p) {
			t.Errorf("got %d bytes, want %d", len(got), len(p))
		}
	}
	if err := c.Close(nil); err != nil {
		t.Fatal(err)
	}
}

func TestRefusedFrames(t *testing.T) {
	tests := []struct {
		name string
		in   []byte
		want error
	}{
		{"empty", nil, ErrTruncated},
		{"short header", []byte{7, 0, 0}, ErrTruncated},
		{"short payload", []byte{7, 0, 0, 0, 4, 1}, ErrTruncated},
		{"other kind", []byte{8, 0, 0, 0, 0}, ErrKind},
		{"alert", []byte{0, 0, 0, 0, 0}, ErrAlert},
		{"over the reader's maximum", []byte{7, 0, 0, 0, 5, 1, 2, 3, 4, 5}, ErrLength},
		{"over any maximum", []byte{7, 255, 255, 255, 255}, ErrLength},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := Open(t.Context(), stream{bytes.NewReader(tt.in), io.Discard})
			if _, err := c.Read(kind, 4); !errors.Is(err, tt.want) {
				t.Errorf("Read: %v, want %v", err, tt.want)
			}
		})
	}
	t.Run("not the exact length", func(t *testing.T) {
		c := Open(t.Context(), stream{bytes.NewReader([]byte{7, 0, 0, 0, 1, 9}), io.Discard})
		if _, err := c.ReadExact(kind, 2); !errors.Is(err, ErrLength) {
			t.Errorf("ReadExact: %v, want %v", err, ErrLength)
		}
	})
}

func TestEnd(t *testing.T) {
	broken := errors.New("broken")
	for _, tt := range []struct {
		name string
		in   io.Reader
		want error
	}{
		{"nothing after it", bytes.NewReader([]byte{7, 0, 0, 0, 0}), nil},
		{"a byte after it", bytes.NewReader([]byte{7, 0, 0, 0, 0, 7}), ErrLength},
		{"a failure after it", io.MultiReader(bytes.NewReader([]byte{7, 0, 0, 0, 0}), iotest.ErrReader(broken)), broken},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := Open(t.Context(), stream{tt.in, io.Discard})
			if _, err := c.Read(kind, 0); err != nil {
				t.Fatal(err)
			}
			if err := c.End(); !errors.Is(err, tt.want) {
				t.Errorf("End: %v, want %v", err, tt.want)
			}
		})
	}
}

func TestWriteRefuses(t *testing.T) {
	var out bytes.Buffer
	c := Open(t.Context(), stream{&out, &out})
	if c.Write(alert, nil) == nil {
		t.Error("an alert went out as an ordinary frame")
	}
	if c.Write(kind, make([]byte, MaxPayload+1)) == nil {
		t.Error("a payload over MaxPayload went out")
	}
	if out.Len() != 0 {
		t.Errorf("%d bytes went out", out.Len())
	}
}

// A local failure must reach the peer as the same alert whatever its cause.
func TestOneAlertForEveryCause(t *testing.T) {
	for _, cause := range []error{errors.New("a"), ErrKind, ErrLength, io.ErrNoProgress} {
		var out bytes.Buffer
		c := Open(t.Context(), stream{&out, &out})
		if err := c.Close(cause); err != cause {
			t.Errorf("Close returned %v, want %v", err, cause)
		}
		if diff := cmp.Diff([]byte{0, 0, 0, 0, 0}, out.Bytes()); diff != "" {
			t.Errorf("%v: alert (-want +got):\n%s", cause, diff)
		}
		if !IsAlert(out.Bytes()) || IsAlert(out.Bytes()[1:]) || IsAlert([]byte{byte(kind), 0, 0, 0, 0}) {
			t.Errorf("%v: IsAlert does not know an alert", cause)
		}
	}
}

func TestNoAlertToAPeerThatEnded(t *testing.T) {
	for _, cause := range []error{nil, ErrAlert, ErrTruncated} {
		var out bytes.Buffer
		c := Open(t.Context(), stream{&out, &out})
		_ = c.Close(cause)
		if out.Len() != 0 {
			t.Errorf("%v: %d bytes went out", cause, out.Len())
		}
	}
}

// Both sides write first, over a pipe without any buffer.
func TestExchangeOverPipe(t *testing.T) {
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	done := make(chan error, 1)
	go func() {
		_, err := Open(t.Context(), b).Exchange(kind, []byte("b"), 1)
		done <- err
	}()
	got, err := Open(t.Context(), a).Exchange(kind, []byte("a"), 1)
	if err != nil || string(got) != "b" {
		t.Errorf("got %q, %v", got, err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// A side that fails while its writer is stuck must return, and the peer, which
// reads, must see the alert.
func TestRunUnblocksTheOtherSide(t *testing.T) {
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	boom := errors.New("boom")
	peer := make(chan error, 1)
	go func() {
		c := Open(t.Context(), b)
		for {
			if _, err := c.Read(kind, 1); err != nil {
				peer <- err
				return
			}
		}
	}()
	c := Open(t.Context(), a)
	err := c.Run(
		func() error { return boom },
		func() error {
			for {
				if err := c.Write(kind, []byte{1}); err != nil {
					return err
				}
			}
		},
	)
	if !errors.Is(err, boom) {
		t.Errorf("Run: %v, want %v", err, boom)
	}
	if err := <-peer; !errors.Is(err, ErrAlert) {
		t.Errorf("peer: %v, want %v", err, ErrAlert)
	}
}

// deaf is a stream whose peer has stopped reading.
type deaf struct{ net.Conn }

func (deaf) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

// A write that fails is explained by what the peer has said, or by its hang-up.
func TestFailedWrite(t *testing.T) {
	for name, tt := range map[string]struct {
		last []byte
		want error
	}{
		"alert behind a frame": {[]byte{byte(kind), 0, 0, 0, 2, 1, 1, 0, 0, 0, 0, 0}, ErrAlert},
		"hang-up":              {nil, ErrTruncated},
		"hang-up in a frame":   {[]byte{byte(kind), 0, 0, 0, 2, 1}, ErrTruncated},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := net.Pipe()
			defer a.Close()
			go func() {
				defer b.Close()
				_, _ = b.Write(tt.last) // fails if nobody reads, and then the test does
			}()
			c := Open(t.Context(), deaf{a})
			if err := c.Close(c.Write(kind, nil)); !errors.Is(err, tt.want) {
				t.Errorf("%v, want %v", err, tt.want)
			}
		})
	}
}

// A reader that has the alert in hand tells more than the hang-up that a failed write
// finds behind it.
func TestAlertBeforeHangUp(t *testing.T) {
	a, b := net.Pipe()
	defer a.Close()
	b.Close()
	c := Open(t.Context(), deaf{a})
	closed := make(chan struct{})
	err := c.Run(
		func() error { defer close(closed); return c.Close(c.Write(kind, nil)) },
		func() error { <-closed; return ErrAlert },
	)
	if !errors.Is(err, ErrAlert) {
		t.Errorf("%v, want %v", err, ErrAlert)
	}
}

// closer is a stream that can be closed but has no deadlines.
type closer struct{ net.Conn }

func (c closer) SetDeadline() {} // hides net.Conn's: another signature

func TestContextEndsPendingRead(t *testing.T) {
	cause := errors.New("the operator gave up")
	for name, wrap := range map[string]func(net.Conn) io.ReadWriter{
		"deadline": func(c net.Conn) io.ReadWriter { return c },
		"close":    func(c net.Conn) io.ReadWriter { return closer{c} },
	} {
		t.Run(name, func(t *testing.T) {
			a, b := net.Pipe()
			defer a.Close()
			defer b.Close()
			ctx, cancel := context.WithCancelCause(t.Context())
			c := Open(ctx, wrap(a))
			time.AfterFunc(10*time.Millisecond, func() { cancel(cause) })
			_, err := c.Read(kind, 1)
			if err == nil {
				t.Fatal("Read returned a frame that nobody sent")
			}
			if err := c.Close(err); !errors.Is(err, cause) {
				t.Errorf("Close: %v, want the context's cause", err)
			}
		})
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte{7, 0, 0, 0, 1, 9})
	f.Add([]byte{0, 0, 0, 0, 0})
	f.Add([]byte{7, 255, 255, 255, 255})
	f.Fuzz(func(t *testing.T, in []byte) {
		c := Open(t.Context(), stream{bytes.NewReader(in), io.Discard})
		for {
			p, err := c.Read(kind, 64)
			if err != nil {
				return
			}
			if len(p) > 64 {
				t.Fatalf("%d bytes past a maximum of 64", len(p))
			}
		}
	})
}
