package vole

import (
	"math/rand/v2"
	"net"
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
