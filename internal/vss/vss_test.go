package vss

import (
	"bytes"
	"testing"

	"github.com/comity-prl/comity/internal/oprf"
)

func each(t *testing.T, f func(t *testing.T, g oprf.Group)) {
	for _, g := range []oprf.Group{oprf.Ristretto255(), oprf.P256()} {
		t.Run(g.String(), func(t *testing.T) { f(t, g) })
	}
}

func combine(g oprf.Group, members []int, shares []oprf.Scalar) oprf.Scalar {
	sum := g.Int(0)
	for i, w := range Weights(g, members) {
		sum = sum.Add(w.Mul(shares[members[i]-1]))
	}
	return sum
}

func same(a, b oprf.Scalar) bool { return a.Sub(b).IsZero() }

// Of 5 shares any 3 are the secret and 2 are not, whatever the order.
func TestShares(t *testing.T) {
	each(t, func(t *testing.T, g oprf.Group) {
		secret := g.Random()
		commitment, shares := Deal(g, secret, 3, 5)
		for set := range 1 << 5 {
			var members []int
			for i := range 5 {
				if set>>i&1 == 1 {
					members = append([]int{i + 1}, members...)
				}
			}
			if len(members) == 0 {
				continue
			}
			if got := same(secret, combine(g, members, shares)); got != (len(members) >= 3) {
				t.Errorf("members %v: %v", members, got)
			}
		}
		for i, s := range shares {
			if !commitment.Verify(g, i+1, s) {
				t.Errorf("share %d does not verify", i+1)
			}
			if commitment.Verify(g, i+2, s) || commitment.Verify(g, i+1, s.Add(g.Int(1))) {
				t.Errorf("a wrong share %d verifies", i+1)
			}
		}
		if !commitment.At(g, 0).Equal(g.Base(secret)) {
			t.Error("the commitment is to another secret")
		}
	})
}

func TestZeroAndOneOfOne(t *testing.T) {
	each(t, func(t *testing.T, g oprf.Group) {
		commitment, shares := Deal(g, g.Int(0), 2, 2)
		if !commitment[0].Equal(g.Identity()) || !combine(g, []int{1, 2}, shares).IsZero() || shares[0].IsZero() {
			t.Error("zero is not shared")
		}
		secret := g.Random()
		if _, shares := Deal(g, secret, 1, 1); !same(secret, shares[0]) || secret.IsZero() {
			t.Error("one of one is not the secret")
		}
	})
}

func TestLinear(t *testing.T) {
	each(t, func(t *testing.T, g oprf.Group) {
		a, as := Deal(g, g.Random(), 2, 3)
		b, bs := Deal(g, g.Random(), 2, 3)
		k := g.Random()
		sum := a.Add(b.Mul(k))
		for i := range as {
			if !sum.Verify(g, i+1, as[i].Add(bs[i].Mul(k))) {
				t.Errorf("share %d of a+k·b does not verify", i+1)
			}
		}
	})
}

func TestKnowledge(t *testing.T) {
	each(t, func(t *testing.T, g oprf.Group) {
		k := g.Random()
		proof := ProveKnowledge(g, k, []byte("here"))
		if !VerifyKnowledge(g, g.Base(k), []byte("here"), proof) {
			t.Fatal("a proof does not verify")
		}
		changed := bytes.Clone(proof)
		changed[40] ^= 1
		for name, ok := range map[string]bool{
			"elsewhere":        VerifyKnowledge(g, g.Base(k), []byte("there"), proof),
			"of another":       VerifyKnowledge(g, g.Base(g.Random()), []byte("here"), proof),
			"changed":          VerifyKnowledge(g, g.Base(k), []byte("here"), changed),
			"empty":            VerifyKnowledge(g, g.Base(k), []byte("here"), nil),
			"zero":             VerifyKnowledge(g, g.Base(k), []byte("here"), make([]byte, 64)),
			"challenge only":   VerifyKnowledge(g, g.Base(k), []byte("here"), append(bytes.Clone(proof[:32]), make([]byte, 32)...)),
			"one byte more":    VerifyKnowledge(g, g.Base(k), []byte("here"), append(bytes.Clone(proof), 0)),
			"not a challenge":  VerifyKnowledge(g, g.Base(k), []byte("here"), append(bytes.Repeat([]byte{255}, 32), proof[32:]...)),
			"sum of two bases": VerifyKnowledge(g, g.Base(k).Add(g.Base(k)), []byte("here"), proof),
		} {
			if ok {
				t.Errorf("%s: the proof verifies", name)
			}
		}
	})
}
