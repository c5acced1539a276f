package psi

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"golang.org/x/crypto/cryptobyte"

	"github.com/comity-prl/comity/internal/wire"
)

// Kinds of frames. Suites number theirs from kindSuite.
const (
	kindHello wire.Kind = 1 + iota
	kindConfirm
	kindSize
	kindDone
	kindSuite
)

type role uint8

const (
	roleSender role = 1 + iota
	roleReceiver
)

func (r role) other() role {
	if r == roleSender {
		return roleReceiver
	}
	return roleSender
}

func (r role) String() string {
	if r == roleSender {
		return "sender"
	}
	return "receiver"
}

const (
	nonceSize = 32
	maxHello  = 1 + 1 + 2 + 1 + (1 + 255) + 32 + 32 + nonceSize
)

// hello is each side's first message. Nothing in it is secret.
type hello struct {
	version  uint8
	role     role
	suite    uint16
	function Function
	epoch    string
	config   [32]byte
	session  [32]byte // SHA-256 of Params.Session
	nonce    [nonceSize]byte
}

func (h *hello) marshal() ([]byte, error) {
	b := cryptobyte.NewBuilder(make([]byte, 0, maxHello))
	b.AddUint8(h.version)
	b.AddUint8(uint8(h.role))
	b.AddUint16(h.suite)
	b.AddUint8(uint8(h.function))
	b.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes([]byte(h.epoch)) })
	b.AddBytes(h.config[:])
	b.AddBytes(h.session[:])
	b.AddBytes(h.nonce[:])
	return b.Bytes()
}

func parseHello(in []byte) (*hello, error) {
	var h hello
	s := cryptobyte.String(in)
	if !s.ReadUint8(&h.version) {
		return nil, fmt.Errorf("%w: empty hello", ErrLength)
	}
	if h.version != Version {
		return nil, fmt.Errorf("%w: %d, here %d", ErrVersion, h.version, Version)
	}
	var epoch cryptobyte.String
	if !s.ReadUint8((*uint8)(&h.role)) ||
		!s.ReadUint16(&h.suite) ||
		!s.ReadUint8((*uint8)(&h.function)) ||
		!s.ReadUint8LengthPrefixed(&epoch) ||
		!s.CopyBytes(h.config[:]) ||
		!s.CopyBytes(h.session[:]) ||
		!s.CopyBytes(h.nonce[:]) ||
		!s.Empty() {
		return nil, fmt.Errorf("%w: hello", ErrLength)
	}
	h.epoch = string(epoch)
	return &h, nil
}

// agree reports how the peer's hello contradicts the own one.
func (h *hello) agree(peer *hello) error {
	switch {
	case peer.role == h.role || peer.role != roleSender && peer.role != roleReceiver:
		return ErrRole
	case peer.suite != h.suite:
		return fmt.Errorf("%w: the peer's is %d, here %d", ErrSuite, peer.suite, h.suite)
	case peer.function != h.function:
		return fmt.Errorf("%w: the peer's is %d, here %d", ErrFunction, peer.function, h.function)
	case peer.epoch != h.epoch:
		return fmt.Errorf("%w: the peer's is %q, here %q", ErrEpoch, peer.epoch, h.epoch)
	case peer.config != h.config:
		return fmt.Errorf("%w: the peer's hash begins %x, here %x", ErrConfig, peer.config[:4], h.config[:4])
	case peer.session != h.session:
		return ErrSession
	}
	return nil
}

// newHello returns the own hello and its bytes, if the set may take part.
func newHello(p *Params, s *Set, me role) (*hello, []byte, error) {
	if s.binding.Key == ([32]byte{}) {
		return nil, nil, ErrNoKey
	}
	if err := p.fits(s, me); err != nil {
		return nil, nil, err
	}
	h := &hello{
		version:  Version,
		role:     me,
		suite:    p.Suite.ID(),
		function: p.Function,
		epoch:    s.binding.Epoch,
		config:   s.binding.Config,
		session:  sha256.Sum256(p.Session),
	}
	rand.Read(h.nonce[:])
	b, err := h.marshal()
	if err != nil {
		return nil, nil, fmt.Errorf("%w: an epoch has at most 255 bytes", ErrEpoch)
	}
	return h, b, nil
}

// fits reports whether the own set is as small as was agreed.
func (p *Params) fits(s *Set, me role) error {
	if s.Len() > p.max(me) {
		return fmt.Errorf("%w: the own set has %d items, the %v may have %d", ErrTooLarge, s.Len(), me, p.max(me))
	}
	return nil
}

// greet compares all that both sides must have in common and returns the size of
// the peer's set and the hash of both hellos. Bindings come first, then proof of the
// same secret, and only then sizes.
func greet(c *wire.Conn, p *Params, s *Set, me role) (peerSize int, hellos [32]byte, err error) {
	own, ownBytes, err := newHello(p, s, me)
	if err != nil {
		return 0, hellos, err
	}
	got, err := c.Exchange(kindHello, ownBytes, maxHello)
	if err != nil {
		return 0, hellos, err
	}
	if hellos, err = own.meet(ownBytes, got); err != nil {
		return 0, hellos, err
	}
	if err := confirmKey(c, s.binding.Key, me, hellos); err != nil {
		return 0, hellos, err
	}
	got, err = c.Exchange(kindSize, marshalSize(s.Len()), 8)
	if err != nil {
		return 0, hellos, err
	}
	peerSize, err = parseSize(got, p, me.other())
	return peerSize, hellos, err
}

// meet returns the hash of both hellos, if the peer's goes with the own one.
func (h *hello) meet(own, peer []byte) (hellos [32]byte, err error) {
	p, err := parseHello(peer)
	if err != nil {
		return hellos, err
	}
	return transcript(h.role, own, peer), h.agree(p)
}

// transcript hashes both hellos, the receiver's first. Both have a length of
// their own inside, so that no two pairs run together alike.
func transcript(me role, own, peer []byte) [32]byte {
	first, second := own, peer
	if me == roleSender {
		first, second = peer, own
	}
	h := sha256.New()
	h.Write(first)
	h.Write(second)
	return [32]byte(h.Sum(nil))
}

// confirmKey shows that both sides hold the key: each sends a MAC of its role
// and of both hellos, nonces included, so that an answer can be neither
// reflected nor replayed. Who does not hold the key learns a MAC under it, which
// is of no use without guessing a 256-bit key.
func confirmKey(c *wire.Conn, key [32]byte, me role, transcript [32]byte) error {
	got, err := c.Exchange(kindConfirm, confirmation(key, me, transcript), sha256.Size)
	if err != nil {
		return err
	}
	return confirmed(got, key, me.other(), transcript)
}

// confirmed reports whether the key confirmation is that of the role.
func confirmed(got []byte, key [32]byte, r role, transcript [32]byte) error {
	if len(got) != sha256.Size {
		return fmt.Errorf("%w: key confirmation of %d bytes", ErrLength, len(got))
	}
	if !hmac.Equal(got, confirmation(key, r, transcript)) {
		return ErrKey
	}
	return nil
}

func confirmation(key [32]byte, r role, transcript [32]byte) []byte {
	m := hmac.New(sha256.New, key[:])
	m.Write([]byte("comity psi v1 key confirmation"))
	m.Write([]byte{byte(r)})
	m.Write(transcript[:])
	return m.Sum(nil)
}

func marshalSize(n int) []byte { return binary.BigEndian.AppendUint64(nil, uint64(n)) }

func parseSize(got []byte, p *Params, peer role) (int, error) {
	if len(got) != 8 {
		return 0, fmt.Errorf("%w: size of %d bytes", ErrLength, len(got))
	}
	n := binary.BigEndian.Uint64(got)
	if n > uint64(p.max(peer)) {
		return 0, fmt.Errorf("%w: the peer's set has %d items, the %v may have %d", ErrTooLarge, n, peer, p.max(peer))
	}
	return int(n), nil
}
