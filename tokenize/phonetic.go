package tokenize

import (
	"maps"
	"slices"
	"strings"

	"github.com/comity-prl/comity/internal/phonetic"
	"github.com/comity-prl/comity/internal/sound"
)

// codes make parts of a name, none where there is no code.
var codes = map[form]func(name string) []string{
	"sorted":  sortedWords,
	"word":    longWords,
	"soundex": func(name string) []string { return []string{phonetic.Soundex(name)} },
	"refined": func(name string) []string { return []string{phonetic.RefinedSoundex(name)} },
	"nysiis":  func(name string) []string { return []string{phonetic.NYSIIS(name)} },
	"metaphone": func(name string) []string {
		primary, secondary := phonetic.DoubleMetaphone(name)
		return []string{primary, secondary}
	},
	"daitch": phonetic.DaitchMokotoff,
}

// sounds make keys of the words of a name as it sounds to who writes a script.
var sounds = map[form]func(words []string) []string{
	"arabic": sound.Arabic.Keys, "cyrillic": sound.Cyrillic.Keys, "han": sound.Han.Keys,
	"hangul": sound.Hangul.Keys, "hebrew": sound.Hebrew.Keys, "kana": sound.Kana.Keys,
	"short": sound.Cyrillic.ShortKeys, "initials": sound.Cyrillic.InitialKeys,
}

// nameForms are the parts that a name has.
var nameForms = slices.Concat([]form{initial, first}, slices.Collect(maps.Keys(codes)), slices.Collect(maps.Keys(sounds)))

// known reports whether some kind has the form.
func known(f form) bool { return f == year || slices.Contains(nameForms, f) }

// particles are small words within names, which not everybody writes.
var particles = wordSet(`al el ad ar as ash at az de del della di da do dos das du la le los las van von der den ter
	ten te zu zum zur af y e ال`)

// sortedWords returns the words of a name in alphabetical order, with and without
// particles.
func sortedWords(name string) []string {
	words := strings.Fields(name)
	if !sound.Ordered(words) {
		slices.Sort(words)
	}
	bare := slices.DeleteFunc(slices.Clone(words), func(w string) bool { return particles[w] })
	if len(bare) < 2 {
		bare = words
	}
	return []string{strings.Join(words, " "), strings.Join(bare, " ")}
}

// longWords returns the words of a name that are no initials.
func longWords(name string) []string {
	return slices.DeleteFunc(strings.Fields(name), func(w string) bool { return firstLetters(w, 1) == w })
}
