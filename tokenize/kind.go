package tokenize

import "fmt"

// Kind says what a field holds, and so how it is brought to canonical form.
type Kind uint8

// Kinds of field.
const (
	// Name is a person's name: letters without case or accents, single spaces.
	Name Kind = 1 + iota
	// Text is any other text, such as a place or a street: letters and digits,
	// without case or accents, single spaces.
	Text
	// Date is a day, month or year: 1978-01-25, 1978-01 or 1978.
	Date
	// Sex is "f", "m" or "x".
	Sex
	// Country is an ISO 3166-1 alpha-2 code.
	Country
	// Postcode is capital letters and digits.
	Postcode
	// Phone is digits, after a "+" where the number is international.
	Phone
	// Email is a lower-case address.
	Email
	// Document is the number of a document: capital letters and digits.
	Document
	// Number is a decimal number without needless digits.
	Number
)

// kinds lists what each kind is called, how its values are normalised, which parts
// of it a rule can use beside the whole, and whether a country can be meant that the
// value does not name.
var kinds = [...]struct {
	name      string
	normalise func(raw string, r *Reading) (f Field, reason string)
	parts     []form
	regional  bool
}{
	Name:     {name: "name", normalise: plainly(normaliseWords), parts: []form{initial, first, soundex}},
	Text:     {name: "text", normalise: plainly(normaliseWords), parts: []form{initial, first}},
	Date:     {name: "date", normalise: normaliseDate, parts: []form{year, yearMonth, swap, near}},
	Sex:      {name: "sex", normalise: plainly(normaliseSex)},
	Country:  {name: "country", normalise: plainly(normaliseCountry)},
	Postcode: {name: "postcode", normalise: plainly(normaliseCode), parts: []form{initial, first}},
	Phone:    {name: "phone", normalise: plainly(normalisePhone), regional: true},
	Email:    {name: "email", normalise: plainly(normaliseEmail)},
	Document: {name: "document", normalise: plainly(normaliseCode)},
	Number:   {name: "number", normalise: plainly(normaliseNumber)},
}

// plainly is for kinds that can be read in one way alone.
func plainly(normalise func(raw string) (Field, string)) func(string, *Reading) (Field, string) {
	return func(raw string, _ *Reading) (Field, string) { return normalise(raw) }
}

func (k Kind) known() bool { return k > 0 && int(k) < len(kinds) }

// String returns the kind's name in a schema.
func (k Kind) String() string {
	if k.known() {
		return kinds[k].name
	}
	return fmt.Sprintf("kind(%d)", uint8(k))
}

// MarshalText is String. An unknown kind is ErrSchema.
func (k Kind) MarshalText() ([]byte, error) {
	if !k.known() {
		return nil, fmt.Errorf("%w: %v is not known", ErrSchema, k)
	}
	return []byte(k.String()), nil
}

// UnmarshalText reads what MarshalText writes. Anything else is ErrSchema.
func (k *Kind) UnmarshalText(text []byte) error {
	for i := Name; i.known(); i++ {
		if kinds[i].name == string(text) {
			*k = i
			return nil
		}
	}
	return fmt.Errorf("%w: there is no kind %q", ErrSchema, text)
}
