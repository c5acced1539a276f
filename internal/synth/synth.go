// Package synth makes up people of ten countries, and the dirt that a second
// agency adds when it records the same person, with the truth attached. Tests,
// examples and benchmarks use it; nothing else may.
//
// Start at [New], then [Generator.Pair] for two files with their true links.
//
// Names follow the skew of real ones: the surnames at the head of each country
// carry shares of the size that registers publish, and an endless tail of rare ones
// comes from a syllable model. People live in households that share surname and
// address. The model follows Christen and Pudjijono, "Accurate Synthetic
// Generation of Realistic Personal Information", PAKDD 2009; the kinds of dirt
// and where their rates come from stand in one table, dirt.go.
//
// The same seed and options give the same bytes on every platform: all
// arithmetic that decides is on integers. Changing a name list changes them.
//
// Nobody here exists. E-mail addresses lie in the domains that RFC 2606
// reserves; telephone numbers only have a valid shape and may be allocated, so
// don't call them.
package synth

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// Person is one person as one agency records it. Missing values are "".
type Person struct {
	GivenName    string
	FamilyName   string
	BirthDate    string // YYYY-MM-DD
	Sex          string // F, M or X
	Street       string
	StreetNumber string
	Postcode     string
	City         string
	Country      string // ISO 3166-1 alpha-2, of residence
	Phone        string // E.164
	Email        string
}

// Fields names the columns of [Person.Values].
var Fields = []string{"given_name", "family_name", "birth_date", "sex", "street", "street_number",
	"postcode", "city", "country", "phone", "email"}

// Places of the fields in Fields.
const (
	givenName = iota
	familyName
	birthDate
	sexField
	street
	streetNumber
	postcode
	city
	countryField
	phone
	email
	numFields
)

// fields points at p's fields, in the order of Fields.
func (p *Person) fields() [numFields]*string {
	return [...]*string{&p.GivenName, &p.FamilyName, &p.BirthDate, &p.Sex, &p.Street, &p.StreetNumber,
		&p.Postcode, &p.City, &p.Country, &p.Phone, &p.Email}
}

// Values returns the record in the order of [Fields].
func (p Person) Values() []string {
	v := make([]string, numFields)
	for i, f := range p.fields() {
		v[i] = *f
	}
	return v
}

const (
	// MaxErrors is the most clerical errors that [Generator.Dirty] makes in one
	// copy. Up to two changes of life, a move and a new surname, come on top.
	MaxErrors = 5
	// DefaultDirt leaves name and birth date of about a third of the copies as
	// they were, when DefaultChanged holds as well.
	DefaultDirt = 1.5
	// DefaultChanged is about two years of moves: 8.4 % of US residents moved
	// within a year (Census Bureau, CPS ASEC 2021).
	DefaultChanged = 0.16
)

// Options tune a [Generator]. Nil or zero fields mean the defaults.
type Options struct {
	// Countries of residence, ISO 3166-1 alpha-2, each as likely as the next.
	// Nil: all of [Countries].
	Countries []string
	// Dirt is the expected number of clerical errors in a dirty copy, at most
	// MaxErrors. Zero: DefaultDirt. Negative: none.
	Dirt float64
	// Changed is the probability, at most 1, that a person moved or took another
	// surname between the two recordings. Zero: DefaultChanged. Negative: never.
	Changed float64
}

// Generator draws people from a seed. It is not safe for concurrent use.
type Generator struct {
	r         *rand.Rand
	countries []*country
	dirt      uint32 // chance of each of MaxErrors clerical errors, in 1/2³¹
	changed   uint32 // chance of a change of life, in 1/2³¹
	waiting   []Person
}

const certain = 1 << 31

// stream separates this package's use of a seed from other uses of PCG.
const stream = 0x636f6d697479

// New returns the generator for a seed. A country that is not in [Countries], or
// a rate out of range, is an error.
func New(seed uint64, o *Options) (*Generator, error) {
	if o == nil {
		o = &Options{}
	}
	g := &Generator{r: rand.New(rand.NewPCG(seed, stream))}
	codes := o.Countries
	if codes == nil {
		codes = Countries()
	}
	if len(codes) == 0 {
		return nil, fmt.Errorf("synth: no countries")
	}
	for _, code := range codes {
		c, ok := world().byCode[code]
		if !ok {
			return nil, fmt.Errorf("synth: unknown country %q", code)
		}
		if slices.Contains(g.countries, c) {
			return nil, fmt.Errorf("synth: country %q given twice", code)
		}
		g.countries = append(g.countries, c)
	}
	var err error
	if g.dirt, err = chance(o.Dirt, DefaultDirt, MaxErrors); err != nil {
		return nil, fmt.Errorf("synth: Dirt %w", err)
	}
	if g.changed, err = chance(o.Changed, DefaultChanged, 1); err != nil {
		return nil, fmt.Errorf("synth: Changed %w", err)
	}
	return g, nil
}

// chance turns a rate from 0 to top into a probability in units of 1/certain.
func chance(rate, otherwise, top float64) (uint32, error) {
	if rate == 0 {
		rate = otherwise
	}
	if rate < 0 {
		return 0, nil
	}
	if !(rate <= top) { // also not a number
		return 0, fmt.Errorf("is %v, want at most %v", rate, top)
	}
	return uint32(rate / top * certain), nil
}

// Countries lists the known countries, sorted.
func Countries() []string {
	codes := make([]string, 0, len(world().all))
	for _, c := range world().all {
		codes = append(codes, c.code)
	}
	slices.Sort(codes)
	return codes
}

// Person returns a person not returned before, clean. Members of one household
// come one after the other. Two people can share name and birth date, as in
// life, but then live at different addresses.
func (g *Generator) Person() Person {
	if len(g.waiting) == 0 {
		g.waiting = g.household(g.waiting)
	}
	last := len(g.waiting) - 1
	p := g.waiting[last]
	g.waiting = g.waiting[:last]
	return p
}

// percent is true in n of 100 cases.
func (g *Generator) percent(n int) bool { return g.r.IntN(100) < n }

// permille is true in n of 1000 cases.
func (g *Generator) permille(n int) bool { return g.r.IntN(1000) < n }
