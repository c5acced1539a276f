package protocol

import (
	"context"
	"fmt"
	"runtime"
	"testing"

	"github.com/comity-prl/comity/psi"
)

// BenchmarkSession runs both parties in one process over loopback TCP, half of the
// items shared: bare psi, and a whole session from dialling to the last farewell.
func BenchmarkSession(b *testing.B) {
	for _, n := range []int{1 << 16, 1 << 20} {
		for _, over := range []struct {
			name string
			run  func(*testing.B, int) (r, s func(*psi.Set) error, end func())
		}{{"bare", bare}, {"session", session}} {
			b.Run(fmt.Sprintf("suite=vole/n=%d/over=%s", n, over.name), func(b *testing.B) {
				receiver, sender := psi.NewSet(items(0, n), binding), psi.NewSet(items(n/2, n), binding)
				for b.Loop() {
					b.StopTimer()
					runtime.GC() // a run begins without what an earlier one left behind
					b.StartTimer()
					receive, send, end := over.run(b, n)
					done := make(chan error, 1)
					go func() { done <- send(sender) }()
					if err := receive(receiver); err != nil {
						b.Fatal(err)
					}
					if err := <-done; err != nil {
						b.Fatal(err)
					}
					end()
				}
			})
		}
	}
}

func bare(b *testing.B, n int) (receive, send func(*psi.Set) error, end func()) {
	here, there := wires(b)
	p := &psi.Params{Suite: psi.VOLE(), Function: psi.Intersection, MaxReceiver: n, MaxSender: n, Session: []byte("bare")}
	receive = func(set *psi.Set) error {
		_, err := psi.Receive(context.Background(), here, p, set)
		return err
	}
	send = func(set *psi.Set) error {
		_, err := psi.Send(context.Background(), there, p, set)
		return err
	}
	return receive, send, func() { here.Close(); there.Close() }
}

func session(b *testing.B, n int) (receive, send func(*psi.Set) error, end func()) {
	pc, ac := agencies(b)
	ac.Policy.Rules[0].MaxProposer, ac.Policy.Rules[0].MaxAcceptor = n, n
	terms := goodTerms()
	terms.Suite, terms.MaxProposer, terms.MaxAcceptor = psi.VOLE().String(), n, n
	l, err := Listen("127.0.0.1:0", ac)
	if err != nil {
		b.Fatal(err)
	}
	accepted := make(chan *Session, 1)
	go func() {
		s, _ := l.Accept(context.Background())
		accepted <- s
	}()
	p, err := Dial(context.Background(), l.Addr().String(), terms, pc)
	if err != nil {
		b.Fatal(err)
	}
	a := <-accepted
	receive = func(set *psi.Set) error {
		_, err := p.Receive(context.Background(), set)
		return err
	}
	send = func(set *psi.Set) error {
		_, err := a.Send(context.Background(), set)
		return err
	}
	return receive, send, func() { p.Close(); a.Close(); l.Close() }
}
