package psi

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// randomTags returns n tags side by side, the same for one seed.
func randomTags(seed uint64, n, size int) []byte {
	tags := make([]byte, n*size)
	r := rand.NewChaCha8([32]byte{byte(seed)})
	_, _ = r.Read(tags) // does not fail
	return tags
}

func TestJoin(t *testing.T) {
	for _, size := range []int{5, 7, 8, 10, 16} {
		for _, n := range []int{0, 1, 63, 3000, 500_000} {
			if n > 3000 && size < 16 {
				continue // more than one part: once is enough
			}
			t.Run(fmt.Sprintf("size=%d/n=%d", size, n), func(t *testing.T) {
				own := randomTags(1, n, size)
				// Every third own tag is the peer's too, from the last one on, among others
				// that differ from an own one in the last byte alone.
				peer := randomTags(2, 100, size)
				want := noItems(n)
				for i := n - 1; i >= 0; i-- {
					at := len(peer) / size
					peer = append(peer, own[i*size:(i+1)*size]...)
					if i%3 == 0 {
						want[i] = uint32(at)
					} else {
						peer[len(peer)-1] ^= 1
					}
				}
				got := noItems(n)
				join(own, peer, size, func(own, peer uint32) { got[own] = peer })
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("the peer's numbers (-want +got):\n%s", diff)
				}
			})
		}
	}
}

// A peer that repeats a tag, or crowds its own into one partition, changes nothing
// but the number that is found.
func TestJoinCrowded(t *testing.T) {
	const n, size = 5000, 10
	own := randomTags(1, n, size)
	peer := bytes.Repeat(own[:size], 100_000)
	got := noItems(n)
	join(own, peer, size, func(own, peer uint32) { got[own] = peer })
	for i, h := range got {
		if (h != absent) != (i == 0) {
			t.Fatalf("tag %d: handle %d", i, h)
		}
	}
}

func BenchmarkJoin(b *testing.B) {
	const n, size = 1 << 20, 10
	own, peer := randomTags(1, n, size), randomTags(2, n, size)
	for i := 0; i < n; i += 2 {
		at := (i * 7919) % n // an odd factor: all even places, far from each other
		copy(peer[at*size:(at+1)*size], own[i*size:])
	}
	handles := noItems(n)
	for b.Loop() {
		join(own, peer, size, func(own, peer uint32) { handles[own] = peer })
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/tag")
}
