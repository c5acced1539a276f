package tokenize

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var scope = Scope{Project: "joint-2026", Purpose: "linkage", Epoch: "2026-Q4"}

func secretKey(t testing.TB, s Suite, m Mode) *SecretKey {
	t.Helper()
	k, err := GenerateKey(s, m)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func serve(t testing.TB, keys map[Scope]Key) *Server {
	t.Helper()
	s, err := NewServer(keys)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// direct is a transport that calls the server.
func direct(s *Server) Transport {
	return func(ctx context.Context, request []byte) ([]byte, error) {
		r, err := ParseRequest(request)
		if err != nil {
			return nil, err
		}
		return s.Answer(ctx, r)
	}
}

func client(t testing.TB, k *PublicKey, s Scope, tr Transport, o *OPRFOptions) *OPRF {
	t.Helper()
	c, err := NewOPRF(k, s, tr, o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func evaluate(t testing.TB, f PRF, inputs ...string) []Token {
	t.Helper()
	var in [][]byte
	for _, s := range inputs {
		in = append(in, []byte(s))
	}
	tokens, err := f.Evaluate(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	if len(tokens) != len(in) {
		t.Fatalf("%d tokens of %d inputs", len(tokens), len(in))
	}
	return tokens
}

// eachKey runs a test for every suite and mode.
func eachKey(t *testing.T, f func(t *testing.T, k *SecretKey)) {
	for _, s := range []Suite{Ristretto255, P256} {
		for _, m := range []Mode{VOPRF, POPRF} {
			t.Run(fmt.Sprintf("%s/%s", s, m), func(t *testing.T) { f(t, secretKey(t, s, m)) })
		}
	}
}

// Two agencies with batches of their own have the same tokens, in the order of
// their inputs.
func TestOPRF(t *testing.T) {
	eachKey(t, func(t *testing.T, k *SecretKey) {
		s := serve(t, map[Scope]Key{scope: k})
		var requests atomic.Int32
		counted := func(ctx context.Context, r []byte) ([]byte, error) {
			requests.Add(1)
			return direct(s)(ctx, r)
		}
		a := client(t, k.Public(), scope, counted, &OPRFOptions{Batch: 2, Requests: 2})
		b := client(t, k.Public(), scope, direct(s), nil)
		got := evaluate(t, a, "x", "y", "", "x", "z")
		want := evaluate(t, b, "z", "y", "x", "")
		if !slices.Equal(got, []Token{want[2], want[1], want[3], want[2], want[0]}) {
			t.Error("tokens of two agencies differ")
		}
		if requests.Load() != 3 {
			t.Errorf("%d requests, want 3", requests.Load())
		}
		if len(evaluate(t, a)) != 0 || requests.Load() != 3 {
			t.Error("no inputs make a request")
		}
		if a.Epoch() != scope.Epoch {
			t.Errorf("epoch %q", a.Epoch())
		}
	})
}

// The tokens of one input under other scopes are unrelated, under one POPRF key and
// under a VOPRF key each.
func TestOPRFScopes(t *testing.T) {
	scopes := []Scope{scope, scope, scope, scope}
	scopes[1].Project, scopes[2].Purpose, scopes[3].Epoch = "other", "other", "2027-Q1"
	eachKey(t, func(t *testing.T, k *SecretKey) {
		keys := map[Scope]Key{}
		for _, s := range scopes {
			keys[s] = k
			if k.Public().Mode() == VOPRF {
				keys[s] = secretKey(t, k.Public().Suite(), VOPRF)
			}
		}
		server := serve(t, keys)
		seen := map[Token]bool{}
		for _, s := range scopes {
			seen[evaluate(t, client(t, keys[s].Public(), s, direct(server), nil), "x")[0]] = true
		}
		if len(seen) != len(scopes) {
			t.Errorf("%d tokens of %d scopes", len(seen), len(scopes))
		}
	})
	k := secretKey(t, Ristretto255, VOPRF)
	if _, err := NewServer(map[Scope]Key{scopes[0]: k, scopes[1]: k}); !errors.Is(err, ErrSharedKey) {
		t.Errorf("a VOPRF key of two scopes: %v", err)
	}
}

// The parts of a scope cannot be shifted into each other.
func TestScopeIsInjective(t *testing.T) {
	a, b := Scope{"ab", "c", "d"}, Scope{"a", "bc", "d"}
	if bytes.Equal(a.info(), b.info()) {
		t.Error("two scopes have one info")
	}
}

// A Tokenizer works with the OPRF as with any PRF.
func TestTokenizerWithOPRF(t *testing.T) {
	k := secretKey(t, Ristretto255, POPRF)
	s := serve(t, map[Scope]Key{scope: k})
	list := rules(t, "family given birth")
	of := func(r Record) Token {
		tk, err := New(people, list, client(t, k.Public(), scope, direct(s), nil))
		if err != nil {
			t.Fatal(err)
		}
		return entries(t, tk, r)[0].Token
	}
	a, b := of(Record{"Ana", "Muller", "1978-01-25", ""}), of(Record{"ANA ", "MULLER", "25.01.1978", "Ulm"})
	if a != b {
		t.Error("one person has two tokens")
	}
}

func TestLyingServer(t *testing.T) {
	eachKey(t, func(t *testing.T, k *SecretKey) {
		other := secretKey(t, k.Public().Suite(), k.Public().Mode())
		honest, tagging := serve(t, map[Scope]Key{scope: k}), serve(t, map[Scope]Key{scope: other})
		wrong := func(change func(answer []byte) []byte) Transport {
			return func(ctx context.Context, r []byte) ([]byte, error) {
				answer, err := direct(honest)(ctx, r)
				return change(answer), err
			}
		}
		boom := errors.New("boom")
		for name, tt := range map[string]struct {
			transport Transport
			want      error
		}{
			"another key":    {direct(tagging), ErrProof},
			"another proof":  {wrong(func(b []byte) []byte { b[len(b)-40] ^= 1; return b }), ErrProof},
			"empty":          {wrong(func([]byte) []byte { return nil }), ErrAnswer},
			"other format":   {wrong(func(b []byte) []byte { b[0]++; return b }), ErrAnswer},
			"too short":      {wrong(func(b []byte) []byte { return b[:len(b)-1] }), ErrAnswer},
			"trailing":       {wrong(func(b []byte) []byte { return append(b, 0) }), ErrAnswer},
			"count of zero":  {wrong(func(b []byte) []byte { b[2] = 0; return b }), ErrAnswer},
			"fewer elements": {wrong(func(b []byte) []byte { n := 3 + (len(b)-67)/2; b[2]--; return append(b[:n:n], b[len(b)-64:]...) }), ErrAnswer},
			"no element":     {wrong(func(b []byte) []byte { clear(b[3:35]); return b }), ErrAnswer},
			"fails":          {func(context.Context, []byte) ([]byte, error) { return nil, boom }, boom},
		} {
			c := client(t, k.Public(), scope, tt.transport, nil)
			tokens, err := c.Evaluate(t.Context(), [][]byte{[]byte("Strauss"), []byte("y")})
			if tokens != nil || !errors.Is(err, tt.want) {
				t.Errorf("%s: %v, want %v", name, err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), "Strauss") {
				t.Errorf("%s: the error tells the input", name)
			}
		}
	})
}

func TestServerRefuses(t *testing.T) {
	k := secretKey(t, P256, POPRF)
	s := serve(t, map[Scope]Key{scope: k})
	one := k.Public().encoded[2:]
	elsewhere := scope
	elsewhere.Purpose = "other"
	for name, tt := range map[string]struct {
		request []byte
		want    error
	}{
		"another scope":     {appendRequest(k.Public(), elsewhere, one), ErrNoKey},
		"another mode":      {appendRequest(secretKey(t, P256, VOPRF).Public(), scope, one), ErrNoKey},
		"another suite":     {appendRequest(secretKey(t, Ristretto255, POPRF).Public(), scope, make([]byte, 32)), ErrNoKey},
		"the identity":      {appendRequest(k.Public(), scope, make([]byte, 33)), ErrRequest},
		"not on the curve":  {appendRequest(k.Public(), scope, bytes.Repeat([]byte{3}, 33)), ErrRequest},
		"no elements":       {appendRequest(k.Public(), scope, nil), ErrRequest},
		"too many elements": {appendRequest(k.Public(), scope, make([]byte, 33*(MaxBatch+1))), ErrRequest},
		"malformed scope":   {appendRequest(k.Public(), Scope{"a b", "c", "d"}, one), ErrRequest},
		"malformed epoch":   {appendRequest(k.Public(), Scope{"a", "c", ""}, one), ErrRequest},
		"empty":             {nil, ErrRequest},
		"another format":    {append([]byte{9}, appendRequest(k.Public(), scope, one)[1:]...), ErrRequest},
		"unknown suite":     {append([]byte{1, 9}, appendRequest(k.Public(), scope, one)[2:]...), ErrRequest},
		"unknown mode":      {append([]byte{1, 2, 0}, appendRequest(k.Public(), scope, one)[3:]...), ErrRequest},
		"trailing":          {append(appendRequest(k.Public(), scope, one), 0), ErrRequest},
	} {
		if _, err := direct(s)(t.Context(), tt.request); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
	request := appendRequest(k.Public(), scope, one)
	for n := range request {
		if _, err := ParseRequest(request[:n]); !errors.Is(err, ErrRequest) {
			t.Errorf("cut at %d: %v", n, err)
		}
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("stop")
	cancel(stop)
	if _, err := direct(s)(ctx, request); !errors.Is(err, stop) {
		t.Errorf("ended: %v", err)
	}
	if _, ok := s.Public(elsewhere); ok {
		t.Error("a key of another scope")
	}
	if p, ok := s.Public(scope); !ok || !p.Equal(k.Public()) {
		t.Error("the key of the scope is missing")
	}
}

func TestOPRFRefuses(t *testing.T) {
	k := secretKey(t, Ristretto255, VOPRF)
	for name, tt := range map[string]struct {
		scope Scope
		o     *OPRFOptions
		want  error
	}{
		"no project":   {Scope{"", "p", "e"}, nil, ErrScope},
		"long purpose": {Scope{"p", strings.Repeat("p", 65), "e"}, nil, ErrScope},
		"no epoch":     {Scope{"p", "p", ""}, nil, ErrEpoch},
		"batch":        {scope, &OPRFOptions{Batch: MaxBatch + 1}, ErrOptions},
		"requests":     {scope, &OPRFOptions{Requests: -1}, ErrOptions},
	} {
		if _, err := NewOPRF(k.Public(), tt.scope, nil, tt.o); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
	c := client(t, k.Public(), scope, direct(serve(t, map[Scope]Key{scope: k})), nil)
	if _, err := c.Evaluate(t.Context(), [][]byte{make([]byte, 65536)}); !errors.Is(err, ErrInput) {
		t.Errorf("a long input: %v", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("stop")
	cancel(stop)
	if _, err := c.Evaluate(ctx, [][]byte{{1}}); !errors.Is(err, stop) {
		t.Errorf("ended: %v", err)
	}
	if _, err := GenerateKey(9, VOPRF); !errors.Is(err, ErrKey) {
		t.Errorf("suite 9: %v", err)
	}
	if _, err := GenerateKey(P256, 0); !errors.Is(err, ErrKey) {
		t.Errorf("mode 0: %v", err)
	}
}

func gcm(t testing.TB, key byte) cipher.AEAD {
	t.Helper()
	block, err := aes.NewCipher(bytes.Repeat([]byte{key}, 32))
	if err != nil {
		t.Fatal(err)
	}
	a, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// A restored backup makes the same tokens.
func TestBackup(t *testing.T) {
	eachKey(t, func(t *testing.T, k *SecretKey) {
		sealed := k.Seal(gcm(t, 1))
		before := evaluate(t, client(t, k.Public(), scope, direct(serve(t, map[Scope]Key{scope: k})), nil), "x")
		public := k.Public()
		k.Destroy()
		restored, err := OpenKey(gcm(t, 1), sealed)
		if err != nil {
			t.Fatal(err)
		}
		after := evaluate(t, client(t, public, scope, direct(serve(t, map[Scope]Key{scope: restored})), nil), "x")
		if !slices.Equal(before, after) {
			t.Error("tokens changed")
		}
		if _, err := OpenKey(gcm(t, 2), sealed); !errors.Is(err, ErrKey) {
			t.Errorf("under another key: %v", err)
		}
		for i := range sealed {
			bad := bytes.Clone(sealed)
			bad[i] ^= 1
			if _, err := OpenKey(gcm(t, 1), bad); !errors.Is(err, ErrKey) {
				t.Errorf("byte %d changed: %v", i, err)
			}
			if _, err := OpenKey(gcm(t, 1), sealed[:i]); !errors.Is(err, ErrKey) {
				t.Errorf("cut at %d: %v", i, err)
			}
		}
	})
}

func TestDestroyedKey(t *testing.T) {
	k := secretKey(t, P256, VOPRF)
	c := client(t, k.Public(), scope, direct(serve(t, map[Scope]Key{scope: k})), nil)
	k.Destroy()
	if _, err := c.Evaluate(t.Context(), [][]byte{{1}}); !errors.Is(err, ErrKey) {
		t.Errorf("a destroyed key: %v", err)
	}
}

func TestPublicKeys(t *testing.T) {
	eachKey(t, func(t *testing.T, k *SecretKey) {
		b := k.Public().Bytes()
		p, err := ParsePublicKey(b)
		if err != nil || !p.Equal(k.Public()) {
			t.Fatalf("read back: %v", err)
		}
		if diff := cmp.Diff(b, p.Bytes()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if text := p.String(); !strings.HasPrefix(text, p.Suite().String()+" "+p.Mode().String()+" ") || text == secretKey(t, p.Suite(), p.Mode()).Public().String() {
			t.Errorf("String: %q", text)
		}
		for name, bad := range map[string][]byte{
			"empty":    nil,
			"suite":    append([]byte{9}, b[1:]...),
			"mode":     append([]byte{b[0], 0}, b[2:]...),
			"identity": append(bytes.Clone(b[:2]), make([]byte, len(b)-2)...),
			"long":     append(bytes.Clone(b), 0),
		} {
			if _, err := ParsePublicKey(bad); !errors.Is(err, ErrKey) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestKeysDoNotFormat(t *testing.T) {
	for _, s := range []Suite{Ristretto255, P256} {
		k := secretKey(t, s, VOPRF)
		text, err := k.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("key", "key", k)
		for _, got := range []string{fmt.Sprintf("%v", k), fmt.Sprintf("%+v", k), fmt.Sprintf("%#v", k), fmt.Sprintf("%x", k), fmt.Sprint(k), string(text)} {
			if got != "secret key(redacted)" {
				t.Error("a key formats")
			}
		}
		if !strings.Contains(log.String(), "secret key(redacted)") {
			t.Error("a key is logged")
		}
	}
}

func FuzzRequest(f *testing.F) {
	k := secretKey(f, P256, POPRF)
	s := serve(f, map[Scope]Key{scope: k})
	f.Add(appendRequest(k.Public(), scope, k.Public().encoded[2:]))
	f.Add(appendRequest(k.Public(), scope, make([]byte, 66)))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := ParseRequest(b)
		if err != nil {
			if !errors.Is(err, ErrRequest) {
				t.Errorf("%v", err)
			}
			return
		}
		answer, err := s.Answer(t.Context(), r)
		if err == nil {
			_, _, err = parseAnswer(answer, 33)
		}
		if err != nil && !errors.Is(err, ErrNoKey) && !errors.Is(err, ErrRequest) {
			t.Errorf("%v", err)
		}
	})
}

func FuzzAnswer(f *testing.F) {
	k := secretKey(f, Ristretto255, VOPRF)
	s := serve(f, map[Scope]Key{scope: k})
	r, err := ParseRequest(appendRequest(k.Public(), scope, k.Public().encoded[2:]))
	if err != nil {
		f.Fatal(err)
	}
	answer, err := s.Answer(f.Context(), r)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(answer)
	f.Fuzz(func(t *testing.T, answer []byte) {
		c := client(t, k.Public(), scope, func(context.Context, []byte) ([]byte, error) { return answer, nil }, nil)
		if _, err := c.Evaluate(t.Context(), [][]byte{{1}}); !errors.Is(err, ErrAnswer) && !errors.Is(err, ErrProof) {
			t.Errorf("%v", err)
		}
	})
}

func FuzzOpenKey(f *testing.F) {
	a := gcm(f, 1)
	f.Add(secretKey(f, P256, VOPRF).Seal(a))
	f.Fuzz(func(t *testing.T, sealed []byte) {
		if _, err := OpenKey(a, sealed); err != nil && !errors.Is(err, ErrKey) {
			t.Errorf("%v", err)
		}
	})
}
