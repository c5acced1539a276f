package main

import (
	"fmt"

	"github.com/urfave/cli/v3"

	"github.com/comity-prl/comity/protocol"
)

// paddingFlags are what a proposer says of hiding sizes.
var paddingFlags = []cli.Flag{
	&cli.IntFlag{Name: "bucket", Usage: "fill both sets up with dummies to the next multiple of `N` tokens"},
	&cli.BoolFlag{Name: "pad-rules", Usage: "before that, fill both sets up to one token a record and rule, so that missing values do not show"},
	&cli.IntFlag{Name: "pad-readings", Value: 1, Usage: "with --pad-rules, up to `N` tokens a record and rule, for values that can be read in several ways"},
}

const paddingHelp = `--bucket and --pad-rules fill both sets up with dummies that match nothing. The
peer then learns how many tokens a side has at most, to the next multiple of the
bucket, and with --pad-rules nothing of how many values are missing. Padding does
not hide the number of matches from the receiver, nor that the sides linked, when,
and under which terms; a bucket that is small beside the sets hides little; and
the own log and result of each side have its own true size. Dummies cost time and
traffic as tokens do.`

// checkPadding finds out, before any work, whether the flags of padding make sense.
func checkPadding(cmd *cli.Command) error {
	switch bucket, peer := cmd.Int("bucket"), cmd.Int("max-peer"); {
	case bucket < 0:
		return usagef("--bucket must not be less than 0")
	case bucket > peer:
		return usagef("--bucket %d is more than the %d tokens that the peer may bring: raise --max-peer", bucket, peer)
	case cmd.Int("pad-readings") < 1:
		return usagef("--pad-readings must be 1 or more")
	case cmd.IsSet("pad-readings") && !cmd.Bool("pad-rules"):
		return usagef("--pad-readings is for --pad-rules")
	}
	return nil
}

// pad has the terms ask for the padding that the flags say, and make room for the own
// set as it is then.
func (s *side) pad(cmd *cli.Command, terms *protocol.Terms, t *tokens) error {
	terms.Bucket = cmd.Int("bucket")
	if cmd.Bool("pad-rules") {
		terms.Rules = len(s.pact.linkage.Rules) * cmd.Int("pad-readings")
	}
	n, err := terms.FilledUp(t.set)
	if err != nil {
		return usagef("some values have several readings, so that %d records make %d tokens, and --pad-rules has room for %d: raise --pad-readings, or leave --pad-rules out",
			t.set.Records, t.set.Len(), terms.Rules*t.set.Records)
	}
	terms.MaxProposer = max(1, n) // terms have no room for an empty set
	return nil
}

// peerTokens is how many tokens the peer brought, for people.
func (r *result) peerTokens() string {
	if r.padded {
		return fmt.Sprintf("at most %d distinct tokens (sets are filled up)", r.peerSize)
	}
	return fmt.Sprintf("%d distinct tokens", r.peerSize)
}
