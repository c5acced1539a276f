package protocol

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"unicode/utf8"
)

// errStrict says what the standard decoder would let pass. It names keys that
// are known here, never what the text holds.
var (
	errUTF8      = errors.New("not valid UTF-8")
	errObject    = errors.New("not one JSON object")
	errUnknown   = errors.New("a key is not known")
	errDuplicate = errors.New("a key occurs twice")
	errTrailing  = errors.New("data after the object")
)

// decodeStrict reads one JSON object of scalars and lists into the struct that v
// points to. Unlike the standard decoder it refuses keys that are unknown, occur
// twice or differ in case, and anything after the object, so that a text has one
// meaning for all who read it.
func decodeStrict(text []byte, v any) error {
	if !utf8.Valid(text) {
		return errUTF8
	}
	known := jsonKeys(reflect.TypeOf(v).Elem())
	d := json.NewDecoder(bytes.NewReader(text))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return errObject
	}
	seen := make(map[string]bool)
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return errObject
		}
		key, _ := t.(string)
		if !known[key] {
			return errUnknown
		}
		if seen[key] {
			return fmt.Errorf("%w: %q", errDuplicate, key)
		}
		seen[key] = true
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return errObject
		}
	}
	if _, err := d.Token(); err != nil {
		return errObject
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errTrailing
	}
	if err := json.Unmarshal(text, v); err != nil {
		var mistyped *json.UnmarshalTypeError
		if errors.As(err, &mistyped) {
			return fmt.Errorf("%q has a value of the wrong type", mistyped.Field)
		}
		return errors.New("a value is malformed")
	}
	return nil
}

func jsonKeys(t reflect.Type) map[string]bool {
	keys := make(map[string]bool, t.NumField())
	for i := range t.NumField() {
		key, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		keys[key] = true
	}
	return keys
}
