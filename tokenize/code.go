package tokenize

import (
	"regexp"
	"strings"
	"sync"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
	"golang.org/x/text/unicode/norm"
)

// normaliseCode keeps letters and digits, in capitals, of postcodes and numbers
// of documents.
func normaliseCode(raw string) (Field, string) { return Field{Value: code(raw)}, "" }

// code returns the letters and digits of a value in capitals.
func code(raw string) string {
	if !isASCII(raw) {
		return norm.NFC.String(strings.ToUpper(strings.ReplaceAll(placeholder(fold(raw)), " ", "")))
	}
	digits, plain := false, true
	for i := range len(raw) {
		c := raw[i]
		digits = digits || c >= '0' && c <= '9'
		plain = plain && (c >= '0' && c <= '9' || c >= 'A' && c <= 'Z')
	}
	if plain && digits {
		return raw
	}
	if !digits && placeholder(foldASCII(raw)) == "" {
		return ""
	}
	out := make([]byte, 0, len(raw))
	for i := range len(raw) {
		switch c := raw[i]; {
		case c >= 'a' && c <= 'z':
			out = append(out, c-'a'+'A')
		case c >= 'A' && c <= 'Z':
			out = append(out, c)
		case c >= '0' && c <= '9':
			out = append(out, c)
		}
	}
	return string(out)
}

// folded is fold, and foldASCII where that is the same.
func folded(raw string) string {
	if isASCII(raw) {
		return foldASCII(raw)
	}
	return fold(raw)
}

// sexes are written forms in English, German, French, Spanish, Italian,
// Portuguese, Dutch and Polish, and the numbers of ISO/IEC 5218, of which 0 and 9
// say that it is not known or does not apply.
var sexes = map[string]string{
	"f": "f", "female": "f", "woman": "f", "w": "f", "weiblich": "f", "frau": "f", "feminin": "f", "femme": "f",
	"femenino": "f", "mujer": "f", "femminile": "f", "femmina": "f", "feminino": "f", "vrouw": "f", "vrouwelijk": "f",
	"kobieta": "f", "zenska": "f", "k": "f", "2": "f",
	"m": "m", "male": "m", "man": "m", "mannlich": "m", "maennlich": "m", "mann": "m", "masculin": "m", "homme": "m",
	"masculino": "m", "hombre": "m", "maschile": "m", "maschio": "m", "mannelijk": "m", "mezczyzna": "m", "meska": "m", "1": "m",
	"x": "x", "d": "x", "divers": "x", "diverse": "x", "other": "x", "nonbinary": "x", "non binary": "x", "indeterminate": "x",
	"0": "", "9": "", "u": "",
}

func normaliseSex(raw string) (Field, string) {
	words := folded(raw)
	if placeholder(words) == "" {
		return Field{}, ""
	}
	value, ok := sexes[words]
	if !ok {
		return Field{}, "not a sex in a form that is known"
	}
	return Field{Value: value}, ""
}

// countryLanguages are those in which countries are known by name.
var countryLanguages = []language.Tag{
	language.English, language.German, language.French, language.Spanish, language.Italian,
	language.Portuguese, language.Dutch, language.Polish,
}

// countryNames maps the names of countries, folded, to their regions. The names
// are those of CLDR. A name that stands for two is left out.
var countryNames = sync.OnceValue(func() map[string]language.Region {
	names := make(map[string]language.Region)
	for a := 'A'; a <= 'Z'; a++ {
		for b := 'A'; b <= 'Z'; b++ {
			region, err := language.ParseRegion(string([]rune{a, b}))
			if err != nil || !region.IsCountry() || region.Canonicalize() != region {
				continue
			}
			for _, tag := range countryLanguages {
				name := fold(display.Regions(tag).Name(region))
				if other, taken := names[name]; taken && other != region {
					names[name] = language.Region{}
					continue
				}
				names[name] = region
			}
		}
	}
	return names
})

// normaliseCountry reads ISO 3166-1 codes of two letters, three letters and three
// digits, and names in eight languages.
func normaliseCountry(raw string) (Field, string) {
	words := folded(raw)
	if placeholder(words) == "" {
		return Field{}, ""
	}
	region, err := language.ParseRegion(words)
	if err != nil {
		region = countryNames()[words]
	}
	if region = region.Canonicalize(); !region.IsCountry() {
		return Field{}, "not a country in a form that is known"
	}
	return Field{Value: region.String()}, ""
}

var emailForm = regexp.MustCompile(`^[^\s@<>(),;:"]{1,64}@[^\s@<>(),;:"]{1,255}$`)

// normaliseEmail folds case, in the local part too: RFC 5321 section 2.4 lets a
// host tell cases apart there, and next to none does.
func normaliseEmail(raw string) (Field, string) {
	s := plain(raw)
	if placeholder(folded(s)) == "" {
		return Field{}, ""
	}
	if s = plain(caseFold(s)); !emailForm.MatchString(s) {
		return Field{}, "not an e-mail address"
	}
	return Field{Value: s}, ""
}

var numberForm = regexp.MustCompile(`^([+-]?)0*(\d*)(?:[.,](\d*?)0*)?$`)

// normaliseNumber reads decimal numbers with a point or a comma and without
// separators of thousands, which cannot be told from them.
func normaliseNumber(raw string) (Field, string) {
	s := plain(raw)
	if placeholder(folded(s)) == "" {
		return Field{}, ""
	}
	m := numberForm.FindStringSubmatch(s)
	if m == nil || !strings.ContainsAny(s, "0123456789") {
		return Field{}, "not a decimal number"
	}
	sign, whole, fraction := m[1], m[2], m[3]
	if whole == "" {
		whole = "0"
	}
	value := whole
	if fraction != "" {
		value += "." + fraction
	}
	if sign == "-" && value != "0" {
		value = "-" + value
	}
	return Field{Value: value}, ""
}
