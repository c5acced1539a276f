package vole

import (
	"encoding/binary"
	"io"
	"math/rand/v2"
	"net"
	"sync/atomic"
	"testing"

	"github.com/comity-prl/comity/internal/wire"
)

const testKind wire.Kind = 10

// source is a generator for test data, the same in every run.
func source(seed byte) *rand.Rand { return rand.New(rand.NewChaCha8([32]byte{seed})) }

func elements(r *rand.Rand, n int) []Element {
	xs := make([]Element, n)
	for i := range xs {
		xs[i] = Element{Lo: r.Uint64(), Hi: r.Uint64()}
	}
	return xs
}

// outcome is what both sides of a run end with.
type outcome struct {
	delta      Element
	a, b, c    []Element
	errS, errR error
}

// over runs both sides over the ends of a stream, each of which closes its end.
func over(t testing.TB, sender, receiver net.Conn, m int, ps, pr *Params) (o outcome) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer sender.Close()
		c := wire.Open(t.Context(), sender)
		o.delta, o.b, o.errS = Send(c, testKind, m, ps)
		c.Close(o.errS)
	}()
	c := wire.Open(t.Context(), receiver)
	o.a, o.c, o.errR = Receive(c, testKind, m, pr)
	c.Close(o.errR)
	receiver.Close()
	<-done
	return o
}

func loopback(t testing.TB) (net.Conn, net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	accepted := make(chan net.Conn, 1)
	go func() {
		c, _ := l.Accept()
		accepted <- c
	}()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return c, <-accepted
}

// counted counts what goes out over a stream.
type counted struct {
	net.Conn
	bytes *atomic.Int64
}

func (c counted) Write(p []byte) (int, error) {
	c.bytes.Add(int64(len(p)))
	return c.Conn.Write(p)
}

// tamper changes one frame of a stream on its way to the reader, by its number.
type tamper struct {
	net.Conn
	frame  int
	change func([]byte) []byte
	seen   int
	ready  []byte
}

func (c *tamper) Read(p []byte) (int, error) {
	for len(c.ready) == 0 {
		head := make([]byte, 5)
		if _, err := io.ReadFull(c.Conn, head); err != nil {
			return 0, err
		}
		frame := append(head, make([]byte, binary.BigEndian.Uint32(head[1:]))...)
		if _, err := io.ReadFull(c.Conn, frame[5:]); err != nil {
			return 0, err
		}
		if c.seen == c.frame {
			frame = c.change(frame)
		}
		c.seen++
		c.ready = frame
	}
	n := copy(p, c.ready)
	c.ready = c.ready[n:]
	return n, nil
}

func payload(change func([]byte) []byte) func([]byte) []byte {
	return func(frame []byte) []byte {
		p := change(frame[5:])
		return append(binary.BigEndian.AppendUint32([]byte{frame[0]}, uint32(len(p))), p...)
	}
}

func cut(p []byte) []byte  { return p[:len(p)-1] }
func grow(p []byte) []byte { return append(p, 0) }
