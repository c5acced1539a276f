package synth

import "strings"

// rareOctaves weighs the ranks of rare surnames by octave, from 2⁷ on. Within
// an octave all are as likely, so that frequency falls as 1/rank or a little
// less fast: the middle ranks carry most people, as in registers.
var rareOctaves = newWeighted([]uint32{3, 4, 5, 7, 9, 10, 10, 9, 8, 6, 5, 4, 3})

const firstRareOctave = 7

// Ranks from which a rare surname has one link, and from which two.
const (
	oneLink  = 1 << 11
	twoLinks = 1 << 17
)

// surname draws a surname in its base form.
func (g *Generator) surname(c *country) string {
	if i := c.familyRank.draw(g.r); i < len(c.family) {
		return c.family[i]
	}
	octave := 1 << (firstRareOctave + rareOctaves.draw(g.r))
	return c.rareSurname(octave + g.r.IntN(octave))
}

// rareSurname is the surname at a rank beyond the listed ones.
func (c *country) rareSurname(rank int) string {
	h := mix(uint64(rank))
	pick := func(from []string) string {
		s := from[h%uint64(len(from))]
		h /= uint64(len(from))
		return s
	}
	parts := []string{pick(c.stems), pick(c.endings)}
	if rank >= oneLink {
		parts = []string{parts[0], pick(c.links), parts[1]}
	}
	if rank >= twoLinks {
		parts = []string{parts[0], parts[1], pick(c.links), parts[2]}
	}
	name := parts[0]
	for _, part := range parts[1:] {
		name = fuse(name, part)
	}
	return name
}

// fuse joins two syllables, without the doubled vowel that would betray the seam.
func fuse(a, b string) string {
	if last := a[len(a)-1]; last == b[0] && strings.IndexByte("aeiou", last) >= 0 {
		return a + b[1:]
	}
	return a + b
}

// familyName draws a surname as its bearer's household would hold it.
func (g *Generator) familyName(c *country) string {
	if c.paired {
		return g.surname(c) + " " + g.surname(c)
	}
	return g.surname(c)
}

// gendered gives the form of a surname for a sex.
func (c *country) gendered(surname, sex string) string {
	if !c.feminine || sex != "F" {
		return surname
	}
	parts := strings.Split(surname, "-")
	for i, part := range parts {
		for _, ending := range []string{"ski", "cki", "dzki"} {
			if strings.HasSuffix(part, ending) {
				parts[i] = part[:len(part)-1] + "a"
			}
		}
	}
	return strings.Join(parts, "-")
}

// doubleBarrel joins two surnames in the way of the country. The parts stay
// single, so that no name grows without end.
func (c *country) doubleBarrel(a, b string) string {
	if c.paired {
		return paternal(a) + " " + paternal(b)
	}
	return first(a, "-") + "-" + first(b, "-")
}

// paternal is the first of two surnames, with the particles before it.
func paternal(surnames string) string {
	words := strings.Split(surnames, " ")
	for i, word := range words {
		if word != "San" && word != strings.ToLower(word) {
			return strings.Join(words[:i+1], " ")
		}
	}
	return surnames
}

func first(s, sep string) string {
	head, _, _ := strings.Cut(s, sep)
	return head
}

// givenName draws a given name for a sex; a person of sex X has a name of either.
func (g *Generator) givenName(c *country, sex string) string {
	n := &c.given[0]
	if sex == "M" || sex == "X" && g.percent(50) {
		n = &c.given[1]
	}
	name := n.list[n.rank.draw(g.r)]
	if !g.percent(c.compounds) {
		return name
	}
	second := n.list[n.rank.draw(g.r)]
	if second == name || strings.ContainsAny(name+second, " -") {
		return name
	}
	return name + c.joint + second
}
