package main

import (
	"context"
	"errors"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/comity-prl/comity/protocol"
)

// side is one agency about to link with another: its folder, what the two agreed
// on, and its records.
type side struct {
	con    *console
	folder *folder
	peer   known
	pact   pact
	table  *table
}

// sideFlags are those of every command that reads records.
var sideFlags = []cli.Flag{
	flagDir,
	&cli.StringFlag{Name: "data", Usage: "CSV `FILE` of the own records", Required: true},
	&cli.StringFlag{Name: "columns", Usage: "columns `FILE`, where the CSV has other names than the linkage file"},
	&cli.StringFlag{Name: "id", Usage: "`COLUMN` to repeat in the own results, beside the row; it is never sent"},
	flagPeer, flagEpoch,
}

func openSide(cmd *cli.Command) (*side, error) {
	f, err := openFolder(cmd.String("dir"))
	if err != nil {
		return nil, err
	}
	return f.side(cmd, cmd.String("peer"), cmd.String("epoch"))
}

// side reads what the folder's agency agreed with a peer for an epoch, and its records.
func (f *folder) side(cmd *cli.Command, peer, epoch string) (*side, error) {
	s := &side{con: newConsole(cmd), folder: f}
	var err error
	if s.peer, err = f.peer(peer, false); err != nil {
		return nil, err
	}
	if s.pact, err = f.pact(s.peer, epoch); err != nil {
		return nil, err
	}
	c, err := readColumns(cmd.String("columns"), s.pact.linkage.Fields)
	if err != nil {
		return nil, err
	}
	s.pact.linkage.readings = c.Readings
	if s.table, err = readTable(cmd.String("data"), s.pact.linkage.Fields, c, cmd.String("id")); err != nil {
		return nil, err
	}
	if n := s.table.badZones; n > 0 {
		s.con.warn("%s: %d machine-readable zones cannot be read or have wrong check digits", s.table.path, n)
	}
	if len(s.table.records) == 0 {
		s.con.warn("%s: the file has no records, so nothing can match", s.table.path)
	}
	return s, nil
}

// config is what the side brings to a session with the given peer.
func (f *folder) config(con *console, peers ...known) *protocol.Config {
	c := &protocol.Config{Identity: f.identity, Clock: clock, Progress: func(p protocol.Progress) {
		con.progress("comparing", p.Step, p.Done, p.Total)
	}}
	for _, k := range peers {
		c.Peers = append(c.Peers, k.Peer)
	}
	for _, r := range f.revoked {
		c.Revoked = append(c.Revoked, r.Fingerprint)
	}
	return c
}

// role says who learns the matches: "receiver" or "sender".
func roleFlag(value string) *cli.StringFlag {
	return &cli.StringFlag{Name: "role", Value: value, Usage: roleUsage, Validator: validRole}
}

const roleUsage = "`ROLE` of this side: the receiver learns the matches, the sender keeps handles"

func validRole(s string) error {
	if s != "receiver" && s != "sender" {
		return errors.New("a role is receiver or sender")
	}
	return nil
}

// run takes the side's part in a session for tokens, and returns the result.
func (s *side) run(ctx context.Context, session *protocol.Session, t *tokens, receive bool) (*result, error) {
	if session.Terms().Function == protocol.FunctionCount {
		return s.runCount(ctx, session, t, receive)
	}
	if receive {
		r, err := session.Receive(ctx, t.set)
		if err != nil {
			return nil, err
		}
		return s.matches(t, r), nil
	}
	h, err := session.Send(ctx, t.set)
	if err != nil {
		return nil, err
	}
	return s.handles(t, h), nil
}

func split(list string) []string {
	var out []string
	for item := range strings.SplitSeq(list, ",") {
		if item = strings.TrimSpace(item); item != "" {
			out = append(out, item)
		}
	}
	return out
}
