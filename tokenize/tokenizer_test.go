package tokenize

import (
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var secret = []byte("thirty-two bytes for tests alone")

var people = &Schema{Fields: []FieldSpec{{"given", Name}, {"family", Name}, {"birth", Date}, {"place", Text}}}

func rules(t testing.TB, lists ...string) []Rule {
	t.Helper()
	var out []Rule
	for _, list := range lists {
		r := Rule{Name: list}
		for text := range strings.FieldsSeq(list) {
			r.Parts = append(r.Parts, mustPart(t, text))
		}
		out = append(out, r)
	}
	return out
}

func tokenizer(t testing.TB, s *Schema, rules []Rule) *Tokenizer {
	t.Helper()
	return tokenizerOf(t, s, rules, secret, "2026-Q4")
}

func tokenizerOf(t testing.TB, s *Schema, rules []Rule, secret []byte, e Epoch) *Tokenizer {
	t.Helper()
	prf, err := NewHMAC(secret, e)
	if err != nil {
		t.Fatal(err)
	}
	tk, err := New(s, rules, prf)
	if err != nil {
		t.Fatal(err)
	}
	return tk
}

func entries(t testing.TB, tk *Tokenizer, records ...Record) []Entry {
	t.Helper()
	var out []Entry
	for e, err := range tk.Tokens(t.Context(), slices.Values(records)) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, e)
	}
	return out
}

// places are where entries come from, as row.rule.
func places(entries []Entry) []string {
	var out []string
	for _, e := range entries {
		out = append(out, fmt.Sprintf("%d.%d", e.Row, e.Rule))
	}
	return out
}

func TestTokens(t *testing.T) {
	tk := tokenizer(t, people, rules(t, "family given birth", "family/soundex given/initial birth/year", "birth place"))
	got := entries(t, tk,
		Record{"Ana", "Müller", "25.01.1978", ""},
		Record{"ANA", "Mueller", "1978-01-25", ""},
		Record{"", "", "", ""},
		Record{"Ana", "Muller", "1978", "Ulm"},
		Record{"", "Muller", "1978-01-25", "ulm"},
	)
	want := []string{"0.0", "0.0", "0.1", "1.0", "1.1", "3.1", "4.2"}
	if diff := cmp.Diff(want, places(got)); diff != "" {
		t.Fatalf("places (-want +got):\n%s", diff)
	}
	same := func(i, j int) bool { return got[i].Token == got[j].Token }
	if !same(1, 3) || same(0, 3) {
		t.Error("the variant of one record is not the value of the other")
	}
	if !same(2, 4) || !same(2, 5) {
		t.Error("one key of three records has several tokens")
	}
	distinct := map[Token]bool{}
	for _, e := range got {
		distinct[e.Token] = true
	}
	if len(distinct) != 4 {
		t.Errorf("%d distinct tokens, want 4", len(distinct))
	}
}

// One key under two rules, epochs, secrets or configurations has unrelated
// tokens, and tokenizers that agree have the same.
func TestTokensAreSeparate(t *testing.T) {
	record := Record{"Ana", "Muller", "1978-01-25", "Ulm"}
	list := rules(t, "family", "family/first64")
	seen := map[Token]string{}
	for name, tk := range map[string]*Tokenizer{
		"this one":     tokenizer(t, people, list),
		"epoch":        tokenizerOf(t, people, list, secret, "2027-Q1"),
		"secret":       tokenizerOf(t, people, list, []byte(strings.Repeat("x", 32)), "2026-Q4"),
		"more rules":   tokenizer(t, people, append(slices.Clone(list), rules(t, "given")...)),
		"other kind":   tokenizer(t, &Schema{Fields: []FieldSpec{{"given", Name}, {"family", Text}, {"birth", Date}, {"place", Text}}}, list),
		"other parts":  tokenizer(t, people, rules(t, "family/first63", "family/first64")),
		"turned round": tokenizer(t, people, rules(t, "family/first64", "family")),
	} {
		for _, e := range entries(t, tk, record) {
			if other, taken := seen[e.Token]; taken {
				t.Errorf("%s and %s share a token", name, other)
			}
			seen[e.Token] = name
		}
	}
	if len(seen) != 15 {
		t.Errorf("%d tokens, want 15", len(seen))
	}
}

// Names and order of fields, fields that no rule uses, and names of rules are
// each agency's own affair.
func TestHashIsOfWhatCounts(t *testing.T) {
	a := tokenizer(t, people, rules(t, "family given/initial", "family birth/year"))
	other := &Schema{Fields: []FieldSpec{{"email", Email}, {"dob", Date}, {"nachname", Name}, {"vorname", Name}}}
	b := tokenizer(t, other, rules(t, "nachname vorname/initial", "nachname dob/year"))
	if a.Hash() != b.Hash() {
		t.Error("the hashes differ")
	}
	x := entries(t, a, Record{"Ana", "Müller", "25.01.1978", "Ulm"})
	y := entries(t, b, Record{"a@b", "1978-01-25", "MÜLLER", "ana"})
	if diff := cmp.Diff(x, y); diff != "" {
		t.Errorf("tokens differ (-a +b):\n%s", diff)
	}

	hashes := map[[32]byte]int{a.Hash(): 0}
	for _, list := range [][]string{
		{"family given/initial"},
		{"family birth/year", "family given/initial"},
		{"given/initial family", "family birth/year"},
		{"family given/initial", "given birth/year"},
		{"family given", "family birth/year"},
		{"family given/first1", "family birth/year"},
		{"family given/first2", "family birth/year"},
		{"family place/initial", "family birth/year"},
		{"family given/initial", "family birth"},
		{"family given/initial", "family birth/year", "given"},
	} {
		hashes[tokenizer(t, people, rules(t, list...)).Hash()]++
	}
	if len(hashes) != 11 {
		t.Errorf("%d hashes of 11 configurations", len(hashes))
	}
}

// The format, written down a second time.
func TestTokenFormat(t *testing.T) {
	tk := tokenizer(t, people, rules(t, "given", "family/initial birth"))
	key, err := hkdf.Key(sha256.New, secret, nil, "comity tokenize v1 HMAC-SHA-256 key, epoch 2026-Q4", 32)
	if err != nil {
		t.Fatal(err)
	}
	hash := tk.Hash()
	mac := func(parts ...[]byte) (sum [32]byte) {
		m := hmac.New(sha256.New, key)
		m.Write(slices.Concat(parts...))
		m.Sum(sum[:0])
		return sum
	}
	part := func(s string) []byte { return append(binary.BigEndian.AppendUint32(nil, uint32(len(s))), s...) }
	want := mac([]byte("comity tokenize v1\x01\x072026-Q4"), hash[:], []byte{0, 1}, part("m"), part("1978-01-25"))
	got := entries(t, tk, Record{"", "Muller", "25.01.1978", ""})
	if len(got) != 1 || got[0].Token != Token(want) {
		t.Error("the token is not what the format says")
	}
	confirmation, err := tk.Confirmation(t.Context())
	if err != nil || confirmation != mac([]byte("comity tokenize v1\x02\x072026-Q4"), hash[:]) {
		t.Errorf("the confirmation is not what the format says (%v)", err)
	}
}

func TestNewRefuses(t *testing.T) {
	prf, err := NewHMAC(secret, "e")
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		schema *Schema
		rules  []Rule
		prf    PRF
		want   error
	}{
		"no schema":          {nil, rules(t, "given"), prf, ErrSchema},
		"no rules":           {people, nil, prf, ErrRule},
		"too many rules":     {people, make([]Rule, maxRules+1), prf, ErrRule},
		"no parts":           {people, []Rule{{}}, prf, ErrRule},
		"unknown field":      {people, rules(t, "shoe_size"), prf, ErrRule},
		"year of a name":     {people, rules(t, "given/year"), prf, ErrRule},
		"soundex of a place": {people, rules(t, "place/soundex"), prf, ErrRule},
		"a part twice":       {people, rules(t, "given given"), prf, ErrRule},
		"a rule twice":       {people, rules(t, "given", "family", "given"), prf, ErrRule},
		"malformed epoch":    {people, rules(t, "given"), &HMAC{epoch: "a b"}, ErrEpoch},
	} {
		if _, err := New(tt.schema, tt.rules, tt.prf); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
	for name, tt := range map[string]struct {
		secret []byte
		epoch  Epoch
		want   error
	}{
		"no secret":    {nil, "e", ErrSecret},
		"short secret": {secret[:31], "e", ErrSecret},
		"no epoch":     {secret, "", ErrEpoch},
		"long epoch":   {secret, Epoch(strings.Repeat("e", 65)), ErrEpoch},
	} {
		if _, err := NewHMAC(tt.secret, tt.epoch); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
}

// One bad record is reported and does not end the run; order is kept over many
// batches.
func TestTokensStream(t *testing.T) {
	tk := tokenizer(t, people, rules(t, "family", "family birth"))
	const n = 3*batchSize + 17
	var want, got, bad []string
	records := func(yield func(Record) bool) {
		for i := range n {
			r := Record{"", fmt.Sprintf("Name%d", i), "1978-01-25", ""}
			switch i % 1000 {
			case 0:
				r[2] = "yesterday"
			case 500:
				r = r[:3]
			}
			if !yield(r) {
				return
			}
		}
	}
	for i := range n {
		switch i % 1000 {
		case 500:
		case 0:
			want = append(want, fmt.Sprintf("%d.0", i))
		default:
			want = append(want, fmt.Sprintf("%d.0", i), fmt.Sprintf("%d.1", i))
		}
	}
	last := -1
	for e, err := range tk.Tokens(t.Context(), records) {
		if e.Row < last {
			t.Fatalf("row %d after %d", e.Row, last)
		}
		last = e.Row
		var record *RecordError
		if errors.As(err, &record) {
			if strings.Contains(err.Error(), "yesterday") {
				t.Error("an error holds a value")
			}
			if record.Row != e.Row {
				t.Errorf("entry of row %d for the error of row %d", e.Row, record.Row)
			}
			bad = append(bad, fmt.Sprint(record.Row))
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%d.%d", e.Row, e.Rule))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("places (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"0", "500", "1000", "1500", "2000", "2500", "3000", "3500", "4000", "4500", "5000", "5500", "6000"}, bad); diff != "" {
		t.Errorf("bad records (-want +got):\n%s", diff)
	}
}

func TestTokensStop(t *testing.T) {
	tk := tokenizer(t, people, rules(t, "family"))
	cause := errors.New("the operator gave up")
	ctx, cancel := context.WithCancelCause(t.Context())
	drawn := 0
	records := func(yield func(Record) bool) {
		for yield(Record{"", "Muller", "", ""}) {
			if drawn++; drawn == batchSize+1 {
				cancel(cause)
			}
		}
	}
	var err error
	for _, err = range tk.Tokens(ctx, records) {
	}
	if !errors.Is(err, cause) {
		t.Errorf("%v, want %v", err, cause)
	}
	for range tk.Tokens(t.Context(), records) {
		break
	}
}

// faulty is a PRF that fails.
type faulty struct {
	tokens int
	err    error
}

func (f faulty) Epoch() Epoch { return "e" }

func (f faulty) Evaluate(context.Context, [][]byte) ([]Token, error) {
	return make([]Token, f.tokens), f.err
}

func TestFaultyPRF(t *testing.T) {
	down := errors.New("the key server is down")
	for name, tt := range map[string]struct {
		prf  PRF
		want string
	}{
		"fails":          {faulty{err: down}, down.Error()},
		"too few tokens": {faulty{tokens: 1}, "tokenize: the PRF did not return one token an input"},
	} {
		tk, err := New(people, rules(t, "given", "family"), tt.prf)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, err := range tk.Tokens(t.Context(), slices.Values([]Record{{"Ana", "Muller", "", ""}})) {
			got = append(got, fmt.Sprint(err))
		}
		if diff := cmp.Diff([]string{tt.want}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// No two lists of parts run together alike.
func TestReadingsAreInjective(t *testing.T) {
	tk := tokenizer(t, people, rules(t, "given family"))
	got := entries(t, tk, Record{"ab", "c", "", ""}, Record{"a", "bc", "", ""}, Record{"ab c", "d", "", ""}, Record{"ab", "c d", "", ""})
	distinct := map[Token]bool{}
	for _, e := range got {
		distinct[e.Token] = true
	}
	if len(distinct) != 4 {
		t.Errorf("%d distinct tokens of 4 keys", len(distinct))
	}
}

func TestReadingsAreBounded(t *testing.T) {
	s := &Schema{}
	var names []string
	record := Record{}
	for i := range 6 {
		name := fmt.Sprintf("f%d", i)
		s.Fields = append(s.Fields, FieldSpec{name, Name})
		names = append(names, name)
		record = append(record, "Müller")
	}
	tk := tokenizer(t, s, rules(t, strings.Join(names, " ")))
	got := entries(t, tk, record, make(Record, 6))
	if len(got) != maxReadings {
		t.Errorf("%d tokens, want %d", len(got), maxReadings)
	}
	plain := slices.Repeat(Record{"Muller"}, 6)
	if first := entries(t, tk, plain); len(first) != 1 || !slices.ContainsFunc(got, func(e Entry) bool { return e.Token == first[0].Token }) {
		t.Error("the reading without variants is not among them")
	}
}

func TestSecretsDoNotFormat(t *testing.T) {
	prf, err := NewHMAC(secret, "2026-Q4")
	if err != nil {
		t.Fatal(err)
	}
	key, err := HMACKey(secret, "2026-Q4")
	if err != nil {
		t.Fatal(err)
	}
	token := Token{0xab, 0xcd}
	var log strings.Builder
	untimed := &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{} // its digits could be any
		}
		return a
	}}
	slog.New(slog.NewTextHandler(&log, untimed)).Info("x", "token", token, "prf", prf, "value", *prf)
	text, err := json.Marshal(map[string]any{"token": token, "prf": prf})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{
		log.String(), string(text), fmt.Sprintf("%v %+v %#v %x %s %d", token, token, token, token, token, token),
		fmt.Sprintf("%v %+v %#v %x %s", prf, *prf, prf, *prf, prf), fmt.Sprintf("%x", []Token{token}),
	} {
		for _, leak := range []string{"abcd", "171", "[171", hex.EncodeToString(key[:4]), fmt.Sprintf("%d %d", key[0], key[1])} {
			if strings.Contains(s, leak) {
				t.Error("a secret was formatted")
			}
		}
	}
}
