package translit

import (
	"slices"
	"strings"
	"sync"
)

// spellings reads lines of a name and its spellings in the order of how often they
// are seen. An underscore is a space.
func spellings(name string) map[string][]string {
	out := make(map[string][]string)
	for line := range strings.Lines(file(name)) {
		if key, list, ok := strings.Cut(line, "\t"); ok && !strings.HasPrefix(line, "#") {
			out[key] = strings.Fields(list)
			for i, s := range out[key] {
				out[key][i] = strings.ReplaceAll(s, "_", " ")
			}
		}
	}
	return out
}

var (
	arabicNames = sync.OnceValue(func() map[string][]string { return spellings("arabic-names.tsv") })
	hebrewNames = sync.OnceValue(func() map[string][]string { return spellings("hebrew-names.tsv") })
)

// pressed are the spellings of a list, of names of which it has a word: the first
// spelling of each word, then the second, and so on. The table writes what is not on
// the list.
func pressed(names func() map[string][]string, key func(word string) string, other func(word string) (string, bool)) []scheme {
	var out []scheme
	for i := range 4 {
		each := eachWord("press", func(word string) (string, bool) {
			if list := names()[key(word)]; len(list) > 0 {
				return list[min(i, len(list)-1)], true
			}
			return other(word)
		})
		out = append(out, scheme{each.name, func(words []string) (string, bool) {
			if !slices.ContainsFunc(words, func(w string) bool { return len(names()[key(w)]) > 0 }) {
				return "", false
			}
			return each.write(words)
		}})
	}
	return out
}

// alike writes letters that Arabic and Persian writers interchange in one way.
var alike = strings.NewReplacer(
	"آ", "ا", "أ", "ا", "إ", "ا", "ٱ", "ا", "ى", "ي", "ی", "ي", "ئ", "ي", "ؤ", "و", "ة", "ه", "ک", "ك", "ہ", "ه", "ھ", "ه",
)

var (
	arabicBGN     = load("arabic-bgn")
	hebrewLaw     = load("hebrew-national")
	arabicSchemes = append(pressed(arabicNames, alike.Replace, splitArticle),
		eachWord("icao", load("arabic-icao")), eachWord("bgn", splitArticle), eachWord("bgn", arabicBGN))
	hebrewSchemes = append(pressed(hebrewNames, strings.Clone, hebrewLaw), eachWord("national", hebrewLaw))
)

func arabic([]string) []scheme { return arabicSchemes }

func hebrew([]string) []scheme { return hebrewSchemes }

// splitArticle writes the article apart, as "al".
func splitArticle(word string) (string, bool) {
	rest, ok := strings.CutPrefix(word, "ال")
	if !ok || len(rest) < 6 {
		return arabicBGN(word)
	}
	if list := arabicNames()[alike.Replace(rest)]; len(list) > 0 {
		return "al " + list[0], true
	}
	text, ok := arabicBGN(rest)
	return "al " + text, ok
}
