package vole

import (
	"bytes"
	"io"
	"testing"

	"github.com/comity-prl/comity/internal/wire"
)

// script is a peer that has said everything it will say.
type script struct {
	io.Reader
	io.Writer
}

// Whatever a peer sends, a run ends in an error and gives no result: no peer can
// complete a check by bytes that were fixed before.
func FuzzPeer(f *testing.F) {
	frame := func(kind byte, n int) []byte {
		return append([]byte{byte(testKind) + kind, 0, byte(n >> 16), byte(n >> 8), byte(n)}, make([]byte, n)...)
	}
	f.Add(true, []byte{})
	f.Add(true, frame(1, 32))
	f.Add(false, frame(0, 128*64))
	f.Add(false, []byte{byte(testKind), 0xff, 0xff, 0xff, 0xff})
	f.Add(true, append(frame(1, 32), frame(2, 32*96)...))
	f.Add(false, []byte{0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, toSender bool, data []byte) {
		c := wire.Open(t.Context(), script{bytes.NewReader(data), io.Discard})
		if toSender {
			if _, b, err := Send(c, testKind, 5, nil); err == nil || b != nil {
				t.Error("the sender accepts")
			}
			return
		}
		if a, cc, err := Receive(c, testKind, 5, nil); err == nil || a != nil || cc != nil {
			t.Error("the receiver accepts")
		}
	})
}
