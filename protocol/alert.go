package protocol

import (
	"context"
	"errors"
	"fmt"

	"github.com/comity-prl/comity/internal/wire"
)

// Code tells a peer why a session was aborted. Codes name what both sides can
// put right together. What goes wrong within a run has one code, so that the
// peer learns nothing from how a check failed.
type Code uint8

const (
	CodeRun        Code = 1 + iota // the run failed, or anything without a code of its own
	CodeVersion                    // another version of the protocol
	CodePeer                       // the signing key is not trusted
	CodeRole                       // two proposers or two acceptors
	CodeSignature                  // a signature does not verify
	CodeClock                      // clocks too far apart
	CodeTerms                      // terms that cannot be read
	CodeExpired                    // terms that expired before the run
	CodeEpoch                      // the set's epoch is not the terms'
	CodeSchema                     // the set's schema or configuration is not the terms'
	CodePair                       // the unit may not link these two sessions
	CodeFrame                      // malformed or unexpected frame
	CodeTranscript                 // transcripts differ
	CodeStalled                    // the receiver of this code was silent, or its run took too long
	CodeClosed                     // the peer closed the session or cancelled the run
	CodeResume                     // no such session to resume, or not from there
)

// causes pairs each code with the error that it stands for, at both ends. The
// first that matches a local error is the one sent.
var causes = []struct {
	code  Code
	cause error
}{
	{CodeClosed, ErrClosed},
	{CodeVersion, ErrVersion},
	{CodePeer, ErrPeerUnknown},
	{CodeRole, ErrRole},
	{CodeSignature, ErrSignature},
	{CodeClock, ErrClock},
	{CodeExpired, ErrExpired},
	{CodeTerms, ErrTerms},
	{CodeEpoch, ErrEpoch},
	{CodeSchema, ErrSchema},
	{CodePair, ErrPair},
	{CodeFrame, ErrFrame},
	{CodeTranscript, ErrTranscript},
	{CodeResume, ErrResume},
	{CodeStalled, ErrStalled},
	{CodeRun, wire.ErrAlert},
}

// codeFor returns the code that tells the peer of a local error.
func codeFor(err error) Code {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return CodeClosed
	}
	for _, c := range causes {
		if errors.Is(err, c.cause) {
			return c.code
		}
	}
	return CodeRun
}

// AbortError says that the peer ended the session. It wraps the error that the
// code stands for, so that errors.Is(err, ErrEpoch) holds at both ends; for
// CodeRun that is psi.ErrAborted.
type AbortError struct {
	Code Code
}

func (e *AbortError) Error() string {
	if e.Code == CodeRun {
		return "protocol: the peer aborted the run"
	}
	if cause := e.Unwrap(); cause != nil {
		return fmt.Sprintf("protocol: the peer aborted: %v", cause)
	}
	return fmt.Sprintf("protocol: the peer aborted with code %d", e.Code)
}

// Unwrap returns the error that the code stands for, or nil if the code is not
// known here.
func (e *AbortError) Unwrap() error {
	for _, c := range causes {
		if c.code == e.Code {
			return c.cause
		}
	}
	return nil
}
