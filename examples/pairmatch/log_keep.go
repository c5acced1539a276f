package main

import (
	"math"

	"github.com/urfave/cli/v3"

	"github.com/comity-prl/comity/protocol"
)

var logRequestCommand = &cli.Command{
	Name:  "request",
	Usage: "ask another side to cosign the log as it is now",
	Description: `The file holds the head of the log, and the proof that it continues the one that
the other side cosigned last. It says how many entries there are and no more.`,
	Flags: []cli.Flag{
		flagDir, flagPeer,
		&cli.Int64Flag{Name: "since", Value: -1, Usage: "`SIZE` that the other side cosigned last (default: of what log keep took)"},
		flagLogOut, flagForce,
	},
	Action: onLog(func(a *audit, _ []string) error {
		p, err := a.witness()
		if err != nil {
			return err
		}
		request, err := a.log.Request(p.SigningKey, a.cmd.Int64("since"))
		if err != nil {
			return err
		}
		return a.output(request)
	}),
}

var logCosignCommand = &cli.Command{
	Name:      "cosign",
	Usage:     "check and cosign the head of another side's log",
	ArgsUsage: "REQUEST",
	Description: `Refuses a log that was cut short or rewritten since this side cosigned it last.
The head is remembered here: it is what finds out the next attempt.`,
	Flags: []cli.Flag{flagDir, flagPeer, flagLogOut, flagForce},
	Action: onLog(func(a *audit, args []string) error {
		p, err := a.witness()
		if err != nil {
			return err
		}
		request, err := readBounded(args[0], maxPrivateFile)
		if err != nil {
			return err
		}
		if err := mayWrite(a.cmd.Bool("force"), a.cmd.String("o")); err != nil {
			return err
		}
		note, err := a.log.Cosign(request, p, clock())
		if err != nil {
			return err
		}
		return a.output(note)
	}, "REQUEST"),
}

var logKeepCommand = &cli.Command{
	Name:      "keep",
	Usage:     "keep what another side cosigned",
	ArgsUsage: "NOTE",
	Flags:     []cli.Flag{flagDir, flagPeer},
	Action: onLog(func(a *audit, args []string) error {
		p, err := a.witness()
		if err != nil {
			return err
		}
		note, err := readBounded(args[0], maxPrivateFile)
		if err != nil {
			return err
		}
		c, err := a.log.AddCosignature(note, p)
		if err != nil {
			return err
		}
		a.con.say("%s has cosigned the first %d entries", p.Name, c.Size)
		return nil
	}, "NOTE"),
}

var logRecordCommand = &cli.Command{
	Name:  "record",
	Usage: "log that records were collected",
	Flags: []cli.Flag{
		flagDir, flagOfficer, flagReason,
		&cli.StringFlag{Name: "case", Usage: "case `REFERENCE`"},
		&cli.IntFlag{Name: "records", Usage: "how many"},
	},
	Action: onLog(func(a *audit, _ []string) error {
		return a.log.Append(&protocol.Entry{
			Event: protocol.Collection, Time: clock(), Officer: a.cmd.String("officer"), Reason: a.cmd.String("reason"),
			Case: a.cmd.String("case"), OwnSize: a.cmd.Int("records"),
		})
	}),
}

var logHoldCommand = &cli.Command{
	Name:  "hold",
	Usage: "keep entries from being erased",
	Flags: []cli.Flag{
		flagDir, flagOfficer, flagReason,
		&cli.Int64Flag{Name: "first", Usage: "`INDEX` of the first entry"},
		&cli.Int64Flag{Name: "last", Value: math.MaxInt64 - 1, Usage: "`INDEX` of the last entry (default: with all to come)"},
	},
	Action: onLog(func(a *audit, _ []string) error {
		first, last := a.cmd.Int64("first"), a.cmd.Int64("last")
		if first < 0 || last < first || last == math.MaxInt64 {
			return usagef("--first and --last: not the indexes of a first and a last entry")
		}
		i, err := a.log.Hold(protocol.Range{first, last + 1}, clock(), a.cmd.String("officer"), a.cmd.String("reason"))
		if err != nil {
			return err
		}
		a.con.say("the hold is entry %d: end it with pairmatch log release --dir %s --reason TEXT %d", i, a.path, i)
		return nil
	}),
}

var logReleaseCommand = &cli.Command{
	Name:      "release",
	Usage:     "end a hold",
	ArgsUsage: "INDEX",
	Flags:     []cli.Flag{flagDir, flagOfficer, flagReason},
	Action: onLog(func(a *audit, args []string) error {
		i, err := index(args[0])
		if err != nil {
			return err
		}
		return a.log.Release(i, clock(), a.cmd.String("officer"), a.cmd.String("reason"))
	}, "INDEX"),
}

var logEraseCommand = &cli.Command{
	Name:  "erase",
	Usage: "erase entries at the end of retention",
	Description: `Overwrites what entries say; that there were entries, and all proofs, stay.
Entries under a hold are left. Backups of the folder are yours to erase.`,
	Flags: []cli.Flag{
		flagDir, flagOfficer, flagReason,
		&cli.StringFlag{Name: "before", Usage: "`DATE` such as 2023-11-01: erase entries older than its beginning, in UTC", Required: true},
		flagJSON,
	},
	Action: onLog(func(a *audit, _ []string) error {
		before, err := date(a.cmd.String("before"))
		if err != nil {
			return usagef("--before: %s", err)
		}
		erased, held, err := a.log.Erase(protocol.Retention{
			Before: before, Now: clock(), Officer: a.cmd.String("officer"), Reason: a.cmd.String("reason"),
		})
		if err != nil {
			return err
		}
		a.con.say("erased %d entries; %d are under a hold", erased, held)
		return a.con.result(struct {
			Erased int64 `json:"erased"`
			Held   int64 `json:"held"`
		}{erased, held})
	}),
}
