package synth

// swapDayMonth puts day and month in each other's place, where that is a date.
func (g *Generator) swapDayMonth(_ *country, p *Person) {
	y, m, d, ok := parseDate(p.BirthDate)
	if ok && d <= 12 {
		p.BirthDate = formatDate(y, d, m)
	}
}

// dateDigit puts another digit for one of the date, which stays a date: most
// agencies check that. It gives up after a few digits that do not.
func (g *Generator) dateDigit(_ *country, p *Person) {
	if _, _, _, ok := parseDate(p.BirthDate); !ok {
		return
	}
	for range 16 {
		b := []byte(p.BirthDate)
		i := g.r.IntN(len(b))
		if b[i] == '-' {
			continue
		}
		b[i] = g.digit()
		if _, _, _, ok := parseDate(string(b)); ok && string(b) != p.BirthDate {
			p.BirthDate = string(b)
			return
		}
	}
}

// yearOff is one year off, or a decade.
func (g *Generator) yearOff(_ *country, p *Person) {
	y, m, d, ok := parseDate(p.BirthDate)
	if !ok {
		return
	}
	off := 1
	if g.percent(25) {
		off = 10
	}
	if g.percent(50) {
		off = -off
	}
	if s := formatDate(y+off, m, d); valid(s) {
		p.BirthDate = s
	}
}

func valid(date string) bool {
	_, _, _, ok := parseDate(date)
	return ok
}

// dateDefault records the first of the month, or of the year.
func (g *Generator) dateDefault(_ *country, p *Person) {
	y, m, _, ok := parseDate(p.BirthDate)
	if !ok {
		return
	}
	if g.percent(60) {
		m = 1
	}
	p.BirthDate = formatDate(y, m, 1)
}

// wrongSex ticks the other box.
func (g *Generator) wrongSex(_ *country, p *Person) {
	switch p.Sex {
	case "F":
		p.Sex = "M"
	case "M":
		p.Sex = "F"
	}
}

// omit leaves a field empty.
func (g *Generator) omit(_ *country, p *Person) { *p.fields()[omitted.draw(g.r)] = "" }

// changeContact gives another mobile number or e-mail address.
func (g *Generator) changeContact(c *country, p *Person) {
	if g.percent(60) {
		p.Phone = g.mobile(c)
	} else {
		p.Email = g.newEmail(c, p)
	}
}

const (
	withinCity  = 50 // moves in a hundred that stay in the city
	newPhone    = 40 // moves in a hundred that bring another telephone number
	moveRetries = 8
)

// move gives another address in the same country.
func (g *Generator) move(c *country, p *Person) {
	a, at := g.address(c)
	for range moveRetries {
		if a.street != p.Street {
			break
		}
		a, at = g.address(c)
	}
	if g.percent(withinCity) {
		for i := range c.cities {
			if c.cities[i].name == p.City {
				at = &c.cities[i]
				a.city, a.postcode = at.name, g.postcode(c, at, at.low+g.r.IntN(at.high-at.low+1))
			}
		}
	}
	p.Street, p.StreetNumber, p.Postcode, p.City = a.street, a.number, a.postcode, a.city
	if !g.percent(newPhone) {
		return
	}
	if g.percent(useLandline) {
		p.Phone = g.landline(c, at.area)
	} else {
		p.Phone = g.mobile(c)
	}
}
