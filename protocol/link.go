package protocol

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/comity-prl/comity/bloomlink"
)

// Submit takes an owner's part where the terms let the peer, a linkage unit,
// compare this side's encodings with those of the partner that they name. It waits
// until the partner has come too. The unit learns the encodings and their number;
// this side learns the partner's number of rows, and which of its own rows are in a
// group. The set must be bound to the epoch, configuration and length of the terms:
// if not, the error is ErrEpoch or ErrSchema at both ends, and nothing of the set
// is sent.
//
// The run stops when ctx ends. Errors wrap those of this package, or of package
// bloomlink: bloomlink.ErrKey at both owners and the unit says that the owners'
// secrets differ, ErrPair that their terms do not belong together. After an error
// the session is closed.
func (s *Session) Submit(ctx context.Context, set *bloomlink.Set) (*bloomlink.Groups, error) {
	if err := s.encodings(Proposer); err != nil {
		return nil, fmt.Errorf("submit: %w", err)
	}
	session := s.agreement.session()
	p := &bloomlink.Params{MaxRows: s.maxRows(), Threshold: s.terms.Threshold, Session: session[:]}
	if report := s.c.Progress; report != nil {
		p.Progress = func(now bloomlink.Progress) { report(Progress(now)) }
	}
	var g *bloomlink.Groups
	err := s.run(ctx, func() (err error) {
		if err := s.encoded(set); err != nil {
			return err
		}
		if err := s.hold.begin(s.c.Clock(), encodingItems(set)); err != nil {
			return err
		}
		s.tally.own, s.tally.asked = set.Len(), set.Len()
		if err := s.commit(set); err != nil {
			return err
		}
		if g, err = bloomlink.Submit(ctx, &s.stream, p, set); err == nil {
			s.tally.peer, s.tally.found = g.PeerSize, g.Len()
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("submit: %w", err)
	}
	if err := s.withheld(g.Len()); err != nil {
		return nil, fmt.Errorf("submit: %w", err)
	}
	return g, nil
}

// encodings reports whether the terms are for encodings and make this side the
// owner, who proposes, or the unit, who accepts.
func (s *Session) encodings(role Role) error {
	if s.terms.Function != FunctionEncodings {
		return fmt.Errorf("%w: the terms are for function %q", ErrRole, s.terms.Function)
	}
	if s.role != role {
		return fmt.Errorf("%w: the own side is the %s; the owner proposes and the unit accepts", ErrRole, s.role)
	}
	return nil
}

func (s *Session) maxRows() int { return min(s.terms.MaxProposer, bloomlink.MaxRows) }

// encoded reports whether the set is what the terms are about.
func (s *Session) encoded(set *bloomlink.Set) error {
	b := set.Binding()
	switch {
	case b.Epoch != s.terms.Epoch:
		return fmt.Errorf("%w: %q, the terms say %q", ErrEpoch, b.Epoch, s.terms.Epoch)
	case b.Config != s.terms.ConfigHash:
		return fmt.Errorf("%w: its hash begins %x, the terms' %x", ErrSchema, b.Config[:4], s.terms.ConfigHash[:4])
	case b.Length != s.terms.Length:
		return fmt.Errorf("%w: encodings of %d bits, the terms say %d", ErrSchema, b.Length, s.terms.Length)
	}
	return nil
}

// errPartner ends the session of an owner whose partner's failed. What failed
// there is not this owner's affair: it hears CodeRun.
var errPartner = errors.New("protocol: the session of the other owner failed")

// Link takes the unit's part between two owners whose terms it accepted. The terms
// must name each other as partner and be the same in epoch, schema, configuration,
// length, threshold, purpose, legal basis, article, jurisdictions, categories,
// scope and retention: if not, the error is ErrPair at all three parties. The unit learns what bloomlink.Link says. Each run
// is bound to its own session, and the key confirmation of the owners to both.
//
// Where one session fails, the other owner gets an error too. Errors are those of
// Submit; *bloomlink.OwnerError says which session is to blame, where only one is.
// After an error both sessions are closed, unless it is ErrRole, or ErrUsed for
// that one. An owner may have its groups though Link fails: the Transcript of its
// session is then not zero.
func Link(ctx context.Context, a, b *Session) (*bloomlink.Summary, error) {
	sum, err := link(ctx, a, b)
	if err != nil {
		return nil, fmt.Errorf("link: %w", err)
	}
	return sum, nil
}

func link(ctx context.Context, a, b *Session) (*bloomlink.Summary, error) {
	sessions := [2]*Session{a, b}
	for _, s := range sessions {
		if err := s.encodings(Acceptor); err != nil {
			return nil, err
		}
	}
	if err := claimBoth(ctx, a, b); err != nil {
		return nil, err
	}
	verdict := pair(a, b)
	for _, s := range sessions {
		if verdict == nil {
			verdict = s.terms.timely(s.c.Clock(), s.c.Skew)
		}
		if verdict == nil {
			verdict = s.hold.begin(s.c.Clock(), nil)
		}
	}
	joint := sync.OnceValues(func() (*bloomlink.Summary, error) {
		if verdict != nil {
			return nil, verdict
		}
		a.expectCommitment()
		b.expectCommitment()
		return bloomlink.Link(ctx, &a.stream, &b.stream, unitParams(a, b))
	})
	var errs [2]error
	var running sync.WaitGroup
	for i, s := range sessions {
		running.Go(func() {
			errs[i] = s.runClaimed(ctx, func() error {
				sum, err := joint()
				if err == nil {
					rows := []int{sum.A, sum.B}
					s.tally = tally{own: rows[i], peer: rows[1-i], found: sum.Groups, asked: rows[i]}
				}
				return ownPart(i, err)
			})
		})
	}
	running.Wait()
	if err := firstOf(errs); err != nil {
		return nil, err
	}
	return joint()
}

// claimBoth takes the run of both sessions. Where one has had its run, or there is
// but one, the owner of the other is told that it has no partner.
func claimBoth(ctx context.Context, a, b *Session) error {
	alone := func() error { return fmt.Errorf("%w: there is no second one", ErrPair) }
	if a == b {
		return a.run(ctx, alone)
	}
	first, second := a.claim(), b.claim()
	switch {
	case first && second:
		return nil
	case first:
		_ = a.runClaimed(ctx, alone)
	case second:
		_ = b.runClaimed(ctx, alone)
	}
	return ErrUsed
}

// ownPart is what the error of a joint run is to the session of one owner.
func ownPart(owner int, err error) error {
	var at *bloomlink.OwnerError
	if errors.As(err, &at) && at.Owner != owner {
		return errPartner
	}
	return err
}

// firstOf returns the error to report of two sessions: that of the one to blame.
func firstOf(errs [2]error) error {
	for i, err := range errs {
		if err == nil || errors.Is(err, errPartner) {
			continue
		}
		var at *bloomlink.OwnerError
		if other := errs[1-i]; !errors.As(err, &at) && (other == nil || errors.Is(other, errPartner)) {
			return &bloomlink.OwnerError{Owner: i, Err: err} // explain took the name away, or the farewell failed
		}
		return err
	}
	return nil
}

func unitParams(a, b *Session) *bloomlink.UnitParams {
	sa, sb := a.agreement.session(), b.agreement.session()
	p := &bloomlink.UnitParams{
		Length: a.terms.Length, Threshold: a.terms.Threshold,
		MaxA: a.maxRows(), MaxB: b.maxRows(), SessionA: sa[:], SessionB: sb[:],
	}
	configs := []*Config{a.c}
	if b.c != a.c { // sessions of one Listener share it
		configs = append(configs, b.c)
	}
	var reports []func(Progress)
	for _, c := range configs {
		if c.Progress != nil {
			reports = append(reports, c.Progress)
		}
	}
	if len(reports) > 0 {
		p.Progress = func(now bloomlink.Progress) {
			for _, report := range reports {
				report(Progress(now))
			}
		}
	}
	return p
}

// pair reports why two sessions may not be linked, as ErrPair.
func pair(a, b *Session) error {
	x, y := a.terms, b.terms
	if x.Partner != b.peer.Name || y.Partner != a.peer.Name {
		return fmt.Errorf("%w: the owners do not name each other as partner", ErrPair)
	}
	sorted := func(s []string) []string { return slices.Sorted(slices.Values(s)) }
	for _, term := range []struct {
		name string
		same bool
	}{
		{"epoch", x.Epoch == y.Epoch},
		{"schema_hash", x.SchemaHash == y.SchemaHash},
		{"config_hash", x.ConfigHash == y.ConfigHash},
		{"length", x.Length == y.Length},
		{"threshold", x.Threshold == y.Threshold},
		{"purpose", x.Purpose == y.Purpose},
		{"legal_basis", x.LegalBasis == y.LegalBasis},
		{"article", x.Article == y.Article},
		{"jurisdictions", slices.Equal(sorted(x.Jurisdictions), sorted(y.Jurisdictions))},
		{"categories", slices.Equal(sorted(x.Categories), sorted(y.Categories))},
		{"scope", x.Scope == y.Scope},
		{"retention_days", x.RetentionDays == y.RetentionDays},
	} {
		if !term.same {
			return fmt.Errorf("%w: the owners' terms differ in %q", ErrPair, term.name)
		}
	}
	return nil
}
