package voleprf

import (
	"testing"

	"github.com/comity-prl/comity/internal/gf128"
	"github.com/comity-prl/comity/internal/spectest"
)

func TestSpec(t *testing.T) {
	one, two := gf128.FromBytes(spectest.Block(1)), gf128.FromBytes(spectest.Block(2))
	plain, malicious := &Params{SemiHonest: true}, &Params{Session: spectest.Name()}
	commitment := malicious.commitment(one.AppendBytes(nil))
	receipt := malicious.receipt(two.AppendBytes(one.AppendBytes(nil)))
	hashed := []Element{one}
	hashKey.Hash(hashed, hashed)
	value := func(p *Params) []byte {
		sums := []Element{one}
		p.output(sums, []Element{two}, Element{})
		return sums[0].AppendBytes(nil)
	}
	spectest.Check(t, "../../psi/SPEC.md", "A.8 The oblivious function", [][]string{
		spectest.Cells("commitment to wS = B(1)", commitment[:]),
		spectest.Cells("receipt for seeds B(1) ‖ B(2)", receipt[:]),
		spectest.Cells("H(B(1))", hashed[0].AppendBytes(nil)),
		spectest.Cells("F, suite 3, z = B(1), y = B(2)", value(plain)),
		spectest.Cells("F, suite 4, z = B(1), y = B(2)", value(malicious)),
	})
}
