package main

import (
	"cmp"
	"errors"
	"math"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/comity-prl/comity/protocol"
)

const (
	agreedRule   = "agreed"
	anyRetention = 36525 // days
)

var flagPolicy = &cli.StringFlag{Name: "policy", Usage: "`FILE` with the agency's policy (protocol/policy.schema.json), which has to permit the terms too"}

// permitted returns a policy for what was agreed with peers, and the agency's own
// on top where there is one. What was agreed is narrow in what runs, and leaves to
// the agency's policy what only that can say: case, officer and retention. Bulk
// needs two approvers in any case.
func permitted(cmd *cli.Command, agreed protocol.Rule) (*protocol.Policy, error) {
	agreed.Name = agreedRule
	agreed.Articles, agreed.Offences = []string{protocol.Any}, []string{protocol.Any}
	agreed.Categories = []string{protocol.Any}
	agreed.Scopes = scopes
	agreed.MinFields = 1 // the linkage file says which
	agreed.Optional = []string{"case", "officer", "fields", "retention_days"}
	agreed.Retention = protocol.RetentionBounds{MaxDays: anyRetention}
	agreed.MaxAcceptor = cmp.Or(agreed.MaxAcceptor, math.MaxInt)
	p := &protocol.Policy{Rules: []protocol.Rule{agreed}}
	own, err := agencyPolicy(cmd)
	if own == nil || err != nil {
		return p, err
	}
	return own.And(p), nil
}

// agencyPolicy returns that of --policy, or nil.
func agencyPolicy(cmd *cli.Command) (*protocol.Policy, error) {
	path := cmd.String("policy")
	if path == "" {
		return nil, nil
	}
	return readPolicy(path)
}

func readPolicy(path string) (*protocol.Policy, error) {
	text, err := readBounded(path, protocol.MaxPolicy)
	if err != nil {
		return nil, err
	}
	p, err := protocol.ParsePolicy(text)
	if err == nil {
		return p, nil
	}
	var told *protocol.PolicyError
	if !errors.As(err, &told) {
		if named := decodeJSON(text, new(protocol.Policy)); named != nil {
			err = named // which key, or where
		}
	}
	return nil, inputf(path, "%s", strings.TrimPrefix(strings.TrimPrefix(flat(err), "protocol: "), "json: "))
}
