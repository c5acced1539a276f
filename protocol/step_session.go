package protocol

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/comity-prl/comity/psi"
)

// stepSession is one session in one Run.
type stepSession struct {
	r     *stepRun
	id    mailSession
	state stepState
	run   []byte // the State of psi.Steps
	terms *Terms // nil where they cannot be read
}

func (x *stepSession) name() string { return hex.EncodeToString(x.id[:]) }

// peer returns the other side, with the sealing key that it is known by now.
func (x *stepSession) peer() Peer {
	p := x.state.Agreement.Acceptor
	if x.state.Role == Acceptor {
		p = x.state.Agreement.Proposer
	}
	if known, err := x.r.known(p.SigningKey); err == nil {
		p.SealingKey = known.SealingKey
	}
	return p
}

// last returns the number of the message that ends the run, which is the receiver's.
func (x *stepSession) last() uint8 {
	if x.terms != nil && x.terms.Receiver == Proposer {
		return lastMessage - 1
	}
	return lastMessage
}

func (x *stepSession) receives() bool { return x.terms.Receiver == x.state.Role }

// agreed reports whether this side holds what makes the terms binding for both.
func (x *stepSession) agreed() bool { return len(x.state.Agreement.AcceptorSignature) > 0 }

// session is the Session that a live form would have, without its connection.
func (x *stepSession) session() *Session {
	return &Session{
		c: x.r.c, role: x.state.Role, peer: x.peer(), terms: x.terms, agreement: &x.state.Agreement, rule: x.state.Rule,
	}
}

// errNoSet leaves a session as it is.
var errNoSet = errors.New("protocol: no set for these terms")

// stepInputs are what the run of package psi is made of.
type stepInputs struct {
	params *psi.Params
	own    *psi.Set // what the caller brought
	set    *psi.Set // the same, filled up as the terms ask
}

func (x *stepSession) inputs() (*stepInputs, error) {
	terms := *x.terms
	set, err := x.r.Set(&terms)
	if err == nil && set == nil {
		err = errNoSet
	}
	if err != nil {
		return nil, haltError{err}
	}
	s := x.session()
	if err := s.bound(set); err != nil {
		return nil, err
	}
	p, err := s.params(x.terms.Receiver, psi.Intersection, psi.Cardinality)
	if err != nil {
		return nil, err
	}
	p.Session = x.state.Run[:]
	full, err := x.terms.padded(set, x.state.Role, func(n int) (*psi.Set, error) {
		return set.PadFrom(n, x.state.Seed) // by the same dummies in each Run
	})
	return &stepInputs{p, set, full}, err
}

// start is T(0).
func (x *stepSession) start() Hash {
	a := &x.state.Agreement
	return stepHash("comity step v1 session", x.id[:], a.Proposer.SigningKey, a.Acceptor.SigningKey)
}

// runName is the session of the run, by the proposer's nonce.
func (x *stepSession) runName(nonce []byte) Hash {
	start, terms := x.start(), sha256.Sum256([]byte(x.state.Agreement.Terms))
	return stepHash("comity step v1 run", start[:], nonce, terms[:])
}

// fold adds a message to the transcript.
func (x *stepSession) fold(message []byte) {
	x.state.Transcript = stepHash("comity step v1 transcript", x.state.Transcript[:], message)
}

func (x *stepSession) writer(number uint8, head func() ([]byte, error)) *stepWriter {
	return &stepWriter{r: x.r, to: x.peer(), name: stepName{x.id, number, 0}, head: head, content: sha256.New()}
}

// wrote notes an own message that is whole in the store.
func (x *stepSession) wrote(w *stepWriter, number uint8) error {
	parts, err := w.end()
	if err != nil {
		return err
	}
	if err := x.r.store.sync(); err != nil { // before the checkpoint that counts on them
		return haltError{err}
	}
	x.fold(w.content.Sum(nil))
	x.state.At, x.state.Own, x.state.Parts, x.state.Sent = number, number, parts, false
	return nil
}

// begin makes the proposal.
func (x *stepSession) begin(ctx context.Context) error {
	if _, err := x.r.known(x.peer().SigningKey); err != nil {
		return err
	}
	nonce := make([]byte, 32)
	rand.Read(nonce)
	x.state.Transcript, x.state.Run = x.start(), x.runName(nonce)
	rand.Read(x.state.Seed[:])
	in, err := x.inputs()
	if err != nil {
		return err
	}
	steps, err := psi.NewSteps(in.params, in.set, x.receives(), true)
	if err != nil {
		return err
	}
	if err := x.reserve(); err != nil {
		return err
	}
	text := []byte(x.state.Agreement.Terms)
	w := x.writer(1, func() ([]byte, error) {
		head := append([]byte{kindPropose}, nonce...)
		head = append(head, byte(len(text)>>16), byte(len(text)>>8), byte(len(text)))
		return append(head, text...), nil
	})
	if err := steps.Step(ctx, bytes.NewReader(nil), w); err != nil {
		return errors.Join(err, x.hold().release())
	}
	if err := x.wrote(w, 1); err != nil {
		return errors.Join(err, x.hold().release())
	}
	x.run = steps.State()
	if err := x.commit(); err != nil {
		return err
	}
	x.r.report(x, false, nil)
	return nil
}

// meet answers a proposal.
func (r *stepRun) meet(ctx context.Context, id mailSession) error {
	n := stepName{id, 1, 0}
	unusable := func(err error) error {
		r.status = append(r.status, StepStatus{Session: hex.EncodeToString(id[:]), Role: Acceptor, Err: err})
		return nil
	}
	last, payload, err := r.part(n)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, errNotWhole):
		return nil
	case err != nil:
		return unusable(err)
	}
	sender, _, err := openStep(r.c.Identity, n, last, payload)
	if errors.Is(err, errSealed) {
		return nil // for somebody else who uses the folder, or nobody
	}
	if err != nil {
		return unusable(err)
	}
	peer, err := r.known(sender)
	if err != nil {
		return unusable(err)
	}
	x := &stepSession{r: r, id: id, state: stepState{
		Role:      Acceptor,
		Agreement: Agreement{Proposer: stepPeer(*peer), Acceptor: stepPeer(r.c.Identity.Peer())},
		Keep:      r.kept(nil),
	}}
	return x.take(ctx, x.accept)
}

// accept reads the proposal and makes the answer.
func (x *stepSession) accept(ctx context.Context, m *stepReader) error {
	head, err := m.head(1 + 32)
	if err != nil {
		return err
	}
	if head[0] != kindPropose {
		return fmt.Errorf("%w: a first message of kind %d", ErrFrame, head[0])
	}
	text, err := m.terms()
	if err != nil {
		return err
	}
	a := &x.state.Agreement
	a.Terms = string(text)
	if x.terms, err = ParseTerms(text); err != nil {
		return err
	}
	if err := a.names(x.terms); err != nil {
		return err
	}
	if err := stepwise(x.terms); err != nil {
		return err
	}
	if x.state.Rule, err = x.r.c.Policy.Decide(x.terms, Acceptor, x.r.c.Clock(), x.r.c.Skew); err != nil {
		return err
	}
	x.state.Keep = x.r.kept(x.terms)
	x.state.Transcript, x.state.Run = x.start(), x.runName(head[1:])
	rand.Read(x.state.Seed[:])
	in, err := x.inputs()
	if err != nil {
		return err
	}
	steps, err := psi.NewSteps(in.params, in.set, x.receives(), false)
	if err != nil {
		return err
	}
	if err := x.reserve(); err != nil {
		return err
	}
	nonce := make([]byte, 32)
	rand.Read(nonce)
	return x.answer(ctx, steps, in, m, 1, func() ([]byte, error) {
		a.Channel = x.channel(nonce)
		signature, err := x.sign()
		a.AcceptorSignature = signature
		return slices.Concat([]byte{kindAccept}, x.state.Transcript[:], nonce, signature), err
	})
}

// channel binds an agreement to this session, by nonces of both sides. The transcript
// is T(1).
func (x *stepSession) channel(nonce []byte) Hash {
	return stepHash("comity step v1 channel", x.state.Transcript[:], nonce)
}

func (x *stepSession) sign() ([]byte, error) {
	signed, err := x.state.Agreement.signed(x.state.Role)
	if err != nil {
		return nil, err
	}
	return ed25519.Sign(x.r.c.Identity.signing, signed), nil
}

// next reads the peer's next message and makes the answer.
func (x *stepSession) next(ctx context.Context, m *stepReader) error {
	number := x.state.At + 1
	head, err := m.head(1 + 32)
	if err != nil {
		return err
	}
	switch kind := head[0]; {
	case kind == kindAbort:
		return aborted(m)
	case kind == kindRefuse && number == 2:
		return refused(m)
	case kind != kindOf(number):
		return fmt.Errorf("%w: message %d of kind %d", ErrFrame, number, kind)
	}
	if !bytes.Equal(head[1:], x.state.Transcript[:]) {
		return ErrTranscript
	}
	farewell := number == x.last()
	if !farewell {
		if err := x.terms.timely(x.r.c.Clock(), x.r.c.Skew); err != nil {
			return err
		}
	}
	if err := x.countersigned(m, number); err != nil {
		return err
	}
	in, err := x.inputs()
	if err != nil {
		return err
	}
	steps, err := psi.RestoreSteps(x.run, in.params, in.set)
	if err != nil {
		return err
	}
	return x.answer(ctx, steps, in, m, number, func() (head []byte, err error) {
		head = append([]byte{kindOf(number + 1)}, x.state.Transcript[:]...)
		if number == 2 {
			if x.state.Agreement.ProposerSignature, err = x.sign(); err != nil {
				return nil, err
			}
			head = append(head, x.state.Agreement.ProposerSignature...)
		}
		if carriesElements(number + 1) {
			c, err := x.r.c.Identity.commitTo(in.own, &x.state.Agreement, x.state.Role)
			if err != nil {
				return nil, err
			}
			x.state.Committed, x.state.Opening = c.own, c.opening
			head = slices.Concat(head, c.own.Hash[:], c.own.Signature)
		}
		return head, nil
	})
}

// carriesElements reports whether a message carries its sender's elements, and before
// them its commitment.
func carriesElements(number uint8) bool { return number == 3 || number == 4 }

func kindOf(number uint8) byte {
	switch number {
	case 2:
		return kindAccept
	case 3:
		return kindConfirm
	}
	return kindGoOn
}

// countersigned reads the peer's signature under the agreement, and its commitment,
// where the message carries them.
func (x *stepSession) countersigned(m *stepReader, number uint8) error {
	a := &x.state.Agreement
	switch number {
	case 2:
		nonce, err := m.head(32)
		if err != nil {
			return err
		}
		a.Channel = x.channel(nonce)
		signature, err := m.head(signatureSize)
		if err != nil {
			return err
		}
		a.AcceptorSignature = signature
		if err := a.verify(Acceptor); err != nil {
			a.AcceptorSignature = nil
			return err
		}
	case 3:
		signature, err := m.head(signatureSize)
		if err != nil {
			return err
		}
		a.ProposerSignature = signature
		if err := a.verify(Proposer); err != nil {
			return err
		}
	}
	if !carriesElements(number) {
		return nil
	}
	c := new(Commitment)
	b, err := m.head(len(c.Hash) + signatureSize)
	if err != nil {
		return err
	}
	c.Hash, c.Signature = Hash(b[:len(c.Hash)]), b[len(c.Hash):]
	x.state.Heard = c
	return c.Verify(a, x.state.Role.other())
}

// answer has the run read the rest of a message and write the own one after head.
func (x *stepSession) answer(ctx context.Context, steps *psi.Steps, in *stepInputs, m *stepReader, number uint8, head func() ([]byte, error)) error {
	w := x.writer(number+1, func() ([]byte, error) {
		x.fold(m.content.Sum(nil)) // all of it has been read
		b, err := head()
		if number+1 == x.last() {
			x.state.Session = x.state.Transcript
		}
		return b, err
	})
	if carriesElements(number + 1) {
		if err := x.hold().begin(x.r.c.Clock(), in.own.Items()); err != nil {
			return local(err)
		}
		x.state.Begun = true
	}
	if err := steps.Step(ctx, m, w); err != nil {
		if ctx.Err() != nil {
			return haltError{err}
		}
		return err
	}
	x.state.PeerSize = steps.PeerSize()
	if number == x.last() { // the receiver's farewell to this side
		x.state.At, x.state.Own = number, 0
	} else if err := x.wrote(w, number+1); err != nil {
		return err
	}
	if x.state.At == x.last()-1 {
		x.state.Session = x.state.Transcript
	}
	if steps.Done() {
		x.state.Phase = stepEnded
	}
	x.run = steps.State()
	if x.state.Session.IsZero() || x.state.At == x.last() && !x.receives() {
		return nil // the run is not over yet, or was before
	}
	found := 0
	x.state.Asked = x.state.PeerSize
	if x.receives() {
		x.state.Asked, found = in.own.Len(), foundBy(steps)
	}
	return x.enter(x.state.Session, nil, in.own.Len(), found)
}

// foundBy is how many matches a receiver that is done has.
func foundBy(steps *psi.Steps) int {
	if c := steps.Count(); c != nil {
		return c.N
	}
	return steps.Result().Len()
}

func aborted(m *stepReader) error {
	code, err := m.end(1)
	if err != nil {
		return err
	}
	if len(code) != 1 {
		return fmt.Errorf("%w: an abort without a code", ErrFrame)
	}
	return &AbortError{Code: Code(code[0])}
}

func refused(m *stepReader) error {
	term, err := m.end(maxTermName)
	if err != nil {
		return err
	}
	if !termKeys[string(term)] {
		return fmt.Errorf("%w: refuses an unknown term", ErrFrame)
	}
	return &RefusedError{Term: string(term)}
}

// take has f read the peer's next message, which is there, and commits what comes of
// it. A message that cannot be read for reasons on this side changes nothing.
func (x *stepSession) take(ctx context.Context, f func(context.Context, *stepReader) error) error {
	before := *x
	number := x.state.At + 1
	var bad string
	m := &stepReader{r: x.r, name: stepName{x.id, number, 0}, from: x.peer().SigningKey, content: sha256.New(), bad: &bad}
	err := f(ctx, m)
	var halt haltError
	if errors.As(err, &halt) {
		*x = before
		return x.wait(halt.error, bad)
	}
	x.r.sessions[x.id] = x
	if err != nil {
		agreement, terms := x.state.Agreement, x.terms
		*x = before
		x.state.Agreement, x.terms = agreement, terms
		if number == 1 {
			x.state.Agreement.AcceptorSignature = nil // which does not leave
		}
		return x.fail(number, err)
	}
	if err := x.commit(); err != nil {
		return err
	}
	return x.handOver()
}
