package psi

import (
	"fmt"
	"math/bits"

	"github.com/comity-prl/comity/internal/gf128"
	"github.com/comity-prl/comity/internal/okvs"
	"github.com/comity-prl/comity/internal/shuffle"
)

// buckets is how the sets of a run are cut.
type buckets struct {
	count            int
	receiver, sender int // capacity of a bucket
	lambda           int // statistical parameter of one bucket
}

func (s *voleSuite) buckets(r *run) buckets {
	n := max(r.nReceiver, r.nSender)
	if n <= s.whole {
		return buckets{count: 1, receiver: r.nReceiver, sender: r.nSender, lambda: statistical}
	}
	b := buckets{count: (n + s.bucket - 1) / s.bucket}
	b.lambda = statistical + bits.Len(uint(b.count-1))
	// One bit more, for there are buckets on two sides.
	b.receiver = okvs.Capacity(r.nReceiver, b.count, float64(b.lambda+1))
	b.sender = okvs.Capacity(r.nSender, b.count, float64(b.lambda+1))
	return b
}

// cut returns the numbers of the items of each bucket.
func (h *hasher) cut(count, capacity int) ([][]uint32, error) {
	members := make([][]uint32, count)
	for b := range members {
		members[b] = make([]uint32, 0, min(capacity, len(h.items)))
	}
	var keys, second [hashBatch]gf128.Element
	var numbers [hashBatch]uint32
	for first := 0; first < len(h.items); first += hashBatch {
		n := min(hashBatch, len(h.items)-first)
		for i := range n {
			numbers[i] = uint32(first + i)
		}
		if count > 1 {
			h.batch(keys[:n], second[:n], numbers[:n])
		}
		for i, k := range keys[:n] {
			b, _ := bits.Mul64(k.Hi, uint64(count))
			if len(members[b]) == capacity {
				return nil, fmt.Errorf("%w: a bucket is full", ErrAgain)
			}
			members[b] = append(members[b], numbers[i])
		}
	}
	return members, nil
}

// fill appends to order the members of a bucket and as many that are absent as
// capacity leaves room for, in random order.
func fill(order, members []uint32, capacity int) []uint32 {
	for _, i := range shuffle.Order(capacity) {
		if int(i) < len(members) {
			order = append(order, members[i])
		} else {
			order = append(order, absent)
		}
	}
	return order
}
