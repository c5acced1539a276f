package synth

import (
	"strconv"
	"strings"
)

type address struct {
	street, number, postcode, city string
}

const (
	inSmallTowns = 35   // households in a hundred
	smallTowns   = 1500 // in each country, each with one postcode
	namedStreets = 35   // streets in a hundred that bear a surname
)

// address draws an address, and the city whose dialling code it has.
func (g *Generator) address(c *country) (address, *place) {
	if g.percent(inSmallTowns) {
		return g.smallTown(c)
	}
	at := &c.cities[c.cityRank.draw(g.r)]
	return g.inCity(c, at), at
}

func (g *Generator) inCity(c *country, at *place) address {
	return address{
		street: g.street(c), number: g.streetNumber(c), city: at.name,
		postcode: g.postcode(c, at, at.low+g.r.IntN(at.high-at.low+1)),
	}
}

// smallTown draws one of the country's small towns. Name and postcode follow
// from the town's rank; it lies near a city.
func (g *Generator) smallTown(c *country) (address, *place) {
	// The smaller of two draws, so that some towns are larger.
	h := mix(uint64(min(g.r.IntN(smallTowns), g.r.IntN(smallTowns))) + 1<<32)
	pick := func(n int) int {
		i := h % uint64(n)
		h /= uint64(n)
		return int(i)
	}
	at := &c.cities[pick(len(c.cities))]
	name := fuse(c.stems[pick(len(c.stems))], c.towns[pick(len(c.towns))])
	number := at.low + pick(at.high-at.low+1)
	return address{street: g.street(c), number: g.streetNumber(c), city: name, postcode: g.postcode(c, at, number)}, at
}

// postcode writes a number in the format of the country.
func (g *Generator) postcode(c *country, at *place, number int) string {
	area := strconv.Itoa(number)
	if pad := at.size - len(area); pad > 0 {
		area = strings.Repeat("0", pad) + area
	}
	var b strings.Builder
	next := 0
	for _, f := range []byte(c.source.postcode) {
		switch f {
		case '0':
			b.WriteByte(area[next])
			next++
		case '*':
			b.WriteString(at.prefix + area)
		case '9':
			b.WriteByte(g.digit())
		case 'A':
			b.WriteByte(c.letters[g.r.IntN(len(c.letters))])
		default:
			b.WriteByte(f)
		}
	}
	return b.String()
}

func (g *Generator) digit() byte { return byte('0' + g.r.IntN(10)) }

func (g *Generator) street(c *country) string {
	if !g.percent(namedStreets) {
		return c.streets[c.streetRank.draw(g.r)]
	}
	form := c.streetForms[g.r.IntN(len(c.streetForms))]
	return strings.Replace(form, "*", g.surname(c), 1)
}

// streetNumber draws a number, most of them small, some with a suffix.
func (g *Generator) streetNumber(c *country) string {
	n := strconv.Itoa(1 + g.r.IntN(1+g.r.IntN(160)))
	if !g.percent(10) {
		return n
	}
	suffix := c.numbers[g.r.IntN(len(c.numbers))]
	if len(suffix) > 2 && suffix[0] >= 'A' {
		return n + " " + suffix
	}
	return n + suffix
}
