package bitslice

// Tier is a way to count, of which all give the same.
type Tier uint8

const (
	Portable Tier = iota // words of 64 lanes, in Go
	AVX2                 // 256 lanes at a time
)

func (t Tier) String() string { return [...]string{"go", "avx2"}[t] }

// Best returns the fastest tier that runs here.
func Best() Tier {
	tiers := Tiers()
	return tiers[len(tiers)-1]
}

// Scanner compares rows with blocks. It is not safe for concurrent use; the zero
// value is ready.
type Scanner struct {
	Tier Tier
	// Next, if set, is the block that will be scanned after this one.
	Next []uint64
	// Full counts all bits, whether they still decide or not.
	Full bool

	opening int // chunks that are counted of every row before any is given up
	rows    int // seen since it was last looked at
	left    int // of these, by the opening
	start   state
	states  []uint64
	ids     []uint32
}

// Counter widths in bits. Budgets beyond the narrow one are rare.
const (
	narrow = 8
	wide   = 14
)

// state is the counters of all lanes as the kernels lay them out: eight low bits, the
// lanes alive, and the high bits of wide ones.
type state [wide + 1]Mask

const (
	aliveAt     = narrow
	stateWords  = planeWords * (wide + 1)
	narrowWords = planeWords * (narrow + 1)
)

// Scan compares rows from lo to hi-1 of the lists, all with so many bits set, at
// least one, with the lanes of a block that are in the mask. For every row of which
// some lane misses at most budget bits it calls found with those lanes, in ascending
// order of rows.
func (s *Scanner) Scan(block []uint64, l *Lists, lo, hi, set, budget int, among Mask, found func(row int, lanes *Mask)) {
	width := narrow
	if budget >= 1<<narrow {
		width = wide
	}
	start := &s.start
	start[aliveAt] = among
	preset := 1<<width - 1 - budget // one miss beyond the budget overflows
	for k := range width {
		at := k
		if k >= narrow {
			at++
		}
		bit := -uint64(preset >> k & 1)
		start[at] = Mask{bit, bit, bit, bit}
	}
	chunks := (set + chunk - 1) / chunk
	if s.Tier == AVX2 {
		s.scanAVX2(block, l, lo, hi, chunks, width, found)
		return
	}
	for row := lo; row < hi; row++ {
		list := l.offsets[row*l.stride:][:chunks*chunk]
		lanes := count(block, list, start, width, s.Full)
		if lanes != (Mask{}) {
			found(row, &lanes)
		}
	}
}
