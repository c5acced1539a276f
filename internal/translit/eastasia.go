package translit

import (
	"strings"
	"sync"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

//go:generate go -C _gen run . ../tables/han.tsv

// readings are the commonest Mandarin readings of ideographs.
var readings = sync.OnceValue(func() map[rune]string {
	m := make(map[rune]string, 27600)
	for line := range strings.Lines(file("han.tsv")) {
		syllable, ideographs, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		if !ok {
			continue
		}
		for _, r := range ideographs {
			m[r] = syllable
		}
	}
	return m
})

// Pinyin returns the commonest Mandarin reading of each ideograph of a word, without
// tones and with v for ü, or nothing if one has none.
func Pinyin(word string) []string {
	out := make([]string, 0, len(word)/3)
	for _, r := range word {
		s, ok := readings()[r]
		if !ok {
			return nil
		}
		out = append(out, s)
	}
	return out
}

var (
	hanFamilies    = sync.OnceValue(func() map[string][]string { return spellings("han-families.tsv") })
	hangulFamilies = sync.OnceValue(func() map[string][]string { return spellings("hangul-families.tsv") })
)

// familyFirst parts a name of one word into family and given name, the family name
// being the first character or two that are on the list. A name of several words is
// parted already.
func familyFirst(words []string, families map[string][]string) (family, given string) {
	if len(words) != 1 {
		return words[0], strings.Join(words[1:], "")
	}
	name := words[0]
	runes := []rune(name)
	for n := min(2, len(runes)-1); n > 1; n-- {
		if head := string(runes[:n]); len(families[head]) > 0 && len(runes) > n {
			return head, string(runes[n:])
		}
	}
	_, size := utf8.DecodeRuneInString(name)
	return name[:size], name[size:]
}

var (
	wade           = load("han-wade")
	hanSchemes     = []scheme{pinyin(""), pinyin(" "), {"wade", wadeGiles}}
	rr, mr, casual = load("hangul-rr"), load("hangul-mr"), load("hangul-press")
	hangulSchemes  = []scheme{
		korean("rr", "", -1, rr), korean("press", "", 0, rr), korean("press", " ", 0, casual), korean("mr", " ", 0, mr),
		korean("press", " ", 1, casual), korean("press", "", 0, casual), korean("press", " ", 0, rr),
		korean("dprk", " ", 0, load("hangul-dprk", "hangul-mr")),
	}
	kanaSchemes = []scheme{
		japanese("hepburn", "kana-hepburn"), japanese("hepburn", "kana-long", "kana-hepburn"),
		japanese("kunrei", "kana-kunrei", "kana-hepburn"),
	}
)

func han([]string) []scheme { return hanSchemes }

func hangul([]string) []scheme { return hangulSchemes }

func kana([]string) []scheme { return kanaSchemes }

// pinyin has the family name first, of one ideograph or two, and then the syllables
// of the given name.
func pinyin(sep string) scheme {
	return scheme{"pinyin", func(words []string) (string, bool) {
		family, given := familyFirst(words, hanFamilies())
		head := hanFamilies()[family]
		if len(head) == 0 {
			head = []string{strings.Join(Pinyin(family), sep)}
		}
		tail := Pinyin(given)
		if head[0] == "" || given != "" && tail == nil {
			return "", false
		}
		return strings.TrimSpace(head[0] + " " + strings.Join(tail, sep)), true
	}}
}

func wadeGiles(words []string) (string, bool) {
	family, given := familyFirst(words, hanFamilies())
	var out []string
	for _, s := range Pinyin(family + given) {
		text, ok := wade(s)
		if !ok {
			return "", false
		}
		out = append(out, text)
	}
	return strings.Join(out, " "), true
}

// korean has the family name first, nearly always of one syllable, in the spelling of
// the list that is asked for, and then the syllables of the given name.
func korean(name, sep string, spelling int, table func(string) (string, bool)) scheme {
	return scheme{name, func(words []string) (string, bool) {
		family, given := familyFirst(words, hangulFamilies())
		var out []string
		for _, r := range given {
			text, ok := table(norm.NFD.String(string(r)))
			if !ok {
				return "", false
			}
			out = append(out, text)
		}
		tail := strings.Join(out, sep)
		if list := hangulFamilies()[family]; spelling >= 0 && len(list) > 0 {
			return strings.TrimSpace(list[min(spelling, len(list)-1)] + " " + tail), true
		}
		head, ok := table(norm.NFD.String(family))
		return strings.TrimSpace(head + " " + tail), ok
	}}
}

// japanese has Hiragana read as Katakana.
func japanese(name string, names ...string) scheme {
	write := load(names...)
	return eachWord(name, func(word string) (string, bool) { return write(Katakana(word)) })
}

// Katakana returns a word with its Hiragana as Katakana.
func Katakana(word string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'ぁ' && r <= 'ゖ' {
			return r + 'ァ' - 'ぁ'
		}
		return r
	}, word)
}
