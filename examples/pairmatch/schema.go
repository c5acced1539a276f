package main

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"

	"github.com/urfave/cli/v3"

	"github.com/comity-prl/comity/tokenize"
)

var schemaCommand = &cli.Command{
	Name:      "schema",
	Usage:     "propose a linkage file and a columns file from the header of a CSV file",
	ArgsUsage: "PEOPLE.csv",
	Description: `The linkage file says which fields both sides compare, by which rules, and how
records are encoded for a linkage unit: read it, change it, and invite the other
side with it. The columns file says which own column holds a field, where the
names differ. It stays on this side.

Numbers that stand for a person by themselves, such as a passport's, are proposed
with --numbers alone. How the own dates are written (--order, --calendar) and which
country is meant where a telephone number, plate or document names none (--region)
goes to the columns file; the other side's may differ. --mrz names a column of
machine-readable zones of travel documents, which fill fields without a value.

The side that is invited has a linkage file already: with --dir (or --linkage)
schema writes its columns file alone.`,
	Flags: []cli.Flag{
		&cli.StringFlag{Name: "o", Aliases: []string{"out", "output"}, Usage: "`FILE` for the linkage file (default: standard output)"},
		&cli.StringFlag{Name: "columns", Usage: "`FILE` for the columns file (default: columns.json beside the linkage file)"},
		&cli.StringFlag{Name: "linkage", Usage: "write columns for this linkage `FILE`"},
		&cli.StringFlag{Name: "dir", Usage: "write columns for what was agreed with a peer, in this own `FOLDER`"},
		&cli.BoolFlag{Name: "numbers", Usage: "propose numbers that stand for a person by themselves, too"},
		&cli.StringFlag{Name: "order", Usage: "`ORDER` of the own dates: dmy, mdy or ymd"},
		&cli.StringFlag{Name: "calendar", Usage: "`CALENDAR` of the own dates: hijri, hijri-civil, persian or buddhist (default: Gregorian)"},
		&cli.StringFlag{Name: "region", Usage: "`COUNTRY` of own telephone numbers, plates and documents, such as DE"},
		&cli.StringFlag{Name: "mrz", Usage: "`COLUMN` of machine-readable zones"},
		flagPeer, flagEpoch, flagForce, flagQuiet,
	},
	Action: func(_ context.Context, cmd *cli.Command) error {
		paths, err := arguments(cmd, "PEOPLE.csv")
		if err != nil {
			return err
		}
		f, err := openCSV(paths[0])
		if err != nil {
			return err
		}
		defer f.Close()
		p := &proposal{file: f, con: newConsole(cmd), force: cmd.Bool("force"),
			linkagePath: cmd.String("o"), columnsPath: cmd.String("columns"), numbers: cmd.Bool("numbers"), mrz: cmd.String("mrz"), zone: none,
			reading: tokenize.Reading{Order: tokenize.DateOrder(cmd.String("order")), Calendar: tokenize.Calendar(cmd.String("calendar")), Region: cmd.String("region")}}
		p.say = p.con.say
		agreed, err := agreedLinkage(cmd)
		if err != nil {
			return err
		}
		if p.mrz != "" {
			if p.zone, err = f.column(p.mrz); err != nil {
				return err
			}
		}
		if agreed != nil {
			return p.columnsFor(agreed)
		}
		return p.propose()
	},
}

// agreedLinkage returns the linkage file that exists already, or nil.
func agreedLinkage(cmd *cli.Command) (*linkage, error) {
	if path := cmd.String("linkage"); path != "" {
		return readLinkage(path)
	}
	if cmd.String("dir") == "" {
		return nil, nil
	}
	f, err := openFolder(cmd.String("dir"))
	if err != nil {
		return nil, err
	}
	k, err := f.peer(cmd.String("peer"), false)
	if err != nil {
		return nil, err
	}
	p, err := f.pact(k, cmd.String("epoch"))
	return p.linkage, err
}

// proposal is one run of the command.
type proposal struct {
	file        *csvFile
	con         *console
	force       bool
	linkagePath string // "": standard output
	columnsPath string // "": beside the linkage file, if there is one
	numbers     bool   // propose numbers of persons
	reading     tokenize.Reading
	mrz         string // column of zones, or ""
	zone        int    // its index, or none

	say func(format string, args ...any) // to people
}

// propose writes both files from the header.
func (p *proposal) propose() error {
	if p.linkagePath == "" {
		p.say = p.con.note // standard output is for the linkage file
	}
	found, rest := p.recognise()
	if len(found) == 0 {
		return inputf(p.file.path, "line 1: no column has a name that schema knows: is the first line a header?")
	}
	l, err := newLinkage(found)
	if err != nil {
		return inputf(p.file.path, "line 1: %s", err)
	}
	for _, field := range l.Fields {
		p.say("%-14s ← column %q", field.Name, p.file.header[found[field.Name]])
	}
	for _, i := range rest {
		p.say("left out         column %q: %s", p.file.header[i], p.whyNot(i))
	}
	text, err := json.MarshalIndent(l, "", "  ")
	if err != nil {
		return err
	}
	text = append(text, '\n')
	if p.linkagePath == "" {
		if _, err := p.con.out.Write(text); err != nil {
			return err
		}
		return p.writeColumns(l, found)
	}
	if err := mayWrite(p.force, p.linkagePath); err != nil {
		return err
	}
	if err := writeFile(p.linkagePath, text); err != nil {
		return err
	}
	p.say("wrote %s: %d rules, and an encoding of %d fields with the threshold %.2f, the best for invented people",
		p.linkagePath, len(l.Rules), len(l.Encoding.Features), l.Encoding.Threshold)
	if p.columnsPath == "" {
		p.columnsPath = filepath.Join(filepath.Dir(p.linkagePath), "columns.json")
	}
	return p.writeColumns(l, found)
}

// recognise returns the column of each field that is known, by the field's name,
// and the columns that are left.
func (p *proposal) recognise() (found map[string]int, rest []int) {
	found = make(map[string]int)
	for i, h := range p.file.header {
		field, ok := guess(h)
		if i == p.zone {
			continue
		}
		if !ok || standardFields[field].number && !p.numbers {
			rest = append(rest, i)
			continue
		}
		name := standardFields[field].name
		if _, taken := found[name]; taken {
			rest = append(rest, i)
			continue
		}
		found[name] = i
	}
	// "Name" beside a given name is a family name.
	full, one := found["full_name"]
	_, given := found["given_name"]
	if _, family := found["family_name"]; one && given && !family {
		found["family_name"] = full
		delete(found, "full_name")
	}
	for _, f := range standardFields {
		if _, own := found[f.name]; p.zone != none && !own && mrzValues[f.name] != nil && (p.numbers || !f.number) && f.name != "full_name" {
			found[f.name] = p.zone
		}
	}
	return found, rest
}

func (p *proposal) whyNot(column int) string {
	switch i, ok := guess(p.file.header[column]); {
	case ok && standardFields[i].number && !p.numbers:
		return aNumber
	case ok:
		return fmt.Sprintf("another column holds %q already", standardFields[i].name)
	}
	return whyLeftOut(p.file.header[column])
}

// writeColumns writes the columns file, if any name differs.
func (p *proposal) writeColumns(l *linkage, found map[string]int) error {
	c := make(columns)
	for _, field := range l.Fields {
		i, ok := found[field.Name]
		switch {
		case !ok:
			c[field.Name] = ""
		case i == p.zone: // by mrz
		case !sameName(p.file.header[i], field.Name):
			c[field.Name] = p.file.header[i]
		}
	}
	readings, err := p.readings(l)
	if err != nil {
		return err
	}
	if len(c) == 0 && readings == nil && p.mrz == "" {
		p.say("no columns file is needed: every field has a column of its name")
		return nil
	}
	if p.columnsPath == "" {
		p.say("%d fields have columns of other names or readings: write a columns file with --columns FILE", len(c)+len(readings))
		return nil
	}
	if err := mayWrite(p.force, p.columnsPath); err != nil {
		return err
	}
	if err := writeJSONFile(p.columnsPath, columnsFile{1, c, readings, p.mrz}); err != nil {
		return err
	}
	p.say("wrote %s: it stays on this side; give it to link, serve and doctor with --columns", p.columnsPath)
	return nil
}

// readings gives each field the part of the own reading that its kind can have.
func (p *proposal) readings(l *linkage) (map[string]tokenize.Reading, error) {
	var out map[string]tokenize.Reading
	for _, field := range l.Fields {
		r := field.Kind.Reading(p.reading)
		if r == (tokenize.Reading{}) {
			continue
		}
		if out == nil {
			out = make(map[string]tokenize.Reading)
		}
		out[field.Name] = r
	}
	if err := (&tokenize.Schema{Fields: l.Fields, Readings: out}).Validate(); err != nil {
		return nil, usagef("%s", flat(err))
	}
	return out, nil
}

// columnsFor writes a columns file for a linkage file that exists.
func (p *proposal) columnsFor(l *linkage) error {
	if p.linkagePath != "" {
		return usagef("-o is for a new linkage file: with --dir or --linkage, schema writes the columns file alone, see --columns")
	}
	if p.columnsPath == "" {
		p.columnsPath = "columns.json"
	}
	p.numbers = true // they were agreed on
	found, _ := p.recognise()
	at := make(map[string]int)
	for _, field := range l.Fields {
		i, err := p.file.column(field.Name)
		if guessed, ok := found[field.Name]; ok && err != nil {
			i, err = guessed, nil
		}
		if err != nil {
			p.con.warn("%s: no column seems to hold %q: it counts as missing in every record", p.file.path, field.Name)
			continue
		}
		at[field.Name] = i
		p.say("%-14s ← column %q", field.Name, p.file.header[i])
	}
	if len(at) == 0 {
		return inputf(p.file.path, "line 1: no column holds any of the fields: is the first line a header?")
	}
	return p.writeColumns(l, at)
}
