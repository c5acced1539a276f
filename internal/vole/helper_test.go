package vole

import (
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

// never lets work go on to its end.
func never() error { return nil }

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
