package protocol

import (
	"errors"
	"fmt"
	"time"
)

// Who the peer is, and whether the two can speak at all.
var (
	ErrConfig      = errors.New("protocol: unusable configuration")
	ErrTLS         = errors.New("protocol: TLS failed")
	ErrPeerUnknown = errors.New("protocol: peer not trusted")
	ErrCertificate = errors.New("protocol: certificate outside its validity")
	ErrVersion     = errors.New("protocol: the peer speaks another version")
	ErrRole        = errors.New("protocol: wrong role")
	ErrSignature   = errors.New("protocol: invalid signature")
	ErrClock       = errors.New("protocol: clocks are too far apart")
)

// What the two agreed to.
var (
	ErrTerms   = errors.New("protocol: malformed terms")
	ErrExpired = errors.New("protocol: terms have expired")
	ErrEpoch   = errors.New("protocol: set of another epoch than the terms")
	ErrSchema  = errors.New("protocol: set of another schema or configuration than the terms")
	ErrUsed    = errors.New("protocol: the session has had its run")
	ErrPair    = errors.New("protocol: sessions that may not be linked")
	ErrLimit   = errors.New("protocol: a limit of the policy is reached")
)

// ErrCommitment says that a commitment is not what it is said to be.
var ErrCommitment = errors.New("protocol: not what was committed to")

// How a connection can fail.
var (
	ErrHangUp     = errors.New("protocol: the connection ended before the session did")
	ErrStalled    = errors.New("protocol: the peer was silent for too long")
	ErrFrame      = errors.New("protocol: malformed or unexpected frame")
	ErrTranscript = errors.New("protocol: transcripts differ")
	ErrResume     = errors.New("protocol: the session cannot be resumed")
	ErrClosed     = errors.New("protocol: closed")
)

// What is wrong with a mailbox.
var (
	ErrMailbox    = errors.New("protocol: unusable mailbox")
	ErrMail       = errors.New("protocol: malformed file in the mailbox")
	ErrUnanswered = errors.New("protocol: nobody answered in the mailbox")
)

// What can be wrong with sessions in steps.
var (
	ErrSealingKey = errors.New("protocol: no sealing key, which sessions in steps need")
	ErrCheckpoint = errors.New("protocol: checkpoint of a session in steps that cannot be used")
)

// What is wrong with a ledger.
var (
	ErrLedger        = errors.New("protocol: unusable ledger")
	ErrLedgerVersion = errors.New("protocol: ledger of another version")
	ErrLedgerBusy    = errors.New("protocol: another process holds the ledger")
)

// Phase is a part of a session that has a deadline.
type Phase string

const (
	PhaseHandshake Phase = "handshake" // Config.HandshakeTimeout
	PhaseIdle      Phase = "idle"      // Config.IdleTimeout
	PhaseResume    Phase = "resume"    // Config.ResumeTimeout
	PhaseRun       Phase = "run"       // Config.RunTimeout
)

// StallError says which deadline passed. It is ErrStalled; that of PhaseResume
// also is what the connection was lost to.
type StallError struct {
	Phase Phase

	cause error
}

func (e *StallError) Error() string {
	if e.cause != nil {
		return fmt.Sprintf("%v: not resumed in time: %v", ErrStalled, e.cause)
	}
	return fmt.Sprintf("%v: deadline of phase %q", ErrStalled, e.Phase)
}

// Unwrap returns ErrStalled, and the cause if there is one.
func (e *StallError) Unwrap() []error {
	if e.cause != nil {
		return []error{ErrStalled, e.cause}
	}
	return []error{ErrStalled}
}

// MailError says which file in a mailbox is malformed. It is ErrMail.
type MailError struct {
	File   string
	Reason string
}

func (e *MailError) Error() string { return fmt.Sprintf("%v: %s: %s", ErrMail, e.File, e.Reason) }

// Unwrap returns ErrMail.
func (e *MailError) Unwrap() error { return ErrMail }

// ClockError says how far the peer's clock is ahead of the own one; negative
// means behind. It is ErrClock.
type ClockError struct {
	Difference, Allowed time.Duration
}

func (e *ClockError) Error() string {
	return fmt.Sprintf("%v: the peer's is %+.1f s off, %v allowed", ErrClock, e.Difference.Seconds(), e.Allowed)
}

// Unwrap returns ErrClock.
func (e *ClockError) Unwrap() error { return ErrClock }

// TermError says which of the terms is invalid or not permitted, and why. It
// stays on the own side: the peer learns the name of the term only. Where the
// terms have expired it is ErrExpired, where one of the policy's Limits is reached
// ErrLimit, else ErrTerms for invalid ones.
type TermError struct {
	Term   string // its key in the JSON form
	Rule   string // name of the own policy's rule that refused; empty where none did
	Reason string

	cause error
}

func (e *TermError) Error() string {
	if e.Rule != "" {
		return fmt.Sprintf("protocol: term %q: %s, by rule %q", e.Term, e.Reason, e.Rule)
	}
	return fmt.Sprintf("protocol: term %q: %s", e.Term, e.Reason)
}

// Unwrap returns the sentinel that the error stands for, or nil for a term that
// is valid and not permitted.
func (e *TermError) Unwrap() error { return e.cause }

// RefusedError says which of the terms made the acceptor refuse them. Only the
// acceptor knows why.
type RefusedError struct {
	Term string // its key in the JSON form
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("protocol: the peer refused the terms because of %q", e.Term)
}
