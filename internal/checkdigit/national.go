package checkdigit

import "strings"

// scheme is one form that numbers of a country have, and how they are verified.
// Without a check there is nothing to verify but the form.
type scheme struct {
	form  string
	check func(n string) bool
}

// schemes are the national numbers by country: personal, tax, health and social
// security numbers that stand for one person. Where a law or register sets the check
// digit, it is named at the check; every country has a published example in the
// tests.
var schemes = map[string][]scheme{
	"AR": {{"99999999999", cuit}},
	"AT": {{"9999999999", svnr}},
	"AU": {{"999999999", tfn}},
	"BA": {{"9999999999999", jmbg}},
	"BE": {{"99999999999", belgian}},
	"BG": {{"9999999999", egn}},
	"BR": {{"99999999999", cpf}},
	"CA": {{"999999999", Luhn}},
	"CH": {{"7569999999999", ean13}},
	"CL": {{"9999999*", rut}, {"99999999*", rut}},
	"CN": {{"99999999999999999*", chinese}},
	"CZ": {{"999999999", nil}, {"9999999999", rodneCislo}},
	"DE": {{"99999999999", mod1110}, {"99999999A999", rentenversicherung}},
	"DK": {{"9999999999", nil}}, // numbers since 2007 have no check digit
	"DO": {{"99999999999", Luhn}},
	"EC": {{"9999999999", Luhn}},
	"EE": {{"99999999999", isikukood}},
	"ES": {{"99999999A", dni}, {"A9999999A", dni}},
	"FI": {{"999999999*", hetu}, {"999999A999*", hetu}},
	"FR": {{"9999999999999", nil}, {"999999A999999", nil}, {"999999999999999", nir}, {"999999A99999999", nir}},
	"GB": {{"9999999999", nhs}, {"AA999999A", nil}},
	"GR": {{"99999999999", Luhn}},
	"HK": {{"A999999*", hkid}, {"AA999999*", hkid}},
	"HR": {{"99999999999", mod1110}, {"9999999999999", jmbg}},
	"IE": {{"9999999A", pps}, {"9999999AA", pps}},
	"IL": {{"999999999", Luhn}},
	"IN": {{"999999999999", Verhoeff}},
	"IR": {{"9999999999", melli}},
	"IS": {{"9999999999", kennitala}},
	"IT": {{"AAAAAA**A**A***A", codiceFiscale}},
	"JP": {{"999999999999", myNumber}},
	"KR": {{"9999999999999", rrn}},
	"LT": {{"99999999999", isikukood}},
	"LU": {{"9999999999999", matricule}},
	"LV": {{"99999999999", personasKods}},
	"ME": {{"9999999999999", jmbg}},
	"MK": {{"9999999999999", jmbg}},
	"MX": {{"AAAA999999AAAAAA*9", curp}},
	"NL": {{"999999999", bsn}},
	"NO": {{"99999999999", fodselsnummer}},
	"PL": {{"99999999999", pesel}},
	"PT": {{"999999999", nif}},
	"RO": {{"9999999999999", cnp}},
	"RS": {{"9999999999999", jmbg}},
	"RU": {{"999999999999", inn}, {"99999999999", snils}},
	"SE": {{"9999999999", Luhn}, {"999999999999", func(n string) bool { return Luhn(n[2:]) }}},
	"SG": {{"A9999999A", nric}},
	"SI": {{"9999999999999", jmbg}, {"99999999", davcna}},
	"SK": {{"999999999", nil}, {"9999999999", rodneCislo}},
	"TH": {{"9999999999999", thai}},
	"TR": {{"99999999999", kimlik}},
	"TW": {{"A999999999", taiwanese}},
	"UA": {{"9999999999", rntrc}},
	"US": {{"999999999", ssn}},
	"UY": {{"99999999", cedula}},
	"ZA": {{"9999999999999", Luhn}},
}

// maxPadding is how many leading zeros are supplied that a spreadsheet may have
// taken for needless.
const maxPadding = 2

// National verifies a national number of a country (ISO 3166-1 alpha-2). known says
// whether there is anything to verify it by. Of the forms that one number can have,
// canonical is the same; a number that is not valid is its own.
func National(country, n string) (canonical string, valid, known bool) {
	forms, known := schemes[country]
	if !known {
		return n, false, false
	}
	for padding := range maxPadding + 1 {
		n := strings.Repeat("0", padding) + n
		formed := false
		for _, s := range forms {
			if !shaped(n, s.form) || s.check == nil && padding > 0 {
				continue
			}
			if s.check == nil || s.check(n) {
				return oneForm(country, n), true, true
			}
			formed = true
		}
		if formed {
			break
		}
	}
	return n, false, true
}

// oneForm returns one of several forms of a valid number.
func oneForm(country, n string) string {
	switch {
	case country == "SE" && len(n) == 12:
		return n[2:] // without the century
	case country == "FR" && len(n) == 15:
		return n[:13] // without the key, which is often left off
	}
	return n
}

// last is the number's last digit or letter.
func last(n string) int { return value(n[len(n)-1]) }

// complement returns 11 less a remainder of 11: 11 counts as 0, and 10 stays.
func complement(sum int) int { return (11 - sum%11) % 11 }

// mod1110 is ISO/IEC 7064, MOD 11,10.
func mod1110(n string) bool {
	p := 10
	for i := range len(n) - 1 {
		p = (p + value(n[i])) % 10
		if p == 0 {
			p = 10
		}
		p = p * 2 % 11
	}
	return (p+last(n))%10 == 1
}

// Verhoeff verifies the last digit by J. Verhoeff, Error detecting decimal codes
// (1969): a sum in the dihedral group of ten elements, after permutations.
func Verhoeff(n string) bool {
	sum := 0
	for i := range len(n) {
		d := value(n[len(n)-1-i])
		if d < 0 || d > 9 {
			return false
		}
		for range i % 8 {
			d = [...]int{1, 5, 7, 6, 2, 8, 3, 0, 9, 4}[d]
		}
		sum = dihedral(sum, d)
	}
	return n != "" && sum == 0
}

// dihedral multiplies in the group of a pentagon: 0 to 4 are turns, 5 to 9 flips.
func dihedral(a, b int) int {
	turn := a%5 + b%5
	if a >= 5 {
		turn = a%5 - b%5 + 5
	}
	if (a >= 5) != (b >= 5) {
		return turn%5 + 5
	}
	return turn % 5
}

func ean13(n string) bool { return dot(n, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1)%10 == 0 }

func cuit(n string) bool {
	check := complement(dot(n, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2))
	return min(check, 9) == last(n)
}

func svnr(n string) bool { return dot(n, 3, 7, 9, 0, 5, 8, 4, 2, 1, 6)%11 == value(n[3]) }

func tfn(n string) bool { return dot(n, 1, 4, 3, 7, 5, 8, 6, 9, 10)%11 == 0 }

// belgian is that of the Rijksregister, Royal Decree of 3 April 1984: since 2000
// with a 2 in front.
func belgian(n string) bool {
	check := rest(n[9:], 100)
	return 97-rest(n[:9], 97) == check || 97-rest("2"+n[:9], 97) == check
}

func egn(n string) bool { return dot(n, 2, 4, 8, 5, 10, 9, 7, 3, 6)%11%10 == last(n) }

func cpf(n string) bool {
	return complement(dot(n, 10, 9, 8, 7, 6, 5, 4, 3, 2))%10 == value(n[9]) &&
		complement(dot(n, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2))%10 == last(n)
}

func rut(n string) bool {
	sum := 0
	for i := range len(n) - 1 {
		sum += value(n[len(n)-2-i]) * (2 + i%6)
	}
	return "0123456789K"[complement(sum)] == n[len(n)-1]
}

// chinese is GB 11643-1999.
func chinese(n string) bool {
	sum := dot(n, 7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
	return "10X98765432"[sum%11] == n[17]
}

// rodneCislo is Act 133/2000 of the Czech Republic, section 13: of some numbers
// before 1986 the remainder was 10 and the digit 0.
func rodneCislo(n string) bool {
	return rest(n, 11) == 0 || rest(n[:9], 11) == 10 && last(n) == 0
}

// rentenversicherung is section 2 of the VKVV, where the letter counts as two
// digits.
func rentenversicherung(n string) bool {
	letter := value(n[8]) - 9
	digits := n[:8] + string([]byte{byte('0' + letter/10), byte('0' + letter%10)}) + n[9:11]
	sum := 0
	for i, w := range [...]int{2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1} {
		v := value(digits[i]) * w
		sum += v/10 + v%10
	}
	return sum%10 == last(n)
}

// isikukood is that of Estonia and Lithuania. The second weights count where the
// first leave 10.
func isikukood(n string) bool {
	check := dot(n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 1) % 11
	if check == 10 {
		check = dot(n, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3) % 11 % 10
	}
	return check == last(n)
}

// dni is Royal Decree 1553/2005 of Spain, and for foreigners, whose X, Y or Z counts
// 0, 1 or 2, Order INT/2058/2008.
func dni(n string) bool {
	first := n[:1]
	if i := strings.IndexByte("XYZ", n[0]); i >= 0 {
		first = "012"[i : i+1]
	}
	return shaped(first, "9") && "TRWAGMYFPDXBNJZSQVHLCKE"[rest(first+n[1:8], 23)] == n[8]
}

// hetu is Decree 128/2010 of Finland. A letter stands for the century.
func hetu(n string) bool {
	digits := n[:6] + n[len(n)-4:len(n)-1]
	return "0123456789ABCDEFHJKLMNPRSTUVWXY"[rest(digits, 31)] == n[len(n)-1]
}

// nir is that of INSEE, in which Corsica's departments 2A and 2B count as 19 and
// 18.
func nir(n string) bool {
	digits := strings.Replace(strings.Replace(n, "2A", "19", 1), "2B", "18", 1)
	return shaped(digits, "999999999999999") && 97-rest(digits[:13], 97) == rest(digits[13:], 100)
}

// nhs is the NHS Data Dictionary's check digit.
func nhs(n string) bool { return complement(dot(n, 10, 9, 8, 7, 6, 5, 4, 3, 2)) == last(n) }

// hkid is a card of Hong Kong: a single letter has a space before it, which counts
// 36.
func hkid(n string) bool {
	sum, weight := 0, len(n)
	if len(n) == 8 {
		sum = 36 * 9
	}
	for i := range len(n) {
		sum += value(n[i]) * (weight - i)
	}
	return sum%11 == 0 && last(n) <= 10
}

func pps(n string) bool {
	sum := dot(n, 8, 7, 6, 5, 4, 3, 2)
	if len(n) == 9 && n[8] != 'W' {
		sum += (value(n[8]) - 9) * 9
	}
	return "WABCDEFGHIJKLMNOPQRSTUV"[sum%23] == n[7]
}

func melli(n string) bool {
	check := dot(n, 10, 9, 8, 7, 6, 5, 4, 3, 2) % 11
	if check >= 2 {
		check = 11 - check
	}
	return check == last(n)
}

func kennitala(n string) bool { return complement(dot(n, 3, 2, 7, 6, 5, 4, 3, 2)) == value(n[8]) }

// codiceFiscale is the Decree of the Minister of Finance of 23 December 1976: odd
// places count by a table of their own.
func codiceFiscale(n string) bool {
	odd := [...]int{1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23}
	sum := 0
	for i := range 15 {
		v := value(n[i])
		if v > 9 {
			v -= 10
		}
		if i%2 == 0 {
			v = odd[v]
		}
		sum += v
	}
	return sum%26 == last(n)-10
}

// myNumber is Ordinance 85 of 2014 of Japan's Ministry of Internal Affairs.
func myNumber(n string) bool {
	check := complement(dot(n, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2))
	return check%10 == last(n)
}

// rrn is that of Korea, without a check digit for births since October 2020.
func rrn(n string) bool {
	if strings.IndexByte("3478", n[6]) >= 0 && n[:2] >= "20" {
		return true
	}
	return (11-dot(n, 2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)%11)%10 == last(n)
}

// matricule is that of Luxembourg: one digit by Luhn and one by Verhoeff.
func matricule(n string) bool { return Luhn(n[:12]) && Verhoeff(n[:11]+n[12:]) }

// personasKods is that of Latvia, without a check digit where 32 stands first.
func personasKods(n string) bool {
	return n[:2] == "32" || (1101-dot(n, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2))%11%10 == last(n)
}

func jmbg(n string) bool {
	return complement(dot(n, 7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2))%10 == last(n)
}

func davcna(n string) bool {
	return n[0] != '0' && complement(dot(n, 8, 7, 6, 5, 4, 3, 2))%10 == last(n)
}

// curp is Mexico's, in whose alphabet Ñ stands behind N.
func curp(n string) bool {
	sum := 0
	for i := range 17 {
		v := value(n[i])
		if n[i] > 'N' {
			v++
		}
		sum += v * (18 - i)
	}
	return (10-sum%10)%10 == last(n)
}

func bsn(n string) bool {
	return n != "000000000" && (dot(n, 9, 8, 7, 6, 5, 4, 3, 2)-last(n))%11 == 0
}

func fodselsnummer(n string) bool {
	return complement(dot(n, 3, 7, 6, 1, 8, 9, 4, 5, 2)) == value(n[9]) &&
		complement(dot(n, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) == last(n)
}

// pesel is section 5 of Poland's ordinance on the register of 2014.
func pesel(n string) bool { return dot(n, 1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1)%10 == 0 }

func nif(n string) bool { return complement(dot(n, 9, 8, 7, 6, 5, 4, 3, 2))%10 == last(n) }

func cnp(n string) bool {
	check := dot(n, 2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9) % 11
	if check == 10 {
		check = 1
	}
	return check == last(n)
}

// inn is a taxpayer's of Russia, and snils one of its pension fund.
func inn(n string) bool {
	return dot(n, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8)%11%10 == value(n[10]) && dot(n, 3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8)%11%10 == last(n)
}

func snils(n string) bool { return dot(n, 9, 8, 7, 6, 5, 4, 3, 2, 1)%101%100 == rest(n[9:], 100) }

func nric(n string) bool {
	sum := dot(n[1:], 2, 7, 6, 5, 4, 3, 2)
	letters := "JZIHGFEDCBA"
	switch n[0] {
	case 'S':
	case 'T':
		sum += 4
	case 'F', 'G':
		letters = "XWUTRQPNMLK"
		if n[0] == 'G' {
			sum += 4
		}
	case 'M':
		letters = "XWUTRQPNJLK"
		sum += 3
	default:
		return false
	}
	return letters[sum%11] == n[8]
}

func thai(n string) bool {
	return (11-dot(n, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2)%11)%10 == last(n)
}

func kimlik(n string) bool {
	odd := dot(n, 1, 0, 1, 0, 1, 0, 1, 0, 1)
	even := dot(n, 0, 1, 0, 1, 0, 1, 0, 1)
	return n[0] != '0' && (7*odd+9*even)%10 == value(n[9]) && (odd+even+value(n[9]))%10 == last(n)
}

// taiwanese is a card of Taiwan, whose letter stands for a place.
func taiwanese(n string) bool {
	place := strings.IndexByte("ABCDEFGHJKLMNPQRSTUVXYWZIO", n[0]) + 10
	return (place/10+place%10*9+dot(n[1:], 8, 7, 6, 5, 4, 3, 2, 1, 1))%10 == 0
}

func rntrc(n string) bool { return (dot(n, 10, 5, 7, 9, 4, 6, 10, 5, 7)%11)%10 == last(n) }

// ssn has no check digit; some areas, groups and serials are not given out (POMS RM
// 10201.035).
func ssn(n string) bool {
	return n[:3] != "000" && n[:3] != "666" && n[3:5] != "00" && n[5:] != "0000"
}

func cedula(n string) bool { return (10-dot(n, 2, 9, 8, 7, 6, 3, 4)%10)%10 == last(n) }

// rest returns the remainder of a number.
func rest(digits string, divisor int) int {
	r := 0
	for i := range len(digits) {
		r = (r*10 + value(digits[i])) % divisor
	}
	return r
}
