package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/comity-prl/comity/protocol"
)

const ledgerFile = "ledger" // below the own folder

var ledgerCommand = &cli.Command{
	Name:  "ledger",
	Usage: "show what today's sessions add up to",
	Description: `Serve, link, step and unit count each session before its first byte, also without
a --policy that limits them. One that was killed, or that failed on its way,
counts with all that its terms allowed. Days are those of UTC.`,
	Flags: []cli.Flag{flagDir, flagPeer, flagJSON},
	Action: func(_ context.Context, cmd *cli.Command) error {
		if _, err := arguments(cmd); err != nil {
			return err
		}
		f, err := openFolder(cmd.String("dir"))
		if err != nil {
			return err
		}
		peers, err := f.peers()
		if err != nil {
			return err
		}
		if name := cmd.String("peer"); name != "" {
			peers = slices.DeleteFunc(peers, func(k known) bool { return k.Name != name })
			if len(peers) == 0 {
				return &failure{exitSetUp, fmt.Sprintf("%s knows no %q", f.path, name), "pairmatch doctor shows whom it knows"}
			}
		}
		return f.showLedger(newConsole(cmd), peers)
	},
}

// ledger opens the folder's ledger, which it makes if there is none.
func (f *folder) ledger() (*protocol.Ledger, error) { return protocol.OpenLedger(f.join(ledgerFile)) }

// spent is what was used with a peer today, for programs.
type spent struct {
	Peer      string         `json:"peer"`
	Day       string         `json:"day"`
	Sessions  int            `json:"sessions"`
	Unsettled int            `json:"unsettled"`
	Items     uint64         `json:"items"`
	Counts    int            `json:"counts"`
	Purposes  map[string]int `json:"purposes"`
	Officers  map[string]int `json:"officers"`
}

func (f *folder) showLedger(con *console, peers []known) error {
	all := []spent{}
	if _, err := os.Stat(f.join(ledgerFile)); err == nil {
		l, err := f.ledger()
		if err != nil {
			return err
		}
		defer l.Close()
		if err := l.Verify(); err != nil {
			return err
		}
		for _, p := range peers {
			u, err := l.Usage(clock(), p.Name)
			if err != nil {
				return err
			}
			all = append(all, spent{p.Name, u.Day.Format(time.DateOnly), u.Sessions, u.Unsettled, u.Items, u.Counts, u.Purposes, u.Officers})
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if len(all) == 0 {
		con.say("no session has been counted yet")
	}
	for _, s := range all {
		con.say("%s with %s: %d sessions, %d of them unsettled; %d items asked about; %d counts", s.Day, s.Peer, s.Sessions, s.Unsettled, s.Items, s.Counts)
		for _, purpose := range slices.Sorted(maps.Keys(s.Purposes)) {
			con.say("  purpose %q: %d", purpose, s.Purposes[purpose])
		}
		for _, officer := range slices.Sorted(maps.Keys(s.Officers)) {
			if officer == "" {
				con.say("  no officer stated: %d", s.Officers[officer])
				continue
			}
			con.say("  officer %q: %d", officer, s.Officers[officer])
		}
	}
	return con.result(all)
}
