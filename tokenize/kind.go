package tokenize

import "fmt"

// Kind says what a field holds, and so how it is brought to canonical form.
type Kind uint8

// Kinds of field.
const (
	// Name is a person's name: letters without case or accents, single spaces, and
	// no titles. Its variants are the spellings in Latin letters of a name in another
	// script, and former names.
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

// kinds lists what each kind is called, how its values are normalised, and which
// parts of it a rule can use beside the whole.
var kinds = [...]struct {
	name      string
	normalise func(raw string) (f Field, reason string)
	parts     []form
}{
	Name:     {"name", normaliseName, nameForms},
	Text:     {"text", normaliseWords, []form{initial, first}},
	Date:     {"date", normaliseDate, []form{year}},
	Sex:      {"sex", normaliseSex, nil},
	Country:  {"country", normaliseCountry, nil},
	Postcode: {"postcode", normaliseCode, []form{initial, first}},
	Phone:    {"phone", normalisePhone, nil},
	Email:    {"email", normaliseEmail, nil},
	Document: {"document", normaliseCode, nil},
	Number:   {"number", normaliseNumber, nil},
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
