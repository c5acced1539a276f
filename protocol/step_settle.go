package protocol

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/comity-prl/comity/psi"
)

// wait leaves a session as it was before a message that could not be read. A file that
// is not the peer's is deleted: the peer writes it anew if it was to be.
func (x *stepSession) wait(cause error, bad string) error {
	if bad != "" {
		if err := x.r.change(); err != nil {
			return err
		}
		x.r.folder.remove(bad)
	}
	switch {
	case errors.Is(cause, ErrMail):
		x.r.report(x, false, cause)
	case errors.Is(cause, errNoSet), errors.Is(cause, fs.ErrNotExist), errors.Is(cause, errNotWhole):
		x.r.report(x, false, nil)
	default:
		return cause
	}
	return nil
}

// advance takes a session that was known before this Run as far as it goes.
func (x *stepSession) advance(ctx context.Context) error {
	if err := x.settle(); err != nil {
		return err
	}
	switch x.state.Phase {
	case stepOver:
		return nil
	case stepEnded:
		return x.handOver()
	}
	if _, err := x.r.known(x.peer().SigningKey); err != nil { // perhaps only in this Run
		if overdue := x.overdue(); overdue != nil || errors.Is(err, ErrRevoked) {
			return x.fail(0, cmp.Or(overdue, err))
		}
		x.r.report(x, false, err)
		return nil
	}
	arrived, err := x.r.arrived(x.id, x.state.At+1)
	var malformed *MailError
	switch {
	case errors.As(err, &malformed):
		return x.wait(err, malformed.File)
	case arrived:
		return x.take(ctx, x.next)
	}
	if err := x.overdue(); err != nil {
		return x.fail(0, err)
	}
	x.r.report(x, false, nil)
	return nil
}

// overdue reports terms that have expired while the session waited. A sender that has
// sent all waits longer: the receiver may have its result, and the handles be needed.
func (x *stepSession) overdue() error {
	now := x.r.c.Clock()
	if x.state.At == x.last()-1 && now.Before(x.state.Keep) {
		return nil
	}
	return x.terms.timely(now, x.r.c.Skew)
}

// commit makes what this side knows durable, and then carries out what follows.
func (x *stepSession) commit() error {
	if err := x.r.store.save(x.id, &x.state, x.run); err != nil {
		return err
	}
	return x.settle()
}

// settle carries out what the checkpoint says, however often it is asked to: log and
// ledger first, then the own message.
func (x *stepSession) settle() error {
	over := x.state.Phase != stepOpen
	if x.state.Entry != "" && !x.state.Logged {
		if x.r.c.Log == nil {
			return fmt.Errorf("%w: the session has an entry, and there is no log", ErrConfig)
		}
		if err := x.r.log(x.state.Entry, x.state.LogFrom); err != nil {
			return err
		}
		x.state.Logged = true
		if err := x.r.store.save(x.id, &x.state, x.run); err != nil {
			return err
		}
	}
	switch h := x.hold(); {
	case !x.state.Session.IsZero():
		_ = h.settle(x.state.Asked) // if it cannot, the reservation counts in full
		x.state.Hold = 0
	case over:
		_ = h.release() // as above; nothing happens where the run has begun
		x.state.Hold = 0
	}
	if x.state.Own == 0 {
		return nil
	}
	again := x.r.seen[x.id]&(1<<(x.state.Own-1)) != 0 // the peer has not seen the answer to it
	if over && x.state.Sent && !again {
		return nil
	}
	if err := x.publish(); err != nil {
		return err
	}
	if over && !x.state.Sent {
		x.state.Sent = true
		return x.r.store.save(x.id, &x.state, x.run)
	}
	return nil
}

// reserve counts the session in the ledger, if there is one. A limit that it would
// exceed is a *TermError.
func (x *stepSession) reserve() error {
	h, err := x.r.c.reserve(x.terms, x.state.Agreement.Terms, x.state.Role, x.state.Rule)
	if h != nil {
		x.state.Hold = h.id
	}
	return local(err)
}

// hold is the reservation as the checkpoint knows it, or nil.
func (x *stepSession) hold() *hold {
	if x.r.c.Ledger == nil || x.state.Hold == 0 {
		return nil
	}
	rule := x.state.Rule
	if rule == nil {
		rule = &Rule{}
	}
	h := &hold{
		ledger: x.r.c.Ledger, id: x.state.Hold,
		claim: claimOf(x.terms, x.state.Agreement.Terms, x.state.Role, rule.Limits, rule.Name),
	}
	if x.state.Begun {
		h.phase.Store(phaseBegun)
	}
	return h
}

// local marks an error of this side's ledger, unless it is about the terms.
func local(err error) error {
	var term *TermError
	if err == nil || errors.As(err, &term) {
		return err
	}
	return haltError{err}
}

// publish sees the own message in the mailbox, part by part.
func (x *stepSession) publish() error {
	for n := (stepName{x.id, x.state.Own, 0}); n.part < x.state.Parts; n.part++ {
		data, err := x.r.store.file(n.String())
		if err != nil {
			return err
		}
		if len(data) == 0 {
			return fmt.Errorf("%w: %s is missing", ErrCheckpoint, n)
		}
		if there, err := x.r.folder.get(n.String(), len(data)); err == nil && bytes.Equal(there, data) {
			continue
		}
		if err := x.r.change(); err != nil {
			return err
		}
		if err := x.r.folder.put(n.String(), data); err != nil {
			return err
		}
	}
	return nil
}

// handOver gives the caller the result of a session that has ended well.
func (x *stepSession) handOver() error {
	if x.state.Phase != stepEnded {
		x.r.report(x, false, nil)
		return nil
	}
	in, err := x.inputs()
	var halt haltError
	switch {
	case errors.Is(err, errNoSet):
		x.r.report(x, false, nil)
		return nil
	case errors.As(err, &halt):
		return halt.error
	}
	var steps *psi.Steps
	if err == nil {
		steps, err = psi.RestoreSteps(x.run, in.params, in.set)
	}
	if err != nil { // the caller may find the right set
		x.r.report(x, false, err)
		return nil
	}
	if x.receives() {
		if err := x.session().withheld(foundBy(steps)); err != nil {
			return x.over(err)
		}
	}
	terms := *x.terms
	result := &StepResult{
		Session: x.name(), Role: x.state.Role, Peer: x.peer(), Terms: &terms,
		Agreement: x.state.Agreement, Transcript: x.state.Session,
		Result: steps.Result(), Count: steps.Count(), Handles: steps.Handles(),
		Commitment: x.state.Committed, PeerCommitment: x.state.Heard, Opening: x.state.Opening,
	}
	if err := x.r.Done(result); err != nil {
		return err
	}
	return x.over(nil)
}

// over forgets all of a session but what it takes to answer what comes again.
func (x *stepSession) over(cause error) error {
	x.state.Phase, x.run = stepOver, nil
	if err := x.r.store.save(x.id, &x.state, nil); err != nil {
		return err
	}
	x.r.report(x, true, cause)
	return nil
}

// fail ends a session because of the peer's message of that number, or with 0 because
// of none. The peer hears of it in place of the answer.
func (x *stepSession) fail(number uint8, cause error) error {
	x.state.Phase, x.run, x.state.Own = stepOver, nil, 0
	if number > 0 {
		x.state.At = number
		if err := x.tell(number+1, cause); err != nil {
			return err
		}
	}
	if x.state.Entry == "" {
		if err := x.enter(Hash{}, cause, 0, 0); err != nil {
			return err
		}
	}
	if err := x.commit(); err != nil {
		return err
	}
	x.r.report(x, true, cause)
	return nil
}

// tell makes a message that says why there is no other, unless the peer knows or is
// done.
func (x *stepSession) tell(number uint8, cause error) error {
	var aborted *AbortError
	var refused *RefusedError
	if number > x.last() || errors.As(cause, &aborted) || errors.As(cause, &refused) {
		return nil
	}
	text := append([]byte{kindAbort}, make([]byte, len(Hash{}))...)
	var term *TermError
	if number == 2 && errors.As(cause, &term) {
		text[0] = kindRefuse
		text = append(text, term.Term...)
	} else {
		text = append(text, byte(codeFor(cause)))
	}
	return x.wrote(x.writer(number, func() ([]byte, error) { return text, nil }), number)
}

// enter notes what the log shall say of the session, once.
func (x *stepSession) enter(transcript Hash, cause error, own, found int) (err error) {
	if x.r.c.Log == nil {
		return nil
	}
	e := &Entry{}
	if x.terms != nil {
		e = x.terms.entry(x.state.Agreement.Terms)
	}
	e.Event = Refusal
	if x.agreed() {
		e.Event = x.session().event()
	}
	e.Time, e.Peer, e.Role = x.r.c.Clock(), x.peer().Name, x.state.Role
	e.OwnSize, e.PeerSize, e.Found = own, x.state.PeerSize, found
	e.Transcript = transcript
	e.Outcome, e.Term = outcomeOf(cause)
	if cause == nil && x.receives() && x.session().withheld(found) != nil {
		e.Outcome, e.Found = outcomeWithheld, 0
	}
	var term *TermError
	if x.state.Rule != nil {
		e.Rule = x.state.Rule.Name
	} else if errors.As(cause, &term) {
		e.Rule = term.Rule
	}
	text, err := e.normal().marshal()
	if err != nil {
		return err
	}
	x.state.Entry = string(text)
	x.state.LogFrom, err = x.r.logSize()
	return err
}
