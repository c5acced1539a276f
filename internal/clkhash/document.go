package clkhash

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// document is a JSON document that is being read. It keeps the first error, after
// which all that is read is zero.
type document struct {
	version int
	err     *SchemaError
}

// value is one value of a document, or the lack of it.
type value struct {
	doc     *document
	pointer string
	raw     any
	present bool
}

func open(data []byte) (value, error) {
	doc := &document{}
	root := value{doc: doc, present: true}
	if len(data) > MaxSchema {
		root.fail("more than %d bytes", MaxSchema)
		return root, doc.err
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber() // Python tells 1 from 1.0
	if err := d.Decode(&root.raw); err != nil {
		root.fail("not JSON: %v", err)
		return root, doc.err
	}
	if _, err := d.Token(); err != io.EOF {
		root.fail("more follows the document")
		return root, doc.err
	}
	return root, nil
}

func (v value) fail(reason string, args ...any) {
	if v.doc.err == nil {
		v.doc.err = &SchemaError{v.pointer, fmt.Sprintf(reason, args...)}
	}
}

var pointerEscape = strings.NewReplacer("~", "~0", "/", "~1")

// get returns the member of an object.
func (v value) get(key string) value {
	m, _ := v.raw.(map[string]any)
	raw, present := m[key]
	return value{v.doc, v.pointer + "/" + pointerEscape.Replace(key), raw, present}
}

// object requires v to be an object that has the members named.
func (v value) object(required ...string) {
	m, ok := v.raw.(map[string]any)
	if !ok {
		v.fail("want an object")
		return
	}
	for _, key := range required {
		if _, ok := m[key]; !ok {
			v.fail("%q is missing", key)
		}
	}
}

// only forbids members beside those named.
func (v value) only(known ...string) {
	m, _ := v.raw.(map[string]any)
	for _, key := range slices.Sorted(maps.Keys(m)) {
		if !slices.Contains(known, key) {
			v.get(key).fail("not known here")
		}
	}
}

func (v value) items() []value {
	list, ok := v.raw.([]any)
	if !ok {
		v.fail("want an array")
	}
	all := make([]value, len(list))
	for i, raw := range list {
		all[i] = value{v.doc, v.pointer + "/" + strconv.Itoa(i), raw, true}
	}
	return all
}

// text returns a string, or otherwise if there is none.
func (v value) text(otherwise string) string {
	if !v.present {
		return otherwise
	}
	s, ok := v.raw.(string)
	if !ok {
		v.fail("want a string")
	}
	return s
}

func (v value) oneOf(otherwise string, allowed ...string) string {
	s := v.text(otherwise)
	if v.present && !slices.Contains(allowed, s) {
		v.fail("want one of %q", allowed)
	}
	return s
}

func (v value) boolean() bool {
	b, ok := v.raw.(bool)
	if v.present && !ok {
		v.fail("want true or false")
	}
	return b
}

// integer returns a whole number from lo to hi, or otherwise if there is none.
func (v value) integer(lo, hi, otherwise int) int {
	if !v.present {
		return otherwise
	}
	n, ok := v.raw.(json.Number)
	if !ok || isFloat(n) {
		v.fail("want a whole number")
		return otherwise
	}
	i, err := strconv.Atoi(n.String())
	if err != nil || i < lo || i > hi {
		v.fail("want a whole number from %d to %d", lo, hi)
		return otherwise
	}
	return i
}

// whole returns a whole number of any size, or nil if there is none. Schemas of
// version 2 and 3 may write it as a float (JSON Schema draft 7; 1 has draft 4).
func (v value) whole() *big.Int {
	if !v.present {
		return nil
	}
	n, ok := v.raw.(json.Number)
	if !ok {
		v.fail("want a whole number")
		return nil
	}
	if !isFloat(n) {
		i, _ := new(big.Int).SetString(n.String(), 10) // JSON has it checked
		return i
	}
	f, err := strconv.ParseFloat(n.String(), 64)
	if err != nil || v.doc.version == 1 || f != float64(int64(f)) {
		v.fail("want a whole number")
		return nil
	}
	return big.NewInt(int64(f))
}

func isFloat(n json.Number) bool { return strings.ContainsAny(n.String(), ".eE") }
