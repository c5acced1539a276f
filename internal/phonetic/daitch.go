package phonetic

import (
	_ "embed"
	"slices"
	"strings"
	"sync"
)

//go:embed daitch.txt
var daitchChart string

const (
	daitchDigits   = 6
	daitchBranches = 32
)

// daitchRule gives the codings of a group of letters: at the start of a name, before
// a vowel, and elsewhere.
type daitchRule struct {
	letters string
	codes   [3][]string
}

// daitchRules are by the first letter, the longest groups first.
var daitchRules = sync.OnceValue(func() (rules ['z' + 1][]daitchRule) {
	for line := range strings.Lines(daitchChart) {
		f := strings.Fields(line)
		if f[0] == "#" {
			continue
		}
		r := daitchRule{letters: f[0]}
		for i := range r.codes {
			r.codes[i] = strings.Split(strings.ReplaceAll(f[1+i], "-", ""), "|")
		}
		rules[f[0][0]] = append(rules[f[0][0]], r)
	}
	for _, list := range rules {
		slices.SortStableFunc(list, func(a, b daitchRule) int { return len(b.letters) - len(a.letters) })
	}
	return rules
})

// DaitchMokotoff returns the codes of the Daitch–Mokotoff Soundex, six digits each:
// one for each way in which the name can sound, up to 32, in the order of the chart.
func DaitchMokotoff(name string) []string {
	name = letters(name)
	if name == "" {
		return nil
	}
	type branch struct{ code, last string }
	branches := []branch{{}}
	rules := daitchRules()
	for start := true; name != ""; start = false {
		i := slices.IndexFunc(rules[name[0]], func(r daitchRule) bool { return strings.HasPrefix(name, r.letters) })
		r := rules[name[0]][i]
		name = name[len(r.letters):]
		place := 2
		switch {
		case start:
			place = 0
		case name != "" && vowel(name[0]):
			place = 1
		}
		var next []branch
		for _, b := range branches {
			for _, code := range r.codes[place] {
				n := branch{b.code, code}
				// Equal codes of neighbours count once.
				if !strings.HasSuffix(b.last, code) || b.last == "" {
					n.code += code
				}
				n.code = n.code[:min(len(n.code), daitchDigits)]
				if !slices.Contains(next, n) && len(next) < daitchBranches {
					next = append(next, n)
				}
			}
		}
		branches = next
	}
	var out []string
	for _, b := range branches {
		code := b.code + strings.Repeat("0", daitchDigits-len(b.code))
		if !slices.Contains(out, code) {
			out = append(out, code)
		}
	}
	return out
}
