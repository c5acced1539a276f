package main

import (
	"context"
	"crypto"
	"errors"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/comity-prl/comity/protocol"
)

const mailboxHelp = `Where no port can be opened, both sides give --mailbox the same folder: on a file
server, synchronised, mounted over SFTP or carried on a disk. One side at a time
waits there. Both commands run until they are done, and files may take minutes.
Whoever runs the folder sees ciphertext and sizes.`

var (
	flagMailbox = &cli.StringFlag{Name: "mailbox", Usage: "shared `FOLDER` to wait in, instead of --listen"}
	flagPoll    = &cli.DurationFlag{Name: "poll", Usage: "how often to look into a quiet mailbox", Value: 250 * time.Millisecond}
)

// mailbox returns the shared folder of that name, if it can be used.
func mailbox(cmd *cli.Command, dir string) (*protocol.Mailbox, error) {
	if cmd.IsSet("poll") && cmd.Duration("poll") <= 0 {
		return nil, usagef("--poll must be more than 0")
	}
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil, &failure{exitInput, dir + ": there is no such folder", "give --mailbox the folder that both sides share"}
	}
	m := &protocol.Mailbox{Dir: dir, Poll: cmd.Duration("poll")}
	l, err := m.Listen()
	if err != nil {
		why := strings.TrimPrefix(flat(err), protocol.ErrMailbox.Error()+": ")
		return nil, &failure{exitInput, dir + ": the folder cannot be used as a mailbox: " + why,
			"see that it is a folder in which you may create and delete files"}
	}
	return m, l.Close()
}

// waitsAt finds out, before any work, where a command shall wait for others.
func waitsAt(cmd *cli.Command) error {
	dir := cmd.String("mailbox")
	if dir == "" {
		return nil
	}
	if cmd.IsSet("listen") {
		return usagef("%s waits either with --listen or with --mailbox", cmd.Name)
	}
	_, err := mailbox(cmd, dir)
	return err
}

// destination is whom link speaks to, and where.
type destination struct {
	unit    bool
	address string
	mailbox *protocol.Mailbox // nil: the address
	wait    time.Duration     // for an answer in the mailbox; 0: as long as the library does
	officer crypto.Signer     // signs the terms too; nil: no one does
}

// destinationOf finds out, before any work, where link shall go.
func destinationOf(cmd *cli.Command) (*destination, error) {
	d := &destination{wait: cmd.Duration("wait")}
	given := 0
	for _, flag := range []string{"connect", "unit", "mailbox", "unit-mailbox"} {
		value := cmd.String(flag)
		if value == "" {
			continue
		}
		given++
		d.unit = flag == "unit" || flag == "unit-mailbox"
		if flag == "connect" || flag == "unit" {
			d.address = value
			continue
		}
		var err error
		if d.mailbox, err = mailbox(cmd, value); err != nil {
			return nil, err
		}
	}
	if given != 1 {
		return nil, usagef("link needs one of --connect, --mailbox, --unit and --unit-mailbox: see pairmatch help link")
	}
	if d.wait < 0 || d.wait > 0 && d.mailbox == nil {
		return nil, usagef("--wait is for a mailbox, and more than 0")
	}
	var err error
	d.officer, err = officerKey(cmd)
	return d, err
}

// dial proposes the terms at the destination.
func (d *destination) dial(ctx context.Context, con *console, t *protocol.Terms, c *protocol.Config) (*protocol.Session, error) {
	t, err := signedBy(d.officer, t, c)
	if err != nil {
		return nil, err
	}
	if d.mailbox == nil {
		return protocol.Dial(ctx, d.address, t, c)
	}
	con.note("waiting for %s to answer in %s", t.Acceptor, d.mailbox.Dir)
	c.HandshakeTimeout = d.wait
	return protocol.DialMailbox(ctx, d.mailbox, t, c)
}
