package protocol

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// An export is lines of text: a header, then each entry's leaf in base64, with
// its payload behind it where that is shown. All leaves are in it, so that its
// reader computes the root that the agency signed.
type exportHeader struct {
	Version    int      `json:"comity_log_export"`
	Checkpoint string   `json:"checkpoint"`
	Cosigned   []string `json:"cosigned"` // older checkpoints with cosignatures
}

// Period is entries from a time on and before another; a zero time is no bound.
type Period struct{ From, Until time.Time }

func (p Period) contains(t time.Time) bool {
	return !t.Before(p.From) && (p.Until.IsZero() || t.Before(p.Until))
}

// Export writes the log for a regulator: all leaves, the payloads of the period,
// and those of erasures and holds at any time. It says nothing of other payloads
// but their lengths.
func (l *Log) Export(w io.Writer, p Period) error {
	return l.with(func(t *logTree) error {
		if err := t.checkRoot(); err != nil {
			return err
		}
		head := exportHeader{Version: logFormat, Checkpoint: string(t.note), Cosigned: []string{}}
		names, err := l.store.names(cosignedPrefix)
		if err != nil {
			return err
		}
		for _, name := range names {
			text, err := l.store.read(name)
			if err != nil {
				return err
			}
			head.Cosigned = append(head.Cosigned, string(text))
		}
		out := bufio.NewWriter(w)
		if err := json.NewEncoder(out).Encode(head); err != nil {
			return err
		}
		err = t.scan(func(_ int64, r *record) error {
			line := r.leaf.data()
			if r.entry != nil && (r.entry.Event.permanent() || p.contains(r.entry.Time)) {
				line = append(line, r.payload...)
			}
			_, err := out.WriteString(base64.StdEncoding.EncodeToString(line) + "\n")
			return err
		})
		return errors.Join(err, out.Flush())
	})
}

// Export is a log as its agency showed it.
type Export struct {
	Checkpoint *Checkpoint
	// Cosigned are older checkpoints, by witness, of those that ReadExport knew.
	Cosigned []Witness
	// Entries are all of the log, those that are not shown too.
	Entries []Logged
}

const maxExportLine = 4 << 20 // the header has a checkpoint for each witness

// ReadExport reads an export of the agency with the signing key and checks it: the
// entries shown are those of the log that the agency signed, in their places, and
// what was erased is accounted for. Witnesses are the agencies whose cosignatures
// it knows; a log that does not continue what one of them cosigned is ErrLogShort
// or ErrLogFork. Other errors are ErrLogProof, ErrLogVersion and ErrLog.
func ReadExport(r io.Reader, key ed25519.PublicKey, witnesses []Peer) (*Export, error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxExportLine)
	if !lines.Scan() {
		return nil, errors.Join(fmt.Errorf("%w: the export has no header", ErrLogProof), lines.Err())
	}
	head, c, err := parseExportHeader(lines.Bytes(), key)
	if err != nil {
		return nil, err
	}
	x := &Export{Checkpoint: c}
	old, err := x.cosigned(head, key, witnesses)
	if err != nil {
		return nil, err
	}
	var tree memoryTree
	a := newAuditor()
	for i := int64(0); lines.Scan(); i++ {
		if i >= c.Size {
			return nil, fmt.Errorf("%w: more entries than the checkpoint says", ErrLogProof)
		}
		entry, err := tree.line(i, lines.Bytes())
		if err != nil {
			return nil, err
		}
		if entry != nil {
			if err := a.take(i, entry); err != nil {
				return nil, err
			}
		}
		x.Entries = append(x.Entries, Logged{Index: i, Entry: entry})
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrLogProof, err)
	}
	if int64(len(x.Entries)) != c.Size {
		return nil, fmt.Errorf("%w: %d entries, %d by the checkpoint", ErrLogProof, len(x.Entries), c.Size)
	}
	if root, err := tlog.TreeHash(c.Size, tree); err != nil || Hash(root) != c.Root {
		return nil, fmt.Errorf("%w: the entries are not those that the checkpoint signs", ErrLogProof)
	}
	for _, o := range old {
		if root, err := tlog.TreeHash(o.Size, tree); err != nil || Hash(root) != o.Root {
			return nil, ErrLogFork
		}
	}
	for i := range x.Entries {
		e := &x.Entries[i]
		e.Erased = a.covered[e.Index]
		if e.Erased && e.Entry != nil {
			return nil, &LogError{File: "export", Entry: e.Index, Reason: "its payload was to be erased, and is there"}
		}
	}
	return x, nil
}

func parseExportHeader(line []byte, key ed25519.PublicKey) (*exportHeader, *Checkpoint, error) {
	// Another version may have other keys: it is told by its own before the rest counts.
	var any struct {
		Version int `json:"comity_log_export"`
	}
	if err := json.Unmarshal(line, &any); err != nil || any.Version == 0 {
		return nil, nil, fmt.Errorf("%w: not an export of an audit log", ErrLogProof)
	}
	if any.Version != logFormat {
		return nil, nil, fmt.Errorf("%w: an export of version %d, here %d", ErrLogVersion, any.Version, logFormat)
	}
	head := new(exportHeader)
	if err := decodeStrict(line, head); err != nil {
		return nil, nil, fmt.Errorf("%w: header: %w", ErrLogProof, err)
	}
	c, err := openCheckpoint([]byte(head.Checkpoint), key)
	return head, c, err
}

// cosigned returns the older checkpoints, and notes who of the witnesses cosigned.
func (x *Export) cosigned(head *exportHeader, key ed25519.PublicKey, witnesses []Peer) ([]*Checkpoint, error) {
	var all []*Checkpoint
	for _, text := range head.Cosigned {
		old, err := openCheckpoint([]byte(text), key)
		if err != nil {
			return nil, err
		}
		if old.Size > x.Checkpoint.Size {
			return nil, fmt.Errorf("%w: %d entries, %d then", ErrLogShort, x.Checkpoint.Size, old.Size)
		}
		all = append(all, old)
		for _, w := range witnesses {
			if c, err := ParseCheckpoint([]byte(text), key, w.SigningKey); err == nil {
				x.Cosigned = append(x.Cosigned, Witness{w.Name, c.Size, c.Cosigned})
			}
		}
	}
	return all, nil
}

// memoryTree holds stored hashes. It implements tlog.HashReader.
type memoryTree []tlog.Hash

// ReadHashes implements tlog.HashReader.
func (m memoryTree) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		out[i] = m[x]
	}
	return out, nil
}

// line adds an entry of an export.
func (m *memoryTree) line(i int64, text []byte) (*Entry, error) {
	data, err := base64.StdEncoding.Strict().AppendDecode(nil, text)
	if err != nil || bytes.ContainsAny(text, "\r\n") {
		return nil, fmt.Errorf("%w: entry %d is not base64", ErrLogProof, i)
	}
	stored, entry, err := openLeaf(data)
	if err != nil {
		return nil, fmt.Errorf("entry %d: %w", i, err)
	}
	hashes, err := tlog.StoredHashes(i, stored, m)
	if err != nil {
		return nil, err
	}
	*m = append(*m, hashes...)
	return entry, nil
}

// Pairing is one session in the logs of both of its sides.
type Pairing struct {
	Transcript Hash
	Own, Peer  int64 // index of the entry; -1: there is none
	// Differ names what the two entries say differently.
	Differ []string
}

// PairSessions matches two agencies' logs by the transcripts of their sessions. Of
// the own entries it takes those that name the peer, and the other way round. A
// session that one log has and the other does not is a finding, unless the payload
// was erased or withheld there.
func PairSessions(own []Logged, ownName string, peer []Logged, peerName string) []Pairing {
	theirs := make(map[Hash]Logged)
	for _, l := range peer {
		if l.session(ownName) {
			theirs[l.Entry.Transcript] = l
		}
	}
	var pairs []Pairing
	for _, l := range own {
		if !l.session(peerName) {
			continue
		}
		p := Pairing{Transcript: l.Entry.Transcript, Own: l.Index, Peer: -1}
		if o, ok := theirs[p.Transcript]; ok {
			p.Peer, p.Differ = o.Index, l.Entry.differs(o.Entry)
			delete(theirs, p.Transcript)
		}
		pairs = append(pairs, p)
	}
	for _, l := range peer {
		if _, left := theirs[l.transcript()]; left && l.session(ownName) {
			pairs = append(pairs, Pairing{Transcript: l.Entry.Transcript, Own: -1, Peer: l.Index})
			delete(theirs, l.Entry.Transcript)
		}
	}
	return pairs
}

func (l Logged) transcript() Hash {
	if l.Entry == nil {
		return Hash{}
	}
	return l.Entry.Transcript
}

func (l Logged) session(with string) bool {
	return l.Entry != nil && l.Entry.Peer == with && !l.Entry.Transcript.IsZero()
}

// differs names what two sides of one session must say alike and do not.
func (e *Entry) differs(o *Entry) []string {
	var names []string
	for _, f := range []struct {
		name string
		same bool
	}{
		{"terms", e.Terms == o.Terms},
		{"role", e.Role != o.Role},
		{"event", e.Event != o.Event},
		{"own_size", e.Function != FunctionSet || e.OwnSize == o.PeerSize},
		{"peer_size", e.Function != FunctionSet || e.PeerSize == o.OwnSize},
	} {
		if !f.same {
			names = append(names, f.name)
		}
	}
	return names
}
