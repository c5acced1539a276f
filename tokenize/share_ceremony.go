package tokenize

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"

	"github.com/comity-prl/comity/internal/oprf"
	"github.com/comity-prl/comity/internal/vss"
)

// The rounds by which dealers give receivers a new sharing, the same for
// generation, refresh and reshare. Dealing is Feldman's; generation sums the
// dealers' secrets (Pedersen, Eurocrypt 1991).
//
//  1. A dealer broadcasts the commitment to its polynomial and sends each receiver
//     its share.
//  2. A receiver broadcasts which dealers' shares are missing or wrong, and hashes
//     of the commitments that it got.
//  3. A dealer answers complaints by broadcasting the shares in question. Who does
//     not, or answers wrongly, or has t complaints or more, is disqualified.
//  4. A receiver broadcasts a hash of the committee that comes of it.
//
// The hashes find a dealer that broadcasts different things to different members.
// A dealer that speaks last can bias the generated key, as Gennaro, Jarecki,
// Krawczyk and Rabin show (J. Cryptology 2007). Here that is harmless: each dealer
// proves that it knows its secret, so that the key is an honest dealer's k plus a
// number c that the others know, and whoever could evaluate under k+c could
// evaluate under k, by subtracting c·H(x).

// Errors of a ceremony.
var (
	ErrPlan      = errors.New("tokenize: a ceremony has suite, scope, 2 to 64 members and a threshold from 2 to their number")
	ErrDealing   = errors.New("tokenize: its dealing is missing or wrong")
	ErrMissing   = errors.New("tokenize: it said nothing, or what is malformed")
	ErrBroadcast = errors.New("tokenize: members were told different things")
	ErrCeremony  = errors.New("tokenize: too few members took part rightly")
)

// Round is what a participant sends in one round of a ceremony.
type Round struct {
	Number    int      // from 1; to 4, or to 12 for Rotate
	Broadcast []byte   // to all participants; nil for nothing
	Private   [][]byte // Private[i] to participant i+1 alone, where not nil
}

// Received is what one participant sent in a round; nil is nothing.
type Received struct {
	Broadcast []byte
	Private   []byte // to this participant
}

// Exchange plays a round: it sends what r holds and returns what each participant
// sent, in their order. It decides how long to wait for the missing. Channels must
// authenticate the sender and encrypt, as a protocol.Session does; what comes over
// them may be anything. What it returns for this participant itself is not used.
type Exchange func(ctx context.Context, r Round) ([]Received, error)

// ceremony is one participant's view. The dealers are the first participants; the
// receivers follow after offset.
type ceremony struct {
	group     oprf.Group
	id        [sha256.Size]byte // of this ceremony and of what was agreed
	threshold int               // of the new sharing
	receivers int
	dealers   int
	offset    int
	self      int            // participant, from 1
	secret    oprf.Scalar    // what self deals; nil if it deals nothing
	known     []oprf.Element // public forms of the dealers' secrets; nil if they choose
	exchange  Exchange
	before    int // rounds of what was played before

	dealings []dealing
	faults   []*MemberError
}

// dealing is what a dealer gave.
type dealing struct {
	hash       [sha256.Size]byte
	commitment vss.Commitment // nil if malformed
	share      oprf.Scalar    // self's; nil if missing or wrong, or if self receives nothing
	complaints []int          // receivers
}

// receiver is self's number among the receivers, or 0.
func (c *ceremony) receiver() int { return max(0, c.self-c.offset) }

// fault notes the first thing that a participant does wrong.
func (c *ceremony) fault(participant int, err error) {
	if !c.faulty(participant) {
		c.faults = append(c.faults, &MemberError{Member: participant, Err: err})
	}
}

func (c *ceremony) faulty(participant int) bool {
	return slices.ContainsFunc(c.faults, func(e *MemberError) bool { return e.Member == participant })
}

// play exchanges a round and returns one Received a participant.
func (c *ceremony) play(ctx context.Context, r Round) ([]Received, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	r.Number += c.before
	in, err := c.exchange(ctx, r)
	if err != nil {
		return nil, fmt.Errorf("round %d: %w", r.Number, err)
	}
	n := c.offset + c.receivers
	return append(slices.Clip(in), make([]Received, max(0, n-len(in)))...)[:n], nil
}

// qualified plays rounds 1 to 3 and returns the dealers whose dealings stand.
func (c *ceremony) qualified(ctx context.Context) ([]int, error) {
	own, shares := c.deal()
	in, err := c.play(ctx, own)
	if err != nil {
		return nil, err
	}
	if c.secret != nil {
		in[c.self-1].Broadcast = own.Broadcast
		if r := c.receiver(); r > 0 {
			in[c.self-1].Private = oprf.Encode(shares[r-1])
		}
	}
	c.receive(in)
	verdict := c.verdict()
	if in, err = c.play(ctx, Round{Number: 2, Broadcast: verdict}); err != nil {
		return nil, err
	}
	if c.receiver() > 0 {
		in[c.self-1].Broadcast = verdict
	}
	if err := c.complaints(in); err != nil {
		return nil, err
	}
	answer := c.answer(shares)
	if in, err = c.play(ctx, Round{Number: 3, Broadcast: answer}); err != nil {
		return nil, err
	}
	if c.secret != nil {
		in[c.self-1].Broadcast = answer
	}
	for _, s := range shares {
		s.Zero()
	}
	return c.standing(in), nil
}

// deal is round 1 of a dealer, and empty otherwise.
func (c *ceremony) deal() (Round, []oprf.Scalar) {
	if c.secret == nil {
		return Round{Number: 1}, nil
	}
	commitment, shares := vss.Deal(c.group, c.secret, c.threshold, c.receivers)
	r := Round{Number: 1, Broadcast: []byte{format}, Private: make([][]byte, c.offset+c.receivers)}
	if c.known == nil {
		r.Broadcast = append(r.Broadcast, vss.ProveKnowledge(c.group, c.secret, c.proofContext(c.self))...)
		r.Broadcast = commitment[0].Append(r.Broadcast)
	}
	for _, e := range commitment[1:] {
		r.Broadcast = e.Append(r.Broadcast)
	}
	for i, s := range shares {
		r.Private[c.offset+i] = oprf.Encode(s)
	}
	return r, shares
}

// proofContext makes a proof of knowledge one dealer's.
func (c *ceremony) proofContext(dealer int) []byte { return append(c.id[:], byte(dealer)) }

// receive reads the dealings.
func (c *ceremony) receive(in []Received) {
	c.dealings = make([]dealing, c.dealers)
	for i := range c.dealings {
		d := &c.dealings[i]
		d.hash = sha256.Sum256(in[i].Broadcast)
		d.commitment = c.commitment(i+1, in[i].Broadcast)
		if d.commitment == nil || c.receiver() == 0 {
			continue
		}
		s, err := c.group.DecodeScalar(in[i].Private)
		if err == nil && d.commitment.Verify(c.group, c.receiver(), s) {
			d.share = s
		}
	}
}

// commitment reads a dealer's broadcast; nil if it is malformed.
func (c *ceremony) commitment(dealer int, b []byte) vss.Commitment {
	if len(b) == 0 || b[0] != format {
		return nil
	}
	b = b[1:]
	var proof []byte
	coefficients := c.threshold - 1
	if c.known == nil {
		if len(b) < oprf.ProofSize {
			return nil
		}
		proof, b = b[:oprf.ProofSize], b[oprf.ProofSize:]
		coefficients++
	}
	if len(b) != coefficients*c.group.ElementSize() {
		return nil
	}
	commitment, err := decodeCommitment(c.group, b)
	if err != nil {
		return nil
	}
	if c.known != nil {
		return append(vss.Commitment{c.known[dealer-1]}, commitment...)
	}
	if !vss.VerifyKnowledge(c.group, commitment[0], c.proofContext(dealer), proof) {
		return nil
	}
	return commitment
}

// verdict is round 2 of a receiver: for each dealer the hash of its broadcast, and
// 1 for a complaint.
func (c *ceremony) verdict() []byte {
	if c.receiver() == 0 {
		return nil
	}
	b := []byte{format}
	for _, d := range c.dealings {
		complaint := byte(0)
		if d.commitment != nil && d.share == nil {
			complaint = 1
		}
		b = append(append(b, d.hash[:]...), complaint)
	}
	return b
}

// complaints reads the verdicts. It fails if a receiver got another broadcast from
// a dealer than self did, or says so: who of the two lies is beyond telling, unless
// they are one and the same.
func (c *ceremony) complaints(in []Received) error {
	const size = sha256.Size + 1
	for r := 1; r <= c.receivers; r++ {
		b := in[c.offset+r-1].Broadcast
		if len(b) != 1+c.dealers*size || b[0] != format {
			c.fault(c.offset+r, ErrMissing)
			continue
		}
		for i := range c.dealings {
			d, part := &c.dealings[i], b[1+i*size:][:size]
			if !bytes.Equal(d.hash[:], part[:sha256.Size]) {
				if c.offset+r == i+1 {
					d.commitment = nil
					continue
				}
				return errors.Join(ErrBroadcast, &MemberError{Member: i + 1, Err: ErrBroadcast}, &MemberError{Member: c.offset + r, Err: ErrBroadcast})
			}
			if part[sha256.Size] != 0 {
				d.complaints = append(d.complaints, r)
			}
		}
	}
	return nil
}

// answer is round 3 of a dealer: the shares that were complained about.
func (c *ceremony) answer(shares []oprf.Scalar) []byte {
	if c.secret == nil {
		return nil
	}
	b := []byte{format}
	if complaints := c.dealings[c.self-1].complaints; len(complaints) < c.threshold {
		for _, r := range complaints {
			b = shares[r-1].Append(b)
		}
	}
	return b
}

// standing reads the answers and returns the dealers that are qualified. All who
// got the same broadcasts come to the same.
func (c *ceremony) standing(in []Received) []int {
	var qualified []int
	for i := range c.dealings {
		if !c.stands(&c.dealings[i], in[i].Broadcast) {
			c.fault(i+1, ErrDealing)
			continue
		}
		qualified = append(qualified, i+1)
	}
	return qualified
}

func (c *ceremony) stands(d *dealing, answer []byte) bool {
	if d.commitment == nil || len(d.complaints) >= c.threshold {
		return false
	}
	if len(d.complaints) == 0 {
		return true
	}
	if len(answer) != 1+len(d.complaints)*oprf.ScalarSize || answer[0] != format {
		return false
	}
	for i, r := range d.complaints {
		s, err := c.group.DecodeScalar(answer[1+i*oprf.ScalarSize:][:oprf.ScalarSize])
		if err != nil || !d.commitment.Verify(c.group, r, s) {
			return false
		}
		if r == c.receiver() {
			d.share = s
		}
	}
	return true
}

// confirm is round 4: a threshold of receivers at least, self among them if it is
// one, must have come to the same committee, and none to another that has done
// nothing wrong so far.
func (c *ceremony) confirm(ctx context.Context, result *Committee) error {
	hash := sha256.Sum256(append(c.id[:], result.Bytes()...))
	var own []byte
	if c.receiver() > 0 {
		own = hash[:]
	}
	in, err := c.play(ctx, Round{Number: 4, Broadcast: own})
	if err != nil {
		return err
	}
	agreed := 0
	for r := 1; r <= c.receivers; r++ {
		switch b := in[c.offset+r-1].Broadcast; {
		case r == c.receiver() || bytes.Equal(b, hash[:]):
			agreed++
		case len(b) == len(hash) && !c.faulty(c.offset+r):
			return errors.Join(ErrBroadcast, &MemberError{Member: c.offset + r, Err: ErrBroadcast})
		default:
			c.fault(c.offset+r, ErrMissing)
		}
	}
	if agreed < c.threshold {
		return c.failed()
	}
	return nil
}

// failed is ErrCeremony with all faults.
func (c *ceremony) failed() error {
	errs := []error{ErrCeremony}
	for _, f := range c.faults {
		errs = append(errs, f)
	}
	return errors.Join(errs...)
}
