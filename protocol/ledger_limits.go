package protocol

import (
	"cmp"
	"fmt"
	"time"

	"github.com/comity-prl/comity/internal/iblt"
)

// Limits bound what sessions with a peer may add up to under a rule. Zero: no limit;
// all are per calendar day in UTC unless said otherwise. What counts are the
// sessions with the peer that the own Ledger holds, under whatever rule they ran.
type Limits struct {
	PeerSessions    int `json:"peer_sessions,omitempty"`    // sessions with the peer
	PurposeSessions int `json:"purpose_sessions,omitempty"` // sessions with the peer for the purpose
	// OfficerSessions are those of the requesting officer with the peer.
	OfficerSessions int `json:"officer_sessions,omitempty"`
	Items           int `json:"items,omitempty"`  // items that the receiver asked about, over all sessions with the peer
	Counts          int `json:"counts,omitempty"` // sessions of function count with the peer
	// Cooldown is the least time between two sessions with the peer for the purpose.
	Cooldown Duration `json:"cooldown,omitempty"`

	// Window is how far back the own set is compared. 0: 30 days.
	Window Duration `json:"window,omitempty"`
	// MinChange binds sessions of bulk scope: the own set may not have changed by 1
	// to MinChange−1 items since one with the peer in the window. At most 4096.
	MinChange int `json:"min_change,omitempty"`
	// ChangeApprovals is how many approvers lift MinChange. 0: none do.
	ChangeApprovals int `json:"change_approvals,omitempty"`
}

const (
	defaultSpan = 30 * day
	maxSpan     = 366 * day // of a window and a cooldown
)

// check reports the first limit that is out of range, by its key.
func (l *Limits) check() *PolicyError {
	for _, limit := range []struct {
		key    string
		n, max int64
	}{
		{"peer_sessions", int64(l.PeerSessions), maxBookings},
		{"purpose_sessions", int64(l.PurposeSessions), maxBookings},
		{"officer_sessions", int64(l.OfficerSessions), maxBookings},
		{"items", int64(l.Items), 1 << 48},
		{"counts", int64(l.Counts), maxBookings},
		{"min_change", int64(l.MinChange), iblt.MaxCapacity},
		{"change_approvals", int64(l.ChangeApprovals), maxApprovers},
	} {
		if limit.n < 0 || limit.n > limit.max {
			return &PolicyError{Key: "limits", Reason: fmt.Sprintf("%q is not between 0 and %d", limit.key, limit.max)}
		}
	}
	for key, d := range map[string]Duration{"cooldown": l.Cooldown, "window": l.Window} {
		if d < 0 || time.Duration(d) > maxSpan {
			return &PolicyError{Key: "limits", Reason: fmt.Sprintf("%q is not between 0 and %v", key, Duration(maxSpan))}
		}
	}
	return nil
}

// window is how far back the own set is compared.
func (l *Limits) window() time.Duration { return cmp.Or(time.Duration(l.Window), defaultSpan) }
