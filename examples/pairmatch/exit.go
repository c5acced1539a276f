package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"strings"

	"github.com/comity-prl/comity/bloomlink"
	"github.com/comity-prl/comity/protocol"
	"github.com/comity-prl/comity/psi"
)

// Exit codes. They are stable: scripts may rely on them.
const (
	exitInternal    = 1
	exitUsage       = 2
	exitInput       = 3
	exitSetUp       = 4
	exitPeer        = 5
	exitTerms       = 6
	exitConnection  = 7
	exitClock       = 8
	exitLog         = 9
	exitInterrupted = 130
)

const exitHelp = `Exit codes, which stay as they are:
  0    done
  1    internal error
  2    wrong usage
  3    an input file, or a file of the own folder, is missing or malformed
  4    the set-ups differ: epoch, fields, rules, encoding, secret or version
  5    the peer is not trusted, or does not trust this side
  6    the terms are refused or have expired
  7    the connection failed, or the peer hung up
  8    the clocks are too far apart
  9    the audit log or the ledger cannot be written or is not in order, or a proof or
       a commitment is not
  130  interrupted`

// failure is an error for people: what went wrong, in plain words, and what to do
// next. It never holds a value of a record, a token or a secret.
type failure struct {
	code int
	what string
	next string
}

func (f *failure) Error() string {
	if f.next == "" {
		return f.what
	}
	return f.what + ": " + f.next
}

func usagef(format string, args ...any) error {
	return &failure{code: exitUsage, what: fmt.Sprintf(format, args...)}
}

// inputf reports a file that cannot be used.
func inputf(path, format string, args ...any) error {
	return &failure{code: exitInput, what: path + ": " + fmt.Sprintf(format, args...)}
}

// causes lists what can go wrong in a session, the particular before the general.
var causes = []struct {
	is   error
	code int
	what string
	next string
}{
	{protocol.ErrRevoked, exitPeer, "the peer's certificate or signing key was revoked", "do not go on; ask the peer by telephone"},
	{protocol.ErrProfile, exitPeer, "the connection or a certificate is outside the profile that the policy demands", "ask the peer for an identity with a P-256 key"},
	{protocol.ErrLedgerBusy, exitLog, "another process holds the ledger for too long", "see what runs with this folder, and try again"},
	{protocol.ErrLedgerVersion, exitLog, "the ledger is of another version", "use the version that wrote it"},
	{protocol.ErrLedger, exitLog, "the ledger cannot be read or written", "see that the disk has room; a damaged ledger is a matter for whoever answers for quotas: without it today's count is lost"},
	{protocol.ErrWithheld, exitTerms, "the result is withheld: it has more matches than the terms allow", "the peer did not learn that"},
	{protocol.ErrPeerUnknown, exitPeer, "one side does not know the other's certificate or signing key",
		"if a side renewed its certificate, the other accepts the line of it; else compare fingerprints by telephone (pairmatch doctor shows them)"},
	{protocol.ErrSealingKey, exitPeer, "a side has no sealing key, as its identity was made by an older version",
		"make a new identity (pairmatch init), then invite and accept anew; or use serve and link"},
	{protocol.ErrCheckpoint, exitInput, "what the own folder keeps of the session cannot be used", "see that nobody changed it, or delete it and start again"},
	{psi.ErrSet, exitInput, "the own records make other tokens than when the session began", "start again; keep the file as it is until the session is done"},
	{protocol.ErrCertificate, exitPeer, "a certificate is outside its validity",
		"run pairmatch doctor on both sides; the owner runs pairmatch renew, and the other accepts its line"},
	{protocol.ErrSignature, exitPeer, "a signature of the peer is invalid", "do not go on; tell the peer"},
	{protocol.ErrClock, exitClock, "the clocks of the two sides are too far apart", "set both by NTP and try again"},
	{protocol.ErrExpired, exitTerms, "the terms have expired", "propose again, with a longer --valid"},
	{protocol.ErrEpoch, exitSetUp, "the two sides use different epochs", "agree on one, see --epoch"},
	{protocol.ErrSchema, exitSetUp, "the two sides use different fields, rules or encodings", "accept the same invitation on both sides"},
	{protocol.ErrVersion, exitSetUp, "the two sides run different versions of the protocol", "install the same version"},
	{protocol.ErrPair, exitSetUp, "the two owners did not propose terms that belong together",
		"give both the same epoch, purpose, legal basis and jurisdictions, and name each other as --peer"},
	{protocol.ErrRole, exitSetUp, "both sides want the same role", "one must be the sender and one the receiver, see --role"},
	{psi.ErrKey, exitSetUp, "the two sides hold different secrets", "invite and accept anew on both sides, with --replace"},
	{psi.ErrEpoch, exitSetUp, "the two sides use different epochs", "agree on one, see --epoch"},
	{psi.ErrConfig, exitSetUp, "the two sides use different fields or rules", "accept the same invitation on both sides"},
	{bloomlink.ErrKey, exitSetUp, "the two owners hold different secrets", "invite and accept anew on both sides, with --replace"},
	{bloomlink.ErrConfig, exitSetUp, "the two owners use different encodings", "accept the same invitation on both sides"},
	{psi.ErrTooLarge, exitTerms, "a set is larger than the terms allow", "raise --max-peer on the side that refused, if that is right"},
	{bloomlink.ErrTooLarge, exitTerms, "a set is larger than the terms allow", "raise --max-records at the unit, if that is right"},
	{protocol.ErrUnanswered, exitConnection, "nobody answered in the mailbox",
		"see that the other side's command runs with the same folder and that files travel; --wait gives it longer"},
	{protocol.ErrMail, exitConnection, "a file in the mailbox is malformed", "see who else writes to the folder, and try again"},
	{protocol.ErrMailbox, exitConnection, "the mailbox cannot be used any longer", "see that the folder is there and has room, and try again"},
	{protocol.ErrStalled, exitConnection, "the peer was silent for too long", "ask whether its command still runs, and try again"},
	{protocol.ErrHangUp, exitConnection, "the peer hung up", "ask what its command reported, and try again"},
	{protocol.ErrClosed, exitConnection, "the peer ended the session", "ask what its command reported, and try again"},
	{psi.ErrAborted, exitConnection, "the peer aborted the run", "ask what its command reported, and try again"},
	{protocol.ErrTLS, exitPeer, "the two sides could not authenticate each other",
		"see that both accepted each other's current line (pairmatch doctor --connect tells more)"},
}

// explain turns any error into one for people.
func explain(err error) *failure {
	var f *failure
	if errors.As(err, &f) {
		return f
	}
	if f := explainLog(err); f != nil {
		return f
	}
	if errors.Is(err, context.Canceled) {
		return &failure{exitInterrupted, "interrupted", ""}
	}
	var refused *protocol.RefusedError
	if errors.As(err, &refused) {
		return explainRefusal(refused.Term)
	}
	var term *protocol.TermError
	if errors.As(err, &term) && !errors.Is(err, protocol.ErrExpired) {
		return explainTerm(term)
	}
	var stalled *protocol.StallError
	if errors.As(err, &stalled) && stalled.Phase == protocol.PhaseResume {
		return &failure{exitConnection, "the connection was lost and did not come back in time", "see that the peer's command still runs, and try again; --resume waits longer"}
	}
	for _, c := range causes {
		if errors.Is(err, c.is) {
			return &failure{c.code, c.what, c.next}
		}
	}
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return &failure{exitInput, flat(err), ""}
	}
	var netErr net.Error
	if errors.As(err, &netErr) {
		return &failure{exitConnection, flat(err), "see that the address is right and the peer's command runs"}
	}
	return &failure{exitInternal, flat(err), ""}
}

// explainTerm says what to do about a term that is at fault on this side.
func explainTerm(err *protocol.TermError) *failure {
	f := &failure{exitTerms, strings.TrimPrefix(flat(err), "protocol: "), "change the option it comes from"}
	switch {
	case errors.Is(err, protocol.ErrLimit):
		f.next = "pairmatch ledger shows what is used up"
	case err.Term == "rules" && err.Rule == "" && !errors.Is(err, protocol.ErrTerms):
		f.next = "values of several readings make more tokens: link has to give --pad-readings, or do without --pad-rules"
	case err.Term == "max_acceptor" && errors.Is(err, psi.ErrTooLarge):
		f.next = "link has to give a larger --max-peer, or a smaller --bucket; serve may have to permit it by --max-own"
	}
	return f
}

// explainRefusal says what a term that the peer refused means.
func explainRefusal(term string) *failure {
	what := fmt.Sprintf("the peer refused the terms because of %q", term)
	switch term {
	case "epoch":
		return &failure{exitSetUp, what, "the two sides use different epochs: agree on one, see --epoch"}
	case "schema_hash", "config_hash":
		return &failure{exitSetUp, what, "the two sides use different fields, rules or encodings: accept the same invitation on both sides"}
	case "expires", "issued":
		return &failure{exitTerms, what, "they have expired there, or are valid for too long: see --valid, and the clocks"}
	case "approvers":
		return &failure{exitTerms, what, "it wants more approvers, see --approver: a bulk session needs two"}
	case "officer_signature":
		return &failure{exitTerms, what, "it wants the signature of an officer's key that it knows, see --officer-key"}
	case "case", "officer", "offence", "article", "retention_days", "max_candidates":
		return &failure{exitTerms, what, "ask the peer what it wants there, see --" + strings.ReplaceAll(term, "_", "-")}
	case "function":
		return &failure{exitTerms, what, "its serve permits the functions of --permit-function, and its policy may permit fewer"}
	case "bucket", "rules":
		return &failure{exitTerms, what, "ask the peer how sets have to be filled up, see --bucket and --pad-rules"}
	case "max_proposer":
		return &failure{exitTerms, what, "the own set, with what --bucket and --pad-rules add, is larger than it takes: it may raise --max-peer"}
	case "max_acceptor":
		return &failure{exitTerms, what, "lower --max-peer, or ask the peer to raise --max-own"}
	case "receiver":
		return &failure{exitSetUp, what, "both sides want the same role, see --role"}
	}
	return &failure{exitTerms, what, "ask the peer what it permits"}
}

// flat keeps an error on one line.
func flat(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }
