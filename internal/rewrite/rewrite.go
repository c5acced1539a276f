// Package rewrite turns the letters of a word into other letters or into sounds, by
// tables of rules that look at the letters beside them.
package rewrite

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Table is a list of rules for groups of letters, by the first letter. Where several
// fit, that of the longest group counts, and of those the one that says most about
// what stands beside it, and of those the first.
type Table map[rune][]rule

// rule gives the readings of a group of letters.
type rule struct {
	letters       string
	before, after context
	readings      []Reading
}

// Reading is a text and what it costs to believe in it.
type Reading struct {
	Text string
	Cost int
}

// context is what has to stand beside a group of letters.
type context struct {
	stated           bool
	letters          string // any of these
	vowel, consonant bool   // or any of a class
	edge             bool   // or the edge of the word
}

// vowels are the letters of class V.
const vowels = "aeiouy" + "аеёєиіїоуўыэюяѣ" + "αεηιουω" + "აეიოუ" + "աեէըիոօև"

func (c context) fits(r rune, edge bool) bool {
	switch {
	case !c.stated:
		return true
	case edge:
		return c.edge
	case strings.ContainsRune(c.letters, r):
		return true
	case strings.ContainsRune(vowels, r):
		return c.vowel
	}
	return c.consonant
}

// weight orders rules of one group of letters.
func (c context) weight() int {
	switch {
	case !c.stated:
		return 0
	case c.vowel || c.consonant:
		return 1
	}
	return 2
}

// Parse reads rules, one a line: a group of letters and its readings, each with its
// cost, which is its place on the line unless it is given.
//
//	c(ei)   s C:1 k:3
//
// Letters in brackets before and after the group are what has to stand there; V is
// any vowel, C any other letter, ^ and $ the edges of a word. A dash is nothing, and
// lines that begin with # are remarks. Each reading becomes what write makes of it;
// nil leaves it. Parse panics at a malformed cost: tables are part of the program.
func Parse(text string, write func(string) []Reading) Table {
	t := Table{}
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) == 0 || fields[0] == "#" {
			continue
		}
		r := parseRule(fields[0])
		for _, o := range ParseReadings(fields[1:]) {
			if write == nil {
				r.readings = append(r.readings, o)
				continue
			}
			for _, w := range write(o.Text) {
				r.readings = append(r.readings, Reading{w.Text, w.Cost + o.Cost})
			}
		}
		r.readings = Cheapest(r.readings, len(r.readings))
		first, _ := utf8.DecodeRuneInString(r.letters)
		t[first] = append(t[first], r)
	}
	for _, rules := range t {
		slices.SortStableFunc(rules, func(a, b rule) int {
			return cmp.Or(
				cmp.Compare(len(b.letters), len(a.letters)),
				cmp.Compare(b.before.weight()+b.after.weight(), a.before.weight()+a.after.weight()),
			)
		})
	}
	return t
}

// ParseReadings reads the readings of a line, as Parse has them.
func ParseReadings(fields []string) []Reading {
	var out []Reading
	for i, field := range fields {
		text, price, _ := strings.Cut(field, ":")
		r := Reading{Text: strings.Trim(text, "-"), Cost: i}
		if price != "" {
			var err error
			if r.Cost, err = strconv.Atoi(price); err != nil {
				panic(fmt.Sprintf("rewrite: malformed cost in %q", field))
			}
		}
		out = append(out, r)
	}
	return out
}

func parseRule(pattern string) rule {
	var r rule
	if rest, ok := strings.CutPrefix(pattern, "^"); ok {
		r.before, pattern = context{stated: true, edge: true}, rest
	}
	if strings.HasPrefix(pattern, "(") {
		inside, rest, _ := strings.Cut(pattern[1:], ")")
		r.before, pattern = parseContext(inside), rest
	}
	if rest, ok := strings.CutSuffix(pattern, "$"); ok {
		r.after, pattern = context{stated: true, edge: true}, rest
	}
	if before, inside, ok := strings.Cut(pattern, "("); ok {
		r.after, pattern = parseContext(strings.TrimSuffix(inside, ")")), before
	}
	r.letters = pattern
	return r
}

func parseContext(s string) context {
	c := context{stated: true}
	for _, r := range s {
		switch r {
		case 'V':
			c.vowel = true
		case 'C':
			c.consonant = true
		case '$', '^':
			c.edge = true
		default:
			c.letters += string(r)
		}
	}
	return c
}

// Read returns the readings of a word, the likeliest first, or nothing if the table
// has no rule for one of its letters. Readings grow by join, and at each letter the
// cheapest, as many as width, are followed.
func (t Table) Read(word string, width int, join func(head, tail string) string) []Reading {
	readings := []Reading{{}}
	before, start := rune(0), true
	for word != "" {
		r := t.find(word, before, start)
		if r == nil {
			return nil
		}
		readings = r.extend(readings, width, join)
		before, _ = utf8.DecodeLastRuneInString(r.letters)
		start = false
		word = word[len(r.letters):]
	}
	return readings
}

// First returns the likeliest reading of a word, and false if the table has no rule for
// one of its letters.
func (t Table) First(word string) (string, bool) {
	out := make([]byte, 0, 2*len(word))
	before, start := rune(0), true
	for word != "" {
		r := t.find(word, before, start)
		if r == nil {
			return "", false
		}
		out = append(out, r.readings[0].Text...)
		before, _ = utf8.DecodeLastRuneInString(r.letters)
		start = false
		word = word[len(r.letters):]
	}
	return string(out), true
}

// find returns the rule for the beginning of what is left of a word.
func (t Table) find(word string, before rune, start bool) *rule {
	first, _ := utf8.DecodeRuneInString(word)
	rules := t[first]
	for i := range rules {
		r := &rules[i]
		rest, ok := strings.CutPrefix(word, r.letters)
		if !ok || !r.before.fits(before, start) {
			continue
		}
		if after, _ := utf8.DecodeRuneInString(rest); r.after.fits(after, rest == "") {
			return r
		}
	}
	return nil
}

func (r *rule) extend(readings []Reading, width int, join func(head, tail string) string) []Reading {
	longer := make([]Reading, 0, len(readings)*len(r.readings))
	for _, o := range r.readings {
		for _, head := range readings {
			longer = append(longer, Reading{join(head.Text, o.Text), head.Cost + o.Cost})
		}
	}
	if len(r.readings) == 1 {
		return longer
	}
	return Cheapest(longer, width)
}

// Cheapest returns the cheapest n distinct texts, in order of cost. It reorders its
// argument.
func Cheapest(readings []Reading, n int) []Reading {
	slices.SortStableFunc(readings, func(a, b Reading) int {
		return cmp.Or(cmp.Compare(a.Cost, b.Cost), strings.Compare(a.Text, b.Text))
	})
	out := readings[:0]
	for _, r := range readings {
		if len(out) == n {
			break
		}
		if !slices.ContainsFunc(out, func(o Reading) bool { return o.Text == r.Text }) {
			out = append(out, r)
		}
	}
	return out
}
