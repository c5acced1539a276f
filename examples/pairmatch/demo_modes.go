package main

import (
	"context"
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"

	"github.com/comity-prl/comity/internal/synth"
)

const (
	demoPurpose = "--purpose demonstration --legal-basis none --jurisdictions XA,XB --scope bulk --category other --officer o1 --approver o2 --approver o3"
	demoSideA   = "--dir a --data a.csv --columns a.columns --id record_id"
	demoSideB   = "--dir b --data b.csv --columns b.columns --id Nr"
	demoSuite   = "vole-malicious" // fast, and safe from a peer that does as it likes
	demoSamples = 3                // matches to show
)

// forPrograms makes a command say its result as JSON, and nothing else.
var forPrograms = []string{"--json", "--quiet"}

// tokens links the two agencies by exact tokens.
func (d *demo) tokens(ctx context.Context) (*mode, error) {
	d.con.say("\n2. Exact tokens, between the two: A receives, B sends")
	serve, err := d.start(ctx, "serve "+demoSideB+" --listen 127.0.0.1:0 --once --permit-suite "+demoSuite, append(forPrograms, "--address-file", "b.address")...)
	if err != nil {
		return nil, err
	}
	address, err := d.address(ctx, serve, "b.address")
	if err != nil {
		return nil, err
	}
	a, err := d.summary(d.command(ctx, "link "+demoSideA+" --connect "+address+" "+demoPurpose+" --suite "+demoSuite, forPrograms...))
	if err != nil {
		return nil, err
	}
	b, err := d.summary(serve.wait())
	if err != nil {
		return nil, err
	}
	s, err := d.score(ctx, "matches.csv", filepath.Join("results", "handles.csv"))
	if err != nil {
		return nil, err
	}
	d.con.say("   A learned: which %d of its %d records match, by which rule, and that B has %d distinct tokens", a.Rows, a.Records, a.PeerSize)
	d.con.say("   B learned: that A has %d distinct tokens; its handles.csv turns A's handles into its own rows", b.PeerSize)
	return d.outcome("tokens", s, a, b), nil
}

// bloom links them by Bloom encodings, through a unit that holds no key.
func (d *demo) bloom(ctx context.Context) (*mode, error) {
	d.con.say("\n3. Bloom encodings, through U, a linkage unit that holds no key")
	unit, err := d.start(ctx, "unit --dir u --listen 127.0.0.1:0 --once", append(forPrograms, "--address-file", "u.address")...)
	if err != nil {
		return nil, err
	}
	address, err := d.address(ctx, unit, "u.address")
	if err != nil {
		return nil, err
	}
	first, err := d.start(ctx, "link "+demoSideA+" --unit "+address+" "+demoPurpose+" -o groups-a.csv", forPrograms...)
	if err != nil {
		return nil, err
	}
	b, err := d.summary(d.command(ctx, "link "+demoSideB+" --unit "+address+" "+demoPurpose+" -o groups-b.csv", forPrograms...))
	if err != nil {
		return nil, err
	}
	a, err := d.summary(first.wait())
	if err != nil {
		return nil, err
	}
	if _, err := unit.wait(); err != nil {
		return nil, err
	}
	s, err := d.score(ctx, "groups-a.csv", "groups-b.csv")
	if err != nil {
		return nil, err
	}
	d.con.say("   A learned: which %d of its %d records have a partner at B, and that B has %d records", a.Rows, a.Records, a.PeerSize)
	d.con.say("   B learned: which %d of its %d records have a partner at A, and that A has %d records", b.Rows, b.Records, b.PeerSize)
	d.con.say("   U learned: %d and %d encodings and how similar they are; no record, no row and no key", b.PeerSize, a.PeerSize)
	return d.outcome("bloom", s, a, b), nil
}

// summary returns what a command said of itself.
func (d *demo) summary(out []byte, err error) (s summary, _ error) {
	if err != nil {
		return s, err
	}
	return last(out)
}

// score compares a result with the truth, and shows some of it.
func (d *demo) score(ctx context.Context, a, b string) (s score, err error) {
	out, err := d.command(ctx, "score --links links.csv "+a+" "+b, "--json")
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(out, &s); err != nil {
		return s, err
	}
	return s, d.show(filepath.Join(d.folder, a), filepath.Join(d.folder, b))
}

// show prints a few of the true pairs that were found though the records differ.
func (d *demo) show(a, b string) error {
	left, err := readOutcome(a)
	if err != nil {
		return err
	}
	right, err := readOutcome(b)
	if err != nil {
		return err
	}
	var found []pair
	for p := range join(left, right) {
		if d.people.truth[p] && !sameIdentity(d.people.a[demoIndex(p[0])], d.people.b[demoIndex(p[1])]) {
			found = append(found, p)
		}
	}
	slices.SortFunc(found, func(p, q pair) int { return demoIndex(p[0]) - demoIndex(q[0]) })
	d.con.say("   Found, for example:")
	for _, p := range found[:min(demoSamples, len(found))] {
		x, y := d.people.a[demoIndex(p[0])], d.people.b[demoIndex(p[1])]
		d.con.say("     A has %-44s B has %s", describe(x, x.BirthDate)+";", describe(y, dotted(y.BirthDate)))
	}
	return nil
}

func sameIdentity(x, y synth.Person) bool {
	same := func(a, b string) bool { return strings.EqualFold(strings.TrimSpace(a), strings.TrimSpace(b)) }
	return same(x.GivenName, y.GivenName) && same(x.FamilyName, y.FamilyName) && x.BirthDate == y.BirthDate
}

func (d *demo) outcome(name string, s score, a, b summary) *mode {
	d.con.say("   precision %.3f   recall %.3f   F1 %.3f   A sent %d bytes, B %d, in %.1f s", s.Precision, s.Recall, s.F1, a.Sent, b.Sent, a.Seconds)
	return &mode{Mode: name, Precision: s.Precision, Recall: s.Recall, F1: s.F1, BytesA: a.Sent, BytesB: b.Sent, Seconds: a.Seconds}
}
