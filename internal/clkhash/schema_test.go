package clkhash

import (
	"errors"
	"strings"
	"testing"
)

const goodV3 = `{"version": 3, "clkConfig": {"l": 256, "kdf": {"type": "HKDF"}}, "features": [
 {"identifier": "a", "format": {"type": "string"}, "hashing": {"comparison": {"type": "ngram", "n": 2}, "strategy": {"bitsPerToken": 3}}}]}`

const goodV2 = `{"version": 2, "clkConfig": {"l": 256, "kdf": {"type": "HKDF"}}, "features": [
 {"identifier": "a", "format": {"type": "string"}, "hashing": {"ngram": 2, "strategy": {"k": 3}}}]}`

const goodV1 = `{"version": 1, "clkConfig": {"l": 256, "k": 3, "hash": {"type": "blakeHash"}, "kdf": {"type": "HKDF"}}, "features": [
 {"identifier": "a", "format": {"type": "string"}, "hashing": {"ngram": 2, "weight": 1.0}}]}`

// Each change is a text and what takes its place; no pointer means accepted.
func TestParse(t *testing.T) {
	const none = "accepted"
	const hashing = `"hashing": {"comparison": {"type": "ngram", "n": 2}, "strategy": {"bitsPerToken": 3}}`
	tests := []struct{ base, from, to, pointer string }{
		{goodV3, "", "", none},
		{goodV2, "", "", none},
		{goodV1, "", "", none},
		{goodV3, `3,`, `3.0,`, none},
		{goodV3, `"version": 3,`, ``, ""},
		{goodV3, `3,`, `4,`, "/version"},
		{goodV3, `3,`, `"3",`, "/version"},
		{goodV3, `3,`, `true,`, "/version"},
		{goodV3, `]}`, `]} x`, ""},
		{goodV3, `]}`, ``, ""},
		{goodV3, `256`, `0`, "/clkConfig/l"},
		{goodV3, `256`, `256.0`, "/clkConfig/l"},
		{goodV3, `256`, `"256"`, "/clkConfig/l"},
		{goodV3, `256`, `33554432`, "/clkConfig/l"},
		{goodV3, `256`, `1000`, "/features/0"},
		{goodV3, `"l": 256, `, ``, "/clkConfig"},
		{goodV3, `"l": 256`, `"l": 256, "xor_folds": 2`, none},
		{goodV3, `"l": 256`, `"l": 256, "xor_folds": true`, none},
		{goodV3, `"l": 256`, `"l": 256, "xor_folds": -1`, "/clkConfig/xor_folds"},
		{goodV3, `"l": 256`, `"l": 256, "xor_folds": 20`, "/clkConfig/l"},
		{goodV3, `"l": 256`, `"l": 256, "xorFolds": -1`, "/clkConfig/xorFolds"},
		{goodV3, `"l": 256`, `"l": 256, "anything": {}`, none},
		{goodV3, `"HKDF"`, `"PBKDF"`, "/clkConfig/kdf/type"},
		{goodV3, `{"type": "HKDF"}`, `{}`, "/clkConfig/kdf"},
		{goodV3, `"HKDF"`, `"HKDF", "hash": "SHA512"`, none},
		{goodV3, `"HKDF"`, `"HKDF", "hash": "MD5"`, "/clkConfig/kdf/hash"},
		{goodV3, `"HKDF"`, `"HKDF", "salt": "QQ=="`, none},
		{goodV3, `"HKDF"`, `"HKDF", "salt": "QQ"`, "/clkConfig/kdf/salt"},
		{goodV3, `"HKDF"`, `"HKDF", "info": "é"`, "/clkConfig/kdf/info"},
		{goodV3, `"HKDF"`, `"HKDF", "keySize": 0`, "/clkConfig/kdf/keySize"},
		{goodV3, `"HKDF"`, `"HKDF", "keySize": 65`, "/features/0"},
		{goodV3, `"HKDF"`, `"HKDF", "keySize": 5000`, "/features"},
		{goodV3, `"identifier": "a", `, ``, "/features/0"},
		{goodV3, `"a",`, `1,`, "/features/0/identifier"},
		{goodV3, `"a",`, `"a", "ignored": false,`, none},
		{goodV3, `"a",`, `"a", "ignored": true,`, none},
		{goodV3, `"a",`, `"a", "ignored": 1,`, "/features/0/ignored"},
		{goodV3, hashing, `"ignored": true`, "/features/0/format"},
		{goodV2, `"a",`, `"a", "ignored": true,`, "/features/0/format"},
		{goodV3, `"a",`, `"a", "more": 1,`, none},
		{goodV3, `"type": "string"`, `"type": "text"`, "/features/0/format/type"},
		{goodV3, `"type": "string"`, `"type": "string", "more": 1`, "/features/0/format/more"},
		{goodV3, `"type": "string"`, `"type": "string", "encoding": "latin-1"`, "/features/0/format/encoding"},
		{goodV3, `"type": "string"`, `"type": "string", "case": "Upper"`, "/features/0/format/case"},
		{goodV3, `"type": "string"`, `"type": "string", "minLength": -1`, "/features/0/format/minLength"},
		{goodV3, `"type": "string"`, `"type": "string", "minLength": 2.0`, none},
		{goodV1, `"type": "string"`, `"type": "string", "minLength": 2.0`, "/features/0/format/minLength"},
		{goodV3, `"type": "string"`, `"type": "string", "maxLength": 0`, "/features/0/format/maxLength"},
		{goodV3, `"type": "string"`, `"type": "string", "maxLength": 123456789012345678901234567890`, none},
		{goodV3, `"type": "string"`, `"type": "string", "pattern": "[a-z]+"`, none},
		{goodV3, `"type": "string"`, `"type": "string", "pattern": "[a-z]+", "maxLength": 3`, "/features/0/format/maxLength"},
		{goodV3, `"type": "string"`, `"type": "string", "pattern": "("`, "/features/0/format/pattern"},
		{goodV3, `"type": "string"`, `"type": "string", "pattern": "(?=a)"`, "/features/0/format/pattern"},
		{goodV3, `"type": "string"`, `"type": "integer", "minimum": 1e3, "maximum": 99999999999999999999`, none},
		{goodV3, `"type": "string"`, `"type": "integer", "minimum": 1.5`, "/features/0/format/minimum"},
		{goodV3, `"type": "string"`, `"type": "integer", "minLength": 1`, "/features/0/format/minLength"},
		{goodV3, `"type": "string"`, `"type": "date"`, "/features/0/format"},
		{goodV3, `"type": "string"`, `"type": "date", "format": "%Y-%q"`, "/features/0/format/format"},
		{goodV3, `"type": "string"`, `"type": "date", "format": "%Y%Y"`, "/features/0/format/format"},
		{goodV3, `"type": "string"`, `"type": "date", "format": "%"`, "/features/0/format/format"},
		{goodV3, `"type": "string"`, `"type": "enum", "values": []`, none},
		{goodV3, `"type": "string"`, `"type": "enum", "values": ["a", 1]`, "/features/0/format/values/1"},
		{goodV3, `"type": "string"`, `"type": "enum", "values": "a"`, "/features/0/format/values"},
		{goodV3, `"n": 2`, `"n": 0`, "/features/0/hashing/comparison/n"},
		{goodV3, `"n": 2`, `"n": 2, "positional": 1`, "/features/0/hashing/comparison/positional"},
		{goodV3, `"ngram", "n": 2`, `"exact"`, none},
		{goodV3, `"ngram", "n": 2`, `"soundex"`, "/features/0/hashing/comparison/type"},
		{goodV3, `"ngram", "n": 2`, `"numeric"`, "/features/0/hashing/comparison"},
		{goodV3, `"ngram", "n": 2`, `"numeric", "thresholdDistance": 2, "resolution": 1`, none},
		{goodV3, `"ngram", "n": 2`, `"numeric", "thresholdDistance": 0, "resolution": 1`, "/features/0/hashing/comparison/thresholdDistance"},
		{goodV3, `"ngram", "n": 2`, `"numeric", "thresholdDistance": "2", "resolution": 1`, "/features/0/hashing/comparison/thresholdDistance"},
		{goodV3, `"ngram", "n": 2`, `"numeric", "thresholdDistance": 0.4, "resolution": 1`, "/features/0/hashing/comparison/thresholdDistance"},
		{goodV3, `"ngram", "n": 2`, `"numeric", "thresholdDistance": 2, "resolution": 0`, "/features/0/hashing/comparison/resolution"},
		{goodV3, `"ngram", "n": 2`, `"numeric", "thresholdDistance": 1e300, "resolution": 1, "fractional_precision": 300`, "/features/0/hashing/comparison/thresholdDistance"},
		{goodV3, `"bitsPerToken": 3`, `"bitsPerToken": 0`, "/features/0/hashing/strategy/bitsPerToken"},
		{goodV3, `"bitsPerToken": 3`, `"bitsPerToken": 3, "bitsPerFeature": 3`, "/features/0/hashing/strategy"},
		{goodV3, `"bitsPerToken": 3`, ``, "/features/0/hashing/strategy"},
		{goodV3, `"bitsPerToken": 3`, `"k": 3`, "/features/0/hashing/strategy/k"},
		{goodV3, `3}}`, `3}, "hash": {"type": "doubleHash", "prevent_singularity": true}}`, none},
		{goodV3, `3}}`, `3}, "hash": {"type": "blakeHash", "prevent_singularity": false}}`, "/features/0/hashing/hash/prevent_singularity"},
		{goodV3, `3}}`, `3}, "hash": {"type": "md5"}}`, "/features/0/hashing/hash/type"},
		{goodV3, `3}}`, `3}, "missingValue": {}}`, "/features/0/hashing/missingValue"},
		{goodV3, `3}}`, `3}, "missingValue": {"sentinel": "", "replaceWith": 1}}`, "/features/0/hashing/missingValue/replaceWith"},
		{goodV3, `3}}`, `3}, "a/b~c": 1}`, "/features/0/hashing/a~1b~0c"},
		{goodV2, `"k": 3`, `"numBits": 30`, none},
		{goodV2, `"k": 3`, `"bitsPerToken": 3`, "/features/0/hashing/strategy/bitsPerToken"},
		{goodV2, `"ngram": 2`, `"ngram": 0`, "/features/0/hashing/ngram"},
		{goodV2, `"ngram": 2`, `"ngram": 2, "weight": 1`, "/features/0/hashing/weight"},
		{goodV1, `"k": 3, `, ``, "/clkConfig"},
		{goodV1, `"k": 3`, `"k": 0`, "/clkConfig/k"},
		{goodV1, `"weight": 1.0`, `"positional": true`, none},
		{goodV1, `"weight": 1.0`, `"weight": 0`, none},
		{goodV1, `"ngram": 2, "weight": 1.0`, `"ngram": 0, "weight": 0`, none},
		{goodV1, `"ngram": 2`, `"ngram": 0`, "/features/0/hashing/ngram"},
		{goodV1, `"weight": 1.0`, `"weight": -1`, "/features/0/hashing/weight"},
		{goodV1, `"weight": 1.0`, `"weight": 0.1`, "/features/0/hashing/weight"}, // rounds to no bit
		{goodV1, `"weight": 1.0`, `"weight": 1e300`, "/features/0/hashing/weight"},
		{goodV1, `"weight": 1.0`, `"other": 1`, "/features/0/hashing/other"},
		{goodV1, `{"type": "blakeHash"}`, `{"type": "none"}`, "/clkConfig/hash/type"},
		{`[]`, "", "", ""},
		{`{"version": 3, "clkConfig": {"l": 8, "kdf": {"type": "HKDF"}}, "features": []}`, "", "", "/features"},
		{`{"version": 3, "clkConfig": [], "features": []}`, "", "", "/clkConfig"},
		{`{"version": 3, "clkConfig": {"l": 8, "kdf": {"type": "HKDF"}}, "features": 1}`, "", "", "/features"},
		{strings.Repeat(" ", MaxSchema) + goodV3, "", "", ""},
	}
	for _, tt := range tests {
		if !strings.Contains(tt.base, tt.from) {
			t.Fatalf("%s is not in the schema", tt.from)
		}
		_, err := Parse([]byte(strings.Replace(tt.base, tt.from, tt.to, 1)))
		var bad *SchemaError
		switch {
		case tt.pointer == none && err != nil:
			t.Errorf("%s → %s: %v", tt.from, tt.to, err)
		case tt.pointer != none && (!errors.As(err, &bad) || !errors.Is(err, ErrSchema) || bad.Pointer != tt.pointer):
			t.Errorf("%s → %s: %v, want an error at %q", tt.from, tt.to, err, tt.pointer)
		}
	}
}

func TestOneBitHasNoOtherStep(t *testing.T) {
	s := strings.Replace(goodV3, "256", "1", 1)
	s = strings.Replace(s, `3}}`, `3}, "hash": {"type": "doubleHash", "prevent_singularity": true}}`, 1)
	if _, err := Parse([]byte(s)); !errors.Is(err, ErrSchema) {
		t.Errorf("%v, want %v", err, ErrSchema)
	}
}

// A schema is refused or works, whatever it says.
func FuzzParse(f *testing.F) {
	for _, s := range []string{goodV1, goodV2, goodV3} {
		f.Add(s, "Ångström 12")
	}
	f.Add(strings.Replace(goodV3, `"type": "string"`, `"type": "date", "format": "%d %b %y"`, 1), "3 Mar 80")
	f.Add(strings.Replace(goodV3, `"ngram", "n": 2`, `"numeric", "thresholdDistance": 2.5, "resolution": 3`, 1), "1e3")
	f.Add(strings.Replace(goodV3, `"type": "string"`, `"type": "string", "pattern": "\\w{1,9}"`, 1), "abc")
	f.Fuzz(func(t *testing.T, text, value string) {
		s, err := Parse([]byte(text))
		if err != nil {
			if !errors.Is(err, ErrSchema) {
				t.Fatal("an error of another kind")
			}
			return
		}
		if s.filter() > 1<<16 || len(s.features) > 8 || len(value) > 1000 {
			return
		}
		e, err := NewEncoder(s, []byte("secret"))
		if err != nil {
			t.Fatal(err)
		}
		record := make([]string, len(s.features))
		for i := range record {
			record[i] = value
		}
		clk, err := e.Encode(record)
		if err != nil {
			if !errors.Is(err, ErrValue) {
				t.Fatal("an error of another kind")
			}
			return
		}
		if len(clk) != (s.Bits+63)/64 {
			t.Fatal("a CLK of another length")
		}
	})
}
