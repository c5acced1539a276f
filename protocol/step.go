package protocol

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/comity-prl/comity/psi"
)

const (
	// stepGrace is how long after its terms a session is remembered: a sender waits so
	// long for the receiver's farewell, and what a folder shows again is known.
	stepGrace = 30 * 24 * time.Hour

	// staleSteps is the age at which files of unknown sessions are left over.
	staleSteps = 90 * 24 * time.Hour
)

// Steps runs sessions over a mailbox in steps: neither agency waits for the other. Each
// Run reads what has come, takes every session as far as it goes, writes the answers and
// returns; days may pass until the next. Messages are signed, and sealed to the sealing
// key that the peer is known by, and there is no TLS and no certificate. Whoever runs
// the folder sees times, sizes and ciphertext; it can hold a session up, and no more.
//
// The terms are for FunctionSet or FunctionCount and a Diffie–Hellman suite; what both
// sign, permit, count and log is as in a Session. An acceptor decides when the proposal
// reaches it, and the rule that permits it holds until the end. Terms that expire before
// a message is read end the session, but for the farewell of a receiver. Clocks are not
// compared: terms issued in the own future, by more than the skew of a mailbox, are
// refused.
//
// Own files of a session lie in Dir, which is for its owner alone: an encrypted
// checkpoint, and the message that the peer may not have yet. Files in the mailbox that
// are lost or torn are written anew by the next Run, those that come twice or late are
// deleted. To delete a checkpoint does not erase it where a disk keeps old blocks: what
// would then be left is as secret as the identity's sealing key, which opens it. Dir must
// not be brought back from a backup, lest a scalar serve twice.
type Steps struct {
	Mailbox *Mailbox
	// Dir is the folder of checkpoints; it is made if missing. One Run at a time works
	// in it, others wait.
	Dir    string
	Config *Config

	// Set returns the own set for the terms of a session, made anew from the own data in
	// each Run. From the message on that carries its first element it must stay the
	// same: else the session ends in psi.ErrSet. Nil leaves the session as it is.
	Set func(*Terms) (*psi.Set, error)

	// Done is handed the result of each session that ended well. Where it fails, or the
	// process ends before it returns, the next Run hands the result over again.
	Done func(*StepResult) error

	// ProposeOnly leaves others' proposals to another Run, which may have another policy.
	ProposeOnly bool

	// Tests have other ways to keep checkpoints, to be told before each change to the
	// mailbox, and smaller parts.
	store   logStore
	changes func() error
	part    int
}

// StepResult is what a session in steps brought this side.
type StepResult struct {
	Session    string // its identifier in the names of files
	Role       Role   // the own one
	Peer       Peer
	Terms      *Terms
	Agreement  Agreement // its Channel is a hash of both sides' nonces
	Transcript Hash      // the same at both ends

	// Result is the receiver's of a set, Count that of a count, Handles the sender's;
	// the others are nil.
	Result  *psi.Result
	Count   *psi.Count
	Handles *psi.Handles

	// Commitment is to the own set, PeerCommitment to the peer's. Opening opens the
	// own one, and is as secret as Opening says.
	Commitment, PeerCommitment *Commitment
	Opening                    *Opening
}

// StepStatus is how a session stands after a Run. Sessions that were over before are not
// listed.
type StepStatus struct {
	Session string
	Role    Role
	Peer    string // name; empty where it is not known
	Terms   *Terms // nil where they cannot be read
	Over    bool   // else it waits for the peer
	// Err is why a session failed, or what is wrong with a file of one that waits.
	Err error
}

// Run takes each session as far as it goes. With terms, it proposes them unless an own
// proposal to the same peer is under way. Where the configuration has a Policy, it
// answers proposals. Errors of one session are in its status; that of Run says that the
// mailbox, the checkpoints, the log or the caller's own functions failed, and the next
// Run goes on from there.
func (s *Steps) Run(ctx context.Context, propose *Terms) ([]StepStatus, error) {
	status, err := s.run(ctx, propose)
	if err != nil {
		return status, fmt.Errorf("step: %w", err)
	}
	return status, nil
}

func (s *Steps) run(ctx context.Context, propose *Terms) (status []StepStatus, err error) {
	c, err := s.Config.forMailbox().withDefaults()
	if err != nil {
		return nil, err
	}
	if s.Mailbox == nil || s.Set == nil || s.Done == nil {
		return nil, fmt.Errorf("%w: steps need a mailbox, Set and Done", ErrConfig)
	}
	if c.Identity.sealing == nil {
		return nil, fmt.Errorf("%w: the own identity has none", ErrSealingKey)
	}
	if c.Policy.fips() {
		return nil, fmt.Errorf("%w: messages in steps are sealed by ML-KEM with X25519", ErrProfile)
	}
	store := s.store
	if store == nil {
		if store, err = newFolderStore(s.Dir); err != nil {
			return nil, err
		}
	}
	unlock, err := store.lock()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	folder, err := openMailFolder(s.Mailbox)
	if err != nil {
		return nil, err
	}
	defer folder.root.Close()
	r := &stepRun{
		Steps: s, c: c, store: &stepStore{store, c.Identity}, folder: folder,
		sessions: make(map[mailSession]*stepSession), seen: make(map[mailSession]uint8),
	}
	err = r.all(ctx, propose)
	return r.status, err
}

// stepRun is one Run.
type stepRun struct {
	*Steps
	c        *Config
	store    *stepStore
	folder   *mailFolder
	sessions map[mailSession]*stepSession
	seen     map[mailSession]uint8 // whose files are in the folder: bit n for message n
	status   []StepStatus
}

func (r *stepRun) all(ctx context.Context, propose *Terms) error {
	if err := r.load(); err != nil {
		return err
	}
	for _, id := range sorted(r.sessions) {
		if err := r.sessions[id].advance(ctx); err != nil {
			return err
		}
	}
	if r.c.Policy != nil && !r.ProposeOnly {
		for _, id := range sorted(r.seen) {
			if r.sessions[id] != nil || r.seen[id]&(1<<1) == 0 || len(r.sessions) >= maxMailSessions {
				continue
			}
			if err := r.meet(ctx, id); err != nil {
				return err
			}
		}
	}
	if propose != nil {
		if err := r.propose(ctx, propose); err != nil {
			return err
		}
	}
	return r.clean()
}

func sorted[V any](m map[mailSession]V) []mailSession {
	var ids []mailSession
	for id := range m {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b mailSession) int { return bytes.Compare(a[:], b[:]) })
	return ids
}

// load reads the checkpoints, and looks into the folder.
func (r *stepRun) load() error {
	ids, err := r.store.sessions()
	if err != nil {
		return err
	}
	for _, id := range ids {
		state, run, err := r.store.load(id)
		if err != nil {
			return err
		}
		x := &stepSession{r: r, id: id, state: *state, run: run}
		x.terms, _ = ParseTerms([]byte(state.Agreement.Terms)) // of a refused proposal they may be malformed
		r.sessions[id] = x
	}
	return r.folder.list(func(e fs.DirEntry) {
		n, ok := parseStepName(e.Name())
		if ok && (r.sessions[n.session] != nil || r.seen[n.session] != 0 || len(r.seen) < maxMailSessions) {
			r.seen[n.session] |= 1 << n.message
		}
	})
}

// change is called before each change to the mailbox.
func (r *stepRun) change() error {
	if r.changes == nil {
		return nil
	}
	return r.changes()
}

// report adds to what Run returns.
func (r *stepRun) report(x *stepSession, over bool, err error) {
	r.status = append(r.status, StepStatus{
		Session: x.name(), Role: x.state.Role, Peer: x.peer().Name, Terms: x.terms, Over: over, Err: err,
	})
}

// clean deletes what nobody has to read any longer.
func (r *stepRun) clean() error {
	now := r.c.Clock()
	for id, x := range r.sessions {
		if x.state.Phase == stepOver && now.After(x.state.Keep) {
			if err := r.store.remove(stateName(id)); err != nil {
				return err
			}
			x.state.Own, x.state.At = 0, lastMessage
		}
	}
	var failed error
	err := r.folder.list(func(e fs.DirEntry) {
		n, ok := parseStepName(strings.TrimSuffix(e.Name(), mailPart))
		if !ok || failed != nil || !r.needless(e, n, now) {
			return
		}
		if failed = r.change(); failed == nil {
			r.folder.remove(e.Name())
		}
	})
	if err := errors.Join(err, failed); err != nil {
		return err
	}
	return r.store.tidy(func(id mailSession) uint8 {
		if x := r.sessions[id]; x != nil {
			return x.state.Own
		}
		return 0
	})
}

func (r *stepRun) needless(e fs.DirEntry, n stepName, now time.Time) bool {
	x := r.sessions[n.session]
	if x == nil {
		info, err := e.Info()
		return err == nil && now.Sub(info.ModTime()) > staleSteps
	}
	if x.state.Phase != stepOpen {
		return n.message != x.state.Own
	}
	return n.message <= x.state.At && n.message != x.state.Own
}

// propose begins a session, unless one is under way.
func (r *stepRun) propose(ctx context.Context, t *Terms) error {
	t = t.withDefaults(r.c)
	text, peer, err := r.c.prepare(t)
	if err != nil {
		return err
	}
	var rule *Rule
	if r.c.Policy != nil {
		if rule, err = r.c.Policy.Decide(t, Proposer, r.c.Clock(), r.c.Skew); err != nil {
			return err
		}
	}
	if err := stepwise(t); err != nil {
		return err
	}
	for _, x := range r.sessions {
		if x.state.Role == Proposer && x.state.Phase != stepOver && bytes.Equal(x.peer().SigningKey, peer.SigningKey) {
			return nil
		}
	}
	x := &stepSession{r: r, id: newMailSession(), terms: t}
	x.state = stepState{
		Role: Proposer, Rule: rule,
		Agreement: Agreement{Terms: string(text), Proposer: stepPeer(r.c.Identity.Peer()), Acceptor: stepPeer(*peer)},
		Keep:      t.Expires.Add(stepGrace),
	}
	r.sessions[x.id] = x
	return x.begin(ctx)
}

// stepwise reports a term that does not go with steps.
func stepwise(t *Terms) error {
	if !t.exact() {
		return &TermError{Term: "function", Reason: "does not run in steps"}
	}
	if suite, err := psi.SuiteByName(t.Suite); err != nil || !psi.HasSteps(suite) {
		return &TermError{Term: "suite", Reason: "does not run in steps"}
	}
	return nil
}

// stepPeer is a peer as it stands in an agreement in steps: by what is in use.
func stepPeer(p Peer) Peer { return Peer{Name: p.Name, SigningKey: p.SigningKey} }

// known returns the peer with the signing key.
func (r *stepRun) known(key ed25519.PublicKey) (*Peer, error) {
	if err := r.c.revoked(nil, key); err != nil {
		return nil, err
	}
	i := slices.IndexFunc(r.c.Peers, func(p Peer) bool { return bytes.Equal(p.SigningKey, key) })
	if i < 0 {
		return nil, fmt.Errorf("%w: signing key %x", ErrPeerUnknown, []byte(key))
	}
	if len(r.c.Peers[i].SealingKey) == 0 {
		return nil, fmt.Errorf("%w: %q is known without", ErrSealingKey, r.c.Peers[i].Name)
	}
	return &r.c.Peers[i], nil
}

// log writes an entry unless an earlier Run has, which ended before it could say so.
func (r *stepRun) log(text string, from int64) error {
	e, err := ParseEntry([]byte(text))
	if err != nil {
		return err
	}
	l := r.c.Log
	l.mu.Lock()
	defer l.mu.Unlock()
	err = l.withLocked(func(t *logTree) error {
		for i := from; i < t.size; i++ {
			old, err := t.read(i)
			if err != nil {
				return err
			}
			if old.entry == nil {
				continue // erased
			}
			if written, err := old.entry.marshal(); err == nil && string(written) == text {
				return nil
			}
		}
		return t.append([]*Entry{e})
	})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrLogWrite, err)
	}
	return nil
}

// logSize is where the log's next entry goes.
func (r *stepRun) logSize() (n int64, err error) {
	err = r.c.Log.with(func(t *logTree) error {
		n = t.size
		return nil
	})
	return n, err
}

// kept is when a session that never came about may be forgotten.
func (r *stepRun) kept(t *Terms) time.Time {
	now := r.c.Clock()
	if t == nil || t.Expires.Before(now) {
		return now.Add(stepGrace)
	}
	return t.Expires.Add(stepGrace)
}
