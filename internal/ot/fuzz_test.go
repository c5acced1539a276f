package ot

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/gtank/ristretto255"

	"github.com/comity-prl/comity/internal/wire"
)

// script is a peer that has said everything it will say.
type script struct {
	io.Reader
	io.Writer
}

// A pair of elements is taken exactly if both are canonical and neither is the
// identity.
func FuzzBaseSend(f *testing.F) {
	g := ristretto255.NewGeneratorElement().Bytes()
	f.Add(g, g)
	f.Add(g, make([]byte, pointSize))
	f.Add(bytes.Repeat([]byte{0xff}, pointSize), g)
	f.Add(g[:31], g)
	f.Add(g, append(g, 0))
	f.Fuzz(func(t *testing.T, r0, r1 []byte) {
		n := len(r0) + len(r1)
		if n > 1000 {
			return
		}
		in := append([]byte{byte(testKind + kindPoints), 0, 0, byte(n >> 8), byte(n)}, append(bytes.Clone(r0), r1...)...)
		c := wire.Open(t.Context(), script{bytes.NewReader(in), io.Discard})
		keys, err := BaseSend(c, testKind, 1, nil)
		want := error(nil)
		if n != 2*pointSize {
			want = wire.ErrLength
		} else {
			both := append(bytes.Clone(r0), r1...)
			for _, p := range [][]byte{both[:pointSize], both[pointSize:]} {
				e, err := ristretto255.NewIdentityElement().SetCanonicalBytes(p)
				if want == nil && err != nil {
					want = ErrEncoding
				} else if want == nil && e.Equal(ristretto255.NewIdentityElement()) == 1 {
					want = ErrIdentity
				}
			}
		}
		if !errors.Is(err, want) || err == nil && len(keys) != 1 {
			t.Errorf("%v, want %v", err, want)
		}
	})
}
