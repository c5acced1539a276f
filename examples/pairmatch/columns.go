package main

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/comity-prl/comity/tokenize"
)

// columns says which column of the own CSV file holds a field, where the two have
// different names. "" says that no column does: the field is missing in every
// record. It stays on this side: it is not part of what two agencies agree on.
type columns map[string]string

// columnsFile says how the own CSV file holds the fields that were agreed on.
type columnsFile struct {
	Version int     `json:"version"`
	Columns columns `json:"columns"`
	// Readings say how values are written: the order and calendar of dates, and the
	// region of telephone numbers and documents.
	Readings map[string]tokenize.Reading `json:"readings,omitempty"`
	// MRZ is the column of machine-readable zones of travel documents, which fill
	// fields that have no value of their own.
	MRZ string `json:"mrz,omitempty"`
}

// readColumns reads a columns file for the fields of a schema. Without a path there
// is none.
func readColumns(path string, fields []tokenize.FieldSpec) (c columnsFile, err error) {
	if path == "" {
		return c, nil
	}
	text, err := readBounded(path, maxLinkage)
	if err != nil {
		return c, err
	}
	if err := decodeJSON(text, &c); err != nil {
		return c, inputf(path, "%s", err)
	}
	if c.Version != 1 {
		return c, inputf(path, "it is a columns file of version %d, here 1", c.Version)
	}
	if err := (&tokenize.Schema{Fields: fields, Readings: c.Readings}).Validate(); err != nil {
		return c, inputf(path, "%s", flat(err))
	}
	return c, nil
}

// none stands for the column of a field that the file does not have.
const none = -1

// locate returns the index of each field's column. Fields of a zone may have none.
func (c columnsFile) locate(f *csvFile, fields []tokenize.FieldSpec) ([]int, error) {
	known := func(name string) bool {
		return slices.ContainsFunc(fields, func(s tokenize.FieldSpec) bool { return s.Name == name })
	}
	for name := range c.Columns {
		if !known(name) {
			return nil, inputf(f.path, "the columns file maps %q, which is not a field of the linkage file", name)
		}
	}
	at := make([]int, len(fields))
	for i, spec := range fields {
		header, mapped := c.Columns[spec.Name]
		if !mapped {
			header = spec.Name
		}
		if mapped && header == "" {
			at[i] = none
			continue
		}
		var err error
		if at[i], err = f.column(header); err != nil && !mapped && c.MRZ != "" && mrzValues[spec.Name] != nil {
			at[i] = none
			continue
		}
		if err != nil {
			return nil, missingColumn(f, spec.Name, header, mapped)
		}
	}
	return at, nil
}

// column returns the index of a column.
func (f *csvFile) column(name string) (int, error) {
	i := slices.IndexFunc(f.header, func(h string) bool { return sameName(h, name) })
	if i < 0 {
		return 0, inputf(f.path, "there is no column %q", name)
	}
	return i, nil
}

func missingColumn(f *csvFile, field, header string, mapped bool) error {
	what := fmt.Sprintf("line 1: there is no column %q", header)
	if mapped {
		what += fmt.Sprintf(", which the columns file gives for %q", field)
	}
	hint := "pairmatch schema makes a columns file, for --columns"
	if near := closest(field, f.header); near != "" {
		hint = fmt.Sprintf("did you mean %q? %s", near, hint)
	}
	return inputf(f.path, "%s: %s", what, hint)
}

// table is the own records, in memory.
type table struct {
	path    string
	records []tokenize.Record // fields in the order of the linkage file
	lines   []int             // where each record starts in the file
	ids     []string          // nil: no --id

	badZones int // machine-readable zones that cannot be read
}

// readTable reads a CSV file. idColumn may be empty.
func readTable(path string, fields []tokenize.FieldSpec, c columnsFile, idColumn string) (*table, error) {
	f, err := openCSV(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	at, err := c.locate(f, fields)
	if err != nil {
		return nil, err
	}
	idAt := none
	if idColumn != "" {
		if idAt, err = f.column(idColumn); err != nil {
			return nil, err
		}
	}
	zoneAt := none
	if c.MRZ != "" {
		if zoneAt, err = f.column(c.MRZ); err != nil {
			return nil, err
		}
	}
	t := &table{path: path}
	for {
		values, line, err := f.next()
		if errors.Is(err, io.EOF) {
			return t, nil
		}
		if err != nil {
			return nil, err
		}
		record := make(tokenize.Record, len(at))
		for i, column := range at {
			if column != none {
				record[i] = values[column]
			}
		}
		if zoneAt != none && values[zoneAt] != "" && !fillFromZone(record, fields, values[zoneAt]) {
			t.badZones++
		}
		t.records = append(t.records, record)
		t.lines = append(t.lines, line)
		if idAt != none {
			t.ids = append(t.ids, values[idAt])
		}
	}
}
