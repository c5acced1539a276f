package oprf

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"testing"

	circl "github.com/cloudflare/circl/oprf"
	"github.com/google/go-cmp/cmp"
)

var groups = []Group{Ristretto255(), P256()}

// hexBytes are bytes that JSON holds in hexadecimal.
type hexBytes []byte

func (h *hexBytes) UnmarshalText(text []byte) (err error) {
	*h, err = hex.DecodeString(string(text))
	return err
}

type vectorCase struct {
	Info               hexBytes
	Inputs, Blinds     []hexBytes
	Blinded, Evaluated hexBytes
	Nonce, Proof       hexBytes
	Outputs            []hexBytes
}

func TestVectors(t *testing.T) {
	data, err := os.ReadFile("testdata/rfc9497.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Source  string
		Vectors []struct {
			Suite       string
			Mode        Mode
			Key, Public hexBytes
			Cases       []vectorCase
		}
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&file); err != nil {
		t.Fatal(err)
	}
	cases := 0
	for _, v := range file.Vectors {
		for i, c := range v.Cases {
			cases++
			t.Run(fmt.Sprintf("%s/%d/%d", v.Suite, v.Mode, i), func(t *testing.T) {
				for _, g := range groups {
					if g.String() == v.Suite {
						checkVector(t, New(g, v.Mode), v.Key, v.Public, &c)
						return
					}
				}
				t.Fatal("unknown suite")
			})
		}
	}
	if cases != 12 {
		t.Errorf("%d cases, the RFC has 12 for two suites and two modes", cases)
	}
}

func checkVector(t *testing.T, s *Suite, secret, public []byte, c *vectorCase) {
	key := s.NewKey(scalar(t, s, secret))
	if !bytes.Equal(Encode(key.Public), public) {
		t.Error("the public key is another")
	}
	inputs, blinds := make([][]byte, len(c.Inputs)), make([]Scalar, len(c.Inputs))
	for i := range inputs {
		inputs[i], blinds[i] = c.Inputs[i], scalar(t, s, c.Blinds[i])
	}
	batch, err := s.blind(inputs, blinds)
	if err != nil {
		t.Fatal(err)
	}
	evaluated, proof, err := s.evaluate(key, c.Info, batch.Encoded(), scalar(t, s, c.Nonce))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := batch.Verify(key.Public, c.Info, evaluated, proof)
	if err != nil {
		t.Fatal(err)
	}
	type wire struct{ Blinded, Evaluated, Proof []byte }
	want := wire{c.Blinded, c.Evaluated, c.Proof}
	got := wire{batch.Encoded(), evaluated, proof}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-RFC +got):\n%s", diff)
	}
	for i, out := range s.Finalize(inputs, c.Info, batch.Unblind(answer)) {
		if diff := cmp.Diff([]byte(c.Outputs[i]), out); diff != "" {
			t.Errorf("output %d (-RFC +got):\n%s", i, diff)
		}
	}
}

func scalar(t testing.TB, g Group, b []byte) Scalar {
	t.Helper()
	k, err := g.DecodeScalar(b)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// each runs a test for every suite and mode, with a batch that was answered.
func each(t *testing.T, f func(t *testing.T, x *exchange)) {
	for _, g := range groups {
		for _, m := range []Mode{Verifiable, Partial} {
			t.Run(fmt.Sprintf("%s/%d", g, m), func(t *testing.T) {
				f(t, newExchange(t, New(g, m), chunk+2))
			})
		}
	}
}

type exchange struct {
	*Suite
	key              *Key
	info             []byte
	inputs           [][]byte
	batch            *Batch
	evaluated, proof []byte
}

func newExchange(t testing.TB, s *Suite, n int) *exchange {
	t.Helper()
	x := &exchange{Suite: s, key: s.NewKey(s.Random())}
	if s.mode == Partial {
		x.info = []byte("info")
	}
	for i := range n {
		x.inputs = append(x.inputs, fmt.Appendf(nil, "input %d", i))
	}
	var err error
	if x.batch, err = s.Blind(x.inputs); err != nil {
		t.Fatal(err)
	}
	if x.evaluated, x.proof, err = s.Evaluate(x.key, x.info, x.batch.Encoded()); err != nil {
		t.Fatal(err)
	}
	return x
}

// This client and server together compute circl's function.
func TestAgreesWithCircl(t *testing.T) {
	suites := map[string]circl.Suite{"ristretto255-SHA512": circl.SuiteRistretto255, "P256-SHA256": circl.SuiteP256}
	each(t, func(t *testing.T, x *exchange) {
		suite := suites[x.String()]
		key := new(circl.PrivateKey)
		if err := key.UnmarshalBinary(suite, Encode(x.key.Scalar())); err != nil {
			t.Fatal(err)
		}
		full := circl.NewVerifiableServer(suite, key).FullEvaluate
		if x.mode == Partial {
			full = func(in []byte) ([]byte, error) {
				return circl.NewPartialObliviousServer(suite, key).FullEvaluate(in, x.info)
			}
		}
		answer, err := x.batch.Verify(x.key.Public, x.info, x.evaluated, x.proof)
		if err != nil {
			t.Fatal(err)
		}
		for i, out := range x.Finalize(x.inputs, x.info, x.batch.Unblind(answer)) {
			want, err := full(x.inputs[i])
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(want, out) {
				t.Fatalf("output %d is not circl's", i)
			}
		}
	})
}

func TestCombine(t *testing.T) {
	for _, g := range groups {
		t.Run(g.String(), func(t *testing.T) {
			x := newExchange(t, New(g, Verifiable), 5)
			answer, err := x.batch.Verify(x.key.Public, nil, x.evaluated, x.proof)
			if err != nil {
				t.Fatal(err)
			}
			a, b := x.Random(), x.Int(7)
			weights := []Scalar{a.Mul(b.Inverse()), x.Int(1).Sub(a).Mul(b.Inverse())}
			seven := make([]Element, len(answer))
			for i, e := range answer {
				seven[i] = e.Mul(b)
			}
			if !bytes.Equal(x.batch.Unblind(answer), x.batch.Combine(weights, [][]Element{seven, seven})) {
				t.Error("a/7 and (1-a)/7 of 7 times the answer are not the answer")
			}
		})
	}
}

// Whatever a server changes is found.
func TestLies(t *testing.T) {
	each(t, func(t *testing.T, x *exchange) {
		other := newExchange(t, x.Suite, len(x.inputs))
		swapped := bytes.Clone(x.evaluated)
		copy(x.at(swapped, 0), x.at(x.evaluated, 1))
		copy(x.at(swapped, 1), x.at(x.evaluated, 0))
		oneOther := bytes.Clone(x.evaluated)
		copy(x.at(oneOther, chunk), x.at(other.evaluated, chunk))
		for name, tt := range map[string]struct {
			public           Element
			evaluated, proof []byte
			want             error
		}{
			"another key":            {other.key.Public, x.evaluated, x.proof, ErrProof},
			"another's answer":       {x.key.Public, other.evaluated, other.proof, ErrProof},
			"another's proof":        {x.key.Public, x.evaluated, other.proof, ErrProof},
			"two elements swapped":   {x.key.Public, swapped, x.proof, ErrProof},
			"one element of another": {x.key.Public, oneOther, x.proof, ErrProof},
			"no proof":               {x.key.Public, x.evaluated, nil, ErrProof},
			"zero proof":             {x.key.Public, x.evaluated, make([]byte, ProofSize), ErrProof},
			"proof not reduced":      {x.key.Public, x.evaluated, bytes.Repeat([]byte{255}, ProofSize), ErrProof},
			"an element short":       {x.key.Public, x.evaluated[x.ElementSize():], x.proof, ErrBatch},
			"empty":                  {x.key.Public, nil, x.proof, ErrBatch},
		} {
			if _, err := x.batch.Verify(tt.public, x.info, tt.evaluated, tt.proof); !errors.Is(err, tt.want) {
				t.Errorf("%s: %v, want %v", name, err, tt.want)
			}
		}
		for bit := range 8 * ProofSize {
			proof := bytes.Clone(x.proof)
			proof[bit/8] ^= 1 << (bit % 8)
			if bit%61 == 0 {
				if _, err := x.batch.Verify(x.key.Public, x.info, x.evaluated, proof); !errors.Is(err, ErrProof) {
					t.Errorf("bit %d of the proof turned: %v", bit, err)
				}
			}
		}
		if x.mode == Partial {
			if _, err := x.batch.Verify(x.key.Public, []byte("other"), x.evaluated, x.proof); !errors.Is(err, ErrProof) {
				t.Errorf("another info: %v", err)
			}
		}
	})
}

func TestVerifyEvaluation(t *testing.T) {
	for _, g := range groups {
		t.Run(g.String(), func(t *testing.T) {
			x := newExchange(t, New(g, Verifiable), 3)
			request := x.batch.Encoded()
			identity := append(make([]byte, x.ElementSize()), request[x.ElementSize():]...)
			for name, tt := range map[string]struct {
				public             Element
				request, evaluated []byte
				want               error
			}{
				"good":              {x.key.Public, request, x.evaluated, nil},
				"another key":       {x.Base(x.Int(2)), request, x.evaluated, ErrProof},
				"turned round":      {x.key.Public, x.evaluated, request, ErrProof},
				"empty":             {x.key.Public, nil, nil, ErrBatch},
				"shorter":           {x.key.Public, request, x.evaluated[x.ElementSize():], ErrBatch},
				"identity asked":    {x.key.Public, identity, x.evaluated, ErrIdentity},
				"identity answered": {x.key.Public, request, identity, ErrIdentity},
			} {
				if err := x.VerifyEvaluation(tt.public, tt.request, tt.evaluated, x.proof); !errors.Is(err, tt.want) {
					t.Errorf("%s: %v, want %v", name, err, tt.want)
				}
			}
		})
	}
}

func TestBadRequests(t *testing.T) {
	for _, g := range groups {
		t.Run(g.String(), func(t *testing.T) {
			s := New(g, Verifiable)
			key := s.NewKey(s.Random())
			good := Encode(s.Base(s.Random()))
			for name, tt := range map[string]struct {
				request []byte
				want    error
			}{
				"empty":             {nil, ErrBatch},
				"odd length":        {good[1:], ErrBatch},
				"too many":          {make([]byte, 65536*s.ElementSize()), ErrBatch},
				"identity":          {make([]byte, s.ElementSize()), ErrIdentity},
				"not of the group":  {bytes.Repeat([]byte{255}, s.ElementSize()), ErrEncoding},
				"second one is bad": {append(bytes.Clone(good), make([]byte, s.ElementSize())...), ErrIdentity},
			} {
				_, _, err := s.Evaluate(key, nil, tt.request)
				if !errors.Is(err, tt.want) {
					t.Errorf("%s: %v, want %v", name, err, tt.want)
				}
				var at *ElementError
				if name == "second one is bad" && (!errors.As(err, &at) || at.Index != 1) {
					t.Errorf("%s: %v does not say which", name, err)
				}
			}
			if _, err := s.Blind([][]byte{make([]byte, 65536)}); !errors.Is(err, ErrInput) {
				t.Errorf("a long input: %v", err)
			}
			if _, err := s.Blind(nil); !errors.Is(err, ErrBatch) {
				t.Errorf("no inputs: %v", err)
			}
			if _, _, err := New(g, Partial).Evaluate(key, make([]byte, 65536), good); !errors.Is(err, ErrInfo) {
				t.Errorf("a long info: %v", err)
			}
		})
	}
}

func TestScalars(t *testing.T) {
	for _, g := range groups {
		t.Run(g.String(), func(t *testing.T) {
			one, zero := g.Int(1), g.Int(0)
			ks := []Scalar{g.Random(), one, g.Int(65535), g.Random()}
			for i, inverse := range Invert(ks) {
				if !bytes.Equal(Encode(inverse.Mul(ks[i])), Encode(one)) {
					t.Errorf("inverse %d is none", i)
				}
			}
			if len(Invert(nil)) != 0 {
				t.Error("inverses of nothing")
			}
			if !zero.IsZero() || one.IsZero() || !one.Sub(one).IsZero() || !zero.Inverse().IsZero() {
				t.Error("zero is not told from one")
			}
			if _, err := g.DecodeScalar(Encode(zero)); !errors.Is(err, ErrIdentity) {
				t.Errorf("zero: %v", err)
			}
			for _, b := range [][]byte{nil, make([]byte, 31), bytes.Repeat([]byte{255}, 32)} {
				if _, err := g.DecodeScalar(b); !errors.Is(err, ErrEncoding) {
					t.Errorf("%d bytes: %v", len(b), err)
				}
			}
			minus := zero.Sub(one)
			if got := g.Base(minus).Add(g.Base(one)); !got.Equal(g.Identity()) {
				t.Error("-G + G is not the identity")
			}
			if !g.Base(g.Int(3)).Equal(g.Base(one).Add(g.Base(g.Int(2)))) {
				t.Error("3G is not G + 2G")
			}
			k := g.Random()
			if s := fmt.Sprintf("%v %+v %x %s", k, k, k, k); s != fmt.Sprintf("%[1]s %[1]s %[1]s %[1]s", redacted) {
				t.Error("a scalar formats")
			}
			k.Zero()
			if !k.IsZero() {
				t.Error("Zero leaves the scalar")
			}
			ks = []Scalar{g.Random(), g.Random(), g.Int(0)}
			ps := []Element{g.Base(g.Random()), g.Base(g.Random()), g.Base(one)}
			want := ps[0].Mul(ks[0]).Add(ps[1].Mul(ks[1]))
			if !want.Equal(g.Sum(ks, ps)) || !want.Equal(g.VarTimeSum(ks, ps)) {
				t.Error("sums differ")
			}
		})
	}
}

// A hostile client's request or server's answer is refused or as good as any.
func FuzzEvaluate(f *testing.F) {
	s := New(P256(), Verifiable)
	key := s.NewKey(s.Int(3))
	f.Add(Encode(s.Base(s.Int(2))))
	f.Add(make([]byte, 66))
	f.Fuzz(func(t *testing.T, request []byte) {
		evaluated, proof, err := s.Evaluate(key, nil, request)
		if err == nil && (len(evaluated) != len(request) || len(proof) != ProofSize) {
			t.Error("an answer of the wrong length")
		}
	})
}

func FuzzVerify(f *testing.F) {
	s := New(Ristretto255(), Partial)
	x := newExchange(f, s, 2)
	f.Add(x.evaluated, x.proof)
	f.Add(x.evaluated, make([]byte, ProofSize))
	f.Fuzz(func(t *testing.T, evaluated, proof []byte) {
		_, err := x.batch.Verify(x.key.Public, x.info, evaluated, proof)
		if err == nil && !(bytes.Equal(evaluated, x.evaluated) && bytes.Equal(proof, x.proof)) {
			t.Error("a forged answer passes")
		}
	})
}
