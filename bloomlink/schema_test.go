package bloomlink

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSchemaValidate(t *testing.T) {
	with := func(change func(*Schema)) *Schema {
		s := testSchema()
		change(s)
		return s
	}
	tests := []struct {
		name    string
		s       *Schema
		feature int // at fault; -1: none in particular
	}{
		{"none", nil, -1},
		{"no length", with(func(s *Schema) { s.Length = 0 }), -1},
		{"length too short", with(func(s *Schema) { s.Length = 32 }), -1},
		{"length not of words", with(func(s *Schema) { s.Length = 1000 }), -1},
		{"length too long", with(func(s *Schema) { s.Length = 8256 }), -1},
		{"no features", with(func(s *Schema) { s.Features = nil }), -1},
		{"too many features", with(func(s *Schema) { s.Features = make([]Feature, MaxFeatures+1) }), -1},
		{"no name", with(func(s *Schema) { s.Features[1].Name = "" }), 1},
		{"long name", with(func(s *Schema) { s.Features[0].Name = strings.Repeat("n", 256) }), 0},
		{"name not UTF-8", with(func(s *Schema) { s.Features[0].Name = "\xff" }), 0},
		{"name twice", with(func(s *Schema) { s.Features[2].Name = s.Features[0].Name }), 2},
		{"q 0", with(func(s *Schema) { s.Features[0].Q = 0 }), 0},
		{"q 5", with(func(s *Schema) { s.Features[0].Q = 5 }), 0},
		{"bits 0", with(func(s *Schema) { s.Features[1].Bits = 0 }), 1},
		{"bits 257", with(func(s *Schema) { s.Features[1].Bits = 257 }), 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.s.Validate()
			if !errors.Is(err, ErrSchema) {
				t.Fatalf("%v, want %v", err, ErrSchema)
			}
			var f *FeatureError
			if got := -1; errors.As(err, &f) {
				got = f.Feature
				if got != tt.feature {
					t.Errorf("feature %d, want %d", got, tt.feature)
				}
			} else if tt.feature >= 0 {
				t.Errorf("%v names no feature, want %d", err, tt.feature)
			}
			if _, err := NewEncoder(tt.s, bytes.Repeat([]byte{1}, 32), nil); !errors.Is(err, ErrSchema) {
				t.Errorf("NewEncoder: %v", err)
			}
		})
	}
	for _, length := range []int{64, 960, 8192} {
		if err := with(func(s *Schema) { s.Length = length }).Validate(); err != nil {
			t.Errorf("length %d: %v", length, err)
		}
	}
}

func TestFeatureJSON(t *testing.T) {
	want := Feature{Name: "given_name", Q: 2, Bits: 10}
	text, err := json.Marshal(want)
	if err != nil || string(text) != `{"name":"given_name","q":2,"bits":10}` {
		t.Errorf("%s, %v", text, err)
	}
	var got Feature
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The configuration covers whatever decides how a record is encoded, and the key
// whatever decides by which secret.
func TestBindingCoversTheConfiguration(t *testing.T) {
	secret := bytes.Repeat([]byte{1}, MinSecret)
	bind := func(s *Schema, secret []byte, o *EncoderOptions) Binding {
		e, err := NewEncoder(s, secret, o)
		if err != nil {
			t.Fatal(err)
		}
		return e.Binding("2026-Q4")
	}
	base := bind(testSchema(), secret, nil)
	if diff := cmp.Diff(base, bind(testSchema(), secret, &EncoderOptions{})); diff != "" {
		t.Error("zero options differ from none")
	}
	if base.Epoch != "2026-Q4" || base.Length != 1024 {
		t.Errorf("epoch %q, length %d", base.Epoch, base.Length)
	}
	seen := map[[32]byte]string{base.Config: "base"}
	for name, change := range map[string]func(*Schema){
		"length": func(s *Schema) { s.Length = 512 },
		"name":   func(s *Schema) { s.Features[0].Name = "x" },
		"q":      func(s *Schema) { s.Features[0].Q = 3 },
		"bits":   func(s *Schema) { s.Features[0].Bits = 11 },
		"order":  func(s *Schema) { slices.Reverse(s.Features) },
		"fewer":  func(s *Schema) { s.Features = s.Features[:2] },
	} {
		s := testSchema()
		change(s)
		b := bind(s, secret, nil)
		if other, taken := seen[b.Config]; taken {
			t.Errorf("%s: the configuration is that of %s", name, other)
		}
		if b.Key == base.Key {
			t.Errorf("%s: the key is the same", name)
		}
		seen[b.Config] = name
	}
	if b := bind(testSchema(), secret, &EncoderOptions{Project: "p"}); b.Config == base.Config {
		t.Error("the configuration does not cover the project")
	}
	b := bind(testSchema(), bytes.Repeat([]byte{2}, MinSecret), nil)
	if b.Config != base.Config || b.Key == base.Key {
		t.Error("another secret must change the key alone")
	}
}

// What is secret or personal does not get into a log.
func TestRedaction(t *testing.T) {
	e := testEncoder(t, testSchema(), 0xab)
	b := Binding{Epoch: "2026", Key: [32]byte(bytes.Repeat([]byte{0xab}, 32))}
	x := Encoding{0xabababababababab}
	encoder, err1 := e.MarshalJSON()
	binding, err2 := b.MarshalJSON()
	encoding, err3 := x.MarshalJSON()
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	shown := []string{string(encoder), string(binding), string(encoding),
		e.LogValue().String(), b.LogValue().String(), x.LogValue().String()}
	for _, v := range []any{e, *e, b, x, []Encoding{x}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%x", "%d", "%s"} {
			shown = append(shown, fmt.Sprintf(verb, v))
		}
	}
	key := e.coder.(*filterCoder).fields[0].draw.key
	secrets := []string{"abab", "171", fmt.Sprint(x[0] - 1)[:8], fmt.Sprintf("%x", key[:4]), fmt.Sprint(key[:3])}
	for _, s := range shown {
		for _, secret := range secrets {
			if strings.Contains(strings.ToLower(s), strings.Trim(secret, "[]")) {
				t.Fatal("a secret shows")
			}
		}
	}
}
