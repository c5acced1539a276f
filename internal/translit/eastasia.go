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

// Han names have the family name first, of one ideograph or two, and a given name
// of up to two; longer ones are foreign names, written for their sound.
func han(words []string) []scheme {
	pinyin := func(sep string) scheme {
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
	wade := load("han-wade")
	return []scheme{
		pinyin(""), pinyin(" "),
		{"wade", func(words []string) (string, bool) {
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
		}},
	}
}

// hangul names have the family name first, nearly always of one syllable. A name of
// three words or a long one is foreign, written for its sound.
func hangul([]string) []scheme {
	write := func(sep string, spelling int, table func(string) (string, bool)) func(words []string) (string, bool) {
		return func(words []string) (string, bool) {
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
		}
	}
	rr, mr, press := load("hangul-rr"), load("hangul-mr"), load("hangul-press")
	dprk := load("hangul-dprk", "hangul-mr")

	return []scheme{
		{"rr", write("", -1, rr)},
		{"press", write("", 0, rr)},
		{"press", write(" ", 0, press)},
		{"mr", write(" ", 0, mr)},
		{"press", write(" ", 1, press)},
		{"press", write("", 0, press)},
		{"press", write(" ", 0, rr)},
		{"dprk", write(" ", 0, dprk)},
	}
}

// kana has Hiragana read as Katakana.
func kana([]string) []scheme {
	katakana := func(write func(string) (string, bool)) func(string) (string, bool) {
		return func(word string) (string, bool) { return write(Katakana(word)) }
	}
	return []scheme{
		eachWord("hepburn", katakana(load("kana-hepburn"))),
		eachWord("hepburn", katakana(load("kana-long", "kana-hepburn"))),
		eachWord("kunrei", katakana(load("kana-kunrei", "kana-hepburn"))),
	}
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
