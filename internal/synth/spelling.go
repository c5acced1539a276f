package synth

import (
	"slices"
	"strings"
	"unicode"
)

// sound is two spellings of one sound, or two shapes that look alike. With an
// empty b, a is mute.
type sound struct{ a, b []rune }

// shapes are what scanners confuse.
var shapes = func() []sound {
	var s []sound
	for _, entry := range list("0=O, 1=l, 1=I, l=I, rn=m, 5=S, 8=B, 2=Z, 6=G, cl=d, vv=w, nn=m, e=c, h=b, ii=u, f=t, 0=D, 3=8, 1=7, O=Q") {
		a, b, _ := strings.Cut(entry, "=")
		s = append(s, sound{[]rune(a), []rune(b)})
	}
	return s
}()

// soundAlike writes one sound of a name with other letters.
func (g *Generator) soundAlike(c *country, s []rune) []rune {
	lower := make([]rune, len(s))
	for i, r := range s {
		lower[i] = c.lower(r)
	}
	m, ok := g.match(lower, c.sounds)
	if !ok {
		return nil
	}
	to := slices.Clone(m.to)
	rest := s[m.at+len(m.from):]
	if unicode.IsUpper(s[m.at]) {
		if len(to) > 0 {
			to[0] = c.upper(to[0])
		} else if len(rest) > 0 {
			rest[0] = c.upper(rest[0])
		}
	}
	return slices.Concat(s[:m.at], to, rest)
}

// misread takes one shape for another.
func (g *Generator) misread(_ *country, s []rune) []rune {
	m, ok := g.match(s, shapes)
	if !ok {
		return nil
	}
	return slices.Concat(s[:m.at], m.to, s[m.at+len(m.from):])
}

// match is a place where a text can be written otherwise.
type match struct {
	at       int
	from, to []rune
}

// match draws one of the places in s that a rule fits, in either direction.
// Only a text longer than what it would lose matches, so that none vanishes.
func (g *Generator) match(s []rune, rules []sound) (match, bool) {
	var room [32]match
	found := room[:0]
	for _, rule := range rules {
		found = occurrences(found, s, rule.a, rule.b)
		if len(rule.b) > 0 {
			found = occurrences(found, s, rule.b, rule.a)
		}
	}
	if len(found) == 0 {
		return match{}, false
	}
	return found[g.r.IntN(len(found))], true
}

func occurrences(found []match, s, from, to []rune) []match {
	for at := 0; at+len(from) <= len(s); at++ {
		if slices.Equal(s[at:at+len(from)], from) && !within(s, at, from, to) && len(s)+len(to) > len(from) {
			found = append(found, match{at, from, to})
		}
	}
	return found
}

// within is true if from, found at a place, is part of an occurrence of to
// already: ck must not become cck.
func within(s []rune, at int, from, to []rune) bool {
	for shift := 0; shift+len(from) <= len(to); shift++ {
		start := at - shift
		if start >= 0 && start+len(to) <= len(s) &&
			slices.Equal(to[shift:shift+len(from)], from) && slices.Equal(s[start:start+len(to)], to) {
			return true
		}
	}
	return false
}

// withoutAccents writes a name with the letters A to Z, in one of the two ways
// that agencies use: ICAO Doc 9303-3, section 6, transliterates; most forms drop.
func (g *Generator) withoutAccents(_ *country, s []rune) []rune {
	if g.percent(50) {
		return []rune(dropAccents(transliterate(string(s))))
	}
	return []rune(dropAccents(string(s)))
}

// bare maps letters with a diacritic to their base.
var bare = letters("áaàaâaäaãaåaąaăaçcćcčcďdéeèeêeëeęeěeğgíiìiîiïiıiłlñnńnňnóoòoôoöoõoøořrśsşsšsúuùuûuüuůuýyÿyźzżzžz")

func letters(pairs string) map[rune]string {
	m := map[rune]string{'ß': "ss", 'æ': "ae", 'Æ': "Ae", 'œ': "oe", 'Œ': "Oe", 'İ': "I"}
	r := []rune(pairs)
	for i := 0; i < len(r); i += 2 {
		m[r[i]] = string(r[i+1])
		if up := unicode.ToUpper(r[i]); up > unicode.MaxASCII {
			m[up] = string(unicode.ToUpper(r[i+1]))
		}
	}
	return m
}

// umlauts are the letters that transliteration writes as two.
var umlauts = map[rune]string{'ä': "ae", 'ö': "oe", 'ü': "ue", 'å': "aa", 'ø': "oe", 'ñ': "n",
	'Ä': "Ae", 'Ö': "Oe", 'Ü': "Ue", 'Å': "Aa", 'Ø': "Oe", 'Ñ': "N"}

func dropAccents(s string) string   { return replace(s, bare) }
func transliterate(s string) string { return replace(s, umlauts) }

func replace(s string, with map[rune]string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return r > unicode.MaxASCII }) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if to, ok := with[r]; ok {
			b.WriteString(to)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}
