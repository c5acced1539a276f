package protocol

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// Checkpoints are in SPEC.md, "Step form of the mailbox". One is on disk before the files
// of its message are in the mailbox, so that a message, once made, stays what it is: no
// scalar, nonce or seal serves twice, and what comes again gets the same answer again.

const (
	stateSuffix  = ".state"
	stateMagic   = "comity-state"
	stateVersion = 1
	stateSalt    = len(stateMagic) + 1 // where it begins
	stateHeader  = stateSalt + 32
)

// stepState is what a side knows of a session.
type stepState struct {
	Role       Role      `json:"role"`
	Agreement  Agreement `json:"agreement"` // signatures as they come
	Rule       *Rule     `json:"rule"`      // of the own policy, which permitted the terms
	Seed       Hash      `json:"seed"`      // of the dummies
	Run        Hash      `json:"run"`       // names the run to package psi
	Transcript Hash      `json:"transcript"`
	At         uint8     `json:"at"`  // the last message read or written
	Own        uint8     `json:"own"` // the own message that the peer may not have yet; 0: none
	Parts      uint32    `json:"parts"`

	Phase stepPhase `json:"phase"`
	Sent  bool      `json:"sent"` // of an own message after which the session is over
	Keep  time.Time `json:"keep"` // when a session that is over may be forgotten

	Entry    string `json:"entry"` // to be in the audit log
	LogFrom  int64  `json:"log_from"`
	Logged   bool   `json:"logged"`
	Session  Hash   `json:"session"` // the transcript that both sides log, once all of the run is in it
	PeerSize int    `json:"peer_size"`

	Committed *Commitment `json:"committed"` // to the own set, once its elements are made
	Opening   *Opening    `json:"opening"`
	Heard     *Commitment `json:"heard"` // the peer's

	Hold  uint64 `json:"hold"`  // the reservation in the ledger; 0: none
	Begun bool   `json:"begun"` // it can no longer be given back
	Asked int    `json:"asked"` // items that the receiver asked about
}

// stepPhase is where a session stands.
type stepPhase uint8

const (
	stepOpen  stepPhase = iota
	stepEnded           // well, and its result has not been handed over
	stepOver            // there is nothing left but to answer what comes again
)

func (id *Identity) checkpointAEAD(session mailSession, salt []byte) (cipher.AEAD, error) {
	seed, err := id.sealing.Bytes()
	if err != nil {
		return nil, err
	}
	key, err := hkdf.Key(sha256.New, seed, salt, "comity step v1 checkpoint"+string(session[:]), 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// sealState returns a checkpoint.
func sealState(id *Identity, session mailSession, s *stepState, run []byte) ([]byte, error) {
	text, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	head := append([]byte(stateMagic), stateVersion)
	head = append(head, make([]byte, 32)...)
	rand.Read(head[stateSalt:])
	aead, err := id.checkpointAEAD(session, head[stateSalt:])
	if err != nil {
		return nil, err
	}
	plain := binary.BigEndian.AppendUint32(nil, uint32(len(text)))
	plain = append(append(plain, text...), run...)
	return aead.Seal(bytes.Clone(head), make([]byte, aead.NonceSize()), plain, head), nil
}

// openState reads a checkpoint. Errors are ErrCheckpoint.
func openState(id *Identity, session mailSession, in []byte) (*stepState, []byte, error) {
	malformed := func(reason string) (*stepState, []byte, error) {
		return nil, nil, fmt.Errorf("%w: %x: %s", ErrCheckpoint, session[:], reason)
	}
	if !bytes.HasPrefix(in, []byte(stateMagic)) || len(in) < stateHeader {
		return malformed("not a checkpoint")
	}
	if v := in[len(stateMagic)]; v != stateVersion {
		return malformed(fmt.Sprintf("version %d, here %d", v, stateVersion))
	}
	aead, err := id.checkpointAEAD(session, in[stateSalt:stateHeader])
	if err != nil {
		return nil, nil, err
	}
	plain, err := aead.Open(nil, make([]byte, aead.NonceSize()), in[stateHeader:], in[:stateHeader])
	if err != nil {
		return malformed("damaged, or of another identity or session")
	}
	if len(plain) < 4 || uint64(binary.BigEndian.Uint32(plain)) > uint64(len(plain)-4) {
		return malformed("too short")
	}
	text, run := plain[4:4+binary.BigEndian.Uint32(plain)], plain[4+binary.BigEndian.Uint32(plain):]
	s := new(stepState)
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(s); err != nil {
		return malformed("not of this version")
	}
	return s, run, nil
}

// stepStore keeps the checkpoints of one identity. What it holds is for its owner
// alone; the files of messages in it are ciphertext for the peer.
type stepStore struct {
	logStore
	id *Identity
}

// sessions returns those that there are checkpoints of.
func (s *stepStore) sessions() ([]mailSession, error) {
	files, err := s.names("")
	if err != nil {
		return nil, err
	}
	var out []mailSession
	for _, name := range files {
		text, ok := strings.CutSuffix(name, stateSuffix)
		var id mailSession
		if ok && unhex(id[:], []byte(text)) == nil {
			out = append(out, id)
		}
	}
	return out, nil
}

func stateName(id mailSession) string { return fmt.Sprintf("%x%s", id[:], stateSuffix) }

func (s *stepStore) load(id mailSession) (*stepState, []byte, error) {
	data, err := s.file(stateName(id))
	if err != nil {
		return nil, nil, err
	}
	return openState(s.id, id, data)
}

// save gives a session a new checkpoint, wholly or not at all.
func (s *stepStore) save(id mailSession, state *stepState, run []byte) error {
	data, err := sealState(s.id, id, state, run)
	if err != nil {
		return err
	}
	return replace(s, stateName(id), data)
}

// stage puts a file of a message on disk. It counts from the next save on.
func (s *stepStore) stage(n stepName, data []byte) (err error) {
	f, err := s.open(n.String())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := f.Truncate(0); err != nil {
		return err
	}
	if _, err := f.WriteAt(data, 0); err != nil {
		return err
	}
	return f.Sync()
}

// file returns a file of the store.
func (s *stepStore) file(name string) (data []byte, err error) {
	f, err := s.open(name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	size, err := f.Size()
	if err != nil {
		return nil, err
	}
	data = make([]byte, size)
	if _, err := f.ReadAt(data, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return data, nil
}

// tidy deletes files of messages that no checkpoint needs: keep returns the message
// of a session whose files stay.
func (s *stepStore) tidy(keep func(mailSession) uint8) error {
	files, err := s.names(stepPrefix)
	if err != nil {
		return err
	}
	for _, name := range files {
		if n, ok := parseStepName(name); ok && keep(n.session) != n.message {
			if err := s.remove(name); err != nil {
				return err
			}
		}
	}
	return nil
}
