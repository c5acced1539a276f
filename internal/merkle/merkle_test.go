package merkle

import (
	"crypto/aes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
)

func datum(dst []byte, i int) []byte {
	h := sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(i)))
	return append(dst, h[:]...)
}

var seed = [SeedSize]byte{1, 2, 3}

// oracle is the same tree made by tlog, with salts by the page.
func oracle(t *testing.T, n int) tlog.Hash {
	t.Helper()
	block, err := aes.NewCipher(seed[:])
	if err != nil {
		t.Fatal(err)
	}
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for k, i := range indexes {
			out[k] = stored[i]
		}
		return out, nil
	})
	for i := range n {
		leaf := binary.BigEndian.AppendUint64(make([]byte, 8), uint64(i))
		block.Encrypt(leaf, leaf)
		hashes, err := tlog.StoredHashes(int64(i), datum(leaf, i), reader)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, hashes...)
	}
	root, err := tlog.TreeHash(int64(n), reader)
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func TestTree(t *testing.T) {
	for _, n := range []int{0, 1, 2, 3, 5, 8, 1000, 1023, 1024, 1025, 2048, 2049, 3000, 7 * 1024, 9*1024 + 17} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			tree := New(seed, n, datum)
			if want := oracle(t, n); tree.Root() != want {
				t.Fatalf("the root is %v, want %v", tlog.Hash(tree.Root()), want)
			}
			if tree.Len() != n || tree.Seed() != seed {
				t.Errorf("%d leaves under seed %x", tree.Len(), tree.Seed())
			}
			for i := 0; i < n; i += 1 + n/50 {
				for _, i := range []int{i, n - 1 - i} {
					p, err := tree.Prove(i)
					if err != nil {
						t.Fatal(err)
					}
					if err := p.Verify(tree.Root(), n, datum(nil, i)); err != nil {
						t.Error(err)
					}
				}
			}
			for _, i := range []int{-1, n, n + 1} {
				if _, err := tree.Prove(i); !errors.Is(err, ErrLeaf) {
					t.Errorf("leaf %d: %v, want %v", i, err, ErrLeaf)
				}
			}
		})
	}
}

// Nothing but the datum itself verifies, at its own place, in its own tree.
func TestProofIsForOneDatum(t *testing.T) {
	const n, i = 3000, 1234
	tree := New(seed, n, datum)
	for name, change := range map[string]func(p *Proof, root *[32]byte, n *int, d *[]byte){
		"datum":          func(_ *Proof, _ *[32]byte, _ *int, d *[]byte) { (*d)[0]++ },
		"datum cut":      func(_ *Proof, _ *[32]byte, _ *int, d *[]byte) { *d = (*d)[1:] },
		"another datum":  func(_ *Proof, _ *[32]byte, _ *int, d *[]byte) { *d = datum(nil, i+1) },
		"salt":           func(p *Proof, _ *[32]byte, _ *int, _ *[]byte) { p.Salt[15] ^= 1 },
		"another leaf":   func(p *Proof, _ *[32]byte, _ *int, _ *[]byte) { p.Leaf++ },
		"negative leaf":  func(p *Proof, _ *[32]byte, _ *int, _ *[]byte) { p.Leaf = -1 },
		"leaf beyond":    func(p *Proof, _ *[32]byte, _ *int, _ *[]byte) { p.Leaf = n },
		"size":           func(_ *Proof, _ *[32]byte, n *int, _ *[]byte) { *n = 1024 },
		"negative size":  func(_ *Proof, _ *[32]byte, n *int, _ *[]byte) { *n = -5 },
		"root":           func(_ *Proof, root *[32]byte, _ *int, _ *[]byte) { root[31] ^= 1 },
		"path":           func(p *Proof, _ *[32]byte, _ *int, _ *[]byte) { p.Path[3][0] ^= 1 },
		"path too short": func(p *Proof, _ *[32]byte, _ *int, _ *[]byte) { p.Path = p.Path[1:] },
		"path too long":  func(p *Proof, _ *[32]byte, _ *int, _ *[]byte) { p.Path = append(p.Path, tlog.Hash{}) },
		"no path":        func(p *Proof, _ *[32]byte, _ *int, _ *[]byte) { p.Path = nil },
	} {
		t.Run(name, func(t *testing.T) {
			p, err := tree.Prove(i)
			if err != nil {
				t.Fatal(err)
			}
			root, size, d := tree.Root(), n, datum(nil, i)
			change(p, &root, &size, &d)
			if err := p.Verify(root, size, d); !errors.Is(err, ErrProof) {
				t.Errorf("%v, want %v", err, ErrProof)
			}
		})
	}
}

// Equal data have leaves of their own, and another seed another root.
func TestSalts(t *testing.T) {
	same := func(dst []byte, _ int) []byte { return append(dst, "the same"...) }
	tree := New(seed, 300, same)
	seen := map[tlog.Hash]bool{}
	for _, h := range tree.newSalter().leaves(0, 300) {
		seen[h] = true
	}
	if len(seen) != 300 {
		t.Errorf("%d leaves of 300 differ", len(seen))
	}
	if New([SeedSize]byte{9}, 300, same).Root() == tree.Root() {
		t.Error("two seeds have one root")
	}
}

func FuzzVerify(f *testing.F) {
	const n = 1500
	tree := New(seed, n, datum)
	for _, i := range []int{0, 1100, n - 1} {
		p, err := tree.Prove(i)
		if err != nil {
			f.Fatal(err)
		}
		var path []byte
		for _, h := range p.Path {
			path = append(path, h[:]...)
		}
		f.Add(i, n, p.Salt[:], path, datum(nil, i))
	}
	f.Fuzz(func(t *testing.T, leaf, size int, salt, path, d []byte) {
		p := Proof{Leaf: leaf}
		copy(p.Salt[:], salt)
		for len(path) >= sha256.Size {
			p.Path = append(p.Path, tlog.Hash(path[:sha256.Size]))
			path = path[sha256.Size:]
		}
		if p.Verify(tree.Root(), size, d) == nil && (leaf >= n || string(d) != string(datum(nil, leaf))) {
			t.Error("a datum that is not in the tree")
		}
	})
}

func BenchmarkNew(b *testing.B) {
	for _, n := range []int{1 << 16, 1 << 20} {
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) {
			data := make([][32]byte, n)
			for i := range data {
				data[i] = [32]byte(datum(nil, i))
			}
			for b.Loop() {
				New(seed, n, func(dst []byte, i int) []byte { return append(dst, data[i][:]...) })
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/leaf")
		})
	}
}

func BenchmarkProve(b *testing.B) {
	tree := New(seed, 1<<20, datum)
	for b.Loop() {
		if _, err := tree.Prove(777_777); err != nil {
			b.Fatal(err)
		}
	}
}
