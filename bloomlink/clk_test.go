package bloomlink

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// dataFolder names the folder of vectors and data, or skips.
func dataFolder(t testing.TB, part string) string {
	t.Helper()
	folder := os.Getenv("COMITY_DATA")
	if folder == "" {
		folder = filepath.Join("..", "..", "shared")
	}
	folder = filepath.Join(folder, part)
	if _, err := os.Stat(folder); err != nil {
		t.Skipf("no %s: %v (COMITY_DATA names the folder that has it)", part, err)
	}
	return folder
}

const clkSchema = `{"version": 3,
 "clkConfig": {"l": 256, "kdf": {"type": "HKDF"}},
 "features": [
  {"identifier": "id", "ignored": true},
  {"identifier": "name", "format": {"type": "string", "maxLength": 20},
   "hashing": {"comparison": {"type": "ngram", "n": 2}, "strategy": {"bitsPerFeature": 40}}},
  {"identifier": "born", "format": {"type": "date", "format": "%d.%m.%Y"},
   "hashing": {"comparison": {"type": "ngram", "n": 1, "positional": true}, "strategy": {"bitsPerToken": 4},
               "hash": {"type": "doubleHash"}, "missingValue": {"sentinel": "", "replaceWith": ""}}}]}`

func clkEncoder(t testing.TB, schema, secret string) *Encoder {
	t.Helper()
	s, err := ParseCLKSchema([]byte(schema))
	if err != nil {
		t.Fatal(err)
	}
	e, err := NewCLKEncoder(s, []byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// The CLKs of clkhash 0.18.3 for a schema, byte for byte.
func TestCLK(t *testing.T) {
	e := clkEncoder(t, clkSchema, "horse staple battery")
	for _, tt := range []struct{ name, born, want string }{
		{"ludmilla", "06.05.1990", "oYEEmaYAUUkUAIZVThUlAABANYV0ICoAAAgQQlCAEEI="},
		{"Zoë", "", "ATCgIAQAAABUAgEABACABAKJAAJMAAAoEIgAkgkSEII="},
		{"", "1.2.0999", "JAAAoAAAAgAUAAQAAkgAAAQYBQBAAAgAAAgCAkAAEAg="},
	} {
		x := encode(t, e, "7", tt.name, tt.born)
		if got := base64.StdEncoding.EncodeToString(appendCLK(nil, x, 256)); got != tt.want {
			t.Errorf("%s, %s: %s, want %s", tt.name, tt.born, got, tt.want)
		}
	}
}

func TestCLKSchema(t *testing.T) {
	s, err := ParseCLKSchema([]byte(clkSchema))
	if err != nil {
		t.Fatal(err)
	}
	if s.Bits() != 256 {
		t.Errorf("%d bits", s.Bits())
	}
	if diff := cmp.Diff([]string{"id", "name", "born"}, s.Names()); diff != "" {
		t.Error(diff)
	}
	if err := s.CheckHeader([]string{"id", "name", "born"}); err != nil {
		t.Error(err)
	}
	for _, header := range [][]string{nil, {"id", "name"}, {"id", "born", "name"}} {
		if err := s.CheckHeader(header); !errors.Is(err, ErrValue) {
			t.Errorf("%v: %v", header, err)
		}
	}
	_, err = ParseCLKSchema([]byte(strings.Replace(clkSchema, `"n": 2`, `"n": "2"`, 1)))
	var bad *SchemaError
	if !errors.As(err, &bad) || !errors.Is(err, ErrSchema) || bad.Pointer != "/features/1/hashing/comparison/n" {
		t.Errorf("%v, %+v", err, bad)
	}
	if _, err := NewCLKEncoder(nil, nil); !errors.Is(err, ErrSchema) {
		t.Errorf("no schema: %v", err)
	}
}

func TestCLKErrorsHoldNoValue(t *testing.T) {
	e := clkEncoder(t, clkSchema, "s")
	for _, record := range [][]string{{"1", strings.Repeat("Vandersteen", 2), ""}, {"1", "", "31.02.Vandersteen"}, {"1", "Vandersteen\xff", ""}} {
		_, err := e.Encode(record)
		var f *FeatureError
		if !errors.As(err, &f) || !errors.Is(err, ErrValue) || strings.Contains(err.Error(), "Vander") {
			t.Errorf("%v", err)
		}
	}
	if _, err := e.Encode([]string{"1", "x"}); !errors.Is(err, ErrValue) {
		t.Errorf("a short record: %v", err)
	}
}

// Two that differ in schema or secret cannot meet; blanks and the order of members
// make no difference.
func TestCLKBinding(t *testing.T) {
	b := clkEncoder(t, clkSchema, "s").Binding("e")
	if b.Length != 256 || b.Key == [32]byte{} {
		t.Errorf("length %d", b.Length)
	}
	var document any
	if err := json.Unmarshal([]byte(clkSchema), &document); err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	if c := clkEncoder(t, string(again), "s").Binding("e"); c != b {
		t.Error("the same document has another binding")
	}
	if c := clkEncoder(t, strings.Replace(clkSchema, "40", "41", 1), "s").Binding("e"); c.Config == b.Config || c.Key == b.Key {
		t.Error("another schema has the same binding")
	}
	if c := clkEncoder(t, clkSchema, "t").Binding("e"); c.Config != b.Config || c.Key == b.Key {
		t.Error("another secret must change the key alone")
	}
	if b := clkEncoder(t, strings.Replace(clkSchema, `"l": 256`, `"l": 1024`, 1), "s").Binding("e"); b.Length != 1024 {
		t.Errorf("length %d", b.Length)
	}
}

// All filters of the values together are that of the record.
func TestEncodeFields(t *testing.T) {
	for name, tt := range map[string]struct {
		e      *Encoder
		values []string
	}{
		"filter": {testEncoder(t, testSchema(), 1), []string{"ludmilla", "", "19900506"}},
		"salted": {hardenedEncoder(t, testSchema(), 1, &Hardening{Salt: "birth_date"}), []string{"ludmilla", "x", "19900506"}},
		"CLK":    {clkEncoder(t, clkSchema, "s"), []string{"7", "ludmilla", "06.05.1990"}},
	} {
		fields, err := tt.e.EncodeFields(tt.values)
		if err != nil {
			t.Fatal(err)
		}
		whole := encode(t, tt.e, tt.values...)
		union := make(Encoding, len(whole))
		for i, f := range fields {
			if (tt.values[i] == "" || tt.values[i] == "7") != (f.Count() == 0) {
				t.Errorf("%s: field %d has %d bits", name, i, f.Count())
			}
			for w := range f {
				union[w] |= f[w]
			}
		}
		if diff := cmp.Diff([]uint64(whole), []uint64(union)); diff != "" {
			t.Errorf("%s: (-want +got):\n%s", name, diff)
		}
		if _, err := tt.e.EncodeFields(tt.values[1:]); !errors.Is(err, ErrValue) {
			t.Errorf("%s: a short record: %v", name, err)
		}
	}
}
