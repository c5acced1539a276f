package tokenize

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// normaliseWords brings names and texts to words of letters and digits, without
// case, accents and punctuation, one space apart. Letters that some write as two
// make a variant: Müller is "muller", and "mueller" too.
func normaliseWords(raw string) (Field, string) {
	if isASCII(raw) {
		return Field{Value: placeholder(foldASCII(raw))}, ""
	}
	f := Field{Value: placeholder(fold(raw))}
	if longer := expand(raw); longer != raw && f.Value != "" {
		if expanded := fold(longer); expanded != f.Value && len(expanded) <= maxValue {
			f.Variants = []string{expanded}
		}
	}
	return f, ""
}

// placeholders are what clerks write where they know nothing. "null", "none" and
// "na" are not among them: there are people of that name.
var placeholders = map[string]bool{
	"n a": true, "unknown": true, "not known": true, "unbekannt": true, "inconnu": true, "inconnue": true,
	"desconocido": true, "desconocida": true, "sconosciuto": true, "sconosciuta": true, "desconhecido": true,
	"onbekend": true, "nieznany": true, "nieznana": true, "неизвестно": true, "невідомо": true, "不明": true, "不詳": true,
}

func placeholder(value string) string {
	if placeholders[value] {
		return ""
	}
	return value
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// foldASCII is fold for ASCII, where most values need no more.
func foldASCII(s string) string {
	out := make([]byte, 0, len(s))
	gap := false
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'A' && c <= 'Z':
			c += 'a' - 'A'
		case c >= 'a' && c <= 'z' || c >= '0' && c <= '9':
		case c == '\'' || c == '`':
			continue
		default:
			gap = len(out) > 0
			continue
		}
		if gap {
			out = append(out, ' ')
			gap = false
		}
		out = append(out, c)
	}
	return string(out)
}

// letters writes in ASCII the Latin letters that a decomposition leaves alone, those
// of the alphabets of Europe and then of Africa, Asia and America; and in one way the
// letters that Arabic and Persian writers interchange. Tatweel only stretches a word.
var letters = map[rune]string{
	'æ': "ae", 'œ': "oe", 'ø': "o", 'ł': "l", 'đ': "d", 'ð': "d", 'þ': "th", 'ħ': "h", 'ı': "i",
	'ŋ': "n", 'ŧ': "t", 'ĸ': "k", 'ə': "e", 'ȷ': "j", 'ƿ': "w", 'ȝ': "y", 'ʒ': "z", 'ƶ': "z", 'ǥ': "g",

	'ɓ': "b", 'ƀ': "b", 'ƃ': "b", 'ƈ': "c", 'ȼ': "c", 'ɖ': "d", 'ɗ': "d", 'ƌ': "d", 'ǝ': "e", 'ɛ': "e", 'ɇ': "e",
	'ƒ': "f", 'ɠ': "g", 'ɣ': "g", 'ƣ': "g", 'ɡ': "g", 'ƕ': "hv", 'ɦ': "h", 'ɨ': "i", 'ɩ': "i", 'ɪ': "i", 'ɉ': "j",
	'ƙ': "k", 'ƚ': "l", 'ɫ': "l", 'ɬ': "l", 'ɯ': "u", 'ɲ': "n", 'ƞ': "n", 'ɔ': "o", 'ɵ': "o", 'ȣ': "ou", 'ƥ': "p",
	'ɋ': "q", 'ɍ': "r", 'ɽ': "r", 'ʀ': "r", 'ƨ': "s", 'ʃ': "sh", 'ȿ': "s", 'ʈ': "t", 'ƭ': "t", 'ƫ': "t", 'ⱦ': "t",
	'ʉ': "u", 'ʊ': "u", 'ʋ': "v", 'ʌ': "v", 'ɏ': "y", 'ƴ': "y", 'ȥ': "z", 'ɀ': "z", 'ⱥ': "a", 'ɑ': "a", 'ɂ': "", 'ʼ': "",

	'ى': "ي", 'ی': "ي", 'ک': "ك", 'ة': "ه", 'ہ': "ه", 'ھ': "ه", 'ٱ': "ا", 'ـ': "",
}

// marks that join two parts of a word, and are left out.
const apostrophes = "'`´‘’‛ʹʻʼʽˈ′＇"

// unmarked are the scripts whose letters stay what they are without their marks, and
// are often written so. In others a mark can make another letter.
var unmarked = []*unicode.RangeTable{unicode.Latin, unicode.Greek, unicode.Arabic, unicode.Hebrew}

// Marks that show the stress on Cyrillic vowels in dictionaries.
var stress = map[rune]bool{'\u0300': true, '\u0301': true}

const stressed = "аеиоуыэюяіїє"

// fold returns words of letters and digits, one space apart. Case is folded by
// the Unicode rules, compatibility forms are replaced, and letters of the scripts
// that can do without lose their marks. The result is NFC.
func fold(s string) string {
	if folded, ok := foldLatin(s); ok {
		return folded
	}
	return foldAny(s)
}

// latinFolds are the letters of Latin-1 and Latin Extended-A, each folded by itself.
var latinFolds = func() (folds [latinLast - latinFirst + 1]string) {
	for i := range folds {
		folded := foldAny(string(rune(latinFirst + i)))
		// × is no letter, and ŀ has a dot that parts words.
		if foldAny("a"+string(rune(latinFirst+i))+"a") == "a"+folded+"a" {
			folds[i] = folded
		}
	}
	return folds
}()

const (
	latinFirst = 'À'
	latinLast  = 'ſ'
)

// foldLatin is fold for words of ASCII and of those letters, which most names that
// are not ASCII are. It reports whether s is one.
func foldLatin(s string) (string, bool) {
	out := make([]byte, 0, len(s)+4)
	for _, r := range s {
		switch {
		case r < utf8.RuneSelf:
			out = append(out, byte(r))
		case r < latinFirst || r > latinLast || latinFolds[r-latinFirst] == "":
			return "", false
		default:
			out = append(out, latinFolds[r-latinFirst]...)
		}
	}
	return foldASCII(string(out)), true
}

func foldAny(s string) string {
	s = norm.NFKD.String(caseFold(norm.NFKD.String(s)))
	var out strings.Builder
	gap, bare := false, false
	var last rune
	for _, r := range s {
		write := ""
		switch {
		case strings.ContainsRune(apostrophes, r):
			continue
		case unicode.Is(unicode.M, r):
			if bare || out.Len() == 0 || gap {
				continue
			}
			if stress[r] && strings.ContainsRune(stressed, last) {
				continue
			}
			write = string(r)
		case unicode.IsLetter(r):
			var ok bool
			if write, ok = letters[r]; !ok {
				write = string(r)
			}
			if write == "" {
				continue
			}
			bare = unicode.In(r, unmarked...)
			last = r
		case unicode.Is(unicode.Nd, r):
			bare = false
			write = string(digit(r))
		default:
			bare = false
			gap = out.Len() > 0
			continue
		}
		if gap {
			out.WriteByte(' ')
			gap = false
		}
		out.WriteString(write)
	}
	return norm.NFC.String(out.String())
}

// caseFold folds case by the full rules, in which ß is ss. Cherokee folds to its
// capitals (Unicode, section 3.13), which x/text does to small letters alone and
// undoes in capitals.
func caseFold(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cherokee, r) {
			return unicode.ToUpper(r)
		}
		return r
	}, cases.Fold().String(s))
}

// expansions are letters that passports and telegrams write as two (ICAO Doc
// 9303-3, section 6, table A).
var expansions = strings.NewReplacer(
	"ä", "ae", "ö", "oe", "ü", "ue", "ø", "oe", "å", "aa",
	"Ä", "Ae", "Ö", "Oe", "Ü", "Ue", "Ø", "Oe", "Å", "Aa",
)

func expand(s string) string { return expansions.Replace(norm.NFC.String(s)) }

// digit returns a decimal digit of any script as one of ASCII. Each range of
// category Nd counts from 0 to 9, over and over (Unicode, section 4.6).
func digit(r rune) rune {
	for _, t := range unicode.Nd.R16 {
		if r >= rune(t.Lo) && r <= rune(t.Hi) {
			return '0' + (r-rune(t.Lo))%10
		}
	}
	for _, t := range unicode.Nd.R32 {
		if r >= rune(t.Lo) && r <= rune(t.Hi) {
			return '0' + (r-rune(t.Lo))%10
		}
	}
	return r
}

// plain returns s with compatibility forms replaced, digits of any script in
// ASCII, and no space at either end: what codes, dates and numbers are read from.
func plain(s string) string {
	if !isASCII(s) {
		s = strings.Map(digit, norm.NFKC.String(s))
	}
	return strings.TrimSpace(s)
}
