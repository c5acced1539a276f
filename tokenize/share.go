package tokenize

import (
	"bytes"
	"context"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"

	"github.com/comity-prl/comity/internal/oprf"
	"github.com/comity-prl/comity/internal/vss"
)

// A threshold of key servers: the key of a scope is shared among n members, so
// that any t of them evaluate it together and t-1 of them can neither evaluate nor
// find it. It is 2HashDH of Jarecki, Kiayias, Krawczyk and Xu (TOPPSS, ACNS 2017):
//
//	client                               member i, for t of n (share k_i)
//	r·H(x)                         ──▶
//	                               ◀──   k_i·r·H(x), proof for k_i·G
//	k·H(x) = sum of w_i/r times the answers
//
// A member is an ordinary key server whose key is its share, and the tokens are
// those of VOPRF under the key that nobody holds. Each answer is proven on its own,
// so that a wrong one names its member and t others replace it. Each scope has a
// key of its own: POPRF's inverse of key plus scope is not a sum of shares.

// Errors of a threshold.
var (
	ErrCommittee = errors.New("tokenize: malformed committee")
	ErrQuorum    = errors.New("tokenize: fewer members than the threshold answered rightly")
)

// MaxMembers is how many members a committee has at most.
const MaxMembers = 64

// MemberError says what was wrong with one member of a committee.
type MemberError struct {
	Member int // from 1
	Err    error
}

func (e *MemberError) Error() string { return fmt.Sprintf("member %d: %v", e.Member, e.Err) }

// Unwrap returns what was wrong.
func (e *MemberError) Unwrap() error { return e.Err }

// Committee is the public part of a shared key. It is not changed by use. After a
// refresh its members have new public keys and the shared key is as before.
type Committee struct {
	suite   Suite
	scope   Scope
	members int
	// commitment is to the polynomial of the shares: one coefficient for each member
	// that the threshold asks for, that of the key first.
	commitment vss.Commitment
	keys       []*PublicKey // of the members
}

func newCommittee(s Suite, scope Scope, members int, commitment vss.Commitment) *Committee {
	c := &Committee{suite: s, scope: scope, members: members, commitment: commitment}
	for i := range members {
		c.keys = append(c.keys, newPublicKey(s, VOPRF, commitment.At(s.group(), i+1)))
	}
	return c
}

// Scope returns what the shared key is for.
func (c *Committee) Scope() Scope { return c.scope }

// Threshold returns how many members evaluate together.
func (c *Committee) Threshold() int { return len(c.commitment) }

// Members returns how many members there are.
func (c *Committee) Members() int { return c.members }

// Public returns the public form of the shared key, which no refresh changes.
func (c *Committee) Public() *PublicKey { return newPublicKey(c.suite, VOPRF, c.commitment[0]) }

// Member returns the public key of a member, from 1.
func (c *Committee) Member(i int) *PublicKey { return c.keys[i-1] }

// Bytes returns the committee's encoding: format, suite, scope, members, threshold
// and commitment.
func (c *Committee) Bytes() []byte {
	b := c.scope.append([]byte{format, byte(c.suite)})
	b = append(b, byte(c.members), byte(c.Threshold()))
	for _, e := range c.commitment {
		b = e.Append(b)
	}
	return b
}

// Equal reports whether two committees are the same, down to the shares.
func (c *Committee) Equal(other *Committee) bool { return bytes.Equal(c.Bytes(), other.Bytes()) }

// ParseCommittee reads what Bytes returned, which must come from a source that the
// caller trusts. The error is ErrCommittee.
func ParseCommittee(b []byte) (*Committee, error) {
	if len(b) < 2 || b[0] != format {
		return nil, ErrCommittee
	}
	s := Suite(b[1])
	g := s.group()
	if g == nil {
		return nil, ErrCommittee
	}
	scope, b, ok := cutScope(b[2:])
	if !ok || len(b) < 2 {
		return nil, ErrCommittee
	}
	members, threshold := int(b[0]), int(b[1])
	if b = b[2:]; !validThreshold(threshold, members) || len(b) != threshold*g.ElementSize() {
		return nil, ErrCommittee
	}
	commitment, err := decodeCommitment(g, b)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCommittee, err)
	}
	return newCommittee(s, scope, members, commitment), nil
}

// validThreshold asks for two members at least: the key of one is an ordinary key.
func validThreshold(threshold, members int) bool {
	return threshold >= 2 && threshold <= members && members <= MaxMembers
}

func decodeCommitment(g oprf.Group, b []byte) (vss.Commitment, error) {
	var out vss.Commitment
	for ; len(b) > 0; b = b[g.ElementSize():] {
		e, err := g.DecodeElement(b[:g.ElementSize()])
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}

// Share is one member's share of a key. It formats as a placeholder.
type Share struct {
	committee *Committee
	index     int
	key       *SecretKey
}

func newShare(c *Committee, index int, k oprf.Scalar) *Share {
	return &Share{committee: c, index: index, key: newSecretKey(c.suite, VOPRF, k)}
}

// Committee returns the public part.
func (s *Share) Committee() *Committee { return s.committee }

// Member returns which member's share it is, from 1.
func (s *Share) Member() int { return s.index }

// Key returns the share as the key of the member's Server, under the committee's
// scope.
func (s *Share) Key() *SecretKey { return s.key }

// Destroy overwrites the share, as SecretKey.Destroy does. After a refresh or a
// reshare every member must destroy its old share and the backups of it: t old
// shares are the key.
func (s *Share) Destroy() { s.key.Destroy() }

// Seal encrypts the share for a backup, as SecretKey.Seal does.
func (s *Share) Seal(a cipher.AEAD) []byte {
	return seal(a, sealedShare, append([]byte{byte(s.index)}, s.committee.Bytes()...), s.key.key.Scalar())
}

// OpenShare restores a share that Seal sealed. It checks that the share is the
// member's. Errors are ErrKey and ErrCommittee.
func OpenShare(a cipher.AEAD, sealed []byte) (*Share, error) {
	public, secret, err := open(a, sealedShare, sealed)
	if err != nil {
		return nil, err
	}
	if len(public) == 0 {
		return nil, ErrKey
	}
	c, err := ParseCommittee(public[1:])
	if err != nil {
		return nil, err
	}
	k, err := c.suite.group().DecodeScalar(secret)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	s := newShare(c, int(public[0]), k)
	if s.index < 1 || s.index > c.members || !s.key.public.Equal(c.Member(s.index)) {
		return nil, ErrKey
	}
	return s, nil
}

// String is a placeholder.
func (s *Share) String() string { return fmt.Sprintf("share of member %d(redacted)", s.index) }

// GoString is String.
func (s *Share) GoString() string { return s.String() }

// Format writes String for every verb.
func (s *Share) Format(f fmt.State, _ rune) { fmt.Fprint(f, s.String()) }

// LogValue is String.
func (s *Share) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText is String: shares leave by Seal alone.
func (s *Share) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// NewThreshold returns the client of a committee. servers are the transports to
// its members in order, nil for one that is out of reach; t at least are needed.
// Each batch goes to t members, and to another for each that fails. A transport
// that does not return by itself should have a deadline of its own. Evaluate fails
// with ErrQuorum and a *MemberError for each member that failed. Errors are
// ErrQuorum and ErrOptions.
func NewThreshold(c *Committee, servers []Transport, o *OPRFOptions) (*OPRF, error) {
	f, err := newOPRF(c.Public(), c.scope, o)
	if err != nil {
		return nil, err
	}
	q := &quorum{committee: c, servers: servers, client: f}
	for i, t := range servers {
		if t != nil {
			q.present = append(q.present, i+1)
		}
	}
	if len(servers) != c.members || len(q.present) < c.Threshold() {
		return nil, ErrQuorum
	}
	f.ask = q.ask
	return f, nil
}

// quorum asks members until a threshold of them has answered.
type quorum struct {
	committee *Committee
	servers   []Transport // by member
	present   []int       // members
	client    *OPRF
}

type memberAnswer struct {
	member   int
	elements []oprf.Element
	err      error
}

func (q *quorum) ask(ctx context.Context, b *oprf.Batch) ([]byte, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answers := make(chan memberAnswer, len(q.present))
	request := func(member int) {
		elements, err := q.client.exchange(ctx, b, q.committee.Member(member), q.servers[member-1])
		answers <- memberAnswer{member, elements, err}
	}
	// Where to begin spreads the load; the batch's blinding is random and public.
	first := int(binary.BigEndian.Uint16(b.Encoded()[1:])) % len(q.present)
	asked, threshold := 0, q.committee.Threshold()
	next := func() bool {
		if asked == len(q.present) {
			return false
		}
		go request(q.present[(first+asked)%len(q.present)])
		asked++
		return true
	}
	for range threshold {
		next()
	}
	var members []int
	var right [][]oprf.Element
	failed := []error{ErrQuorum}
	for waiting := threshold; waiting > 0; {
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case a := <-answers:
			if a.err == nil {
				waiting--
				members, right = append(members, a.member), append(right, a.elements)
				continue
			}
			fault := &MemberError{Member: a.member, Err: a.err}
			failed = append(failed, fault)
			if ctx.Err() == nil && q.client.o.Fault != nil {
				q.client.o.Fault(fault)
			}
			if !next() {
				return nil, errors.Join(failed...)
			}
		}
	}
	return b.Combine(vss.Weights(q.client.suite, members), right), nil
}
