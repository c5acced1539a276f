package protocol

// Limits bound what a peer may do under a rule. Zero: no limit; all are per
// calendar day in UTC unless said otherwise.
type Limits struct {
	PeerSessions    int      `json:"peer_sessions,omitempty"`    // sessions with the peer
	PurposeSessions int      `json:"purpose_sessions,omitempty"` // sessions with the peer for the purpose
	OfficerSessions int      `json:"officer_sessions,omitempty"` // sessions of the requesting officer with the peer
	Items           int      `json:"items,omitempty"`            // items that the receiver asked about, over all sessions with the peer
	Counts          int      `json:"counts,omitempty"`           // sessions of function count with the peer
	Cooldown        Duration `json:"cooldown,omitempty"`         // least time between two sessions with the peer for the purpose
	Window          Duration `json:"window,omitempty"`           // how far back the own set is compared; 0: 30 days
	MinChange       int      `json:"min_change,omitempty"`       // bulk: the own set may not have changed by 1..MinChange-1 items since a session with the peer in the window
	ChangeApprovals int      `json:"change_approvals,omitempty"` // so many approvers lift MinChange; 0: none do
}
