package sound

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// buckets are how many tokens a name of initials has for each way to say it.
const buckets = 16

// InitialKeys returns keys of a family name with what is known of the given names. A
// name with initials alone has a key for each bucket that a name can be in, and one
// with given names, which may also come last, that of its own: they meet, and two
// whose given names begin alike seldom do. There are none for names of more than
// three words.
func (s Script) InitialKeys(words []string) []string {
	full := slices.DeleteFunc(slices.Clone(words), initial)
	if len(words) > 1 && len(words) <= 3 && len(full) == 1 {
		i := slices.IndexFunc(words, initial)
		var out []string
		for b := range buckets {
			out = append(out, s.initialKeys(full[0], words[i], b)...)
		}
		return out
	}
	if len(full) != len(words) || len(full) < 2 || len(full) > 3 {
		return nil
	}
	outer := full
	if len(full) == 3 {
		i := middle(full)
		outer = slices.Delete(slices.Clone(full), i, i+1)
	}
	h := fnv.New32a()
	h.Write([]byte(strings.Join(full, " ")))
	bucket := int(h.Sum32() % buckets)
	return append(s.initialKeys(outer[1], outer[0], bucket), s.initialKeys(outer[0], outer[1], bucket)...)
}

// initial reports whether a word is one letter of an alphabet.
func initial(word string) bool {
	r, size := utf8.DecodeRuneInString(word)
	return size == len(word) && unicode.In(r, unicode.Latin, unicode.Cyrillic, unicode.Greek, unicode.Armenian, unicode.Georgian, unicode.Hebrew, unicode.Arabic)
}

// initialKeys are of a family name, the class of what the given name begins with, and
// the bucket that it is in.
func (s Script) initialKeys(family, given string, bucket int) []string {
	class, ok := s.beginning(given)
	spoken := s.spoken([]string{family})
	if !ok || len(spoken) == 0 || spoken[0].from == third {
		return nil
	}
	var out []string
	for _, r := range s.keys(spoken[0].words) {
		if consonants(strings.TrimPrefix(r.Text, "+")) >= 3 && len(out) < MaxKeys/buckets {
			out = append(out, fmt.Sprintf("%s/%d/%d", r.Text, class, bucket))
		}
	}
	return out
}
