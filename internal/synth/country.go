package synth

import (
	"strconv"
	"strings"
	"sync"
)

// source is what a country's file gives: lists separated by commas, the most
// frequent entry first.
type source struct {
	code   string // ISO 3166-1 alpha-2
	layout string // keyboard

	female, male, family string
	// shares are the people in a million with the surname at each of the ranks
	// in anchors: the order of size of published counts, not the counts.
	shares [len(anchors)]uint32
	// Rare surnames are a stem, up to two links and an ending; small towns a
	// stem and one of towns.
	stems, links, endings, towns string

	compounds int    // given names that join two, in percent
	joint     string // what joins them
	shared    int    // couples under one surname, in percent
	doubled   int    // adults with a double-barrelled surname, in percent
	paired    bool   // everybody has two surnames, of father and mother
	feminine  bool   // surnames in -ski have a feminine form in -ska

	cities      string // name:postcodes:dialling code
	streets     string
	streetForms string // names of the other streets; * is a surname
	numbers     string // what may follow a street number
	postcode    string // 0: digit of the area, *: all of it, 9: any digit, A: any of letters
	letters     string
	mobiles     string // #: any digit; none: as landlines
	dial        string // E.164 country code
	national    int    // digits of a landline number after dial

	nicknames string // formal:short/short
	sounds    string // spelling=spelling of the same sound
}

// place is a town with its postcodes and dialling code.
type place struct {
	name, area      string
	prefix          string // letters before the postcode's number
	low, high, size int    // of the number; size is its digits, 0 if it is not padded
}

type country struct {
	source
	given       [2]names // female, male
	family      []string
	familyRank  weighted
	stems       []string
	links       []string
	endings     []string
	towns       []string
	cities      []place
	cityRank    weighted
	streets     []string
	streetRank  weighted
	streetForms []string
	numbers     []string
	mobiles     []string
	nicknames   map[string][]string
	sounds      []sound
	neighbours  map[rune][]rune
}

// names are given names with their frequencies.
type names struct {
	list []string
	rank weighted
}

type planet struct {
	all    []*country
	byCode map[string]*country
}

// world is compiled at first use, so that a program that links the package but
// does not use it pays nothing.
var world = sync.OnceValue(func() *planet {
	w := &planet{byCode: map[string]*country{}}
	for _, s := range []*source{&germany, &spain, &france, &britain, &italy, &netherlands, &poland, &sweden, &turkey, &america} {
		c := compile(s)
		w.all = append(w.all, c)
		w.byCode[c.code] = c
	}
	return w
})

// givenShift flattens the head of the given names, so that the most common has
// about 3 % of its sex, as in registers that span all ages.
const givenShift = 20

func compile(s *source) *country {
	c := &country{
		source: *s,
		family: list(s.family), stems: list(s.stems), links: list(s.links), endings: list(s.endings), towns: list(s.towns),
		streets: list(s.streets), streetForms: list(s.streetForms), numbers: list(s.numbers), mobiles: list(s.mobiles),
		nicknames: map[string][]string{}, neighbours: neighbours(s.layout),
	}
	for i, text := range []string{s.female, s.male} {
		l := list(text)
		c.given[i] = names{list: l, rank: harmonic(len(l), givenShift)}
	}
	c.familyRank = surnameWeights(len(c.family), s.shares)
	for _, entry := range list(s.cities) {
		c.cities = append(c.cities, parsePlace(entry))
	}
	c.cityRank = harmonic(len(c.cities), 1)
	c.streetRank = harmonic(len(c.streets), 5)
	for _, entry := range list(s.nicknames) {
		formal, short, _ := strings.Cut(entry, ":")
		c.nicknames[formal] = strings.Split(short, "/")
	}
	for _, entry := range list(s.sounds) {
		a, b, _ := strings.Cut(entry, "=")
		c.sounds = append(c.sounds, sound{[]rune(a), []rune(b)})
	}
	return c
}

func list(text string) []string {
	if text == "" {
		return nil
	}
	l := strings.Split(text, ",")
	for i, entry := range l {
		l[i] = strings.TrimSpace(entry)
	}
	return l
}

// parsePlace reads an entry such as "Dresden:01067-01328:351". The tables are
// constants, so a test and not an error says whether they are well-formed.
func parsePlace(entry string) place {
	name, rest, _ := strings.Cut(entry, ":")
	codes, area, _ := strings.Cut(rest, ":")
	low, high, _ := strings.Cut(codes, "-")
	letters := func(r rune) bool { return r >= 'A' && r <= 'Z' }
	digits := strings.TrimLeftFunc(low, letters)
	p := place{name: name, area: area, prefix: low[:len(low)-len(digits)]}
	p.low, _ = strconv.Atoi(digits)
	p.high, _ = strconv.Atoi(strings.TrimLeftFunc(high, letters))
	if p.prefix == "" {
		p.size = len(digits)
	}
	return p
}
