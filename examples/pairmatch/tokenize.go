package main

import (
	"context"
	"encoding/csv"
	"encoding/hex"
	"io"
	"strconv"

	"github.com/urfave/cli/v3"
)

var tokenizeCommand = &cli.Command{
	Name:  "tokenize",
	Usage: "write the own tokens to a file, to look at; link and serve make their own",
	Description: `Writes row, rule and token of each token that the own records make. Whoever
has the agreed secret can guess persons from tokens: keep the file, and never
send it.`,
	Flags: append(sideFlags,
		&cli.StringFlag{Name: "o", Aliases: []string{"out", "output"}, Usage: "`FILE` for the tokens", Value: "tokens.csv"},
		flagForce, flagJSON, flagQuiet,
	),
	Action: func(ctx context.Context, cmd *cli.Command) error {
		if _, err := arguments(cmd); err != nil {
			return err
		}
		out := cmd.String("o")
		if err := mayWrite(cmd.Bool("force"), out); err != nil {
			return err
		}
		s, err := openSide(cmd)
		if err != nil {
			return err
		}
		t, err := s.tokens(ctx)
		if err != nil {
			return err
		}
		if err := writeWhole(out, func(w io.Writer) error { return s.writeTokens(w, t) }); err != nil {
			return err
		}
		s.con.say("%d records made %d tokens, %d of them distinct", len(s.table.records), len(t.entries), t.set.Len())
		for i, n := range t.perRule {
			s.con.say("  %8d  %s", n, s.pact.linkage.Rules[i].Name)
		}
		s.con.say("wrote %s: keep it, and never send it", out)
		return s.con.result(struct {
			Records  int    `json:"records"`
			Tokens   int    `json:"tokens"`
			Distinct int    `json:"distinct"`
			File     string `json:"file"`
		}{len(s.table.records), len(t.entries), t.set.Len(), out})
	},
}

func (s *side) writeTokens(w io.Writer, t *tokens) error {
	out := csv.NewWriter(w)
	if err := out.Write([]string{"row", "rule", "token"}); err != nil {
		return err
	}
	for _, e := range t.entries {
		line := []string{strconv.Itoa(e.Row + 1), s.pact.linkage.Rules[e.Rule].Name, hex.EncodeToString(e.Token[:])}
		if err := out.Write(line); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}
