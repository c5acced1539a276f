package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/comity-prl/comity/protocol"
)

// A folder is what one agency, or one linkage unit, keeps:
//
//	identity.pem            certificate, TLS key, signing key, sealing key
//	unit                    an empty file that marks a linkage unit's folder
//	peers/NAME/peer.json    a peer as it is trusted
//	peers/NAME/EPOCH.json   what was agreed with it for an epoch, the secret included
//	invitations/ID.json     own invitations that are open
//	renewals.json           the own renewals, for peers that missed one
//	revoked.json            certificates and signing keys that are trusted no longer
//	log/KEY/                the audit log, by the identity's signing key
//	ledger                  what sessions add up to
//	steps/NAME/             checkpoints of sessions in steps with a peer
//
// Folders are 0700 and files 0600: whoever reads them can act as the agency.
type folder struct {
	path     string
	identity *protocol.Identity
	revoked  []revoked
}

const (
	identityFile   = "identity.pem"
	unitFile       = "unit"
	peersFolder    = "peers"
	peerFile       = "peer.json"
	invitesFolder  = "invitations"
	privateFile    = fs.FileMode(0o600)
	privateFolder  = fs.FileMode(0o700)
	maxPrivateFile = 1 << 20
)

// createFolder makes a folder with a new identity. It refuses to touch an
// identity that exists.
func createFolder(path string, id *protocol.Identity) (*folder, error) {
	if err := os.MkdirAll(path, privateFolder); err != nil {
		return nil, err
	}
	f := &folder{path: path, identity: id}
	if err := f.private(path); err != nil {
		return nil, err
	}
	text, err := id.Marshal()
	if err != nil {
		return nil, err
	}
	file, err := os.OpenFile(f.join(identityFile), os.O_WRONLY|os.O_CREATE|os.O_EXCL, privateFile)
	if errors.Is(err, fs.ErrExist) {
		return nil, inputf(path, "the folder holds an identity already: choose another --dir")
	}
	if err != nil {
		return nil, err
	}
	_, err = file.Write(text)
	return f, errors.Join(err, file.Sync(), file.Close())
}

func openFolder(path string) (*folder, error) {
	f := &folder{path: path}
	if err := f.private(path); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, inputf(path, "there is no such folder: make one with pairmatch init")
		}
		return nil, err
	}
	text, err := f.read(identityFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, inputf(path, "the folder holds no identity: make one with pairmatch init")
	}
	if err != nil {
		return nil, err
	}
	if f.identity, err = protocol.ParseIdentity(text); err != nil {
		return nil, inputf(f.join(identityFile), "%s", flat(err))
	}
	return f, f.readRevoked()
}

func (f *folder) join(elem ...string) string {
	return filepath.Join(append([]string{f.path}, elem...)...)
}

// private reports a path that others than its owner may use. Windows has no such
// mode bits: there, the access list of the user's profile decides.
func (f *folder) private(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if open := info.Mode().Perm() & 0o077; open != 0 && runtime.GOOS != "windows" {
		return inputf(path, "others can open it (mode %#o): run chmod go= on it", info.Mode().Perm())
	}
	return nil
}

// read returns a private file.
func (f *folder) read(elem ...string) ([]byte, error) {
	path := f.join(elem...)
	if err := f.private(path); err != nil {
		return nil, err
	}
	return readBounded(path, maxPrivateFile)
}

func readBounded(path string, max int64) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, max+1))
	if err != nil {
		return nil, err
	}
	if int64(len(text)) > max {
		return nil, inputf(path, "larger than %d bytes", max)
	}
	return text, nil
}

// readJSON reads one JSON value, and refuses unknown keys.
func (f *folder) readJSON(v any, elem ...string) error {
	text, err := f.read(elem...)
	if err != nil {
		return err
	}
	if err := decodeJSON(text, v); err != nil {
		return inputf(f.join(elem...), "%s", err)
	}
	return nil
}

func (f *folder) writeJSON(v any, elem ...string) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	path := f.join(elem...)
	if err := os.MkdirAll(filepath.Dir(path), privateFolder); err != nil {
		return err
	}
	return writeFile(path, append(text, '\n'))
}

// decodeJSON reads one JSON value and nothing after it. Its errors hold nothing
// of the text but names of keys.
func decodeJSON(text []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	err := d.Decode(v)
	var mistyped *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &mistyped):
		return fmt.Errorf("%q has a value of the wrong type", mistyped.Field)
	case errors.As(err, &syntax):
		return fmt.Errorf("not JSON, at byte %d", syntax.Offset)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("not a whole JSON value")
	case err != nil:
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("data after the JSON value")
	}
	return nil
}

// known is a peer as the folder holds it.
type known struct {
	protocol.Peer
	// Unit says that the peer is a linkage unit, which must never hold a secret.
	Unit bool `json:"unit,omitempty"`

	slot string // its folder below peers
}

// slot returns the name of a new peer's folder: readable, and distinct by fingerprint.
// It stays when the peer renews its certificate.
func slot(p protocol.Peer) string {
	plain := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(p.Name))
	return strings.TrimLeft(plain+"-"+p.Certificate.String()[:8], "-")
}

// peers returns all known peers in order of name.
func (f *folder) peers() ([]known, error) {
	entries, err := os.ReadDir(f.join(peersFolder))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var peers []known
	for _, e := range entries {
		k := known{slot: e.Name()}
		if err := f.readJSON(&k, peersFolder, k.slot, peerFile); err != nil {
			return nil, err
		}
		peers = append(peers, k)
	}
	slices.SortFunc(peers, func(a, b known) int { return strings.Compare(a.Name, b.Name) })
	return peers, nil
}

// peer returns the agency, or the linkage unit, of that name. Without a name it
// returns the only one.
func (f *folder) peer(name string, unit bool) (known, error) {
	what, option := "agency", "--peer"
	if unit {
		what, option = "linkage unit", "--unit-name"
	}
	peers, err := f.peers()
	if err != nil {
		return known{}, err
	}
	peers = slices.DeleteFunc(peers, func(k known) bool { return k.Unit != unit })
	if name == "" && len(peers) == 1 {
		return peers[0], f.mayTrust(peers[0].Peer)
	}
	var names []string
	for _, k := range peers {
		if k.Name == name {
			return k, f.mayTrust(k.Peer)
		}
		names = append(names, fmt.Sprintf("%q", k.Name))
	}
	switch {
	case len(peers) == 0:
		return known{}, &failure{exitSetUp, fmt.Sprintf("%s knows no %s", f.path, what), "accept its line first: pairmatch accept"}
	case name == "":
		return known{}, usagef("%s knows several of that kind: choose one of %s with %s", f.path, strings.Join(names, ", "), option)
	}
	return known{}, &failure{exitSetUp, fmt.Sprintf("%s knows no %s %q", f.path, what, name), "it knows " + strings.Join(names, ", ")}
}

// trusting reports whether a peer may be stored, and where: a name stands for one
// signing key and part, and the certificate that was accepted or renewed last. A line
// from before the renewal does not bring the old one back.
func (f *folder) trusting(k known) (known, error) {
	k.slot = slot(k.Peer)
	peers, err := f.peers()
	if err != nil {
		return k, err
	}
	own := f.identity.Peer()
	if k.Name == own.Name || k.Certificate == own.Certificate {
		return k, &failure{exitPeer, fmt.Sprintf("the line comes from %q, which is this folder's own name", k.Name), "each side accepts the other's line"}
	}
	if err := f.mayTrust(k.Peer); err != nil {
		return k, err
	}
	for _, p := range peers {
		if p.Name != k.Name && p.Certificate != k.Certificate {
			continue
		}
		sameSeal := len(p.SealingKey) == 0 || bytes.Equal(p.SealingKey, k.SealingKey)
		same := p.Name == k.Name && p.SigningKey.Equal(k.SigningKey) && sameSeal && p.Unit == k.Unit
		if same && slices.Contains(p.certificates(), k.Certificate) {
			k.slot, k.Certificate, k.Old, k.OldUntil = p.slot, p.Certificate, p.Old, p.OldUntil
			return k, nil
		}
		if same {
			return k, &failure{exitPeer, fmt.Sprintf("%q is known with another certificate", p.Name), "accept the line of its renewal first; if there is none, ask by telephone"}
		}
		return k, &failure{exitPeer, fmt.Sprintf("%q is known with another certificate, key or part", p.Name),
			"ask by telephone; if it made a new identity, delete " + f.join(peersFolder, p.slot)}
	}
	return k, nil
}

// trust stores a peer.
func (f *folder) trust(k known) error { return f.writeJSON(k, peersFolder, k.slot, peerFile) }

// isUnit reports whether the folder is a linkage unit's.
func (f *folder) isUnit() bool {
	_, err := os.Stat(f.join(unitFile))
	return err == nil
}

// becomeUnit marks the folder as a linkage unit's, unless it holds a secret.
func (f *folder) becomeUnit() error {
	peers, err := f.peers()
	if err != nil {
		return err
	}
	for _, k := range peers {
		pacts, err := f.pacts(k)
		if err != nil {
			return err
		}
		if len(pacts) > 0 {
			return &failure{exitSetUp, fmt.Sprintf("%s holds a secret shared with %q", f.path, k.Name), "a linkage unit must not: make a folder of its own"}
		}
	}
	return writeFile(f.join(unitFile), nil)
}
