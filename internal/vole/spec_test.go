package vole

import (
	"crypto/sha256"
	"fmt"
	"testing"

	"github.com/comity-prl/comity/internal/gf128"
	"github.com/comity-prl/comity/internal/ot"
	"github.com/comity-prl/comity/internal/spectest"
)

func TestSpec(t *testing.T) {
	s, err := newShape(1200, &Params{Session: spectest.Name()})
	if err != nil {
		t.Fatal(err)
	}
	v := make([]Element, s.n)
	for i := range v {
		v[i] = gf128.FromBytes(spectest.Block(i))
	}
	one, two := v[1], v[2]
	sum := dotPowers(v, one)
	proof := s.proof(sha256.Sum256([]byte{0}), one, two)
	e := s.encoder(never)
	at := func(stream int, part uint64, n int) uint32 {
		var buf [1]Element
		words(e.streams[stream], buf[:], n/4, part)
		return word(buf[:], n%4)
	}
	out, err := s.compress(v, never)
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, len(out)*gf128.Size)
	gf128.Encode(b, out)
	code := sha256.Sum256(b)
	spectest.Check(t, "../../psi/SPEC.md", "A.10 Silent VOLE", [][]string{
		spectest.Cells("block", s.block),
		spectest.Cells("N", s.n),
		spectest.Cells("d", ot.Depth(s.block)),
		spectest.Cells("name'", s.session()),
		spectest.Cells("W_0(0, 0)", at(0, 0, 0)),
		spectest.Cells("W_1(0, 30)", at(1, 0, 30)),
		spectest.Cells("W_2(3, 6)", at(2, 3, 6)),
		spectest.Cells("count and start of slot 4", fmt.Sprintf("%d, %d", e.slots[4].count, e.slots[4].start)),
		spectest.Cells("code of v_i = B(i), SHA-256", code[:]),
		spectest.Cells("Σ χ^(i+1)·B(i), i from 0 to N − 1, χ = B(1)", sum.AppendBytes(nil)),
		spectest.Cells("proof for a payload of trees of one byte 00, χ = B(1), v = B(2)", proof[:]),
	})
}
