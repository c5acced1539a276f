package bloomlink

import (
	"strings"
	"unicode/utf8"
)

// pad stands for the blanks around a value. The byte occurs in no UTF-8, so that
// no value holds it.
const pad = "\xff"

// qgrams calls f for every q-gram of a value of valid UTF-8, counted in runes,
// with q-1 blanks before and after it, and says how often the same q-gram came
// before: a value that repeats a q-gram differs from one that does not. An empty
// value has none. It counts in seen, an empty map that it leaves empty.
func qgrams(value string, q int, seen map[string]uint32, f func(gram string, nth uint32)) {
	if value == "" {
		return
	}
	defer clear(seen)
	blanks := strings.Repeat(pad, q-1)
	padded := blanks + value + blanks
	lo, hi := 0, 0
	for range q - 1 {
		hi += runeLen(padded[hi:])
	}
	for hi < len(padded) {
		hi += runeLen(padded[hi:])
		gram := padded[lo:hi]
		f(gram, seen[gram])
		seen[gram]++
		lo += runeLen(padded[lo:])
	}
}

// runeLen is the length of the first rune. A pad counts as one broken rune.
func runeLen(s string) int {
	_, n := utf8.DecodeRuneInString(s)
	return n
}

func usable(value string) bool { return utf8.ValidString(value) }
