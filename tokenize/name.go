package tokenize

import (
	"maps"
	"slices"
	"strings"

	"github.com/comity-prl/comity/internal/translit"
)

// normaliseName brings a name to words as normaliseWords does, without the titles
// before it and the numbers after it. Its variants are the name as passports write
// it, its spellings in Latin letters, and former names and aliases that stand beside
// it.
func normaliseName(raw string) (Field, string) {
	f, reason := normaliseWords(raw)
	if reason != "" || f.Value == "" {
		return f, reason
	}
	variants := f.Variants
	name, former := parts(f.Value)
	f = Field{Value: name}
	for _, v := range variants {
		f.add(v, "icao")
	}
	for _, n := range former {
		f.add(n, "previous")
	}
	if !isASCII(name) && len(name) <= maxSpelt {
		for _, s := range translit.Latin(strings.Fields(name)) {
			f.add(s.Text, s.Scheme)
		}
	}
	return f, ""
}

// add adds a variant, brought to canonical form, unless the field has it.
func (f *Field) add(variant, label string) {
	variant, _ = parts(placeholder(variant))
	if variant == "" || variant == f.Value || slices.Contains(f.Variants, variant) || len(variant) > maxValue {
		return
	}
	f.Variants = append(f.Variants, variant)
	f.Labels = append(f.Labels, label)
}

// maxSpelt bounds the bytes of a name that gets spellings in Latin letters.
const maxSpelt = 256

// titles stand before a name. Titles that are also common names, such as prince or
// major, are not among them.
var titles = wordSet(`dr prof professor mr mrs ms miss mx sir dame lord lady rev reverend hon
	herr frau dipl ing mag mme mlle monsieur madame maitre sig signor signora sgr senor senora senorita sr sra srta
	gen general col colonel lt lieutenant capt captain sgt president prasident presidente
	sheikh shaykh mullah maulavi mawlawi ayatollah rabbi imam haji hajji
	доктор профессор господин госпожа
	דר פרופ מר גברת הרב רבי
	الدكتور دكتور الاستاذ الشيخ السيد السيده المهندس
	κυριοσ κυρια`)

// suffixes stand after a name.
var suffixes = wordSet(`jr sr junior senior ii iii iv vi vii viii ix xi xii xiii xiv phd md esq obe cbe mbe הבן`)

// formerly stand between a name and the one before marriage, or another name.
var formerly = wordSet(`nee geb geborene geborener born urozena урожденная урожденный урожд alias aka formerly`)

// affixes are all words that may not belong to a name.
var affixes = func() map[string]bool {
	all := maps.Clone(titles)
	maps.Copy(all, suffixes)
	maps.Copy(all, formerly)
	return all
}()

func wordSet(text string) map[string]bool {
	set := make(map[string]bool)
	for w := range strings.FieldsSeq(text) {
		set[w] = true
	}
	return set
}

// parts takes titles and numbers off a name, and former names out of it. Titles go
// only from a name that has two words without, so that nobody whose name is one
// loses it.
func parts(name string) (current string, former []string) {
	if !hasAffix(name) {
		return name, nil
	}
	words := strings.Fields(name)
	if i := slices.IndexFunc(words, func(w string) bool { return formerly[w] }); i > 0 && i < len(words)-1 {
		before := untitled(words[i+1:])
		if words = words[:i:i]; len(words) > 1 && len(before) == 1 {
			given := untitled(words)
			before = append(given[:len(given)-1:len(given)-1], before...)
		}
		former = []string{strings.Join(before, " ")}
	}
	return strings.Join(untitled(words), " "), former
}

// hasAffix reports whether a name has a word that may not belong to it. Most have
// none.
func hasAffix(name string) bool {
	for w := range strings.SplitSeq(name, " ") {
		if affixes[w] {
			return true
		}
	}
	return false
}

func untitled(words []string) []string {
	for len(words) > 2 && titles[words[0]] {
		words = words[1:]
	}
	for len(words) > 2 && suffixes[words[len(words)-1]] {
		words = words[:len(words)-1]
	}
	return words
}
