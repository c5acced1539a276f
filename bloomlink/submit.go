package bloomlink

import (
	"context"
	"crypto/hmac"
	"encoding/binary"
	"fmt"
	"io"
	"slices"

	"github.com/comity-prl/comity/internal/shuffle"
	"github.com/comity-prl/comity/internal/wire"
)

// Submit takes an owner's part in one run with a linkage unit over rw, which must
// allow a Read and a Write at the same time. The owner learns the number of the
// other owner's rows and which of its own rows are in a group. The unit learns the
// encodings, in a fresh random order.
//
// Only epoch, configuration and length of the set leave before the other owner has
// shown through the unit that it holds the same secret, and the key never does. If
// the two owners' bindings differ, all three parties get ErrEpoch, ErrConfig or
// ErrKey.
//
// Work stops when ctx ends: at once where rw has SetDeadline and
// SetWriteDeadline, or else Close; otherwise when the pending call of rw
// returns. After an error rw is of no further use. Errors wrap one of the
// package's sentinels where the cause is a peer or the set-up.
func Submit(ctx context.Context, rw io.ReadWriter, p *Params, s *Set) (*Groups, error) {
	if err := p.check(); err != nil {
		return nil, fmt.Errorf("bloomlink: submit: %w", err)
	}
	c := wire.Open(ctx, rw)
	r := &submission{conn: c, params: p, set: s, progress: &reporter{f: p.Progress}}
	g, err := r.run()
	if err := c.Close(err); err != nil {
		return nil, fmt.Errorf("bloomlink: submit: %w", err)
	}
	return g, nil
}

// submission is an owner's part in one run.
type submission struct {
	conn     *wire.Conn
	params   *Params
	set      *Set
	progress *reporter
}

func (r *submission) run() (*Groups, error) {
	if r.set.binding.Key == ([32]byte{}) {
		return nil, ErrNoKey
	}
	if r.set.Len() > r.params.MaxRows {
		return nil, fmt.Errorf("%w: the own set has %d rows, at most %d allowed", ErrTooLarge, r.set.Len(), r.params.MaxRows)
	}
	if err := r.greet(); err != nil {
		return nil, err
	}
	peer, err := r.conn.Exchange(kindSize, binary.BigEndian.AppendUint64(nil, uint64(r.set.Len())), 8)
	if err != nil {
		return nil, err
	}
	peerSize, err := parseSize(peer, MaxRows)
	if err != nil {
		return nil, err
	}
	order := shuffle.Order(r.set.Len())
	var in *placeReader
	err = r.conn.Run(
		func() error { return r.send(order) },
		func() (err error) { in, err = r.receive(peerSize); return err },
	)
	if err != nil {
		return nil, err
	}
	if err := r.conn.Write(kindDone, nil); err != nil {
		return nil, err
	}
	return &Groups{PeerSize: peerSize, members: in.members(order)}, nil
}

// greet compares all that the parties must have in common, with the unit and then
// with the other owner, and ends with proof of the same secret.
func (r *submission) greet() error {
	b := r.set.binding
	own := newHello(roleOwner, b.Length, r.params.Threshold, r.params.Session)
	own.epoch, own.config = b.Epoch, b.Config
	ownBytes, err := own.marshal()
	if err != nil {
		return err
	}
	in, err := r.conn.Exchange(kindHello, ownBytes, maxHello)
	if err != nil {
		return err
	}
	unit, err := parseHello(in)
	if err != nil {
		return err
	}
	if err := own.meets(unit); err != nil {
		return err
	}
	if in, err = r.conn.Read(kindPeer, maxHello); err != nil {
		return err
	}
	peer, err := parseHello(in)
	if err != nil {
		return err
	}
	if err := own.agrees(peer); err != nil {
		return err
	}
	return r.confirm(ownBytes, slices.Clone(in))
}

// confirm compares keys with the other owner. Each owner judges for itself and
// says so, so that the unit and an owner whose own check went well hear of it too.
func (r *submission) confirm(own, peer []byte) error {
	key := r.set.binding.Key
	in, err := r.conn.Exchange(kindConfirm, confirmation(key, own, peer), confirmSize)
	if err != nil {
		return err
	}
	if len(in) != confirmSize {
		return fmt.Errorf("%w: key confirmation of %d bytes", ErrLength, len(in))
	}
	verdict := byte(verdictDiffers)
	if hmac.Equal(in, confirmation(key, peer, own)) {
		verdict = verdictSame
	}
	in, err = r.conn.Exchange(kindVerdict, []byte{verdict}, 1)
	if verdict != verdictSame {
		return ErrKey // whatever became of telling so
	}
	if err != nil {
		return err
	}
	return checkVerdict(in)
}

func checkVerdict(in []byte) error {
	if len(in) != 1 {
		return fmt.Errorf("%w: verdict of %d bytes", ErrLength, len(in))
	}
	if in[0] != verdictSame {
		return ErrKey
	}
	return nil
}

func (r *submission) send(order []uint32) error {
	words, n := r.set.words, len(order)
	batch := batchRows(words)
	out := make([]byte, 0, min(n, batch)*words*8)
	for done := 0; done < n; {
		out = out[:0]
		for _, row := range order[done:min(done+batch, n)] {
			out = appendRow(out, r.set.row(int(row)))
		}
		if err := r.conn.Write(kindEncodings, out); err != nil {
			return err
		}
		done = min(done+batch, n)
		r.progress.report("send", done, n)
	}
	return nil
}

func (r *submission) receive(peerSize int) (*placeReader, error) {
	in, err := r.conn.Read(kindCount, 4)
	if err != nil {
		return nil, err
	}
	count, err := parseCount(in, r.set.Len(), peerSize)
	if err != nil {
		return nil, err
	}
	places := &placeReader{rows: r.set.Len(), seen: make([]bool, count)}
	for left := count; left > 0; left -= min(left, groupBatch) {
		if in, err = r.conn.ReadExact(kindGroups, min(left, groupBatch)*placeSize); err != nil {
			return nil, err
		}
		if err := places.read(in); err != nil {
			return nil, err
		}
	}
	return places, nil
}
