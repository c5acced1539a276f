package synth

import (
	"slices"
	"strings"
	"unicode"
)

// laidOut changes what does not sound: case, spaces, hyphens, apostrophes.
func (g *Generator) laidOut(c *country, s []rune) []rune {
	if len(s) == 0 {
		return nil
	}
	mark := slices.IndexFunc(s, func(r rune) bool { return r == ' ' || r == '-' || r == '\'' })
	ways := 3
	if mark >= 0 {
		ways = 6
	}
	switch g.r.IntN(ways) {
	case 0:
		return mapRunes(s, c.upper)
	case 1:
		return mapRunes(s, c.lower)
	case 2:
		return append(s, ' ')
	case 3: // one mark less
		return slices.Delete(s, mark, mark+1)
	case 4: // another mark
		if s[mark] == ' ' {
			s[mark] = '-'
		} else {
			s[mark] = ' '
		}
		return s
	default: // a space too many
		return slices.Insert(s, mark, ' ')
	}
}

func mapRunes(s []rune, f func(rune) rune) []rune {
	for i, r := range s {
		s[i] = f(r)
	}
	return s
}

// nickname puts a short form for the given name.
func (g *Generator) nickname(c *country, p *Person) {
	if short := c.nicknames[p.GivenName]; len(short) > 0 {
		p.GivenName = short[g.r.IntN(len(short))]
	}
}

// initial leaves the initial of the given name, with or without a full stop.
func (g *Generator) initial(_ *country, p *Person) {
	s := []rune(p.GivenName)
	if len(s) < 3 || !unicode.IsLetter(s[0]) {
		return
	}
	p.GivenName = string(s[0])
	if g.percent(60) {
		p.GivenName += "."
	}
}

// dropPart leaves one part of a double name out, or a particle.
func (g *Generator) dropPart(_ *country, p *Person) {
	f := &p.FamilyName
	if g.percent(50) {
		f = &p.GivenName
	}
	var marks []int
	for i, b := range []byte(*f) {
		if (b == ' ' || b == '-') && i > 0 && i < len(*f)-1 {
			marks = append(marks, i)
		}
	}
	if len(marks) == 0 {
		return
	}
	mark := marks[g.r.IntN(len(marks))]
	head, tail := (*f)[:mark], (*f)[mark+1:]
	if particle := head == strings.ToLower(head); particle || g.percent(35) {
		*f = tail
	} else {
		*f = head
	}
}

// swapNames puts each name in the other's place.
func (g *Generator) swapNames(_ *country, p *Person) {
	if p.GivenName != "" && p.FamilyName != "" {
		p.GivenName, p.FamilyName = p.FamilyName, p.GivenName
	}
}

const hyphenated = 40 // new surnames in a hundred that keep the old one as well

// changeSurname gives another surname, or a double one.
func (g *Generator) changeSurname(c *country, p *Person) {
	if p.FamilyName == "" {
		return
	}
	taken := g.familyName(c)
	if !c.paired && g.percent(hyphenated) {
		taken = c.doubleBarrel(p.FamilyName, taken)
	}
	p.FamilyName = c.gendered(taken, p.Sex)
}
