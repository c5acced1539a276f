// Package translit writes names of other scripts in Latin letters, in the several
// ways that registers, passports and newspapers do: there is no one right spelling.
// Its tables are in the files of tables, each with its source.
package translit

import (
	"embed"
	"slices"
	"strings"
	"sync"
	"unicode"

	"github.com/comity-prl/comity/internal/rewrite"
	"golang.org/x/text/runes"
	"golang.org/x/text/transform"
	"golang.org/x/text/unicode/norm"
)

//go:embed tables
var files embed.FS

// file returns the text of a table.
func file(name string) string {
	b, err := files.ReadFile("tables/" + name)
	if err != nil {
		panic("translit: " + err.Error())
	}
	return string(b)
}

// MaxSpellings is the most spellings that a name has.
const MaxSpellings = 8

// Spelling is a name in lower-case Latin letters, its words one space apart.
type Spelling struct {
	Text string
	// Scheme is what it is written by: "icao", "iso9", "press" and so on.
	Scheme string
}

// scheme is one way to write the names of a script.
type scheme struct {
	name  string
	write func(words []string) (string, bool)
}

// script is what can be done for one script.
type script struct {
	letters *unicode.RangeTable
	schemes func(words []string) []scheme
}

var scripts = []script{
	{unicode.Cyrillic, cyrillic},
	{unicode.Greek, greek},
	{unicode.Arabic, arabic},
	{unicode.Hebrew, hebrew},
	{unicode.Hangul, hangul},
	{unicode.Katakana, kana},
	{unicode.Hiragana, kana},
	{unicode.Han, han},
	{unicode.Georgian, georgian},
	{unicode.Armenian, armenian},
}

// Latin returns the spellings of a name whose words are in lower case: those of its
// first word that is not in Latin letters decide which. Words in Latin letters stay.
// There are none for a name in Latin letters alone, or in a script that the package
// does not know.
func Latin(words []string) []Spelling {
	var out []Spelling
	for _, s := range schemes(words) {
		text, ok := s.write(words)
		if !ok || text == "" || slices.ContainsFunc(out, func(o Spelling) bool { return o.Text == text }) {
			continue
		}
		if out = append(out, Spelling{text, s.name}); len(out) == MaxSpellings {
			break
		}
	}
	return out
}

func schemes(words []string) []scheme {
	for _, w := range words {
		for _, r := range w {
			if unicode.Is(unicode.Latin, r) {
				break
			}
			for _, s := range scripts {
				if unicode.Is(s.letters, r) {
					return s.schemes(words)
				}
			}
		}
	}
	return nil
}

// latin reports whether a word needs no writing.
func latin(word string) bool {
	for _, r := range word {
		if !unicode.Is(unicode.Latin, r) && !unicode.Is(unicode.Nd, r) {
			return false
		}
	}
	return true
}

// eachWord makes a scheme that writes word by word.
func eachWord(name string, write func(word string) (string, bool)) scheme {
	return scheme{name, func(words []string) (string, bool) {
		out := make([]string, 0, len(words))
		for _, w := range words {
			if latin(w) {
				out = append(out, w)
				continue
			}
			text, ok := write(w)
			if !ok {
				return "", false
			}
			if text != "" {
				out = append(out, text)
			}
		}
		return strings.Join(out, " "), true
	}}
}

// tables makes a scheme of a table. Where two files have a rule for the same
// letters, the first one's counts.
func tables(name string, names ...string) scheme {
	return eachWord(name, load(names...))
}

// load returns what writes a word by the rules of tables, which are read at the first
// use.
func load(names ...string) func(word string) (string, bool) {
	table := sync.OnceValue(func() rewrite.Table {
		var text strings.Builder
		for _, n := range names {
			text.WriteString(file(n + ".txt"))
		}
		return rewrite.Parse(text.String(), nil)
	})
	return func(word string) (string, bool) { return table().First(word) }
}

// has reports whether any word has one of the letters.
func has(words []string, letters string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return strings.ContainsAny(w, letters) })
}

// The schemes of languages that are written in Cyrillic letters.
var (
	cyrillicICAO  = tables("icao", "cyrillic-icao")
	cyrillicISO   = tables("iso9", "cyrillic-iso9", "cyrillic-icao")
	cyrillicPress = tables("press", "cyrillic-press", "cyrillic-icao")
	bulgarian     = tables("bulgarian", "cyrillic-bg", "cyrillic-icao")
	ukrainianLaw  = tables("national", "cyrillic-uk", "cyrillic-icao")
	ukrainianICAO = tables("icao", "cyrillic-icao-uk", "cyrillic-icao")

	serbian = []scheme{
		tables("national", "cyrillic-sr", "cyrillic-icao"), tables("icao", "cyrillic-icao-sr", "cyrillic-icao"),
		cyrillicISO, cyrillicPress,
	}
	belarusian = []scheme{
		tables("national", "cyrillic-be", "cyrillic-icao"), ukrainianICAO, cyrillicICAO, cyrillicISO, cyrillicPress,
	}
	ukrainian = []scheme{ukrainianLaw, ukrainianICAO, cyrillicISO, cyrillicPress, cyrillicICAO}
	russian   = []scheme{cyrillicICAO, tables("bgn", "cyrillic-bgn", "cyrillic-icao"), cyrillicPress}
	western   = []scheme{
		tables("german", "cyrillic-german", "cyrillic-icao"), tables("french", "cyrillic-french", "cyrillic-icao"),
	}

	surelyRussian  = slices.Concat(russian, []scheme{cyrillicISO}, western)
	mayBeBulgarian = slices.Concat(russian, []scheme{bulgarian, ukrainianLaw, cyrillicISO}, western)
	perhapsAny     = slices.Concat(russian, []scheme{ukrainianLaw, cyrillicISO}, western)
)

// cyrillic guesses the language by the letters that only some have. Where none
// tells, Russian comes first and Ukrainian second.
func cyrillic(words []string) []scheme {
	switch {
	case has(words, "јљњђћџѓќѕ"):
		return serbian
	case has(words, "ў"):
		return belarusian
	case has(words, "ґєії"), slices.ContainsFunc(words, func(w string) bool { return strings.Contains(w, "ськ") }):
		return ukrainian
	case has(words, "ыэё"):
		return surelyRussian
	case has(words, "ъщ"):
		return mayBeBulgarian
	}
	return perhapsAny
}

var greekSchemes = []scheme{unmarked("icao", "greek-elot"), unmarked("press", "greek-press", "greek-elot")}

func greek([]string) []scheme { return greekSchemes }

// unmarked is tables of words without marks.
func unmarked(name string, names ...string) scheme {
	write := load(names...)
	return eachWord(name, func(word string) (string, bool) { return write(strip(word)) })
}

// strip removes marks.
func strip(word string) string {
	out, _, err := transform.String(transform.Chain(norm.NFD, runes.Remove(runes.In(unicode.M)), norm.NFC), word)
	if err != nil {
		return word
	}
	return out
}

var (
	georgianSchemes = []scheme{
		tables("national", "georgian-national"), tables("iso9984", "georgian-iso9984", "georgian-national"),
	}
	armenianSchemes = []scheme{
		tables("bgn", "armenian-bgn"), tables("iso9985", "armenian-iso9985", "armenian-bgn"),
		tables("western", "armenian-western", "armenian-bgn"),
	}
)

func georgian([]string) []scheme { return georgianSchemes }

func armenian([]string) []scheme { return armenianSchemes }
