package phonetic

import "strings"

// NYSIIS returns the code of the New York State Identification and Intelligence
// System (Taft, Name Search Techniques, 1970), of any length, with the readings of
// its rules that Apache Commons Codec chose.
func NYSIIS(name string) string {
	name = letters(name)
	if name == "" {
		return ""
	}
	s := []byte(nysiisEnds(name))
	key := []byte{s[0]}
	for i := 1; i < len(s); i++ {
		copy(s[i:], nysiisStep(s, i))
		if s[i] != s[i-1] {
			key = append(key, s[i])
		}
	}
	return strings.ToUpper(nysiisTail(key))
}

// nysiisEnds rewrites the first and the last letters.
func nysiisEnds(name string) string {
	for _, r := range [][2]string{{"mac", "mcc"}, {"kn", "nn"}, {"k", "c"}, {"ph", "ff"}, {"pf", "ff"}, {"sch", "sss"}} {
		if rest, ok := strings.CutPrefix(name, r[0]); ok {
			name = r[1] + rest
			break
		}
	}
	for _, r := range [][2]string{{"ee", "y"}, {"ie", "y"}, {"dt", "d"}, {"rt", "d"}, {"rd", "d"}, {"nt", "d"}, {"nd", "d"}} {
		if rest, ok := strings.CutSuffix(name, r[0]); ok {
			return rest + r[1]
		}
	}
	return name
}

// nysiisStep returns what the letters from i on become.
func nysiisStep(s []byte, i int) string {
	at := func(j int) byte {
		if j < len(s) {
			return s[j]
		}
		return ' '
	}
	previous, c, next := s[i-1], s[i], at(i+1)
	switch {
	case c == 'e' && next == 'v':
		return "af"
	case vowel(c):
		return "a"
	case c == 'q':
		return "g"
	case c == 'z':
		return "s"
	case c == 'm':
		return "n"
	case c == 'k' && next == 'n':
		return "nn"
	case c == 'k':
		return "c"
	case c == 's' && next == 'c' && at(i+2) == 'h':
		return "sss"
	case c == 'p' && next == 'h':
		return "ff"
	case c == 'h' && (!vowel(previous) || !vowel(next)):
		return string(previous)
	case c == 'w' && vowel(previous):
		return string(previous)
	}
	return string(c)
}

func nysiisTail(key []byte) string {
	if n := len(key); n > 1 && key[n-1] == 's' {
		key = key[:n-1]
	}
	if n := len(key); n > 2 && key[n-2] == 'a' && key[n-1] == 'y' {
		key = append(key[:n-2], 'y')
	}
	if n := len(key); n > 1 && key[n-1] == 'a' {
		key = key[:n-1]
	}
	return string(key)
}

func vowel(c byte) bool { return strings.IndexByte("aeiou", c) >= 0 }
