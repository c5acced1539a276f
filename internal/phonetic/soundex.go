// Package phonetic gives codes to names by how they sound in English and some
// European languages. Names are in lower-case letters a to z; spaces are left out.
// A name with anything else has no code: "" or none.
package phonetic

import "strings"

// letters returns a name without spaces, or "" if it is not of the letters a to z
// alone.
func letters(name string) string {
	for i := range len(name) {
		switch c := name[i]; {
		case c == ' ':
			return letters(strings.ReplaceAll(name, " ", ""))
		case c < 'a' || c > 'z':
			return ""
		}
	}
	return name
}

func upper(c byte) byte { return c - 'a' + 'A' }

// soundexDigits are the codes of a to z. A 0 separates equal codes.
const soundexDigits = "01230120022455012623010202"

// Soundex returns the American Soundex code, a letter and three digits, as the US
// National Archives publish it: letters of one code count once also where h or w
// stands between them.
func Soundex(name string) string {
	name = letters(name)
	if name == "" {
		return ""
	}
	code := [4]byte{upper(name[0]), '0', '0', '0'}
	n := 1
	last := soundexDigits[name[0]-'a']
	for i := 1; i < len(name) && n < len(code); i++ {
		c := name[i]
		if c == 'h' || c == 'w' {
			continue
		}
		d := soundexDigits[c-'a']
		if d != '0' && d != last {
			code[n] = d
			n++
		}
		last = d
	}
	return string(code[:])
}

// refinedDigits are the codes of a to z.
const refinedDigits = "01360240043788015936020505"

// RefinedSoundex returns the code of the refined Soundex, as Apache Commons Codec
// has it: the first letter, and a digit for each letter, the first one's too, but
// one for a run of equal digits.
func RefinedSoundex(name string) string {
	name = letters(name)
	if name == "" {
		return ""
	}
	code := []byte{upper(name[0])}
	var last byte
	for i := range len(name) {
		if d := refinedDigits[name[i]-'a']; d != last {
			code = append(code, d)
			last = d
		}
	}
	return string(code)
}
