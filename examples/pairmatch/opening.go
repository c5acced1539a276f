package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"slices"

	"github.com/urfave/cli/v3"

	"github.com/comity-prl/comity/bloomlink"
	"github.com/comity-prl/comity/protocol"
)

var openingCommand = &cli.Command{
	Name:  "opening",
	Usage: "show an auditor what this side put into a session",
	Description: `In each session a side commits to the set that it puts in, and signs that. The
terms beside the result hold both commitments, which tell nothing of the sets. The
opening beside them opens the own one: keep it, and never send it.

   pairmatch opening verify --dir a --data a.csv --terms T --opening O
       at the agency, before the auditor: the set was that of these records
   pairmatch opening prove --dir a --data a.csv --terms T --opening O --row 7
       at the agency: proofs of the tokens of one record, and of no other
   pairmatch opening check --terms T PROOF
       at the auditor: the token in the proof was in the set

Who does not have the agreed secret sees in a token 32 random bytes, the same in
each session of its epoch. Who has the secret can tell by guessing whose it is. So
give proofs to an auditor, and never to the other agency. That a token is that of
a record is for the agency to show: pairmatch tokenize makes it from the record
before the auditor's eyes. In a proof of a linkage unit's session the item is an
encoding, which shows more: who has many of them can attack them without the
secret.

What a side committed to need not be what it used: the commitment of a side that
departs from the protocol proves nothing but what it claimed.`,
	Action: func(_ context.Context, cmd *cli.Command) error {
		if cmd.Args().Present() {
			return usagef("there is no command %q: see pairmatch help opening", cmd.Args().First())
		}
		return cli.ShowSubcommandHelp(cmd)
	},
	Commands: []*cli.Command{openingVerifyCommand, openingProveCommand, openingCheckCommand},
}

var (
	flagTerms = &cli.StringFlag{Name: "terms", Usage: "`FILE` of terms that was written beside the result", Required: true}
	// The peer and the epoch are those of the terms.
	openingFlags = []cli.Flag{
		flagDir,
		&cli.StringFlag{Name: "data", Usage: "CSV `FILE` of the records that were put in", Required: true},
		&cli.StringFlag{Name: "columns", Usage: "columns `FILE`, where the CSV has other names than the linkage file"},
		flagTerms,
		&cli.StringFlag{Name: "opening", Usage: "`FILE` of the opening that was written beside the result", Required: true},
	}
)

var openingVerifyCommand = &cli.Command{
	Name:  "verify",
	Usage: "check that the own records are those that this side committed to",
	Flags: slices.Concat(openingFlags, []cli.Flag{flagJSON, flagQuiet}),
	Action: func(ctx context.Context, cmd *cli.Command) error {
		if _, err := arguments(cmd); err != nil {
			return err
		}
		o, err := openCommitment(ctx, cmd)
		if err != nil {
			return err
		}
		o.con.say("%s committed to just what the %d records of %s make: %d items", o.signed.party(o.role).Name, len(o.table.records), o.table.path, o.opening.Items)
		o.signed.show(o.con)
		return o.con.result(struct {
			Role    protocol.Role `json:"role"`
			Records int           `json:"records"`
			Items   int           `json:"items"`
		}{o.role, len(o.table.records), o.opening.Items})
	},
}

var openingProveCommand = &cli.Command{
	Name:  "prove",
	Usage: "prove to an auditor that one record was put in",
	Description: `Writes a proof for each token of the record, which holds the token and tells how
many tokens the set had. Give it to an auditor, and never to the other agency: see
pairmatch help opening.`,
	Flags: slices.Concat(openingFlags, []cli.Flag{
		&cli.IntFlag{Name: "row", Usage: "`NUMBER` of the record, from 1, without the header line", Required: true},
		&cli.StringFlag{Name: "o", Aliases: []string{"out", "output"}, Value: "proof.json", Usage: "`FILE` for the proofs, with a number before its ending"},
		flagForce, flagJSON, flagQuiet,
	}),
	Action: func(ctx context.Context, cmd *cli.Command) error {
		if _, err := arguments(cmd); err != nil {
			return err
		}
		if err := mayWrite(cmd.Bool("force"), numbered(cmd.String("o"), 1)); err != nil {
			return err
		}
		o, err := openCommitment(ctx, cmd)
		if err != nil {
			return err
		}
		row := cmd.Int("row")
		if row < 1 || row > len(o.table.records) {
			return usagef("--row: %s has the records 1 to %d", o.table.path, len(o.table.records))
		}
		proofs, err := o.prove(row - 1)
		if err != nil {
			return err
		}
		if len(proofs) == 0 {
			return inputf(o.table.path, "record %d has too few values for a token: nothing of it was put in", row)
		}
		files := make([]string, len(proofs))
		for i := range files {
			files[i] = numbered(cmd.String("o"), i+1)
		}
		if err := mayWrite(cmd.Bool("force"), files...); err != nil {
			return err
		}
		for i, p := range proofs {
			if err := writeJSONFile(files[i], p); err != nil {
				return err
			}
			o.con.say("wrote %s  %s", files[i], p.Rule)
		}
		o.con.say("give them to an auditor, and never to %s", o.peer.Name)
		return o.con.result(struct {
			Files []string `json:"files"`
		}{files})
	},
}

var openingCheckCommand = &cli.Command{
	Name:      "check",
	Usage:     "check a proof of one item, without the records and the secret",
	ArgsUsage: "PROOF",
	Description: `Says whether the item in the proof is among those that its side committed to, in
a session under terms that both signed. Whose the signing keys are is for you to
know, see --signing-key: pairmatch log verify shows an agency its own.`,
	Flags: []cli.Flag{
		flagTerms,
		&cli.StringFlag{Name: "signing-key", Usage: "`KEY` that the side has to have signed with (default: any, which is shown)"},
		flagJSON,
	},
	Action: func(_ context.Context, cmd *cli.Command) error {
		paths, err := arguments(cmd, "PROOF")
		if err != nil {
			return err
		}
		s, err := readSigned(cmd.String("terms"))
		if err != nil {
			return err
		}
		var p proof
		if err := readJSONFile(paths[0], &p); err != nil {
			return err
		}
		item, err := hex.DecodeString(p.Item)
		if err != nil || p.Version != 1 {
			return inputf(paths[0], "not a proof that this version writes")
		}
		c, err := s.commitment(p.Role)
		if err != nil {
			return err
		}
		name := s.party(p.Role).Name
		if text := cmd.String("signing-key"); text != "" {
			key, err := signingKey(text)
			if err != nil {
				return err
			}
			if !bytes.Equal(key, s.party(p.Role).SigningKey) {
				return disproved(s.path, "%s signed with another key", name)
			}
		}
		if err := p.Proof.Verify(c, item); err != nil {
			return disproved(paths[0], "it does not prove the item to be among those that %s committed to", name)
		}
		con := newConsole(cmd)
		con.say("the item is among the %d that %s committed to", p.Proof.Items, name)
		con.say("  %-11s %s", "item", p.Item)
		if p.Rule != "" {
			con.say("  %-11s %s, as %s says", "rule", p.Rule, name)
		}
		s.show(con)
		return con.result(struct {
			Role  protocol.Role `json:"role"`
			Items int           `json:"items"`
			Item  string        `json:"item"`
			Rule  string        `json:"rule,omitempty"`
		}{p.Role, p.Proof.Items, p.Item, p.Rule})
	},
}

// opened is a side that has shown what it committed to.
type opened struct {
	*side
	signed  *signed
	role    protocol.Role // the own one
	opening protocol.Opening
	set     protocol.Committed
	tokens  *tokens        // or
	encoded *bloomlink.Set // for a linkage unit
}

// openCommitment makes the own set anew, and verifies that it is the one that was
// committed to.
func openCommitment(ctx context.Context, cmd *cli.Command) (*opened, error) {
	o := new(opened)
	var err error
	if o.signed, err = readSigned(cmd.String("terms")); err != nil {
		return nil, err
	}
	if err := readJSONFile(cmd.String("opening"), &o.opening); err != nil {
		return nil, err
	}
	f, err := openFolder(cmd.String("dir"))
	if err != nil {
		return nil, err
	}
	partner, err := o.assign(f.identity.Name())
	if err != nil {
		return nil, err
	}
	commitment, err := o.signed.commitment(o.role)
	if err != nil {
		return nil, err
	}
	if o.side, err = f.side(cmd, partner, o.signed.terms.Epoch); err != nil {
		return nil, err
	}
	if !o.signed.party(o.role).SigningKey.Equal(f.identity.SigningKey()) {
		o.con.warn("%s: signed by another key than the folder's own now", o.signed.path)
	}
	if err := o.remake(ctx); err != nil {
		return nil, err
	}
	if err := o.opening.Verify(commitment, o.set); err != nil {
		return nil, &failure{exitLog, cmd.String("opening") + ": it does not open the commitment to what the records of " + o.table.path + " make",
			"see that opening and terms are of one session, and that records, columns file and agreed secret are as they were then"}
	}
	return o, nil
}

// assign finds out the part of the folder's agency, and with whom it shares the
// secret.
func (o *opened) assign(own string) (partner string, err error) {
	t := o.signed.terms
	o.role = protocol.Proposer
	switch {
	case own == t.Proposer && t.Function == protocol.FunctionEncodings:
		return t.Partner, nil
	case own == t.Proposer:
		return t.Acceptor, nil
	case own == t.Acceptor && t.Function != protocol.FunctionEncodings:
		o.role = protocol.Acceptor
		return t.Proposer, nil
	}
	return "", &failure{exitSetUp, o.signed.path + ": " + own + " put no set into this session", "see that --dir is the folder of that agency"}
}

// remake makes the set from the records.
func (o *opened) remake(ctx context.Context) error {
	t := o.signed.terms
	changed := &failure{exitSetUp, "what is agreed for epoch " + t.Epoch + " now has other fields, rules or encodings than the session", "use the linkage file and the version of then"}
	if t.Function == protocol.FunctionEncodings {
		set, binding, err := o.encodings(ctx)
		if err != nil {
			return err
		}
		if binding.Config != t.ConfigHash {
			return changed
		}
		o.set, o.encoded = set, set
		return nil
	}
	made, err := o.side.tokens(ctx)
	if err != nil {
		return err
	}
	if made.hash != t.SchemaHash {
		return changed
	}
	o.set, o.tokens = made.set, made
	return nil
}

// prove opens what one record made.
func (o *opened) prove(row int) ([]*proof, error) {
	if o.encoded != nil {
		p, err := o.proveItem(row, o.encoding(row), "")
		return []*proof{p}, err
	}
	var proofs []*proof
	for i, e := range o.tokens.entries {
		if e.Row != row {
			continue
		}
		p, err := o.proveItem(o.tokens.set.Leaf(i), e.Token[:], o.pact.linkage.Rules[e.Rule].Name)
		if err != nil {
			return nil, err
		}
		proofs = append(proofs, p)
	}
	return proofs, nil
}

func (o *opened) proveItem(leaf int, item []byte, rule string) (*proof, error) {
	p, err := o.opening.Prove(o.set, leaf)
	if err != nil {
		return nil, err
	}
	return &proof{Version: 1, Role: o.role, Rule: rule, Item: hex.EncodeToString(item), Proof: *p}, nil
}

// encoding returns that of a row as it is committed to.
func (o *opened) encoding(row int) (item []byte) {
	for e := range o.encoded.All() {
		if row == 0 {
			for _, word := range e {
				item = binary.LittleEndian.AppendUint64(item, word)
			}
			break
		}
		row--
	}
	return item
}
