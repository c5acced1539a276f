// Package bitslice finds, among many bit vectors, those that lack few of the bits
// that one has set.
//
// Records lie in blocks of 256, sliced: a plane holds one bit of all of them,
// inverted, so that the planes of a row's set bits tell which records miss what. A
// [Scanner] adds such planes into counters that are sliced too, one bit of all
// lanes to a register, as in Lamport, "Multiple Byte Processing with Full-Word
// Instructions" (CACM 18(8), 1975). A counter overflows with the first miss beyond
// a budget, and when no lane is left a row is done with the block: with rare bits
// first, most are after a fraction of them. What is left at the end is exact.
//
// Assembly for AVX2 and portable Go give the same results in the same order. How
// long a scan takes depends on the vectors: no peer waits for a single one.
package bitslice

//go:generate go run -C _asm . -out ../bitslice_amd64.s -stubs ../stubs_amd64.go -pkg bitslice

const (
	// Lanes is how many records a block holds.
	Lanes = 256

	// MaxBits bounds the length of a record.
	MaxBits = 8192

	planeWords = Lanes / 64
)

// Mask is a set of lanes: lane i is bit i%64 of word i/64.
type Mask [planeWords]uint64

// Range returns the lanes from lo to hi-1.
func Range(lo, hi int) Mask {
	var m Mask
	for w := range m {
		from, to := min(max(lo-64*w, 0), 64), min(max(hi-64*w, 0), 64)
		if from < to {
			m[w] = ^uint64(0) << from & (^uint64(0) >> (64 - to))
		}
	}
	return m
}

// BlockWords is the size of a block of records of so many bits: a plane for each
// bit, and one in which nobody misses anything.
func BlockWords(bits int) int { return planeWords * (bits + 1) }

// Slice fills a block with at most Lanes records of so many words, which lie in rows
// one after the other. What lanes are left over miss every bit.
func Slice(block, rows []uint64, words int) {
	var square [64]uint64
	n := len(rows) / words
	for group := range planeWords {
		for w := range words {
			for i := range square {
				square[i] = 0
				if at := 64*group + i; at < n {
					square[i] = rows[at*words+w]
				}
			}
			transpose(&square)
			for i, lanes := range square {
				block[(64*w+i)*planeWords+group] = ^lanes
			}
		}
	}
	clear(block[64*words*planeWords:])
}

// transpose swaps bit j of word i with bit i of word j, by halves, quarters and so
// on (Warren, Hacker's Delight, section 7-3).
func transpose(m *[64]uint64) {
	for half, mask := 32, uint64(1<<32-1); half > 0; half, mask = half/2, mask^mask<<(half/2) {
		for i := 0; i < 64; i = (i + half + 1) &^ half {
			t := (m[i]>>half ^ m[i+half]) & mask
			m[i] ^= t << half
			m[i+half] ^= t
		}
	}
}
