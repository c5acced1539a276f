package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/comity-prl/comity/protocol"
)

var revokeCommand = &cli.Command{
	Name:  "revoke",
	Usage: "declare an own certificate void, or trust a peer no longer",
	Description: `Without --peer it makes the line that declares an own certificate void, for the
peers to accept: after a theft of the TLS key first renew, then revoke. It means
the certificate that the last renewal replaced, unless --certificate names another
or --signing-key ends the identity as a whole. There is no way back.

With --peer it is about a peer, and for this folder alone: no session with it
begins any more, whatever its certificate, or with --certificate only not with
that one. The list is revoked.json in the folder.

A serve or unit that runs learns of it when it is started again.`,
	Flags: []cli.Flag{
		flagDir,
		&cli.StringFlag{Name: "peer", Usage: "`NAME` of the peer that is trusted no longer (default: it is about the own certificate)"},
		&cli.StringFlag{Name: "certificate", Usage: "`FINGERPRINT` of the certificate"},
		&cli.BoolFlag{Name: "signing-key", Usage: "revoke the own signing key, and so the identity"},
		flagLineOut, flagForce,
	},
	Action: func(_ context.Context, cmd *cli.Command) error {
		if _, err := arguments(cmd); err != nil {
			return err
		}
		var named *protocol.Fingerprint
		if text := cmd.String("certificate"); text != "" {
			named = new(protocol.Fingerprint)
			if err := named.UnmarshalText([]byte(text)); err != nil {
				return usagef("--certificate: a fingerprint is 64 lower-case hexadecimal digits, as pairmatch doctor shows it")
			}
		}
		if named != nil && cmd.Bool("signing-key") {
			return usagef("revoke takes either --certificate or --signing-key")
		}
		if cmd.IsSet("peer") {
			return revokePeer(cmd, named)
		}
		return revokeOwn(cmd, named)
	},
}

// revokeOwn makes the statement for peers.
func revokeOwn(cmd *cli.Command, named *protocol.Fingerprint) error {
	l, err := openLineOut(cmd)
	if err != nil {
		return err
	}
	r, err := l.folder.renewals()
	if err != nil {
		return err
	}
	id := l.folder.identity
	own := []protocol.Fingerprint{id.Fingerprint()}
	for _, old := range r.Renewals {
		own = append(own, old.Old)
	}
	what, f := "certificate", protocol.KeyFingerprint(id.SigningKey())
	switch {
	case cmd.Bool("signing-key"):
		what = "signing key"
	case named == nil && len(r.Renewals) == 0:
		return &failure{exitUsage, fmt.Sprintf("the certificate of %q was never renewed, so that there is no old one to revoke", id.Name()),
			"run pairmatch renew first; or name the present one with --certificate, which ends all sessions until then"}
	case named == nil:
		f = r.last().Old
	case !slices.Contains(own, *named):
		return usagef("--certificate: %q has had no such certificate", id.Name())
	default:
		f = *named
	}
	statement, err := id.Revoke(f)
	if err != nil {
		return err
	}
	message, err := json.Marshal(statement)
	if err != nil {
		return err
	}
	l.say("the %s of %q with the fingerprint %v is void for each peer that accepts this line", what, id.Name(), f)
	switch {
	case cmd.Bool("signing-key"):
		l.say("The identity has ended then: make a new one in a new folder, and invite anew.")
	case f == id.Fingerprint():
		l.say("It is the present one: no session begins until pairmatch renew has made another, and its line is accepted too.")
	}
	return l.send(revocationPrefix, message)
}

// revokePeer takes the trust from a peer, in this folder alone.
func revokePeer(cmd *cli.Command, named *protocol.Fingerprint) error {
	if cmd.Bool("signing-key") || cmd.IsSet("o") {
		return usagef("with --peer, revoke makes no line and takes no more than --certificate")
	}
	f, err := openFolder(cmd.String("dir"))
	if err != nil {
		return err
	}
	k, err := f.named(cmd.String("peer"))
	if err != nil {
		return err
	}
	void := []revoked{{Peer: k.Name, What: "signing key", Fingerprint: protocol.KeyFingerprint(k.SigningKey)}}
	for _, c := range k.certificates() {
		void = append(void, revoked{Peer: k.Name, What: "certificate", Fingerprint: c})
	}
	next := "To trust it again, let it make a new identity; then delete " + f.join(peersFolder, k.slot) + " and agree anew."
	if named != nil {
		if void = slices.DeleteFunc(void, func(r revoked) bool { return r.Fingerprint != *named }); len(void) == 0 {
			return usagef("--certificate: none of %q is known with that fingerprint: see pairmatch doctor", k.Name)
		}
		next = "Its other certificates stay good: see pairmatch doctor."
		if *named == k.Certificate {
			next = "It is its present one: sessions begin again once it has renewed and its line is accepted."
		}
	}
	con := newConsole(cmd)
	for _, r := range void {
		r.Time = clock().UTC().Truncate(time.Second)
		if err := f.revoke(r); err != nil {
			return err
		}
		con.say("the %s of %q with the fingerprint %v is trusted no longer", r.What, r.Peer, r.Fingerprint)
	}
	con.say("")
	con.say("%s", next)
	con.say("A serve or unit that runs here learns of it when it is started again.")
	return nil
}

// certificates are those that the peer is known by.
func (k *known) certificates() []protocol.Fingerprint {
	list := []protocol.Fingerprint{k.Certificate}
	if k.Old != (protocol.Fingerprint{}) {
		list = append(list, k.Old)
	}
	return list
}

const revokedFile = "revoked.json"

// revocations is the file of what this folder trusts no longer.
type revocations struct {
	Version int       `json:"version"`
	Revoked []revoked `json:"revoked"`
}

// revoked is a certificate or signing key that is trusted no longer.
type revoked struct {
	Peer        string               `json:"peer"`
	What        string               `json:"what"`
	Fingerprint protocol.Fingerprint `json:"fingerprint"`
	Time        time.Time            `json:"time"`
	// Statement is the peer's own, where it did not come from this side.
	Statement *protocol.Revocation `json:"statement,omitempty"`
}

// readRevoked reads the list. A list that cannot be read stops everything: what it
// holds must not be trusted by accident.
func (f *folder) readRevoked() error {
	var list revocations
	err := f.readJSON(&list, revokedFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if list.Version != 1 {
		return inputf(f.join(revokedFile), "it is of version %d, here 1", list.Version)
	}
	f.revoked = list.Revoked
	return nil
}

// revoke adds to the list what is not there yet.
func (f *folder) revoke(r revoked) error {
	if f.revocationOf(r.Fingerprint) != nil {
		return nil
	}
	f.revoked = append(f.revoked, r)
	return f.writeJSON(revocations{1, f.revoked}, revokedFile)
}

// revocationOf returns the entry of a certificate or signing key, or nil.
func (f *folder) revocationOf(p protocol.Fingerprint) *revoked {
	i := slices.IndexFunc(f.revoked, func(r revoked) bool { return r.Fingerprint == p })
	if i < 0 {
		return nil
	}
	return &f.revoked[i]
}

// distrusts returns the entry that keeps a peer from sessions, or nil.
func (f *folder) distrusts(p protocol.Peer) *revoked {
	if entry := f.revocationOf(protocol.KeyFingerprint(p.SigningKey)); entry != nil {
		return entry
	}
	return f.revocationOf(p.Certificate)
}

// mayTrust reports a peer that is trusted no longer.
func (f *folder) mayTrust(p protocol.Peer) error {
	entry := f.distrusts(p)
	if entry == nil {
		return nil
	}
	return &failure{exitPeer, fmt.Sprintf("the %s of %q was revoked on %s", entry.What, p.Name, dayOf(entry.Time)), "see pairmatch doctor, and ask by telephone"}
}

// acceptRevocation takes a peer's word that a certificate or its key is void.
func (a *acceptance) acceptRevocation(path string, message []byte) error {
	statement, err := protocol.ParseRevocation(message)
	if err != nil {
		return inputf(path, "the revocation cannot be used: %s", strings.TrimPrefix(flat(err), protocol.ErrRenewal.Error()+": "))
	}
	k, err := a.folder.sender(statement.Name)
	if err != nil {
		return err
	}
	if entry := a.folder.revocationOf(statement.Revoked); entry != nil {
		return &failure{exitSetUp, fmt.Sprintf("it was revoked here on %s already", dayOf(entry.Time)), "there is nothing to do"}
	}
	if key := protocol.KeyFingerprint(k.SigningKey); statement.Revoked != key && !slices.Contains(k.certificates(), statement.Revoked) {
		return &failure{exitSetUp, fmt.Sprintf("what the line revokes is no certificate that is known of %q, and so not trusted anyway", k.Name),
			"if it is of a renewal that this side has not seen, accept that line first"}
	}
	if err := statement.Verify(k.Peer); err != nil {
		return a.falseStatement("revocation", k, err)
	}
	r := revoked{Peer: k.Name, What: "certificate", Fingerprint: statement.Revoked, Time: clock().UTC().Truncate(time.Second), Statement: statement}
	next := fmt.Sprintf("No session with %q begins until it has renewed, and its line is accepted.", k.Name)
	switch statement.Revoked {
	case protocol.KeyFingerprint(k.SigningKey):
		r.What = "signing key"
		next = fmt.Sprintf("No session with %q begins any more. If it makes a new identity: delete %s and agree anew.", k.Name, a.folder.join(peersFolder, k.slot))
	case k.Old:
		next = "Its present certificate stays good."
	}
	if err := a.folder.revoke(r); err != nil {
		return err
	}
	a.say("%q declares its %s with the fingerprint %v void", k.Name, r.What, r.Fingerprint)
	a.say("")
	a.say("%s", next)
	a.say("A serve or unit that runs here learns of it when it is started again.")
	return nil
}
