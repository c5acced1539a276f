package tokenize

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"

	"github.com/comity-prl/comity/internal/oprf"
)

// Errors of a key server.
var (
	ErrRequest   = errors.New("tokenize: malformed request")
	ErrNoKey     = errors.New("tokenize: no key of this suite and mode for this scope")
	ErrSharedKey = errors.New("tokenize: a VOPRF key serves one scope alone")
)

// MaxRequest is the length of the longest request, in bytes.
const MaxRequest = 3 + 3*(1+64) + 2 + MaxBatch*oprf.MaxElementSize

// Request is a client's request, of which the server knows the scope and how many
// elements it has.
type Request struct {
	suite    Suite
	mode     Mode
	scope    Scope
	n        int
	elements []byte
}

// ParseRequest reads a request without decoding its elements, so that who sent it
// can be charged for their number first. It keeps a reference to b. The error is
// ErrRequest.
func ParseRequest(b []byte) (*Request, error) {
	if len(b) < 3 || len(b) > MaxRequest || b[0] != format {
		return nil, ErrRequest
	}
	r := &Request{suite: Suite(b[1]), mode: Mode(b[2])}
	g := r.suite.group()
	if g == nil || r.mode != VOPRF && r.mode != POPRF {
		return nil, fmt.Errorf("%w: unknown suite or mode", ErrRequest)
	}
	var ok bool
	if r.scope, b, ok = cutScope(b[3:]); !ok || len(b) < 2 {
		return nil, ErrRequest
	}
	r.n, r.elements = int(binary.BigEndian.Uint16(b)), b[2:]
	if r.n == 0 || r.n > MaxBatch || len(r.elements) != r.n*g.ElementSize() {
		return nil, fmt.Errorf("%w: wrong number of elements", ErrRequest)
	}
	return r, nil
}

// Scope returns what the request is for.
func (r *Request) Scope() Scope { return r.scope }

// Len returns the number of elements, from 1 to MaxBatch: the evaluations to be
// charged.
func (r *Request) Len() int { return r.n }

// Server evaluates requests under the keys of several scopes, such as the epochs
// that are live. It is safe for concurrent use. It neither knows clients nor
// counts: its caller does both.
type Server struct {
	keys map[Scope]Key
}

// NewServer returns a server of the keys. One POPRF key may serve several scopes; a
// VOPRF key must not. Errors are ErrScope, ErrEpoch and ErrSharedKey.
func NewServer(keys map[Scope]Key) (*Server, error) {
	seen := map[string]bool{}
	for s, k := range keys {
		if err := s.Validate(); err != nil {
			return nil, err
		}
		p := k.Public()
		if p.mode == VOPRF && seen[string(p.encoded)] {
			return nil, ErrSharedKey
		}
		seen[string(p.encoded)] = true
	}
	return &Server{keys: maps.Clone(keys)}, nil
}

// Public returns the public key of a scope, and whether the server has one.
func (s *Server) Public(scope Scope) (*PublicKey, bool) {
	k, ok := s.keys[scope]
	if !ok {
		return nil, false
	}
	return k.Public(), true
}

// Answer evaluates a request and returns the answer for its client. Errors are
// ErrNoKey, ErrRequest for elements that do not decode, those of the key, and the
// cause of ctx.
func (s *Server) Answer(ctx context.Context, r *Request) ([]byte, error) {
	k, ok := s.keys[r.scope]
	if !ok {
		return nil, ErrNoKey
	}
	if p := k.Public(); p.suite != r.suite || p.mode != r.mode {
		return nil, ErrNoKey
	}
	var info []byte
	if r.mode == POPRF {
		info = r.scope.info()
	}
	evaluated, proof, err := k.Evaluate(ctx, info, r.elements)
	if err != nil {
		return nil, err
	}
	return appendAnswer(r.n, evaluated, proof), nil
}
