// Pairmatch is the command for two agencies that want to know which persons both
// know about, and to show each other nothing else. See it at work:
//
//	pairmatch demo
//
// In earnest each agency makes an identity, the two agree on fields, rules and a
// secret by passing two lines of text, and then one serves and the other links:
//
//	Agency A                                         Agency B
//	pairmatch init --dir a --name "Agency A"         pairmatch init --dir b --name "Agency B"
//	pairmatch schema a.csv -o linkage.json
//	pairmatch invite --dir a --linkage linkage.json
//	    --epoch 2026-Q4 -o invite.txt          ──▶
//	                                                 pairmatch accept --dir b invite.txt -o reply.txt
//	                                           ◀──
//	pairmatch accept --dir a reply.txt
//	                     compare the code by telephone
//	                                                 pairmatch serve --dir b --data b.csv --listen :7700
//	pairmatch link --dir a --data a.csv
//	    --connect b.example:7700 --purpose ...
//
// link writes the own rows that match, each with a handle, and serve the file that
// turns handles into its rows, which never leaves it. For records with errors
// both owners run link --unit against a third party, a linkage unit, which
// compares keyed encodings and holds no key.
//
// Where no port can be opened, --mailbox names a folder that both sides share, and
// takes the place of --listen and --connect. Where the two sides cannot even run at the
// same time, each runs step on such a folder again and again, until it is done.
//
// Certificates end. renew makes a new one, and revoke declares one void; each gives a
// signed line that the peers accept.
//
// What a side permits stands in a policy file, which serve, link and unit take by
// --policy; policy check says in words what it does, and link --officer-key has the
// officer who asks sign the terms too.
//
// Exit codes are part of the interface:
//
//	0    done
//	1    internal error
//	2    wrong usage
//	3    an input file, or a file of the own folder, is missing or malformed
//	4    the set-ups differ: epoch, fields, rules, encoding, secret or version
//	5    the peer is not trusted, or does not trust this side
//	6    the terms are refused or have expired
//	7    the connection failed, or the peer hung up
//	8    the clocks are too far apart
//	9    the audit log or the ledger cannot be written or is not in order, or a proof or
//	     a commitment is not
//	130  interrupted
//
// No message names a value of a record, a token or a secret.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/urfave/cli/v3"
)

// clock tells the time. The test binary sets it to act as a host whose clock is
// wrong.
var clock = time.Now

func main() { os.Exit(run(os.Args)) }

func run(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the process at once
	err := newCommand().Run(ctx, args)
	if err == nil {
		return 0
	}
	f := explain(err)
	fmt.Fprintf(os.Stderr, "pairmatch: %s\n", f)
	return f.code
}

var (
	flagDir = &cli.StringFlag{Name: "dir", Usage: "`FOLDER` of the own identity, made by init", Required: true}
	// As in other tools, -json works as well as --json.
	flagJSON  = &cli.BoolFlag{Name: "json", Usage: "print the result as JSON"}
	flagQuiet = &cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "no notes and no progress on standard error"}
	flagForce = &cli.BoolFlag{Name: "force", Usage: "replace files that exist"}
	flagEpoch = &cli.StringFlag{Name: "epoch", Usage: "`NAME` of the key period, such as 2026-Q4 (default: the one agreed last)"}
	flagPeer  = &cli.StringFlag{Name: "peer", Usage: "`NAME` of the other agency (default: the only one known)"}
)

func newCommand() *cli.Command {
	root := &cli.Command{
		Name:  "pairmatch",
		Usage: "find the persons that two agencies both know, and reveal nothing else",
		Description: `Start with "pairmatch demo". In earnest: init, schema, invite and accept,
doctor, then serve and link.

` + exitHelp,
		Commands: []*cli.Command{
			demoCommand, initCommand, schemaCommand, inviteCommand, acceptCommand, renewCommand, revokeCommand, doctorCommand,
			serveCommand, linkCommand, stepCommand, unitCommand, tokenizeCommand, scoreCommand,
			logCommand, ledgerCommand, openingCommand, policyCommand, officerKeyCommand,
		},
		HideVersion:    true,
		Suggest:        true,
		Writer:         os.Stdout,
		ErrWriter:      os.Stderr,
		ExitErrHandler: func(context.Context, *cli.Command, error) {}, // run prints errors
		OnUsageError:   usageError,
		Action: func(_ context.Context, cmd *cli.Command) error {
			if cmd.Args().Present() {
				return usagef("there is no command %q: see pairmatch help", cmd.Args().First())
			}
			return cli.ShowRootCommandHelp(cmd)
		},
	}
	for _, c := range slices.Concat(root.Commands, logCommand.Commands, openingCommand.Commands, policyCommand.Commands) {
		c.OnUsageError = usageError
		c.HideHelpCommand = true
		c.DisableSliceFlagSeparator = true // a purpose may hold a comma
	}
	return root
}

func usageError(_ context.Context, cmd *cli.Command, err error, _ bool) error {
	return usagef("%s: see %s", flat(err), helpOf(cmd))
}

// helpOf is the command that shows the help of another.
func helpOf(cmd *cli.Command) string {
	if full := cmd.FullName(); strings.Count(full, " ") > 1 {
		return full + " --help"
	}
	return "pairmatch help " + cmd.Name
}
