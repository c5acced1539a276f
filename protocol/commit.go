package protocol

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/comity-prl/comity/internal/merkle"
)

// # Commitments
//
// As the first frame of its run, before its first data frame, each side that brings a
// set sends
//
//	9 commit   commitment (32), signature (64)
//
// A linkage unit brings no set, and sends none. The frames are in the transcript.
//
//	commitment = SHA-256("comity protocol v2 commitment", nonce (32),
//	             number of items (8), root (32))
//
// The nonce is random: two sessions over one set do not show it, and the peer learns
// neither the root nor the number of items, which dummies may hide from it. The root is
// that of package merkle, under a random seed that belongs to the set: leaf i is
//
//	SHA-256(00, salt i (16), item i),  salt i = AES-256(seed, i (16))
//
// with the distinct items in ascending order, dummies left out, or the encodings in the
// order of the rows, little endian; inner nodes are those of RFC 6962, Section 2.1. The
// signature is by the side's signing key, of
//
//	"comity protocol v2 commitment" after its length (1)
//	role of the signer (1)
//	session (32), as the run has it
//	commitment (32)

const commitmentLabel = "comity protocol v2 commitment"

// Commitment is what a side of a session bound itself to have put in. It tells nothing
// of the set, not even how large it is. The signature binds it to the session.
//
// An auditor to whom that side shows an Opening can check what was put in; one to whom
// it shows an ItemProof, that an item was among it. What was put in need not be what
// was used: nothing makes a dishonest side commit to the set that it runs with.
type Commitment struct {
	Hash      Hash   `json:"hash"`
	Signature []byte `json:"signature"`
}

// Verify reports whether the party of that role signed the commitment in the session of
// the agreement, as ErrSignature.
func (c *Commitment) Verify(a *Agreement, r Role) error {
	key := a.Proposer.SigningKey
	if r == Acceptor {
		key = a.Acceptor.SigningKey
	}
	signed, err := c.signed(a, r)
	if err != nil {
		return err
	}
	if len(key) != ed25519.PublicKeySize || !ed25519.Verify(key, signed, c.Signature) {
		return fmt.Errorf("%w: the %s's, under its commitment", ErrSignature, r)
	}
	return nil
}

func (c *Commitment) signed(a *Agreement, r Role) ([]byte, error) {
	session := a.session()
	b := cryptobyte.NewBuilder(nil)
	addContext(b, commitmentLabel)
	b.AddUint8(r.number())
	b.AddBytes(session[:])
	b.AddBytes(c.Hash[:])
	return b.Bytes()
}

// Committed is a set that can be committed to: a *psi.Set or *bloomlink.Set.
type Committed interface {
	Tree() *merkle.Tree
	TreeOf(seed [32]byte) *merkle.Tree
}

// Opening opens a Commitment. It is secret to the side that made it: with it, who can
// guess an item can tell whether it was in the set. Keep it with the result; items are
// not in it.
type Opening struct {
	Nonce Hash `json:"nonce"`
	Seed  Hash `json:"seed"`
	Items int  `json:"items"` // distinct items, dummies left out; rows for encodings
}

// Verify reports whether the commitment is to just the items of the set, as
// ErrCommitment. For tokens their order and the set's binding do not matter.
func (o *Opening) Verify(c *Commitment, set Committed) error {
	t := set.TreeOf(o.Seed)
	if t.Len() != o.Items || blinded(o.Nonce, t.Len(), t.Root()) != c.Hash {
		return fmt.Errorf("%w: to this set", ErrCommitment)
	}
	return nil
}

// Prove opens one item, by its number in the tree: that of psi.Set.Leaf, or a row of
// encodings. It needs the set of the run, or another of the same items.
func (o *Opening) Prove(set Committed, leaf int) (*ItemProof, error) {
	t := set.TreeOf(o.Seed)
	p, err := t.Prove(leaf)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCommitment, err)
	}
	out := &ItemProof{Nonce: o.Nonce, Items: t.Len(), Root: t.Root(), Leaf: leaf, Salt: p.Salt[:]}
	for _, h := range p.Path {
		out.Path = append(out.Path, Hash(h))
	}
	return out, nil
}

// ItemProof opens one item of a Commitment. It tells how many there are, and for tokens
// how many of them sort before this one, and nothing else of them.
type ItemProof struct {
	Nonce Hash   `json:"nonce"`
	Items int    `json:"items"`
	Root  Hash   `json:"root"`
	Leaf  int    `json:"leaf"`
	Salt  []byte `json:"salt"`
	Path  []Hash `json:"path"`
}

// Verify reports whether the item, a token or the words of an encoding in little
// endian, is among those that the commitment is to, as ErrCommitment.
func (p *ItemProof) Verify(c *Commitment, item []byte) error {
	if len(p.Salt) != merkle.SaltSize || blinded(p.Nonce, p.Items, p.Root) != c.Hash {
		return fmt.Errorf("%w: of this proof", ErrCommitment)
	}
	proof := merkle.Proof{Leaf: p.Leaf, Salt: [merkle.SaltSize]byte(p.Salt)}
	for _, h := range p.Path {
		proof.Path = append(proof.Path, tlog.Hash(h))
	}
	if err := proof.Verify(p.Root, p.Items, item); err != nil {
		return fmt.Errorf("%w: to this item: %w", ErrCommitment, err)
	}
	return nil
}

func blinded(nonce Hash, items int, root Hash) Hash {
	b := append([]byte(commitmentLabel), nonce[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(items))
	return sha256.Sum256(append(b, root[:]...))
}

// Commitments returns what each side committed to, to be kept with the result. They
// are nil before the run, and for a linkage unit, which has no set.
func (s *Session) Commitments() (own, peer *Commitment) {
	if c := s.committed.Load(); c != nil {
		own = c.own
	}
	return own, s.heard.Load()
}

// Opening returns what opens the own commitment, or nil where there is none.
func (s *Session) Opening() *Opening {
	if c := s.committed.Load(); c != nil {
		return c.opening
	}
	return nil
}

// committed is the own commitment and what opens it.
type committed struct {
	own     *Commitment
	opening *Opening
}

// commitTo commits the identity, in its role, to a set.
func (id *Identity) commitTo(set Committed, a *Agreement, r Role) (*committed, error) {
	t := set.Tree()
	o := &Opening{Seed: t.Seed(), Items: t.Len()}
	rand.Read(o.Nonce[:])
	c := &Commitment{Hash: blinded(o.Nonce, t.Len(), t.Root())}
	signed, err := c.signed(a, r)
	if err != nil {
		return nil, err
	}
	c.Signature = ed25519.Sign(id.signing, signed)
	return &committed{c, o}, nil
}

// commit has the stream of the run begin with the own commitment.
func (s *Session) commit(set Committed) error {
	c, err := s.c.Identity.commitTo(set, s.agreement, s.role)
	if err != nil {
		return err
	}
	s.stream.say = func() error { return s.stream.write(frameCommit, c.own.Hash[:], c.own.Signature) }
	s.committed.Store(c)
	return nil
}

// expectCommitment has the stream of the run begin with the peer's commitment.
func (s *Session) expectCommitment() {
	s.stream.hear = func() error {
		payload, err := s.stream.read(frameCommit)
		if err != nil {
			return err
		}
		c := &Commitment{Hash: Hash(payload[:len(Hash{})]), Signature: slices.Clone(payload[len(Hash{}):])}
		if err := c.Verify(s.agreement, s.role.other()); err != nil {
			return err
		}
		s.heard.Store(c)
		return nil
	}
}
