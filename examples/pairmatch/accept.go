package main

import (
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/urfave/cli/v3"

	"github.com/comity-prl/comity/protocol"
)

var acceptCommand = &cli.Command{
	Name:      "accept",
	Usage:     "accept another side's line: an invitation, the reply to the own one, a renewal or a revocation",
	ArgsUsage: "FILE",
	Description: `FILE holds the line as it arrived; "-" reads it from standard input. An
invitation is answered with a reply line. Afterwards both sides have seen the
same code: compare it by telephone. If it differs, somebody changed a line on
its way, and the folder of that peer must be deleted.

The line of a renewal, or of a revocation, is signed by a peer that is known, and
there is nothing to compare.`,
	Flags: []cli.Flag{
		flagDir,
		&cli.StringFlag{Name: "o", Aliases: []string{"output"}, Usage: "`FILE` for the reply line (default: standard output)"},
		&cli.BoolFlag{Name: "replace", Usage: "replace what was agreed for the same epoch"},
		flagForce, flagQuiet,
	},
	Action: func(_ context.Context, cmd *cli.Command) error {
		paths, err := arguments(cmd, "FILE")
		if err != nil {
			return err
		}
		f, err := openFolder(cmd.String("dir"))
		if err != nil {
			return err
		}
		prefix, message, err := readLine(cmd, paths[0])
		if err != nil {
			return err
		}
		a := &acceptance{folder: f, con: newConsole(cmd), out: cmd.String("o"), replace: cmd.Bool("replace")}
		a.say = a.con.say
		switch prefix {
		case replyPrefix:
			return a.acceptReply(paths[0], message)
		case renewalPrefix:
			return a.acceptRenewals(paths[0], message)
		case revocationPrefix:
			return a.acceptRevocation(paths[0], message)
		}
		if a.out == "" {
			a.say = a.con.note // standard output is for the reply line
		} else if err := mayWrite(cmd.Bool("force"), a.out); err != nil {
			return err
		}
		return a.acceptInvitation(paths[0], message)
	},
}

// readLine finds the line in a file or on standard input.
func readLine(cmd *cli.Command, path string) (prefix string, message []byte, err error) {
	var text []byte
	if path == "-" {
		text, err = io.ReadAll(io.LimitReader(cmd.Root().Reader, maxLine))
	} else {
		text, err = readBounded(path, maxLine)
	}
	if err != nil {
		return "", nil, err
	}
	prefix, message, err = unseal(text)
	if err != nil {
		return "", nil, inputf(path, "%s", err)
	}
	return prefix, message, nil
}

// acceptance is one run of the command.
type acceptance struct {
	folder  *folder
	con     *console
	out     string // file of the reply line; "": standard output
	replace bool

	say func(format string, args ...any) // to people
}

func (a *acceptance) acceptInvitation(path string, message []byte) error {
	var i invitation
	if err := decodeMessage(message, &i); err != nil {
		return inputf(path, "the invitation cannot be used: %s", flat(err))
	}
	r := &reply{Version: 1, From: a.folder.identity.Peer(), Invitation: messageID(message)}
	var key *ecdh.PrivateKey
	if !i.Unit {
		var err error
		if key, err = ecdh.X25519().GenerateKey(rand.Reader); err != nil {
			return err
		}
		r.Key = key.PublicKey().Bytes()
	}
	answer, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if err := a.settle(&i, i.From, key, i.Key, transcript(message, answer)); err != nil {
		return err
	}
	return a.sendReply(i.From.Name, answer)
}

// settle stores the other side as a peer and, between agencies, the secret.
func (a *acceptance) settle(i *invitation, from protocol.Peer, own *ecdh.PrivateKey, peer, transcript []byte) error {
	if a.folder.isUnit() && !i.Unit {
		return &failure{exitSetUp, a.folder.path + " is a linkage unit's folder, which must not hold a secret", "let the owners accept the unit's own invitation"}
	}
	k, err := a.folder.trusting(known{Peer: from, Unit: i.Unit && !a.folder.isUnit()})
	if err != nil {
		return err
	}
	code := telephoneCode(transcript)
	if i.Unit {
		a.show(k, nil, code)
		return a.folder.trust(k)
	}
	if err := a.folder.mayAgree(k, i.Epoch, a.replace); err != nil {
		return err
	}
	s, err := agreedSecret(own, peer, transcript)
	if err != nil {
		return &failure{exitInput, "the key in the line is not an X25519 key", "ask for a new line"}
	}
	p := pact{epoch: i.Epoch, linkage: i.Linkage, secret: s, code: code, agreed: clock().UTC()}
	a.show(k, &p, code)
	if err := a.folder.trust(k); err != nil {
		return err
	}
	return a.folder.agree(k, p)
}

// show says who the peer is and what is agreed with it.
func (a *acceptance) show(k known, p *pact, code string) {
	what := "agency"
	if k.Unit {
		what = "linkage unit"
	}
	a.say("%s %q", what, k.Name)
	a.say("  certificate  %v", k.Certificate)
	if p != nil {
		a.say("  epoch        %s", p.epoch)
		for _, line := range p.linkage.describe() {
			a.say("  %s", line)
		}
	}
	a.say("")
	a.say("Compare this code with %s by telephone:  %s", k.Name, code)
	a.say("If it differs there, delete %s and start anew.", a.folder.join(peersFolder, k.slot))
}

func (a *acceptance) sendReply(to string, answer []byte) error {
	line, err := seal(replyPrefix, answer)
	if err != nil {
		return err
	}
	if a.out == "" {
		_, err := fmt.Fprintln(a.con.out, line)
		return err
	}
	if err := writeFile(a.out, []byte(line+"\n")); err != nil {
		return err
	}
	a.say("")
	a.say("wrote %s: send it back to %s, which accepts it too", a.out, to)
	return nil
}

func (a *acceptance) acceptReply(path string, message []byte) error {
	var r reply
	if err := decodeMessage(message, &r); err != nil {
		return inputf(path, "the reply cannot be used: %s", flat(err))
	}
	file := r.Invitation.String() + ".json"
	var open openInvitation
	err := a.folder.readJSON(&open, invitesFolder, file)
	if errors.Is(err, fs.ErrNotExist) {
		return &failure{exitSetUp, "the reply answers no open invitation of " + a.folder.path,
			"it may be another folder's, or accepted already: doctor shows what is agreed"}
	}
	if err != nil {
		return err
	}
	var i invitation
	if err := decodeMessage(open.Message, &i); err != nil {
		return inputf(a.folder.join(invitesFolder, file), "%s", flat(err))
	}
	if i.Unit {
		return a.settle(&i, r.From, nil, nil, transcript(open.Message, message)) // stays open for the other owner
	}
	own, err := ecdh.X25519().NewPrivateKey(open.Key)
	if err != nil {
		return inputf(a.folder.join(invitesFolder, file), "the key is malformed")
	}
	if err := a.settle(&i, r.From, own, r.Key, transcript(open.Message, message)); err != nil {
		return err
	}
	return os.Remove(a.folder.join(invitesFolder, file))
}
