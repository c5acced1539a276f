package wiretest

import (
	"net"
	"sync/atomic"
	"testing"
)

// Loopback returns the two ends of a TCP connection. Unlike a net.Pipe, it has
// buffers.
func Loopback(t testing.TB) (net.Conn, net.Conn) {
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

// Counted counts the bytes that go out over a stream.
type Counted struct {
	net.Conn
	Bytes *atomic.Int64
}

// Write writes and counts.
func (c Counted) Write(p []byte) (int, error) {
	c.Bytes.Add(int64(len(p)))
	return c.Conn.Write(p)
}
