package sound

import (
	"slices"
	"strconv"
	"strings"
)

// middles are the classes of what a middle name may begin with: a vowel or one of
// these sounds. A name that begins with o, u or w is of the class of v.
var middles = [...]string{"", "bp", "fvU", "mn", "tdT", "kgqxhG", "szSZCJc", "lr"}

// patronymics are how the middle names of Slavic languages end, in Cyrillic letters
// and in Latin ones.
var patronymics = []string{
	"ович", "евич", "йович", "авіч", "евіч", "овіч", "овна", "евна", "івна", "ївна", "инична", "аўна", "еўна",
	"ovich", "evich", "ovych", "evych", "ovitch", "evitch", "owitsch", "ewitsch", "ovna", "evna", "ivna", "yevna", "iyovych",
}

// ShortKeys returns the keys of the two outer words of a name of three, each with the
// class of the middle one; and of a name of two words, with each class that a middle
// name could be of. So a name meets what it is without its middle name or
// patronymic, and two names whose middle names differ seldom meet. There are none
// for other names, nor for short ones.
func (s Script) ShortKeys(words []string) []string {
	spoken := s.spoken(words)
	if len(spoken) == 0 {
		return nil
	}
	words = spoken[0].words
	var classes []int
	switch len(words) {
	case 2:
		for i := range middles {
			classes = append(classes, i)
		}
	case 3:
		i := middle(words)
		r := s.names(words[i:i+1], joinSkeleton)
		if len(r) == 0 {
			return nil
		}
		classes = []int{middleClass(r[0].Text)}
		words = slices.Delete(slices.Clone(words), i, i+1)
	default:
		return nil
	}
	var out []string
	for _, r := range s.keys(words) {
		if consonants(r.Text)-strings.Count(r.Text, " ")-strings.Count(r.Text, "+") < shortest {
			continue
		}
		for _, c := range classes {
			out = append(out, r.Text+"/"+strconv.Itoa(c))
		}
		if len(out)+len(classes) > maxReadings {
			break
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

func middleClass(skeleton string) int {
	skeleton = strings.TrimSpace(skeleton)
	for i, letters := range middles {
		if skeleton != "" && strings.IndexByte(letters, skeleton[0]) >= 0 {
			return i
		}
	}
	return 0
}
