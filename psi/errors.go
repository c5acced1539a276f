package psi

import (
	"errors"

	"github.com/comity-prl/comity/internal/ot"
	"github.com/comity-prl/comity/internal/vole"
	"github.com/comity-prl/comity/internal/voleprf"
	"github.com/comity-prl/comity/internal/wire"
)

// A run whose two sides were set up differently ends in one of these, on both
// sides, before a size or an item is sent.
var (
	ErrVersion  = errors.New("psi: the peer speaks another version")
	ErrRole     = errors.New("psi: both sides want the same role")
	ErrSuite    = errors.New("psi: suites differ")
	ErrFunction = errors.New("psi: functions differ")
	ErrEpoch    = errors.New("psi: epochs differ")
	ErrConfig   = errors.New("psi: configurations differ")
	ErrSession  = errors.New("psi: sessions differ")
	ErrKey      = errors.New("psi: secrets differ")
	ErrNoKey    = errors.New("psi: the set's binding has no key")
)

// A peer that breaks the protocol, or a stream that fails, ends a run in one of
// these. The peer sees the same alert for all of them.
var (
	ErrTooLarge = errors.New("psi: set larger than the agreed maximum")
	ErrEncoding = ot.ErrEncoding // not the canonical encoding of a group element
	ErrIdentity = ot.ErrIdentity // the identity element

	ErrLength    = wire.ErrLength    // a message is shorter or longer than the protocol allows
	ErrMessage   = wire.ErrKind      // a message came out of turn
	ErrTruncated = wire.ErrTruncated // the stream ended before the run did
	ErrAborted   = wire.ErrAlert     // the peer ended the run; it alone knows why
)

// ErrAgain ends a run of a fast suite with a chance of 2^-40: under the salts that were
// drawn, a set cannot be encoded. Another run draws new ones.
var ErrAgain = errors.New("psi: by a rare chance the sets cannot be encoded: run again")

// A run in steps that cannot go on.
var (
	// ErrState is a state that State did not return, or that belongs to another run.
	ErrState = errors.New("psi: the state is not one of this run")
	// ErrSet says that the own set is another than the one that the run began with.
	// Only a new run helps.
	ErrSet = errors.New("psi: the set has changed since the run began: start again")
	// ErrOver is a step of a run that is over, or that failed.
	ErrOver = errors.New("psi: the run is over")
)

// A peer that departs from the protocol of VOLEMalicious is found out by one of its
// checks, each of which has an error of its own. The peer sees the same alert for all
// of them, and for those above.
var (
	ErrTransferTrees = ot.ErrTree            // the receiver's trees of the oblivious transfers
	ErrTransferRows  = ot.ErrConsistency     // the receiver's choices in them
	ErrVOLE          = vole.ErrCheck         // the sender's trees
	ErrCommitment    = voleprf.ErrCommitment // the sender opened something else
	ErrSeeds         = voleprf.ErrSeeds      // the sender's seeds are not those that were sent
)
