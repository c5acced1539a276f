package psi

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
)

// stateVersion is the version of a state's format. Another one is ErrState.
const stateVersion = 1

// State returns what RestoreSteps needs in order to go on, or nil after an error. It
// is secret. Numbers are big endian:
//
//	version  1   1
//	role     1   as in the hello
//	first    1   1 at the side that writes the first message, else 0
//	at       1   number of the last message read or written, from 0
//	nonce   32   of the own hello
//	hello   32   SHA-256 of the own hello
//	hellos  32   hash of both, or zero
//	set     32   its hash, or zero
//	size     8   of the peer's set, or 0
//	mask     1   its length, and the scalar
//	order    8   how many numbers of 4 bytes follow
//	tags     8   how many bytes follow
//	handles  8   how many numbers of 4 bytes follow
func (s *Steps) State() []byte {
	if s.err != nil {
		return nil
	}
	first := byte(0)
	if s.first {
		first = 1
	}
	b := make([]byte, 0, 256+4*len(s.order)+len(s.tags)+4*len(s.handles))
	b = append(b, stateVersion, byte(s.me), first, byte(s.at))
	b = append(b, s.nonce[:]...)
	_, hello, err := s.hello()
	if err != nil {
		return nil
	}
	sum := sha256.Sum256(hello)
	b = append(b, sum[:]...)
	b = append(b, s.hellos[:]...)
	b = append(b, s.bound[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(s.peerSize))
	var mask []byte
	if s.mask != nil {
		mask = s.mask.bytes()
	}
	b = append(b, byte(len(mask)))
	b = append(b, mask...)
	b = appendNumbers(b, s.order)
	b = binary.BigEndian.AppendUint64(b, uint64(len(s.tags)))
	b = append(b, s.tags...)
	return appendNumbers(b, s.handles)
}

func appendNumbers(b []byte, numbers []uint32) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(len(numbers)))
	for _, n := range numbers {
		b = binary.BigEndian.AppendUint32(b, n)
	}
	return b
}

// RestoreSteps goes on from a state, with the Params and the set that the run began
// with. Until the own elements are made the set may be another one of the same
// binding; a set that has changed since is ErrSet.
func RestoreSteps(state []byte, p *Params, set *Set) (*Steps, error) {
	s, err := restoreSteps(state, p, set)
	if err != nil {
		return nil, fmt.Errorf("psi: restore steps: %w", err)
	}
	return s, nil
}

func restoreSteps(state []byte, p *Params, set *Set) (*Steps, error) {
	var version, me, first, at uint8
	in := cryptobyte.String(state)
	if !in.ReadUint8(&version) || version != stateVersion {
		return nil, fmt.Errorf("%w: not of version %d", ErrState, stateVersion)
	}
	if !in.ReadUint8(&me) || !in.ReadUint8(&first) || !in.ReadUint8(&at) ||
		role(me) != roleSender && role(me) != roleReceiver || first > 1 || at > stepDone {
		return nil, ErrState
	}
	s, err := newSteps(p, set, role(me) == roleReceiver, first == 1)
	if err != nil {
		return nil, err
	}
	s.at = int(at)
	var size uint64
	var hello [32]byte
	var mask cryptobyte.String
	if !in.CopyBytes(s.nonce[:]) || !in.CopyBytes(hello[:]) || !in.CopyBytes(s.hellos[:]) || !in.CopyBytes(s.bound[:]) ||
		!in.ReadUint64(&size) || size > uint64(s.params.max(s.me.other())) ||
		!in.ReadUint8LengthPrefixed(&mask) ||
		!readNumbers(&in, &s.order) || !readTags(&in, &s.tags) || !readNumbers(&in, &s.handles) || !in.Empty() {
		return nil, ErrState
	}
	s.peerSize = int(size)
	if len(mask) > 0 {
		if s.mask, err = s.suite.group.parseMask(mask); err != nil {
			return nil, err
		}
	}
	if s.bound != ([32]byte{}) && s.bound != set.hash() {
		return nil, ErrSet
	}
	_, own, err := s.hello()
	if err != nil {
		return nil, err
	}
	if sha256.Sum256(own) != hello {
		return nil, fmt.Errorf("%w: parameters or binding differ", ErrState)
	}
	return s, s.coherent()
}

// coherent reports whether the parts of a state go together, so that no step can fail
// for what is missing.
func (s *Steps) coherent() error {
	own := s.at > 0 && (s.at%2 == 1) == s.first // the last message is an own one, as after every step but the last
	masked := s.bound != ([32]byte{})
	receives := s.me == roleReceiver
	items := 0
	if masked {
		items = s.set.Len()
	}
	want := struct {
		mask                 bool
		order, tags, handles int
	}{
		mask: s.at == stepFirstElements && s.first,
	}
	switch {
	case !receives && (s.params.Function == Intersection || s.at < stepAnswer && s.first):
		want.order = items
	case !receives:
	case s.Done():
		want.handles = items
	case masked && !s.first:
		want.tags = s.peerSize * s.tagSize()
	}
	fits := s.at == 0 || own || s.Done()
	fits = fits && masked == (s.at >= stepFirstElements) && (s.mask != nil) == want.mask
	fits = fits && len(s.order) == want.order && len(s.tags) == want.tags && len(s.handles) == want.handles
	if !fits || !below(s.order, items) || !below(s.handles, s.peerSize) {
		return ErrState
	}
	return nil
}

// below reports whether all numbers are absent or less than n.
func below(numbers []uint32, n int) bool {
	for _, i := range numbers {
		if i != absent && int64(i) >= int64(n) {
			return false
		}
	}
	return true
}

// readNumbers reads a list whose numbers are all there before it makes room for them.
func readNumbers(in *cryptobyte.String, out *[]uint32) bool {
	var n uint64
	var bytes []byte
	if !in.ReadUint64(&n) || n > uint64(len(*in)/4) || !in.ReadBytes(&bytes, int(4*n)) {
		return false
	}
	if n > 0 {
		*out = make([]uint32, n)
	}
	for i := range *out {
		(*out)[i] = binary.BigEndian.Uint32(bytes[4*i:])
	}
	return true
}

func readTags(in *cryptobyte.String, out *[]byte) bool {
	var n uint64
	return in.ReadUint64(&n) && n <= uint64(len(*in)) && in.ReadBytes(out, int(n))
}
