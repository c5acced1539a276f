package okvs

import (
	"testing"

	"github.com/comity-prl/comity/internal/gf128"
	"github.com/comity-prl/comity/internal/spectest"
)

const specPage = "../../psi/SPEC.md"

func TestSpecSizes(t *testing.T) {
	var got [][]string
	for _, p := range [][2]int{{0, 40}, {1, 40}, {50, 40}, {1000, 40}, {65536, 40}, {131071, 40}, {131072, 40},
		{1 << 20, 40}, {1055093, 42}, {1 << 20, 60}, {1 << 24, 40}} {
		l := layout(t, p[0], p[1], 1)
		got = append(got, spectest.Cells(p[0], p[1], l.bins, l.capacity, l.sparse, l.dense, l.Len()))
	}
	spectest.Check(t, specPage, "A.5 Sizes of tables", got)
}

func TestSpecRows(t *testing.T) {
	block := func(n int) gf128.Element { return gf128.FromBytes(spectest.Block(n)) }
	var got [][]string
	for _, n := range []int{50, 1000, 131072} {
		l, err := NewLayout(n, 40, block(7))
		if err != nil {
			t.Fatal(err)
		}
		table := make([]gf128.Element, l.Len())
		for i := range table {
			table[i] = block(i)
		}
		for _, key := range []int{1, 4} {
			var hashed, value [1]gf128.Element
			l.hash.Hash(hashed[:], []gf128.Element{block(key)})
			l.Decode(value[:], table, []gf128.Element{block(key)})
			p := l.positions(hashed[0])
			got = append(got, spectest.Cells(n, key, l.bin(hashed[0]), p[0], p[1], p[2], value[0].AppendBytes(nil)))
		}
	}
	spectest.Check(t, specPage, "A.6 Rows", got)
}
