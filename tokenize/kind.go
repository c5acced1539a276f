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
	// Passport is the number of a passport or identity card, without its check digit,
	// behind the country that issued it where that is known: "DE:C01X00T47".
	Passport
	// National is the number by which a country knows a person, such as a taxpayer's or
	// an insured's, behind the country where that is known: "PL:44051401359".
	National
	// Plate is a licence plate, behind its country where that is known.
	Plate
	// IBAN is an account of ISO 13616.
	IBAN
	// VIN is a vehicle of ISO 3779.
	VIN
	// IMEI is a mobile device: 14 digits, without check digit or software version.
	IMEI
	// LEI is a legal entity of ISO 17442.
	LEI
	// IMO is a ship: 7 digits.
	IMO
	// Wallet is an address of Bitcoin and its kin, or of Ethereum.
	Wallet
)

// kinds lists what each kind is called, how its values are normalised, which parts
// of it a rule can use beside the whole, whether a country can be meant that the
// value does not name, and whether there are so few values that all can be tried.
var kinds = [...]struct {
	name      string
	normalise func(raw string, r *Reading) (f Field, reason string)
	parts     []form
	regional  bool
	guessable bool
}{
	Name:     {name: "name", normalise: plainly(normaliseName), parts: nameForms},
	Text:     {name: "text", normalise: plainly(normaliseWords), parts: []form{initial, first}},
	Date:     {name: "date", normalise: normaliseDate, parts: []form{year, yearMonth, swap, near}, guessable: true},
	Sex:      {name: "sex", normalise: plainly(normaliseSex), guessable: true},
	Country:  {name: "country", normalise: plainly(normaliseCountry), guessable: true},
	Postcode: {name: "postcode", normalise: plainly(normaliseCode), parts: []form{initial, first}, guessable: true},
	Phone:    {name: "phone", normalise: normalisePhone, regional: true, guessable: true},
	Email:    {name: "email", normalise: plainly(normaliseEmail)},
	Document: {name: "document", normalise: plainly(normaliseCode)},
	Number:   {name: "number", normalise: plainly(normaliseNumber), guessable: true},
	Passport: {name: "passport", normalise: normalisePassport, regional: true},
	National: {name: "national", normalise: normaliseNational, regional: true, guessable: true},
	Plate:    {name: "plate", normalise: normalisePlate, regional: true, guessable: true},
	IBAN:     {name: "iban", normalise: plainly(normaliseIBAN)},
	VIN:      {name: "vin", normalise: plainly(normaliseVIN)},
	IMEI:     {name: "imei", normalise: plainly(normaliseIMEI), guessable: true},
	LEI:      {name: "lei", normalise: plainly(normaliseLEI)},
	IMO:      {name: "imo", normalise: plainly(normaliseIMO), guessable: true},
	Wallet:   {name: "wallet", normalise: plainly(normaliseWallet)},
}

// plainly is for kinds that can be read in one way alone.
func plainly(normalise func(raw string) (Field, string)) func(string, *Reading) (Field, string) {
	return func(raw string, _ *Reading) (Field, string) { return normalise(raw) }
}

// LowEntropy reports whether the kind has so few values, or such regular ones, that
// whoever can make tokens can try them all: dates, telephone numbers, plates,
// national numbers and the like. [New] refuses a rule of nothing else for a PRF
// that is not [Oblivious].
func (k Kind) LowEntropy() bool { return k.known() && kinds[k].guessable }

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
