//go:build unix

package oprf

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	circl "github.com/cloudflare/circl/oprf"
)

// items is the batch of the benchmarks.
const items = 64

// perItem reports the processor time of one of a batch's items, which other work
// on the machine disturbs less than it does the clock.
func perItem(b *testing.B, f func()) {
	used := func() time.Duration {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	before := used()
	for b.Loop() {
		f()
	}
	b.ReportMetric(float64((used()-before).Nanoseconds())/1000/float64(b.N)/items, "cpu-µs/item")
}

// BenchmarkSuite measures the steps of client and server. "operations" is what they
// cannot do without, each with its encodings: for blinding a hash to the curve and
// a multiplication, for evaluating and for unblinding a multiplication.
func BenchmarkSuite(b *testing.B) {
	const n = items
	for _, g := range groups {
		for _, m := range []Mode{Verifiable, Partial} {
			x := newExchange(b, New(g, m), n)
			name := fmt.Sprintf("suite=%s/mode=%d/step=", g, m)
			b.Run(name+"blind", func(b *testing.B) {
				perItem(b, func() {
					if _, err := x.Blind(x.inputs); err != nil {
						b.Fatal(err)
					}
				})
			})
			b.Run(name+"evaluate", func(b *testing.B) {
				perItem(b, func() {
					if _, _, err := x.Evaluate(x.key, x.info, x.batch.Encoded()); err != nil {
						b.Fatal(err)
					}
				})
			})
			b.Run(name+"finalize", func(b *testing.B) {
				perItem(b, func() {
					answer, err := x.batch.Verify(x.key.Public, x.info, x.evaluated, x.proof)
					if err != nil {
						b.Fatal(err)
					}
					x.Finalize(x.inputs, x.info, x.batch.Unblind(answer))
				})
			})
		}
		x := newExchange(b, New(g, Verifiable), n)
		k := x.Random()
		b.Run(fmt.Sprintf("suite=%s/operations=blind", g), func(b *testing.B) {
			perItem(b, func() {
				x.encodeAll(n, func(i int) Element {
					h, err := x.HashToElement(x.inputs[i], x.dstGroup)
					if err != nil {
						b.Error(err)
					}
					return h.Mul(k)
				})
			})
		})
		b.Run(fmt.Sprintf("suite=%s/operations=multiply", g), func(b *testing.B) {
			perItem(b, func() {
				x.encodeAll(n, func(i int) Element {
					e, err := x.DecodeElement(x.at(x.evaluated, i))
					if err != nil {
						b.Error(err)
					}
					return e.Mul(k)
				})
			})
		})
	}
}

// BenchmarkCircl is the same by circl.
func BenchmarkCircl(b *testing.B) {
	inputs := make([][]byte, items)
	for i := range inputs {
		inputs[i] = fmt.Appendf(nil, "input %d", i)
	}
	for _, suite := range []circl.Suite{circl.SuiteRistretto255, circl.SuiteP256} {
		key, err := circl.DeriveKey(suite, circl.VerifiableMode, make([]byte, 32), nil)
		if err != nil {
			b.Fatal(err)
		}
		client, server := circl.NewVerifiableClient(suite, key.Public()), circl.NewVerifiableServer(suite, key)
		state, request, err := client.Blind(inputs)
		if err != nil {
			b.Fatal(err)
		}
		answer, err := server.Evaluate(request)
		if err != nil {
			b.Fatal(err)
		}
		for _, step := range []struct {
			name string
			f    func() error
		}{
			{"blind", func() error { _, _, err := client.Blind(inputs); return err }},
			{"evaluate", func() error { _, err := server.Evaluate(request); return err }},
			{"finalize", func() error { _, err := client.Finalize(state, answer); return err }},
		} {
			b.Run(fmt.Sprintf("suite=%s/mode=1/step=%s", suite.Identifier(), step.name), func(b *testing.B) {
				perItem(b, func() {
					if err := step.f(); err != nil {
						b.Fatal(err)
					}
				})
			})
		}
	}
}
