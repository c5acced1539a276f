package main

import (
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/comity-prl/comity/protocol"
)

var logListCommand = &cli.Command{
	Name:  "list",
	Usage: "list the entries",
	Flags: []cli.Flag{flagDir, flagFrom, flagUntil, flagJSON},
	Action: onLog(func(a *audit, _ []string) error {
		p, err := a.period()
		if err != nil {
			return err
		}
		for e, err := range a.log.Entries() {
			if err != nil {
				return err
			}
			if e.Entry != nil && (e.Entry.Time.Before(p.From) || !p.Until.IsZero() && !e.Entry.Time.Before(p.Until)) {
				continue
			}
			if err := a.show(e); err != nil {
				return err
			}
		}
		return nil
	}),
}

// show prints one entry.
func (a *audit) show(l protocol.Logged) error {
	a.con.say("%s", line(l))
	return a.con.result(struct {
		Index  int64           `json:"index"`
		Entry  *protocol.Entry `json:"entry,omitempty"`
		Erased bool            `json:"erased,omitempty"`
	}{l.Index, l.Entry, l.Erased})
}

// line is an entry for people.
func line(l protocol.Logged) string {
	e := l.Entry
	switch {
	case e == nil && l.Erased:
		return fmt.Sprintf("%d  (erased)", l.Index)
	case e == nil:
		return fmt.Sprintf("%d  (not shown)", l.Index)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d  %s  %s", l.Index, e.Time.Format(time.RFC3339), e.Event)
	for _, f := range []struct{ name, value string }{
		{"", e.Outcome}, {"term", e.Term}, {"peer", e.Peer}, {"partner", e.Partner}, {"officer", e.Officer}, {"case", e.Case},
		{"offence", e.Offence}, {"approvers", strings.Join(e.Approvers, " ")},
		{"purpose", e.Purpose}, {"legal basis", e.LegalBasis}, {"article", e.Article}, {"scope", e.Scope},
		{"categories", strings.Join(e.Categories, " ")}, {"rule", e.Rule}, {"reason", e.Reason},
	} {
		switch {
		case f.value == "":
		case f.name == "":
			fmt.Fprintf(&b, ", %s", f.value)
		default:
			fmt.Fprintf(&b, ", %s %q", f.name, f.value)
		}
	}
	if e.OwnSize+e.PeerSize > 0 {
		found := "found"
		if e.Function == protocol.FunctionCount {
			found = "counted"
		}
		fmt.Fprintf(&b, ", sizes %d and %d, %s %d", e.OwnSize, e.PeerSize, found, e.Found)
	}
	if e.RetentionDays > 0 {
		fmt.Fprintf(&b, ", to be kept for %d days at most", e.RetentionDays)
	}
	if e.Count > 0 {
		fmt.Fprintf(&b, ", %d connections", e.Count)
	}
	for _, r := range e.Ranges {
		fmt.Fprintf(&b, ", entries %d to %d", r[0], r[1]-1)
	}
	if e.Event == protocol.Release {
		fmt.Fprintf(&b, ", of %d", e.Of)
	}
	if !e.Transcript.IsZero() {
		fmt.Fprintf(&b, ", transcript %v", e.Transcript)
	}
	return b.String()
}

var logVerifyCommand = &cli.Command{
	Name:  "verify",
	Usage: "check the whole log, and against what other agencies cosigned",
	Description: `Finds entries that were changed, removed, added or moved, and payloads that are
missing without an erasure on record. Whether the log was cut short or replaced
as a whole is known up to the heads that others cosigned.`,
	Flags: []cli.Flag{
		flagDir,
		&cli.StringFlag{Name: "against", Usage: "`FILE` with a head of this log that somebody else kept"},
		flagJSON,
	},
	Action: onLog(func(a *audit, _ []string) error {
		peers, err := a.witnesses()
		if err != nil {
			return err
		}
		r, err := a.log.Verify(peers)
		if err != nil {
			return err
		}
		if path := a.cmd.String("against"); path != "" {
			text, err := readBounded(path, maxPrivateFile)
			if err != nil {
				return err
			}
			if err := a.log.VerifyAgainst(text); err != nil {
				return err
			}
		}
		key := base64.StdEncoding.EncodeToString(a.identity.SigningKey())
		a.con.say("the log is whole: %d entries, %d of them erased, %d holds in force", r.Entries, r.Erased, r.Holds)
		a.con.say("  %-12s %s", "signing key", key)
		for _, w := range r.Witnesses {
			a.con.say("  %-12s the first %d by %s on %s", "cosigned", w.Size, w.Name, w.Time.Format(time.DateOnly))
		}
		if r.Unknown > 0 {
			a.con.warn("%d cosigned heads are by sides that are no peers now", r.Unknown)
		}
		if len(r.Witnesses) == 0 {
			a.con.warn("nobody has cosigned this log, so that its own agency could have cut it short: see pairmatch help log")
		}
		return a.con.result(struct {
			Entries    int64              `json:"entries"`
			Erased     int64              `json:"erased"`
			Holds      int                `json:"holds"`
			Root       protocol.Hash      `json:"root"`
			SigningKey string             `json:"signing_key"`
			Witnesses  []protocol.Witness `json:"witnesses"`
		}{r.Entries, r.Erased, r.Holds, r.Root, key, r.Witnesses})
	}),
}

var logExportCommand = &cli.Command{
	Name:  "export",
	Usage: "write the log for a regulator",
	Description: `The file holds the entries of the period, and commitments to all others, so that
its reader can check that none is missing. It is read with pairmatch log check.`,
	Flags: []cli.Flag{flagDir, flagFrom, flagUntil, flagLogOut, flagForce},
	Action: onLog(func(a *audit, _ []string) error {
		p, err := a.period()
		if err != nil {
			return err
		}
		path := a.cmd.String("o")
		if err := mayWrite(a.cmd.Bool("force"), path); err != nil {
			return err
		}
		if err := writeWhole(path, func(w io.Writer) error { return a.log.Export(w, p) }); err != nil {
			return err
		}
		a.con.say("wrote %s", path)
		a.con.say("  signing key  %s", base64.StdEncoding.EncodeToString(a.identity.SigningKey()))
		return nil
	}),
}

var logProveCommand = &cli.Command{
	Name:      "prove",
	Usage:     "prove to others that one entry is in the log",
	ArgsUsage: "INDEX",
	Flags:     []cli.Flag{flagDir, flagLogOut, flagForce},
	Action: onLog(func(a *audit, args []string) error {
		i, err := index(args[0])
		if err != nil {
			return err
		}
		proof, err := a.log.Prove(i)
		if err != nil {
			return err
		}
		return a.output(proof)
	}, "INDEX"),
}

var logCheckCommand = &cli.Command{
	Name:      "check",
	Usage:     "check an agency's export or proof, and show what is in it",
	ArgsUsage: "FILE",
	Flags: []cli.Flag{
		flagDir, flagPeer,
		&cli.StringFlag{Name: "signing-key", Usage: "`KEY` of the agency, as its log verify shows it (default: that of --peer)"},
		&cli.BoolFlag{Name: "own", Usage: "the file is of the own log"},
		flagJSON,
	},
	Action: onLog(func(a *audit, args []string) error {
		key, err := a.key()
		if err != nil {
			return err
		}
		peers, err := a.witnesses()
		if err != nil {
			return err
		}
		file, err := os.Open(args[0])
		if err != nil {
			return err
		}
		defer file.Close()
		var first [1]byte
		if _, err := file.ReadAt(first[:], 0); err == nil && first[0] == '{' {
			x, err := protocol.ReadExport(file, key, append(peers, a.identity.Peer()))
			if err != nil {
				return err
			}
			for _, e := range x.Entries {
				if err := a.show(e); err != nil {
					return err
				}
			}
			a.con.say("the export is whole: %d entries", x.Checkpoint.Size)
			for _, w := range x.Cosigned {
				a.con.say("  cosigned     the first %d by %s on %s", w.Size, w.Name, w.Time.Format(time.DateOnly))
			}
			return nil
		}
		text, err := readBounded(args[0], maxPrivateFile)
		if err != nil {
			return err
		}
		e, c, err := protocol.CheckProof(text, key)
		if err != nil {
			return err
		}
		if err := a.show(*e); err != nil {
			return err
		}
		a.con.say("the entry is in the log, of %d then", c.Size)
		return nil
	}, "FILE"),
}

var logMatchCommand = &cli.Command{
	Name:      "match",
	Usage:     "compare the own sessions with those in another agency's export",
	ArgsUsage: "EXPORT",
	Flags:     []cli.Flag{flagDir, flagPeer, flagJSON},
	Action: onLog(func(a *audit, args []string) error {
		p, err := a.witness()
		if err != nil {
			return err
		}
		file, err := os.Open(args[0])
		if err != nil {
			return err
		}
		defer file.Close()
		x, err := protocol.ReadExport(file, p.SigningKey, []protocol.Peer{a.identity.Peer()})
		if err != nil {
			return err
		}
		var own []protocol.Logged
		for e, err := range a.log.Entries() {
			if err != nil {
				return err
			}
			own = append(own, e)
		}
		for _, m := range protocol.PairSessions(own, a.identity.Name(), x.Entries, p.Name) {
			where := fmt.Sprintf("here %d, there %d", m.Own, m.Peer)
			switch {
			case m.Own < 0:
				where = fmt.Sprintf("there %d, here no entry", m.Peer)
			case m.Peer < 0:
				where = fmt.Sprintf("here %d, there no entry", m.Own)
			case len(m.Differ) > 0:
				where += ": they differ in " + strings.Join(m.Differ, ", ")
			}
			a.con.say("%v  %s", m.Transcript, where)
			if err := a.con.result(struct {
				Transcript protocol.Hash `json:"transcript"`
				Own        int64         `json:"own"` // -1: no entry
				Peer       int64         `json:"peer"`
				Differ     []string      `json:"differ,omitempty"`
			}{m.Transcript, m.Own, m.Peer, m.Differ}); err != nil {
				return err
			}
		}
		return nil
	}, "EXPORT"),
}
