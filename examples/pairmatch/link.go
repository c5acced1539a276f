package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/comity-prl/comity/protocol"
	"github.com/comity-prl/comity/psi"
)

// maxPeerTokens is how many tokens, or records, a peer may bring unless told
// otherwise.
const maxPeerTokens = 10_000_000

var flagMaxPeer = &cli.IntFlag{Name: "max-peer", Value: maxPeerTokens, Usage: "how many distinct tokens the peer may bring"}

var linkCommand = &cli.Command{
	Name:  "link",
	Usage: "propose terms to the other agency, or to a linkage unit, and link",
	Description: `With --connect, link speaks to the other agency's serve and compares exact
tokens. With --unit, both agencies run link against a linkage unit, which
compares encodings of records that may have errors.

` + mailboxHelp + `

` + paddingHelp + `

` + countHelp + `

The terms are signed by both sides and written beside the result, with what
each side committed to have put in, which pairmatch opening can open later.`,
	Flags: slices.Concat(sideFlags, termFlags, paddingFlags, []cli.Flag{
		flagFunction,
		&cli.StringFlag{Name: "connect", Usage: "`HOST:PORT` of the other agency's serve"},
		&cli.StringFlag{Name: "unit", Usage: "`HOST:PORT` of the linkage unit"},
		&cli.StringFlag{Name: "mailbox", Usage: "shared `FOLDER` in which the other agency's serve waits"},
		&cli.StringFlag{Name: "unit-mailbox", Usage: "shared `FOLDER` in which the linkage unit waits"},
		&cli.DurationFlag{Name: "wait", Usage: "give up when nobody has answered in the mailbox for so long (default: 30m)"},
		flagPoll, flagResume,
		&cli.StringFlag{Name: "unit-name", Usage: "`NAME` of the linkage unit (default: the only one known)"},
		&cli.StringFlag{Name: "suite", Usage: "`NAME` of the intersection protocol: " + suiteNames(), Value: psi.ECDHRistretto255().String()},
		roleFlag("receiver"), flagMaxPeer,
		&cli.StringFlag{Name: "o", Aliases: []string{"out", "output"}, Usage: "`FILE` for the result (default: matches.csv, handles.csv, count.csv or groups.csv)"},
		flagPolicy, flagForce, flagJSON, flagQuiet,
	}),
	Action: func(ctx context.Context, cmd *cli.Command) error {
		if _, err := arguments(cmd); err != nil {
			return err
		}
		to, err := destinationOf(cmd)
		if err != nil {
			return err
		}
		if err := checkPadding(cmd); err != nil {
			return err
		}
		if to.unit {
			return linkByUnit(ctx, cmd, to)
		}
		return linkWithPeer(ctx, cmd, to)
	},
}

func linkWithPeer(ctx context.Context, cmd *cli.Command, to *destination) error {
	if err := counts("suite", cmd.String("suite"), cmd.String("function")); err != nil {
		return err
	}
	receive := cmd.String("role") == "receiver"
	out := outputPath(cmd, to, receive)
	if err := mayWrite(cmd.Bool("force"), resultFiles(out)...); err != nil {
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
	terms, err := s.tokenTerms(cmd, t, receive)
	if err != nil {
		return err
	}
	s.commit(t.set)
	config, err := s.folder.audited(cmd, s.con, s.peer)
	if err != nil {
		return err
	}
	if config.Policy, err = agencyPolicy(cmd); err != nil {
		return err
	}
	began := time.Now()
	session, err := to.dial(ctx, s.con, terms, config)
	if err != nil {
		return err
	}
	defer session.Close()
	r, err := s.run(ctx, session, t, receive)
	if err != nil {
		return err
	}
	return s.finish(r, out, session, began)
}

// tokenTerms are the terms to compare tokens with the peer. They have room for the own
// set as they have it filled up.
func (s *side) tokenTerms(cmd *cli.Command, t *tokens, receive bool) (*protocol.Terms, error) {
	terms := s.terms(cmd)
	terms.Acceptor = s.peer.Name
	terms.Function = cmd.String("function")
	terms.Suite = cmd.String("suite")
	terms.SchemaHash = t.hash
	terms.Fields = s.pact.linkage.tokenFields()
	terms.Receiver = protocol.Acceptor
	if receive {
		terms.Receiver = protocol.Proposer
	}
	terms.MaxAcceptor = cmd.Int("max-peer")
	return terms, s.pad(cmd, terms, t)
}

func outputPath(cmd *cli.Command, to *destination, receive bool) string {
	switch {
	case cmd.String("o") != "":
		return cmd.String("o")
	case to.unit:
		return kindGroups + ".csv"
	}
	return kindOf(cmd.String("function"), receive) + ".csv"
}

func linkByUnit(ctx context.Context, cmd *cli.Command, to *destination) error {
	for _, flag := range []string{"function", "bucket", "pad-rules"} {
		if cmd.IsSet(flag) {
			return usagef("--%s is for a link with the other agency, without a linkage unit", flag)
		}
	}
	out := outputPath(cmd, to, true)
	if err := mayWrite(cmd.Bool("force"), resultFiles(out)...); err != nil {
		return err
	}
	s, err := openSide(cmd)
	if err != nil {
		return err
	}
	unit, err := s.folder.peer(cmd.String("unit-name"), true)
	if err != nil {
		return err
	}
	tk, err := s.pact.linkage.tokenizer(s.pact.secret, s.pact.epoch)
	if err != nil {
		return err
	}
	set, binding, err := s.encodings(ctx)
	if err != nil {
		return err
	}
	s.commit(set)
	terms := s.terms(cmd)
	terms.Acceptor = unit.Name
	terms.Partner = s.peer.Name
	terms.Function = protocol.FunctionEncodings
	terms.SchemaHash = tk.Hash()
	terms.Fields = s.pact.linkage.encodingFields()
	terms.ConfigHash = binding.Config
	terms.Length = s.pact.linkage.bloom().Length
	terms.Threshold = s.pact.linkage.Encoding.Threshold
	terms.MaxProposer = max(1, len(s.table.records))

	config, err := s.folder.audited(cmd, s.con, unit)
	if err != nil {
		return err
	}
	if config.Policy, err = agencyPolicy(cmd); err != nil {
		return err
	}
	began := time.Now()
	session, err := to.dial(ctx, s.con, terms, config)
	if err != nil {
		return err
	}
	defer session.Close()
	s.con.note("the unit agreed to the terms; it links once %s has come too", s.peer.Name)
	g, err := session.Submit(ctx, set)
	if err != nil {
		return err
	}
	return s.finish(s.groups(g), out, session, began)
}

// summary is what a run says of itself to programs.
type summary struct {
	Result     string        `json:"result"`
	File       string        `json:"file,omitempty"` // none at the sender of a count
	Terms      string        `json:"terms"`
	Opening    string        `json:"opening"`
	Records    int           `json:"records"`
	Rows       int           `json:"rows"`             // own rows in the result
	Count      *int          `json:"count,omitempty"`  // of own tokens that match
	PeerSize   int           `json:"peer_size"`        // the peer's distinct tokens, or records
	Padded     bool          `json:"padded,omitempty"` // peer_size has dummies in it
	PeerBound  int           `json:"peer_bound,omitempty"`
	Sent       int64         `json:"bytes_sent"`
	Received   int64         `json:"bytes_received"`
	Seconds    float64       `json:"seconds"`
	Peer       string        `json:"peer"`
	Purpose    string        `json:"purpose"`
	Transcript protocol.Hash `json:"transcript"`
}

// finish saves the result and says what came out.
func (s *side) finish(r *result, path string, session *protocol.Session, began time.Time) error {
	seconds := time.Since(began).Seconds()
	if err := r.save(path, recordOf(session), session.Opening()); err != nil {
		return err
	}
	sent, received := session.Bytes()
	terms := session.Terms()
	r.padded = terms.Bucket > 0 || terms.Rules > 0
	file := path
	s.con.say("%s", r.headline(len(s.table.records), terms.Partner, session.Peer().Name))
	if r.header == nil {
		file = ""
	} else {
		s.con.say("  %-11s %s", r.kind, file)
	}
	s.con.say("  %-11s %s", "terms", termsPath(path))
	s.con.say("  %-11s %s  (keep it, and never send it)", "opening", openingPath(path))
	s.con.say("  %-11s sent %d bytes, received %d, in %.1f s", "network", sent, received, seconds)
	s.con.say("  %-11s %s  (the same on the other side)", "transcript", session.Transcript())
	return s.con.result(summary{
		Result: r.kind, File: file, Terms: termsPath(path), Opening: openingPath(path),
		Records: len(s.table.records), Rows: r.rows, Count: r.count, PeerSize: r.peerSize, Padded: r.padded, PeerBound: r.peerBound,
		Sent: sent, Received: received, Seconds: seconds, Peer: session.Peer().Name, Purpose: terms.Purpose, Transcript: session.Transcript(),
	})
}

// suiteNames lists the suites for a flag's help.
func suiteNames() string {
	var names []string
	for _, s := range psi.Suites() {
		names = append(names, s.String())
	}
	return strings.Join(names, ", ")
}
