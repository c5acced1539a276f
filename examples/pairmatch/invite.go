package main

import (
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"encoding/json"
	"fmt"

	"github.com/urfave/cli/v3"

	"github.com/comity-prl/comity/tokenize"
)

var inviteCommand = &cli.Command{
	Name:  "invite",
	Usage: "make the line that another agency accepts",
	Description: `The line holds the own name, fingerprint and signing key, the linkage file,
the epoch and a fresh public key. It is not secret, but it must arrive as it
was sent: accept shows both sides a code to compare by telephone.

A linkage unit invites with --unit. Its line holds its identity alone: a unit
never has a key.`,
	Flags: []cli.Flag{
		flagDir,
		&cli.StringFlag{Name: "linkage", Usage: "linkage `FILE` that both will use, see schema"},
		&cli.StringFlag{Name: "epoch", Usage: "`NAME` of the key period, such as 2026-Q4"},
		&cli.BoolFlag{Name: "unit", Usage: "invite as a linkage unit"},
		&cli.StringFlag{Name: "o", Aliases: []string{"output"}, Usage: "`FILE` for the line (default: standard output)"},
		flagForce,
	},
	Action: func(_ context.Context, cmd *cli.Command) error {
		if _, err := arguments(cmd); err != nil {
			return err
		}
		f, err := openFolder(cmd.String("dir"))
		if err != nil {
			return err
		}
		out := cmd.String("o")
		if out != "" {
			if err := mayWrite(cmd.Bool("force"), out); err != nil {
				return err
			}
		}
		line, err := invite(f, cmd)
		if err != nil {
			return err
		}
		con := newConsole(cmd)
		if out == "" {
			_, err := fmt.Fprintln(con.out, line)
			return err
		}
		if err := writeFile(out, []byte(line+"\n")); err != nil {
			return err
		}
		con.say("wrote %s", out)
		con.say("")
		con.say("Next: send that line to the other side, which accepts it and sends a line back:")
		con.say("  pairmatch accept --dir %s reply.txt", f.path)
		return nil
	},
}

// invite makes an invitation and keeps it open.
func invite(f *folder, cmd *cli.Command) (line string, err error) {
	i := &invitation{Version: 1, From: f.identity.Peer(), Issued: clock().UTC()}
	open := openInvitation{Version: 1}
	if cmd.Bool("unit") {
		if cmd.IsSet("linkage") || cmd.IsSet("epoch") {
			return "", usagef("a linkage unit has no linkage file and no epoch: leave --linkage and --epoch out")
		}
		i.Unit = true
		if err := f.becomeUnit(); err != nil {
			return "", err
		}
	} else {
		key, err := propose(f, i, cmd.String("linkage"), cmd.String("epoch"))
		if err != nil {
			return "", err
		}
		i.Key, open.Key = key.PublicKey().Bytes(), key.Bytes()
	}
	if open.Message, err = json.Marshal(i); err != nil {
		return "", err
	}
	if err := f.writeJSON(open, invitesFolder, messageID(open.Message).String()+".json"); err != nil {
		return "", err
	}
	return seal(invitePrefix, open.Message)
}

// propose completes an agency's invitation.
func propose(f *folder, i *invitation, path, epoch string) (*ecdh.PrivateKey, error) {
	if f.isUnit() {
		return nil, &failure{exitSetUp, f.path + " is a linkage unit's folder, which must not hold a secret", "use --unit, or a folder of its own"}
	}
	if path == "" || epoch == "" {
		return nil, usagef("an agency's invitation needs --linkage and --epoch; a linkage unit's, --unit")
	}
	if err := tokenize.Epoch(epoch).Validate(); err != nil {
		return nil, usagef("--epoch: %s", flat(err))
	}
	l, err := readLinkage(path)
	if err != nil {
		return nil, err
	}
	i.Epoch, i.Linkage = epoch, l
	return ecdh.X25519().GenerateKey(rand.Reader)
}
