package translit

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLatin(t *testing.T) {
	tests := []struct{ name, scheme, want string }{
		// ICAO Doc 9303-3, section 6, and the technical report it is made of.
		{"щербаченко", "icao", "shcherbachenko"},
		{"юрий подъячев", "icao", "iurii podieiachev"},
		{"наталья ёлкина", "icao", "natalia elkina"},
		{"محمد", "icao", "mxhmd"},
		{"فاطمة", "icao", "faxttmxah"},
		// Resolution 55 of the Cabinet of Ministers of Ukraine, 2010: its examples.
		{"згурський", "national", "zghurskyi"},
		{"єнакієве", "national", "yenakiieve"},
		{"їжакевич", "national", "yizhakevych"},
		{"кадиївка", "national", "kadyivka"},
		{"щербухи гоща стрий юрій яготин феодосія", "national", "shcherbukhy hoshcha stryi yurii yahotyn feodosiia"},
		{"ўладзімір", "national", "uladzimir"},
		{"щъркелов мария", "bulgarian", "shtarkelov maria"},
		{"љубица ђорђевић", "national", "ljubica djordjevic"},
		{"елена егорова", "bgn", "yelena yegorova"},
		{"жюль щукин", "iso9", "zul sukin"},
		{"владимир тайский", "press", "vladimir taysky"},
		{"чайковский", "german", "tschaikowski"},
		{"пушкин", "french", "pouchkine"},
		// ISO 843.
		{"ευάγγελος παπανδρέου", "icao", "evangelos papandreou"},
		{"μπάμπης αυγουστίδης ευθυμίου", "icao", "bampis avgoustidis efthymiou"},
		{"γιώργος ντάλας", "press", "giorgos dalas"},
		{"ბარაკ შევარდნაძე", "national", "barak shevardnadze"},
		{"შევარდნაძე", "iso9984", "sevardnaje"},
		{"վարդան երեւան", "bgn", "vardan yerevan"},
		{"պետրոսեան", "western", "bedrosian"},
		{"أحمد بن عبد الرحمن", "press", "ahmad bin abd al rahman"},
		{"وليد الدوري", "press", "walid al duri"},
		{"الدوري", "bgn", "al duri"},
		{"وليد", "bgn", "wlid"},
		{"יצחק כהן", "press", "yitzhak cohen"},
		{"רבין", "national", "rvin"},
		// Notification 2000-8 of the Ministry of Culture: its examples of names.
		{"민용하", "rr", "min yongha"},
		{"송나리", "rr", "song nari"},
		{"한복남", "rr", "han boknam"},
		{"홍빛나", "rr", "hong bitna"},
		{"남궁민", "rr", "namgung min"},
		{"김 정은", "mr", "kim chong un"},
		{"さとう ゆうじ", "hepburn", "sato yuji"},
		{"ガンマ ロッシ", "hepburn", "gamma rosshi"},
		{"シンジ", "kunrei", "sinzi"},
		{"习近平", "pinyin", "xi jinping"},
		{"曾国藩", "pinyin", "zeng guofan"},
		{"歐陽修", "pinyin", "ouyang xiu"},
		{"周恩来", "wade", "chou en lai"},
		{"john щукин", "icao", "john shchukin"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := Latin(strings.Fields(tt.name))
			if !slices.Contains(got, Spelling{tt.want, tt.scheme}) {
				t.Errorf("%s as %s is not among %v", tt.want, tt.scheme, got)
			}
		})
	}
	for _, name := range []string{"", "john smith", "ж☃", "कमल", "漢x", "1 2"} {
		if got := Latin(strings.Fields(name)); len(got) > 0 {
			t.Errorf("%q: %v, want none", name, got)
		}
	}
}

func TestPinyin(t *testing.T) {
	if diff := cmp.Diff([]string{"lv", "bu"}, Pinyin("吕布")); diff != "" {
		t.Errorf("syllables (-want +got):\n%s", diff)
	}
	if got := Pinyin("吕b"); got != nil {
		t.Errorf("%v, want none", got)
	}
	// Every unified ideograph of Unicode 1.1 but for a few has a reading.
	missing := 0
	for r := rune(0x4E00); r <= 0x9FA5; r++ {
		if Pinyin(string(r)) == nil {
			missing++
		}
	}
	if missing > 40 {
		t.Errorf("%d ideographs without a reading", missing)
	}
}

// Spellings are few, distinct, and of lower-case letters and digits with single
// spaces, whatever the words.
func FuzzLatin(f *testing.F) {
	for _, s := range []string{"щ", "ўь", "αυ", "ال", "עבד", "김", "김철수박", "ンッー", "ょ", "习", "曾", "ბ", "եւ", "x ж", "欧阳", "々", "\u0301", "ж漢"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		got := Latin(strings.Fields(name))
		if len(got) > MaxSpellings {
			t.Errorf("%d spellings", len(got))
		}
		seen := map[string]bool{}
		for _, s := range got {
			if s.Text == "" || s.Scheme == "" || seen[s.Text] || strings.Join(strings.Fields(s.Text), " ") != s.Text {
				t.Errorf("a malformed spelling by %q", s.Scheme)
			}
			seen[s.Text] = true
		}
	})
}
