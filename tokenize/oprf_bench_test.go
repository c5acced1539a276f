package tokenize

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
)

// BenchmarkOPRF makes tokens of 1024 inputs with client and servers in one
// process, on all cores. wire-B/input counts both directions.
func BenchmarkOPRF(b *testing.B) {
	inputs := make([][]byte, 1024)
	for i := range inputs {
		inputs[i] = fmt.Appendf(nil, "input %d", i)
	}
	var sent atomic.Int64
	counted := func(t Transport) Transport {
		return func(ctx context.Context, request []byte) ([]byte, error) {
			answer, err := t(ctx, request)
			sent.Add(int64(len(request) + len(answer)))
			return answer, err
		}
	}
	run := func(name string, f PRF) {
		b.Run(name, func(b *testing.B) {
			sent.Store(0)
			for b.Loop() {
				if _, err := f.Evaluate(b.Context(), inputs); err != nil {
					b.Fatal(err)
				}
			}
			n := float64(b.N * len(inputs))
			b.ReportMetric(n/b.Elapsed().Seconds(), "inputs/s")
			b.ReportMetric(float64(sent.Load())/n, "wire-B/input")
		})
	}
	for _, s := range []Suite{Ristretto255, P256} {
		for _, m := range []Mode{VOPRF, POPRF} {
			k := secretKey(b, s, m)
			run(fmt.Sprintf("suite=%s/mode=%s", s, m), client(b, k.Public(), scope, counted(direct(serve(b, map[Scope]Key{scope: k}))), nil))
		}
	}
	shares := good(b, generate(b, &hub{n: 3}, plan(Ristretto255, 2, 3)))
	ts := servers(b, shares, 7)
	for i := range ts {
		ts[i] = counted(ts[i])
	}
	run("suite=ristretto255-SHA512/threshold=2of3", thresholdClient(b, shares[0].Committee(), ts, nil))
}

// BenchmarkRekey moves elements to the next epoch, on all cores.
func BenchmarkRekey(b *testing.B) {
	for _, s := range []Suite{Ristretto255, P256} {
		b.Run("suite="+s.String(), func(b *testing.B) {
			d, err := NewDelta(scope, nextScope, secretKey(b, s, VOPRF), secretKey(b, s, VOPRF))
			if err != nil {
				b.Fatal(err)
			}
			elements := make([]Element, 1024)
			for i := range elements {
				elements[i] = element(s.group().Base(s.group().Int(uint16(i + 1))).Append(nil))
			}
			for b.Loop() {
				if _, err := d.Rekey(b.Context(), elements); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N*len(elements))/b.Elapsed().Seconds(), "elements/s")
		})
	}
}
