package synth

import (
	"strings"
	"unicode"
)

// Keyboards, row by row from the top; a key lies half a key to the right of the
// one above it.
const (
	qwerty   = "qwertyuiop asdfghjkl zxcvbnm"
	qwertz   = "qwertzuiopü asdfghjklöä yxcvbnm"
	azerty   = "azertyuiop qsdfghjklm wxcvbn"
	turkishQ = "qwertyuıopğü asdfghjklşi zxcvbnmöç"
	digits   = "1234567890"
)

// neighbours maps each key to those around it, and digits to the digits beside
// them, so that numbers stay numbers.
func neighbours(layout string) map[rune][]rune {
	near := map[rune][]rune{}
	pair := func(a, b rune) {
		near[a] = append(near[a], b)
		near[b] = append(near[b], a)
	}
	var above []rune
	for _, text := range append(strings.Fields(layout), digits) {
		row := []rune(text)
		if text == digits {
			above = nil
		}
		for i, key := range row {
			if i > 0 {
				pair(row[i-1], key)
			}
			if i < len(above) {
				pair(above[i], key)
			}
			if i+1 < len(above) {
				pair(above[i+1], key)
			}
		}
		above = row
	}
	return near
}

func (c *country) lower(r rune) rune {
	if c.code == turkey.code {
		return unicode.TurkishCase.ToLower(r)
	}
	return unicode.ToLower(r)
}

func (c *country) upper(r rune) rune {
	if c.code == turkey.code {
		return unicode.TurkishCase.ToUpper(r)
	}
	return unicode.ToUpper(r)
}

// like gives r the case of another letter.
func (c *country) like(r, other rune) rune {
	if unicode.IsUpper(other) {
		return c.upper(r)
	}
	return c.lower(r)
}

// spareFirst is how many errors in a hundred may fall on the first character:
// few do (Yannakoudakis and Fawthrop, Information Processing & Management
// 19(2), 1983).
const spareFirst = 8

// spot draws the place of a letter or digit with n characters after it, or -1.
func (g *Generator) spot(s []rune, n int) int {
	if len(s)-n < 1 {
		return -1
	}
	from := 1
	if len(s)-n == 1 || g.percent(spareFirst) {
		from = 0
	}
	i := from + g.r.IntN(len(s)-n-from)
	if !unicode.IsLetter(s[i]) && !unicode.IsDigit(s[i]) {
		return -1
	}
	return i
}

// typo hits a key beside the right one.
func (g *Generator) typo(c *country, s []rune) []rune {
	i := g.spot(s, 0)
	if i < 0 {
		return nil
	}
	near := c.neighbours[c.lower(s[i])]
	if len(near) == 0 {
		return nil
	}
	s[i] = c.like(near[g.r.IntN(len(near))], s[i])
	return s
}

// doubled are the insertions in a hundred that double a character.
const doubled = 65

// insertion doubles a character or hits a neighbouring key with it.
func (g *Generator) insertion(c *country, s []rune) []rune {
	i := g.spot(s, 0)
	if i < 0 {
		return nil
	}
	extra := c.lower(s[i])
	if near := c.neighbours[extra]; len(near) > 0 && !g.percent(doubled) {
		extra = near[g.r.IntN(len(near))]
	}
	if i > 0 {
		extra = c.like(extra, s[i])
	}
	return append(s[:i+1:i+1], append([]rune{extra}, s[i+1:]...)...)
}

// deletion leaves a character out.
func (g *Generator) deletion(c *country, s []rune) []rune {
	i := g.spot(s, 0)
	if i < 0 || len(s) < 2 {
		return nil
	}
	if i == 0 {
		s[1] = c.like(s[1], s[0])
	}
	return append(s[:i], s[i+1:]...)
}

// transposition swaps two characters; the case stays where it was.
func (g *Generator) transposition(c *country, s []rune) []rune {
	i := g.spot(s, 1)
	if i < 0 {
		return nil
	}
	a, b := s[i], s[i+1]
	s[i], s[i+1] = b, a
	if unicode.IsLetter(a) && unicode.IsLetter(b) {
		s[i], s[i+1] = c.like(b, a), c.like(a, b)
	}
	return s
}
