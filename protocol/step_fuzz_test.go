package protocol

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"strings"
	"testing"

	"github.com/comity-prl/comity/psi"
)

// stepStarts returns a session of each side, as it is before it reads each message, and
// the content of the message that it then gets.
func stepStarts(f *testing.F) (starts []*stepSession, contents [][]byte) {
	p, a := stepSides(f, 3)
	p.c.Log, a.c.Log = nil, nil
	if _, err := p.run(stepTerms(3, Acceptor)); err != nil {
		f.Fatal(err)
	}
	turn, other := a, p
	for range 6 {
		files := read(f, p.box)
		for name, data := range files {
			n, _ := parseStepName(name)
			last, payload, err := parseStepFile(data, n)
			if err != nil || !last {
				f.Fatalf("%v, last part: %v", err, last)
			}
			_, content, err := openStep(turn.c.Identity, n, last, payload)
			if err != nil {
				f.Fatal(err)
			}
			c, err := turn.c.forMailbox().withDefaults()
			if err != nil {
				f.Fatal(err)
			}
			set := turn.set
			r := &stepRun{
				Steps: &Steps{Set: func(*Terms) (*psi.Set, error) { return set, nil }}, c: c,
				store: &stepStore{newCrashStore(1), c.Identity}, sessions: map[mailSession]*stepSession{},
			}
			x := &stepSession{r: r, id: n.session, state: stepState{
				Role: Acceptor, Agreement: Agreement{Proposer: stepPeer(p.c.Identity.Peer()), Acceptor: stepPeer(a.c.Identity.Peer())},
			}}
			if n.message > 1 {
				store := &stepStore{&folderStore{turn.dir}, c.Identity}
				state, run, err := store.load(n.session)
				if err != nil {
					f.Fatal(err)
				}
				x.state, x.run = *state, run
				if x.terms, err = ParseTerms([]byte(state.Agreement.Terms)); err != nil {
					f.Fatal(err)
				}
			}
			starts, contents = append(starts, x), append(contents, content)
		}
		if _, err := turn.run(nil); err != nil {
			f.Fatal(err)
		}
		turn, other = other, turn
	}
	if len(starts) != lastMessage {
		f.Fatalf("%d messages, want %d", len(starts), lastMessage)
	}
	return starts, contents
}

// FuzzStepMessage has an authenticated peer say anything: the session goes on, or ends
// in an error that the log has a name for. Half of what it says comes after a head that
// is right in this process, whose keys and nonces are its own.
func FuzzStepMessage(f *testing.F) {
	starts, contents := stepStarts(f)
	heads := []int{1 + 32 + 3 + len(starts[1].state.Agreement.Terms), 33 + 32 + signatureSize, 33 + signatureSize + 96, 33 + 96, 33, 33}
	for i, content := range contents {
		f.Add(uint8(i), true, content)
		f.Add(uint8(i), true, content[:len(content)/2])
		f.Add(uint8(i), true, append([]byte{kindAbort}, make([]byte, 33)...))
		f.Add(uint8(i), true, append(append([]byte{kindRefuse}, make([]byte, 32)...), "purpose"...))
		f.Add(uint8(i), false, content[heads[i]:])
	}
	f.Fuzz(func(t *testing.T, number uint8, whole bool, content []byte) {
		at := int(number) % len(starts)
		if !whole {
			content = append(contents[at][:heads[at]:heads[at]], content...)
		}
		x := *starts[at]
		m := &stepReader{rest: content, last: true, content: sha256.New()}
		take := x.next
		if at == 0 {
			take = x.accept
		}
		err := take(context.Background(), m)
		var halt haltError
		if errors.As(err, &halt) {
			t.Errorf("the peer's content is taken for a failure of this side: %v", err)
		}
		if bytes.Equal(content, contents[at]) && err != nil {
			t.Errorf("message %d as it was: %v", at+1, err)
		}
		if outcome, _ := outcomeOf(err); outcome == "" {
			t.Errorf("no outcome for %v", err)
		}
	})
}

func FuzzStepFile(f *testing.F) {
	id := identity(f, "Arcadia")
	n := stepName{mailSession{7}, 3, 9}
	good, err := sealStep(id, id.Peer(), n, true, []byte("content"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(n.String(), good)
	f.Add(n.String(), good[:stepHeader])
	f.Add(n.String(), make([]byte, len(good)))
	f.Add(strings.ToUpper(n.String()), good)
	f.Add(n.String()+".part", good)
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		n, ok := parseStepName(name)
		if !ok {
			return
		}
		if n.String() != name {
			t.Errorf("%q is read as %q", name, n)
		}
		last, payload, err := parseStepFile(data, n)
		if err != nil {
			if !errors.Is(err, errNotWhole) && !errors.Is(err, ErrMail) {
				t.Errorf("untyped: %v", err)
			}
			return
		}
		if _, _, err := openStep(id, n, last, payload); err == nil && !bytes.Equal(data, good) {
			t.Error("a part that nobody sealed opens")
		}
	})
}

func FuzzStepCheckpoint(f *testing.F) {
	id := identity(f, "Arcadia")
	session := mailSession{7}
	good, err := sealState(id, session, &stepState{Role: Proposer, At: 3}, []byte("run"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:stateHeader])
	f.Add([]byte(stateMagic + "\x02"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, run, err := openState(id, session, data)
		if err != nil {
			if !errors.Is(err, ErrCheckpoint) {
				t.Errorf("untyped: %v", err)
			}
			return
		}
		if !bytes.Equal(data, good) || s.At != 3 || string(run) != "run" {
			t.Error("a checkpoint that nobody sealed opens")
		}
	})
}
