// Package checkdigit verifies the check digits of documents, accounts, vehicles,
// devices, wallets and national numbers. Inputs are ASCII capitals and digits,
// without separators; anything else fails.
package checkdigit

import "strings"

// value is 0 to 9 of a digit, 10 to 35 of a capital, and -1 of anything else.
func value(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'A' && c <= 'Z':
		return int(c-'A') + 10
	}
	return -1
}

// Digits reports whether s is n digits.
func Digits(s string, n int) bool { return len(s) == n && shaped(s, strings.Repeat("9", n)) }

// Luhn verifies the last digit of a number by ISO/IEC 7812-1, annex B: IMEI, and
// many national numbers.
func Luhn(digits string) bool {
	sum := 0
	for i := range len(digits) {
		d := value(digits[len(digits)-1-i])
		if d < 0 || d > 9 {
			return false
		}
		if i%2 == 1 {
			d *= 2
		}
		sum += d/10 + d%10
	}
	return digits != "" && sum%10 == 0
}

// Mod97 verifies a text by ISO/IEC 7064, MOD 97-10, where letters count as 10 to 35:
// LEI, and IBAN with its first four characters at the end.
func Mod97(s string) bool {
	rest := 0
	for i := range len(s) {
		v := value(s[i])
		switch {
		case v < 0:
			return false
		case v > 9:
			rest *= 10
		}
		rest = (rest*10 + v) % 97
	}
	return rest == 1
}

// MRZ returns the check digit of a field of a machine-readable zone, in which "<"
// counts 0: ICAO Doc 9303-3, section 4.9. Other characters have none, and it
// returns 0xff.
func MRZ(field string) byte {
	sum := 0
	for i := range len(field) {
		v := value(field[i])
		if field[i] == '<' {
			v = 0
		}
		if v < 0 {
			return 0xff
		}
		sum += v * [...]int{7, 3, 1}[i%3]
	}
	return byte('0' + sum%10)
}

// IMO verifies the seven digits of a ship (IMO Resolution A.1117(30)).
func IMO(digits string) bool {
	return Digits(digits, 7) && dot(digits, 7, 6, 5, 4, 3, 2)%10 == value(digits[6])
}

// VIN verifies the ninth character of a vehicle (49 CFR 565.15). Only vehicles of
// North America are bound to have it: those of which NorthAmerican says so.
func VIN(vin string) bool {
	sum := 0
	for i := range len(vin) {
		v := value(vin[i])
		switch c := vin[i]; {
		case c == 'I' || c == 'O' || c == 'Q':
			return false
		case c >= 'S':
			v = int(c-'S') + 2
		case c >= 'J':
			v = int(c-'J') + 1
		case c >= 'A':
			v = int(c-'A') + 1
		}
		if v < 0 || i >= 17 {
			return false
		}
		sum += v * [...]int{8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2}[i]
	}
	return len(vin) == 17 && "0123456789X"[sum%11] == vin[8]
}

// NorthAmerican reports whether the region of a vehicle's maker is North America, where
// the check character is required (ISO 3780: a first character of 1 to 5).
func NorthAmerican(vin string) bool { return vin != "" && vin[0] >= '1' && vin[0] <= '5' }

// IBAN verifies an account number: its country, its length, and its check digits
// (ISO 13616-1, section 7).
func IBAN(iban string) bool {
	return len(iban) > 4 && ibanLengths[iban[:2]] == len(iban) && Mod97(iban[4:]+iban[:4])
}

// ibanLengths are those of the IBAN registry of SWIFT.
var ibanLengths = map[string]int{
	"AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BI": 27, "BR": 29, "BY": 28,
	"CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DJ": 27, "DK": 18, "DO": 28, "EE": 20, "EG": 29, "ES": 24, "FI": 18,
	"FK": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28, "HN": 28, "HR": 21, "HU": 28,
	"IE": 22, "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28, "LC": 32, "LI": 21, "LT": 20,
	"LU": 20, "LV": 21, "LY": 25, "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MN": 20, "MR": 27, "MT": 31, "MU": 30, "NI": 28,
	"NL": 18, "NO": 15, "OM": 23, "PK": 24, "PL": 28, "PS": 29, "PT": 25, "QA": 29, "RO": 24, "RS": 22, "RU": 33, "SA": 24,
	"SC": 31, "SD": 18, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "SO": 23, "ST": 25, "SV": 28, "TL": 23, "TN": 24, "TR": 26,
	"UA": 29, "VA": 22, "VG": 24, "XK": 20, "YE": 30,
}

// shaped reports whether s has a form in which 9 stands for a digit, A for a
// capital, * for either, and anything else for itself.
func shaped(s, form string) bool {
	if len(s) != len(form) {
		return false
	}
	for i := range len(s) {
		v := value(s[i])
		switch form[i] {
		case '9':
			if v < 0 || v > 9 {
				return false
			}
		case 'A':
			if v < 10 {
				return false
			}
		case '*':
			if v < 0 {
				return false
			}
		default:
			if s[i] != form[i] {
				return false
			}
		}
	}
	return true
}

// dot returns the sum of the first values of s, each times its weight.
func dot(s string, weights ...int) int {
	sum := 0
	for i, w := range weights {
		sum += value(s[i]) * w
	}
	return sum
}
