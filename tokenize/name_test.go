package tokenize

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNormalizeName(t *testing.T) {
	tests := []struct {
		raw, want string
		variants  string // as label:variant, and a comma between
	}{
		{"Dr. Hans Müller", "hans muller", "icao:hans mueller"},
		{"Prof. Dr. med. Ana Ruiz", "med ana ruiz", ""},
		{"Sir Keir Starmer", "keir starmer", ""},
		{"Theodore Roosevelt Jr.", "theodore roosevelt", ""},
		{"Winston Lord", "winston lord", ""},
		{"Lord Lucan", "lord lucan", ""}, // who would be but a word
		{"Dr. Müller", "dr muller", "icao:dr mueller"},
		{"Malcolm X", "malcolm x", ""},
		{"Suharto", "suharto", ""},
		{"Anna Müller geb. Schmidt", "anna muller", "icao:anna mueller,previous:anna schmidt"},
		{"Clinton née Rodham", "clinton", "previous:rodham"},
		{"Петрова урожд. Иванова", "петрова", "previous:иванова,icao:petrova,german:petrowa"},
		{"Cassius Clay alias Muhammad Ali", "cassius clay", "previous:muhammad ali"},
		{"Geb Nee", "geb nee", ""},
		{"MUELLER<<HANS<PETER<<<<<<<", "mueller hans peter", ""},
		{"García-López", "garcia lopez", ""},
		{"Ludwig van Beethoven", "ludwig van beethoven", ""},
		{"السيد محمد علي", "محمد علي", "press:muhammad ali,press:mohammed ali,press:mohamed ali,press:mohammad ali,icao:mxhmd ely,bgn:mhmd li"},
		{"김정은", "김정은", "rr:gim jeongeun,press:kim jeongeun,press:kim jung eun,mr:kim chong un,press:gim jung eun,press:kim jungeun,press:kim jeong eun,dprk:kim jong un"},
		{"习近平", "习近平", "pinyin:xi jinping,pinyin:xi jin ping,wade:hsi chin ping"},
		{"неизвестно", "", ""},
		{"कमल", "कमल", ""},
	}
	s := &Schema{Fields: []FieldSpec{{"name", Name}}}
	for _, tt := range tests {
		t.Run(tt.raw, func(t *testing.T) {
			fields, err := s.Normalize(Record{tt.raw})
			if err != nil {
				t.Fatal(err)
			}
			var variants []string
			for i, v := range fields[0].Variants {
				variants = append(variants, fields[0].Labels[i]+":"+v)
			}
			if fields[0].Value != tt.want {
				t.Errorf("%q, want %q", fields[0].Value, tt.want)
			}
			if diff := cmp.Diff(tt.variants, strings.Join(variants, ",")); diff != "" {
				t.Errorf("variants (-want +got):\n%s", diff)
			}
		})
	}
}

// A name and its Latin spellings share a token under each scheme.
func TestNamesMeet(t *testing.T) {
	s := &Schema{Fields: []FieldSpec{{"name", Name}}}
	tk := tokenizer(t, s, NameRules("name"))
	for _, group := range [][]string{
		{"Щербаченко", "SHCHERBACHENKO", "Schtscherbatschenko", "Ščerbačenko"},
		{"Зеленський Володимир", "Volodymyr Zelenskyi", "ZELENSKYI VOLODYMYR", "Wolodymyr Zelensky"},
		{"محمد صلاح", "Mohamed Salah", "MXHMD XSSLAXH"},
		{"김정은", "Kim Jong-un", "KIM JUNG EUN", "Jung Eun Kim"},
		{"习近平", "XI JINPING", "Jinping Xi", "習近平"},
		{"שמעון פרס", "Shimon Peres", "PERES SHIMON"},
		{"さとう ゆうこ", "SATO YUKO", "Yuuko Satou", "サトウ ユウコ"},
		{"Владимир Путин", "Vladimir Vladimirovich Putin", "Владимирович Путин Владимир"},
	} {
		tokens := make([]map[Token]bool, len(group))
		for i, name := range group {
			tokens[i] = make(map[Token]bool)
			for _, e := range entries(t, tk, Record{name}) {
				tokens[i][e.Token] = true
			}
		}
		for i := range group[1:] {
			met := false
			for token := range tokens[i+1] {
				met = met || tokens[0][token]
			}
			if !met {
				t.Errorf("name %d of the group of %q does not meet it", i+1, group[0])
			}
		}
	}
}
