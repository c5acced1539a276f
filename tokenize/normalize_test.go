package tokenize

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
)

func TestNormalize(t *testing.T) {
	long := strings.Repeat("a", maxValue)
	tests := []struct {
		kind Kind
		raw  string
		want Field
	}{
		{Name, "", Field{}},
		{Name, "  ", Field{}},
		{Name, "Unknown", Field{}},
		{Name, "N/A", Field{}},
		{Name, "unbekannt", Field{}},
		{Name, "Null", Field{Value: "null"}},
		{Name, "O'Brien", Field{Value: "obrien"}},
		{Name, "O’Brien", Field{Value: "obrien"}},
		{Name, "  Anne-Marie  VAN DER Berg ", Field{Value: "anne marie van der berg"}},
		{Name, "MÜLLER", Field{Value: "muller", Variants: []string{"mueller"}, Labels: []string{"icao"}}},
		{Name, "Mu\u0308ller", Field{Value: "muller", Variants: []string{"mueller"}, Labels: []string{"icao"}}},
		{Name, "Strauß", Field{Value: "strauss"}},
		{Name, "STRAUẞ", Field{Value: "strauss"}},
		{Name, "Øster Ålborg", Field{Value: "oster alborg", Variants: []string{"oester aalborg"}, Labels: []string{"icao"}}},
		{Name, "Łukasz", Field{Value: "lukasz"}},
		{Name, "Ɛdwɔɔ Ŋmɛ Ƙwaƴa", Field{Value: "edwoo nme kwaya"}},
		{Name, "Þórður Guðmundsson", Field{Value: "thordur gudmundsson"}},
		{Name, "İpek Yıldız", Field{Value: "ipek yildiz"}},
		{Name, "ＡＢＣ", Field{Value: "abc"}},
		{Text, "Щербаченко", Field{Value: "щербаченко"}},
		{Text, "Йорданов", Field{Value: "йорданов"}},
		{Text, "Влади́мир Ѓорѓи", Field{Value: "владимир ѓорѓи"}},
		{Text, "김민준", Field{Value: "김민준"}},
		{Text, "مُحَمَّد عـــلی", Field{Value: "محمد علي"}},
		{Text, "أحمد فاطمة", Field{Value: "احمد فاطمه"}},
		{Text, "שָׁלוֹם", Field{Value: "שלום"}},
		{Text, "ΓΙΏΡΓΟΣ Γιώργος", Field{Value: "γιωργοσ γιωργοσ"}},
		{Name, "José María", Field{Value: "jose maria"}},
		{Text, "Hauptstraße 12a", Field{Value: "hauptstrasse 12a"}},
		{Text, "٣ شارع", Field{Value: "3 شارع"}},

		{Date, "1978-01-25", Field{Value: "1978-01-25", Precision: PrecisionDay}},
		{Date, "1978-1-5", Field{Value: "1978-01-05", Precision: PrecisionDay}},
		{Date, "1978-01-25T00:00:00Z", Field{Value: "1978-01-25", Precision: PrecisionDay}},
		{Date, "19780125", Field{Value: "1978-01-25", Precision: PrecisionDay}},
		{Date, "25.01.1978", Field{Value: "1978-01-25", Precision: PrecisionDay}},
		{Date, "3.4.1990", Field{Value: "1990-04-03", Precision: PrecisionDay}},
		{Date, "25/01/1978", Field{Value: "1978-01-25", Precision: PrecisionDay}},
		{Date, "01/25/1978", Field{Value: "1978-01-25", Precision: PrecisionDay}},
		{Date, "03/04/1990", Field{Value: "1990-04-03", Variants: []string{"1990-03-04"}, Precision: PrecisionDay, Flags: Ambiguous}},
		{Date, "03-03-1990", Field{Value: "1990-03-03", Precision: PrecisionDay}},
		{Date, "٢٥/٠١/١٩٧٨", Field{Value: "1978-01-25", Precision: PrecisionDay}},
		{Date, "1978", Field{Value: "1978", Precision: PrecisionYear}},
		{Date, "1978-01", Field{Value: "1978-01", Precision: PrecisionMonth}},
		{Date, "01.1978", Field{Value: "1978-01", Precision: PrecisionMonth}},
		{Date, "1978-01-00", Field{Value: "1978-01", Precision: PrecisionMonth}},
		{Date, "00.00.1978", Field{Value: "1978", Precision: PrecisionYear}},
		{Date, "19780000", Field{Value: "1978", Precision: PrecisionYear}},
		{Date, "29.02.2000", Field{Value: "2000-02-29", Precision: PrecisionDay}},

		{Sex, "Female", Field{Value: "f"}},
		{Sex, "männlich", Field{Value: "m"}},
		{Sex, "2", Field{Value: "f"}},
		{Sex, "0", Field{}},
		{Sex, "divers", Field{Value: "x"}},

		{Country, "de", Field{Value: "DE"}},
		{Country, "DEU", Field{Value: "DE"}},
		{Country, "276", Field{Value: "DE"}},
		{Country, "Allemagne", Field{Value: "DE"}},
		{Country, "United Kingdom", Field{Value: "GB"}},
		{Country, "UK", Field{Value: "GB"}},
		{Country, "Côte d’Ivoire", Field{Value: "CI"}},

		{Postcode, " sw1a 1aa", Field{Value: "SW1A1AA"}},
		{Postcode, "D-12345", Field{Value: "D12345"}},
		{Document, "C01X 00T47", Field{Value: "C01X00T47"}},
		{Phone, "+49 (0)170 123-4567", Field{Value: "+491701234567"}},
		{Phone, "0049 170 1234567", Field{Value: "+491701234567"}},
		{Phone, "0170/1234567", Field{Value: "01701234567"}},
		{Email, " Ana.Perez@Example.ORG ", Field{Value: "ana.perez@example.org"}},
		{Number, "0012.50", Field{Value: "12.5"}},
		{Number, "-0,0", Field{Value: "0"}},
		{Number, "-,5", Field{Value: "-0.5"}},
		{Number, "-", Field{}},
		{Number, "+7", Field{Value: "7"}},
		{Name, long, Field{Value: long}},
	}
	for _, tt := range tests {
		t.Run(tt.kind.String()+"/"+tt.raw[:min(len(tt.raw), 20)], func(t *testing.T) {
			s := &Schema{Fields: []FieldSpec{{Name: "f", Kind: tt.kind}}}
			got, err := s.Normalize(Record{tt.raw})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]Field{tt.want}, got); diff != "" {
				t.Errorf("fields (-want +got):\n%s", diff)
			}
		})
	}
}

func TestUnreadable(t *testing.T) {
	tests := []struct {
		kind  Kind
		raw   string
		want  string
		flags Flags
	}{
		{Name, "Vander\xe9teen", "not valid UTF-8", 0},
		{Name, strings.Repeat("a", maxValue+1), "longer than 4096 bytes", 0},
		{Name, strings.Repeat("\ufdfa", maxValue/3), "longer than 4096 bytes in canonical form", 0},
		{Date, "25.01.78", "not a date in a form that is known", 0},
		{Date, "yesterday", "not a date in a form that is known", 0},
		{Date, "1978-13-01", "a date without such a month", Impossible},
		{Date, "13/13/1978", "a date without such a month", Impossible},
		{Date, "1978-02-30", "a date without such a day", Impossible},
		{Date, "29.02.1900", "a date without such a day", Impossible},
		{Date, "9999-12-31", "a date outside the years 1800 to 2199", Impossible},
		{Date, "1978-00-12", "a date without such a month", Impossible},
		{Sex, "maybe", "not a sex in a form that is known", 0},
		{Country, "Großbritannien", "not a country in a form that is known", 0}, // CLDR calls it Vereinigtes Königreich
		{Country, "Atlantis", "not a country in a form that is known", 0},
		{Country, "001", "not a country in a form that is known", 0},
		{Phone, "12", "not a telephone number of 5 to 15 digits", 0},
		{Phone, "call me: 0170123456", "not a telephone number of 5 to 15 digits", 0},
		{Email, "ana.perez", "not an e-mail address", 0},
		{Email, "a@b@c", "not an e-mail address", 0},
		{Number, "1.000.000", "not a decimal number", 0},
	}
	for _, tt := range tests {
		t.Run(tt.kind.String()+"/"+tt.want, func(t *testing.T) {
			s := &Schema{Fields: []FieldSpec{{Name: "given", Kind: Name}, {Name: "bad", Kind: tt.kind}}}
			got, err := s.Normalize(Record{"Ana", tt.raw})
			var bad *FieldError
			if !errors.As(err, &bad) {
				t.Fatalf("%v, want a FieldError", err)
			}
			if diff := cmp.Diff(&FieldError{Field: "bad", Position: 1, Reason: tt.want}, bad); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]Field{{Value: "ana"}, {Flags: Unreadable | tt.flags}}, got); diff != "" {
				t.Errorf("fields (-want +got):\n%s", diff)
			}
			if len(tt.raw) > 3 && strings.Contains(err.Error(), tt.raw) {
				t.Error("the error holds the value")
			}
		})
	}
}

func TestRecordOfAnotherLength(t *testing.T) {
	s := &Schema{Fields: []FieldSpec{{Name: "a", Kind: Name}}}
	for _, r := range []Record{nil, {}, {"x", "y"}} {
		if fields, err := s.Normalize(r); !errors.Is(err, ErrSchema) || fields != nil {
			t.Errorf("%d values: %v and %d fields, want %v and none", len(r), err, len(fields), ErrSchema)
		}
	}
}

// readings are those that fuzzing tries.
var readings = []Reading{
	{}, {Order: DayFirst}, {Order: MonthFirst}, {Order: YearFirst}, {Calendar: CalendarHijri}, {Calendar: CalendarHijriCivil, Order: DayFirst},
	{Calendar: CalendarPersian}, {Calendar: CalendarBuddhist}, {Region: "DE"}, {Region: "US"}, {Region: "IT"}, {Region: "PL"},
}

// Normalising twice is normalising once, for the value and each of its variants,
// and nothing makes it panic.
func FuzzNormalize(f *testing.F) {
	for _, seed := range []string{
		"", "Müller", "İpek", "Anne-Marie", "O’Brien", "김", "ŉ", "ﬃ", "ΐ", "ς", "1978-01-25", "03/04/1990", "00.00.1978",
		"männlich", "Côte d'Ivoire", "DE", "+49 (0)170 1234567", "00 49", "a@b", "-0,50", "٣٤", "\u0301a", "ß\u0308", "n/a", "N.A.", "ʼN", "\ufdfa",
		"25 JAN 78", "1398/02/16", "16 صفر 1398", "XX.01.1978", "7801<<", "L898902C36", "D<<:HA672242<6", "PL:44051401359", "UA:АА1234ВХ",
		"IBAN DE89 3704 0044 0532 0130 00", "1M8GDM9AXKPO42788", "4901542032375101", "IMO 9074729", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
		"bitcoin:1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa?x", "+39 06 6982", "0170 1234567 ext 5", "19880320-0016",
	} {
		for k := Name; k.known(); k++ {
			f.Add(uint8(k), seed, uint8(0))
		}
	}
	f.Fuzz(func(t *testing.T, kind uint8, raw string, reading uint8) {
		k, r := Kind(kind), &readings[int(reading)%len(readings)]
		once, reason := k.read(raw, r)
		if reason != "" {
			if strings.Contains(reason, raw) && len(raw) > 6 {
				t.Error("the reason holds the value")
			}
			return
		}
		for i, value := range append([]string{once.Value}, once.Variants...) {
			twice, reason := k.read(value, r)
			if reason != "" || twice.Value != value {
				t.Errorf("kind %v, reading %d: not its own canonical form (%s)", k, i, reason)
			}
			if i > 0 && (value == "" || value == once.Value) {
				t.Errorf("kind %v: an empty or needless variant", k)
			}
			if once.Value != "" && twice.Precision != once.Precision {
				t.Errorf("kind %v: precision %v, then %v", k, once.Precision, twice.Precision)
			}
		}
	})
}

// The way of most names folds as any does.
func TestFoldLatin(t *testing.T) {
	for r := rune(1); r < 0x200; r++ {
		for _, s := range []string{string(r), "a" + string(r) + "b", "É" + string(r), string(r) + " ñ", "x́" + string(r)} {
			if got, ok := foldLatin(s); ok && got != foldAny(s) {
				t.Errorf("%U folds to %q, want %q", r, got, foldAny(s))
			}
		}
	}
	if _, ok := foldLatin("Gómez Łucja Škoda"); !ok {
		t.Error("a Latin name takes the long way")
	}
}

// The letters of Latin alphabets are all written in ASCII: those of Latin-1, of Latin
// Extended-A and Additional, and most of Extended-B.
func TestFoldToASCII(t *testing.T) {
	left := 0
	for r := rune('À'); r <= 'ỹ'; r++ {
		if r > 'ɏ' && r < 'Ḁ' || !unicode.Is(unicode.Latin, r) || isASCII(fold(string(r))) {
			continue
		}
		if left++; r < 'ƀ' || r >= 'Ḁ' && r < 'ẚ' || r > 'ẟ' {
			t.Errorf("%U stays as it is", r)
		}
	}
	if left > 40 {
		t.Errorf("%d letters stay as they are", left)
	}
}

func TestFoldedIsFold(t *testing.T) {
	for a := range 128 {
		for b := range 128 {
			s := string([]rune{'x', rune(a), rune(b), 'Y'})
			if folded(s) != fold(s) {
				t.Errorf("%q: %q, not %q", s, folded(s), fold(s))
			}
		}
	}
}

// Every rune that means something by itself, alone and between letters, in each
// kind that folds. Ideographs and syllables of Hangul are too many and all alike.
func TestNormalizeEveryRune(t *testing.T) {
	var runes []rune
	for r := rune(1); r <= unicode.MaxRune; r++ {
		if unicode.IsGraphic(r) && !unicode.Is(unicode.Han, r) && (r < 0xAC10 || r > 0xD7A3) {
			runes = append(runes, r)
		}
	}
	for _, k := range []Kind{Name, Postcode, Email} {
		for chunk := range slices.Chunk(runes, 40) {
			for _, between := range []string{"", "a", "ж"} {
				var raw strings.Builder
				for _, r := range chunk {
					raw.WriteString(between)
					raw.WriteRune(r)
				}
				if k == Email {
					raw.WriteString("@b")
				}
				once, reason := k.read(raw.String(), &Reading{})
				if reason != "" {
					continue
				}
				if twice, reason := k.read(once.Value, &Reading{}); reason != "" || twice.Value != once.Value {
					t.Errorf("kind %v, between %q, runes from %U: not its own canonical form", k, between, chunk[0])
				}
			}
		}
	}
}

// Values of the characters that matter to a kind, and of its length, which fuzzing
// seldom hits.
func TestNormalizeLikely(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for k, likely := range map[Kind]string{
		Phone: "0123456789 +-()00", Date: "0123456789012X<.-/ JanMay18T:", Passport: "0123456789ABCX<:D ", National: "0123456789:PLXA -",
		Plate: "АВC123: -ΙD", VIN: "0123456789ABCIOQWXZ", IMEI: "0123456789- ", IMO: "IMO0123456789", LEI: "0123456789ABC",
		IBAN: "DE0123456789IBANGB ", Wallet: "1234567890abcdefABCDEFx:?@bcq",
	} {
		letters := []rune(likely)
		for range 3000 {
			raw := make([]rune, 3+rng.IntN(18))
			for i := range raw {
				raw[i] = letters[rng.IntN(len(letters))]
			}
			r := readings[rng.IntN(len(readings))]
			once, _ := k.read(string(raw), &r)
			for _, value := range append([]string{once.Value}, once.Variants...) {
				if twice, reason := k.read(value, &r); reason != "" || twice.Value != value {
					t.Errorf("%v of %q with %v: %q is not its own canonical form (%s)", k, string(raw), r, value, reason)
				}
			}
		}
	}
}
