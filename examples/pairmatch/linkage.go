package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/comity-prl/comity/bloomlink"
	"github.com/comity-prl/comity/tokenize"
)

const maxLinkage = 64 << 10

// linkage is what two agencies agree on before they link: the fields and what they
// hold, the rules that make tokens, and how records are encoded for a linkage
// unit. It names no column of anyone's file.
type linkage struct {
	Version  int                  `json:"version"`
	Fields   []tokenize.FieldSpec `json:"fields"`
	Rules    []tokenize.Rule      `json:"rules"`
	Encoding encoding             `json:"encoding"`

	readings map[string]tokenize.Reading // of this side's columns file
}

// encoding is the part for a linkage unit.
type encoding struct {
	Length    int                 `json:"length"` // bits
	Threshold float64             `json:"threshold"`
	Features  []bloomlink.Feature `json:"features"` // named after fields
}

func readLinkage(path string) (*linkage, error) {
	text, err := readBounded(path, maxLinkage)
	if err != nil {
		return nil, err
	}
	l := new(linkage)
	if err := decodeJSON(text, l); err != nil {
		return nil, inputf(path, "%s", flat(err))
	}
	if err := l.validate(); err != nil {
		return nil, inputf(path, "%s", flat(err))
	}
	return l, nil
}

func (l *linkage) schema() *tokenize.Schema {
	return &tokenize.Schema{Fields: l.Fields, Readings: l.readings}
}

func (l *linkage) bloom() *bloomlink.Schema {
	return &bloomlink.Schema{Length: l.Encoding.Length, Features: l.Encoding.Features}
}

// validate reports why the linkage file cannot be used.
func (l *linkage) validate() error {
	if l.Version != 1 {
		return fmt.Errorf("it is a linkage file of version %d, here 1", l.Version)
	}
	if len(l.Rules) == 0 {
		return errors.New("it has no rules")
	}
	if _, err := l.tokenizer(make(secret, secretSize), "check"); err != nil {
		return err
	}
	if err := l.bloom().Validate(); err != nil {
		return err
	}
	for _, f := range l.Encoding.Features {
		if l.field(f.Name) < 0 {
			return fmt.Errorf("the encoding has a feature %q, and there is no such field", f.Name)
		}
	}
	if t := l.Encoding.Threshold; !(t > 0 && t <= 1) {
		return errors.New("the encoding's threshold is not above 0 and at most 1")
	}
	return nil
}

// field returns the index of a field, or -1.
func (l *linkage) field(name string) int {
	return slices.IndexFunc(l.Fields, func(f tokenize.FieldSpec) bool { return f.Name == name })
}

// describe tells people what the linkage file says, a line each.
func (l *linkage) describe() []string {
	lines := []string{"rules"}
	for i, r := range l.Rules {
		var parts []string
		for _, p := range r.Parts {
			parts = append(parts, p.String())
		}
		lines = append(lines, fmt.Sprintf("  %d. %s", i+1, strings.Join(parts, " + ")))
	}
	var features []string
	for _, f := range l.Encoding.Features {
		features = append(features, f.Name)
	}
	return append(lines, fmt.Sprintf("encoding     %d bits of %s; threshold %v",
		l.bloom().Length, strings.Join(features, ", "), l.Encoding.Threshold))
}
