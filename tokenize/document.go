package tokenize

import (
	"strings"

	"golang.org/x/text/language"

	"github.com/comity-prl/comity/internal/checkdigit"
)

// issued parts a value that names its country, as in "DE:C01X00T47", from it. The
// country is ISO 3166-1 alpha-2, or as it stands for issuers that are none, such as
// the United Nations; a value without one is of the reading's region.
func issued(raw string, r *Reading) (country, rest string) {
	s := plain(raw)
	country, rest, found := strings.Cut(s, ":")
	if found {
		country = strings.ToUpper(strings.TrimRight(country, "< "))
	}
	if !found || country == "" || len(country) > 3 || strings.Trim(country, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return r.Region, s
	}
	if country == "D" {
		country = "DEU" // ICAO Doc 9303-3, section 5
	}
	if region, err := language.ParseRegion(country); err == nil && region.IsCountry() {
		country = region.Canonicalize().String()
	}
	return country, rest
}

// ofCountry writes a number with its country, unless either is missing.
func ofCountry(country, number string) string {
	if country == "" || number == "" {
		return number
	}
	return country + ":" + number
}

// mrzNumber is the length of a document's number in a machine-readable zone,
// without its check digit.
const mrzNumber = 9

// normalisePassport reads numbers of passports and identity cards, with the country
// that issued them. A check digit as in a machine-readable zone is left out of the
// canonical form where there are ten characters and it is right; where it is not,
// the number without it is a variant.
func normalisePassport(raw string, r *Reading) (Field, string) {
	country, number := issued(raw, r)
	filled := strings.ToUpper(strings.ReplaceAll(number, " ", ""))
	number = code(number)
	if !isASCII(filled) || len(filled) != mrzNumber+1 {
		filled = number
	}
	if len(filled) != mrzNumber+1 || !checkdigit.Digits(filled[mrzNumber:], 1) {
		return Field{Value: ofCountry(country, number)}, ""
	}
	check := checkdigit.MRZ(filled[:mrzNumber])
	without := ofCountry(country, code(filled[:mrzNumber]))
	switch {
	case check == filled[mrzNumber]:
		return Field{Value: without}, ""
	case without == "":
		return Field{}, ""
	}
	return Field{Value: ofCountry(country, number), Variants: []string{without}, Flags: BadCheck}, ""
}

// normaliseNational reads national numbers, such as those of taxpayers and the
// insured, with their country.
func normaliseNational(raw string, r *Reading) (Field, string) {
	country, number := issued(raw, r)
	number, valid, known := checkdigit.National(country, code(number))
	f := Field{Value: ofCountry(country, number)}
	if known && !valid && number != "" {
		f.Flags = BadCheck
	}
	return f, ""
}

// normalisePlate reads licence plates, with their country. Cyrillic and Greek letters
// that look like Latin ones are those of the plate (Vienna Convention on Road
// Traffic, annex 3, asks for letters that all can read).
func normalisePlate(raw string, r *Reading) (Field, string) {
	country, number := issued(raw, r)
	if number = code(number); !isASCII(number) {
		number = lookalikes.Replace(number)
	}
	return Field{Value: ofCountry(country, number)}, ""
}

var lookalikes = strings.NewReplacer(
	"А", "A", "В", "B", "Е", "E", "К", "K", "М", "M", "Н", "H", "О", "O", "Р", "P", "С", "C", "Т", "T", "У", "Y", "Х", "X", "І", "I",
	"Α", "A", "Β", "B", "Ε", "E", "Ζ", "Z", "Η", "H", "Ι", "I", "Κ", "K", "Μ", "M", "Ν", "N", "Ο", "O", "Ρ", "P", "Τ", "T", "Υ", "Y", "Χ", "X",
)

// normaliseIBAN reads account numbers of ISO 13616.
func normaliseIBAN(raw string) (Field, string) {
	iban := strings.TrimPrefix(code(raw), "IBAN")
	if iban == "" {
		return Field{}, ""
	}
	if len(iban) < 5 || !isASCII(iban) || strings.Trim(iban[:2], "0123456789") != iban[:2] || !checkdigit.Digits(iban[2:4], 2) {
		return Field{}, "not an IBAN: two letters, two digits and an account"
	}
	return checked(iban, checkdigit.IBAN(iban)), ""
}

// checked makes a field of a value that has check digits.
func checked(value string, valid bool) Field {
	if !valid {
		return Field{Value: value, Flags: BadCheck}
	}
	return Field{Value: value}
}

const vinLength = 17

// normaliseVIN reads vehicle identification numbers of ISO 3779, which have no I, O
// or Q: they are read as 1 and 0.
func normaliseVIN(raw string) (Field, string) {
	vin := code(raw)
	if vin == "" {
		return Field{}, ""
	}
	if len(vin) != vinLength || !isASCII(vin) {
		return Field{}, "not a vehicle identification number of 17 characters"
	}
	clear := strings.NewReplacer("I", "1", "O", "0", "Q", "0").Replace(vin)
	f := checked(clear, !checkdigit.NorthAmerican(clear) || checkdigit.VIN(clear))
	if clear != vin {
		f.Flags |= Doubtful
	}
	return f, ""
}

// imeiLength is that of a device's number without its check digit.
const imeiLength = 14

// normaliseIMEI reads numbers of mobile devices (3GPP TS 23.003, section 6.2): 14
// digits, and a check digit that networks do not send, or two of a software version,
// none of which is in the canonical form.
func normaliseIMEI(raw string) (Field, string) {
	imei := code(raw)
	switch {
	case imei == "":
		return Field{}, ""
	case !checkdigit.Digits(imei, len(imei)) || len(imei) < imeiLength || len(imei) > imeiLength+2:
		return Field{}, "not an IMEI of 14 to 16 digits"
	}
	return checked(imei[:imeiLength], len(imei) != imeiLength+1 || checkdigit.Luhn(imei)), ""
}

// normaliseLEI reads legal entity identifiers of ISO 17442.
func normaliseLEI(raw string) (Field, string) {
	lei := code(raw)
	switch {
	case lei == "":
		return Field{}, ""
	case len(lei) != 20 || !isASCII(lei):
		return Field{}, "not a legal entity identifier of 20 characters"
	}
	return checked(lei, checkdigit.Mod97(lei)), ""
}

// normaliseIMO reads numbers of ships.
func normaliseIMO(raw string) (Field, string) {
	imo := strings.TrimPrefix(code(raw), "IMO")
	switch {
	case imo == "":
		return Field{}, ""
	case !checkdigit.Digits(imo, 7):
		return Field{}, "not an IMO number of 7 digits"
	}
	return checked(imo, checkdigit.IMO(imo)), ""
}

// normaliseWallet reads addresses of Bitcoin and its kin, and of Ethereum, as they
// are or as a link for payments (BIP 21, ERC-681).
func normaliseWallet(raw string) (Field, string) {
	s := plain(raw)
	if placeholder(folded(s)) == "" {
		return Field{}, ""
	}
	if _, address, ok := strings.Cut(s, ":"); ok {
		address, _, _ = strings.Cut(address, "?")
		s, _, _ = strings.Cut(strings.TrimPrefix(address, "pay-"), "@")
	}
	address, valid, known := checkdigit.Wallet(s)
	if !known {
		return Field{}, "not the address of a wallet in a form that is known"
	}
	return checked(address, valid), ""
}
