package protocol

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comity-prl/comity/psi"
)

// ran is a session that went well, with what each side put in.
type ran struct {
	proposer, acceptor *Session
	sets               map[Role]*psi.Set
}

func run(t testing.TB, terms *Terms, p, a *psi.Set) *ran {
	t.Helper()
	pc, ac := agencies(t)
	ac.Policy.Rules[0].Functions = append(ac.Policy.Rules[0].Functions, FunctionCount)
	r := &ran{sets: map[Role]*psi.Set{Proposer: p, Acceptor: a}}
	r.proposer, r.acceptor = met(t, terms, pc, ac)
	if o := intersect(t.Context(), r.proposer, r.acceptor, p, a); o.receiveErr != nil || o.sendErr != nil {
		t.Fatalf("receive: %v; send: %v", o.receiveErr, o.sendErr)
	}
	return r
}

// Each side ends with both commitments, which an auditor can check against the
// agreement, and with the opening of its own.
func TestCommitments(t *testing.T) {
	for _, terms := range []*Terms{goodTerms(), paddedTerms()} {
		r := run(t, terms, recorded(items(0, 300), 100), recorded(items(200, 500), 200))
		ends := map[Role]*Session{Proposer: r.proposer, Acceptor: r.acceptor}
		for role, s := range ends {
			own, peer := s.Commitments()
			otherOwn, otherPeer := ends[role.other()].Commitments()
			if diff := cmp.Diff([]*Commitment{own, peer}, []*Commitment{otherPeer, otherOwn}); diff != "" {
				t.Errorf("commitments (-%s +%s):\n%s", role, role.other(), diff)
			}
			a := s.Agreement()
			if err := errors.Join(own.Verify(&a, role), peer.Verify(&a, role.other())); err != nil {
				t.Error(err)
			}
			if err := own.Verify(&a, role.other()); !errors.Is(err, ErrSignature) {
				t.Errorf("as the other side's: %v, want %v", err, ErrSignature)
			}
			o := s.Opening()
			if o.Items != r.sets[role].Len() {
				t.Errorf("%d items, want %d without dummies", o.Items, r.sets[role].Len())
			}
			if err := o.Verify(own, r.sets[role]); err != nil {
				t.Error(err)
			}
			for name, wrong := range map[string]error{
				"another set":        o.Verify(own, r.sets[role.other()]),
				"one item fewer":     o.Verify(own, psi.NewSet(items(0, 299), binding)),
				"another commitment": o.Verify(peer, r.sets[role]),
			} {
				if !errors.Is(wrong, ErrCommitment) {
					t.Errorf("%s: %v, want %v", name, wrong, ErrCommitment)
				}
			}
		}
	}
}

// recorded is a set of so many records.
func recorded(items [][32]byte, records int) *psi.Set {
	s := psi.NewSet(items, binding)
	s.Records = records
	return s
}

// Nothing that the peer sees is the same in two sessions over one set, and a
// commitment of one does not verify in the other.
func TestCommitmentsAreUnlinkable(t *testing.T) {
	set := psi.NewSet(items(0, 20), binding)
	a, b := run(t, goodTerms(), set, set), run(t, goodTerms(), set, set)
	first, _ := a.proposer.Commitments()
	second, theirs := b.proposer.Commitments()
	if first.Hash == second.Hash || second.Hash == theirs.Hash {
		t.Error("one set has one commitment")
	}
	agreement := b.proposer.Agreement()
	if err := first.Verify(&agreement, Proposer); !errors.Is(err, ErrSignature) {
		t.Errorf("in another session: %v, want %v", err, ErrSignature)
	}
}

func TestItemProof(t *testing.T) {
	xs := items(0, 300)
	set := psi.NewSet(xs, binding)
	r := run(t, goodTerms(), set, psi.NewSet(items(0, 3), binding))
	own, peer := r.proposer.Commitments()
	p, err := r.proposer.Opening().Prove(psi.NewSet(xs, psi.Binding{}), set.Leaf(7))
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	read := new(ItemProof)
	if err := json.Unmarshal(text, read); err != nil {
		t.Fatal(err)
	}
	if err := read.Verify(own, xs[7][:]); err != nil {
		t.Error(err)
	}
	if err := read.Verify(peer, xs[7][:]); !errors.Is(err, ErrCommitment) {
		t.Errorf("of the peer's commitment: %v, want %v", err, ErrCommitment)
	}
	for name, change := range map[string]func(p *ItemProof, item *[32]byte){
		"another item": func(_ *ItemProof, item *[32]byte) { *item = xs[8] },
		"nonce":        func(p *ItemProof, _ *[32]byte) { p.Nonce[0]++ },
		"items":        func(p *ItemProof, _ *[32]byte) { p.Items++ },
		"root":         func(p *ItemProof, _ *[32]byte) { p.Root[0]++ },
		"leaf":         func(p *ItemProof, _ *[32]byte) { p.Leaf ^= 1 },
		"salt":         func(p *ItemProof, _ *[32]byte) { p.Salt[0]++ },
		"no salt":      func(p *ItemProof, _ *[32]byte) { p.Salt = nil },
		"path":         func(p *ItemProof, _ *[32]byte) { p.Path[0][0]++ },
		"no path":      func(p *ItemProof, _ *[32]byte) { p.Path = nil },
	} {
		bad, item := new(ItemProof), xs[7]
		if err := json.Unmarshal(text, bad); err != nil {
			t.Fatal(err)
		}
		change(bad, &item)
		if err := bad.Verify(own, item[:]); !errors.Is(err, ErrCommitment) {
			t.Errorf("%s: %v, want %v", name, err, ErrCommitment)
		}
	}
	for _, leaf := range []int{-1, 300} {
		if _, err := r.proposer.Opening().Prove(set, leaf); !errors.Is(err, ErrCommitment) {
			t.Errorf("leaf %d: %v, want %v", leaf, err, ErrCommitment)
		}
	}
}

// FuzzItemProof reads proofs that a stranger wrote.
func FuzzItemProof(f *testing.F) {
	set := psi.NewSet(items(0, 5), binding)
	tree := set.Tree()
	o := &Opening{Seed: tree.Seed(), Items: tree.Len()}
	c := &Commitment{Hash: blinded(o.Nonce, tree.Len(), tree.Root())}
	item := items(3, 1)[0]
	p, err := o.Prove(set, set.Leaf(3))
	if err != nil {
		f.Fatal(err)
	}
	text, err := json.Marshal(p)
	if err != nil {
		f.Fatal(err)
	}
	if err := p.Verify(c, item[:]); err != nil {
		f.Fatal(err)
	}
	f.Add(text, item[:])
	f.Add(text[:len(text)-1], item[:])
	f.Add([]byte(`{"items":-1,"leaf":-1,"salt":"AAAAAAAAAAAAAAAAAAAAAA=="}`), []byte{})
	f.Fuzz(func(t *testing.T, text, datum []byte) {
		var p ItemProof
		if json.Unmarshal(text, &p) != nil {
			return
		}
		if p.Verify(c, datum) == nil && (len(datum) != 32 || !slices.Contains(items(0, 5), [32]byte(datum))) {
			t.Error("an item that is not in the set")
		}
	})
}

// What a peer says in place of its commitment is a typed error, and it hears why.
func TestHostileCommitment(t *testing.T) {
	set := psi.NewSet(items(0, 20), binding)
	elsewhere, _ := run(t, goodTerms(), set, set).proposer.Commitments()
	say := func(c *Commitment) func(*Session) error {
		return func(p *Session) error { return p.stream.write(frameCommit, c.Hash[:], c.Signature) }
	}
	own := func(p *Session) *Commitment {
		if err := p.commit(set); err != nil {
			t.Fatal(err)
		}
		c, _ := p.Commitments()
		return c
	}
	for _, tt := range []struct {
		name string
		say  func(p *Session) error
		want error
		code Code
		next frameKind // of the acceptor
	}{
		{"of another session", say(elsewhere), ErrSignature, CodeSignature, frameCommit},
		{"another hash", func(p *Session) error {
			c := *own(p)
			c.Hash[0]++
			return say(&c)(p)
		}, ErrSignature, CodeSignature, frameCommit},
		{"the own one reflected", func(p *Session) error {
			payload, err := p.stream.read(frameCommit)
			if err != nil {
				return err
			}
			return p.stream.write(frameCommit, payload)
		}, ErrSignature, CodeSignature, frameData},
		{"data instead", func(p *Session) error { return p.stream.write(frameData, []byte{1}) }, ErrFrame, CodeFrame, frameCommit},
		{"finish instead", func(p *Session) error { return p.stream.write(frameFinish, make([]byte, 32)) }, ErrFrame, CodeFrame, frameCommit},
		{"two of them", func(p *Session) error {
			c := own(p)
			return errors.Join(say(c)(p), say(c)(p))
		}, ErrFrame, CodeFrame, frameCommit},
	} {
		t.Run(tt.name, func(t *testing.T) {
			pc, ac := agencies(t)
			p, a := met(t, goodTerms(), pc, ac)
			heard := make(chan error, 1)
			go func() {
				defer p.Close()
				if err := tt.say(p); err != nil {
					heard <- err
					return
				}
				for want := tt.next; ; want = frameData { // what the acceptor's run says up to then
					if _, err := p.stream.read(want); err != nil {
						heard <- err
						return
					}
				}
			}()
			if h, err := a.Send(t.Context(), set); !errors.Is(err, tt.want) || h != nil {
				t.Errorf("%v, want %v", err, tt.want)
			}
			if _, peer := a.Commitments(); peer != nil && tt.want == ErrSignature {
				t.Error("the session keeps the commitment")
			}
			var aborted *AbortError
			if err := <-heard; !errors.As(err, &aborted) || aborted.Code != tt.code {
				t.Errorf("the peer hears %v, want code %d", err, tt.code)
			}
		})
	}
}

// Two sides whose connection holds no byte back and forth do not wait for each other.
func TestCommitmentsWithoutBuffers(t *testing.T) {
	pc, ac := agencies(t)
	here, there := net.Pipe()
	defer func() { here.Close(); there.Close() }() // ahead of the sessions: TLS would wait to take its leave
	e := over(t.Context(), t, here, there, goodTerms(), pc, ac)
	if e.proposerErr != nil || e.acceptorErr != nil {
		t.Fatalf("proposer: %v; acceptor: %v", e.proposerErr, e.acceptorErr)
	}
	set := psi.NewSet(items(0, 20), binding)
	if o := intersect(t.Context(), e.proposer, e.acceptor, set, set); o.receiveErr != nil || o.sendErr != nil {
		t.Errorf("receive: %v; send: %v", o.receiveErr, o.sendErr)
	}
}

// Owners commit to their rows before the unit, which has none.
func TestOwnersCommit(t *testing.T) {
	l := newTrio(t).meet(t)
	set := encodingSet(t, 0, 30, encodingBinding)
	l.run(t.Context(), set, encodingSet(t, 20, 40, encodingBinding))
	if l.errA != nil || l.errB != nil || l.err != nil {
		t.Fatal(l.errA, l.errB, l.err)
	}
	own, peer := l.a.Commitments()
	unitOwn, unitPeer := l.unitA.Commitments()
	if peer != nil || unitOwn != nil || l.unitA.Opening() != nil {
		t.Error("the unit committed to something")
	}
	if diff := cmp.Diff(own, unitPeer); diff != "" {
		t.Errorf("commitments (-owner +unit):\n%s", diff)
	}
	a := l.unitA.Agreement()
	if err := errors.Join(unitPeer.Verify(&a, Proposer), l.a.Opening().Verify(own, set)); err != nil {
		t.Error(err)
	}
	if err := l.a.Opening().Verify(own, encodingSet(t, 1, 30, encodingBinding)); !errors.Is(err, ErrCommitment) {
		t.Errorf("other rows: %v, want %v", err, ErrCommitment)
	}
}

// A session that ended before its run has none.
func TestNoCommitment(t *testing.T) {
	pc, ac := agencies(t)
	p, a := met(t, goodTerms(), pc, ac)
	defer closeAll(p, a)
	if own, peer := p.Commitments(); own != nil || peer != nil || p.Opening() != nil {
		t.Error("a commitment before the run")
	}
}

// BenchmarkCommitment is what a commitment adds to a run whose set has its tree.
func BenchmarkCommitment(b *testing.B) {
	for _, n := range []int{1 << 10, 1 << 20} {
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) {
			pc, ac := agencies(b)
			p, a := met(b, goodTerms(), pc, ac)
			set := psi.NewSet(items(0, n), binding)
			set.Tree()
			agreement := a.Agreement()
			for b.Loop() {
				if err := p.commit(set); err != nil {
					b.Fatal(err)
				}
				own, _ := p.Commitments()
				if err := own.Verify(&agreement, Proposer); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
