package protocol

import (
	"crypto/sha256"
	"errors"
)

// tally is what a run brought, in numbers: set sizes, matches, and as many items as
// the receiver can have asked about.
type tally struct{ own, peer, found, asked int }

// outcomes names in the log what a code stands for.
var outcomes = map[Code]string{
	CodeRun: "run", CodeVersion: "version", CodePeer: "peer", CodeRole: "role", CodeSignature: "signature",
	CodeClock: "clock", CodeTerms: "terms", CodeExpired: "expired", CodeEpoch: "epoch", CodeSchema: "schema",
	CodePair: "pair", CodeFrame: "frame", CodeTranscript: "transcript", CodeStalled: "stalled", CodeClosed: "closed",
	CodeResume: "resume",
}

// outcomeOf is what an error is called in the log, and the term at fault. It is as
// much as a peer may know, so that no entry can hold what an error of another
// package says.
func outcomeOf(err error) (outcome, term string) {
	if err == nil {
		return OutcomeDone, ""
	}
	var own *TermError
	var refused *RefusedError
	switch {
	case errors.As(err, &refused):
		return "refused", refused.Term
	case errors.As(err, &own):
		term = own.Term
	case errors.Is(err, ErrHangUp):
		return "hang-up", ""
	}
	if own != nil && codeFor(err) == CodeRun { // valid, and not permitted
		return "not-permitted", term
	}
	return outcomes[codeFor(err)], term
}

// record logs the session's run, once. A run that went well is logged before its
// last frame leaves: neither side has a result that the other's log lacks.
func (s *Session) record(transcript Hash, cause error) error {
	if s.c.Log == nil || !s.logged.CompareAndSwap(false, true) {
		return nil
	}
	e := s.terms.entry(s.agreement.Terms)
	e.Event = s.event()
	e.Time = s.c.Clock()
	e.Peer, e.Role = s.peer.Name, s.role
	e.OwnSize, e.PeerSize, e.Found = s.tally.own, s.tally.peer, s.tally.found
	e.Transcript = transcript
	e.Outcome, e.Term = outcomeOf(cause)
	if cause == nil && s.learns() && s.withheld(e.Found) != nil {
		e.Outcome, e.Found = outcomeWithheld, 0
	}
	if s.rule != nil {
		e.Rule = s.rule.Name
	}
	return s.c.Log.Append(e)
}

func (s *Session) event() Event {
	switch {
	case s.terms.Function == FunctionEncodings && s.role == Acceptor:
		return Combination
	case s.terms.Function == FunctionEncodings || s.terms.Receiver != s.role:
		return Disclosure
	}
	return Consultation
}

// entry is what the terms say of a session.
func (t *Terms) entry(text string) *Entry {
	return &Entry{
		Partner: t.Partner, Officer: t.Officer, Approvers: t.Approvers, Case: t.Case, Offence: t.Offence,
		Purpose: t.Purpose, LegalBasis: t.LegalBasis, Article: t.Article,
		Categories: t.Categories, Scope: t.Scope, Function: t.Function, Suite: t.Suite,
		RetentionDays: t.RetentionDays, Terms: sha256.Sum256([]byte(text)),
	}
}

// recordFailure logs that a connection did not become a session. One whose peer
// never proved who it is counts among the strangers; neither a probe is logged nor
// an attempt to resume, as the session has an entry of its own.
func (c *Config) recordFailure(h *handshake, cause error) error {
	if c.Log == nil {
		return nil
	}
	now := c.Clock()
	if h == nil || h.peer == nil {
		return c.Log.countStranger(now)
	}
	if h.purpose != forSession {
		return nil
	}
	e := &Entry{}
	if h.proposed != nil {
		e = h.proposed.entry(h.text)
	}
	e.Event, e.Time, e.Peer, e.Role = Refusal, now, h.peer.Name, h.me
	e.Outcome, e.Term = outcomeOf(cause)
	var term *TermError
	if errors.As(cause, &term) {
		e.Rule = term.Rule
	}
	return c.Log.Append(e)
}
