package main

import (
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/comity-prl/comity/protocol"
)

// termFlags are what a proposer says of why, who, about whom and how long.
var termFlags = []cli.Flag{
	&cli.StringFlag{Name: "purpose", Usage: "`TEXT`: why the two link", Required: true},
	&cli.StringFlag{Name: "legal-basis", Usage: "`TEXT`: on what ground, the instrument", Required: true},
	&cli.StringFlag{Name: "article", Usage: "`TEXT`: the article of it"},
	&cli.StringFlag{Name: "jurisdictions", Usage: "`CODES` such as DE,FR", Required: true},
	&cli.StringFlag{Name: "scope", Usage: "`SCOPE`: query for the persons of one case, bulk for whole sets", Required: true, Validator: oneOf("scope", scopes)},
	&cli.StringSliceFlag{Name: "category", Usage: "`CATEGORY` of the persons: " + strings.Join(categories, ", ") + " (may be repeated)", Required: true,
		Validator: eachOneOf("category", categories)},
	&cli.StringFlag{Name: "case", Usage: "case reference, an opaque `ID`"},
	&cli.StringFlag{Name: "offence", Usage: "`CODE` of the offence"},
	&cli.StringFlag{Name: "officer", Usage: "who asks, an opaque `ID`"},
	flagOfficerKey,
	&cli.StringSliceFlag{Name: "approver", Usage: "who approved, an opaque `ID` (may be repeated; a bulk session needs two)"},
	&cli.IntFlag{Name: "retention-days", Usage: "how many `DAYS` the receiver may keep the result"},
	&cli.IntFlag{Name: "max-candidates", Usage: "the most `MATCHES` that a result may hold (default: no bound)"},
	&cli.DurationFlag{Name: "valid", Usage: "how long the terms are valid", Value: time.Hour},
}

// withoutDuty returns the flags with none of them required.
func withoutDuty(flags []cli.Flag) []cli.Flag {
	out := slices.Clone(flags)
	for i, f := range out {
		switch f := f.(type) {
		case *cli.StringFlag:
			free := *f
			free.Required = false
			out[i] = &free
		case *cli.StringSliceFlag:
			free := *f
			free.Required = false
			out[i] = &free
		}
	}
	return out
}

// dutiful reports flags that are required of who proposes, and make no sense otherwise.
func dutiful(cmd *cli.Command, flags []cli.Flag) error {
	for _, f := range flags {
		name := f.Names()[0]
		required, ok := f.(cli.RequiredFlag)
		switch propose := cmd.Bool("propose"); {
		case propose && ok && required.IsRequired() && !cmd.IsSet(name):
			return usagef("%s --propose needs --%s: see %s", cmd.Name, name, helpOf(cmd))
		case !propose && cmd.IsSet(name):
			return usagef("--%s is for --propose: see %s", name, helpOf(cmd))
		}
	}
	return nil
}

var (
	scopes     = []string{protocol.ScopeQuery, protocol.ScopeBulk}
	categories = []string{
		protocol.CategorySuspect, protocol.CategoryConvicted, protocol.CategoryVictim, protocol.CategoryWitness, protocol.CategoryOther,
	}
)

func oneOf(what string, list []string) func(string) error {
	return func(s string) error {
		if !slices.Contains(list, s) {
			return usagef("a %s is one of %s", what, strings.Join(list, ", "))
		}
		return nil
	}
}

func eachOneOf(what string, list []string) func([]string) error {
	return func(values []string) error {
		for _, v := range values {
			if err := oneOf(what, list)(v); err != nil {
				return err
			}
		}
		return nil
	}
}

// terms returns those that the flags and the pact give.
func (s *side) terms(cmd *cli.Command) *protocol.Terms {
	now := clock().UTC().Truncate(time.Second)
	return &protocol.Terms{
		Purpose:       cmd.String("purpose"),
		LegalBasis:    cmd.String("legal-basis"),
		Article:       cmd.String("article"),
		Case:          cmd.String("case"),
		Offence:       cmd.String("offence"),
		Officer:       cmd.String("officer"),
		Approvers:     cmd.StringSlice("approver"),
		Jurisdictions: split(cmd.String("jurisdictions")),
		Categories:    cmd.StringSlice("category"),
		Scope:         cmd.String("scope"),
		Epoch:         s.pact.epoch,
		MaxCandidates: cmd.Int("max-candidates"),
		RetentionDays: cmd.Int("retention-days"),
		Issued:        now,
		Expires:       now.Add(cmd.Duration("valid")),
	}
}

// tokenFields is how many distinct fields the least demanding rule combines.
func (l *linkage) tokenFields() int {
	fewest := len(l.Fields)
	for _, r := range l.Rules {
		fields := make(map[string]bool)
		for _, p := range r.Parts {
			fields[p.Field] = true
		}
		fewest = min(fewest, len(fields))
	}
	return fewest
}

// encodingFields is how many distinct fields an encoding combines.
func (l *linkage) encodingFields() int {
	fields := make(map[string]bool)
	for _, f := range l.Encoding.Features {
		fields[f.Name] = true
	}
	return len(fields)
}
