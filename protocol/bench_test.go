package protocol

import (
	"context"
	"fmt"
	"runtime"
	"testing"

	"github.com/comity-prl/comity/psi"
)

// BenchmarkSession runs both parties in one process over loopback TCP, half of the
// items shared: bare psi, a whole session from dialling to the last farewell, and one
// that both count in a ledger with a sketch of their set.
func BenchmarkSession(b *testing.B) {
	for _, n := range []int{1 << 16, 1 << 20} {
		for _, over := range []struct {
			name string
			run  func(*testing.B, int) (r, s func(*psi.Set) error, end func())
		}{{"bare", bare}, {"session", session}, {"session+ledger", reserving}} {
			b.Run(fmt.Sprintf("suite=vole/n=%d/over=%s", n, over.name), func(b *testing.B) {
				receiver, sender := psi.NewSet(items(0, n), binding), psi.NewSet(items(n/2, n), binding)
				receiver.Tree() // made ahead, as a caller should
				sender.Tree()
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
	return sessionOf(b, n, pc, ac)
}

func reserving(b *testing.B, n int) (receive, send func(*psi.Set) error, end func()) {
	pc, ac := agencies(b)
	ledgers(b, pc, ac, Limits{MinChange: 100}, Limits{MinChange: 100})
	return sessionOf(b, n, pc, ac)
}

func sessionOf(b *testing.B, n int, pc, ac *Config) (receive, send func(*psi.Set) error, end func()) {
	terms := goodTerms()
	for _, c := range []*Config{pc, ac} {
		if c.Ledger != nil {
			terms.Scope, terms.Approvers = ScopeBulk, []string{"a-1", "a-2"}
		}
		if c.Policy != nil {
			r := &c.Policy.Rules[0]
			r.MaxProposer, r.MaxAcceptor, r.Scopes = n, n, []string{ScopeQuery, ScopeBulk}
		}
	}
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
