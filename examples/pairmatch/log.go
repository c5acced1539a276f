package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/comity-prl/comity/protocol"
)

const auditFolder = "log" // below the own folder

var logCommand = &cli.Command{
	Name:  "log",
	Usage: "show, check and keep the audit log of the own folder",
	Description: `Serve, link and unit write one entry for each session, also for those that
were refused or failed: who, when, why, how much, and never about whom. The
log is a Merkle tree whose head the agency signs. Agencies cosign each other's:

   pairmatch log request --dir a --peer B -o request        at A
   pairmatch log cosign --dir b --peer A request -o note    at B
   pairmatch log keep --dir a --peer B note                 at A

What lies before a cosigned head can be neither changed nor cut off, not even
by the agency itself. At the end of retention, erase overwrites entries; what
others cosigned or hold proofs of stays valid.`,
	Action: func(_ context.Context, cmd *cli.Command) error {
		if cmd.Args().Present() {
			return usagef("there is no command %q: see pairmatch help log", cmd.Args().First())
		}
		return cli.ShowSubcommandHelp(cmd)
	},
	Commands: []*cli.Command{
		logListCommand, logVerifyCommand, logExportCommand, logProveCommand, logCheckCommand, logMatchCommand,
		logRequestCommand, logCosignCommand, logKeepCommand, logRecordCommand, logHoldCommand, logReleaseCommand, logEraseCommand,
	},
}

var (
	flagOfficer = &cli.StringFlag{Name: "officer", Usage: "`ID` of who ordered it, opaque to others"}
	flagReason  = &cli.StringFlag{Name: "reason", Usage: "`TEXT`: why", Required: true}
	flagLogOut  = &cli.StringFlag{Name: "o", Aliases: []string{"out", "output"}, Usage: "`FILE` to write", Required: true}
	flagFrom    = &cli.StringFlag{Name: "from", Usage: "`DATE` such as 2026-11-01: entries from its beginning, in UTC"}
	flagUntil   = &cli.StringFlag{Name: "until", Usage: "`DATE`: entries before its beginning, in UTC"}
)

// log opens the folder's audit log, and tells of what a crash had left. A new
// identity has a log of its own.
func (f *folder) log(con *console) (*protocol.Log, error) {
	_, id, _ := strings.Cut(protocol.LogOrigin(f.identity.SigningKey()), "/")
	l, err := protocol.OpenLog(f.join(auditFolder, id), f.identity)
	if err != nil {
		return nil, err
	}
	if l.Repaired() > 0 {
		con.warn("an entry or an erasure of the audit log was broken off; it is repaired")
	}
	return l, nil
}

// audited is config for sessions: with the folder's log and ledger.
func (f *folder) audited(cmd *cli.Command, con *console, peers ...known) (*protocol.Config, error) {
	l, err := f.log(con)
	if err != nil {
		return nil, err
	}
	c := f.config(con, peers...)
	c.Log = l
	if c.ResumeTimeout = cmd.Duration("resume"); c.ResumeTimeout <= 0 {
		c.ResumeTimeout = -1 // not at all
	}
	c.Ledger, err = f.ledger()
	return c, err
}

// audit is what the commands of the log work with.
type audit struct {
	*folder
	con *console
	log *protocol.Log
	cmd *cli.Command
}

// onLog makes an action of a function that takes the log and the arguments.
func onLog(f func(a *audit, args []string) error, names ...string) cli.ActionFunc {
	return func(_ context.Context, cmd *cli.Command) error {
		args, err := arguments(cmd, names...)
		if err != nil {
			return err
		}
		a := &audit{con: newConsole(cmd), cmd: cmd}
		if a.folder, err = openFolder(cmd.String("dir")); err != nil {
			return err
		}
		if a.log, err = a.folder.log(a.con); err != nil {
			return err
		}
		return f(a, args)
	}
}

// peers are all other sides that the folder knows, agencies and units.
func (f *folder) witnesses() ([]protocol.Peer, error) {
	all, err := f.peers()
	if err != nil {
		return nil, err
	}
	var peers []protocol.Peer
	for _, k := range all {
		peers = append(peers, k.Peer)
	}
	return peers, nil
}

// witness is the side that --peer names, agency or unit.
func (a *audit) witness() (protocol.Peer, error) {
	all, err := a.peers()
	if err != nil {
		return protocol.Peer{}, err
	}
	name := a.cmd.String("peer")
	for _, k := range all {
		if k.Name == name || name == "" && len(all) == 1 {
			return k.Peer, nil
		}
	}
	k, err := a.peer(name, false) // says what is known
	return k.Peer, err
}

// key is that of the agency whose log is looked at.
func (a *audit) key() ([]byte, error) {
	if text := a.cmd.String("signing-key"); text != "" {
		return signingKey(text)
	}
	if a.cmd.Bool("own") {
		return a.identity.SigningKey(), nil
	}
	p, err := a.witness()
	return p.SigningKey, err
}

func signingKey(text string) ([]byte, error) {
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(key) != 32 {
		return nil, usagef("--signing-key: not 32 bytes in base64")
	}
	return key, nil
}

func index(text string) (int64, error) {
	i, err := strconv.ParseInt(text, 10, 64)
	if err != nil || i < 0 {
		return 0, usagef("an index is a number from 0 on, as pairmatch log list shows it")
	}
	return i, nil
}

func (a *audit) period() (p protocol.Period, err error) {
	for _, d := range []struct {
		flag string
		time *time.Time
	}{{"from", &p.From}, {"until", &p.Until}} {
		if *d.time, err = date(a.cmd.String(d.flag)); err != nil {
			return p, usagef("--%s: %s", d.flag, err)
		}
	}
	return p, nil
}

// date is the beginning of a day in UTC; none is the zero time.
func date(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return t, errors.New("not a date such as 2026-11-01")
	}
	return t, nil
}

// output puts what a command made in a new private file.
func (a *audit) output(data []byte) error {
	path := a.cmd.String("o")
	if err := mayWrite(a.cmd.Bool("force"), path); err != nil {
		return err
	}
	if err := writeFile(path, data); err != nil {
		return err
	}
	a.con.say("wrote %s", path)
	return nil
}

// logCauses lists what can be wrong with an audit log, the particular first.
var logCauses = []struct {
	is   error
	code int
	what string
	next string
}{
	{protocol.ErrEntry, exitUsage, "", ""},
	{protocol.ErrLogVersion, exitLog, "", "install the same version"},
	{protocol.ErrLogWrite, exitLog, "the audit log cannot be written, and without an entry there is no result", "see that its disk has room, and run pairmatch log verify"},
	{protocol.ErrLogShort, exitLog, "", "entries were cut off: keep all copies and tell the data-protection officer"},
	{protocol.ErrLogFork, exitLog, "", "entries were replaced: keep all copies and tell the data-protection officer"},
	{protocol.ErrLogProof, exitLog, "", "see that the file and --peer belong together, and ask for it again"},
	{protocol.ErrLog, exitLog, "", "keep all copies and tell the data-protection officer"},
}

// explainLog turns an error of the audit log into one for people, and any other
// into nil.
func explainLog(err error) *failure {
	var stale *protocol.StaleError
	if errors.As(err, &stale) {
		return &failure{exitLog, "this side has cosigned another head of the log before", fmt.Sprintf("make the request again with --since %d", stale.Size)}
	}
	for _, c := range logCauses {
		if !errors.Is(err, c.is) {
			continue
		}
		what := c.what
		if what == "" {
			what = flat(err)
		}
		return &failure{c.code, what, c.next}
	}
	return nil
}
