package main

import (
	"context"
	"slices"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/comity-prl/comity/protocol"
	"github.com/comity-prl/comity/psi"
)

const (
	stepsFolder = "steps" // below the own folder

	stepsValid    = 7 * 24 * time.Hour
	stepsLifetime = 31 * 24 * time.Hour // the longest that an acceptor permits
)

var stepCommand = &cli.Command{
	Name:  "step",
	Usage: "link over a shared folder, one step at a time, without waiting for the other side",
	Description: `Reads what the other agency has put into the folder, does the own part, writes
the answer and ends. Run it again whenever something may have come, by hand or
by the clock; the session takes five or six steps in all, and days may pass in
between. One side begins with --propose, the purpose and so on, and may leave
them off later; the other permits what --permit-* leave of what was agreed.

Each run says "waiting for NAME" or "done: FILE". The records must stay the same
until then. Messages are signed, and sealed to the other side's key. Whoever runs
the folder sees ciphertext and sizes.`,
	Flags: slices.Concat(sideFlags, []cli.Flag{
		&cli.StringFlag{Name: "mailbox", Usage: "shared `FOLDER`", Required: true},
		&cli.BoolFlag{Name: "propose", Usage: "begin a session, unless an own one is under way"},
		&cli.StringFlag{Name: "role", Usage: roleUsage + " (default: the receiver proposes)", Validator: validRole},
		flagMaxPeer,
		&cli.StringFlag{Name: "suite", Usage: "`NAME` of the intersection protocol to propose, a Diffie–Hellman one", Value: psi.ECDHRistretto255().String()},
		&cli.StringFlag{Name: "o", Aliases: []string{"out", "output"}, Usage: "`FILE` for the result (default: matches.csv, handles.csv or count.csv)"},
		flagFunction,
	}, withoutDuty(termFlags), paddingFlags, permitFlags, []cli.Flag{flagPolicy, flagForce, flagJSON, flagQuiet}),
	Action: func(ctx context.Context, cmd *cli.Command) error {
		if _, err := arguments(cmd); err != nil {
			return err
		}
		if err := dutiful(cmd, slices.Concat(termFlags, paddingFlags, []cli.Flag{flagFunction})); err != nil {
			return err
		}
		if err := checkPadding(cmd); err != nil {
			return err
		}
		if err := counts("suite", cmd.String("suite"), cmd.String("function")); err != nil {
			return err
		}
		m, err := mailbox(cmd, cmd.String("mailbox"))
		if err != nil {
			return err
		}
		s, err := newStepper(ctx, cmd)
		if err != nil {
			return err
		}
		return s.step(ctx, cmd, m)
	},
}

// stepper is one run of the command.
type stepper struct {
	*side
	tokens *tokens
	out    string // "": by what comes out
	force  bool
	done   []stepSummary
}

// stepSummary is what a run says of a session to programs.
type stepSummary struct {
	State      string        `json:"state"` // "waiting" or "done"
	Session    string        `json:"session"`
	Peer       string        `json:"peer"`
	Result     string        `json:"result,omitempty"`
	File       string        `json:"file,omitempty"`
	Terms      string        `json:"terms,omitempty"`
	Rows       int           `json:"rows,omitempty"`
	PeerSize   int           `json:"peer_size,omitempty"`
	Transcript protocol.Hash `json:"transcript,omitzero"`
}

func newStepper(ctx context.Context, cmd *cli.Command) (*stepper, error) {
	s := &stepper{out: cmd.String("o"), force: cmd.Bool("force")}
	var err error
	if s.side, err = openSide(cmd); err != nil {
		return nil, err
	}
	s.tokens, err = s.side.tokens(ctx)
	return s, err
}

func (s *stepper) step(ctx context.Context, cmd *cli.Command, m *protocol.Mailbox) error {
	config, err := s.folder.audited(cmd, s.con, s.peer)
	if err != nil {
		return err
	}
	propose := cmd.Bool("propose")
	receive := cmd.String("role") == "receiver" || propose && cmd.String("role") == ""
	var terms *protocol.Terms
	if propose {
		if terms, err = s.tokenTerms(cmd, s.tokens, receive); err != nil {
			return err
		}
		if !cmd.IsSet("valid") {
			terms.Expires = terms.Issued.Add(stepsValid)
		}
		officer, err := officerKey(cmd)
		if err != nil {
			return err
		}
		if terms, err = signedBy(officer, terms, config); err != nil {
			return err
		}
		if config.Policy, err = agencyPolicy(cmd); err != nil {
			return err
		}
	} else if config.Policy, err = s.policy(cmd, s.tokens, receive, stepsLifetime); err != nil {
		return err
	}
	steps := &protocol.Steps{
		Mailbox: m, Dir: s.folder.join(stepsFolder, s.peer.slot), Config: config,
		Set: s.setFor, Done: s.save, ProposeOnly: propose,
	}
	status, err := steps.Run(ctx, terms)
	if err != nil {
		return err
	}
	return s.report(m, status)
}

// setFor leaves sessions of another epoch to a run with that --epoch.
func (s *stepper) setFor(t *protocol.Terms) (*psi.Set, error) {
	if t.Epoch != s.pact.epoch {
		return nil, nil
	}
	return s.tokens.set, nil
}

// save writes a result. Where it cannot, the next run tries again.
func (s *stepper) save(d *protocol.StepResult) error {
	r := s.resultOf(d)
	path := s.out
	if path == "" {
		path = r.kind + ".csv"
	}
	if err := mayWrite(s.force, resultFiles(path)...); err != nil {
		return err
	}
	if err := r.save(path, newRecord(*d.Terms, d.Agreement, d.Transcript, d.Role, d.Commitment, d.PeerCommitment), d.Opening); err != nil {
		return err
	}
	s.con.say("%s", r.headline(len(s.table.records), "", d.Peer.Name))
	s.con.say("  %-11s %s", "terms", termsPath(path))
	s.con.say("  %-11s %s  (the same on the other side)", "transcript", d.Transcript)
	s.con.say("done: %s", path)
	s.done = append(s.done, stepSummary{
		State: "done", Session: d.Session, Peer: d.Peer.Name, Result: r.kind, File: path, Terms: termsPath(path),
		Rows: r.rows, PeerSize: r.peerSize, Transcript: d.Transcript,
	})
	return nil
}

func (s *stepper) resultOf(d *protocol.StepResult) *result {
	switch {
	case d.Result != nil:
		return s.matches(s.tokens, d.Result)
	case d.Count != nil:
		return countOf(s.tokens, d.Count)
	case d.Terms.Function == protocol.FunctionCount:
		return &result{kind: kindCount, peerSize: d.Handles.PeerSize}
	}
	return s.handles(s.tokens, d.Handles)
}

// report says how each session stands; the first that failed is the command's error.
func (s *stepper) report(m *protocol.Mailbox, status []protocol.StepStatus) (err error) {
	out := s.done
	for _, x := range status {
		switch {
		case x.Over && x.Err == nil: // said by save
			continue
		case x.Over:
			s.con.warn("the session %.8s with %s failed", x.Session, x.Peer)
			if err == nil {
				err = x.Err
			}
			continue
		case x.Err != nil:
			s.con.warn("session %.8s: %s", x.Session, explain(x.Err))
		}
		if x.Peer != "" {
			s.con.say("waiting for %s", x.Peer)
			out = append(out, stepSummary{State: "waiting", Session: x.Session, Peer: x.Peer})
		}
	}
	if err != nil {
		return err
	}
	if len(out) == 0 {
		s.con.say("nothing to do: no message from %s in %s", s.peer.Name, m.Dir)
	}
	return s.con.result(out)
}
