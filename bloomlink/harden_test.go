package bloomlink

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var everyHardening = []struct {
	name string
	h    *Hardening
	hash string // of an encoding, by an implementation in Python from the description alone
	low  float64
}{
	{"hardened", Hardened(), "7f7ccfc5bc6489e7cb74fd8b2e0dd08209fc4f7a53ac8d9721e3a385836d227e", 0.65},
	{"salt", &Hardening{Salt: "birth_date"}, "d48ea7693a6657ad3ee7f88d0267bc5bae365dfba6e0d1b03ad8fb9370b9cc0d", 0.85},
	{"fold", &Hardening{Fold: 2}, "f67969ed9515b5c740f1c0b2deaea36b98b965c67446ae1ca60ba65d74126b54", 0.75},
	{"rule 90", &Hardening{Rule90: true}, "fc7844f0370cd51c0e6fbfbf890d0320e0249da15e7cd3a1f613e9c239600129", 0.75},
	{"resample", &Hardening{Resample: true}, "5fe4c71013a9a048d49ba36d876232141427b75781a124bfff32d995481398e2", 0.75},
	{"balance", &Hardening{Balance: true}, "cd66097f5416174637169b0e9076ab7134896b7858bc1d75e6edd06367e75145", 0.85},
	{"flip", &Hardening{Flip: 0.05}, "3ce8be86158fdc6e081a5844a04b94feec54ed086dc48bd70896f40bbbd6b9ec", 0.7},
	{
		"all", &Hardening{Salt: "given_name", Fold: 1, Rule90: true, Resample: true, Diffuse: 3, Balance: true, Flip: 0.1},
		"20e83b2bcabd60dfbc772557d492d5f458b17d5c36106ec3d3e227f3613ea7f1", 0,
	},
}

func TestHardening(t *testing.T) {
	configs := make(map[[32]byte]string)
	for _, tt := range everyHardening {
		t.Run(tt.name, func(t *testing.T) {
			e := hardenedEncoder(t, testSchema(), 1, tt.h)
			x := encode(t, e, "ludmilla", "", "1990日aaaa")
			sum := sha256.Sum256(appendRow(nil, x))
			if got := hex.EncodeToString(sum[:]); got != tt.hash {
				t.Errorf("the encoding hashes to %s, want %s", got, tt.hash)
			}
			b := e.Binding("")
			if x.Len() != b.Length {
				t.Errorf("%d bits, the binding says %d", x.Len(), b.Length)
			}
			if other, taken := configs[b.Config]; taken {
				t.Errorf("the configuration is that of %s", other)
			}
			configs[b.Config] = tt.name
			if none := encode(t, e, "", "", ""); none.Count() != 0 || none.Len() != b.Length {
				t.Errorf("an empty record has %d of %d bits", none.Count(), none.Len())
			}
			alike := Dice(encode(t, e, "ludmilla", "petrosjan", "19900506"), encode(t, e, "ludmilla", "petrosian", "19900506"))
			other := Dice(encode(t, e, "ludmilla", "petrosjan", "19900506"), encode(t, e, "zenobia", "okonkwo", "19811130"))
			if alike < tt.low || other > alike-0.04 {
				t.Errorf("one letter changed scores %.2f, want %.2f or more; another person %.2f", alike, tt.low, other)
			}
		})
	}
}

// The zero options are the recommended profile.
func TestHardenedIsTheDefault(t *testing.T) {
	secret := bytes.Repeat([]byte{1}, MinSecret)
	e, err := NewEncoder(testSchema(), secret, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := hardenedEncoder(t, testSchema(), 1, Hardened())
	if diff := cmp.Diff(want.Binding(""), e.Binding(""), cmp.AllowUnexported()); diff != "" {
		t.Error("nil options are not Hardened")
	}
	if e.Binding("").Config == testEncoder(t, testSchema(), 1).Binding("").Config {
		t.Error("nil options harden nothing")
	}
}

func TestHardeningErrors(t *testing.T) {
	key := make([]byte, MinSecret)
	for name, tt := range map[string]struct {
		h    Hardening
		key  []byte
		want error
	}{
		"salt of no feature": {Hardening{Salt: "sex"}, nil, ErrHardening},
		"folds":              {Hardening{Fold: -1}, nil, ErrHardening},
		"folded too short":   {Hardening{Fold: 5}, nil, ErrHardening},
		"diffusion by 1":     {Hardening{Diffuse: 1}, nil, ErrHardening},
		"diffusion by 17":    {Hardening{Diffuse: 17}, nil, ErrHardening},
		"flip half":          {Hardening{Flip: 0.5}, key, ErrHardening},
		"flip below 0":       {Hardening{Flip: -0.1}, key, ErrHardening},
		"flip NaN":           {Hardening{Flip: math.NaN()}, key, ErrHardening},
		"flip next to never": {Hardening{Flip: 1e-12}, key, ErrHardening},
		"no noise key":       {Hardening{Flip: 0.1}, key[1:], ErrSecret},
	} {
		_, err := NewEncoder(testSchema(), key, &EncoderOptions{Hardening: &tt.h, NoiseKey: tt.key})
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
	long := &Schema{Length: MaxLength, Features: testSchema().Features}
	if _, err := NewEncoder(long, key, &EncoderOptions{Hardening: &Hardening{Balance: true}}); !errors.Is(err, ErrHardening) {
		t.Errorf("too long when balanced: %v", err)
	}
}

// The configuration covers each option by itself.
func TestBindingCoversTheHardening(t *testing.T) {
	seen := make(map[[32]byte]int)
	for i, h := range []Hardening{
		{}, {Salt: "birth_date"}, {Salt: "given_name"}, {Fold: 1}, {Fold: 2}, {Rule90: true}, {Resample: true},
		{Diffuse: 2}, {Diffuse: 3}, {Balance: true}, {Flip: 0.1}, {Flip: 0.2},
	} {
		c := hardenedEncoder(t, testSchema(), 1, &h).Binding("").Config
		if j, taken := seen[c]; taken {
			t.Errorf("%d and %d have one configuration", i, j)
		}
		seen[c] = i
	}
}

func TestSaltPartsRecords(t *testing.T) {
	e := hardenedEncoder(t, &Schema{Length: 8192, Features: testSchema().Features}, 1, &Hardening{Salt: "birth_date"})
	x := encode(t, e, "ludmilla", "petrosjan", "19900506")
	if d := Dice(x, encode(t, e, "ludmilla", "petrosjan", "19900507")); d > 0.4 {
		t.Errorf("another salt leaves %.2f", d)
	}
	if d := Dice(x, encode(t, e, "ludmila", "petrosjan", "19900506")); d < 0.8 {
		t.Errorf("the same salt leaves %.2f", d)
	}
}

// A balanced encoding has half its bits set, whatever is in it.
func TestBalanced(t *testing.T) {
	e := hardenedEncoder(t, testSchema(), 1, &Hardening{Balance: true})
	for _, v := range []string{"a", "ludmilla", strings.Repeat("xyz", 50)} {
		if x := encode(t, e, v, "", ""); x.Len() != 2048 || x.Count() != 1024 {
			t.Errorf("%d of %d bits", x.Count(), x.Len())
		}
	}
}

// Folding, Rule 90 and the mixers are linear over GF(2), and no bit in is lost.
func TestLayersAreLinear(t *testing.T) {
	k := keys{prk: make([]byte, 32)}
	for _, h := range []Hardening{{Fold: 3}, {Rule90: true}, {Resample: true}, {Diffuse: 2}, {Diffuse: 5}} {
		const n = 512
		for _, l := range h.layers(n, k) {
			spread := 0
			for i := range n {
				x, y, both := make(Encoding, n/64), make(Encoding, n/64), make(Encoding, n/64)
				x[i/64] |= 1 << (i % 64)
				for w := range y {
					y[w] = uint64(w+1) * 0x9e3779b97f4a7c15
					both[w] = x[w] ^ y[w]
				}
				sum := l.apply(x)
				spread = max(spread, sum.Count())
				for w, v := range l.apply(y) {
					sum[w] ^= v
				}
				if !slices.Equal(sum, l.apply(both)) {
					t.Fatalf("%+v: bit %d is not added", h, i)
				}
			}
			if spread > l.spread || l.length != l.apply(make(Encoding, n/64)).Len() {
				t.Errorf("%+v: a bit changes %d, %d said", h, spread, l.spread)
			}
			break // further folds take shorter filters
		}
	}
}

func TestDiffusionHasDistinctInputs(t *testing.T) {
	const length, inputs = 64, 16
	m := newMixer(drawer{make([]byte, 32), length}, inputs, true)
	for out := range length {
		var row []uint16
		for _, input := range m.inputs {
			row = append(row, input[out])
		}
		if distinct := slices.Compact(slices.Sorted(slices.Values(row))); len(distinct) != inputs || distinct[inputs-1] >= length {
			t.Errorf("inputs %d", row)
		}
	}
}

// Noise comes at the rate that was asked for, is the same at every release, and
// differs between owners.
func TestNoise(t *testing.T) {
	for _, flip := range []float64{0.01, 0.05, 0.2} {
		s := &Schema{Length: 8192, Features: testSchema().Features}
		secret := bytes.Repeat([]byte{1}, MinSecret)
		noisy := func(key byte) *Encoder {
			e, err := NewEncoder(s, secret, &EncoderOptions{Hardening: &Hardening{Flip: flip}, NoiseKey: bytes.Repeat([]byte{key}, 32)})
			if err != nil {
				t.Fatal(err)
			}
			return e
		}
		e := noisy(1)
		clean := e.coder.(*filterCoder)
		clean = &filterCoder{length: clean.length, fields: clean.fields, salt: clean.salt}
		clean.room.New = e.coder.(*filterCoder).room.New
		flips := func(e *Encoder, name string) Encoding {
			x := encode(t, e, name, "petrosjan", "19900506")
			y, err := clean.encode([]string{name, "petrosjan", "19900506"})
			if err != nil {
				t.Fatal(err)
			}
			for i := range x {
				x[i] ^= y[i]
			}
			return x
		}
		total := 0
		for i := range 20 {
			total += flips(e, fmt.Sprint("name", i)).Count()
		}
		mean := 20 * 8192 * flip
		if math.Abs(float64(total)-mean) > 6*math.Sqrt(mean) {
			t.Errorf("%d of %d bits flip, about %.0f expected", total, 20*8192, mean)
		}
		if !slices.Equal(flips(e, "a"), flips(noisy(1), "a")) {
			t.Error("a second release has other noise")
		}
		if slices.Equal(flips(e, "a"), flips(noisy(2), "a")) || slices.Equal(flips(e, "a"), flips(e, "b")) {
			t.Error("another owner or record has the same noise")
		}
	}
}

func TestEpsilon(t *testing.T) {
	h := &Hardening{Flip: 0.05}
	if got := h.Epsilon(18); math.Abs(got-53) > 0.01 { // 9 bits a q-gram: 2·9·ln(.95/.05)
		t.Errorf("ε = %.3f, want 53.00", got)
	}
	if e := (&Hardening{}).Epsilon(1); !math.IsInf(e, 1) {
		t.Errorf("without noise ε = %v", e)
	}
	text := hardenedEncoder(t, testSchema(), 1, h).String()
	if !strings.HasSuffix(text, ", noise of ε = 2.94 a bit and 59 a q-gram") {
		t.Errorf("the encoder shows as %q", text)
	}
	text = hardenedEncoder(t, testSchema(), 1, &Hardening{Flip: 0.05, Rule90: true}).String()
	if !strings.HasSuffix(text, "and 118 a q-gram") {
		t.Errorf("with Rule 90 it shows as %q", text)
	}
}
