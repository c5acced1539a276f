package main

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v3"
)

var scoreCommand = &cli.Command{
	Name:      "score",
	Usage:     "compare both sides' results with the truth, where somebody may know it",
	ArgsUsage: "RESULT_A RESULT_B",
	Description: `RESULT_A and RESULT_B are the files that the two sides got: matches and
handles, in either order, or two files of groups. The links file holds the
true pairs: a header, then the record of A and that of B. They are compared
with the id column of the results, or with the row if there is none.`,
	Flags: []cli.Flag{
		&cli.StringFlag{Name: "links", Usage: "CSV `FILE` of the true pairs: record of A, record of B", Required: true},
		flagJSON,
	},
	Action: func(_ context.Context, cmd *cli.Command) error {
		paths, err := arguments(cmd, "RESULT_A", "RESULT_B")
		if err != nil {
			return err
		}
		s, err := scoreFiles(cmd.String("links"), paths[0], paths[1])
		if err != nil {
			return err
		}
		con := newConsole(cmd)
		con.say("precision %.4f   of %d pairs found, %d are true", s.Precision, s.True+s.False, s.True)
		con.say("recall    %.4f   of %d true pairs, %d were missed", s.Recall, s.True+s.Missed, s.Missed)
		con.say("F1        %.4f", s.F1)
		return con.result(s)
	},
}

// score compares found pairs with the truth. Where there is nothing to divide by,
// precision, recall and F1 are 0.
type score struct {
	Precision float64 `json:"precision"`
	Recall    float64 `json:"recall"`
	F1        float64 `json:"f1"`
	True      int     `json:"tp"` // pairs found that are true
	False     int     `json:"fp"` // pairs found that are not
	Missed    int     `json:"fn"` // true pairs not found
}

// pair is a record of A and one of B, by id or row.
type pair [2]string

func newScore(found, truth map[pair]bool) score {
	var s score
	for p := range found {
		if truth[p] {
			s.True++
		}
	}
	s.False, s.Missed = len(found)-s.True, len(truth)-s.True
	ratio := func(n, of int) float64 {
		if of == 0 {
			return 0
		}
		return float64(n) / float64(of)
	}
	s.Precision = ratio(s.True, s.True+s.False)
	s.Recall = ratio(s.True, s.True+s.Missed)
	s.F1 = ratio(2*s.True, 2*s.True+s.False+s.Missed)
	return s
}

func scoreFiles(links, a, b string) (score, error) {
	truth, err := readLinks(links)
	if err != nil {
		return score{}, err
	}
	left, err := readOutcome(a)
	if err != nil {
		return score{}, err
	}
	right, err := readOutcome(b)
	if err != nil {
		return score{}, err
	}
	if !joins(left.kind, right.kind) {
		return score{}, usagef("%s and %s do not belong together: %s and %s; score takes matches and handles, or groups and groups",
			a, b, left.kind, right.kind)
	}
	return newScore(join(left, right), truth), nil
}

func readLinks(path string) (map[pair]bool, error) {
	truth := make(map[pair]bool)
	return truth, eachRecord(path, func(header []string) error {
		if len(header) != 2 {
			return inputf(path, "line 1: a links file has two columns, this has %d", len(header))
		}
		return nil
	}, func(record []string) { truth[pair(record)] = true })
}

// outcome is one side's result: who stands behind each handle or group.
type outcome struct {
	kind    string
	records map[string][]string // by handle or group: ids, or rows
}

const (
	kindMatches = "matches"
	kindHandles = "handles"
	kindGroups  = "groups"
	kindCount   = "count"
)

func joins(a, b string) bool {
	kinds := []string{a, b}
	slices.Sort(kinds)
	return slices.Equal(kinds, []string{kindHandles, kindMatches}) || slices.Equal(kinds, []string{kindGroups, kindGroups})
}

func readOutcome(path string) (outcome, error) {
	o := outcome{records: make(map[string][]string)}
	var key, record int
	err := eachRecord(path, func(header []string) error {
		has := func(name string) bool { return slices.Contains(header, name) }
		switch {
		case has("group"):
			o.kind = kindGroups
		case has("handle") && has("status"):
			o.kind = kindMatches
		case has("handle"):
			o.kind = kindHandles
		default:
			return inputf(path, "not a result of pairmatch: the header names neither handles nor groups")
		}
		key = max(slices.Index(header, "group"), slices.Index(header, "handle"))
		record = slices.Index(header, "id")
		if record < 0 {
			record = slices.Index(header, "row")
		}
		if record < 0 {
			return inputf(path, "not a result of pairmatch: the header names neither id nor row")
		}
		return nil
	}, func(r []string) { o.records[r[key]] = append(o.records[r[key]], r[record]) })
	return o, err
}

// join pairs the records of both sides that stand behind one handle or group.
func join(a, b outcome) map[pair]bool {
	found := make(map[pair]bool)
	for key, left := range a.records {
		for _, x := range left {
			for _, y := range b.records[key] {
				found[pair{x, y}] = true
			}
		}
	}
	return found
}

// eachRecord calls head with the header of a CSV file and then body with each
// record.
func eachRecord(path string, head func([]string) error, body func([]string)) error {
	f, err := openCSV(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := head(f.header); err != nil {
		return err
	}
	for {
		record, _, err := f.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		body(record)
	}
}

// arguments returns the positional arguments, which must be as many as named.
func arguments(cmd *cli.Command, names ...string) ([]string, error) {
	if cmd.NArg() != len(names) {
		return nil, usagef("%s takes %s: see %s", cmd.Name, strings.Join(names, " and "), helpOf(cmd))
	}
	return cmd.Args().Slice(), nil
}
