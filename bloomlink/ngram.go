package bloomlink

import "unicode/utf8"

// pad stands for a blank before or after a value. The byte occurs in no UTF-8, so that
// no value holds it.
const (
	pad  = "\xff"
	pads = pad + pad + pad // MaxQ-1
)

// packed is a q-gram as a number of 128 bits, its bytes in order. As all q-grams of a
// value have as many runes, the zeros before it are not mistaken for any.
type packed struct{ hi, lo uint64 }

func pack(gram []byte) (p packed) {
	for _, b := range gram {
		p = packed{p.hi<<8 | p.lo>>56, p.lo<<8 | uint64(b)}
	}
	return p
}

// counter counts q-grams of one value.
type counter struct {
	marks uint64   // a bit of each, so that most new ones are known for new
	first []packed // the first ones, of which there is seldom more
	more  map[packed]uint32
	value []byte // room for a padded value
}

const countedFirst = 32

// add says how often a q-gram came before.
func (c *counter) add(gram []byte) uint32 {
	p := pack(gram)
	n := uint32(0)
	mark := uint64(1) << ((p.hi ^ p.lo) * 0x9e3779b97f4a7c15 >> 58) // Fibonacci hashing
	if c.marks&mark != 0 {
		n = c.more[p]
		for i := range c.first {
			if c.first[i] == p {
				n++
			}
		}
	}
	c.marks |= mark
	switch {
	case len(c.first) < countedFirst:
		c.first = append(c.first, p)
	case c.more == nil:
		c.more = make(map[packed]uint32)
		fallthrough
	default:
		c.more[p]++
	}
	return n
}

func (c *counter) reset() { c.marks, c.first, c.more = 0, c.first[:0], nil }

// qgrams calls f for every q-gram of a value of valid UTF-8, counted in runes,
// with q-1 blanks before and after it, and says how often the same q-gram came
// before: a value that repeats a q-gram differs from one that does not. An empty
// value has none. It counts in c, which can be used again and holds what f gets.
func qgrams(value string, q int, c *counter, f func(gram []byte, nth uint32)) {
	if value == "" {
		return
	}
	c.reset()
	blanks := pads[:q-1]
	padded := append(append(append(c.value[:0], blanks...), value...), blanks...)
	c.value = padded
	lo, hi := 0, q-1
	for hi < len(padded) {
		hi += runeLen(padded[hi:])
		gram := padded[lo:hi]
		f(gram, c.add(gram))
		lo += runeLen(padded[lo:])
	}
}

// runeLen is the length of the first rune. A pad counts as one broken rune.
func runeLen(s []byte) int {
	_, n := utf8.DecodeRune(s)
	return n
}

func usable(value string) bool { return utf8.ValidString(value) }
