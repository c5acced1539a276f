package main

import (
	"context"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/comity-prl/comity/protocol"
)

var initCommand = &cli.Command{
	Name:  "init",
	Usage: "make the identity of an agency or a linkage unit",
	Description: `Makes a folder with a certificate, its key and a key that signs terms. The
folder is for its owner alone: whoever can read it can act as the agency.`,
	Flags: []cli.Flag{
		&cli.StringFlag{Name: "dir", Usage: "`FOLDER` to make", Required: true},
		&cli.StringFlag{Name: "name", Usage: "`NAME` that peers will see in terms", Required: true},
		&cli.DurationFlag{Name: "validity", Usage: "how long the certificate is valid", Value: 365 * 24 * time.Hour},
		flagJSON,
	},
	Action: func(_ context.Context, cmd *cli.Command) error {
		if _, err := arguments(cmd); err != nil {
			return err
		}
		id, err := protocol.NewIdentity(cmd.String("name"), cmd.Duration("validity"))
		if err != nil {
			return usagef("%s", flat(err))
		}
		f, err := createFolder(cmd.String("dir"), id)
		if err != nil {
			return err
		}
		con := newConsole(cmd)
		con.say("made %s for %q", f.path, id.Name())
		con.say("  certificate  %v", id.Fingerprint())
		con.say("  valid until  %s", id.Expires().UTC().Format(time.DateOnly))
		con.say("")
		con.say("Next: agree with the other agency. One of you invites, the other accepts:")
		con.say("  pairmatch invite --dir %s --linkage linkage.json --epoch 2026-Q4 -o invite.txt", f.path)
		con.say("  pairmatch accept --dir %s invite.txt -o reply.txt", f.path)
		return con.result(struct {
			Name        string               `json:"name"`
			Certificate protocol.Fingerprint `json:"certificate"`
			Expires     time.Time            `json:"expires"`
		}{id.Name(), id.Fingerprint(), id.Expires().UTC()})
	},
}
