package ot

import (
	"crypto/sha256"
	"fmt"
	"testing"

	"github.com/gtank/ristretto255"

	"github.com/comity-prl/comity/internal/gf128"
	"github.com/comity-prl/comity/internal/spectest"
)

func TestSpec(t *testing.T) {
	blocks := make([]Element, 128)
	for i := range blocks {
		blocks[i] = gf128.FromBytes(spectest.Block(i))
	}
	s := newSession(spectest.Name())
	x := &extension{session: s, transcript: s.transcript()}
	x.transcript.Write([]byte{1, 2, 3, 4})
	g := ristretto255.NewGeneratorElement()
	base := g.Bytes()
	point, err := hashToGroup(&s, 5, 1, base)
	if err != nil {
		t.Fatal(err)
	}
	var got [][]string
	add := func(name string, value []byte) { got = append(got, spectest.Cells(name, value)) }
	addBlock := func(name string, e Element) { add(name, e.AppendBytes(nil)) }
	addHash := func(name string, xs []Element) {
		b := make([]byte, len(xs)*gf128.Size)
		gf128.Encode(b, xs)
		h := sha256.Sum256(b)
		add(name+", SHA-256", h[:])
	}

	add("s", s[:])
	add("G_{5,1}(G)", point.Bytes())
	addBlock("string 1 of base transfer 5, Q = P_0 = P_1 = X = G", baseString(&s, 5, 1, base, append(base[:32:32], base...), g))
	proof := x.leafProof(3, 7, blocks[1])
	add("π(3, 7) of the leaf B(1)", proof[:])
	addBlock("string(300, B(1))", s.row(300, blocks[1]))
	addBlock("block 1 under leaf B(1)", newGenerator(3).stream(blocks[1])[1])
	addBlock("χ of payloads of one byte each, 01 to 04", x.challenge())
	addBlock("hash(B(1), B(2), B(3)) under χ = B(4)", universal(blocks[1:4], 1, blocks[4])[0])
	for _, n := range []int{16, 5} {
		keys := make([][2]Element, Depth(n))
		for l := range keys {
			keys[l] = [2]Element(blocks[2*l+2:])
		}
		leaves, corrections := make([]Element, n), make([]Element, Corrections(n))
		sum := BuildPPRF(leaves, keys, corrections)
		addHash(fmt.Sprintf("leaves of %d", n), leaves)
		addHash(fmt.Sprintf("corrections of %d", n), corrections)
		addBlock(fmt.Sprintf("sum of %d", n), sum)
	}
	addBlock("product of a chunk of columns B(c)", packed(blocks))
	rows := [ChunkSize]Element(blocks)
	transpose(&rows)
	addBlock("row 1 of that chunk", rows[1])
	spectest.Check(t, "../../psi/SPEC.md", "A.9 Oblivious transfers", got)
}
