package tokenize

import (
	"context"
	"crypto/sha256"

	"github.com/comity-prl/comity/internal/oprf"
	"github.com/comity-prl/comity/internal/vss"
)

// Plan is what the members of a new committee agree on beforehand.
type Plan struct {
	Suite     Suite
	Scope     Scope
	Threshold int // from 2 to Members
	Members   int // to MaxMembers
	// Session is fresh for each ceremony and the same for all who take part, such as
	// a hash of random bytes from each of them.
	Session [32]byte
}

func (p *Plan) validate() error {
	if p.Suite.group() == nil || !validThreshold(p.Threshold, p.Members) {
		return ErrPlan
	}
	return p.Scope.Validate()
}

// id hashes what a ceremony is: its kind, the plan and the committee that was
// before.
func (p *Plan) id(kind byte, old *Committee) [sha256.Size]byte {
	b := append([]byte("comity tokenize v1 ceremony"), kind)
	b = p.Scope.append(append(b, byte(p.Suite), byte(p.Threshold), byte(p.Members)))
	b = append(b, p.Session[:]...)
	if old != nil {
		b = append(b, old.Bytes()...)
	}
	return sha256.Sum256(b)
}

// Kinds of ceremony.
const (
	kindGenerate byte = 1 + iota
	kindRefresh
	kindReshare
	kindBlind
	kindZeroOld
	kindZeroNew
)

// Generate makes a key that nobody holds, together with the other members, who all
// call it with the same plan, over x, whose participants are the members. It
// returns this member's share, and the members that took part wrongly or not at
// all. t dealers at least must stand, so that among them is one that works with
// none of t-1 others. Errors are ErrPlan, ErrScope, ErrEpoch, ErrCeremony,
// ErrBroadcast, those of x, and the cause of ctx.
func Generate(ctx context.Context, p *Plan, member int, x Exchange) (*Share, []*MemberError, error) {
	if err := p.validate(); err != nil {
		return nil, nil, err
	}
	if member < 1 || member > p.Members {
		return nil, nil, ErrPlan
	}
	g := p.Suite.group()
	secret := g.Random()
	defer secret.Zero()
	c := &ceremony{
		group: g, id: p.id(kindGenerate, nil), threshold: p.Threshold, receivers: p.Members, dealers: p.Members,
		self: member, secret: secret, exchange: x,
	}
	return c.sum(ctx, p, nil)
}

// Refresh replaces the shares by new ones of the same key (Herzberg, Jarecki,
// Krawczyk and Yung, Crypto 1995): each member deals a sharing of zero. All members
// call it with the same session, fresh as in Plan. Tokens and Public stay; old
// shares and new ones do not combine, so that what leaked of the old is worthless
// once they are destroyed. A member that misses a refresh has lost its share.
// Results and errors are those of Generate.
func (s *Share) Refresh(ctx context.Context, session [32]byte, x Exchange) (*Share, []*MemberError, error) {
	old := s.committee
	p := &Plan{Suite: old.suite, Scope: old.scope, Threshold: old.Threshold(), Members: old.members, Session: session}
	return newZero(p, kindRefresh, old, s.index, x).sum(ctx, p, s)
}

// newZero is a ceremony of dealings of zero.
func newZero(p *Plan, kind byte, old *Committee, member int, x Exchange) *ceremony {
	g := p.Suite.group()
	c := &ceremony{
		group: g, id: p.id(kind, old), threshold: p.Threshold, receivers: p.Members, dealers: p.Members,
		self: member, secret: g.Int(0), exchange: x,
	}
	for range p.Members {
		c.known = append(c.known, g.Identity())
	}
	return c
}

// sum plays a ceremony whose result is the sum of the dealings, and of an old share
// if there is one.
func (c *ceremony) sum(ctx context.Context, p *Plan, old *Share) (*Share, []*MemberError, error) {
	qualified, err := c.qualified(ctx)
	if err != nil {
		return nil, c.faults, err
	}
	if len(qualified) < c.threshold {
		return nil, c.faults, c.failed()
	}
	share, commitment := c.group.Int(0), vss.Commitment(nil)
	if old != nil {
		share, commitment = old.key.key.Scalar(), old.committee.commitment
	}
	for _, i := range qualified {
		d := &c.dealings[i-1]
		share = share.Add(d.share)
		d.share.Zero()
		if commitment == nil {
			commitment = d.commitment
			continue
		}
		commitment = commitment.Add(d.commitment)
	}
	return c.finish(ctx, p, commitment, share)
}

// finish makes the share of a receiver; without one, only confirms.
func (c *ceremony) finish(ctx context.Context, p *Plan, commitment vss.Commitment, share oprf.Scalar) (*Share, []*MemberError, error) {
	committee := newCommittee(p.Suite, p.Scope, p.Members, commitment)
	if err := c.confirm(ctx, committee); err != nil {
		return nil, c.faults, err
	}
	if c.receiver() == 0 {
		return nil, c.faults, nil
	}
	return newShare(committee, c.receiver(), share), c.faults, nil
}

// Reshare passes the key on to a new committee, whose members, number and threshold
// may be other ones (Desmedt and Jajodia 1997, with Feldman's commitments as Wong,
// Wang and Wing 2002): each old member deals a sharing of its share. A member of
// the old committee calls Reshare and one of the new calls Join, with the same
// plan, of the old suite and scope; who is in both calls both. Participants of x
// are the old members and after them the new. t old members at least must stand;
// the first t of them make the new shares.
//
// Tokens and the shared Public stay. Once Reshare returns without an error, the old
// shares must be destroyed. Errors are those of Generate.
func (s *Share) Reshare(ctx context.Context, p *Plan, x Exchange) ([]*MemberError, error) {
	c, err := newReshare(p, s.committee, s.index, x)
	if err != nil {
		return nil, err
	}
	c.secret = s.key.key.Scalar()
	_, faults, err := c.reshare(ctx, p, s.committee)
	return faults, err
}

// Join is the part of a member of the new committee in Reshare. It must know the
// old one from a source that it trusts.
func Join(ctx context.Context, p *Plan, old *Committee, member int, x Exchange) (*Share, []*MemberError, error) {
	if member < 1 || member > p.Members {
		return nil, nil, ErrPlan
	}
	c, err := newReshare(p, old, old.members+member, x)
	if err != nil {
		return nil, nil, err
	}
	return c.reshare(ctx, p, old)
}

func newReshare(p *Plan, old *Committee, self int, x Exchange) (*ceremony, error) {
	if err := p.validate(); err != nil {
		return nil, err
	}
	if p.Suite != old.suite || p.Scope != old.scope {
		return nil, ErrPlan
	}
	c := &ceremony{
		group: p.Suite.group(), id: p.id(kindReshare, old), threshold: p.Threshold, receivers: p.Members, dealers: old.members,
		offset: old.members, self: self, exchange: x,
	}
	for _, k := range old.keys {
		c.known = append(c.known, k.element)
	}
	return c, nil
}

func (c *ceremony) reshare(ctx context.Context, p *Plan, old *Committee) (*Share, []*MemberError, error) {
	qualified, err := c.qualified(ctx)
	if err != nil {
		return nil, c.faults, err
	}
	if len(qualified) < old.Threshold() {
		return nil, c.faults, c.failed()
	}
	qualified = qualified[:old.Threshold()]
	share, commitment := c.group.Int(0), vss.Commitment(nil)
	for i, w := range vss.Weights(c.group, qualified) {
		d := &c.dealings[qualified[i]-1]
		if c.receiver() > 0 {
			share = share.Add(d.share.Mul(w))
		}
		part := d.commitment.Mul(w)
		if commitment == nil {
			commitment = part
			continue
		}
		commitment = commitment.Add(part)
	}
	return c.finish(ctx, p, commitment, share)
}
