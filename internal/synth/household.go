package synth

// The kinds of household and how many of a hundred are of each: roughly those of
// Western Europe, where more than a third live alone. Children below sixteen
// are left out, so that families count only with grown ones.
const (
	single = iota
	couple
	family
	oneParent
	sharers
)

var householdKinds = newWeighted([]uint32{single: 37, couple: 30, family: 20, oneParent: 7, sharers: 6})

const (
	abroad       = 60 // people in a thousand with the names of another country
	sameSex      = 20 // couples in a thousand
	twins        = 16 // younger siblings in a thousand who are a twin
	namesake     = 40 // children in a thousand with the given name of their parent
	sexX         = 2  // people in a thousand recorded as X
	withLandline = 40 // households in a hundred
)

// home is what the members of a household have in common.
type home struct {
	country  *country // of residence
	origin   *country // of the names
	address  address
	landline string
}

// household appends the members of a new household to people, sixteen years
// old or more.
func (g *Generator) household(people []Person) []Person {
	c := g.countries[g.r.IntN(len(g.countries))]
	h := &home{country: c, origin: c}
	if g.permille(abroad) {
		h.origin = world().all[g.r.IntN(len(world().all))]
	}
	var at *place
	h.address, at = g.address(c)
	if g.percent(withLandline) {
		h.landline = g.landline(c, at.area)
	}
	switch householdKinds.draw(g.r) {
	case single:
		return append(people, g.adult(h, g.sex(), g.age(18, maxAge)))
	case couple:
		people, _ = g.couple(people, h, 20)
		return people
	case family:
		start := len(people)
		people, children := g.couple(people, h, minAge+24)
		return g.children(people, h, start, children)
	case oneParent:
		start := len(people)
		base := g.familyName(h.origin)
		people = append(people, g.member(h, g.sex(), base, g.age(minAge+22, 75)))
		return g.children(people, h, start, base)
	default:
		start := len(people)
		for range 2 + g.r.IntN(2) {
			age := g.age(18, 35)
			people = append(people, g.unlike(people[start:], func() Person { return g.adult(h, g.sex(), age) }))
		}
		return people
	}
}

func (g *Generator) sex() string {
	if g.permille(sexX) {
		return "X"
	}
	if g.percent(51) {
		return "F"
	}
	return "M"
}

// couple appends two adults of at least an age, and returns the surname that
// their children have.
func (g *Generator) couple(people []Person, h *home, from int) ([]Person, string) {
	sexes := [2]string{"M", "F"}
	if g.permille(sameSex) {
		s := g.sex()
		sexes = [2]string{s, s}
	}
	base, other := g.familyName(h.origin), g.familyName(h.origin)
	age := g.age(from, maxAge)
	// Two draws make small gaps likely; men are two years older on average.
	gap := g.r.IntN(8) - g.r.IntN(8) - 2
	second := min(max(age+gap, from), maxAge)
	if g.percent(h.origin.shared) {
		other = base
	} else if g.percent(h.origin.doubled) && !h.origin.paired {
		other = h.origin.doubleBarrel(other, base)
	}
	children := base
	if h.origin.paired {
		children = h.origin.doubleBarrel(base, other)
	}
	people = append(people, g.member(h, sexes[0], base, age))
	one := people[len(people)-1:]
	return append(people, g.unlike(one, func() Person { return g.member(h, sexes[1], other, second) })), children
}

// children appends one to three children of the parents in people[start:]. The
// youngest parent was at least twenty at each birth.
func (g *Generator) children(people []Person, h *home, start int, surname string) []Person {
	parents := people[start:]
	youngest := year - birthYear(&parents[len(parents)-1])
	for i := range parents {
		youngest = min(youngest, year-birthYear(&parents[i]))
	}
	age := min(youngest-20-g.r.IntN(12), 34)
	for i := range 1 + g.r.IntN(3) {
		twin := i > 0 && g.permille(twins)
		if i > 0 && !twin {
			age -= 1 + g.r.IntN(4)
		}
		if i == 0 {
			age = max(age, minAge)
		}
		if age < minAge {
			break
		}
		before := people[start:]
		child := g.unlike(before, func() Person { return g.member(h, g.sex(), surname, age) })
		if twin {
			child.BirthDate = before[len(before)-1].BirthDate
		} else if parent := before[0]; parent.Sex == child.Sex && g.permille(namesake) {
			child.GivenName = parent.GivenName
		}
		people = append(people, child)
	}
	return people
}

// unlike draws until the given name is new to the household, a few times: then
// two people of one name live there, which life allows too.
func (g *Generator) unlike(others []Person, draw func() Person) Person {
	p := draw()
	for range 8 {
		if !hasGiven(others, p.GivenName) {
			return p
		}
		p = draw()
	}
	return p
}

func hasGiven(people []Person, name string) bool {
	for i := range people {
		if people[i].GivenName == name {
			return true
		}
	}
	return false
}

// adult is a member with a surname of their own, double-barrelled at the rate
// of the country.
func (g *Generator) adult(h *home, sex string, age int) Person {
	base := g.familyName(h.origin)
	if !h.origin.paired && g.percent(h.origin.doubled) {
		base = h.origin.doubleBarrel(base, g.surname(h.origin))
	}
	return g.member(h, sex, base, age)
}

// member is a person of a household.
func (g *Generator) member(h *home, sex, surname string, age int) Person {
	p := Person{
		GivenName:    g.givenName(h.origin, sex),
		FamilyName:   h.origin.gendered(surname, sex),
		BirthDate:    g.birthDate(age, h.origin != h.country),
		Sex:          sex,
		Street:       h.address.street,
		StreetNumber: h.address.number,
		Postcode:     h.address.postcode,
		City:         h.address.city,
		Country:      h.country.code,
	}
	p.Phone = g.phone(h)
	p.Email = g.email(h.country, &p)
	return p
}
