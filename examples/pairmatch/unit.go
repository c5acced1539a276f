package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/comity-prl/comity/bloomlink"
	"github.com/comity-prl/comity/protocol"
)

var unitCommand = &cli.Command{
	Name:  "unit",
	Usage: "compare the encodings of two owners, as a linkage unit without a key",
	Description: `Accepts sessions from owners whose reply lines it accepted. Two owners whose
terms name each other are linked: each learns the groups of its own rows. The
unit sees encodings and how similar they are, and no record, row or key.

` + mailboxHelp + `

The first line on standard output is "listening on HOST:PORT", or the folder.`,
	Flags: []cli.Flag{
		flagDir, flagListen, flagMailbox, flagPoll, flagResume, flagAddressFile, flagOnce, flagWait,
		&cli.StringFlag{Name: "out", Usage: "`FOLDER` for the terms of each linkage (default: they are not kept)"},
		&cli.IntFlag{Name: "max-records", Value: maxPeerTokens, Usage: "how many records an owner may bring"},
		&cli.FloatFlag{Name: "min-threshold", Usage: "the lowest threshold that owners may ask for"},
		flagPolicy, flagJSON, flagQuiet,
	},
	Action: func(ctx context.Context, cmd *cli.Command) error {
		if _, err := arguments(cmd); err != nil {
			return err
		}
		if err := waitsAt(cmd); err != nil {
			return err
		}
		f, err := openFolder(cmd.String("dir"))
		if err != nil {
			return err
		}
		if !f.isUnit() {
			return &failure{exitSetUp, f.path + " is not a linkage unit's folder", "make one with pairmatch init and pairmatch invite --unit"}
		}
		owners, err := f.peers()
		if err != nil {
			return err
		}
		if len(owners) < 2 {
			return &failure{exitSetUp, f.path + " knows fewer than two owners", "accept the reply lines of both"}
		}
		u := &unit{con: newConsole(cmd), waiting: make(map[string]*protocol.Session)}
		config, err := f.audited(cmd, u.con, owners...)
		if err != nil {
			return err
		}
		return u.serve(ctx, cmd, config)
	},
}

// unit links owners as they come.
type unit struct {
	con     *console
	waiting map[string]*protocol.Session // by the owner's name
}

func (u *unit) serve(ctx context.Context, cmd *cli.Command, config *protocol.Config) (err error) {
	config.Failed = u.con.refused
	names := make([]string, len(config.Peers))
	for i, owner := range config.Peers {
		names[i] = owner.Name
	}
	config.Policy, err = permitted(cmd, protocol.Rule{
		Peers:         names,
		Functions:     []string{protocol.FunctionEncodings},
		Purposes:      []string{protocol.Any},
		LegalBases:    []string{protocol.Any},
		Jurisdictions: []string{protocol.Any},
		Epochs:        []string{protocol.Any},
		AnySchema:     true, // it has neither fields nor rules of its own
		MaxProposer:   cmd.Int("max-records"),
		MinThreshold:  cmd.Float("min-threshold"),
	})
	if err != nil {
		return err
	}
	l, err := listen(cmd, u.con, config)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	defer u.dismiss()
	for {
		session, err := acceptWithin(ctx, l, cmd.Duration("wait"))
		if err != nil {
			return err
		}
		first := u.pair(session)
		if first == nil {
			continue
		}
		err = u.link(ctx, first, session, cmd.String("out"))
		if cmd.Bool("once") {
			return err
		}
		if err != nil && ctx.Err() == nil { // an interrupt is acceptWithin's to report
			u.con.warn("linking %s and %s failed: %s", first.Peer().Name, session.Peer().Name, explain(err))
		}
	}
}

// pair returns the session that waits for this one, or lets this one wait.
func (u *unit) pair(s *protocol.Session) *protocol.Session {
	name, partner := s.Peer().Name, s.Terms().Partner
	if first := u.waiting[partner]; first != nil && first.Terms().Partner == name {
		delete(u.waiting, partner)
		return first
	}
	if old := u.waiting[name]; old != nil {
		u.end(old)
	}
	u.waiting[name] = s
	u.con.note("%s waits for %s", name, partner)
	return nil
}

func (u *unit) dismiss() {
	for _, s := range u.waiting {
		u.end(s)
	}
}

// end closes a session that had no run, of which the log takes note.
func (u *unit) end(s *protocol.Session) {
	if err := s.Close(); err != nil {
		u.con.warn("%s", explain(err))
	}
}

func (u *unit) link(ctx context.Context, a, b *protocol.Session, out string) error {
	defer a.Close()
	defer b.Close()
	began := time.Now()
	sum, err := protocol.Link(ctx, a, b)
	if err != nil {
		return err
	}
	if err := saveTerms(out, a, b); err != nil {
		return err
	}
	u.con.say("linked %d records of %s with %d of %s: %d groups, in %.1f s",
		sum.A, a.Peer().Name, sum.B, b.Peer().Name, sum.Groups, time.Since(began).Seconds())
	return u.con.result(struct {
		*bloomlink.Summary
		Seconds float64 `json:"seconds"`
	}{sum, time.Since(began).Seconds()})
}

// saveTerms keeps what the unit agreed to with both owners.
func saveTerms(out string, sessions ...*protocol.Session) error {
	if out == "" {
		return nil
	}
	folder := filepath.Join(out, clock().UTC().Format("20060102T150405Z")+"-"+sessions[0].Transcript().String()[:8])
	if err := os.MkdirAll(folder, privateFolder); err != nil {
		return err
	}
	for _, s := range sessions {
		if err := writeJSONFile(filepath.Join(folder, slot(s.Peer())+".terms.json"), recordOf(s)); err != nil {
			return err
		}
	}
	return nil
}
