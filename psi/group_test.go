package psi

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"testing"

	"filippo.io/nistec"
	cgroup "github.com/cloudflare/circl/group"
	"github.com/google/go-cmp/cmp"
	"github.com/gtank/ristretto255"
)

// readVectors decodes a file of published vectors; unknown keys are failures.
func readVectors(t *testing.T, name string, to any) {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(to); err != nil {
		t.Fatal(err)
	}
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestHashToP256Vectors(t *testing.T) {
	var file struct {
		Source, DST string
		Vectors     []struct{ Msg, X, Y string }
	}
	readVectors(t, "rfc9380_p256.json", &file)
	if len(file.Vectors) != 5 {
		t.Fatalf("%d vectors, the RFC has 5", len(file.Vectors))
	}
	for i, v := range file.Vectors {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			p, err := hashToP256([]byte(v.Msg), file.DST)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff("04"+v.X+v.Y, hex.EncodeToString(p.Bytes())); diff != "" {
				t.Errorf("(-RFC +got):\n%s", diff)
			}
		})
	}
}

// The RFC of the OPRF gives the only published values of this hash to the group:
// its blinded elements are blind·H(input).
func TestHashToRistrettoVectors(t *testing.T) {
	var file struct {
		Source  string
		Vectors []struct{ DST, Input, Blind, Blinded string }
	}
	readVectors(t, "rfc9497_ristretto255.json", &file)
	if len(file.Vectors) != 10 {
		t.Fatalf("%d vectors, expected 10", len(file.Vectors))
	}
	for i, v := range file.Vectors {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			h, err := hashToRistretto(unhex(t, v.Input), string(unhex(t, v.DST)))
			if err != nil {
				t.Fatal(err)
			}
			blind, err := ristretto255.NewScalar().SetCanonicalBytes(unhex(t, v.Blind))
			if err != nil {
				t.Fatal(err)
			}
			got := hex.EncodeToString(h.ScalarMult(blind, h).Bytes())
			if diff := cmp.Diff(v.Blinded, got); diff != "" {
				t.Errorf("(-RFC +got):\n%s", diff)
			}
		})
	}
}

var groups = map[string]group{"ristretto255": ristretto{}, "p256": p256{}}

func TestMasksCommute(t *testing.T) {
	for name, g := range groups {
		t.Run(name, func(t *testing.T) {
			a, err := g.newMask()
			if err != nil {
				t.Fatal(err)
			}
			b, err := g.newMask()
			if err != nil {
				t.Fatal(err)
			}
			double := func(first, second mask, item [32]byte) []byte {
				once, err := first.item(nil, &item)
				if err != nil {
					t.Fatal(err)
				}
				if len(once) != g.elementSize() {
					t.Fatalf("an element of %d bytes, want %d", len(once), g.elementSize())
				}
				twice, err := second.element(nil, once)
				if err != nil {
					t.Fatal(err)
				}
				return twice
			}
			x, y := [32]byte{1}, [32]byte{2}
			if !bytes.Equal(double(a, b, x), double(b, a, x)) {
				t.Error("ab·H(x) differs from ba·H(x)")
			}
			if bytes.Equal(double(a, b, x), double(b, a, y)) {
				t.Error("two items have one double mask")
			}
		})
	}
}

// RFC 9496, Appendix A.2 and A.3: encodings that must be refused.
var badRistretto = []string{
	"00ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", // non-canonical field element
	"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"f3ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"0100000000000000000000000000000000000000000000000000000000000000", // negative field element
	"26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371", // non-square x²
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", // y = 0
}

func TestBadElements(t *testing.T) {
	p256x := hex.EncodeToString(nistec.NewP256Point().SetGenerator().BytesCompressed()[1:])
	bad := map[string]map[string]error{
		"ristretto255": {
			"":                                   ErrEncoding,
			"00":                                 ErrEncoding,
			hex.EncodeToString(make([]byte, 32)): ErrIdentity,
			hex.EncodeToString(make([]byte, 33)): ErrEncoding,
		},
		"p256": {
			"":                                   ErrEncoding,
			"00":                                 ErrEncoding, // the identity in SEC 1: not of the length that every element has
			"04" + p256x:                         ErrEncoding,
			"05" + p256x:                         ErrEncoding,
			hex.EncodeToString(make([]byte, 33)): ErrIdentity,
			"02ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff":      ErrEncoding, // x ≥ p
			"02" + "0000000000000000000000000000000000000000000000000000000000000001": ErrEncoding, // no such x
		},
	}
	for _, s := range badRistretto {
		bad["ristretto255"][s] = ErrEncoding
	}
	for name, cases := range bad {
		k, err := groups[name].newMask()
		if err != nil {
			t.Fatal(err)
		}
		for in, want := range cases {
			t.Run(name+"/"+in, func(t *testing.T) {
				if _, err := k.element(nil, unhex(t, in)); !errors.Is(err, want) {
					t.Errorf("%v, want %v", err, want)
				}
			})
		}
	}
}

func FuzzElement(f *testing.F) {
	masks := map[string]mask{}
	for name, g := range groups {
		k, err := g.newMask()
		if err != nil {
			f.Fatal(err)
		}
		masks[name] = k
		one, err := k.item(nil, &[32]byte{1})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(one)
		f.Add(make([]byte, g.elementSize()))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		for name, k := range masks {
			out, err := k.element(nil, in)
			if err == nil && len(out) != groups[name].elementSize() {
				t.Errorf("%s: %d bytes out", name, len(out))
			}
			if err != nil && !errors.Is(err, ErrEncoding) && !errors.Is(err, ErrIdentity) {
				t.Errorf("%s: untyped error %v", name, err)
			}
		}
	})
}

// BenchmarkGroup is what the choice of group libraries rests on.
func BenchmarkGroup(b *testing.B) {
	var msg [32]byte
	b.Run("op=hash/lib=gtank-ristretto255", func(b *testing.B) {
		for b.Loop() {
			_, _ = hashToRistretto(msg[:], dstRistretto255)
		}
	})
	b.Run("op=mult/lib=gtank-ristretto255", func(b *testing.B) {
		k, _ := ristretto{}.newMask()
		e, _ := hashToRistretto(msg[:], dstRistretto255)
		for b.Loop() {
			e.ScalarMult(k.(*ristrettoMask).k, e)
		}
	})
	b.Run("op=encode/lib=gtank-ristretto255", func(b *testing.B) {
		e, _ := hashToRistretto(msg[:], dstRistretto255)
		for b.Loop() {
			e.Bytes()
		}
	})
	b.Run("op=decode/lib=gtank-ristretto255", func(b *testing.B) {
		e, _ := hashToRistretto(msg[:], dstRistretto255)
		enc := e.Bytes()
		for b.Loop() {
			_, _ = e.SetCanonicalBytes(enc)
		}
	})
	for name, g := range map[string]cgroup.Group{"circl-ristretto255": cgroup.Ristretto255, "circl-p256": cgroup.P256} {
		b.Run("op=hash/lib="+name, func(b *testing.B) {
			for b.Loop() {
				g.HashToElement(msg[:], []byte(dstP256))
			}
		})
		b.Run("op=mult/lib="+name, func(b *testing.B) {
			e, k := g.HashToElement(msg[:], nil), g.HashToScalar(msg[:], nil)
			for b.Loop() {
				e.Mul(e, k)
			}
		})
	}
	b.Run("op=mult/lib=nistec-p256", func(b *testing.B) {
		k, _ := p256{}.newMask()
		e := nistec.NewP256Point().SetGenerator()
		for b.Loop() {
			_, _ = e.ScalarMult(e, k.(*p256Mask).k)
		}
	})
}
