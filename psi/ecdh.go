package psi

import (
	"crypto/sha256"
	"fmt"
	"math/bits"

	"github.com/comity-prl/comity/internal/parallel"
	"github.com/comity-prl/comity/internal/shuffle"
	"github.com/comity-prl/comity/internal/wire"
)

// The Diffie–Hellman suites: commutative masking, first in Meadows (IEEE S&P
// 1986), as Huberman, Franklin and Hogg (EC 1999) use it for private
// intersection. With H a hash into a group of prime order, a the receiver's
// fresh scalar and b the sender's,
//
//	receiver                                  sender
//	   a·H(x), in order            ──▶
//	                               ◀──   b·H(y), shuffled
//	                               ◀──   tag(b·a·H(x)), in order
//	   done                        ──▶
//	   tag(a·b·H(y)) = tag(b·a·H(x))  where x = y
//
// For Cardinality the tags come shuffled too, so that the receiver can count them
// and cannot tell whose they are: De Cristofaro, Gasti and Tsudik (CANS 2012, ePrint
// 2011/141), with the sender's elements in place of its tags.
//
// Both streams of elements flow at once. The tags of doubly masked elements are
// hashes truncated to 40 + log2 nx + log2 ny bits: over all nx·ny pairs a false
// match has a chance of at most 2^-40.
//
// Secure against semi-honest peers under the decisional Diffie–Hellman
// assumption, with H a random oracle. A malicious peer can send elements of its
// own choosing, which only costs it matches, but cannot be held to a set. A malicious
// receiver of a cardinality can mask each item by a scalar of its own, and so find
// out which tag is whose.
type ecdhSuite struct {
	id    uint16
	name  string
	group group
}

// ECDHRistretto255 is Diffie–Hellman over ristretto255 (RFC 9496): 73 bytes an
// item at 2^16 items a side. Semi-honest.
func ECDHRistretto255() Suite { return &ecdhSuite{1, "ecdh-ristretto255", ristretto{}} }

// ECDHP256 is Diffie–Hellman over NIST P-256, hashed to by RFC 9380, for where
// only NIST curves are allowed: 75 bytes an item at 2^16 items a side.
// Semi-honest.
func ECDHP256() Suite { return &ecdhSuite{2, "ecdh-p256", p256{}} }

func (s *ecdhSuite) ID() uint16     { return s.id }
func (s *ecdhSuite) String() string { return s.name }

// Supports is true of every function.
func (s *ecdhSuite) Supports(f Function) bool { return f == Intersection || f == Cardinality }

const (
	kindReceiverElements = kindSuite + iota
	kindSenderElements
	kindTags
)

// batch is how many items travel in one frame.
const batch = 1024

// statistical is the security parameter against false matches, in bits.
const statistical = 40

func (s *ecdhSuite) send(r *run, set *Set) (*Handles, error) {
	b, err := s.group.newMask()
	if err != nil {
		return nil, err
	}
	order := shuffle.Order(set.Len())
	size := tagSize(r.nReceiver, r.nSender)
	tags := make([]byte, r.nReceiver*size)
	answered := make(chan bool, 1) // whether tags is complete
	err = r.conn.Run(
		func() error {
			item := func(i int) *[32]byte { return &set.items[order[i]] }
			if err := s.sendElements(r, b, kindSenderElements, len(order), item); err != nil {
				return err
			}
			if !<-answered {
				return nil // the other function's error is the run's
			}
			if r.params.Function == Cardinality {
				tags = shuffled(tags, size)
			}
			return sendTags(r.conn, tags, size)
		},
		func() error {
			err := s.receiveElements(r, b, kindReceiverElements, r.nReceiver, tags, size)
			answered <- err == nil
			if err != nil {
				return err
			}
			return r.awaitDone()
		},
	)
	if err != nil {
		return nil, err
	}
	h := &Handles{PeerSize: r.nReceiver, PeerBound: r.nReceiver}
	if r.params.Function == Intersection {
		h.set, h.order = set, order
	}
	return h, nil
}

// shuffled returns tags of size bytes in random order.
func shuffled(tags []byte, size int) []byte {
	out := make([]byte, 0, len(tags))
	for _, i := range shuffle.Order(len(tags) / size) {
		out = append(out, tags[int(i)*size:][:size]...)
	}
	return out
}

func (s *ecdhSuite) receive(r *run, set *Set) ([]uint32, error) {
	a, err := s.group.newMask()
	if err != nil {
		return nil, err
	}
	size := tagSize(r.nReceiver, r.nSender)
	own := make([]byte, r.nReceiver*size)
	peer := make([]byte, r.nSender*size)
	err = r.conn.Run(
		func() error {
			item := func(i int) *[32]byte { return &set.items[i] }
			return s.sendElements(r, a, kindReceiverElements, set.Len(), item)
		},
		func() error {
			if err := s.receiveElements(r, a, kindSenderElements, r.nSender, peer, size); err != nil {
				return err
			}
			if err := receiveTags(r.conn, own, size); err != nil {
				return err
			}
			return r.done()
		},
	)
	if err != nil {
		return nil, err
	}
	return joined(own, peer, size), nil
}

// joined returns for each own tag the number of the peer's that equals it, or absent.
func joined(own, peer []byte, size int) []uint32 {
	handles := noItems(len(own) / size)
	join(own, peer, size, func(own, peer uint32) { handles[own] = peer })
	return handles
}

// sendElements sends k·H(item(i)) for i from 0 to n-1, a batch a frame.
func (s *ecdhSuite) sendElements(r *run, k mask, kind wire.Kind, n int, item func(int) *[32]byte) error {
	width := s.group.elementSize()
	out := make([]byte, min(n, batch)*width)
	for done := 0; done < n; {
		count := min(batch, n-done)
		err := parallel.Spread(count, func(lo, hi int) error {
			for i := lo; i < hi; i++ {
				if _, err := k.item(out[i*width:i*width:(i+1)*width], item(done+i)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		if err := r.conn.Write(kind, out[:count*width]); err != nil {
			return err
		}
		done += count
		r.progress.report("mask", done, n)
	}
	return nil
}

// receiveElements reads n elements P and fills tags with those of k·P.
func (s *ecdhSuite) receiveElements(r *run, k mask, kind wire.Kind, n int, tags []byte, size int) error {
	width := s.group.elementSize()
	for done := 0; done < n; {
		count := min(batch, n-done)
		in, err := r.conn.ReadExact(kind, count*width)
		if err != nil {
			return err
		}
		err = parallel.Spread(count, func(lo, hi int) error {
			buf := make([]byte, 0, width)
			for i := lo; i < hi; i++ {
				e, err := k.element(buf, in[i*width:(i+1)*width])
				if err != nil {
					return fmt.Errorf("%w: element %d", err, done+i)
				}
				t := tag(e)
				copy(tags[(done+i)*size:(done+i+1)*size], t[:])
			}
			return nil
		})
		if err != nil {
			return err
		}
		done += count
		r.progress.report("match", done, n)
	}
	return nil
}

func sendTags(c *wire.Conn, tags []byte, size int) error {
	for len(tags) > 0 {
		n := min(batch*size, len(tags))
		if err := c.Write(kindTags, tags[:n]); err != nil {
			return err
		}
		tags = tags[n:]
	}
	return nil
}

func receiveTags(c *wire.Conn, tags []byte, size int) error {
	for len(tags) > 0 {
		n := min(batch*size, len(tags))
		in, err := c.ReadExact(kindTags, n)
		if err != nil {
			return err
		}
		copy(tags, in)
		tags = tags[n:]
	}
	return nil
}

func tag(element []byte) [sha256.Size]byte {
	var in [64]byte
	return sha256.Sum256(append(append(in[:0], "comity psi v1 tag"...), element...))
}

// tagSize is the length of a tag in whole bytes.
func tagSize(nx, ny int) int {
	log2 := func(n int) int { return bits.Len(uint(max(n, 1) - 1)) }
	return (statistical + log2(nx) + log2(ny) + 7) / 8
}
