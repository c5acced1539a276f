package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/comity-prl/comity/protocol"
	"github.com/comity-prl/comity/psi"
)

var (
	flagListen      = &cli.StringFlag{Name: "listen", Usage: "`HOST:PORT` to listen on; port 0 takes a free one", Value: "127.0.0.1:7700"}
	flagAddressFile = &cli.StringFlag{Name: "address-file", Usage: "`FILE` to write the address in use to"}
	flagWait        = &cli.DurationFlag{Name: "wait", Usage: "give up after this long without a session (default: never)"}
	flagResume      = &cli.DurationFlag{Name: "resume", Usage: "how long a session waits for a connection that was lost to come back; 0: not", Value: 2 * time.Minute}
	flagOnce        = &cli.BoolFlag{Name: "once", Usage: "end after one session, with its exit code"}
)

var serveCommand = &cli.Command{
	Name:  "serve",
	Usage: "wait for the other agency's link",
	Description: `Accepts sessions from one agency and permits what was agreed with it: the
epoch, the linkage file, this side's role. --permit-* narrow that further, or
widen what is narrow by default, and --policy has to permit the terms too.

Each session has a folder of its own below --out, or with --once the folder
itself. The handles in it turn the other side's matches into own rows: keep
them, and never send the file.

` + mailboxHelp + `

The first line on standard output is "listening on HOST:PORT", or the folder.`,
	Flags: slices.Concat(sideFlags, []cli.Flag{
		flagListen, flagMailbox, flagPoll, flagResume, flagAddressFile, flagOnce, flagWait,
		&cli.StringFlag{Name: "out", Usage: "`FOLDER` for results", Value: "results"},
		roleFlag("sender"), flagMaxPeer,
	}, permitFlags, []cli.Flag{flagPolicy, flagForce, flagJSON, flagQuiet}),
	Action: func(ctx context.Context, cmd *cli.Command) error {
		if _, err := arguments(cmd); err != nil {
			return err
		}
		if err := waitsAt(cmd); err != nil {
			return err
		}
		s, err := newServer(ctx, cmd)
		if err != nil {
			return err
		}
		return s.serve(ctx, cmd)
	},
}

// permitFlags say what an acceptor permits of what was agreed.
var permitFlags = []cli.Flag{
	&cli.StringSliceFlag{Name: "permit-suite", Usage: "permit this `SUITE`, one of " + suiteNames() + " (may be repeated; default: " + psi.ECDHRistretto255().String() + ")"},
	&cli.StringSliceFlag{Name: "permit-function", Usage: "permit this `FUNCTION`, one of " + strings.Join(functions, ", ") + " (may be repeated; default: set)", Validator: eachOneOf("function", functions)},
	&cli.IntFlag{Name: "max-own", Usage: "how many tokens the own set may be filled up to with dummies, where the terms ask for that (default: " + strconv.Itoa(maxPeerTokens) + ", or the own number)"},
	&cli.StringSliceFlag{Name: "permit-purpose", Usage: "permit this `TEXT` as purpose (may be repeated; default: any)"},
	&cli.StringSliceFlag{Name: "permit-legal-basis", Usage: "permit this `TEXT` as legal basis (may be repeated; default: any)"},
	&cli.StringFlag{Name: "permit-jurisdictions", Usage: "permit these `CODES` only, such as DE,FR (default: any)"},
}

func permittedFunctions(cmd *cli.Command) []string {
	return orElse(cmd.StringSlice("permit-function"), protocol.FunctionSet)
}

func permittedSuites(cmd *cli.Command) []string {
	return orElse(cmd.StringSlice("permit-suite"), psi.ECDHRistretto255().String())
}

// server answers one agency's link.
type server struct {
	*side
	tokens    *tokens
	receive   bool
	once      bool
	force     bool
	out       string
	functions []string // permitted
	suites    []string // permitted
}

func newServer(ctx context.Context, cmd *cli.Command) (*server, error) {
	v := &server{
		receive: cmd.String("role") == "receiver", once: cmd.Bool("once"), force: cmd.Bool("force"), out: cmd.String("out"),
		functions: permittedFunctions(cmd), suites: permittedSuites(cmd),
	}
	if err := v.feasible(); err != nil {
		return nil, err
	}
	var err error
	if v.side, err = openSide(cmd); err != nil {
		return nil, err
	}
	if v.tokens, err = v.side.tokens(ctx); err != nil {
		return nil, err
	}
	v.commit(v.tokens.set)
	return v, nil
}

// feasible reports, before any work, what keeps each function from having a run.
func (v *server) feasible() error {
	for _, f := range v.functions {
		var err error
		for _, suite := range v.suites {
			if err = counts("permit-suite", suite, f); err == nil {
				break
			}
		}
		if err != nil {
			return err
		}
		if !v.once {
			continue
		}
		if err := mayWrite(v.force, resultFiles(v.path(v.out, f))...); err != nil {
			return err
		}
	}
	return nil
}

func (v *server) path(folder, function string) string {
	return filepath.Join(folder, kindOf(function, v.receive)+".csv")
}

// policy permits an acceptor what was agreed, and what the flags leave of the rest, for
// so long at most.
func (s *side) policy(cmd *cli.Command, t *tokens, receive bool, lifetime time.Duration) (*protocol.Policy, error) {
	receiver := protocol.Proposer
	if receive {
		receiver = protocol.Acceptor
	}
	return permitted(cmd, protocol.Rule{
		Peers:         []string{s.peer.Name},
		Functions:     permittedFunctions(cmd),
		Purposes:      orElse(cmd.StringSlice("permit-purpose"), protocol.Any),
		LegalBases:    orElse(cmd.StringSlice("permit-legal-basis"), protocol.Any),
		Jurisdictions: orElse(split(cmd.String("permit-jurisdictions")), protocol.Any),
		Epochs:        []string{s.pact.epoch},
		Suites:        permittedSuites(cmd),
		Receivers:     []protocol.Role{receiver},
		Schemas:       []protocol.Hash{t.hash},
		MaxProposer:   cmd.Int("max-peer"),
		MaxAcceptor:   cmp.Or(cmd.Int("max-own"), max(maxPeerTokens, t.set.Len())),
		MaxLifetime:   protocol.Duration(lifetime),
	})
}

func orElse(list []string, fallback string) []string {
	if len(list) == 0 {
		return []string{fallback}
	}
	return list
}

func (v *server) serve(ctx context.Context, cmd *cli.Command) (err error) {
	config, err := v.folder.audited(cmd, v.con, v.peer)
	if err != nil {
		return err
	}
	if config.Policy, err = v.policy(cmd, v.tokens, v.receive, 24*time.Hour); err != nil {
		return err
	}
	config.Failed = v.con.refused
	l, err := listen(cmd, v.con, config)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	for {
		session, err := acceptWithin(ctx, l, cmd.Duration("wait"))
		if err != nil {
			return err
		}
		err = v.session(ctx, session)
		if v.once {
			return err
		}
		if err != nil && ctx.Err() == nil { // an interrupt is acceptWithin's to report
			v.con.warn("a session with %s failed: %s", session.Peer().Name, explain(err))
		}
	}
}

// session runs one session and saves its result.
func (v *server) session(ctx context.Context, session *protocol.Session) error {
	defer session.Close()
	began := time.Now()
	terms := session.Terms()
	v.con.note("session with %s: purpose %q, legal basis %q", session.Peer().Name, terms.Purpose, terms.LegalBasis)
	r, err := v.run(ctx, session, v.tokens, v.receive)
	if err != nil {
		return err
	}
	folder := v.out
	if !v.once {
		run := session.Transcript().String()[:8]
		folder = filepath.Join(folder, clock().UTC().Format("20060102T150405Z")+"-"+run)
	}
	if err := os.MkdirAll(folder, privateFolder); err != nil {
		return err
	}
	return v.finish(r, v.path(folder, terms.Function), session, began)
}

// listen begins to listen and says where.
func listen(cmd *cli.Command, con *console, c *protocol.Config) (*protocol.Listener, error) {
	l, err := listenAt(cmd, c)
	if err != nil {
		return nil, err
	}
	address := l.Addr().String()
	if path := cmd.String("address-file"); path != "" {
		if err := writeFile(path, []byte(address+"\n")); err != nil {
			l.Close()
			return nil, err
		}
	}
	con.say("listening on %s", address)
	return l, con.result(struct {
		Listening string `json:"listening"`
	}{address})
}

func listenAt(cmd *cli.Command, c *protocol.Config) (*protocol.Listener, error) {
	dir := cmd.String("mailbox")
	if dir == "" {
		return protocol.Listen(cmd.String("listen"), c)
	}
	m, err := mailbox(cmd, dir)
	if err != nil {
		return nil, err
	}
	return protocol.ListenMailbox(m, c)
}

// acceptWithin waits for a session, for so long at most; 0 waits for ever.
func acceptWithin(ctx context.Context, l *protocol.Listener, wait time.Duration) (*protocol.Session, error) {
	if wait <= 0 {
		return l.Accept(ctx)
	}
	timeout := &failure{exitConnection, fmt.Sprintf("no session within %v", wait), "see that the other side runs link with the right address"}
	ctx, cancel := context.WithTimeoutCause(ctx, wait, timeout)
	defer cancel()
	return l.Accept(ctx)
}

// flagsFor has, by term, the flags of serve that say what else is agreed to.
var flagsFor = map[string]string{
	"function": "--permit-function", "suite": "--permit-suite", "max_proposer": "--max-peer", "max_acceptor": "--max-own",
}

// refused tells of a connection that did not become a session.
func (c *console) refused(err error) {
	f := explain(err)
	var term *protocol.TermError
	if errors.As(err, &term) {
		f.next = "" // the option is the other side's, unless serve's own flags refused
		if flag := flagsFor[term.Term]; term.Rule == agreedRule && flag != "" {
			f.next = "raise or add " + flag + ", if that is right"
		}
	}
	c.warn("no session: %s", f)
}
