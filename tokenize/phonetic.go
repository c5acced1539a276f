package tokenize

// soundexDigits are the codes of a to z. A 0 separates equal codes; a dash does
// not.
const soundexDigits = "01230120022455012623010202"

// soundexOf returns the Soundex code of a name of ASCII letters, spaces left out,
// or "" for one with letters of another script. It is the American Soundex as the
// US National Archives publish it: letters of one code count once also where h or
// w stands between them.
func soundexOf(name string) string {
	code := make([]byte, 0, 4)
	last := byte('0')
	for i := range len(name) {
		c := name[i]
		if c == ' ' {
			continue
		}
		if c < 'a' || c > 'z' {
			return ""
		}
		d := soundexDigits[c-'a']
		switch {
		case len(code) == 0:
			code = append(code, c-'a'+'A')
		case c == 'h' || c == 'w':
			continue
		case d != '0' && d != last && len(code) < 4:
			code = append(code, d)
		}
		last = d
	}
	if len(code) == 0 {
		return ""
	}
	for len(code) < 4 {
		code = append(code, '0')
	}
	return string(code)
}
