package tokenize

import (
	"context"
	"crypto/sha256"
	"errors"
	"slices"

	"github.com/comity-prl/comity/internal/oprf"
	"github.com/comity-prl/comity/internal/vss"
)

// The Delta d = k'/k of two shared keys, without anybody holding either. The
// members share a random b; each gives the vault its shares of b·k and of b·k',
// from which the vault has these two products and their quotient (the inversion of
// Bar-Ilan and Beaver, PODC 1989).
//
// A product of shares lies on a polynomial of twice the degree, so that 2t-1
// members must open it. To it each member adds a share of zero, of that degree,
// since the product of two polynomials is not a random one. With b_i, z_i and K_i
// the public forms of the member's shares, a member proves that its opening v_i is
// right by a proof that v_i·G - z_i·G is b_i times K_i.

// rotateRounds are the rounds of the three ceremonies of Rotate.
const rotateRounds = 3 * 4

// Rotate is a member's part in making the Delta from the key of s to that of next,
// its share of the same number in a committee of as many members and of the same
// threshold t. All members call it, with a session fresh as in Plan, and each sends
// the opening that it returns to the vaults alone, encrypted. 2t-1 members at least
// are needed: for t of n, n >= 2t-1. Errors are ErrMode, ErrPlan and those of
// Generate.
//
// Openings show the vault d, and neither key. After it every vault destroys them.
func (s *Share) Rotate(ctx context.Context, next *Share, session [32]byte, x Exchange) (opening []byte, faults []*MemberError, err error) {
	old := s.committee
	if err := rotates(old, next.committee); err != nil {
		return nil, nil, err
	}
	if s.index != next.index {
		return nil, nil, ErrPlan
	}
	p := Plan{Suite: old.suite, Scope: old.scope, Threshold: old.Threshold(), Members: old.members}
	p.Session = sha256.Sum256(append(session[:], next.committee.Bytes()...))
	wide := p
	wide.Threshold = 2*p.Threshold - 1

	g := p.Suite.group()
	secret := g.Random()
	defer secret.Zero()
	blind := &ceremony{
		group: g, id: p.id(kindBlind, old), threshold: p.Threshold, receivers: p.Members, dealers: p.Members,
		self: s.index, secret: secret, exchange: x,
	}
	zeroOld, zeroNew := newZero(&wide, kindZeroOld, old, s.index, x), newZero(&wide, kindZeroNew, old, s.index, x)
	zeroOld.before, zeroNew.before = rotateRounds/3, 2*rotateRounds/3
	var made []*Share
	for _, c := range []*ceremony{blind, zeroOld, zeroNew} {
		plan := &p
		if c != blind {
			plan = &wide
		}
		share, f, err := c.sum(ctx, plan, nil)
		faults = append(faults, f...)
		if err != nil {
			return nil, faults, err
		}
		defer share.Destroy()
		made = append(made, share)
	}
	return s.opening(next, made[0], made[1], made[2]), faults, nil
}

// rotates reports whether a Delta can lead from one committee to another.
func rotates(old, next *Committee) error {
	if old.suite != next.suite {
		return ErrMode
	}
	if old.members != next.members || old.Threshold() != next.Threshold() || old.members < 2*old.Threshold()-1 {
		return ErrPlan
	}
	return nil
}

// opening is the format, the member, the commitments, b_i·k_i + z_i, b_i·k'_i + z'_i
// and the proof of both.
func (s *Share) opening(next, b, zeroOld, zeroNew *Share) []byte {
	out := []byte{format, byte(s.index)}
	out = appendCommitment(out, b.committee.commitment)
	out = appendCommitment(out, zeroOld.committee.commitment[1:])
	out = appendCommitment(out, zeroNew.committee.commitment[1:])
	blind := b.key.key.Scalar()
	out = blind.Mul(s.key.key.Scalar()).Add(zeroOld.key.key.Scalar()).Append(out)
	out = blind.Mul(next.key.key.Scalar()).Add(zeroNew.key.key.Scalar()).Append(out)
	request := append(s.key.public.element.Append(nil), oprf.Encode(next.key.public.element)...)
	_, proof, err := b.key.suite.Evaluate(b.key.key, nil, request)
	if err != nil {
		panic("tokenize: a public key does not decode") // it was made here
	}
	return append(out, proof...)
}

func appendCommitment(b []byte, c vss.Commitment) []byte {
	for _, e := range c {
		b = e.Append(b)
	}
	return b
}

// opened is a member's opening, read and verified.
type opened struct {
	member     int
	ceremony   string // what all members of one run have in common
	old, fresh oprf.Scalar
}

// CombineDelta is the vault's part in Rotate: the Delta of two committees, which it
// knows from a source that it trusts, by the openings of their members in any
// order. It returns also which were wrong, with ErrOpening and their place from 1 for
// the member. Errors are ErrMode, ErrPlan, ErrQuorum for fewer than 2t-1 right
// openings of one run, and ErrDelta.
func CombineDelta(old, next *Committee, openings [][]byte) (*Delta, []*MemberError, error) {
	if err := rotates(old, next); err != nil {
		return nil, nil, err
	}
	runs, most := map[string][]*opened{}, ""
	var faults []*MemberError
	for i, b := range openings {
		o, err := readOpening(old, next, b)
		if err != nil {
			faults = append(faults, &MemberError{Member: i + 1, Err: err})
			continue
		}
		run := runs[o.ceremony]
		if slices.ContainsFunc(run, func(p *opened) bool { return p.member == o.member }) {
			continue
		}
		if runs[o.ceremony] = append(run, o); len(runs[o.ceremony]) > len(runs[most]) {
			most = o.ceremony
		}
	}
	run := runs[most]
	if len(run) < 2*old.Threshold()-1 {
		return nil, faults, ErrQuorum
	}
	var members []int
	for _, o := range run {
		members = append(members, o.member)
	}
	g := old.suite.group()
	numerator, denominator := g.Int(0), g.Int(0)
	for i, w := range vss.Weights(g, members) {
		denominator = denominator.Add(run[i].old.Mul(w))
		numerator = numerator.Add(run[i].fresh.Mul(w))
	}
	d, err := newDelta(old.scope, next.scope, old.Public(), next.Public(), numerator.Mul(denominator.Inverse()))
	return d, faults, err
}

// ErrOpening says that an opening is malformed or its proof does not hold.
var ErrOpening = errors.New("tokenize: an opening that is malformed or does not hold")

func readOpening(old, next *Committee, b []byte) (*opened, error) {
	g, t := old.suite.group(), old.Threshold()
	head, zeros := 2+t*g.ElementSize(), 2*(t-1)*g.ElementSize()
	secrets := head + 2*zeros
	if len(b) != secrets+2*oprf.ScalarSize+oprf.ProofSize || b[0] != format {
		return nil, ErrOpening
	}
	o := &opened{member: int(b[1]), ceremony: string(b[2:secrets])}
	if o.member < 1 || o.member > old.members {
		return nil, ErrOpening
	}
	blind, err := decodeCommitment(g, b[2:head])
	if err != nil {
		return nil, ErrOpening
	}
	var products []byte // b_i·K_i and b_i·K'_i, if the opening holds
	for i, to := range []*oprf.Scalar{&o.old, &o.fresh} {
		zero, err := decodeCommitment(g, b[head+i*zeros:][:zeros])
		if err != nil {
			return nil, ErrOpening
		}
		if *to, err = g.DecodeScalar(b[secrets+i*oprf.ScalarSize:][:oprf.ScalarSize]); err != nil {
			return nil, ErrOpening
		}
		z := append(vss.Commitment{g.Identity()}, zero...).At(g, o.member)
		products = g.Base(*to).Add(z.Mul(g.Int(0).Sub(g.Int(1)))).Append(products)
	}
	request := append(old.Member(o.member).element.Append(nil), oprf.Encode(next.Member(o.member).element)...)
	suite := oprf.New(g, oprf.Verifiable)
	if suite.VerifyEvaluation(blind.At(g, o.member), request, products, b[len(b)-oprf.ProofSize:]) != nil {
		return nil, ErrOpening
	}
	return o, nil
}
