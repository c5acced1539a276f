package synth

import "fmt"

// Kind says what happened to a record on its way to the second agency.
type Kind uint8

// The kinds of [Error].
const (
	Typo            Kind = iota // a key beside the right one
	Insertion                   // a letter twice, or a neighbouring key with it
	Deletion                    // a character left out
	Transposition               // two neighbouring characters in the wrong order
	Sound                       // a spelling that sounds alike
	OCR                         // a shape that a scanner takes for another
	Accents                     // accents dropped, or transliterated: ü as u or ue
	Format                      // case, spaces, hyphens or apostrophes
	Nickname                    // a short form of the given name
	Initial                     // the initial of the given name
	PartDropped                 // one part of a double name or a particle left out
	NamesSwapped                // given name and family name in each other's place
	DayMonthSwapped             // day and month in each other's place
	DateDigit                   // one digit of the date wrong
	YearOff                     // the year off by one or ten
	DateDefault                 // an unknown day, or day and month, as the first
	SexWrong                    // F for M or M for F
	Missing                     // not on file
	ContactChanged              // another telephone number or e-mail address
	SurnameChanged              // another surname, or a double one, as after marriage
	Moved                       // another address, often another telephone number
	numKinds
)

var kindNames = [numKinds]string{"typo", "insertion", "deletion", "transposition", "sound", "ocr", "accents", "format",
	"nickname", "initial", "part dropped", "names swapped", "day and month swapped", "date digit", "year off",
	"date default", "sex wrong", "missing", "contact changed", "surname changed", "moved"}

// String names the kind.
func (k Kind) String() string {
	if k >= numKinds {
		return fmt.Sprintf("kind %d", uint8(k))
	}
	return kindNames[k]
}

// Error is one field that a dirty copy records otherwise.
type Error struct {
	Field string // one of Fields
	Kind  Kind
}

// fault makes one kind of error in a record of somebody who lives in c. It
// leaves a record alone to which it does not apply.
type fault struct {
	kind   Kind
	weight uint32 // clerical errors in a thousand, if it always applied
	do     func(g *Generator, c *country, p *Person)
}

// faults are the clerical errors.
//
// Of the keyboard's errors omission is the most common, and doubling the main
// cause of insertion (Pollock and Zamora, JASIS 34(1), 1983); one such error a
// word is the rule (Damerau, CACM 7(3), 1964), so that no field gets two. That
// names differ more by sound, short form and missing parts than by typing, and
// surnames more than given names, is what linked records show: 18 % of surnames
// and 12 % of forenames disagree between two collections from the same people
// (Lam et al., IJPDS 2024); the generator is dirtier by design. Swapped names
// and dates, scanner errors and missing values have the place they have in
// GeCo (Tran, Vatsalan and Christen, CIKM 2013). No study gives all the rates:
// those below are a judgement that respects these orders.
var faults = []fault{
	{Typo, 90, inText(typed, (*Generator).typo)},
	{Insertion, 60, inText(typed, (*Generator).insertion)},
	{Deletion, 110, inText(typed, (*Generator).deletion)},
	{Transposition, 45, inText(typed, (*Generator).transposition)},
	{Sound, 90, inText(heard, (*Generator).soundAlike)},
	{OCR, 30, inText(scanned, (*Generator).misread)},
	{Accents, 70, inText(heard, (*Generator).withoutAccents)},
	{Format, 40, inText(heard, (*Generator).laidOut)},
	{Nickname, 50, (*Generator).nickname},
	{Initial, 25, (*Generator).initial},
	{PartDropped, 40, (*Generator).dropPart},
	{NamesSwapped, 15, (*Generator).swapNames},
	{DayMonthSwapped, 25, (*Generator).swapDayMonth},
	{DateDigit, 35, (*Generator).dateDigit},
	{YearOff, 20, (*Generator).yearOff},
	{DateDefault, 10, (*Generator).dateDefault},
	{SexWrong, 5, (*Generator).wrongSex},
	{Missing, 160, (*Generator).omit},
	{ContactChanged, 80, (*Generator).changeContact},
}

// Changes of life. Most are moves; of the people who take another surname half
// move as well. Surnames change more often than in life, where about one adult
// in a hundred marries in a year, so that small files hold some.
var (
	moved          = fault{kind: Moved, do: (*Generator).move}
	surnameChanged = fault{kind: SurnameChanged, do: (*Generator).changeSurname}
)

const (
	surnameChanges  = 20 // changes of life in a hundred that bring a surname
	keepBachelor    = 75 // men in a hundred who would then keep theirs
	moveAtMarriage  = 50 // people in a hundred who move with a change of surname
	drawsPerMistake = 32 // until a kind applies; a record almost without values may get none
)

var faultRank = func() weighted {
	weights := make([]uint32, len(faults))
	for i := range faults {
		weights[i] = faults[i].weight
	}
	return newWeighted(weights)
}()

// fieldRank says in which fields an error falls.
type fieldRank = weighted

var (
	typed = fieldRank(newWeighted([]uint32{givenName: 32, familyName: 40, street: 10, streetNumber: 2, postcode: 5, city: 5,
		phone: 8, email: 8}))
	heard   = fieldRank(newWeighted([]uint32{givenName: 38, familyName: 47, street: 10, city: 5}))
	scanned = fieldRank(newWeighted([]uint32{givenName: 30, familyName: 40, street: 12, streetNumber: 4, postcode: 8, city: 6}))
	// omitted leaves the core of a record almost always filled, as forms do.
	omitted = fieldRank(newWeighted([]uint32{givenName: 2, familyName: 1, birthDate: 6, sexField: 8, street: 8, streetNumber: 12,
		postcode: 12, city: 4, phone: 24, email: 23}))
)

// inText lets an edit of one text fall on a field. The edit returns nil if it
// does not apply.
func inText(where fieldRank, edit func(*Generator, *country, []rune) []rune) func(*Generator, *country, *Person) {
	return func(g *Generator, c *country, p *Person) {
		f := p.fields()[where.draw(g.r)]
		if s := edit(g, c, []rune(*f)); s != nil {
			*f = string(s)
		}
	}
}

// Dirty returns the same person as another agency holds it, and what is
// different. The fields that the errors name differ from p's, each named once,
// and no others do. One move, or one swap of names, names several fields. A
// person whose country is unknown is treated as British.
func (g *Generator) Dirty(p Person) (Person, []Error) {
	c, ok := world().byCode[p.Country]
	if !ok {
		c = world().byCode[britain.code]
	}
	d := copying{g: g, c: c, p: p}
	if g.r.Uint32N(certain) < g.changed {
		d.life()
	}
	for range MaxErrors {
		if g.r.Uint32N(certain) < g.dirt {
			d.mistake()
		}
	}
	return d.p, d.errors
}

// copying is a dirty copy in the making.
type copying struct {
	g       *Generator
	c       *country
	p       Person
	touched [numFields]bool
	errors  []Error
}

func (d *copying) life() {
	if d.g.percent(surnameChanges) && (d.p.Sex == "F" || !d.g.percent(keepBachelor)) {
		d.try(&surnameChanged)
		if !d.g.percent(moveAtMarriage) {
			return
		}
	}
	d.try(&moved)
}

func (d *copying) mistake() {
	for range drawsPerMistake {
		if d.try(&faults[faultRank.draw(d.g.r)]) {
			return
		}
	}
}

// try makes an error, unless it changes nothing or a field that has one.
func (d *copying) try(f *fault) bool {
	q := d.p
	f.do(d.g, d.c, &q)
	before, after := d.p.fields(), q.fields()
	var changed [numFields]bool
	differs := false
	for i := range before {
		if *before[i] == *after[i] {
			continue
		}
		if d.touched[i] {
			return false
		}
		changed[i], differs = true, true
	}
	for i, is := range changed {
		if is {
			d.touched[i] = true
			d.errors = append(d.errors, Error{Field: Fields[i], Kind: f.kind})
		}
	}
	d.p = q
	return differs
}
