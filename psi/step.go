package psi

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"

	"github.com/comity-prl/comity/internal/shuffle"
	"github.com/comity-prl/comity/internal/wire"
)

// Steps is one side's part in a run whose sides need not run at the same time, for
// the Diffie–Hellman suites. Each calls Step with the peer's latest message, passes on
// what it wrote, and may end in between: State is all that the next step needs.
//
//	first                                               second
//	1  hello                                      ──▶
//	                  ◀──   hello, key confirmation     2
//	3  key confirmation, size, elements           ──▶
//	    ◀──   size, elements, and the tags of a sender  4
//	5  done, or the tags of a sender              ──▶
//	                          ◀──   done of a receiver  6
//
// The frames of a direction are those of Send and Receive, in their order, with the
// same checks: nothing of a set leaves before the peer's key is confirmed. A run ends
// with message 5 where the first side receives, and else with message 6.
//
// The caller carries messages as they are, in private and authenticated, and answers
// each but once: a State must be on disk before the message that was written along
// with it leaves, and a message that comes again gets that same answer. Whoever could
// make a side step twice from one State would get two sets of elements masked by one
// scalar. A State is as secret as the set: in it are the scalar, until it has been used
// on the peer's elements, and the order of handles. To delete it does not erase it
// where the disk keeps old blocks, or a backup old files; nothing may restore it.
//
// It is not safe for concurrent use.
type Steps struct {
	params *Params
	suite  *ecdhSuite
	set    *Set
	me     role
	first  bool
	err    error // of a step that failed

	at       int // the last message that was read or written
	nonce    [nonceSize]byte
	hellos   [32]byte // of both, once known
	bound    [32]byte // the hash of the set, once an element was masked
	peerSize int
	mask     mask     // from the first own element to the last of the peer's
	order    []uint32 // a sender's
	tags     []byte   // between reading elements and using them: a sender's answer, a receiver's side of the join
	handles  []uint32 // a receiver's, once done: of each item, or absent
}

const (
	stepHello = 1 + iota
	stepConfirm
	stepFirstElements
	stepSecondElements
	stepAnswer
	stepDone
)

// HasSteps reports whether a suite can run in steps. Nil stands for the default suite.
func HasSteps(s Suite) bool {
	_, ok := s.(*ecdhSuite)
	return ok || s == nil
}

// NewSteps begins a run, as the side that receives or the one that sends, and that
// writes the first message or the second. Params are as in Send and Receive; a suite
// that cannot run in steps is ErrSuite.
func NewSteps(p *Params, set *Set, receives, first bool) (*Steps, error) {
	s, err := newSteps(p, set, receives, first)
	if err != nil {
		return nil, fmt.Errorf("psi: steps: %w", err)
	}
	h, _, err := newHello(s.params, set, s.me)
	if err != nil {
		return nil, fmt.Errorf("psi: steps: %w", err)
	}
	s.nonce = h.nonce
	return s, nil
}

func newSteps(p *Params, set *Set, receives, first bool) (*Steps, error) {
	p, err := p.withDefaults()
	if err != nil {
		return nil, err
	}
	suite, ok := p.Suite.(*ecdhSuite)
	if !ok {
		return nil, fmt.Errorf("%w: %v does not run in steps", ErrSuite, p.Suite)
	}
	s := &Steps{params: p, suite: suite, set: set, me: roleSender, first: first}
	if receives {
		s.me = roleReceiver
	}
	return s, nil
}

// Done reports whether the run is over, and went well.
func (s *Steps) Done() bool {
	last := stepDone
	if s.first == (s.me == roleReceiver) { // the first side receives
		last = stepAnswer
	}
	return s.err == nil && s.at == last
}

// PeerSize returns the number of distinct items of the peer, or 0 before it is known.
func (s *Steps) PeerSize() int { return s.peerSize }

// Result returns what the receiver of an intersection has learnt when it is done, else
// nil.
func (s *Steps) Result() *Result {
	if !s.Done() || s.me != roleReceiver || s.params.Function != Intersection {
		return nil
	}
	return &Result{PeerSize: s.peerSize, matches: s.set.matches(s.handles)}
}

// Count returns what the receiver of a cardinality has learnt when it is done, else nil.
func (s *Steps) Count() *Count {
	if !s.Done() || s.me != roleReceiver || s.params.Function != Cardinality {
		return nil
	}
	return newCount(s.handles, s.peerSize)
}

// Handles returns what a sender keeps when it is done, else nil.
func (s *Steps) Handles() *Handles {
	if !s.Done() || s.me != roleSender {
		return nil
	}
	h := &Handles{PeerSize: s.peerSize, PeerBound: s.peerSize}
	if s.params.Function == Intersection {
		h.set, h.order = s.set, s.order
	}
	return h
}

// Step reads the peer's next message from in, to its end, and writes the own one to
// out. In the first step of the side that begins there is none to read, in the last one
// of a run there may be none to write. After an error the Steps is of no further use.
// One of the peer's doing wraps a sentinel of this package and ends the run; after one
// of in, of out, or of ctx, a Steps of the State before may take the message again.
func (s *Steps) Step(ctx context.Context, in io.Reader, out io.Writer) error {
	if s.err != nil || s.Done() {
		return fmt.Errorf("psi: step: %w", ErrOver)
	}
	c := wire.Open(ctx, struct {
		io.Reader
		io.Writer
	}{in, out})
	r := &run{conn: c, params: s.params, progress: newReporter(s.params.Progress)}
	err := s.step(r)
	if err != nil && context.Cause(ctx) != nil {
		err = context.Cause(ctx)
	}
	_ = c.Close(nil) // lets go of ctx; there is nobody to alert on a stream
	if err != nil {
		s.err = err
		return fmt.Errorf("psi: step: %w", err)
	}
	return nil
}

func (s *Steps) step(r *run) error {
	if s.at > 0 || !s.first {
		if err := s.read(r, s.at+1); err != nil {
			return err
		}
		if err := r.conn.End(); err != nil {
			return err
		}
		s.at++
	}
	if s.Done() {
		return nil
	}
	if err := s.write(r, s.at+1); err != nil {
		return err
	}
	s.at++
	return nil
}

// read takes the peer's message of that number.
func (s *Steps) read(r *run, number int) error {
	switch number {
	case stepHello:
		return s.readHello(r)
	case stepConfirm:
		if err := s.readHello(r); err != nil {
			return err
		}
		return s.readConfirmation(r)
	case stepFirstElements, stepSecondElements:
		if number == stepFirstElements {
			if err := s.readConfirmation(r); err != nil {
				return err
			}
		}
		return s.readElements(r, number)
	case stepAnswer:
		if s.me == roleReceiver {
			return s.readTags(r)
		}
	}
	return r.awaitDone()
}

// write makes the own message of that number.
func (s *Steps) write(r *run, number int) error {
	switch number {
	case stepHello:
		return s.writeHello(r)
	case stepConfirm:
		if err := s.writeHello(r); err != nil {
			return err
		}
		return r.conn.Write(kindConfirm, confirmation(s.set.binding.Key, s.me, s.hellos))
	case stepFirstElements, stepSecondElements:
		if number == stepFirstElements {
			if err := r.conn.Write(kindConfirm, confirmation(s.set.binding.Key, s.me, s.hellos)); err != nil {
				return err
			}
		}
		return s.writeElements(r, number)
	case stepAnswer:
		if s.me == roleSender {
			return s.writeTags(r)
		}
	}
	return r.done()
}

// hello is the own one, the same whenever it is asked for.
func (s *Steps) hello() (*hello, []byte, error) {
	h, _, err := newHello(s.params, s.set, s.me)
	if err != nil {
		return nil, nil, err
	}
	h.nonce = s.nonce
	b, err := h.marshal()
	return h, b, err
}

func (s *Steps) writeHello(r *run) error {
	_, b, err := s.hello()
	if err != nil {
		return err
	}
	return r.conn.Write(kindHello, b)
}

func (s *Steps) readHello(r *run) error {
	own, b, err := s.hello()
	if err != nil {
		return err
	}
	got, err := r.conn.Read(kindHello, maxHello)
	if err != nil {
		return err
	}
	s.hellos, err = own.meet(b, got)
	return err
}

func (s *Steps) readConfirmation(r *run) error {
	got, err := r.conn.Read(kindConfirm, sha256.Size)
	if err != nil {
		return err
	}
	return confirmed(got, s.set.binding.Key, s.me.other(), s.hellos)
}

// elements returns the kinds of the own elements and of the peer's.
func (s *Steps) elements() (own, peer wire.Kind) {
	if s.me == roleSender {
		return kindSenderElements, kindReceiverElements
	}
	return kindReceiverElements, kindSenderElements
}

// tagSize is that of a tag once both sizes are known.
func (s *Steps) tagSize() int { return tagSize(s.set.Len(), s.peerSize) }

func (s *Steps) readElements(r *run, number int) error {
	got, err := r.conn.Read(kindSize, 8)
	if err != nil {
		return err
	}
	if s.peerSize, err = parseSize(got, s.params, s.me.other()); err != nil {
		return err
	}
	if number == stepFirstElements { // else it was drawn for the own elements
		if err := s.draw(); err != nil {
			return err
		}
	}
	_, kind := s.elements()
	s.tags = make([]byte, s.peerSize*s.tagSize())
	if err := s.suite.receiveElements(r, s.mask, kind, s.peerSize, s.tags, s.tagSize()); err != nil {
		return err
	}
	if number == stepFirstElements {
		return nil
	}
	s.mask = nil
	if s.me == roleReceiver {
		return s.readTags(r)
	}
	return nil
}

// draw draws what makes the own elements, from the set as it is now.
func (s *Steps) draw() (err error) {
	if err := s.params.fits(s.set, s.me); err != nil {
		return err
	}
	s.bound = s.set.hash()
	if s.me == roleSender {
		s.order = shuffle.Order(s.set.Len())
	}
	s.mask, err = s.suite.group.newMask()
	return err
}

func (s *Steps) writeElements(r *run, number int) error {
	if number == stepFirstElements {
		if err := s.draw(); err != nil {
			return err
		}
	}
	if err := r.conn.Write(kindSize, marshalSize(s.set.Len())); err != nil {
		return err
	}
	item := func(i int) *[32]byte { return &s.set.items[i] }
	if s.me == roleSender {
		item = func(i int) *[32]byte { return &s.set.items[s.order[i]] }
	}
	kind, _ := s.elements()
	if err := s.suite.sendElements(r, s.mask, kind, s.set.Len(), item); err != nil {
		return err
	}
	if number == stepFirstElements {
		return nil
	}
	s.mask = nil
	if s.me == roleSender {
		return s.writeTags(r)
	}
	return nil
}

func (s *Steps) writeTags(r *run) error {
	tags := s.tags
	s.tags = nil
	if s.params.Function == Cardinality {
		tags, s.order = shuffled(tags, s.tagSize()), nil // handles say nothing
	}
	return sendTags(r.conn, tags, s.tagSize())
}

func (s *Steps) readTags(r *run) error {
	own := make([]byte, s.set.Len()*s.tagSize())
	if err := receiveTags(r.conn, own, s.tagSize()); err != nil {
		return err
	}
	s.handles, s.tags = joined(own, s.tags, s.tagSize()), nil
	return nil
}

// hash names the set: two sets of one hash are the same to a run.
func (s *Set) hash() [32]byte {
	h := sha256.New()
	h.Write([]byte("comity psi v1 set"))
	h.Write(s.binding.Key[:])
	h.Write(s.binding.Config[:])
	h.Write([]byte{byte(len(s.binding.Epoch))})
	h.Write([]byte(s.binding.Epoch))
	for i := range s.items {
		h.Write(s.items[i][:])
	}
	return [32]byte(h.Sum(nil))
}
