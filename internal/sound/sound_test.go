package sound

import (
	"slices"
	"strings"
	"testing"
	"unicode"
)

// meet reports whether two names have a key in common.
func meet(s Script, a, b string) bool {
	keys := s.Keys(strings.Fields(a))
	return slices.ContainsFunc(s.Keys(strings.Fields(b)), func(k string) bool { return slices.Contains(keys, k) })
}

func TestKeys(t *testing.T) {
	tests := []struct {
		script   Script
		a, b     string
		together bool
	}{
		{Cyrillic, "shostakovich", "шостакович", true},
		{Cyrillic, "schostakowitsch", "шостакович", true},
		{Cyrillic, "chostakovitch", "шостакович", true},
		{Cyrillic, "sergei rachmaninoff", "рахманинов сергей", true},
		{Cyrillic, "jefferson", "джефферсон", true},
		{Cyrillic, "volodymyr", "владимир", true},
		{Cyrillic, "jackson", "джонсон", false},
		{Cyrillic, "maria", "мария", true},
		{Cyrillic, "mario", "мария", false},
		{Arabic, "naguib mahfouz", "نجيب محفوظ", true},
		{Arabic, "mozart", "موزارت", true},
		{Arabic, "khalid", "خالد", true},
		{Arabic, "karim", "خالد", false},
		{Hebrew, "shimon peres", "שמעון פרס", true},
		{Hebrew, "peres shimon", "שמעון פרס", true},
		{Hebrew, "golda meir", "גולדה מאיר", true},
		{Hebrew, "golda meir", "גולדה מאור", true},
		{Hebrew, "shimon levi", "שמעון פרס", false},
		{Hangul, "albert einstein", "알베르트 아인슈타인", true},
		{Hangul, "tanaka kenji", "겐지 다나카", true},
		{Hangul, "albert einstein", "알베르트 슈바이처", false},
		{Kana, "schneider", "シュナイダー", true},
		{Kana, "honda", "ほんだ", true},
		{Kana, "catherine", "カタリナ", false},
		{Han, "washington", "华盛顿", true},
		{Han, "washington", "華盛頓", true},
		{Han, "shakespeare", "爱因斯坦", false},
		// A name in a third script comes by its Latin spelling.
		{Cyrillic, "დიმიტრი", "дмитрий", true},
		{Cyrillic, "დიმიტრი", "dimitri", false},
		{Cyrillic, "βλαντίμιρ", "владимир", true},
		// Two Latin spellings meet if they are alike, and not by the skeleton alone.
		{Cyrillic, "wladimir", "vladimir", true},
		{Hebrew, "pedro sancho", "pedro sanchez", false},
		// Whose son someone is is not a matter of order.
		{Arabic, "ahmad bin hasan", "hasan bin ahmad", false},
	}
	for _, tt := range tests {
		t.Run(tt.a+" "+tt.b, func(t *testing.T) {
			a, b := strings.ReplaceAll(tt.a, "ί", "ι"), tt.b
			if got := meet(tt.script, a, b); got != tt.together {
				t.Errorf("meet: %v, want %v", got, tt.together)
			}
		})
	}
}

// What has no sound has no key.
func TestNoKeys(t *testing.T) {
	for s := range Script(len(scripts)) {
		for _, name := range []string{"", "1 2", "ь", "々", "кk", "☃", "क", "a", strings.Repeat("ab ", 13), strings.Repeat("щ", 100)} {
			if got := s.Keys(strings.Fields(name)); len(got) > 0 {
				t.Errorf("%s: %q has %d keys", scripts[s].name, name, len(got))
			}
		}
	}
}

func TestShortKeys(t *testing.T) {
	for _, tt := range []struct {
		a, b     string
		together bool
	}{
		{"vladimir spivakov", "спиваков владимир теодорович", true},
		{"john kennedy", "john fitzgerald kennedy", true},
		{"sergei viktorovich lavrov", "sergei borisovich lavrov", false},
		{"john paul jones", "john quentin jones", false},
		{"kim jon", "kim il jon", false},
		{"vladimir", "vladimir", false},
		{"a b c d", "a b c d", false},
	} {
		keys := Cyrillic.ShortKeys(strings.Fields(tt.a))
		got := slices.ContainsFunc(Cyrillic.ShortKeys(strings.Fields(tt.b)), func(k string) bool { return slices.Contains(keys, k) })
		if got != tt.together {
			t.Errorf("%q and %q meet: %v, want %v", tt.a, tt.b, got, tt.together)
		}
	}
}

func TestInitialKeys(t *testing.T) {
	for _, tt := range []struct {
		a, b     string
		together bool
	}{
		{"spivakov v t", "vladimir spivakov", true},
		{"в т спиваков", "спиваков владимир теодорович", true},
		{"v spivakov", "спиваков в т", true},
		{"m spivakov", "vladimir spivakov", false},
		{"v spivakov", "vladimir sorokin", false},
		{"viktor yakunin", "vladimir yakunin", false},
		{"spivakov", "spivakov", false},
		{"김 정은", "김 정은", false},
	} {
		keys := Cyrillic.InitialKeys(strings.Fields(tt.a))
		got := slices.ContainsFunc(Cyrillic.InitialKeys(strings.Fields(tt.b)), func(k string) bool { return slices.Contains(keys, k) })
		if got != tt.together {
			t.Errorf("%q and %q meet: %v, want %v", tt.a, tt.b, got, tt.together)
		}
	}
}

// Every letter of a table is of its script, and every rule has a reading.
func TestTables(t *testing.T) {
	for i, s := range scripts {
		m := models[i]()
		for r := range m.native {
			if r > unicode.MaxASCII && r != '’' && r != 'ʼ' && r != 'ー' && !unicode.In(r, s.letters) {
				t.Errorf("%s: %q is of another script", s.name, r)
			}
		}
		for r := 'a'; r <= 'z'; r++ {
			if m.latin.Read(string(r), beam, joinShape) == nil {
				t.Errorf("%s: no rule for %q", s.name, r)
			}
		}
	}
}

func FuzzKeys(f *testing.F) {
	for _, s := range []string{"", "a", "schtsch", "щ", "김", "ー", "ッ", "漢 字", "ש ש", "ال", "a b c", "x ж", "\u0301", "々", "3세", "ivanov petr ilyich"} {
		for i := range scripts {
			f.Add(uint8(i), s)
		}
	}
	f.Fuzz(func(t *testing.T, script uint8, name string) {
		s := Script(script) % Script(len(scripts))
		words := strings.Fields(name)
		for _, keys := range [][]string{s.Keys(words), s.ShortKeys(words), s.InitialKeys(words)} {
			if len(keys) > MaxKeys {
				t.Errorf("%d keys", len(keys))
			}
			for _, k := range keys {
				if before, _, _ := strings.Cut(k, "/"); strings.Trim(before, "+ ") == "" {
					t.Errorf("an empty key %q", k)
				}
			}
		}
	})
}

// BenchmarkKeys makes the keys of a name of two words.
func BenchmarkKeys(b *testing.B) {
	for i, s := range scripts {
		b.Run(s.name, func(b *testing.B) {
			for b.Loop() {
				Script(i).Keys([]string{"friedrich", "schneider"})
			}
		})
	}
}
