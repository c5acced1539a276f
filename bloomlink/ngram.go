package bloomlink

import (
	"strings"
	"unicode/utf8"
)

// pad stands for the blanks around a value. The byte occurs in no UTF-8, so that
// no value holds it.
const pad = "\xff"

// packed is a q-gram in bytes of a fixed number, which compare fast. As all q-grams
// of a value have as many runes, the zeros at its end are not mistaken for any.
type packed [MaxQ * utf8.UTFMax]byte

// counter counts q-grams of one value.
type counter struct {
	first []packed // the first ones, of which there is seldom more
	more  map[packed]uint32
}

const countedFirst = 32

// add says how often a q-gram came before.
func (c *counter) add(gram string) uint32 {
	var p packed
	copy(p[:], gram)
	n := c.more[p]
	for i := range c.first {
		if c.first[i] == p {
			n++
		}
	}
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

func (c *counter) reset() { c.first, c.more = c.first[:0], nil }

// qgrams calls f for every q-gram of a value of valid UTF-8, counted in runes,
// with q-1 blanks before and after it, and says how often the same q-gram came
// before: a value that repeats a q-gram differs from one that does not. An empty
// value has none. It counts in c, which can be used again.
func qgrams(value string, q int, c *counter, f func(gram string, nth uint32)) {
	if value == "" {
		return
	}
	c.reset()
	blanks := strings.Repeat(pad, q-1)
	padded := blanks + value + blanks
	lo, hi := 0, 0
	for range q - 1 {
		hi += runeLen(padded[hi:])
	}
	for hi < len(padded) {
		hi += runeLen(padded[hi:])
		gram := padded[lo:hi]
		f(gram, c.add(gram))
		lo += runeLen(padded[lo:])
	}
}

// runeLen is the length of the first rune. A pad counts as one broken rune.
func runeLen(s string) int {
	_, n := utf8.DecodeRuneInString(s)
	return n
}

func usable(value string) bool { return utf8.ValidString(value) }
