package protocol

import (
	"bytes"
	"encoding"
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

// decodeStrict reads one JSON object into the struct that v points to. Unlike the
// standard decoder it refuses keys that are unknown, occur twice or differ in case,
// in objects within too, null, and anything after the object, so that a text has
// one meaning for all who read it.
func decodeStrict(text []byte, v any) error {
	if !utf8.Valid(text) {
		return errUTF8
	}
	d := json.NewDecoder(bytes.NewReader(text))
	if err := checkObject(d, reflect.TypeOf(v).Elem()); err != nil {
		return err
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

// checkObject reads an object with keys of the struct.
func checkObject(d *json.Decoder, t reflect.Type) error {
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return errObject
	}
	fields := jsonFields(t)
	seen := make(map[string]bool)
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return errObject
		}
		key, _ := token.(string)
		field, known := fields[key]
		if !known {
			return errUnknown
		}
		if seen[key] {
			return fmt.Errorf("%w: %q", errDuplicate, key)
		}
		seen[key] = true
		if err := checkValue(d, key, field); err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil {
		return errObject
	}
	return nil
}

// checkValue reads the value of a key. Types outside of this package's structs are
// for their own decoders to check.
func checkValue(d *json.Decoder, key string, t reflect.Type) error {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if isObject(t) {
		return checkObject(d, t)
	}
	if t.Kind() == reflect.Slice && isObject(t.Elem()) {
		if open, err := d.Token(); err != nil || open != json.Delim('[') {
			return fmt.Errorf("%q is not a list", key)
		}
		for d.More() {
			if err := checkObject(d, t.Elem()); err != nil {
				return err
			}
		}
		if _, err := d.Token(); err != nil {
			return errObject
		}
		return nil
	}
	var value json.RawMessage
	if err := d.Decode(&value); err != nil {
		return errObject
	}
	if string(value) == "null" {
		return fmt.Errorf("%q is null", key)
	}
	return nil
}

// isObject reports whether values of the type are JSON objects of its fields.
func isObject(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && !t.Implements(reflect.TypeFor[encoding.TextMarshaler]())
}

// jsonFields returns the types of a struct's fields by their keys.
func jsonFields(t reflect.Type) map[string]reflect.Type {
	fields := make(map[string]reflect.Type, t.NumField())
	for f := range t.Fields() {
		if key, _, _ := strings.Cut(f.Tag.Get("json"), ","); key != "" {
			fields[key] = f.Type
		}
	}
	return fields
}

func jsonKeys(t reflect.Type) map[string]bool {
	keys := make(map[string]bool)
	for key := range jsonFields(t) {
		keys[key] = true
	}
	return keys
}
