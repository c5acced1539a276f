package protocol

import (
	"bytes"
	"crypto/ed25519"
	"fmt"
	"testing"
	"time"

	"github.com/comity-prl/comity/internal/spectest"
)

const specPage = "SPEC.md"

func TestSpecFrames(t *testing.T) {
	names := map[frameKind]string{
		frameAbort: "abort", frameHello: "hello", frameTerms: "terms", frameAccept: "accept", frameRefuse: "refuse",
		frameData: "data", frameFinish: "finish", frameAlive: "alive", frameCommit: "commit", frameAck: "ack", frameResume: "resume",
	}
	var got, want [][]string
	for kind := frameAbort; int(kind) < len(limits); kind++ {
		got = append(got, spectest.Cells(kind, names[kind], limits[kind].min, limits[kind].max, counted[kind]))
	}
	for _, row := range spectest.Table(t, specPage, "Frames") {
		want = append(want, append(row[:4:4], fmt.Sprint(bytes.Contains([]byte(row[4]), []byte("counted")))))
	}
	compare(t, want, got)
}

func TestSpecAlerts(t *testing.T) {
	var got, want [][]string
	for code := CodeRun; outcomes[code] != ""; code++ {
		got = append(got, spectest.Cells(uint8(code), outcomes[code]))
	}
	for _, row := range spectest.Table(t, specPage, "Alerts") {
		want = append(want, row[:2])
	}
	compare(t, want, got)
}

// The vectors take an honest handshake and resumption, with all that is random given.
func TestSpecVectors(t *testing.T) {
	of := func(b byte) (out [32]byte) { return [32]byte(bytes.Repeat([]byte{b}, 32)) }
	type side struct {
		role Role
		key  ed25519.PrivateKey
		peer Peer
	}
	sides := []*side{{role: Proposer}, {role: Acceptor}}
	for i, s := range sides {
		seed := of(byte(1 + i))
		s.key = ed25519.NewKeyFromSeed(seed[:])
		s.peer = Peer{Certificate: of(byte(3 + i)), SigningKey: s.key.Public().(ed25519.PublicKey)}
	}
	exporter, secret, later := Hash(of(5)), Hash(of(6)), Hash(of(7))
	var got [][]string
	say := func(name string, b []byte) { got = append(got, spectest.Cells(name, b)) }

	var hellos, signatures [2][]byte
	for i, s := range sides {
		m := &hello{
			version: Version, role: s.role.number(), purpose: forSession, clock: 1_700_000_000_000, window: defaultWindow,
			patience: uint32(defaultResume / time.Millisecond), key: [32]byte(s.peer.SigningKey),
		}
		signed, err := m.signed(s.peer.Certificate, sides[1-i].peer.Certificate, exporter)
		if err != nil {
			t.Fatal(err)
		}
		m.signature = [signatureSize]byte(ed25519.Sign(s.key, signed))
		payload, err := m.marshal()
		if err != nil {
			t.Fatal(err)
		}
		hellos[i] = frame(frameHello, payload...)
		say("hello of the "+string(s.role), hellos[i])
	}
	a := &Agreement{Terms: "terms", Proposer: sides[0].peer, Acceptor: sides[1].peer, Channel: exporter}
	for i, s := range sides {
		signed, err := a.signed(s.role)
		if err != nil {
			t.Fatal(err)
		}
		signatures[i] = ed25519.Sign(s.key, signed)
	}
	a.ProposerSignature, a.AcceptorSignature = signatures[0], signatures[1]
	terms, accept := appendFrame(nil, frameTerms, signatures[0], []byte(a.Terms)), frame(frameAccept, signatures[1]...)
	say("terms", terms)
	say("accept", accept)
	session := a.session()
	say("session", session[:])

	ch, _ := scripted(nil)
	f := flowOver(t, ch, defaultWindow)
	for _, b := range [][]byte{hellos[0], terms, frame(frameData, 1, 2, 3)} {
		f.sent.Write(b)
	}
	for _, b := range [][]byte{hellos[1], accept, frame(frameData, 4)} {
		f.received.Write(b)
	}
	transcript := f.transcript(Proposer)
	say("finish", frame(frameFinish, transcript[:]...))
	for i, s := range sides {
		r := &resumption{session: session, attempt: 3, received: uint64(1 + i)}
		if err := r.sign(secret, s.role, later); err != nil {
			t.Fatal(err)
		}
		payload, err := r.marshal()
		if err != nil {
			t.Fatal(err)
		}
		say("resume of the "+string(s.role), frame(frameResume, payload...))
	}
	spectest.Check(t, specPage, "Vectors", got)
}

func compare(t *testing.T, page, code [][]string) {
	t.Helper()
	if fmt.Sprint(page) != fmt.Sprint(code) {
		t.Errorf("the page has %v, the code %v", page, code)
	}
}
