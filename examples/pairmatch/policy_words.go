package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/comity-prl/comity/protocol"
	"github.com/comity-prl/comity/psi"
)

// ruleWords is a rule of a policy for people who have to sign it off.
type ruleWords struct {
	Name string `json:"name"`
	// Holds is what this side checks or counts itself, or the protocol enforces: it
	// binds a peer that is dishonest too.
	Holds []string `json:"holds"`
	// Stated is what the peer states and signs, or does out of sight: it binds an
	// honest peer, and a lie is on record.
	Stated []string `json:"stated"`
	// Beware is what its author can hardly have meant.
	Beware []string `json:"beware,omitempty"`
}

// inWords describes the rules of a policy, in their order.
func inWords(p *protocol.Policy) []ruleWords {
	words := make([]ruleWords, len(p.Rules))
	for i, r := range p.Rules {
		w := &words[i]
		w.Name = r.Name
		w.holds(&r)
		w.limits(&r)
		w.stated(&r)
		w.beware(p, i)
	}
	return words
}

func (w *ruleWords) binds(format string, args ...any) {
	w.Holds = append(w.Holds, fmt.Sprintf(format, args...))
}

func (w *ruleWords) trusts(format string, args ...any) {
	w.Stated = append(w.Stated, fmt.Sprintf(format, args...))
}

func (w *ruleWords) warn(format string, args ...any) {
	w.Beware = append(w.Beware, fmt.Sprintf(format, args...))
}

func (w *ruleWords) holds(r *protocol.Rule) {
	w.binds("peers: %s, by certificate and signing key", oneFrom(r.Peers))
	w.binds("functions: %s", functionWords(r.Functions))
	if comparesTokens(r) {
		w.binds("suites: %s; the result is for: %s", oneFrom(r.Suites), oneFrom(r.Receivers))
	}
	schemas := fmt.Sprintf("%d listed", len(r.Schemas))
	if r.AnySchema {
		schemas = "any"
	}
	w.binds("epochs: %s; fields and rules of records: %s", oneFrom(r.Epochs), schemas)
	w.binds("sizes: at most %s of the proposer and %s of the acceptor", amount(r.MaxProposer, "item"), amount(r.MaxAcceptor, "item"))
	w.binds("terms are valid for %s at most", spell(cmp.Or(r.MaxLifetime, protocol.Duration(24*time.Hour))))
	switch n := len(r.OfficerKeys); {
	case n > 0 && slices.Contains(r.Optional, "officer_signature"):
		w.binds("an officer's signature, where there is one, is by one of %s", amount(n, "key"))
	case n > 0:
		w.binds("an officer's signature is there, by one of %s", amount(n, "key"))
	}
}

// limits are those that a ledger counts. What a peer states, it may state otherwise
// where the rule leaves it the choice: another purpose, scope or officer.
func (w *ruleWords) limits(r *protocol.Rule) {
	l := r.Limits
	if l.PeerSessions > 0 {
		w.binds("at most %s with the peer a day", amount(l.PeerSessions, "session"))
	}
	if l.Items > 0 {
		w.binds("at most %s a day that the receiver asks about", amount(l.Items, "item"))
	}
	if l.Counts > 0 {
		w.binds("at most %s of function count with the peer a day", amount(l.Counts, "session"))
	}
	perPurpose, of := w.binds, "for each purpose listed"
	if slices.Contains(r.Purposes, protocol.Any) {
		perPurpose, of = w.trusts, "for each purpose stated, which the peer may vary"
	}
	if l.PurposeSessions > 0 {
		perPurpose("at most %s a day %s", amount(l.PurposeSessions, "session"), of)
	}
	if l.Cooldown > 0 {
		perPurpose("at least %s between two sessions %s", spell(l.Cooldown), of)
	}
	if l.OfficerSessions > 0 {
		w.trusts("at most %s a day for each officer stated", amount(l.OfficerSessions, "session"))
	}
	if l.MinChange > 0 {
		change, lifted := w.binds, ""
		if slices.Contains(r.Scopes, protocol.ScopeQuery) {
			change = w.trusts // which the peer states
		}
		if l.ChangeApprovals > 0 {
			change, lifted = w.trusts, fmt.Sprintf(", unless %s stated", amount(l.ChangeApprovals, "approver"))
		}
		change("scope bulk: the own set has not changed by fewer than %s since a session in the last %s%s",
			amount(l.MinChange, "item"), spell(cmp.Or(l.Window, protocol.Duration(30*24*time.Hour))), lifted)
	}
}

func (w *ruleWords) stated(r *protocol.Rule) {
	w.trusts("purposes: %s", oneFrom(r.Purposes))
	w.trusts("legal bases: %s; %s", oneFrom(r.LegalBases), optionalTerm(r, "article", r.Articles))
	w.trusts("%s; %s; %s", idTerm(r, "case"), optionalTerm(r, "offence", r.Offences), idTerm(r, "officer"))
	query, bulk := r.Approvals, max(2, r.Approvals)
	if slices.Contains(r.Optional, "approvers") {
		bulk = query
	}
	w.trusts("scopes: %s; approvals: %d for a query, %d for bulk", oneFrom(r.Scopes), query, bulk)
	w.trusts("jurisdictions: %s", oneFrom(r.Jurisdictions))
	excluded := ""
	if len(r.ExcludedCategories) > 0 {
		excluded = ", but not " + oneFrom(r.ExcludedCategories)
	}
	w.trusts("categories of persons: %s%s", oneFrom(r.Categories), excluded)
	w.trusts("each rule of the records combines at least %s", amount(max(1, cmp.Or(r.MinFields, 2)), "field"))
	w.trusts("%s", retentionTerm(r))
	if r.MaxCandidates > 0 {
		w.trusts("a result holds at most %s", amount(r.MaxCandidates, "match"))
	}
	if r.MinCount > 0 {
		w.trusts("a count below %d is withheld where this side is the receiver; as the sender it cannot see to it", r.MinCount)
	}
	if r.Padding.MinBucket > 0 {
		w.trusts("sets are filled up to a multiple of %d or more, each side's by itself", r.Padding.MinBucket)
	}
	if r.MinThreshold > 0 {
		w.trusts("encodings match from a Dice coefficient of %v on, which the linkage unit computes", r.MinThreshold)
	}
	if slices.Contains(r.Functions, protocol.FunctionCount) {
		w.trusts("a count tells how many, not who: a receiver that departs from the protocol finds out who")
	}
	if semi := semiHonest(r.Suites); len(semi) > 0 && comparesTokens(r) {
		w.trusts("the peer follows the protocol: %s would not find out", strings.Join(semi, ", "))
	}
	if slices.Contains(r.Suites, psi.VOLE().String()) && comparesTokens(r) {
		w.trusts("a receiver asks about no more items than it states: %s does not see to it", psi.VOLE())
	}
}

// beware names what makes a rule permit nothing, or never decide.
func (w *ruleWords) beware(p *protocol.Policy, i int) {
	r := &p.Rules[i]
	var empty []string
	for _, list := range []struct {
		key   string
		empty bool
	}{
		{"peers", len(r.Peers) == 0}, {"purposes", len(r.Purposes) == 0}, {"legal_bases", len(r.LegalBases) == 0},
		{"jurisdictions", len(r.Jurisdictions) == 0}, {"categories", len(r.Categories) == 0}, {"scopes", len(r.Scopes) == 0},
		{"functions", len(r.Functions) == 0}, {"epochs", len(r.Epochs) == 0}, {"schemas", len(r.Schemas) == 0 && !r.AnySchema},
		{"suites", comparesTokens(r) && len(r.Suites) == 0}, {"receivers", comparesTokens(r) && len(r.Receivers) == 0},
		{"max_proposer", r.MaxProposer == 0}, {"max_acceptor", comparesTokens(r) && r.MaxAcceptor == 0},
		{"retention", r.Retention.MaxDays == 0 && !slices.Contains(r.Optional, "retention_days")},
	} {
		if list.empty {
			empty = append(empty, list.key)
		}
	}
	if len(empty) > 0 {
		w.warn("it permits nothing, as these are missing or empty: %s", strings.Join(empty, ", "))
	}
	if p.Profile == protocol.ProfileFIPS && comparesTokens(r) && !slices.Contains(r.Suites, psi.ECDHP256().String()) {
		w.warn("it permits no set and no count: the profile %q wants the suite %s", p.Profile, psi.ECDHP256())
	}
	for _, before := range p.Rules[:i] {
		if covers(before.Peers, r.Peers) && covers(before.Purposes, r.Purposes) {
			w.warn("it never decides: the rule %q before it is for the same peers and purposes", before.Name)
			return
		}
	}
}

// covers reports whether all that one list is for, another is for too.
func covers(outer, inner []string) bool {
	return slices.Contains(outer, protocol.Any) ||
		len(inner) > 0 && !slices.ContainsFunc(inner, func(s string) bool { return !slices.Contains(outer, s) })
}

// comparesTokens reports whether the rule is for functions that compare tokens.
func comparesTokens(r *protocol.Rule) bool {
	return slices.Contains(r.Functions, protocol.FunctionSet) || slices.Contains(r.Functions, protocol.FunctionCount)
}

// semiHonest are the suites that rely on a peer that follows the protocol.
func semiHonest(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return name == psi.VOLEMalicious().String() })
}

// functionWords says what each function tells whom.
func functionWords(names []string) string {
	told := map[string]string{
		protocol.FunctionSet:       "set (which of its records the other side has too)",
		protocol.FunctionCount:     "count (how many of its records the other side has too)",
		protocol.FunctionEncodings: "encodings (a linkage unit compares records that may have errors)",
	}
	var words []string
	for _, name := range names {
		words = append(words, told[name])
	}
	return cmp.Or(strings.Join(words, ", "), "none")
}

// spell writes a duration without zeros.
func spell(d protocol.Duration) string {
	text := d.String()
	if days, ok := strings.CutSuffix(text, "d"); ok {
		return map[bool]string{true: "a day", false: days + " days"}[days == "1"]
	}
	if whole, ok := strings.CutSuffix(text, "m0s"); ok {
		text = whole + "m"
	}
	if whole, ok := strings.CutSuffix(text, "h0m"); ok {
		text = whole + "h"
	}
	return text
}

// oneFrom is a list of which the terms may state what they want.
func oneFrom[S ~string](list []S) string {
	if slices.Contains(list, protocol.Any) {
		return "any"
	}
	if len(list) == 0 {
		return "none"
	}
	quoted := make([]string, len(list))
	for i, s := range list {
		quoted[i] = fmt.Sprintf("%q", s)
	}
	return strings.Join(quoted, ", ")
}

// optionalTerm is a term that may be missing from terms, unless a rule wants it.
func optionalTerm(r *protocol.Rule, term string, list []string) string {
	required := slices.Contains(r.Require, term)
	any := slices.Contains(list, protocol.Any)
	switch {
	case len(list) == 0:
		return "no " + term + " may be stated"
	case !required && (any || slices.Contains(r.Optional, term)):
		return fmt.Sprintf("%s, if stated: %s", term, oneFrom(list))
	}
	return fmt.Sprintf("%s: %s", term, oneFrom(list))
}

// idTerm is an opaque one, which must be stated unless the rule lifts that.
func idTerm(r *protocol.Rule, term string) string {
	if slices.Contains(r.Optional, term) {
		return term + ": may be missing"
	}
	return term + ": must be stated"
}

// retentionTerm is how long a result may be kept.
func retentionTerm(r *protocol.Rule) string {
	days := fmt.Sprintf("the receiver keeps the result for at most %s", amount(r.Retention.MaxDays, "day"))
	if r.Retention.MinDays > 0 {
		days += fmt.Sprintf(" and at least %d", r.Retention.MinDays)
	}
	if slices.Contains(r.Optional, "retention_days") {
		days += ", if it states so"
	}
	return days
}

// amount is a number of things.
func amount(n int, what string) string {
	plural := "s"
	if strings.HasSuffix(what, "ch") {
		plural = "es"
	}
	if n == 1 {
		plural = ""
	}
	return fmt.Sprintf("%d %s%s", n, what, plural)
}
