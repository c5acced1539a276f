package phonetic

import "strings"

// metaphoneLength is how many sounds a code has at most.
const metaphoneLength = 4

// DoubleMetaphone returns the primary code of a name and the secondary one, for
// another pronunciation, or "" if there is none (Philips, The Double Metaphone Search
// Algorithm, C/C++ Users Journal 18(6), 2000).
func DoubleMetaphone(name string) (primary, secondary string) {
	name = letters(name)
	if name == "" {
		return "", ""
	}
	m := &metaphone{s: name}
	m.slavoGermanic = m.contains("w") || m.contains("k") || m.contains("cz") || m.contains("witz")
	if m.at(0, "gn", "kn", "pn", "wr", "ps") {
		m.i = 1
	}
	if m.at(0, "x") { // Xavier
		m.add("S", 1)
	}
	for m.i < len(name) && (len(m.first) < metaphoneLength || len(m.second) < metaphoneLength) {
		metaphoneRules[name[m.i]-'a'](m)
	}
	first, second := string(m.first[:min(len(m.first), metaphoneLength)]), string(m.second[:min(len(m.second), metaphoneLength)])
	if second == first {
		second = ""
	}
	return first, second
}

// metaphone is a name on its way: what is written of both codes, and where it is.
type metaphone struct {
	s             string
	i             int
	first, second []byte
	slavoGermanic bool
}

// add appends a sound to both codes and goes on n letters.
func (m *metaphone) add(sound string, n int) { m.both(sound, sound, n) }

func (m *metaphone) both(first, second string, n int) {
	m.first = append(m.first, first...)
	m.second = append(m.second, second...)
	m.i += n
}

// at reports whether one of the texts stands at a place of the name.
func (m *metaphone) at(place int, texts ...string) bool {
	if place < 0 || place >= len(m.s) {
		return false
	}
	for _, t := range texts {
		if strings.HasPrefix(m.s[place:], t) {
			return true
		}
	}
	return false
}

// here reports whether one of the texts stands n letters from where m is.
func (m *metaphone) here(n int, texts ...string) bool { return m.at(m.i+n, texts...) }

func (m *metaphone) contains(text string) bool { return strings.Contains(m.s, text) }

func (m *metaphone) isVowel(place int) bool {
	return place >= 0 && place < len(m.s) && strings.IndexByte("aeiouy", m.s[place]) >= 0
}

// last is how many letters follow.
func (m *metaphone) last() int { return len(m.s) - 1 - m.i }

// double returns 2 where the letter stands twice, or else 1.
func (m *metaphone) double() int {
	if m.here(1, m.s[m.i:m.i+1]) {
		return 2
	}
	return 1
}

// germanic reports the beginnings that the rules for c, g and s take for German or
// Dutch.
func (m *metaphone) germanic() bool { return m.at(0, "van", "von", "sch") }

var metaphoneRules = [26]func(*metaphone){
	0: metaphoneVowel, 'e' - 'a': metaphoneVowel, 'i' - 'a': metaphoneVowel,
	'o' - 'a': metaphoneVowel, 'u' - 'a': metaphoneVowel, 'y' - 'a': metaphoneVowel,
	'b' - 'a': func(m *metaphone) { m.add("P", m.double()) }, // Dumb: the b after m is kept
	'c' - 'a': metaphoneC,
	'd' - 'a': metaphoneD,
	'f' - 'a': func(m *metaphone) { m.add("F", m.double()) },
	'g' - 'a': metaphoneG,
	'h' - 'a': metaphoneH,
	'j' - 'a': metaphoneJ,
	'k' - 'a': func(m *metaphone) { m.add("K", m.double()) },
	'l' - 'a': metaphoneL,
	'm' - 'a': metaphoneM,
	'n' - 'a': func(m *metaphone) { m.add("N", m.double()) },
	'p' - 'a': metaphoneP,
	'q' - 'a': func(m *metaphone) { m.add("K", m.double()) },
	'r' - 'a': metaphoneR,
	's' - 'a': metaphoneS,
	't' - 'a': metaphoneT,
	'v' - 'a': func(m *metaphone) { m.add("F", m.double()) },
	'w' - 'a': metaphoneW,
	'x' - 'a': metaphoneX,
	'z' - 'a': metaphoneZ,
}

// metaphoneVowel codes a vowel at the beginning alone.
func metaphoneVowel(m *metaphone) {
	if m.i == 0 {
		m.add("A", 1)
		return
	}
	m.i++
}

func metaphoneC(m *metaphone) {
	switch {
	case m.i > 1 && !m.isVowel(m.i-2) && m.here(-1, "ach") && !m.here(2, "i") &&
		(!m.here(2, "e") || m.here(-2, "bacher", "macher")):
		m.add("K", 2) // Bacher
	case m.i == 0 && m.here(0, "caesar"):
		m.add("S", 2)
	case m.here(0, "chia"):
		m.add("K", 2) // Chianti
	case m.here(0, "ch"):
		metaphoneCH(m)
	case m.here(0, "cz") && !m.here(-2, "wicz"):
		m.both("S", "X", 2) // Czerny
	case m.here(1, "cia"):
		m.add("X", 3) // Focaccia
	case m.here(0, "cc") && !(m.i == 1 && m.at(0, "m")):
		switch {
		case !m.here(2, "i", "e", "h") || m.here(2, "hu"):
			m.add("K", 2) // Bacchus
		case m.i == 1 && m.at(0, "a") || m.here(-1, "uccee", "ucces"):
			m.add("KS", 3) // Accident
		default:
			m.add("X", 3) // Bacci
		}
	case m.here(0, "ck", "cg", "cq"):
		m.add("K", 2)
	case m.here(0, "cio", "cie", "cia"):
		m.both("S", "X", 2)
	case m.here(0, "ci", "ce", "cy"):
		m.add("S", 2)
	case m.here(1, "c", "k", "q") && !m.here(1, "ce", "ci"):
		m.add("K", 2)
	default:
		m.add("K", 1)
	}
}

func metaphoneCH(m *metaphone) {
	switch {
	case m.i > 0 && m.here(0, "chae"):
		m.both("K", "X", 2) // Michael
	case m.i == 0 && (m.here(1, "harac", "haris", "hor", "hym", "hia", "hem")) && !m.at(0, "chore"):
		m.add("K", 2) // Character
	case m.germanic(), m.here(-2, "orches", "archit", "orchid"), m.here(2, "t", "s"),
		(m.i == 0 || m.here(-1, "a", "o", "u", "e")) && (m.here(2, "l", "r", "n", "m", "b", "h", "f", "v", "w") || m.last() == 1):
		m.add("K", 2) // Wachtler
	case m.i > 0 && m.at(0, "mc"):
		m.add("K", 2) // McHugh
	case m.i > 0:
		m.both("X", "K", 2)
	default:
		m.add("X", 2)
	}
}

func metaphoneD(m *metaphone) {
	switch {
	case m.here(0, "dg") && m.here(2, "i", "e", "y"):
		m.add("J", 3) // Edge
	case m.here(0, "dg"):
		m.add("TK", 2) // Edgar
	case m.here(0, "dt", "dd"):
		m.add("T", 2)
	default:
		m.add("T", 1)
	}
}

func metaphoneG(m *metaphone) {
	switch {
	case m.here(1, "h"):
		metaphoneGH(m)
	case m.here(1, "n"):
		switch {
		case m.i == 1 && m.isVowel(0) && !m.slavoGermanic:
			m.both("KN", "N", 2)
		case !m.here(2, "ey") && !m.slavoGermanic: // not Cagney
			m.both("N", "KN", 2)
		default:
			m.add("KN", 2)
		}
	case m.here(1, "li") && !m.slavoGermanic:
		m.both("KL", "L", 2) // Tagliaro
	case m.i == 0 && m.here(1, "y", "es", "ep", "eb", "el", "ey", "ib", "il", "in", "ie", "ei", "er"):
		m.both("K", "J", 2)
	case m.here(1, "er", "y") && !m.at(0, "danger", "ranger", "manger") && !m.here(-1, "e", "i") && !m.here(-1, "rgy", "ogy"):
		m.both("K", "J", 2)
	case m.here(1, "e", "i", "y") || m.here(-1, "aggi", "oggi"):
		switch {
		case m.germanic() || m.here(1, "et"):
			m.add("K", 2)
		case m.here(1, "ier") && m.last() == 3:
			m.add("J", 2)
		default:
			m.both("J", "K", 2)
		}
	default:
		m.add("K", m.double())
	}
}

func metaphoneGH(m *metaphone) {
	switch {
	case m.i > 0 && !m.isVowel(m.i-1):
		m.add("K", 2)
	case m.i == 0 && m.here(2, "i"):
		m.add("J", 2) // Ghislane
	case m.i == 0:
		m.add("K", 2)
	case m.here(-2, "b", "h", "d") || m.here(-3, "b", "h", "d") || m.here(-4, "b", "h"):
		m.i += 2 // Hugh
	case m.i > 2 && m.here(-1, "u") && m.here(-3, "c", "g", "l", "r", "t"):
		m.add("F", 2) // Laugh
	case !m.here(-1, "i"):
		m.add("K", 2)
	default:
		m.i += 2
	}
}

func metaphoneH(m *metaphone) {
	if (m.i == 0 || m.isVowel(m.i-1)) && m.isVowel(m.i+1) {
		m.add("H", 2)
		return
	}
	m.i++
}

func metaphoneJ(m *metaphone) {
	spanish := m.at(0, "san")
	if m.here(0, "jose") || spanish {
		if spanish || m.i == 0 && len(m.s) == 4 {
			m.add("H", 1)
		} else {
			m.both("J", "H", 1)
		}
		return
	}
	switch {
	case m.i == 0:
		m.both("J", "A", m.double())
	case m.isVowel(m.i-1) && !m.slavoGermanic && m.here(1, "a", "o"):
		m.both("J", "H", m.double())
	case m.last() == 0:
		m.both("J", "", m.double())
	case !m.here(1, "l", "t", "k", "s", "n", "m", "b", "z") && !m.here(-1, "s", "k", "l"):
		m.add("J", m.double())
	default:
		m.i += m.double()
	}
}

func metaphoneL(m *metaphone) {
	if !m.here(1, "l") {
		m.add("L", 1)
		return
	}
	spanish := m.last() == 2 && m.here(-1, "illo", "illa", "alle") ||
		(strings.HasSuffix(m.s, "as") || strings.HasSuffix(m.s, "os") || strings.HasSuffix(m.s, "a") || strings.HasSuffix(m.s, "o")) && m.here(-1, "alle")
	if spanish {
		m.both("L", "", 2) // Cabrillo
		return
	}
	m.add("L", 2)
}

func metaphoneM(m *metaphone) {
	n := m.double()
	if m.here(-1, "umb") && (m.last() == 1 || m.here(2, "er")) {
		n = 2 // Thumb, dumber
	}
	m.add("M", n)
}

func metaphoneP(m *metaphone) {
	switch {
	case m.here(1, "h"):
		m.add("F", 2)
	case m.here(1, "p", "b"):
		m.add("P", 2) // Campbell
	default:
		m.add("P", 1)
	}
}

func metaphoneR(m *metaphone) {
	if m.last() == 0 && !m.slavoGermanic && m.here(-2, "ie") && !m.here(-4, "me", "ma") {
		m.both("", "R", 1) // Rogier
		return
	}
	m.add("R", m.double())
}

func metaphoneS(m *metaphone) {
	switch {
	case m.here(-1, "isl", "ysl"):
		m.i++ // Carlisle
	case m.i == 0 && m.here(0, "sugar"):
		m.both("X", "S", 1)
	case m.here(0, "sh") && m.here(1, "heim", "hoek", "holm", "holz"):
		m.add("S", 2)
	case m.here(0, "sh"):
		m.add("X", 2)
	case m.here(0, "sio", "sia"):
		if m.slavoGermanic {
			m.add("S", 3)
		} else {
			m.both("S", "X", 3)
		}
	case m.i == 0 && m.here(1, "m", "n", "l", "w"), m.here(1, "z"):
		n := 1
		if m.here(1, "z") {
			n = 2
		}
		m.both("S", "X", n) // Smith, Schneider's anglicised kin
	case m.here(0, "sc"):
		metaphoneSC(m)
	default:
		n := 1
		if m.here(1, "s", "z") {
			n = 2
		}
		if m.last() == 0 && m.here(-2, "ai", "oi") {
			m.both("", "S", n) // Resnais
			return
		}
		m.add("S", n)
	}
}

func metaphoneSC(m *metaphone) {
	switch {
	case m.here(2, "her", "hen"):
		m.both("X", "SK", 3) // Schermerhorn
	case m.here(2, "hoo", "huy", "hed", "hem"):
		m.add("SK", 3) // School
	case m.here(2, "h") && m.i == 0 && !m.isVowel(3) && !m.at(3, "w"):
		m.both("X", "S", 3) // Schmidt
	case m.here(2, "h"):
		m.add("X", 3)
	case m.here(2, "i", "e", "y"):
		m.add("S", 3)
	default:
		m.add("SK", 3)
	}
}

func metaphoneT(m *metaphone) {
	switch {
	case m.here(0, "tion", "tia", "tch"):
		m.add("X", 3)
	case m.here(0, "th", "tth"):
		if m.here(2, "om", "am") || m.germanic() {
			m.add("T", 2) // Thomas
		} else {
			m.both("0", "T", 2)
		}
	case m.here(1, "t", "d"):
		m.add("T", 2)
	default:
		m.add("T", 1)
	}
}

func metaphoneW(m *metaphone) {
	switch {
	case m.here(0, "wr"):
		m.add("R", 2)
	case m.i == 0 && m.isVowel(1):
		m.both("A", "F", 1) // Wasserman
	case m.i == 0 && m.here(0, "wh"):
		m.add("A", 1)
	case m.last() == 0 && m.isVowel(m.i-1), m.here(-1, "ewski", "ewsky", "owski", "owsky"), m.at(0, "sch"):
		m.both("", "F", 1) // Arnow
	case m.here(0, "wicz", "witz"):
		m.both("TS", "FX", 4) // Filipowicz
	default:
		m.i++
	}
}

func metaphoneX(m *metaphone) {
	n := 1
	if m.here(1, "c", "x") {
		n = 2
	}
	if m.last() == 0 && (m.here(-3, "iau", "eau") || m.here(-2, "au", "ou")) {
		m.i += n // Breaux
		return
	}
	m.add("KS", n)
}

func metaphoneZ(m *metaphone) {
	switch {
	case m.here(1, "h"):
		m.add("J", 2) // Zhao
	case m.here(1, "zo", "zi", "za"), m.slavoGermanic && m.i > 0 && !m.here(-1, "t"):
		m.both("S", "TS", m.double())
	default:
		m.add("S", m.double())
	}
}
