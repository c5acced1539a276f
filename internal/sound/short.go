package sound

import (
	"slices"
	"strconv"
	"strings"
)

// beginnings are the classes of what a name may begin with: a vowel or one of these
// sounds. A name that begins with o, u or w is of the class of v.
var beginnings = [...]string{"", "bp", "fvU", "mn", "tdT", "kgqxhG", "szSZCJc", "lr"}

// patronymics are how the middle names of Slavic languages end, in Cyrillic letters
// and in Latin ones.
var patronymics = []string{
	"ович", "евич", "йович", "авіч", "евіч", "овіч", "овна", "евна", "івна", "ївна", "инична", "аўна", "еўна",
	"ovich", "evich", "ovych", "evych", "ovitch", "evitch", "owitsch", "ewitsch", "ovna", "evna", "ivna",
}

// ShortKeys returns the keys of the two outer words of a name of three, each with the
// class of the middle one; and of a name of two words, with each class that a middle
// name could be of. So a name meets what it is without its middle name or
// patronymic, and two names whose middle names differ seldom meet. There are none
// for other names, nor for short ones.
func (s Script) ShortKeys(words []string) []string {
	var classes []int
	switch len(words) {
	case 2:
		for i := range beginnings {
			classes = append(classes, i)
		}
	case 3:
		i := middle(words)
		class, ok := s.beginning(words[i])
		if !ok {
			return nil
		}
		classes = []int{class}
		words = slices.Delete(slices.Clone(words), i, i+1)
	}
	if len(classes) == 0 {
		return nil
	}
	var out []string
	for _, u := range s.spoken(words) {
		keys := s.keys(u.words)
		for _, r := range keys[:min(len(keys), maxReadings/len(classes))] {
			if consonants(r.Text)-strings.Count(r.Text, " ")-strings.Count(r.Text, "+") < shortest {
				continue
			}
			for _, c := range classes {
				if key := r.Text + "/" + strconv.Itoa(c); len(out) < MaxKeys && !slices.Contains(out, key) {
					out = append(out, key)
				}
			}
		}
	}
	return out
}

// shortest is how many consonants two names have at least that may do without a
// third.
const shortest = 5

// middle returns the place of the patronymic, or the middle.
func middle(words []string) int {
	i := slices.IndexFunc(words, func(w string) bool {
		return slices.ContainsFunc(patronymics, func(p string) bool { return strings.HasSuffix(w, p) })
	})
	if i < 0 {
		return 1
	}
	return i
}

// beginning returns the class of what a word begins with, in its likeliest reading.
func (s Script) beginning(word string) (class int, ok bool) {
	spoken := s.spoken([]string{word})
	if len(spoken) == 0 {
		return 0, false
	}
	r := s.names(spoken[0].words, joinSkeleton)
	if len(r) == 0 {
		return 0, false
	}
	skeleton := strings.TrimSpace(r[0].Text)
	if skeleton == "" {
		return 0, false
	}
	return max(0, slices.IndexFunc(beginnings[:], func(b string) bool { return strings.Contains(b, skeleton[:1]) })), true
}
