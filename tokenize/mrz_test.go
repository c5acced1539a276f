package tokenize

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The specimens of ICAO Doc 9303: part 5 appendix B, part 6 appendix B, part 4
// appendix B, part 7; and of Germany's Federal Ministry of the Interior.
var specimens = map[string]struct {
	text string
	want MRZ
}{
	"TD1": {
		"I<UTOD231458907<<<<<<<<<<<<<<<\n7408122F1204159UTO<<<<<<<<<<<6\nERIKSSON<<ANNA<MARIA<<<<<<<<<<",
		MRZ{Format: "TD1", Code: "I", Issuer: "UTO", FamilyName: "ERIKSSON", GivenNames: "ANNA MARIA", Number: "D23145890",
			Nationality: "UTO", BirthDate: "1974-08-12", Sex: "F", ExpiryDate: "2012-04-15", Optional: []string{"", ""}},
	},
	"TD1 with a long number": {
		"I<UTOD23145890<7349<<<<<<<<<<<\n3407127M9507122UTO<<<<<<<<<<<2\nSTEVENSON<<PETER<JOHN<<<<<<<<<",
		MRZ{Format: "TD1", Code: "I", Issuer: "UTO", FamilyName: "STEVENSON", GivenNames: "PETER JOHN", Number: "D23145890734",
			Nationality: "UTO", BirthDate: "1934-07-12", Sex: "M", ExpiryDate: "1995-07-12", Optional: []string{"", ""}},
	},
	"TD2": {
		"I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<\nD231458907UTO7408122F1204159<<<<<<<6",
		MRZ{Format: "TD2", Code: "I", Issuer: "UTO", FamilyName: "ERIKSSON", GivenNames: "ANNA MARIA", Number: "D23145890",
			Nationality: "UTO", BirthDate: "1974-08-12", Sex: "F", ExpiryDate: "2012-04-15", Optional: []string{""}},
	},
	"TD3": {
		"P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL898902C36UTO7408122F1204159ZE184226B<<<<<10",
		MRZ{Format: "TD3", Code: "P", Issuer: "UTO", FamilyName: "ERIKSSON", GivenNames: "ANNA MARIA", Number: "L898902C3",
			Nationality: "UTO", BirthDate: "1974-08-12", Sex: "F", ExpiryDate: "2012-04-15", Optional: []string{"ZE184226B"}},
	},
	"TD3 of Germany": {
		"P<D<<MUSTERMANN<<ERIKA<<<<<<<<<<<<<<<<<<<<<<\nC01X00T478D<<6408125F2702283<<<<<<<<<<<<<<<4",
		MRZ{Format: "TD3", Code: "P", Issuer: "DEU", FamilyName: "MUSTERMANN", GivenNames: "ERIKA", Number: "C01X00T47",
			Nationality: "DEU", BirthDate: "1964-08-12", Sex: "F", ExpiryDate: "2027-02-28", Optional: []string{""}},
	},
	"MRV-A": {
		"V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL8988901C4XXX4009078F96121096ZE184226B<<<<<<",
		MRZ{Format: "MRV-A", Code: "V", Issuer: "UTO", FamilyName: "ERIKSSON", GivenNames: "ANNA MARIA", Number: "L8988901C",
			Nationality: "XXX", BirthDate: "1940-09-07", Sex: "F", ExpiryDate: "1996-12-10", Optional: []string{"6ZE184226B"}},
	},
	"MRV-B": {
		"V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<\nL8988901C4XXX4009078F9612109<<<<<<<<",
		MRZ{Format: "MRV-B", Code: "V", Issuer: "UTO", FamilyName: "ERIKSSON", GivenNames: "ANNA MARIA", Number: "L8988901C",
			Nationality: "XXX", BirthDate: "1940-09-07", Sex: "F", ExpiryDate: "1996-12-10", Optional: []string{""}},
	},
}

func TestParseMRZ(t *testing.T) {
	for name, tt := range specimens {
		t.Run(name, func(t *testing.T) {
			for _, text := range []string{tt.text, strings.ToLower(tt.text), strings.ReplaceAll(tt.text, "\n", ""), " " + strings.ReplaceAll(tt.text, "\n", "\r\n") + "\r\n"} {
				got, err := ParseMRZ(text)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(&tt.want, got); diff != "" {
					t.Errorf("zone (-want +got):\n%s", diff)
				}
			}
		})
	}
}

// One misread digit shows, by the part and by the whole; the value stays.
func TestMRZBadChecks(t *testing.T) {
	text := specimens["TD3"].text
	second := strings.IndexByte(text, '\n') + 1
	for _, tt := range []struct {
		column int
		want   []string
	}{
		{0, []string{"number", "composite"}},
		{9, []string{"number", "composite"}},
		{13, []string{"birth date", "composite"}},
		{19, []string{"birth date", "composite"}},
		{21, []string{"expiry date", "composite"}},
		{30, []string{"optional data", "composite"}},
		{42, []string{"optional data", "composite"}},
		{43, []string{"composite"}},
		{20, nil}, // sex has no check
	} {
		b := []byte(text)
		b[second+tt.column] = "1234567890"[(b[second+tt.column]-'0')%10]
		m, err := ParseMRZ(string(b))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, m.BadChecks); diff != "" {
			t.Errorf("column %d (-want +got):\n%s", tt.column+1, diff)
		}
	}
	long := strings.Replace(specimens["TD1 with a long number"].text, "7349", "7348", 1)
	if m, err := ParseMRZ(long); err != nil || !cmp.Equal(m.BadChecks, []string{"number", "composite"}) || m.Number != "D23145890734" {
		t.Errorf("a long number: %v", err)
	}
}

func TestMRZNames(t *testing.T) {
	for field, want := range map[string]MRZ{
		"ARKFREITHA<<<<<<<<<<<<<<<<<<<<<": {FamilyName: "ARKFREITHA"},
		"SMITH<JONES<<SUSIE<MARGARET<<<<": {FamilyName: "SMITH JONES", GivenNames: "SUSIE MARGARET"},
		"NILAVADHANANANDA<<CHAYAPA<DEJTH": {FamilyName: "NILAVADHANANANDA", GivenNames: "CHAYAPA DEJTH", Truncated: true},
		"PAPANDROPOULOUS<<JONATHON<ALEC<": {FamilyName: "PAPANDROPOULOUS", GivenNames: "JONATHON ALEC"},
	} {
		m, err := ParseMRZ("I<UTO" + field + "\nD231458907UTO7408122F1204159<<<<<<<6")
		if err != nil {
			t.Fatal(err)
		}
		if m.FamilyName != want.FamilyName || m.GivenNames != want.GivenNames || m.Truncated != want.Truncated {
			t.Errorf("%q, %q, %v", m.FamilyName, m.GivenNames, m.Truncated)
		}
	}
}

func TestMRZDates(t *testing.T) {
	for _, tt := range []struct{ birth, expiry, wantBirth, wantExpiry string }{
		{"120125", "270228", "2012-01-25", "2027-02-28"},
		{"280125", "270228", "1928-01-25", "2027-02-28"},
		{"78<<<<", "690101", "1978-XX-XX", "2069-01-01"},
		{"7801<<", "700101", "1978-01-XX", "1970-01-01"},
		{"<<<<<<", "<<<<<<", "XXXX-XX-XX", "XXXX-XX-XX"},
		{"740812", "<<<<<<", "1974-08-12", "XXXX-XX-XX"},
		{"120812", "<<<<<<", "2012-08-12", "XXXX-XX-XX"},
		{"<<0125", "270228", "XXXX-01-25", "2027-02-28"},
	} {
		expiry := mrzExpiry(tt.expiry)
		if birth := mrzBirth(tt.birth, expiry); birth != tt.wantBirth || expiry != tt.wantExpiry {
			t.Errorf("%s and %s: %s and %s", tt.birth, tt.expiry, birth, expiry)
		}
	}
}

func TestMRZRefused(t *testing.T) {
	good := specimens["TD3"].text
	for name, tt := range map[string]struct {
		text string
		want MRZError
	}{
		"empty":      {"", MRZError{Reason: "not two lines of 36 or 44 characters, or three of 30"}},
		"one line":   {good[:44], MRZError{Reason: "not two lines of 36 or 44 characters, or three of 30"}},
		"short line": {good[1:], MRZError{Reason: "not two lines of 36 or 44 characters, or three of 30"}},
		"long":       {strings.Repeat("<", 300), MRZError{Reason: "too long"}},
		"bad letter": {strings.Replace(good, "ERIK", "ER-K", 1), MRZError{1, 8, "not a letter, digit or filler"}},
	} {
		_, err := ParseMRZ(tt.text)
		var bad *MRZError
		if !errors.As(err, &bad) || *bad != tt.want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What a zone says fits the fields of a record.
func TestMRZInRecord(t *testing.T) {
	s := &Schema{Fields: []FieldSpec{{"family", Name}, {"given", Name}, {"birth", Date}, {"sex", Sex}, {"nationality", Country}, {"passport", Passport}}}
	m, err := ParseMRZ(specimens["TD3 of Germany"].text)
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.Normalize(Record{m.FamilyName, m.GivenNames, m.BirthDate, m.Sex, m.Nationality, m.Issuer + ":" + m.Number})
	if err != nil {
		t.Fatal(err)
	}
	want := []Field{{Value: "mustermann"}, {Value: "erika"}, {Value: "1964-08-12", Precision: PrecisionDay}, {Value: "f"}, {Value: "DE"}, {Value: "DE:C01X00T47"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
}

func FuzzParseMRZ(f *testing.F) {
	for _, s := range specimens {
		f.Add(s.text)
	}
	f.Add("ſ")
	f.Fuzz(func(t *testing.T, text string) {
		m, err := ParseMRZ(text)
		if err != nil && len(text) > 8 && strings.Contains(err.Error(), text) {
			t.Error("the error holds the text")
		}
		if err == nil && (m.Number == "" && m.Format == "" || strings.Contains(m.FamilyName+m.GivenNames+m.Number, "<")) {
			t.Error("fillers are left")
		}
	})
}
