package sound

import "strings"

// edges are what a skeleton can begin and end with beside consonants: the classes of
// vowels, as capitals at the beginning.
const edges = "aiuAIU"

func vowel(c byte) bool { return strings.IndexByte("aeiou", c) >= 0 }

// class returns one vowel for those that are often taken for each other.
func class(c byte) byte {
	switch c {
	case 'e':
		return 'i'
	case 'o':
		return 'u'
	}
	return c
}

// consonants counts what is no vowel.
func consonants(sounds string) int {
	n := 0
	for i := range len(sounds) {
		if !vowel(sounds[i]) {
			n++
		}
	}
	return n
}

// joinSkeleton adds sounds to a skeleton: consonants, the class of the vowel before
// them as a capital, and that of the vowel after them. Equal consonants side by side
// are one.
func joinSkeleton(head, tail string) string {
	b := []byte(head)
	for i := range len(tail) {
		c := class(tail[i])
		var last byte
		if len(b) > 0 {
			last = b[len(b)-1]
		}
		switch {
		case vowel(c) && len(b) == 0:
			b = append(b, c-'a'+'A')
		case vowel(last):
			b[len(b)-1] = c
		case vowel(c) || c != last:
			b = append(b, c)
		}
	}
	return string(b)
}

// joinShape adds sounds to consonants and classes of vowels. Equal ones side by side
// are one.
func joinShape(head, tail string) string {
	b := []byte(head)
	for i := range len(tail) {
		if c := class(tail[i]); len(b) == 0 || b[len(b)-1] != c {
			b = append(b, c)
		}
	}
	return string(b)
}
