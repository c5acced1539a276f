package tokenize

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
)

var nextScope = Scope{Project: scope.Project, Purpose: scope.Purpose, Epoch: "2027-Q1"}

// vault stores elements by their tokens.
type vault struct {
	mu       sync.Mutex
	elements map[Token]Element
}

func (v *vault) keep(tokens []Token, elements []Element) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.elements == nil {
		v.elements = map[Token]Element{}
	}
	for i, t := range tokens {
		v.elements[t] = elements[i]
	}
}

// moved is the vault's element of a token in the next epoch.
func moved(t *testing.T, d *Delta, v *vault, token Token) Element {
	t.Helper()
	e, ok := v.elements[token]
	if !ok {
		t.Fatal("the vault has no element of the token")
	}
	out, err := d.Rekey(t.Context(), []Element{e})
	if err != nil {
		t.Fatal(err)
	}
	return out[0]
}

func rotatable(t *testing.T, k *SecretKey, s Scope, v *vault) *Rotatable {
	t.Helper()
	r, err := NewRotatable(client(t, k.Public(), s, direct(serve(t, map[Scope]Key{s: k})), &OPRFOptions{Batch: 2}), v.keep)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Elements that were moved make the tokens that records would make anew.
func TestRotation(t *testing.T) {
	for _, suite := range []Suite{Ristretto255, P256} {
		t.Run(suite.String(), func(t *testing.T) {
			oldKey, newKey := secretKey(t, suite, VOPRF), secretKey(t, suite, VOPRF)
			var v, fresh vault
			tokens := func(r *Rotatable) []Entry {
				tk, err := New(people, rules(t, "family given birth", "family"), r)
				if err != nil {
					t.Fatal(err)
				}
				return entries(t, tk, Record{"Ana", "Muller", "1978-01-25", ""}, Record{"Bo", "Ek", "", ""})
			}
			before := tokens(rotatable(t, oldKey, scope, &v))
			after := tokens(rotatable(t, newKey, nextScope, &fresh))
			if len(before) != 3 {
				t.Fatalf("%d tokens", len(before))
			}

			d, err := NewDelta(scope, nextScope, oldKey, newKey)
			if err != nil {
				t.Fatal(err)
			}
			sealed := d.Seal(gcm(t, 1))
			d.Destroy()
			if d, err = OpenDelta(gcm(t, 1), sealed, scope, nextScope, oldKey.Public(), newKey.Public()); err != nil {
				t.Fatal(err)
			}
			for i, e := range before {
				m := moved(t, d, &v, e.Token)
				if m != fresh.elements[after[i].Token] {
					t.Errorf("entry %d: another element", i)
				}
				if nextScope.Token(m) != after[i].Token || e.Token == after[i].Token {
					t.Errorf("entry %d: another token", i)
				}
				if e.Epoch != scope.Epoch || after[i].Epoch != nextScope.Epoch {
					t.Errorf("entry %d: epochs %q and %q", i, e.Epoch, after[i].Epoch)
				}
			}
		})
	}
}

// A rotatable token is neither its element nor the token of RFC 9497.
func TestRotatableTokens(t *testing.T) {
	k := secretKey(t, Ristretto255, VOPRF)
	var v vault
	r := rotatable(t, k, scope, &v)
	got := evaluate(t, r, "x", "y", "z")
	plain := evaluate(t, r.client, "x", "y", "z")
	for i := range got {
		if got[i] == plain[i] || got[i] == Token(v.elements[got[i]]) {
			t.Errorf("token %d is not derived", i)
		}
	}
	if len(v.elements) != 3 {
		t.Errorf("%d elements of 3 tokens", len(v.elements))
	}
	p := secretKey(t, Ristretto255, POPRF)
	if _, err := NewRotatable(client(t, p.Public(), scope, nil, nil), v.keep); !errors.Is(err, ErrMode) {
		t.Errorf("POPRF: %v", err)
	}
	boom := errors.New("boom")
	failing := client(t, k.Public(), scope, func(context.Context, []byte) ([]byte, error) { return nil, boom }, nil)
	f, err := NewRotatable(failing, v.keep)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Evaluate(t.Context(), [][]byte{{1}}); !errors.Is(err, boom) {
		t.Errorf("%v", err)
	}
}

func TestDeltaRefuses(t *testing.T) {
	a, b := secretKey(t, P256, VOPRF), secretKey(t, P256, VOPRF)
	elsewhere := nextScope
	elsewhere.Project = "other"
	for name, tt := range map[string]struct {
		from, to Scope
		old, new *SecretKey
	}{
		"one epoch":    {scope, scope, a, b},
		"two projects": {scope, elsewhere, a, b},
		"two suites":   {scope, nextScope, a, secretKey(t, Ristretto255, VOPRF)},
		"POPRF":        {scope, nextScope, a, secretKey(t, P256, POPRF)},
	} {
		if _, err := NewDelta(tt.from, tt.to, tt.old, tt.new); !errors.Is(err, ErrMode) {
			t.Errorf("%s: %v", name, err)
		}
	}
	d, err := NewDelta(scope, nextScope, a, b)
	if err != nil {
		t.Fatal(err)
	}
	sealed := d.Seal(gcm(t, 1))
	for name, tt := range map[string]struct {
		key      byte
		from, to Scope
		old, new *PublicKey
	}{
		"another sealing key": {2, scope, nextScope, a.Public(), b.Public()},
		"another key":         {1, scope, nextScope, a.Public(), a.Public()},
		"turned round":        {1, scope, nextScope, b.Public(), a.Public()},
		"another epoch":       {1, scope, Scope{scope.Project, scope.Purpose, "2099"}, a.Public(), b.Public()},
	} {
		if _, err := OpenDelta(gcm(t, tt.key), sealed, tt.from, tt.to, tt.old, tt.new); !errors.Is(err, ErrDelta) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for i := range sealed {
		bad := bytes.Clone(sealed)
		bad[i] ^= 1
		if _, err := OpenDelta(gcm(t, 1), bad, scope, nextScope, a.Public(), b.Public()); !errors.Is(err, ErrDelta) {
			t.Errorf("byte %d changed: %v", i, err)
		}
	}
	if _, err := OpenDelta(gcm(t, 1), sealed, scope, nextScope, a.Public(), secretKey(t, Ristretto255, VOPRF).Public()); !errors.Is(err, ErrMode) {
		t.Errorf("two suites: %v", err)
	}
	bad := Element(bytes.Repeat([]byte{255}, 32))
	if _, err := d.Rekey(t.Context(), []Element{bad}); !errors.Is(err, ErrElement) || !strings.Contains(err.Error(), "number 1") {
		t.Errorf("a bad element: %v", err)
	}
	stop := errors.New("stop")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(stop)
	if _, err := d.Rekey(ctx, []Element{bad}); !errors.Is(err, stop) {
		t.Errorf("ended: %v", err)
	}
	for _, s := range []string{fmt.Sprintf("%v %+v %#v %x", d, d, d, d), fmt.Sprintf("%v %+v %#v %x", bad, bad, bad, bad)} {
		if strings.Count(s, "redacted") != 4 {
			t.Error("a secret formats")
		}
	}
}

func TestEpochs(t *testing.T) {
	of := func(e Epoch) *HMAC {
		f, err := NewHMAC(secret, e)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	old, now := of("2026-Q4"), of("2027-Q1")
	e, err := NewEpochs(now, old)
	if err != nil {
		t.Fatal(err)
	}
	if e.Primary() != PRF(now) || !slices.Equal(slices.Collect(e.All()), []PRF{now, old}) {
		t.Error("the primary is not first")
	}
	if f, err := e.Of("2026-Q4"); err != nil || f != PRF(old) {
		t.Errorf("the old epoch: %v", err)
	}
	if _, err := e.Of("2025-Q1"); !errors.Is(err, ErrNoEpoch) {
		t.Errorf("no such epoch: %v", err)
	}
	if _, err := NewEpochs(now, of("2027-Q1")); !errors.Is(err, ErrEpoch) {
		t.Errorf("one epoch twice: %v", err)
	}
	if _, err := NewEpochs(new(HMAC)); !errors.Is(err, ErrEpoch) {
		t.Errorf("a malformed epoch: %v", err)
	}

	r := Record{"Ana", "Muller", "1978-01-25", ""}
	one := func(f PRF) Entry {
		tk, err := New(people, rules(t, "family given birth"), f)
		if err != nil {
			t.Fatal(err)
		}
		return entries(t, tk, r)[0]
	}
	a, b, c := one(now), one(now), one(old)
	if same, err := a.Same(b); err != nil || !same {
		t.Errorf("one epoch: %v, %v", same, err)
	}
	if _, err := a.Same(c); !errors.Is(err, ErrOtherEpoch) {
		t.Errorf("two epochs: %v", err)
	}
	b.Token[0] ^= 1
	if same, err := a.Same(b); err != nil || same {
		t.Errorf("two tokens: %v, %v", same, err)
	}
}
