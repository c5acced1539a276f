package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"time"

	"github.com/comity-prl/comity/internal/synth"
)

// Sizes of the demo's files.
const (
	demoRecords = 2000 // a side
	demoShared  = 1000 // persons whom both know
)

// invented is what only the demo knows: who stands behind the files.
type invented struct {
	a, b  []synth.Person
	truth map[pair]bool // by id
}

// Columns of the two files: each agency has names, an order and a date format of
// its own.
var (
	demoColumnsA = []string{"record_id", "first_name", "surname", "date_of_birth", "sex", "house_number", "street", "zip", "town", "phone", "email"}
	demoColumnsB = []string{"Nr", "Nachname", "Vorname", "Geburtsdatum", "Geschlecht", "Straße", "Hausnummer", "PLZ", "Ort", "Telefon", "E-Mail"}
)

func (d *demo) invent() error {
	d.con.say("Two agencies of different countries, with %d and %d invented people, %d of whom both know,", demoRecords, demoRecords, demoShared)
	d.con.say("with the errors that such records have. All commands below run in real processes.")
	g, err := synth.New(d.seed, nil)
	if err != nil {
		return err
	}
	p, err := g.Pair(demoRecords, demoRecords, demoShared)
	if err != nil {
		return err
	}
	d.people = invented{a: p.A, b: p.B, truth: make(map[pair]bool)}
	if err := d.writeTable("a.csv", ',', demoColumnsA, len(p.A), func(i int) []string {
		q := p.A[i]
		return []string{demoID("a", i), q.GivenName, q.FamilyName, q.BirthDate, q.Sex, q.StreetNumber, q.Street, q.Postcode, q.City, q.Phone, q.Email}
	}); err != nil {
		return err
	}
	if err := d.writeTable("b.csv", ';', demoColumnsB, len(p.B), func(i int) []string {
		q := p.B[i]
		return []string{demoID("b", i), q.FamilyName, q.GivenName, dotted(q.BirthDate), q.Sex, q.Street, q.StreetNumber, q.Postcode, q.City, q.Phone, q.Email}
	}); err != nil {
		return err
	}
	return d.writeTable("links.csv", ',', []string{"id_a", "id_b"}, len(p.Links), func(i int) []string {
		link := pair{demoID("a", p.Links[i][0]), demoID("b", p.Links[i][1])}
		d.people.truth[link] = true
		return link[:]
	})
}

func (d *demo) writeTable(name string, comma rune, header []string, n int, line func(i int) []string) error {
	return writeWhole(filepath.Join(d.folder, name), func(w io.Writer) error {
		out := csv.NewWriter(w)
		out.Comma = comma
		if err := out.Write(header); err != nil {
			return err
		}
		for i := range n {
			if err := out.Write(line(i)); err != nil {
				return err
			}
		}
		out.Flush()
		return out.Error()
	})
}

func demoID(side string, i int) string { return side + strconv.Itoa(i+1) }

// demoIndex undoes demoID.
func demoIndex(id string) int {
	n, _ := strconv.Atoi(id[1:]) // the demo's own files hold nothing else
	return n - 1
}

// dotted writes a date as 25.01.1978.
func dotted(iso string) string {
	t, err := time.Parse(time.DateOnly, iso)
	if err != nil {
		return iso
	}
	return t.Format("02.01.2006")
}

// describe shows a person as an agency has it.
func describe(p synth.Person, date string) string {
	return fmt.Sprintf("%s, %s, born %s", orBlank(p.FamilyName), orBlank(p.GivenName), orBlank(date))
}

func orBlank(s string) string {
	if s == "" {
		return "–"
	}
	return s
}
