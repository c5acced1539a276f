package protocol

import (
	"slices"
	"time"
)

// PolicyVersion is the version of the policies' format.
const PolicyVersion = 1

// Any, as an entry of a list of strings in a Rule, permits every value.
const Any = "*"

// ProfileFIPS, as the profile of a Policy, permits only what is built from P-256,
// SHA-2, HMAC and AES-GCM; profile.go says what it covers and what not.
const ProfileFIPS = "fips"

// Policy is what a side permits: rules in order, each for some peers and purposes.
// It fails closed: the first rule whose peers and purposes both cover the terms
// decides alone, what that does not list is refused, an empty list permits nothing,
// and the zero Policy refuses all terms. As JSON it is policy.schema.json.
//
// What lies inside both sides' policies is what runs, as the proposer's decides
// before the terms are sent (where Config.Policy is set) and the acceptor's before
// they are countersigned. Each binds its own side: a peer that is dishonest states
// what the other's policy asks for, and only what a side can check, or what the
// protocol enforces (peer, suite, receiver, epoch, schema, sizes, expiry), binds it.
type Policy struct {
	Version int    `json:"version"`           // 0 outside of JSON: PolicyVersion
	Profile string `json:"profile,omitempty"` // "" or ProfileFIPS
	Rules   []Rule `json:"rules"`

	and *Policy // has to permit too
}

// And returns a policy that permits what both permit: say that of the agency, and
// what was agreed with one peer. The rule that Decide returns, and whose limits
// hold, is p's.
func (p *Policy) And(q *Policy) *Policy {
	if p == nil || q == nil {
		return nil
	}
	both := *p
	if p.and != nil {
		q = p.and.And(q)
	}
	both.and = q
	return &both
}

// Decide returns the rule that permits the terms to the own side, or why they are
// invalid, not timely or not permitted: a *TermError that names the first such
// term, and the rule that refused it. A nil Policy permits nothing. Terms may have
// been issued up to skew after now; they expire by the clock of now.
//
// Where no rule is for the peer, the refused term is the one with its name; where
// none is for the purpose, that. The rule then looks at the terms in their order.
func (p *Policy) Decide(t *Terms, own Role, now time.Time, skew time.Duration) (*Rule, error) {
	if err := t.Validate(); err != nil {
		return nil, err
	}
	if err := t.timely(now, skew); err != nil {
		return nil, err
	}
	return p.decide(t, own)
}

func (p *Policy) decide(t *Terms, own Role) (*Rule, error) {
	peer := own.other()
	rule, err := p.ruleFor(t.name(peer), t.Purpose, string(peer))
	if err != nil {
		return nil, err
	}
	if p.Profile == ProfileFIPS && !fipsSuite(t) {
		return nil, &TermError{Term: "suite", Rule: rule.Name, Reason: "not in the profile " + ProfileFIPS}
	}
	if err := rule.check(t); err != nil {
		return nil, err
	}
	if p.and != nil {
		if _, err := p.and.decide(t, own); err != nil {
			return nil, err
		}
	}
	return rule, nil
}

// ruleFor returns the first rule for the peer and the purpose.
func (p *Policy) ruleFor(peer, purpose, peerTerm string) (*Rule, error) {
	refused := &TermError{Term: peerTerm, Reason: "no rule of the policy is for this peer"}
	if p == nil {
		return nil, refused
	}
	for i := range p.Rules {
		r := &p.Rules[i]
		if !permits(r.Peers, peer) {
			continue
		}
		if permits(r.Purposes, purpose) {
			return r, nil
		}
		refused = &TermError{Term: "purpose", Reason: "no rule of the policy is for this peer and purpose"}
	}
	return nil, refused
}

// fips reports whether the profile holds for the own side.
func (p *Policy) fips() bool { return p != nil && (p.Profile == ProfileFIPS || p.and.fips()) }

// limits reports whether a rule has limits, which a ledger has to count by.
func (p *Policy) limits() bool {
	return slices.ContainsFunc(p.Rules, func(r Rule) bool { return r.Limits != Limits{} })
}

func permits(list []string, value string) bool {
	return slices.Contains(list, value) || slices.Contains(list, Any)
}
