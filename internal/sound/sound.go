// Package sound gives keys to names by how they sound to those who write a script,
// so that a name in that script and its Latin spellings have keys in common.
//
// Each script has a model: a table of how its letters sound, an inventory of the
// sounds that its writers tell apart, and a table of what they make of Latin
// letters, whose sound depends on a language that nobody has recorded. Both sides
// therefore have several readings, each at a cost. The key of a reading is the
// skeleton of its consonants with the classes of the vowels at its edges, or, of a
// short name, which that does not tell from others, consonants and vowels.
package sound

import (
	"embed"
	"slices"
	"strings"
	"sync"
	"unicode"

	"github.com/comity-prl/comity/internal/rewrite"
	"github.com/comity-prl/comity/internal/translit"
	"golang.org/x/text/unicode/norm"
)

// Script is a script in whose sounds keys are made.
type Script uint8

// Scripts.
const (
	Arabic Script = iota
	Cyrillic
	Han
	Hangul
	Hebrew
	Kana
)

const (
	// MaxKeys is the most keys that a name has.
	MaxKeys = 32
	// maxReadings is the most readings of a name that make keys.
	maxReadings = 16
	// beam bounds the readings of a word, or a name, that are followed at once.
	beam = 32
	// maxWords and maxBytes bound the names that are read. Longer ones are no names,
	// and would take long.
	maxWords, maxBytes = 12, 160
)

// limits are how much of a sound makes a key. They were chosen by what they find
// and what they confuse.
type limits struct {
	// A name of fewer consonants than vowelled has its vowels in its key; one of
	// fewer than edged, the classes of the vowels that it begins and ends with. Both
	// are of a name of one word, and grow by perWord with each further one.
	vowelled, edged, perWord int
	// The most that a key with vowels, and one without, may cost. Near to vowelled
	// the latter may cost slack, and one more with each further consonant.
	shapeCost, skeletonCost, slack int
	// anyInitial: a vowel that a name begins with counts, but not which it is.
	anyInitial bool
	// apart: doubled letters have an unwritten vowel between them.
	apart bool
}

var scripts = [...]struct {
	name    string
	letters *unicode.RangeTable
	limits
}{
	Arabic: {"arabic", unicode.Arabic, limits{
		vowelled: 3, edged: 6, perWord: 2, shapeCost: 3, skeletonCost: 4, anyInitial: true,
	}},
	Cyrillic: {"cyrillic", unicode.Cyrillic, limits{
		vowelled: 3, edged: 6, perWord: 2, shapeCost: 1, skeletonCost: 2, slack: 1, anyInitial: true,
	}},
	Han: {"han", unicode.Han, limits{
		vowelled: 5, edged: 5, perWord: 2, shapeCost: 2, skeletonCost: 2, slack: free,
	}},
	Hangul: {"hangul", unicode.Hangul, limits{
		vowelled: 2, edged: 3, shapeCost: 2, skeletonCost: 5, slack: free, anyInitial: true,
	}},
	Hebrew: {"hebrew", unicode.Hebrew, limits{
		edged: 3, skeletonCost: 5, slack: free, anyInitial: true, apart: true,
	}},
	Kana: {"kana", unicode.Katakana, limits{
		vowelled: 5, edged: 6, perWord: 2, shapeCost: 2, skeletonCost: 2, slack: free, anyInitial: true,
	}},
}

// free is more than a reading costs.
const free = 1 << 10

//go:embed tables
var files embed.FS

// file returns a table, or nothing if the script has none of that name.
func file(name string) string {
	b, _ := files.ReadFile("tables/" + name)
	return string(b)
}

// model is how names sound to the writers of a script.
type model struct {
	native, latin rewrite.Table
}

var models = func() (m [len(scripts)]func() *model) {
	for i, s := range scripts {
		m[i] = sync.OnceValue(func() *model {
			inv := parseInventory(file(s.name + ".inventory"))
			return &model{
				native: rewrite.Parse(file(s.name+".txt"), inv.write),
				latin:  rewrite.Parse(file(s.name+"-latin.txt")+file("latin.txt"), inv.write),
			}
		})
	}
	return m
}()

// Keys returns the keys of a name, given as its words in lower case without marks,
// in the sounds of a script. Numbers and initials are left out, but a single word that
// is left is no name.
func (s Script) Keys(words []string) []string {
	var out []string
	for _, u := range s.spoken(words) {
		meets := tags
		switch u.from {
		case latin:
			meets = tags[vowelTag(u.words):][:1]
		case third:
			meets = tags[len(tags)-1:]
		}
		for _, k := range s.keys(u.words) {
			for _, tag := range meets {
				if key := k.Text + tag; !slices.Contains(out, key) && len(out) < MaxKeys {
					out = append(out, key)
				}
			}
		}
	}
	return out
}

// tags part who can meet. Each spelling in Latin letters has one of the first, by
// its vowels; a name in a third script, which comes by way of such a spelling, has the
// last; and one in the script itself has all. So names meet across scripts, and two
// in Latin letters, which other codes are for, have to be more alike.
var tags = []string{"/0", "/1", "/2", "/3", "/third"}

// vowelTag returns the tag of Latin words, by the order of the classes of their vowels.
// What may be silent, the last e or y of a word and the u of qu, does not count.
func vowelTag(words []string) int {
	sum, place := 0, 0
	for _, w := range words {
		var last byte
		for i := range len(w) {
			c := class(w[i])
			if c == 'y' {
				c = 'i'
			}
			if last == 'q' && c == 'u' {
				continue
			}
			if vowel(c) && !vowel(last) && (c != 'i' || i < len(w)-1) {
				place++
				sum += place * (strings.IndexByte("aiu", c) + 1)
			}
			last = c
		}
	}
	return sum % (len(tags) - 1)
}

// utterance is a name that a model can read, and the script that it comes from.
type utterance struct {
	words []string
	from  origin
}

type origin uint8

const (
	native origin = iota
	latin
	third
)

// spoken returns the name as the model can read it: as it is, or, in a third script,
// in its likeliest Latin spellings.
func (s Script) spoken(words []string) []utterance {
	full := make([]string, 0, len(words))
	for _, w := range words {
		if !(len(words) > 2 && initial(w)) && !strings.ContainsAny(w, "0123456789") {
			full = append(full, translit.Katakana(w))
		}
	}
	if len(full) == 0 || len(full) > maxWords || length(full) > maxBytes || len(full) == 1 && len(words) > 1 {
		return nil
	}
	words = full
	inLatin, inScript := true, true
	for _, w := range words {
		for _, r := range w {
			if r == 'ー' || unicode.Is(unicode.M, r) { // of no one script
				continue
			}
			inLatin = inLatin && unicode.Is(unicode.Latin, r)
			inScript = inScript && unicode.In(r, scripts[s].letters, unicode.Latin)
		}
	}
	switch {
	case inLatin:
		return []utterance{{words, latin}}
	case inScript:
		return []utterance{{words, native}}
	}
	var out []utterance
	for _, spelling := range translit.Latin(words) {
		if len(out) < 3 && len(spelling.Text) <= maxBytes {
			out = append(out, utterance{strings.Fields(spelling.Text), third})
		}
	}
	return out
}

// length returns the bytes of words.
func length(words []string) (n int) {
	for _, w := range words {
		n += len(w)
	}
	return n
}

// keys returns the keys of a name without their tags.
func (s Script) keys(words []string) []rewrite.Reading {
	l := scripts[s].limits
	l.vowelled += l.perWord * (len(words) - 1)
	l.edged += l.perWord * (len(words) - 1)
	var keys []rewrite.Reading
	short := false
	for _, n := range s.names(words, joinSkeleton) {
		parts := strings.Fields(n.Text)
		count := 0
		for _, p := range parts {
			count += len(strings.Trim(p, edges))
		}
		switch {
		case count < l.vowelled:
			short = true
			continue
		case count == 0 || n.Cost > min(l.skeletonCost, count-l.vowelled+l.slack):
			continue
		}
		for i, p := range parts {
			switch {
			case count >= l.edged:
				parts[i] = strings.Trim(p, edges)
			case l.anyInitial && p[0] < 'a':
				parts[i] = "A" + p[1:]
			}
		}
		keys = append(keys, rewrite.Reading{Text: inOrder(words, parts), Cost: n.Cost})
	}
	if short {
		for _, n := range s.names(words, joinShape) {
			parts := strings.Fields(n.Text)
			sounds := strings.Join(parts, "")
			if len(sounds) > 1 && consonants(sounds) < l.vowelled && n.Cost <= l.shapeCost {
				keys = append(keys, rewrite.Reading{Text: "+" + inOrder(words, parts), Cost: n.Cost})
			}
		}
	}
	return rewrite.Cheapest(keys, maxReadings)
}

// names returns the readings of a name, its words one space apart.
func (s Script) names(words []string, join func(head, tail string) string) []rewrite.Reading {
	names := []rewrite.Reading{{}}
	for _, w := range words {
		options := s.read(w, join)
		longer := make([]rewrite.Reading, 0, len(names)*len(options))
		for _, o := range options {
			for _, head := range names {
				longer = append(longer, rewrite.Reading{Text: head.Text + " " + o.Text, Cost: head.Cost + o.Cost})
			}
		}
		names = rewrite.Cheapest(longer, 2*beam)
	}
	return names
}

// read returns the readings of a word and, a little dearer, those of the name that
// it is a form of.
func (s Script) read(word string, join func(head, tail string) string) []rewrite.Reading {
	readings := s.readOne(word, join)
	if same, ok := equivalents()[word]; ok {
		for _, r := range s.readOne(same, join) {
			readings = append(readings, rewrite.Reading{Text: r.Text, Cost: r.Cost + 1})
		}
		readings = rewrite.Cheapest(readings, beam)
	}
	return readings
}

func (s Script) readOne(word string, join func(head, tail string) string) []rewrite.Reading {
	m := models[s]()
	switch r := []rune(word)[0]; {
	case unicode.Is(unicode.Latin, r):
		return m.latin.Read(word, beam, join)
	case unicode.Is(unicode.Han, r):
		if word = strings.Join(translit.Pinyin(word), "'"); word == "" {
			return nil
		}
	case unicode.Is(unicode.Hangul, r):
		word = norm.NFD.String(word)
	}
	if !scripts[s].apart {
		return m.native.Read(word, beam, join)
	}
	return m.native.Read(word, beam, func(head, tail string) string {
		if head != "" && tail != "" && head[len(head)-1] == tail[0] && !vowel(tail[0]) {
			head += "a"
		}
		return join(head, tail)
	})
}

// equivalents are forms of a name in several languages, and the one that stands for
// them.
var equivalents = sync.OnceValue(func() map[string]string {
	m := make(map[string]string)
	for line := range strings.Lines(file("equivalents.txt")) {
		forms := strings.Fields(line)
		if forms[0] == "#" {
			continue
		}
		for _, f := range forms[1:] {
			m[f] = forms[0]
		}
	}
	return m
})

// descent are words that say whose child someone is.
var descent = []string{"bin", "ben", "ibn", "bint", "بن", "ابن", "بنت"}

// Ordered reports whether the names of which the words are do not change places.
func Ordered(words []string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return slices.Contains(descent, w) })
}

// inOrder joins the parts of a name, in alphabetical order unless their own counts.
func inOrder(words, parts []string) string {
	if !Ordered(words) {
		slices.Sort(parts)
	}
	return strings.Join(parts, " ")
}
