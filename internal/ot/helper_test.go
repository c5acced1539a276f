package ot

import (
	"math/rand/v2"
	"net"
	"testing"

	"github.com/comity-prl/comity/internal/wire"
	"github.com/comity-prl/comity/internal/wire/wiretest"
)

const testKind wire.Kind = 10

// source is a generator for test data, the same in every run.
func source(seed byte) *rand.Rand { return rand.New(rand.NewChaCha8([32]byte{seed})) }

func randomElements(r *rand.Rand, n int) []Element {
	xs := make([]Element, n)
	for i := range xs {
		xs[i] = Element{Lo: r.Uint64(), Hi: r.Uint64()}
	}
	return xs
}

// pair runs both sides of a protocol over loopback, on which wrap may put a reader
// of its own: on that of side 0 or 1.
func pair(t testing.TB, wrap func(side int, c net.Conn) net.Conn, first, second func(*wire.Conn) error) (errFirst, errSecond error) {
	t.Helper()
	a, b := wiretest.Loopback(t)
	if wrap != nil {
		a, b = wrap(0, a), wrap(1, b)
	}
	return both(t, a, b, first, second)
}

// both runs both sides over the two ends of a stream, each of which closes its end.
func both(t testing.TB, a, b net.Conn, first, second func(*wire.Conn) error) (errFirst, errSecond error) {
	done := make(chan error, 1)
	go func() {
		defer b.Close()
		c := wire.Open(t.Context(), b)
		done <- c.Close(second(c))
	}()
	c := wire.Open(t.Context(), a)
	errFirst = c.Close(first(c))
	a.Close()
	return errFirst, <-done
}

// on puts a tampering reader on one side.
func on(side, frame int, change func([]byte) []byte) func(int, net.Conn) net.Conn {
	return func(s int, c net.Conn) net.Conn {
		if s != side {
			return c
		}
		return &wiretest.Tamper{Conn: c, Frame: frame, Change: change}
	}
}
