package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/comity-prl/comity/protocol"
	"github.com/comity-prl/comity/tokenize"
)

var doctorCommand = &cli.Command{
	Name:  "doctor",
	Usage: "look for what would go wrong, without sending any data",
	Description: `Checks the folder, its certificate, its peers and what was agreed; with --data the
records against the linkage file; with --policy that the file can be used and has
a rule for each peer; with --connect or --mailbox whether the other side can be
reached, trusts this one, and has the same time. Each line is ok, warn or FAIL,
with a remedy. The exit code is that of the first FAIL.`,
	Flags: []cli.Flag{
		flagDir,
		&cli.StringFlag{Name: "data", Usage: "CSV `FILE` of the own records"},
		&cli.StringFlag{Name: "columns", Usage: "columns `FILE`, where the CSV has other names than the linkage file"},
		flagPolicy,
		&cli.StringFlag{Name: "connect", Usage: "`HOST:PORT` of the other side"},
		&cli.StringFlag{Name: "mailbox", Usage: "shared `FOLDER` in which the other side's serve or unit waits"},
		&cli.DurationFlag{Name: "wait", Usage: "give up when nobody has answered in the mailbox for so long", Value: 2 * time.Minute}, flagPoll,
		flagPeer, flagEpoch, flagJSON,
	},
	Action: func(ctx context.Context, cmd *cli.Command) error {
		if _, err := arguments(cmd); err != nil {
			return err
		}
		if cmd.Duration("wait") <= 0 || cmd.IsSet("wait") && cmd.String("mailbox") == "" {
			return usagef("--wait is for a mailbox, and more than 0")
		}
		d := &doctor{con: newConsole(cmd)}
		d.examine(ctx, cmd)
		if err := d.con.result(d.findings); err != nil {
			return err
		}
		if d.first == nil {
			return nil
		}
		return &failure{d.first.code, "there is a FAIL above", "its remedy stands beside it"}
	},
}

const (
	statusOK   = "ok"
	statusWarn = "warn"
	statusFail = "FAIL"
)

// finding is one line of doctor's report.
type finding struct {
	Status string `json:"status"`
	What   string `json:"what"`
	Remedy string `json:"remedy,omitempty"`
}

type doctor struct {
	con      *console
	findings []finding
	first    *failure // the first FAIL
}

func (d *doctor) add(status, what, remedy string) {
	d.findings = append(d.findings, finding{status, what, remedy})
	d.con.say("%-5s %s", status, what)
	if remedy != "" {
		d.con.say("      → %s", remedy)
	}
}

func (d *doctor) ok(format string, args ...any) { d.add(statusOK, fmt.Sprintf(format, args...), "") }

func (d *doctor) warn(remedy, format string, args ...any) {
	d.add(statusWarn, fmt.Sprintf(format, args...), remedy)
}

func (d *doctor) fail(err error) {
	f := explain(err)
	if d.first == nil {
		d.first = f
	}
	d.add(statusFail, f.what, f.next)
}

// examine makes the checks, as far as each leaves ground for the next.
func (d *doctor) examine(ctx context.Context, cmd *cli.Command) {
	f, err := openFolder(cmd.String("dir"))
	if err != nil {
		d.fail(err)
		return
	}
	d.files(f)
	d.certificate(f.identity)
	peers, err := f.peers()
	if err != nil {
		d.fail(err)
		return
	}
	d.peers(f, peers)
	d.ledger(f)
	d.policy(cmd, peers)
	if path := cmd.String("data"); path != "" {
		d.data(ctx, cmd)
	}
	if address := cmd.String("connect"); address != "" {
		d.reach(f, peers, address, func(c *protocol.Config) (*protocol.Report, error) { return protocol.Probe(ctx, address, c) })
	}
	if dir := cmd.String("mailbox"); dir != "" {
		d.mailbox(ctx, cmd, f, peers, dir)
	}
}

// files checks that every file is for its owner alone.
func (d *doctor) files(f *folder) {
	sound := true
	err := filepath.WalkDir(f.path, func(path string, _ fs.DirEntry, err error) error {
		if err == nil {
			err = f.private(path)
		}
		if err != nil {
			sound = false
			d.fail(err)
		}
		return nil
	})
	if err == nil && sound {
		d.ok("%s and its files are for their owner alone", f.path)
	}
}

func (d *doctor) certificate(id *protocol.Identity) {
	left := id.Expires().Sub(clock())
	until := dayOf(id.Expires())
	switch remedy := "run pairmatch renew, and send its line to all peers"; {
	case left <= 0:
		d.fail(&failure{exitPeer, fmt.Sprintf("the certificate of %q expired on %s", id.Name(), until), remedy})
	case left < 30*24*time.Hour:
		d.warn(remedy+" before then", "the certificate of %q expires soon, on %s", id.Name(), until)
	default:
		d.ok("%q, certificate %v, valid until %s, made on %s", id.Name(), id.Fingerprint(), until, dayOf(id.Issued()))
	}
}

// trusted reports a peer that this side trusts no longer.
func (d *doctor) trusted(f *folder, k known) {
	entry := f.distrusts(k.Peer)
	if entry == nil {
		return
	}
	remedy := "accept the line of its renewal"
	if entry.Fingerprint != k.Certificate {
		remedy = "if it makes a new identity, delete " + f.join(peersFolder, k.slot) + " and agree anew"
	}
	d.warn("no session with it begins: "+remedy, "the %s of %q was revoked on %s", entry.What, k.Name, dayOf(entry.Time))
}

// certificateOf describes by which certificates the peer is known.
func certificateOf(f *folder, k known) string {
	if k.Old == (protocol.Fingerprint{}) || !clock().Before(k.OldUntil) {
		return k.Certificate.String()
	}
	return fmt.Sprintf("%v (its former one %v is %s)", k.Certificate, k.Old, f.standing(k))
}

func (d *doctor) peers(f *folder, peers []known) {
	if len(peers) == 0 {
		d.warn("invite the other side, or accept its invitation", "no peer is known yet")
	}
	for _, k := range peers {
		d.trusted(f, k)
		if k.Unit || f.isUnit() {
			d.ok("%q, certificate %s%s", k.Name, certificateOf(f, k), map[bool]string{true: ", linkage unit"}[k.Unit])
			continue
		}
		pacts, err := f.pacts(k)
		if err != nil {
			d.fail(err)
			continue
		}
		if len(pacts) == 0 {
			d.warn("invite it, or accept its invitation", "nothing is agreed with %q", k.Name)
		}
		for _, p := range pacts {
			tk, err := p.linkage.tokenizer(p.secret, p.epoch)
			if err != nil {
				d.fail(err)
				continue
			}
			hash := tk.Hash()
			d.ok("%q, certificate %s, epoch %s, code %s, schema %x", k.Name, certificateOf(f, k), p.epoch, p.code, hash[:8])
		}
	}
	if open, err := os.ReadDir(f.join(invitesFolder)); err == nil && len(open) > 0 && !f.isUnit() {
		d.warn("accept the reply; or delete them in "+f.join(invitesFolder), "%d own invitations wait for a reply", len(open))
	}
}

// ledger checks the folder's, if it has one yet.
func (d *doctor) ledger(f *folder) {
	path := f.join("ledger")
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return
	}
	l, err := f.ledger()
	if err == nil {
		err = errors.Join(l.Verify(), l.Close())
	}
	switch {
	case errors.Is(err, protocol.ErrLedgerBusy):
		d.warn("try again; if it lasts, see what runs with this folder", "%s: another process holds the ledger", path)
	case err != nil:
		d.fail(&failure{exitLog, path + ": the ledger is not in order: " + ledgerFault(err), "no session begins with it: keep it, and ask whoever answers for quotas; without it today's count is lost"})
	default:
		d.ok("%s: the ledger is in order", path)
	}
}

// ledgerFault is what is wrong with a ledger, without what people know already.
func ledgerFault(err error) string {
	text := flat(err)
	for _, prefix := range []string{"open ledger: ", "ledger verify: ", protocol.ErrLedger.Error() + ": ", "protocol: "} {
		text = strings.TrimPrefix(text, prefix)
	}
	return text
}

// policy checks that the agency's file can be used, and for whom it is.
func (d *doctor) policy(cmd *cli.Command, peers []known) {
	p, err := agencyPolicy(cmd)
	switch {
	case err != nil:
		d.fail(err)
		return
	case p == nil:
		return
	}
	path := cmd.String(flagPolicy.Name)
	for _, k := range peers {
		if !slices.ContainsFunc(p.Rules, func(r protocol.Rule) bool { return covers(r.Peers, []string{k.Name}) }) {
			d.warn("add a rule, if sessions with it shall be permitted", "%s has no rule for %q", path, k.Name)
		}
	}
	for _, r := range inWords(p) {
		for _, what := range r.Beware {
			d.warn("see pairmatch policy check "+path, "%s: the rule %q: %s", path, r.Name, what)
		}
	}
	d.ok("%s: a policy of %s", path, amount(len(p.Rules), "rule"))
}

// data checks the records against what was agreed.
func (d *doctor) data(ctx context.Context, cmd *cli.Command) {
	s, err := openSide(cmd)
	if err != nil {
		d.fail(err)
		return
	}
	if len(s.table.records) == 0 {
		d.warn("see that it is the right file", "%s has no records, so nothing can match", s.table.path)
		return
	}
	d.ok("%s: %d records, every field has a column", s.table.path, len(s.table.records))
	d.missing(s)
	d.rules(ctx, s)
}

// missing reports how often each field is missing, or was not understood.
func (d *doctor) missing(s *side) {
	schema := s.pact.linkage.schema()
	missing, miswritten := make([]int, len(schema.Fields)), make([]int, len(schema.Fields))
	bad := 0
	for _, r := range s.table.records {
		fields, err := schema.Normalize(r)
		if err != nil {
			bad++
		}
		for i, f := range fields {
			if f.Value == "" {
				missing[i]++
			}
			if f.Flags&tokenize.BadCheck != 0 {
				miswritten[i]++
			}
		}
	}
	if bad > 0 {
		d.warn("the first are named below; put them right, or those values cannot match", "%d records hold a value that cannot be read", bad)
	}
	var shares []string
	for i, n := range missing {
		share := 100 * float64(n) / float64(len(s.table.records))
		shares = append(shares, fmt.Sprintf("%s %.1f %%", schema.Fields[i].Name, share))
		if share > 50 {
			d.warn("see that the column is the right one and its values are as the linkage file says", "%s is missing in %.1f %% of the records", schema.Fields[i].Name, share)
		}
	}
	for i, n := range miswritten {
		if n > 0 {
			d.warn("they are compared as they are: put them right, or see that the region of the field is the right one", "%d values of %s have wrong check digits", n, schema.Fields[i].Name)
		}
	}
	d.ok("missing: %s", strings.Join(shares, ", "))
}

// rules reports which rules make tokens of the records.
func (d *doctor) rules(ctx context.Context, s *side) {
	t, err := s.tokens(ctx)
	if err != nil {
		d.fail(err)
		return
	}
	for i, n := range t.perRule {
		if n == 0 {
			d.warn("no record has all parts of it: see the missing fields", "the rule %q makes no token", s.pact.linkage.Rules[i].Name)
		}
	}
	served := make(map[int]bool)
	for _, e := range t.entries {
		served[e.Row] = true
	}
	d.ok("%d tokens by %d rules; %d of %d records make at least one", len(t.entries), len(t.perRule), len(served), len(s.table.records))
}

// mailbox checks that the folder can be used, and that a session could begin there.
func (d *doctor) mailbox(ctx context.Context, cmd *cli.Command, f *folder, peers []known, dir string) {
	m, err := mailbox(cmd, dir)
	if err != nil {
		d.fail(err)
		return
	}
	d.ok("%s can be used as a mailbox", dir)
	d.reach(f, peers, dir, func(c *protocol.Config) (*protocol.Report, error) {
		c.HandshakeTimeout = cmd.Duration("wait")
		d.con.note("waiting for an answer in %s, for %v at most", dir, c.HandshakeTimeout)
		return protocol.ProbeMailbox(ctx, m, c)
	})
}

// reach checks that a session could begin.
func (d *doctor) reach(f *folder, peers []known, where string, probe func(*protocol.Config) (*protocol.Report, error)) {
	if len(peers) == 0 {
		d.fail(&failure{exitSetUp, "no peer is known that could be reached", "accept its line first"})
		return
	}
	report, err := probe(f.config(d.con, peers...))
	if report != nil {
		d.ok("%s is %q, answers in %v and trusts this side", where, report.Peer.Name, report.RTT.Round(time.Millisecond))
	}
	var apart *protocol.ClockError
	switch {
	case errors.As(err, &apart):
		d.fail(&failure{exitClock, fmt.Sprintf("its clock is %.0f s off, %v allowed", apart.Difference.Seconds(), apart.Allowed), "set both clocks by NTP"})
	case err != nil:
		d.fail(err)
	default:
		d.ok("its clock is %.1f s off, give or take the time that its answer took", report.Ahead.Seconds())
	}
}
