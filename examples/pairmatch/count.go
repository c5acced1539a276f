package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/comity-prl/comity/protocol"
	"github.com/comity-prl/comity/psi"
)

// functions are those of a session between two agencies.
var functions = []string{protocol.FunctionSet, protocol.FunctionCount}

var flagFunction = &cli.StringFlag{Name: "function", Value: protocol.FunctionSet, Validator: oneOf("function", functions),
	Usage: "`FUNCTION`: set for the matches, count for how many tokens match and nothing else"}

const countHelp = `--function count hides which tokens match: the receiver learns one number, and
the sender gets no handles. It does not hide the persons from a side that asks
cleverly: a count about one record says whether that record matches, and two
counts whose sets differ in one record say it of that one. So a count is a query
like any other, and needs the same grounds. min_count in the receiver's policy
withholds small counts from an honest receiver alone, for its own program computes
them. The number is of tokens: a person who matches by three rules counts three
times, so that a linkage file for counts had better have one rule.`

// counts reports whether a suite can do what the function asks, before any work.
func counts(flag, suite, function string) error {
	s, err := psi.SuiteByName(suite)
	if err != nil {
		return usagef("--%s: %s", flag, flat(err))
	}
	if function != protocol.FunctionCount || s.Supports(psi.Cardinality) {
		return nil
	}
	var can []string
	for _, s := range psi.Suites() {
		if s.Supports(psi.Cardinality) {
			can = append(can, s.String())
		}
	}
	return usagef("--%s: %s cannot count: choose one of %s", flag, suite, strings.Join(can, ", "))
}

// kindOf is what a side gets out of a session between two agencies.
func kindOf(function string, receive bool) string {
	switch {
	case function == protocol.FunctionCount:
		return kindCount
	case receive:
		return kindMatches
	}
	return kindHandles
}

// runCount takes the side's part in a session for a count. The sender's result is no
// table: it keeps the terms alone.
func (s *side) runCount(ctx context.Context, session *protocol.Session, t *tokens, receive bool) (*result, error) {
	if !receive {
		h, err := session.Send(ctx, t.set)
		if err != nil {
			return nil, err
		}
		return &result{kind: kindCount, peerSize: h.PeerSize}, nil
	}
	c, err := session.Count(ctx, t.set)
	if errors.Is(err, protocol.ErrWithheld) {
		return nil, &failure{exitTerms, "the count is withheld: it is below the min_count of the own policy", "the peer did not learn that"}
	}
	if err != nil {
		return nil, err
	}
	return countOf(t, c), nil
}

func countOf(t *tokens, c *psi.Count) *result {
	return &result{
		kind: kindCount, peerSize: c.PeerSize, count: &c.N, tokens: t.set.Len(),
		header: []string{"count", "own_tokens", "peer_tokens"},
		lines:  [][]string{{strconv.Itoa(c.N), strconv.Itoa(t.set.Len()), strconv.Itoa(c.PeerSize)}},
	}
}

// counted says in a sentence what a count brought.
func (r *result) counted(records int, peer string) string {
	if r.count == nil {
		return fmt.Sprintf("%s compared %s with %d own records, and learnt how many match; there are no handles", peer, r.peerTokens(), records)
	}
	return fmt.Sprintf("%d of %d own distinct tokens match; %s brought %s; a person counts once for each rule that matches",
		*r.count, r.tokens, peer, r.peerTokens())
}
