package oprf

import (
	"fmt"
	"testing"

	circl "github.com/cloudflare/circl/oprf"
)

// BenchmarkSuite measures a batch of 64 on all cores. µs/item is elapsed time.
// "operations" is what the step cannot do without: for the client a hash to the
// curve and two multiplications, for the server one, each with the encodings.
func BenchmarkSuite(b *testing.B) {
	const n = 64
	per := func(b *testing.B, f func()) {
		for b.Loop() {
			f()
		}
		b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/n, "µs/item")
	}
	for _, g := range groups {
		for _, m := range []Mode{Verifiable, Partial} {
			x := newExchange(b, New(g, m), n)
			name := fmt.Sprintf("suite=%s/mode=%d/step=", g, m)
			b.Run(name+"blind", func(b *testing.B) {
				per(b, func() { x.Blind(x.inputs) })
			})
			b.Run(name+"evaluate", func(b *testing.B) {
				per(b, func() { x.Evaluate(x.key, x.info, x.batch.Encoded()) })
			})
			b.Run(name+"finalize", func(b *testing.B) {
				per(b, func() {
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
			per(b, func() {
				x.encodeAll(n, func(i int) Element {
					h, _ := x.HashToElement(x.inputs[i], x.dstGroup)
					return h.Mul(k)
				})
			})
		})
		b.Run(fmt.Sprintf("suite=%s/operations=multiply", g), func(b *testing.B) {
			per(b, func() {
				x.encodeAll(n, func(i int) Element {
					e, _ := x.DecodeElement(x.at(x.evaluated, i))
					return e.Mul(k)
				})
			})
		})
	}
}

// BenchmarkCircl is the same by circl, which uses one core.
func BenchmarkCircl(b *testing.B) {
	const n = 64
	inputs := make([][]byte, n)
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
		for name, f := range map[string]func(){
			"blind":    func() { client.Blind(inputs) },
			"evaluate": func() { server.Evaluate(request) },
			"finalize": func() { client.Finalize(state, answer) },
		} {
			b.Run(fmt.Sprintf("suite=%s/mode=1/step=%s", suite.Identifier(), name), func(b *testing.B) {
				for b.Loop() {
					f()
				}
				b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/n, "µs/item")
			})
		}
	}
}
