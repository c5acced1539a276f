package tokenize

import (
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// pair is two names and whether they are one person's, or one name.
type pair struct {
	names  [2]string
	same   bool
	script string // that of the two which is not Latin
	half   int    // 0 for what the tables were made with, 1 for what was held back
}

// namePairs reads the pairs; it skips the test where they are not to be had.
func namePairs(t testing.TB) []pair {
	t.Helper()
	path := filepath.Join(cmp.Or(os.Getenv("COMITY_DATA"), "../../shared"), "data", "name_pairs_dev.tsv")
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		t.Skipf("%s is missing: set COMITY_DATA to the folder above data", path)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	r := csv.NewReader(file)
	r.Comma, r.LazyQuotes = '\t', true
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]int)
	var out []pair
	for _, row := range rows[1:] {
		p := pair{names: [2]string(row[:2]), same: row[2] == "1", script: row[4], half: seen[row[6]] % 2}
		if row[4] == "Latin" {
			p.script = row[3]
		}
		seen[row[6]]++
		out = append(out, p)
	}
	return out
}

// score counts what the rules find.
type score struct{ same, found, other, wrong int }

func (s *score) add(p pair, met bool) {
	switch {
	case p.same && met:
		s.same, s.found = s.same+1, s.found+1
	case p.same:
		s.same++
	case met:
		s.other, s.wrong = s.other+1, s.wrong+1
	default:
		s.other++
	}
}

func (s *score) recall() float64    { return float64(s.found) / float64(max(s.same, 1)) }
func (s *score) precision() float64 { return float64(s.found) / float64(max(s.found+s.wrong, 1)) }

// TestNamePairs prints how many names of the two scripts meet by any token, and
// holds what has been reached:
//
//	COMITY_DATA=... go test -v -run TestNamePairs ./tokenize
func TestNamePairs(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector changes no figure and makes this ten times slower")
	}
	pairs := namePairs(t)
	s := &Schema{Fields: []FieldSpec{{"name", Name}}}
	tk := tokenizer(t, s, NameRules("name"))
	var records []Record
	for _, p := range pairs {
		records = append(records, Record{p.names[0]}, Record{p.names[1]})
	}
	tokens := make([]map[Token]bool, len(records))
	for i := range tokens {
		tokens[i] = make(map[Token]bool)
	}
	for e, err := range tk.Tokens(t.Context(), slices.Values(records)) {
		if err != nil {
			t.Fatal(err)
		}
		tokens[e.Row][e.Token] = true
	}
	var all [3]score
	scripts := make(map[string]*[3]score)
	for i, p := range pairs {
		met := false
		for token := range tokens[2*i] {
			met = met || tokens[2*i+1][token]
		}
		if scripts[p.script] == nil {
			scripts[p.script] = new([3]score)
		}
		for _, s := range []*[3]score{&all, scripts[p.script]} {
			s[p.half].add(p, met)
			s[2].add(p, met)
		}
	}
	names := make([]string, 0, len(scripts))
	for name := range scripts {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return scripts[b][2].same - scripts[a][2].same })
	var table strings.Builder
	line := func(name string, s *[3]score) {
		fmt.Fprintf(&table, "%-12s", name)
		for _, h := range s {
			fmt.Fprintf(&table, "  %5d/%-5d %.3f  %3d/%-5d", h.found, h.same, h.recall(), h.wrong, h.other)
		}
		table.WriteByte('\n')
	}
	for _, name := range names {
		line(name, scripts[name])
	}
	line("all", &all)
	t.Logf("found/same recall, wrong/other: made with, held back, all; precision %.4f, %.4f, %.4f\n%s",
		all[0].precision(), all[1].precision(), all[2].precision(), &table)
	for name, floor := range floors {
		if got := scripts[name][2].recall(); got < floor {
			t.Errorf("%s: recall %.3f, want %.3f", name, got, floor)
		}
	}
	if got := all[2].precision(); got < leastPrecision {
		t.Errorf("precision %.4f, want %.4f", got, leastPrecision)
	}
}

// floors are the recall by script that has been reached, and leastPrecision that of
// the whole file.
var floors = map[string]float64{
	"Arabic": .82, "Cyrillic": .90, "Han": .61, "Hangul": .84, "Hebrew": .905, "Katakana": .87,
}

const leastPrecision = .99
