package bloomlink

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/comity-prl/comity/internal/wire"
)

// Summary is what the unit may say of a run.
type Summary struct {
	A      int `json:"a"` // rows of owner A
	B      int `json:"b"`
	Groups int `json:"groups"`
}

// errPartner ends the run of an owner whose partner's failed. It tells the owner
// by the same alert as any other.
var errPartner = errors.New("bloomlink: the run of the other owner failed")

// Link takes the unit's part in one run between two owners, over a stream to each
// that must allow a Read and a Write at the same time. It finds all pairs of rows
// over the threshold and keeps those that are each other's best, as Assign does,
// where among equals the random order decides in which the rows came. Each owner
// learns which of its rows are in a group. The unit learns what Summary holds, the
// encodings, and so how alike they are; it keeps nothing.
//
// The unit compares the owners' bindings before an encoding is sent, and passes
// their key confirmations on: if the two are set up differently it returns the same
// sentinel as the owners get. What one owner alone is to blame for is an
// *OwnerError, and the other owner then sees an alert.
//
// Work stops when ctx ends, as in Submit. It returns once both owners have said
// that they have all they need. Memory grows with the rows of both, at most MaxA
// and MaxB, as they come, and not with the number of pairs.
func Link(ctx context.Context, a, b io.ReadWriter, p *UnitParams) (*Summary, error) {
	if err := p.check(); err != nil {
		return nil, fmt.Errorf("bloomlink: link: %w", err)
	}
	u := newUnit(ctx, a, b, p)
	defer u.stop()
	sum, err := u.run()
	if err := u.close(err); err != nil {
		return nil, fmt.Errorf("bloomlink: link: %w", err)
	}
	return sum, nil
}

// unit is the unit's part in one run.
type unit struct {
	outer    context.Context
	ctx      context.Context // ends as soon as either owner fails
	stop     context.CancelFunc
	params   *UnitParams
	progress *reporter
	owners   [2]*owner

	mu       sync.Mutex
	common   error // what both owners are to be told, and then get from each other's words
	received int   // rows of both

	joined chan struct{} // closed once the comparison has ended, by err or in places
	err    error
}

// owner is one of the two, as the unit sees it. A reader and a writer each work
// for one owner; what one owner said, the writer of the other passes on.
type owner struct {
	number  int
	conn    *wire.Conn
	partner *owner
	max     int // rows
	session []byte

	hello *hello
	size  int
	said  [stages][]byte
	came  [stages]chan struct{} // closed once said is there, and hello or size
	told  chan struct{}         // closed once the owner was told of a common error, or cannot be
	tell  func()                // closes told

	rows   []Encoding
	all    chan struct{} // closed once rows are complete
	places []place
}

// The stages of the opening: what each owner says, and the other hears.
const (
	stageHello = iota
	stageConfirm
	stageVerdict
	stageSize
	stages
)

var opening = [stages]struct {
	said, heard wire.Kind
	size        int // 0: as long as it came
}{
	stageHello:   {kindHello, kindPeer, 0},
	stageConfirm: {kindConfirm, kindConfirm, confirmSize},
	stageVerdict: {kindVerdict, kindVerdict, 1},
	stageSize:    {kindSize, kindSize, 8},
}

func newUnit(ctx context.Context, a, b io.ReadWriter, p *UnitParams) *unit {
	u := &unit{outer: ctx, params: p, progress: &reporter{f: p.Progress}, joined: make(chan struct{})}
	u.ctx, u.stop = context.WithCancel(ctx)
	u.owners = [2]*owner{
		{number: 0, conn: wire.Open(ctx, a), max: p.MaxA, session: p.SessionA},
		{number: 1, conn: wire.Open(ctx, b), max: p.MaxB, session: p.SessionB},
	}
	for i, o := range u.owners {
		o.partner = u.owners[1-i]
		o.all, o.told = make(chan struct{}), make(chan struct{})
		o.tell = sync.OnceFunc(func() { close(o.told) })
		for s := range o.came {
			o.came[s] = make(chan struct{})
		}
	}
	return u
}

// run takes both owners through the run. A read of each is always pending, so that
// one that fails or leaves is noticed at once, whatever the other is about.
func (u *unit) run() (*Summary, error) {
	go func() {
		defer close(u.joined)
		u.err = u.join()
	}()
	err := u.both(func(o *owner) error {
		if err := u.greet(o); err != nil {
			return err
		}
		return o.conn.Run(
			func() error { return u.read(o) },
			func() error { return u.write(o) },
		)
	})
	u.stop()
	<-u.joined
	if common := u.commonError(); common != nil {
		return nil, common
	}
	if err != nil {
		return nil, err
	}
	a, b := u.owners[0], u.owners[1]
	return &Summary{A: a.size, B: b.size, Groups: len(a.places)}, nil
}

// both does the same with both owners at once. The first to fail ends the other's
// run.
func (u *unit) both(f func(*owner) error) error {
	var running sync.WaitGroup
	var once sync.Once
	var first error
	for _, o := range u.owners {
		running.Go(func() {
			err := f(o)
			if err == nil {
				return
			}
			once.Do(func() {
				first = &OwnerError{Owner: o.number, Err: err}
				u.stop()
				_ = o.partner.conn.Close(errPartner) // its own error, if any, comes second
			})
		})
	}
	running.Wait()
	return first
}

// close ends the run with both owners and returns its error: the cause of the
// context's end where that is what ended it.
func (u *unit) close(err error) error {
	cause := context.Cause(u.outer)
	var blamed *OwnerError
	attributed := errors.As(err, &blamed)
	var running sync.WaitGroup
	for _, o := range u.owners {
		running.Go(func() {
			if attributed && blamed.Owner != o.number {
				_ = o.conn.Close(errPartner)
				return
			}
			_ = o.conn.Close(err)
		})
	}
	running.Wait()
	if err != nil && cause != nil {
		return cause
	}
	return err
}

// greet compares an owner's hello with what the unit agreed on.
func (u *unit) greet(o *owner) error {
	own := newHello(roleUnit, u.params.Length, u.params.Threshold, o.session)
	ownBytes, err := own.marshal()
	if err != nil {
		return err
	}
	in, err := o.conn.Exchange(kindHello, ownBytes, maxHello)
	if err != nil {
		return err
	}
	o.said[stageHello] = slices.Clone(in)
	if o.hello, err = parseHello(in); err != nil {
		return err
	}
	if err := own.meets(o.hello); err != nil {
		return err
	}
	close(o.came[stageHello])
	return nil
}

// read takes in all that an owner says after hello.
func (u *unit) read(o *owner) error {
	err := u.listen(o)
	if err == nil {
		return nil
	}
	if common := u.commonError(); common != nil {
		// The owner found out too and left. The other must still be told.
		<-o.told
		<-o.partner.told
		err = common
	}
	u.stop() // or the writer would wait on
	return err
}

func (u *unit) listen(o *owner) error {
	for s := stageConfirm; s < stages; s++ {
		in, err := o.conn.ReadExact(opening[s].said, opening[s].size)
		if err != nil {
			return err
		}
		o.said[s] = slices.Clone(in)
		if s == stageSize {
			if o.size, err = parseSize(in, o.max); err != nil {
				return err
			}
		}
		close(o.came[s])
	}
	if err := u.receive(o); err != nil {
		return err
	}
	_, err := o.conn.ReadExact(kindDone, 0)
	return err
}

// write tells an owner all that it needs. Where the run has ended otherwise, a
// reader has the cause.
func (u *unit) write(o *owner) error {
	defer o.tell()
	for s := range opening {
		if !u.await(s) {
			return nil
		}
		u.judge(s)
		if err := o.conn.Write(opening[s].heard, o.partner.said[s]); err != nil {
			return err
		}
		if common := u.commonError(); common != nil {
			o.tell()
			<-o.partner.told
			return common
		}
	}
	<-u.joined
	if u.ctx.Err() != nil {
		return nil
	}
	if u.err != nil {
		return u.err
	}
	return o.answer()
}

// await waits until both owners have got to a stage; it reports whether they have.
func (u *unit) await(stage int) bool {
	for _, o := range u.owners {
		select {
		case <-o.came[stage]:
		case <-u.ctx.Done():
			return false
		}
	}
	return true
}

// judge finds what is wrong between the owners, before either hears the other's
// words and finds out for itself: each can then name the cause, and neither is cut
// off before it can.
func (u *unit) judge(stage int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	a, b := u.owners[0], u.owners[1]
	switch stage {
	case stageHello:
		u.common = a.hello.agrees(b.hello)
	case stageVerdict:
		if checkVerdict(a.said[stage]) != nil || checkVerdict(b.said[stage]) != nil {
			u.common = ErrKey
		}
	}
}

func (u *unit) commonError() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.common
}

// receive takes in an owner's set.
func (u *unit) receive(o *owner) error {
	words := u.params.Length / 64
	batch := batchRows(words)
	for left := o.size; left > 0; {
		n := min(left, batch)
		in, err := o.conn.ReadExact(kindEncodings, n*words*8)
		if err != nil {
			return err
		}
		o.rows = append(o.rows, parseRows(in, words)...)
		left -= n
		if u.await(stageSize) { // it has come long ago, from an owner that waits for the other's
			u.mu.Lock()
			u.received += n
			u.progress.report("receive", u.received, u.owners[0].size+u.owners[1].size)
			u.mu.Unlock()
		}
	}
	close(o.all)
	return nil
}

// join waits for both sets and finds the groups.
func (u *unit) join() error {
	var indices [2]*Index
	for i, o := range u.owners {
		select {
		case <-o.all:
		case <-u.ctx.Done():
			return context.Cause(u.ctx)
		}
		indices[i] = newIndex(o.rows, u.params.Length, o.hello.config)
		o.rows = nil
	}
	s, err := newSearch(indices[0], indices[1], u.params.Threshold, MeasureDice)
	if err != nil {
		return err
	}
	pairs, err := s.mutualBest(u.ctx, func(done int) { u.progress.report("compare", done, s.total()) })
	if err != nil {
		return err
	}
	u.owners[0].places, u.owners[1].places = number(pairs)
	return nil
}

// answer sends an owner its groups.
func (o *owner) answer() error {
	if err := o.conn.Write(kindCount, binary.BigEndian.AppendUint32(nil, uint32(len(o.places)))); err != nil {
		return err
	}
	for some := range slices.Chunk(o.places, groupBatch) {
		if err := o.conn.Write(kindGroups, appendPlaces(nil, some)); err != nil {
			return err
		}
	}
	return nil
}
