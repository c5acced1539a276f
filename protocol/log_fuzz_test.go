package protocol

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"slices"
	"testing"
)

func FuzzParseEntry(f *testing.F) {
	f.Add(must(testEntry(1).normal().marshal()))
	f.Add(must((&Entry{Event: Erasure, Time: testTime(1), Ranges: []Range{{0, 3}, {5, 6}}}).normal().marshal()))
	f.Add([]byte(`{"version":2}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		e, err := ParseEntry(text)
		if err != nil {
			return
		}
		if again := must(e.marshal()); !bytes.Equal(again, text) || !json.Valid(text) {
			t.Errorf("%s is also %s", again, text)
		}
	})
}

// fuzzLog is a log, and one to witness it, by keys that are the same in each
// process of a fuzzing campaign.
func fuzzLog(f *testing.F) (own *Identity, l, theirs *Log, other *Identity) {
	own, other = identity(f, "A"), identity(f, "B")
	for i, id := range []*Identity{own, other} {
		id.signing = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{byte(i)}, ed25519.SeedSize))
	}
	l, _ = logOf(f, own, 3)
	theirs, _ = logOf(f, other, 0)
	return own, l, theirs, other
}

func FuzzLogRequest(f *testing.F) {
	own, l, theirs, other := fuzzLog(f)
	request := must(l.Request(other.SigningKey(), 0))
	if _, err := theirs.Cosign(request, own.Peer(), testTime(1)); err != nil {
		f.Fatal(err)
	}
	f.Add(request)
	f.Add(must(l.Request(other.SigningKey(), 2)))
	f.Add([]byte("old 0\n\ncomity-log-v2/"))
	f.Fuzz(func(t *testing.T, request []byte) {
		note, err := theirs.Cosign(request, own.Peer(), testTime(1))
		if err == nil {
			if _, err := ParseCheckpoint(note, own.SigningKey(), other.SigningKey()); err != nil {
				t.Error(err)
			}
		}
	})
}

func FuzzCheckProof(f *testing.F) {
	own, l, _, _ := fuzzLog(f)
	for i := range int64(3) {
		proof := must(l.Prove(i))
		if _, _, err := CheckProof(proof, own.SigningKey()); err != nil {
			f.Fatal(err)
		}
		f.Add(proof)
	}
	f.Add([]byte(proofHead + "extra \nindex 0\n\n"))
	f.Fuzz(func(t *testing.T, proof []byte) {
		e, c, err := CheckProof(proof, own.SigningKey())
		if err == nil && (e.Index >= c.Size || c.Origin != LogOrigin(own.SigningKey())) {
			t.Errorf("%+v under %+v", e, c)
		}
	})
}

func FuzzReadExport(f *testing.F) {
	own, l, theirs, other := fuzzLog(f)
	exchange(f, l, theirs, own, other)
	var out bytes.Buffer
	if err := l.Export(&out, Period{}); err != nil {
		f.Fatal(err)
	}
	if _, err := ReadExport(bytes.NewReader(out.Bytes()), own.SigningKey(), []Peer{other.Peer()}); err != nil {
		f.Fatal(err)
	}
	f.Add(out.Bytes())
	f.Add([]byte(`{"comity_log_export":2}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		x, err := ReadExport(bytes.NewReader(data), own.SigningKey(), []Peer{other.Peer()})
		if err == nil && int64(len(x.Entries)) != x.Checkpoint.Size {
			t.Errorf("%d entries of %d", len(x.Entries), x.Checkpoint.Size)
		}
	})
}

// FuzzLogFiles opens logs whose files hold anything.
func FuzzLogFiles(f *testing.F) {
	own, l, _, _ := fuzzLog(f)
	note := must(l.Checkpoint())
	read := func(name string) (data []byte) {
		file := must(l.store.open(name))
		defer file.Close()
		data = make([]byte, must(file.Size()))
		must(file.ReadAt(data, 0))
		return data
	}
	leaves, payloads, hashes := read(leavesFile), read(payloadsFile), read(hashesFile)
	f.Add(note, leaves, payloads, hashes)
	f.Add(note, leaves[:40], payloads, hashes)
	f.Add(note, append(slices.Clone(leaves), 1), payloads, append(slices.Clone(hashes), 2))
	f.Add(note, []byte("comity log v2 l\n"), []byte{}, []byte{})
	f.Fuzz(func(t *testing.T, note, leaves, payloads, hashes []byte) {
		s := newCrashStore(0)
		for name, data := range map[string][]byte{leavesFile: leaves, payloadsFile: payloads, hashesFile: hashes, checkpointFile: note} {
			s.names_[name] = &crashData{data: data}
		}
		l, err := openLog(s, own)
		if err != nil {
			return
		}
		if _, err := l.Verify(nil); err == nil {
			if err := l.Append(testEntry(1)); err != nil {
				t.Error(err)
			}
		}
	})
}
