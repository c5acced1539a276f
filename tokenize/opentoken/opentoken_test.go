package opentoken

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// vectors are what OpenToken's own classes made.
type vectors struct {
	HashKey       string `json:"hash_key"`
	EncryptionKey string `json:"encryption_key"`
	Records       []struct {
		RecordId string
		Invalid  []string `json:"invalid"`
		Rules    map[string]struct {
			Signature *string `json:"signature"`
			SHA256    string  `json:"sha256hex"`
			HMAC      *string `json:"hmac_b64"`
		} `json:"rules"`
		Input map[string]string `json:"input"`
	} `json:"records"`
}

func load(t *testing.T) *vectors {
	t.Helper()
	dir := os.Getenv("COMITY_DATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared")
	}
	text, err := os.ReadFile(filepath.Join(dir, "vectors", "opentoken_dev.json"))
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("no vectors of OpenToken: set COMITY_DATA to the folder that has them")
	}
	if err != nil {
		t.Fatal(err)
	}
	v := new(vectors)
	if err := json.Unmarshal(text, v); err != nil {
		t.Fatal(err)
	}
	if len(v.Records) == 0 {
		t.Fatal("no vectors")
	}
	return v
}

func person(values map[string]string) Person {
	return Person{values["RecordId"], values["FirstName"], values["LastName"], values["PostalCode"], values["Sex"], values["BirthDate"], values["SocialSecurityNumber"]}
}

func seq(persons ...Person) iter.Seq2[Person, error] {
	return func(yield func(Person, error) bool) {
		for _, p := range persons {
			if !yield(p, nil) {
				return
			}
		}
	}
}

// collect returns entries, and the attributes that errors name.
func collect(t *testing.T, s iter.Seq2[Entry, error]) (entries []Entry, invalid []string) {
	t.Helper()
	for e, err := range s {
		var bad *AttributeError
		switch {
		case errors.As(err, &bad):
			invalid = append(invalid, bad.Attributes...)
		case err != nil:
			t.Fatal(err)
		default:
			entries = append(entries, e)
		}
	}
	return entries, invalid
}

func tokenizer(t testing.TB, key string, o *Options) *Tokenizer {
	t.Helper()
	tk, err := New([]byte(key), o)
	if err != nil {
		t.Fatal(err)
	}
	return tk
}

// Signatures, digests and tokens are OpenToken's, bit for bit; where it writes
// zeros, there is a blank entry by option alone.
func TestVectors(t *testing.T) {
	v := load(t)
	tk, literal := tokenizer(t, v.HashKey, nil), tokenizer(t, v.HashKey, &Options{Blanks: true})
	for _, r := range v.Records {
		t.Run(r.RecordId, func(t *testing.T) {
			p := person(r.Input)
			got := make(map[Rule]Entry)
			entries, invalid := collect(t, tk.Tokens(seq(p)))
			for _, e := range entries {
				if e.Blank {
					t.Errorf("%v is blank", e.Rule)
				}
				got[e.Rule] = e
			}
			all, _ := collect(t, literal.Tokens(seq(p)))
			rows := 0
			for _, rule := range r.Rules {
				if rule.HMAC != nil {
					rows++
				}
			}
			if len(all) != rows || len(r.Rules) != Rules {
				t.Fatalf("%d entries for %d rows of %d rules", len(all), rows, len(r.Rules))
			}
			a, _ := p.attributes()
			for _, e := range all {
				want := r.Rules[e.Rule.String()]
				kept, there := got[e.Rule]
				if there == (want.Signature == nil) || e.Blank == there || there && kept != e {
					t.Errorf("%v: there is a token: %v", e.Rule, there)
				}
				if text := written(t, e); want.HMAC == nil || text != *want.HMAC {
					t.Errorf("%v: another token", e.Rule)
				}
				if !there {
					continue
				}
				signature, _ := a.signature(e.Rule)
				digest := sha256.Sum256([]byte(signature))
				if hex.EncodeToString(digest[:]) != want.SHA256 {
					t.Errorf("%v: another digest", e.Rule)
				}
			}
			for _, name := range r.Invalid {
				if r.Input[name] != "" && !slices.Contains(invalid, name) {
					t.Errorf("%s is not reported", name)
				}
			}
		})
	}
}

// written is the text of an entry's token in a file.
func written(t *testing.T, e Entry) string {
	t.Helper()
	var out bytes.Buffer
	w := NewWriter(&out, nil)
	if err := errors.Join(w.Write(e), w.Flush()); err != nil {
		t.Fatal(err)
	}
	line := strings.Split(out.String(), "\r\n")[1]
	return line[strings.LastIndexByte(line, ',')+1:]
}

// Java's upper case of names, as OpenJDK 17 makes it.
func TestSignature(t *testing.T) {
	for _, tt := range []struct {
		first, last string
		rule        Rule
		want        string
	}{
		{"ŉ", "ΐ", 5, "Ι|ʼN|MALE"},
		{"ﬃ", "ᾳ", 5, "Α|FFI|MALE"},
		{"ა", "ǰ", 5, "J|Ა|MALE"},
		{"\x00 Al\t", "X\u00a0", 5, "X\u00a0|AL|MALE"},
		{"ab😀", "X", 5, "X|AB?|MALE"},
		{"😀", "X", 1, "X|?|MALE|1999-12-31"},
		{"a|b", "X", 3, "X|A|B|MALE|1999-12-31"},
		{"\x01", "X", 3, "X|MALE|1999-12-31"}, // not blank, and empty after a trim
	} {
		p := Person{FirstName: tt.first, LastName: tt.last, Sex: "m", BirthDate: "31.12.1999"}
		a, _ := p.attributes()
		if got, _ := a.signature(tt.rule); got != tt.want {
			t.Errorf("%v: %q, want %q", tt.rule, got, tt.want)
		}
	}
}

// Answers of commons-lang 3.12 on OpenJDK 17.
func TestBirthDate(t *testing.T) {
	const none, malformed = "none", "malformed"
	for in, want := range map[string]string{
		"1999-12-31": "1999-12-31", "1999/12/31": "1999-12-31", "12/31/1999": "1999-12-31", "12-31-1999": "1999-12-31", "31.12.1999": "1999-12-31",
		"1999-31-12": none, "31/12/1999": none, "12.31.1999": none, "1999-12/31": none, "12.31/1999": none,
		"1999.12.31": malformed, "1999-1-31": malformed, "99-12-1999": none, "": malformed, "1999-12-3x": malformed, " 1999-12-31": malformed, "1999-12-31\n": malformed,
		"2000-02-29": "2000-02-29", "1900-02-29": none, "1500-02-29": "1500-02-29", "1582-10-04": "1582-10-04", "1582-10-05": none, "1582-10-15": "1582-10-15",
		"0000-01-01": none, "0001-01-01": "0001-01-01", "12-01-0012": "0012-01-12", "0005/30/12": "0012-05-30",
	} {
		got, formed := birthDate(in)
		switch {
		case !formed:
			got = malformed
		case got == "":
			got = none
		}
		if got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// Where OpenToken meets a day that does not exist before an invalid attribute, it
// writes no row; after one, it writes zeros.
func TestRowsWithoutADay(t *testing.T) {
	tk := tokenizer(t, "k", &Options{Blanks: true})
	p := Person{FirstName: "Al", LastName: "X", PostalCode: "1", Sex: "M", BirthDate: "1999-02-30", SocialSecurityNumber: "1"}
	entries, _ := collect(t, tk.Tokens(seq(p)))
	var got []string
	for _, e := range entries {
		got = append(got, fmt.Sprint(e.Rule, e.Blank))
	}
	if diff := cmp.Diff([]string{"T4 true", "T5 false"}, got); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
}

func TestInvalidAttributes(t *testing.T) {
	bad := Person{FirstName: " ", LastName: "\xff", PostalCode: " 12345", Sex: "MALE", BirthDate: "1999-02-30", SocialSecurityNumber: "111-11-1111"}
	entries, invalid := collect(t, tokenizer(t, "k", nil).Tokens(seq(bad, Person{})))
	if len(entries) != 0 {
		t.Errorf("%d entries", len(entries))
	}
	want := []string{"FirstName", "LastName", "PostalCode", "Sex", "BirthDate", "SocialSecurityNumber"}
	if diff := cmp.Diff(want, invalid); diff != "" {
		t.Errorf("invalid (-want +got):\n%s", diff)
	}
	for _, err := range tokenizer(t, "k", nil).Tokens(seq(Person{}, bad)) {
		if got, want := err.Error(), "opentoken: row 1: invalid: "+strings.Join(want, ", "); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	if _, invalid := (&Person{FirstName: strings.Repeat("a", maxValue+1)}).attributes(); len(invalid) != 1 {
		t.Error("a name without bound is valid")
	}
}

func TestKeys(t *testing.T) {
	if _, err := New(nil, nil); !errors.Is(err, ErrKey) {
		t.Error(err)
	}
	for _, n := range []int{0, 16, 31, 33} {
		if _, err := NewCipher(make([]byte, n)); !errors.Is(err, ErrKey) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

// sealed is the token T1 of the first vector as OpenJDK's AES/GCM/NoPadding seals it
// under OpenToken's example key.
const (
	exampleKey = "Secret-Encryption-Key-Goes-Here."
	sealed     = "V5pydTdpMO5lKGskDEydiFrLkqQZvb5KEUI3mUyKNILhicF7i2CzLl0afhq8mYnHAwcSsY+rselqOrRDAshaRwNgeX5Vj99s"
	opened     = "qp4RJ0pgGXH4DZ5BJjYsmlLNHC1oXOGuo9a71naJPSQ="
)

func TestCipher(t *testing.T) {
	c, err := NewCipher([]byte(exampleKey))
	if err != nil {
		t.Fatal(err)
	}
	token, err := c.Open(sealed)
	if err != nil || string(encode(token)) != opened {
		t.Fatalf("a token of OpenJDK does not open: %v", err)
	}
	one, two := c.Seal(token), c.Seal(token)
	if one == two || len(one) != len(sealed) {
		t.Error("sealed twice alike, or of another length")
	}
	if back, err := c.Open(one); err != nil || back != token {
		t.Errorf("what was sealed does not open: %v", err)
	}
	other, err := NewCipher([]byte(strings.ToUpper(exampleKey)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Open(sealed); !errors.Is(err, ErrToken) {
		t.Errorf("another key: %v", err)
	}
	for name, text := range map[string]string{
		"empty": "", "no base64": "*", "short": sealed[:16], "cut": sealed[:len(sealed)-4], "zeros": blankText, "changed": "A" + sealed[1:], "not sealed": opened,
	} {
		if _, err := c.Open(text); !errors.Is(err, ErrToken) {
			t.Errorf("%s: %v", name, err)
		}
	}
	short := c.aead.Seal(nil, nil, []byte("not a token"), nil)
	if _, err := c.Open(base64.StdEncoding.EncodeToString(short)); !errors.Is(err, ErrToken) {
		t.Errorf("a sealed text of another kind: %v", err)
	}
}

// What is written is read again, sealed or not, blanks too.
func TestFiles(t *testing.T) {
	in := "Id,GIVENNAME,Surname,ZipCode,gender,BirthDate,NationalIdentificationNumber,Note\r\n" +
		"a1, José ,Nuñez,12345-6789,m,12/31/1999,345546795,x\r\n" +
		"\r\n" +
		"\"b,2\",Zoë,Łukasz,00501,female,31.12.1999,,y\r\n"
	c, err := NewCipher([]byte(exampleKey))
	if err != nil {
		t.Fatal(err)
	}
	entries, invalid := collect(t, tokenizer(t, "HashingKey", &Options{Blanks: true}).Tokens(ReadPersons(strings.NewReader("\ufeff"+in))))
	if len(entries) != 2*Rules || invalid != nil || entries[5].RecordID != "b,2" || !entries[8].Blank {
		t.Fatalf("%d entries, %v invalid", len(entries), invalid)
	}
	for _, cipher := range []*Cipher{nil, c} {
		var out bytes.Buffer
		w := NewWriter(&out, cipher)
		for _, e := range entries {
			if err := w.Write(e); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(out.String(), "RecordId,RuleId,Token\r\na1,T1,") || strings.Count(out.String(), blankText) != 1 {
			t.Error("not the form of OpenToken's file")
		}
		back, _ := collect(t, ReadTokens(&out, cipher))
		if !slices.Equal(back, entries) {
			t.Error("other entries than were written")
		}
	}
	var out bytes.Buffer
	if err := NewWriter(&out, nil).Flush(); err != nil || out.String() != "RecordId,RuleId,Token\r\n" {
		t.Errorf("a file without entries: %v", err)
	}
}

func TestBadRows(t *testing.T) {
	text := "rulename,TOKEN,RuleId,recordid\n" +
		"x," + opened + ",T1,a\n" + "x," + opened + ",T6,b\n" + "x,secret,T2,c\n" + "x," + blankText + ",T3,d\n"
	var got []string
	for e, err := range ReadTokens(strings.NewReader(text), nil) {
		var bad *RowError
		if errors.As(err, &bad) {
			got = append(got, fmt.Sprintf("%s line %d %v", e.RecordID, bad.Line, errors.Is(err, ErrToken)))
			if strings.Contains(err.Error(), "secret") {
				t.Error("the error holds the text")
			}
			continue
		}
		got = append(got, fmt.Sprintf("%s %v %v", e.RecordID, e.Rule, e.Blank))
	}
	want := []string{"a T1 false", "b line 3 false", "c line 4 true", "d T3 true"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

func TestBadFiles(t *testing.T) {
	last := func(s string, persons bool) (err error) {
		if persons {
			for _, err = range ReadPersons(strings.NewReader(s)) {
			}
			return err
		}
		for _, err = range ReadTokens(strings.NewReader(s), nil) {
		}
		return err
	}
	for name, text := range map[string]string{
		"empty": "", "no column": "a,b\n1,2\n", "quote": "FirstName,RecordId\n\"a,b\n", "fields": "FirstName,RecordId\na\n",
		"two of one": "FirstName,GivenName\na,b\n", "only ids": "Id\n1\n", "long": "FirstName\n" + strings.Repeat("a", 2*maxRecord) + "\n",
		"no token column": "RecordId,RuleId\na,T1\n",
	} {
		if err := last(text, true); !errors.Is(err, ErrFile) {
			t.Errorf("%s, persons: %v", name, err)
		}
		if err := last(text, false); !errors.Is(err, ErrFile) {
			t.Errorf("%s, tokens: %v", name, err)
		}
	}
	broken := errors.New("broken")
	for _, err := range tokenizer(t, "k", nil).Tokens(ReadPersons(io.MultiReader(strings.NewReader("Sex,BirthDate\nm,1999-12-31\n"), failing{broken}))) {
		if err != nil && !errors.Is(err, broken) {
			t.Error(err)
		}
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestSecretsDoNotFormat(t *testing.T) {
	token := Token([]byte("thirty-two bytes for tests alone"))
	tk := tokenizer(t, "hash key", nil)
	c, err := NewCipher([]byte(exampleKey))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&out, nil))
	for _, v := range []any{token, &token, tk, *tk, c, *c, Entry{Token: token}} {
		fmt.Fprintf(&out, "%v %+v %#v %x %s\n", v, v, v, v, v)
		log.Info("x", "v", v)
	}
	for _, secret := range []string{"thirty", "hash key", "Secret", hex.EncodeToString([]byte("thirty")), hex.EncodeToString([]byte("hash")), "116, 104", "104 97"} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("output holds %q", secret)
		}
	}
}

func FuzzReadPersons(f *testing.F) {
	f.Add("RecordId,FirstName,LastName,Sex,BirthDate\n1,José,Nuñez,m,12/31/1999\n")
	f.Add("\ufeffId,Surname\n\"1\n2\",ﬃ\n")
	f.Fuzz(func(t *testing.T, text string) {
		tk := tokenizer(t, "k", &Options{Blanks: true})
		for _, err := range tk.Tokens(ReadPersons(strings.NewReader(text))) {
			var bad *AttributeError
			if err != nil && !errors.Is(err, ErrFile) && !errors.As(err, &bad) {
				t.Error(err)
			}
		}
	})
}

func FuzzReadTokens(f *testing.F) {
	f.Add("RecordId,RuleId,Token\n1,T1," + opened + "\n1,T2," + sealed + "\n1,T3," + blankText + "\n")
	c, err := NewCipher([]byte(exampleKey))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, cipher := range []*Cipher{nil, c} {
			for _, err := range ReadTokens(strings.NewReader(text), cipher) {
				var bad *RowError
				if err != nil && !errors.Is(err, ErrFile) && !errors.As(err, &bad) {
					t.Error(err)
				}
			}
		}
	})
}

func BenchmarkTokens(b *testing.B) {
	tk := tokenizer(b, "HashingKey", nil)
	p := Person{"891dda6c", "José", "Nuñez", "12345-6789", "m", "12/31/1999", "345546795"}
	for b.Loop() {
		for range tk.Tokens(seq(p)) {
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}
