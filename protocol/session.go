package protocol

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/comity-prl/comity/internal/wire"
	"github.com/comity-prl/comity/psi"
)

// Session is a connection to an authenticated peer under terms that both signed.
// It has one run: Send, Receive or Submit, or its part in Link. Close it when
// done.
//
// Where the connection is lost, another one takes its place for as long as
// Config.ResumeTimeout allows, and the run goes on: nothing is computed again, and
// the session counts and is logged as one.
type Session struct {
	c         *Config
	role      Role
	peer      Peer
	terms     *Terms
	agreement *Agreement
	rule      *Rule // of the own policy; nil where there is none

	stream stream
	used   atomic.Bool
	done   atomic.Pointer[Hash] // the transcript, once both ends agree on it
	logged atomic.Bool
	tally  tally // of the run
	hold   *hold // of the ledger

	committed atomic.Pointer[committed]
	heard     atomic.Pointer[Commitment] // of the peer

	closing sync.Once
	closed  chan struct{}
}

func newSession(h *handshake, t *Terms, a *Agreement) *Session {
	f := newFlow(h, a.session())
	h.ch.idle = h.c.IdleTimeout
	if h.c.sessions != nil {
		h.c.sessions.add(f)
	}
	go f.serve()
	return &Session{
		c: h.c, role: h.me, peer: *h.peer, terms: t, agreement: a, rule: h.rule,
		stream: stream{flow: f}, hold: h.hold, closed: make(chan struct{}),
	}
}

// Role returns the own side.
func (s *Session) Role() Role { return s.role }

// Peer returns the other side, with the certificate that it presented.
func (s *Session) Peer() Peer { return s.peer }

// Terms returns a copy of the terms.
func (s *Session) Terms() Terms {
	return *s.terms.clone()
}

// Agreement returns the terms with both signatures, to be kept with the result.
func (s *Session) Agreement() Agreement { return *s.agreement }

// Transcript returns the hash of all that both ends sent. It is zero until the
// run has ended well; then it is the same at both ends.
func (s *Session) Transcript() Hash {
	if t := s.done.Load(); t != nil {
		return *t
	}
	return Hash{}
}

// Bytes returns how many bytes crossed the wire so far, TLS included, on all of the
// session's connections.
func (s *Session) Bytes() (sent, received int64) { return s.stream.bytes() }

// Resumptions returns how often another connection took the place of one that was
// lost.
func (s *Session) Resumptions() int {
	s.stream.mu.Lock()
	defer s.stream.mu.Unlock()
	return s.stream.resumptions
}

// Close ends the session. Before or during a run the peer sees an *AbortError
// that is ErrClosed. After a run that went well Close waits up to ten seconds until
// the peer has acknowledged the end; from then on a peer that lost its connection
// may still fetch what it lacks, in the background, for Config.ResumeTimeout at
// most. It is safe to call at any time and more than once. With a Config.Log, a
// session that had no run is logged as closed; an error says that it could not be.
func (s *Session) Close() error {
	s.close(ErrClosed)
	if s.used.Load() {
		return nil
	}
	return errors.Join(s.record(Hash{}, ErrClosed), s.hold.release())
}

// close ends the session because of err, or because all is done.
func (s *Session) close(err error) {
	s.closing.Do(func() {
		close(s.closed)
		if s.done.Load() == nil {
			s.stream.fail(err)
			return
		}
		select {
		case <-s.stream.ended:
		case <-time.After(farewell):
		}
	})
}

// Send takes the sender's part where the terms make the peer the receiver of a set or
// a count. This side learns the receiver's set size; the receiver learns this side's,
// and the matches or how many they are. Both sizes are those of the filled-up sets
// where the terms have Bucket or Rules. The set must be bound to the epoch and schema of the terms:
// if not, the error is ErrEpoch or ErrSchema at both ends, and nothing of the set
// is sent.
//
// The run stops when ctx ends. Errors wrap those of this package, or of package
// psi: psi.ErrKey at both ends says that the secrets differ. After an error the
// session is closed.
func (s *Session) Send(ctx context.Context, set *psi.Set) (*psi.Handles, error) {
	p, err := s.params(s.role.other(), psi.Intersection, psi.Cardinality)
	if err != nil {
		return nil, fmt.Errorf("send: %w", err)
	}
	var h *psi.Handles
	err = s.run(ctx, func() (err error) {
		if set, err = s.enter(set); err != nil {
			return err
		}
		if h, err = psi.Send(ctx, &s.stream, p, set); err == nil {
			s.tally.peer, s.tally.asked = h.PeerSize, h.PeerBound
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("send: %w", err)
	}
	return h, nil
}

// Receive takes the receiver's part where the terms give it to this side, under
// the same rules as Send. It learns which of its items the peer has too.
func (s *Session) Receive(ctx context.Context, set *psi.Set) (*psi.Result, error) {
	p, err := s.params(s.role, psi.Intersection)
	if err != nil {
		return nil, fmt.Errorf("receive: %w", err)
	}
	var r *psi.Result
	err = s.run(ctx, func() (err error) {
		if set, err = s.enter(set); err != nil {
			return err
		}
		if r, err = psi.Receive(ctx, &s.stream, p, set); err == nil {
			s.tally.peer, s.tally.found = r.PeerSize, r.Len()
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("receive: %w", err)
	}
	if err := s.withheld(r.Len()); err != nil {
		return nil, fmt.Errorf("receive: %w", err)
	}
	return r, nil
}

// Count takes the receiver's part of a count where the terms give it to this side,
// under the same rules as Send. It learns how many of its distinct items the peer has
// too, or ErrWithheld where they are fewer than Rule.MinCount.
func (s *Session) Count(ctx context.Context, set *psi.Set) (*psi.Count, error) {
	p, err := s.params(s.role, psi.Cardinality)
	if err != nil {
		return nil, fmt.Errorf("count: %w", err)
	}
	var c *psi.Count
	err = s.run(ctx, func() (err error) {
		if set, err = s.enter(set); err != nil {
			return err
		}
		if c, err = psi.ReceiveCount(ctx, &s.stream, p, set); err == nil {
			s.tally.peer, s.tally.found = c.PeerSize, c.N
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("count: %w", err)
	}
	if err := s.withheld(c.N); err != nil {
		return nil, fmt.Errorf("count: %w", err)
	}
	return c, nil
}

// params derives the run from the terms, if they are for one of the functions and
// make the given side the receiver.
func (s *Session) params(receiver Role, functions ...psi.Function) (*psi.Params, error) {
	f := map[string]psi.Function{FunctionSet: psi.Intersection, FunctionCount: psi.Cardinality}[s.terms.Function]
	if !slices.Contains(functions, f) {
		return nil, fmt.Errorf("%w: the terms are for function %q", ErrRole, s.terms.Function)
	}
	if s.terms.Receiver != receiver {
		return nil, fmt.Errorf("%w: the terms make the %s the receiver", ErrRole, s.terms.Receiver)
	}
	suite, err := psi.SuiteByName(s.terms.Suite)
	if err != nil {
		return nil, err
	}
	session := s.agreement.session()
	p := &psi.Params{Suite: suite, Function: f, Session: session[:]}
	p.MaxReceiver, p.MaxSender = s.terms.MaxProposer, s.terms.MaxAcceptor
	if receiver == Acceptor {
		p.MaxReceiver, p.MaxSender = p.MaxSender, p.MaxReceiver
	}
	if report := s.c.Progress; report != nil {
		p.Progress = func(now psi.Progress) { report(Progress(now)) }
	}
	return p, nil
}

// bound reports whether the set is what the terms are about.
func (s *Session) bound(set *psi.Set) error {
	b := set.Binding()
	if b.Epoch != s.terms.Epoch {
		return fmt.Errorf("%w: %q, the terms say %q", ErrEpoch, b.Epoch, s.terms.Epoch)
	}
	if b.Config != s.terms.SchemaHash {
		return fmt.Errorf("%w: its hash begins %x, the terms' %x", ErrSchema, b.Config[:4], s.terms.SchemaHash[:4])
	}
	return nil
}

// run is the session's one run: f, and the comparison of transcripts. An error
// closes the session and tells the peer.
func (s *Session) run(ctx context.Context, f func() error) error {
	if !s.claim() {
		return ErrUsed
	}
	return s.runClaimed(ctx, f)
}

// claim takes the session's one run; it reports whether it was there to take.
func (s *Session) claim() bool { return s.used.CompareAndSwap(false, true) }

func (s *Session) runClaimed(ctx context.Context, f func() error) error {
	overdue := time.AfterFunc(s.c.RunTimeout, func() { s.stream.end(&StallError{Phase: PhaseRun}, true) })
	defer overdue.Stop()
	err := s.terms.timely(s.c.Clock(), s.c.Skew)
	if err == nil {
		err = f()
	}
	if err == nil {
		err = s.finish(ctx)
	}
	if err != nil {
		err = s.explain(ctx, err)
		s.close(told(ctx, err))
		err = errors.Join(err, s.record(Hash{}, err), s.hold.release())
	}
	return err
}

// finish compares transcripts. Its frames are the last of either side's run.
func (s *Session) finish(ctx context.Context) error {
	if len(s.stream.rest) > 0 {
		return fmt.Errorf("%w: data after the run", ErrFrame)
	}
	stop := context.AfterFunc(ctx, s.stream.interrupt)
	defer stop()
	own := Hash(s.stream.transcript(s.role))
	if err := s.record(own, nil); err != nil {
		return err
	}
	if err := s.stream.write(frameFinish, own[:]); err != nil {
		return err
	}
	peer, err := s.stream.read(frameFinish)
	if errors.Is(err, ErrFrame) {
		if data, e := s.stream.read(frameData); e == nil && wire.IsAlert(data) { // the peer's part failed where the own one was over
			return wire.ErrAlert
		}
	}
	if err != nil {
		return err
	}
	if Hash(peer) != own {
		return ErrTranscript
	}
	s.done.Store(&own)
	s.stream.settle()
	_ = s.hold.settle(s.tally.asked) // if it cannot, the reservation counts in full
	return nil
}

// explain names the cause of a failed run, where the inner protocol saw only that
// its stream ended or that the peer's side of it gave up.
func (s *Session) explain(ctx context.Context, err error) error {
	select {
	case <-s.closed:
		return ErrClosed
	default:
	}
	if errors.Is(err, wire.ErrTruncated) && s.stream.readErr != nil {
		return s.stream.readErr
	}
	var aborted *AbortError
	if errors.Is(err, wire.ErrAlert) && !errors.As(err, &aborted) {
		return &AbortError{Code: CodeRun}
	}
	return causeOf(ctx, err)
}
