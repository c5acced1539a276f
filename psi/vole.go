package psi

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/comity-prl/comity/internal/gf128"
	"github.com/comity-prl/comity/internal/okvs"
	"github.com/comity-prl/comity/internal/vole"
	"github.com/comity-prl/comity/internal/voleprf"
)

// The suites over vector oblivious linear evaluation: the protocol of Raghuraman and
// Rindal, "Blazing Fast PSI from Improved OKVS and Subfield VOLE" (CCS 2022, ePrint
// 2022/320). Package voleprf evaluates a random function F of which the sender holds
// the key and the receiver gets the values at its items; then the sender sends its
// own values.
//
//	receiver                                  sender
//	   salt                        <──▶     salt
//	   ...oblivious evaluation at x...
//	                               ◀──   F(y), shuffled
//	   done                        ──▶
//	   F(x) = F(y) where x = y
//
// Items stand for 128 bits of their hash under both salts, which neither side knows
// before both sets are fixed: nobody can plant items that collide.
//
// Sets that are too large for one evaluation go through it in buckets, of which
// another part of the hash chooses one for each item. Both sides fill each bucket
// up to a capacity that follows from the sizes, so that loads stay hidden: the
// receiver's table has room for as many, and the sender adds values at random keys.
type voleSuite struct {
	id        uint16
	name      string
	malicious bool
	code      vole.Code

	// whole is the largest set, on either side, that is one bucket. Larger ones are
	// cut in buckets of at most bucket items on average.
	whole, bucket int
}

// VOLE is RR22 with semi-honest security, of about 32 bytes an item at 2^20 items a
// side, and the fastest suite from some thousand items on. Set-up costs 148 kB and
// some 30 ms at any size: below about 500 items, ECDHRistretto255 is faster.
//
// It assumes that learning parity with noise over GF(2^128) is hard for regular noise
// and the code of package vole, and models hashes as random oracles and AES as an
// ideal cipher.
func VOLE() Suite { return newVOLE(3, "vole", false) }

// VOLEMalicious is RR22 with security against malicious peers: one that departs
// from the protocol is found out, learns nothing more than by choosing another set,
// and cannot choose a larger one than Handles.PeerBound. About 37 bytes an item at
// 2^20 items a side.
//
// What it cannot give: that a peer's items are genuine, and that the sender tells the
// truth about its own set.
func VOLEMalicious() Suite { return newVOLE(4, "vole-malicious", true) }

func newVOLE(id uint16, name string, malicious bool) Suite {
	return &voleSuite{id: id, name: name, malicious: malicious, whole: 3 << 19, bucket: 1 << 20}
}

func (s *voleSuite) ID() uint16     { return s.id }
func (s *voleSuite) String() string { return s.name }

// Supports is true of Intersection: the receiver evaluates the function at items that
// it knows, and cannot but see which values match.
func (s *voleSuite) Supports(f Function) bool { return f == Intersection }

const (
	kindSalt = kindSuite + iota
	kindValues
	kindPRF // the first of voleprf.Kinds
)

const saltSize = 32

// params are those of bucket i.
func (s *voleSuite) params(b buckets, session [32]byte, i int) *voleprf.Params {
	return &voleprf.Params{
		Session:    binary.BigEndian.AppendUint64(session[:], uint64(i)),
		Keys:       b.receiver,
		Lambda:     b.lambda,
		SemiHonest: !s.malicious,
		Code:       s.code,
	}
}

// valueSize is the length of a value on the wire. Values of the malicious suite are
// never shortened: its proof finds the sender's items by them.
func (s *voleSuite) valueSize(b buckets) int {
	if s.malicious {
		return gf128.Size
	}
	return min(gf128.Size, tagSize(b.count*b.receiver, b.count*b.sender))
}

// exchangeSalts returns what names this run, and no other one, from both sides'
// salts.
func exchangeSalts(r *run, me role) (session [32]byte, err error) {
	var own [saltSize]byte
	rand.Read(own[:])
	peer, err := r.conn.Exchange(kindSalt, own[:], saltSize)
	if err != nil {
		return session, err
	}
	if len(peer) != saltSize {
		return session, fmt.Errorf("%w: salt of %d bytes", ErrLength, len(peer))
	}
	if me == roleSender {
		return r.session(peer, own[:]), nil
	}
	return r.session(own[:], peer), nil
}

// session is the run's name under both salts.
func (r *run) session(receiver, sender []byte) [32]byte {
	h := sha256.New()
	h.Write([]byte("comity psi v1 vole session"))
	h.Write(r.transcript[:])
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(r.nReceiver)))
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(r.nSender)))
	h.Write(receiver)
	h.Write(sender)
	return [32]byte(h.Sum(nil))
}

func (s *voleSuite) send(r *run, set *Set) (*Handles, error) {
	session, err := exchangeSalts(r, roleSender)
	if err != nil {
		return nil, err
	}
	b, hash := s.buckets(r), newHasher(set, session)
	members, err := hash.cut(b.count, b.sender)
	if err != nil {
		return nil, err
	}
	bound, err := s.bound(r, b)
	if err != nil {
		return nil, err
	}
	h := &Handles{PeerSize: r.nReceiver, PeerBound: bound, set: set, order: make([]uint32, 0, b.count*b.sender)}
	for i, members := range members {
		f, err := voleprf.Send(r.conn, kindPRF, s.params(b, session, i))
		if err != nil {
			return nil, err
		}
		h.order = fill(h.order, members, b.sender)
		err = r.conn.Run(
			func() error { return sendValues(r, f, hash, h.order, i*b.sender, s.valueSize(b)) },
			r.awaitDone,
		)
		if err != nil {
			return nil, err
		}
	}
	return h, nil
}

// bound is the largest number of items that the receiver can have put in.
func (s *voleSuite) bound(r *run, b buckets) (int, error) {
	if !s.malicious {
		return r.nReceiver, nil
	}
	slots, err := s.params(b, [32]byte{}, 0).Slots()
	return b.count * voleprf.MaxKeys(slots), err
}

const (
	// valueBatch is how many values travel in one frame.
	valueBatch = 1 << 15
	// evaluated is how many are made at a time: a whole number of frames.
	evaluated = 8 * valueBatch
)

// sendValues sends the function's values at the items of order from first on.
func sendValues(r *run, f *voleprf.Function, h *hasher, order []uint32, first, size int) error {
	keys := make([]gf128.Element, min(evaluated, len(order)-first))
	values := make([]gf128.Element, len(keys))
	for first < len(order) {
		n := min(evaluated, len(order)-first)
		h.keys(keys[:n], order[first:first+n])
		f.Evaluate(values[:n], keys[:n])
		for frame := range slices.Chunk(values[:n], valueBatch) {
			if err := r.conn.Write(kindValues, shorten(frame, size)); err != nil {
				return err
			}
			first += len(frame)
			r.progress.report("mask", first, cap(order))
		}
	}
	return nil
}

func (s *voleSuite) receive(r *run, set *Set) ([]uint32, error) {
	session, err := exchangeSalts(r, roleReceiver)
	if err != nil {
		return nil, err
	}
	b, hash := s.buckets(r), newHasher(set, session)
	members, err := hash.cut(b.count, b.receiver)
	if err != nil {
		return nil, err
	}
	handles, size, own := noItems(set.Len()), s.valueSize(b), 0
	for i, members := range members {
		tags, err := s.evaluate(r, hash, members, s.params(b, session, i), size)
		if err != nil {
			return nil, err
		}
		own += len(members)
		r.progress.report("mask", own, set.Len())
		first := i * b.sender
		peer, err := receiveValues(r, b.sender, size, first, b.count*b.sender)
		if err != nil {
			return nil, err
		}
		join(tags, peer, size, func(own, peer uint32) { handles[members[own]] = uint32(first) + peer })
		if err := r.done(); err != nil {
			return nil, err
		}
	}
	return handles, nil
}

// evaluate returns the function's values at the receiver's items of a bucket.
func (s *voleSuite) evaluate(r *run, h *hasher, members []uint32, p *voleprf.Params, size int) ([]byte, error) {
	keys := make([]gf128.Element, len(members))
	h.keys(keys, members)
	values, err := voleprf.Receive(r.conn, kindPRF, keys, p)
	if errors.Is(err, okvs.ErrSeed) {
		err = fmt.Errorf("%w: %w", ErrAgain, err)
	}
	if err != nil {
		return nil, err
	}
	return shorten(values, size), nil
}

// receiveValues reads n values; so many of a total have come before.
func receiveValues(r *run, n, size, before, total int) ([]byte, error) {
	values := make([]byte, 0, n*size)
	for done := 0; done < n; {
		count := min(valueBatch, n-done)
		in, err := r.conn.ReadExact(kindValues, count*size)
		if err != nil {
			return nil, err
		}
		values = append(values, in...)
		done += count
		r.progress.report("match", before+done, total)
	}
	return values, nil
}

// shorten returns the first size bytes of each value, side by side.
func shorten(values []gf128.Element, size int) []byte {
	out := make([]byte, 0, len(values)*size+gf128.Size)
	for _, v := range values {
		out = v.AppendBytes(out)[:len(out)+size]
	}
	return out
}
