package tokenize

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/comity-prl/comity/internal/oprf"
	"github.com/comity-prl/comity/internal/parallel"
)

// Errors of the oblivious function.
var (
	ErrScope   = errors.New("tokenize: project and purpose are 1 to 64 of A-Z, a-z, 0-9, dot, underscore and hyphen")
	ErrOptions = errors.New("tokenize: options out of range")
	ErrInput   = errors.New("tokenize: an input has more than 65535 bytes")
	ErrAnswer  = errors.New("tokenize: malformed answer of a key server")
	ErrProof   = errors.New("tokenize: a key server's proof does not hold: it did not use the published key")
)

// Scope is what one key of tokens is for. All agencies whose tokens shall meet
// have the same scope, so it must not name one of them.
type Scope struct {
	Project string
	Purpose string
	Epoch   Epoch
}

// Validate reports malformed parts, as ErrScope or ErrEpoch.
func (s Scope) Validate() error {
	if !epochForm.MatchString(s.Project) || !epochForm.MatchString(s.Purpose) {
		return ErrScope
	}
	return s.Epoch.Validate()
}

// append appends the parts, each after its length.
func (s Scope) append(b []byte) []byte {
	for _, part := range []string{s.Project, s.Purpose, string(s.Epoch)} {
		b = append(append(b, byte(len(part))), part...)
	}
	return b
}

// cutScope reads a well-formed scope and returns what follows it.
func cutScope(b []byte) (s Scope, rest []byte, ok bool) {
	var parts [3]string
	for i := range parts {
		if len(b) == 0 || len(b) < 1+int(b[0]) {
			return Scope{}, nil, false
		}
		parts[i], b = string(b[1:1+int(b[0])]), b[1+int(b[0]):]
	}
	s = Scope{Project: parts[0], Purpose: parts[1], Epoch: Epoch(parts[2])}
	return s, b, s.Validate() == nil
}

// info is the public input of POPRF.
func (s Scope) info() []byte { return s.append([]byte("comity tokenize v1 POPRF")) }

// Transport carries a request to a key server and returns the server's answer. It
// must be safe for concurrent use. Anything that carries bytes serves: the
// requests are blinded and the answers proven. Who may ask how much is for the
// channel to establish.
type Transport func(ctx context.Context, request []byte) (answer []byte, err error)

// OPRFOptions are those of a client. The zero value, or nil, is good for most.
type OPRFOptions struct {
	// Batch is how many inputs make one request, up to MaxBatch; 0 means 1024.
	Batch int
	// Requests is how many requests a call of Evaluate has under way at once; 0
	// means 4.
	Requests int
	// Fault, if not nil, is told of each key server of a threshold whose answer was
	// missing or wrong, also where others made up for it. It is called from several
	// goroutines.
	Fault func(*MemberError)
}

const (
	defaultBatch    = 1024
	defaultRequests = 4
	maxRequests     = 1024
)

func (o *OPRFOptions) orDefaults() (OPRFOptions, error) {
	var out OPRFOptions
	if o != nil {
		out = *o
	}
	if out.Batch == 0 {
		out.Batch = defaultBatch
	}
	if out.Requests == 0 {
		out.Requests = defaultRequests
	}
	if out.Batch < 1 || out.Batch > MaxBatch || out.Requests < 1 || out.Requests > maxRequests {
		return out, ErrOptions
	}
	return out, nil
}

// OPRF is the PRF under a key that only a key server holds, or under one that no
// server holds and a threshold of them evaluates ([NewThreshold]). It is the
// verifiable function of RFC 9497, cut to 32 bytes.
//
// Servers learn how many inputs there are, and nothing of them or of the tokens;
// each answer proves that it was made with the published key, so that no server
// can give one client tokens of its own. Without servers nobody can guess inputs,
// and they can count, limit and refuse guesses.
type OPRF struct {
	suite *oprf.Suite
	scope Scope
	info  []byte // nil but for POPRF
	ask   func(context.Context, *oprf.Batch) (unblinded []byte, err error)
	o     OPRFOptions
}

// NewOPRF returns the client of one key server, whose public key it must have from
// a source that it trusts. Errors are ErrScope, ErrEpoch and ErrOptions.
func NewOPRF(k *PublicKey, s Scope, t Transport, o *OPRFOptions) (*OPRF, error) {
	c, err := newOPRF(k, s, o)
	if err != nil {
		return nil, err
	}
	c.ask = func(ctx context.Context, b *oprf.Batch) ([]byte, error) {
		answer, err := c.exchange(ctx, b, k, t)
		if err != nil {
			return nil, err
		}
		return b.Unblind(answer), nil
	}
	return c, nil
}

func newOPRF(k *PublicKey, s Scope, o *OPRFOptions) (*OPRF, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	options, err := o.orDefaults()
	if err != nil {
		return nil, err
	}
	c := &OPRF{suite: k.rfc(), scope: s, o: options}
	if k.mode == POPRF {
		c.info = s.info()
	}
	return c, nil
}

// Epoch returns the key period.
func (c *OPRF) Epoch() Epoch { return c.scope.Epoch }

// Oblivious marks that the key is the server's alone.
func (c *OPRF) Oblivious() {}

// Evaluate has the server evaluate inputs of at most 65535 bytes. Errors are those
// of the transport, ErrInput, ErrAnswer, ErrProof, and the cause of ctx.
func (c *OPRF) Evaluate(ctx context.Context, inputs [][]byte) ([]Token, error) {
	tokens := make([]Token, len(inputs))
	err := c.batches(ctx, inputs, func(at int, inputs [][]byte, unblinded []byte) {
		for i, out := range c.suite.Finalize(inputs, c.info, unblinded) {
			tokens[at+i] = Token(out)
		}
	})
	if err != nil {
		return nil, err
	}
	return tokens, nil
}

// batches gives finish the inputs from place at on, with their evaluated elements.
func (c *OPRF) batches(ctx context.Context, inputs [][]byte, finish func(at int, inputs [][]byte, unblinded []byte)) error {
	n := (len(inputs) + c.o.Batch - 1) / c.o.Batch
	return parallel.Each(ctx, n, c.o.Requests, func(ctx context.Context, i int) error {
		at := i * c.o.Batch
		part := inputs[at:min(at+c.o.Batch, len(inputs))]
		b, err := c.suite.Blind(part)
		if errors.Is(err, oprf.ErrInput) {
			return ErrInput
		}
		if err != nil {
			return err
		}
		unblinded, err := c.ask(ctx, b)
		if err != nil {
			return err
		}
		finish(at, part, unblinded)
		return nil
	})
}

// exchange is one request and its verified answer.
func (c *OPRF) exchange(ctx context.Context, b *oprf.Batch, k *PublicKey, t Transport) ([]oprf.Element, error) {
	answer, err := t(ctx, appendRequest(k, c.scope, b.Encoded()))
	if err != nil {
		return nil, err
	}
	evaluated, proof, err := parseAnswer(answer, k.suite.group().ElementSize())
	if err != nil {
		return nil, err
	}
	elements, err := b.Verify(k.element, c.info, evaluated, proof)
	if errors.Is(err, oprf.ErrProof) {
		return nil, ErrProof
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	return elements, nil
}

// MaxBatch is how many elements a request has at most.
const MaxBatch = 4096

// format is the first byte of requests and answers.
const format = 1

// A request is the format, suite, mode, the scope's parts, each after its length
// of one byte, the number of elements in two bytes, and the elements.
func appendRequest(k *PublicKey, s Scope, elements []byte) []byte {
	b := s.append([]byte{format, byte(k.suite), byte(k.mode)})
	b = binary.BigEndian.AppendUint16(b, uint16(len(elements)/k.suite.group().ElementSize()))
	return append(b, elements...)
}

// An answer is the format, the number of elements in two bytes, the elements, and
// the proof.
func appendAnswer(n int, evaluated, proof []byte) []byte {
	b := binary.BigEndian.AppendUint16([]byte{format}, uint16(n))
	return append(append(b, evaluated...), proof...)
}

func parseAnswer(b []byte, elementSize int) (evaluated, proof []byte, err error) {
	if len(b) < 3 || b[0] != format {
		return nil, nil, ErrAnswer
	}
	size := int(binary.BigEndian.Uint16(b[1:])) * elementSize
	if b = b[3:]; len(b) != size+oprf.ProofSize {
		return nil, nil, ErrAnswer
	}
	return b[:size], b[size:], nil
}
