package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/urfave/cli/v3"

	"github.com/comity-prl/comity/protocol"
)

var policyCommand = &cli.Command{
	Name:  "policy",
	Usage: "say in words what a policy file permits, and judge terms by it",
	Action: func(_ context.Context, cmd *cli.Command) error {
		if cmd.Args().Present() {
			return usagef("there is no command %q: see pairmatch help policy", cmd.Args().First())
		}
		return cli.ShowSubcommandHelp(cmd)
	},
	Commands: []*cli.Command{policyCheckCommand},
}

var policyCheckCommand = &cli.Command{
	Name:      "check",
	Usage:     "check a policy file, and say what each of its rules permits",
	ArgsUsage: "FILE",
	Description: `For whoever signs a policy off. What binds every peer stands apart from what a
peer only states, and so binds an honest one: who lies there signs the lie.

With --terms it also says whether the policy permits the terms of an earlier
result, at the time when they were issued, and by which rule. What limits would
say depends on other sessions and is not judged. If they are refused, the exit
code is 6.`,
	Flags: []cli.Flag{
		&cli.StringFlag{Name: "terms", Usage: "`FILE` of terms, as beside each result (.terms.json)"},
		&cli.StringFlag{Name: "as", Usage: "whose policy it is: proposer or acceptor of the terms", Validator: oneOf("side", []string{string(protocol.Proposer), string(protocol.Acceptor)})},
		flagJSON,
	},
	Action: func(_ context.Context, cmd *cli.Command) error {
		paths, err := arguments(cmd, "FILE")
		if err != nil {
			return err
		}
		if cmd.IsSet("terms") != cmd.IsSet("as") {
			return usagef("--terms and --as go together: is it the policy of the proposer or of the acceptor?")
		}
		p, err := readPolicy(paths[0])
		if err != nil {
			return err
		}
		c := &policyCheck{Policy: paths[0], Profile: p.Profile, Rules: inWords(p)}
		if path := cmd.String("terms"); path != "" {
			if c.Terms, err = judge(p, path, protocol.Role(cmd.String("as"))); err != nil {
				return err
			}
		}
		con := newConsole(cmd)
		c.say(con)
		if err := con.result(c); err != nil {
			return err
		}
		if c.Terms != nil && !c.Terms.Permitted {
			return &failure{exitTerms, "the policy refuses the terms because of " + fmt.Sprintf("%q", c.Terms.Term), "change the policy, if that is not what it should do"}
		}
		return nil
	},
}

// policyCheck is what the command found.
type policyCheck struct {
	Policy  string      `json:"policy"`
	Profile string      `json:"profile,omitempty"`
	Rules   []ruleWords `json:"rules"`
	Terms   *judgement  `json:"terms,omitempty"`
}

// judgement is what a policy says of terms. Rule is empty where none is for them.
type judgement struct {
	File      string `json:"file"`
	Permitted bool   `json:"permitted"`
	Rule      string `json:"rule,omitempty"`
	Term      string `json:"term,omitempty"` // that is refused
	Reason    string `json:"reason,omitempty"`
}

// judge applies a policy to terms that were signed, as of when they were issued.
func judge(p *protocol.Policy, path string, own protocol.Role) (*judgement, error) {
	text, err := readBounded(path, maxPrivateFile)
	if err != nil {
		return nil, err
	}
	var r record
	if err := decodeJSON(text, &r); err != nil {
		return nil, inputf(path, "not the terms of a result: %s", err)
	}
	if err := r.Agreement.Verify(); err != nil {
		return nil, inputf(path, "not terms that both sides signed: %s", flat(err))
	}
	t, err := protocol.ParseTerms([]byte(r.Agreement.Terms))
	if err != nil {
		return nil, inputf(path, "%s", flat(err))
	}
	rule, err := p.Decide(t, own, t.Issued, 0)
	var refused *protocol.TermError
	switch {
	case errors.As(err, &refused):
		return &judgement{File: path, Rule: refused.Rule, Term: refused.Term, Reason: refused.Reason}, nil
	case err != nil:
		return nil, err
	}
	return &judgement{File: path, Permitted: true, Rule: rule.Name}, nil
}

func (c *policyCheck) say(con *console) {
	con.say("%s: %s. The first one for the peer and the purpose decides; what it does not", c.Policy, amount(len(c.Rules), "rule"))
	con.say("permit is refused, and so is what no rule is for.")
	if c.Profile != "" {
		con.say("Its profile is %q: TLS, certificates and suites are held to it.", c.Profile)
	}
	for i, r := range c.Rules {
		con.say("")
		con.say("%d. %q", i+1, r.Name)
		for _, warning := range r.Beware {
			con.say("   beware: %s", warning)
		}
		con.say("   binds every peer, as it is checked, counted or enforced here:")
		for _, line := range r.Holds {
			con.say("   - %s", line)
		}
		con.say("   binds an honest peer, which states and signs it, or does it unseen:")
		for _, line := range r.Stated {
			con.say("   - %s", line)
		}
	}
	if t := c.Terms; t != nil {
		con.say("")
		con.say("%s", t)
	}
}

func (t *judgement) String() string {
	switch {
	case t.Permitted:
		return fmt.Sprintf("%s: permitted by rule %q", t.File, t.Rule)
	case t.Rule == "":
		return fmt.Sprintf("%s: refused because of %q: %s", t.File, t.Term, t.Reason)
	}
	return fmt.Sprintf("%s: refused by rule %q because of %q: %s", t.File, t.Rule, t.Term, t.Reason)
}
