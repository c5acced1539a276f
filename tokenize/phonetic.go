package tokenize

import (
	"maps"
	"slices"
	"strings"

	"github.com/comity-prl/comity/internal/phonetic"
	"github.com/comity-prl/comity/internal/sound"
)

// codes append parts of a name, none or "" where there is no code.
var codes = map[form]func(parts []string, name string) []string{
	"sorted":  sortedWords,
	"word":    longWords,
	"soundex": one(phonetic.Soundex),
	"refined": one(phonetic.RefinedSoundex),
	"nysiis":  one(phonetic.NYSIIS),
	"metaphone": func(parts []string, name string) []string {
		primary, secondary := phonetic.DoubleMetaphone(name)
		return append(parts, primary, secondary)
	},
	"daitch": func(parts []string, name string) []string { return append(parts, phonetic.DaitchMokotoff(name)...) },
}

func one(code func(name string) string) func(parts []string, name string) []string {
	return func(parts []string, name string) []string { return append(parts, code(name)) }
}

// sounds make keys of the words of a name as it sounds to who writes a script.
var sounds = map[form]func(words []string) []string{
	"arabic": sound.Arabic.Keys, "cyrillic": sound.Cyrillic.Keys, "han": sound.Han.Keys,
	"hangul": sound.Hangul.Keys, "hebrew": sound.Hebrew.Keys, "kana": sound.Kana.Keys,
	"short": sound.Cyrillic.ShortKeys, "initials": sound.Cyrillic.InitialKeys,
}

// NameRules returns rules for a field that holds a whole name, the strongest first,
// for two sides that may write it in different scripts: the name and its spellings, its
// words in any order, how it sounds to those who write each script, and then without a
// middle name and with initials. A match by one of them is of names alone, not yet of
// persons: add parts of other fields to the rules, or count them beside other rules.
func NameRules(field string) []Rule {
	var rules []Rule
	for _, f := range []form{whole, "sorted", "arabic", "cyrillic", "han", "hangul", "hebrew", "kana", "short", "initials"} {
		p := Part{Field: field, form: f}
		rules = append(rules, Rule{Name: p.String(), Parts: []Part{p}})
	}
	return rules
}

// nameForms are the parts that a name has.
var nameForms = slices.Concat([]form{initial, first}, slices.Collect(maps.Keys(codes)), slices.Collect(maps.Keys(sounds)))

// known reports whether some kind has the form.
func known(f form) bool {
	for _, k := range kinds {
		if slices.Contains(k.parts, f) {
			return true
		}
	}
	return false
}

// particles are small words within names, which not everybody writes.
var particles = wordSet(`al el ad ar as ash at az de del della di da do dos das du la le los las van von der den ter
	ten te zu zum zur af y e ال`)

// sortedWords appends the words of a name in alphabetical order, with and without
// particles.
func sortedWords(parts []string, name string) []string {
	words := strings.Fields(name)
	if !sound.Ordered(words) {
		slices.Sort(words)
	}
	parts = append(parts, strings.Join(words, " "))
	if bare := slices.DeleteFunc(words, func(w string) bool { return particles[w] }); len(bare) > 1 {
		parts = append(parts, strings.Join(bare, " "))
	}
	return parts
}

// longWords appends the words of a name that are no initials.
func longWords(parts []string, name string) []string {
	for w := range strings.SplitSeq(name, " ") {
		if firstLetters(w, 1) != w {
			parts = append(parts, w)
		}
	}
	return parts
}
