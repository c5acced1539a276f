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
// value has none.
func qgrams(value string, q int, f func(gram string, nth uint32)) {
	if value == "" {
		return
	}
	blanks := strings.Repeat(pad, q-1)
	padded := blanks + value + blanks
	starts := make([]int, 0, len(padded)+1)
	for i := range padded { // a pad counts as one broken rune
		starts = append(starts, i)
	}
	starts = append(starts, len(padded))
	seen := make(map[string]uint32, len(starts))
	for i := 0; i+q < len(starts); i++ {
		gram := padded[starts[i]:starts[i+q]]
		f(gram, seen[gram])
		seen[gram]++
	}
}

func usable(value string) bool { return utf8.ValidString(value) }
