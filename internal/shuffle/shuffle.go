// Package shuffle draws random orders.
package shuffle

import (
	"bufio"
	crand "crypto/rand"
	"encoding/binary"
	"io"
	"math/rand/v2"
)

// secure is a source of math/rand/v2 that hands out what crypto/rand gives.
type secure struct{ r *bufio.Reader }

func (s secure) Uint64() uint64 {
	var b [8]byte
	_, _ = io.ReadFull(s.r, b[:]) // crypto/rand ends the program rather than fail
	return binary.LittleEndian.Uint64(b[:])
}

// Order returns the numbers from 0 to n-1 in an order drawn uniformly from
// crypto/rand.
func Order(n int) []uint32 {
	order := make([]uint32, n)
	for i := range order {
		order[i] = uint32(i)
	}
	rand.New(secure{bufio.NewReaderSize(crand.Reader, 4096)}).Shuffle(n, func(i, j int) {
		order[i], order[j] = order[j], order[i]
	})
	return order
}
