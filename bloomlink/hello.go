package bloomlink

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"

	"golang.org/x/crypto/cryptobyte"

	"github.com/comity-prl/comity/internal/wire"
)

// # Wire format, version 1
//
// Frames are those of internal/wire. Each owner speaks with the unit alone, in
// this order; numbers are big endian.
//
//	1 hello      see below                          both ways
//	2 peer       the other owner's hello            unit
//	3 confirm    key confirmation (32), see below   owner; then the other's from the unit
//	4 verdict    1 if the other's is right, else 0  owner; then the other's from the unit
//	5 size       rows (8)                           owner; then the other's from the unit
//	6 encodings  rows, up to 64 KiB or one row      owner, until all are sent
//	7 count      number of groups (4)               unit
//	8 groups     position (4) and number (4) each   unit, 8192 a frame
//	9 done       empty                              owner
//
// hello:
//
//	version    1
//	role       1   1 owner, 2 unit
//	length     2   of an encoding in bits
//	threshold  8   IEEE 754
//	session   32   SHA-256 of Params.Session
//	epoch          after its length (1); empty for the unit
//	config    32   zero for the unit
//	nonce     32   fresh
//
// An encoding travels as its words, each little endian, so that bit i is bit i%8
// of byte i/8. Rows travel in an order that the owner draws afresh; positions
// count along it. Groups come in ascending order of position, and their numbers,
// from 0 to count-1, are drawn afresh by the unit.
const (
	kindHello wire.Kind = 1 + iota
	kindPeer
	kindConfirm
	kindVerdict
	kindSize
	kindEncodings
	kindCount
	kindGroups
	kindDone
)

type role uint8

const (
	roleOwner role = 1 + iota
	roleUnit
)

const (
	nonceSize   = 32
	confirmSize = sha256.Size
	maxHello    = 1 + 1 + 2 + 8 + 32 + (1 + 255) + 32 + nonceSize
)

// What an owner finds of the other's key confirmation.
const (
	verdictDiffers = 0
	verdictSame    = 1
)

// hello is the first message of every party. Nothing in it is secret.
type hello struct {
	version   uint8
	role      role
	length    uint16
	threshold uint64
	session   [32]byte
	epoch     string
	config    [32]byte
	nonce     [nonceSize]byte
}

func newHello(r role, length int, threshold float64, session []byte) *hello {
	h := &hello{
		version: Version, role: r, length: uint16(length),
		threshold: math.Float64bits(threshold), session: sha256.Sum256(session),
	}
	rand.Read(h.nonce[:])
	return h
}

func (h *hello) marshal() ([]byte, error) {
	b := cryptobyte.NewBuilder(make([]byte, 0, maxHello))
	b.AddUint8(h.version)
	b.AddUint8(uint8(h.role))
	b.AddUint16(h.length)
	b.AddUint64(h.threshold)
	b.AddBytes(h.session[:])
	b.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes([]byte(h.epoch)) })
	b.AddBytes(h.config[:])
	b.AddBytes(h.nonce[:])
	out, err := b.Bytes()
	if err != nil {
		return nil, fmt.Errorf("%w: an epoch has at most 255 bytes", ErrEpoch)
	}
	return out, nil
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
		!s.ReadUint16(&h.length) ||
		!s.ReadUint64(&h.threshold) ||
		!s.CopyBytes(h.session[:]) ||
		!s.ReadUint8LengthPrefixed(&epoch) ||
		!s.CopyBytes(h.config[:]) ||
		!s.CopyBytes(h.nonce[:]) ||
		!s.Empty() {
		return nil, fmt.Errorf("%w: hello", ErrLength)
	}
	h.epoch = string(epoch)
	return &h, nil
}

// meets reports how an owner's and the unit's hello contradict each other.
func (h *hello) meets(peer *hello) error {
	if h.role == peer.role || peer.role != roleOwner && peer.role != roleUnit {
		return fmt.Errorf("%w: the peer's role is %d, here %d", ErrRole, peer.role, h.role)
	}
	if peer.session != h.session {
		return ErrSession
	}
	return h.compares(peer)
}

// compares reports whether two parties want to compare the same things.
func (h *hello) compares(peer *hello) error {
	if peer.length != h.length {
		return fmt.Errorf("%w: the peer's encodings have %d bits, here %d", ErrConfig, peer.length, h.length)
	}
	if peer.threshold != h.threshold {
		return fmt.Errorf("%w: the peer's is %v, here %v", ErrThreshold, math.Float64frombits(peer.threshold), math.Float64frombits(h.threshold))
	}
	return nil
}

// agrees reports how the hellos of two owners contradict each other.
func (h *hello) agrees(peer *hello) error {
	switch {
	case peer.role != roleOwner || h.role != roleOwner:
		return fmt.Errorf("%w: two owners must meet", ErrRole)
	case peer.nonce == h.nonce:
		return fmt.Errorf("%w: an owner met itself", ErrSession)
	case peer.epoch != h.epoch:
		return fmt.Errorf("%w: %q and %q", ErrEpoch, h.epoch, peer.epoch)
	case peer.config != h.config:
		return fmt.Errorf("%w: the hashes begin %x and %x", ErrConfig, h.config[:4], peer.config[:4])
	}
	return h.compares(peer)
}

// confirmation shows that an owner holds the key: a MAC of its own hello and the
// other's, nonces and sessions included, so that it can be neither replayed nor,
// the nonces being distinct, reflected. The unit that passes it on, or whoever
// does not hold the key, learns a MAC under it, which is of no use without
// guessing a 256-bit key. A hello holds its own length.
func confirmation(key [32]byte, own, peer []byte) []byte {
	m := hmac.New(sha256.New, key[:])
	m.Write([]byte("comity bloomlink v1 key confirmation"))
	m.Write(own)
	m.Write(peer)
	return m.Sum(nil)
}

// parseSize reads a number of rows, at most max.
func parseSize(in []byte, max int) (int, error) {
	if len(in) != 8 {
		return 0, fmt.Errorf("%w: size of %d bytes", ErrLength, len(in))
	}
	n := binary.BigEndian.Uint64(in)
	if n > uint64(max) {
		return 0, fmt.Errorf("%w: %d rows, at most %d allowed", ErrTooLarge, n, max)
	}
	return int(n), nil
}

// batchRows is how many encodings travel in one frame.
func batchRows(words int) int { return max(1, 64<<10/(8*words)) }

func appendRow(out []byte, row []uint64) []byte {
	for _, w := range row {
		out = binary.LittleEndian.AppendUint64(out, w)
	}
	return out
}

// parseRows reads a frame of encodings.
func parseRows(in []byte, words int) []Encoding {
	all := make([]uint64, len(in)/8)
	for i := range all {
		all[i] = binary.LittleEndian.Uint64(in[8*i:])
	}
	rows := make([]Encoding, 0, len(all)/words)
	for i := 0; i+words <= len(all); i += words {
		rows = append(rows, Encoding(all[i:i+words:i+words]))
	}
	return rows
}
