package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/comity-prl/comity/protocol"
)

var renewCommand = &cli.Command{
	Name:  "renew",
	Usage: "make a new certificate for the own identity, and the line for peers",
	Description: `Name, signing key, audit log and all that is agreed stay; TLS key and certificate
are replaced, and the old key is deleted. Each peer, agency or linkage unit, takes
the line with pairmatch accept. The line is signed and not secret, and there is
nothing to compare by telephone. It holds earlier renewals too, for a peer that
missed one.

A peer that has not accepted the line refuses the new certificate. A serve or unit
that runs goes on with the old one, which peers take for 30 days more: start it
again once they have all accepted.`,
	Flags: []cli.Flag{
		flagDir,
		&cli.DurationFlag{Name: "validity", Usage: "how long the certificate is valid", Value: 365 * 24 * time.Hour},
		&cli.BoolFlag{Name: "again", Usage: "renew nothing, and print the line of the last renewal again"},
		flagLineOut, flagForce,
	},
	Action: func(_ context.Context, cmd *cli.Command) error {
		if _, err := arguments(cmd); err != nil {
			return err
		}
		l, err := openLineOut(cmd)
		if err != nil {
			return err
		}
		r, err := l.folder.renewals()
		if err != nil {
			return err
		}
		switch again := cmd.Bool("again"); {
		case again && cmd.IsSet("validity"):
			return usagef("--again renews nothing: leave --validity out")
		case again && len(r.Renewals) == 0:
			return &failure{exitUsage, fmt.Sprintf("the certificate of %q was never renewed", l.folder.identity.Name()), "renew it without --again"}
		case !again:
			if err := l.folder.renew(r, cmd.Duration("validity")); err != nil {
				return err
			}
		}
		l.say("%q has a new certificate", l.folder.identity.Name())
		l.say("  certificate  %v", l.folder.identity.Fingerprint())
		l.say("  valid until  %s", dayOf(l.folder.identity.Expires()))
		l.say("  replaces     %v, good until %s", r.last().Old, dayOf(r.last().Until))
		if open, err := os.ReadDir(l.folder.join(invitesFolder)); err == nil && len(open) > 0 {
			l.say("Invitations made before name the old one: make new ones, or send the line after them.")
		}
		message, err := json.Marshal(r)
		if err != nil {
			return err
		}
		return l.send(renewalPrefix, message)
	},
}

const (
	renewalsFile = "renewals.json"

	// maxRenewals bounds those that a line carries: of as many years, at a year each.
	maxRenewals = 8
)

// renewals are an agency's latest ones, the oldest first: both the file of the own
// ones and the message of a line. Each replaces the certificate of the one before,
// so that a peer that missed some catches up.
type renewals struct {
	Version  int                 `json:"version"`
	Renewals []*protocol.Renewal `json:"renewals"`
}

func (r *renewals) last() *protocol.Renewal { return r.Renewals[len(r.Renewals)-1] }

// validate reports what is no chain of renewals. Signatures are for Apply.
func (r *renewals) validate() error {
	if r.Version != 1 {
		return fmt.Errorf("it is of version %d, here 1", r.Version)
	}
	if len(r.Renewals) == 0 || len(r.Renewals) > maxRenewals {
		return fmt.Errorf("it has %d renewals, 1 to %d allowed", len(r.Renewals), maxRenewals)
	}
	for i, next := range r.Renewals {
		if next == nil || i > 0 && (next.Name != r.Renewals[0].Name || next.Old != r.Renewals[i-1].New) {
			return errors.New("its renewals do not follow one another")
		}
	}
	return nil
}

// renewals returns the own ones. Those that a crash kept from taking effect, which
// no peer has seen, are left out.
func (f *folder) renewals() (*renewals, error) {
	r := &renewals{Version: 1}
	err := f.readJSON(r, renewalsFile)
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return nil, err
	}
	if err := r.validate(); err != nil {
		return nil, inputf(f.join(renewalsFile), "%s", err)
	}
	for len(r.Renewals) > 0 && r.last().New != f.identity.Fingerprint() {
		r.Renewals = r.Renewals[:len(r.Renewals)-1]
	}
	return r, nil
}

// renew puts a new identity in the place of the old one, whose TLS key is gone with
// its file. The statement comes first: without it, no peer would take the new one.
func (f *folder) renew(r *renewals, validity time.Duration) error {
	next, statement, err := f.identity.Renew(validity)
	if errors.Is(err, protocol.ErrConfig) {
		return usagef("%s", strings.TrimPrefix(flat(err), protocol.ErrConfig.Error()+": "))
	}
	if err != nil {
		return err
	}
	r.Renewals = append(r.Renewals, statement)
	r.Renewals = r.Renewals[max(0, len(r.Renewals)-maxRenewals):]
	if err := f.writeJSON(r, renewalsFile); err != nil {
		return err
	}
	text, err := next.Marshal()
	if err != nil {
		return err
	}
	if err := writeFile(f.join(identityFile), text); err != nil {
		return err
	}
	f.identity = next
	return nil
}

// acceptRenewals applies what is new of an agency's renewals to the peer.
func (a *acceptance) acceptRenewals(path string, message []byte) error {
	var r renewals
	if err := decodeMessage(message, &r); err != nil {
		return inputf(path, "the renewal cannot be used: %s", flat(err))
	}
	k, err := a.folder.sender(r.last().Name)
	if err != nil {
		return err
	}
	if k.Certificate == r.last().New {
		return &failure{exitSetUp, fmt.Sprintf("this renewal of %q was accepted already", k.Name), "there is nothing to do"}
	}
	before := k.Certificate
	for _, next := range r.Renewals {
		if next.Old != k.Certificate {
			continue
		}
		if k.Peer, err = k.Apply(next); err != nil {
			return a.falseStatement("renewal", k, err)
		}
	}
	if k.Certificate != r.last().New {
		return &failure{exitSetUp, fmt.Sprintf("the renewal does not follow the certificate that is known of %q: it is older, or one before it is missing", k.Name),
			"ask for its present line, which it makes with pairmatch renew --again"}
	}
	if entry := a.folder.revocationOf(k.Certificate); entry != nil {
		return &failure{exitPeer, fmt.Sprintf("the certificate that the renewal names was revoked on %s", dayOf(entry.Time)), "ask " + k.Name + " by telephone"}
	}
	if err := a.folder.trust(k); err != nil {
		return err
	}
	a.say("%q has a new certificate", k.Name)
	a.say("  certificate  %v", k.Certificate)
	if before != k.Old {
		a.say("  known was    %v", before)
	}
	a.say("  replaces     %v, %s", k.Old, a.folder.standing(k))
	a.say("")
	a.say("A serve or unit that runs here learns of it when it is started again.")
	return nil
}

// standing says how long the peer's former certificate is good.
func (f *folder) standing(k known) string {
	if entry := f.revocationOf(k.Old); entry != nil {
		return "revoked on " + dayOf(entry.Time)
	}
	return "good until " + dayOf(k.OldUntil)
}

// falseStatement explains why a statement is not to be believed.
func (a *acceptance) falseStatement(what string, k known, err error) error {
	if errors.Is(err, protocol.ErrVersion) {
		return &failure{exitSetUp, fmt.Sprintf("the %s is of another version of the protocol", what), "install the same version"}
	}
	if !errors.Is(err, protocol.ErrRenewal) {
		return err
	}
	return &failure{exitPeer, fmt.Sprintf("the %s is not what %q signed", what, k.Name), "do not use it; ask by telephone who sent it"}
}

// sender returns the peer that a statement is about, if its key may be believed.
func (f *folder) sender(name string) (known, error) {
	if name == f.identity.Name() {
		return known{}, &failure{exitPeer, fmt.Sprintf("the line comes from %q, which is this folder's own name", name), "it is for the peers to accept"}
	}
	k, err := f.named(name)
	if err != nil {
		return k, err
	}
	if entry := f.revocationOf(protocol.KeyFingerprint(k.SigningKey)); entry != nil {
		return k, &failure{exitPeer, fmt.Sprintf("the signing key of %q was revoked on %s, and its statements count no more", name, dayOf(entry.Time)), "ask by telephone"}
	}
	return k, nil
}

// named returns the peer of that name, be it an agency or a linkage unit.
func (f *folder) named(name string) (known, error) {
	peers, err := f.peers()
	if err != nil {
		return known{}, err
	}
	names := make([]string, len(peers))
	for i, k := range peers {
		if k.Name == name {
			return k, nil
		}
		names[i] = fmt.Sprintf("%q", k.Name)
	}
	next := "accept its invitation first"
	if len(names) > 0 {
		next = "it knows " + strings.Join(names, ", ")
	}
	return known{}, &failure{exitSetUp, fmt.Sprintf("%s knows no peer %q", f.path, name), next}
}

// dayOf is the date of a moment, in UTC.
func dayOf(t time.Time) string { return t.UTC().Format(time.DateOnly) }
