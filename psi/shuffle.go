package psi

import (
	"bufio"
	"crypto/rand"
	"encoding/binary"
	"io"
	"math/bits"
)

// shuffled returns the numbers from 0 to n-1 in an order drawn uniformly from
// crypto/rand (Fisher–Yates). n is at most MaxItems.
func shuffled(n int) ([]uint32, error) {
	order := make([]uint32, n)
	for i := range order {
		order[i] = uint32(i)
	}
	random := bufio.NewReaderSize(rand.Reader, 4096)
	for i := n - 1; i > 0; i-- {
		j, err := uniform(random, uint64(i)+1)
		if err != nil {
			return nil, err
		}
		order[i], order[j] = order[j], order[i]
	}
	return order, nil
}

// uniform returns a number below n without bias (Lemire, ACM TOMACS 29(1), 2019).
func uniform(random io.Reader, n uint64) (uint64, error) {
	for {
		var b [8]byte
		if _, err := io.ReadFull(random, b[:]); err != nil {
			return 0, err
		}
		hi, lo := bits.Mul64(binary.LittleEndian.Uint64(b[:]), n)
		if lo >= -n%n {
			return hi, nil
		}
	}
}
