package protocol

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func encodingTerms() *Terms {
	return &Terms{
		Purpose:       "missing persons",
		LegalBasis:    "Treaty of 2026, article 9",
		Case:          "2026/117",
		Officer:       "officer-4711",
		Approvers:     []string{"judge-1", "judge-2"},
		Jurisdictions: []string{"DE", "FR"},
		Categories:    []string{CategoryOther},
		Scope:         ScopeBulk,
		Fields:        2,
		RetentionDays: 30,
		Function:      FunctionEncodings,
		Epoch:         "2026-Q4",
		SchemaHash:    schema,
		MaxProposer:   1000,
		Expires:       time.Now().Add(time.Hour),
		Partner:       "Customs of Syldavia",
		ConfigHash:    Hash{1},
		Length:        1024,
		Threshold:     0.8,
	}
}

func TestTermsRoundTrip(t *testing.T) {
	c, _ := agencies(t)
	for _, terms := range []*Terms{goodTerms(), encodingTerms(), fullTerms(t)} {
		want := complete(t, terms, c)
		text, err := want.marshal()
		if err != nil {
			t.Fatal(err)
		}
		got, err := ParseTerms(text)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-written +read):\n%s", diff)
		}
	}
}

// Each invalid term is named.
func TestInvalidTerms(t *testing.T) {
	tests := []struct {
		name   string
		base   func() *Terms
		change func(*Terms)
		term   string
	}{
		{"version", goodTerms, func(t *Terms) { t.Version = Version + 1 }, "version"},
		{"old version", goodTerms, func(t *Terms) { t.Version = 1 }, "version"},
		{"no proposer", goodTerms, func(t *Terms) { t.Proposer = "" }, "proposer"},
		{"proposer too long", goodTerms, func(t *Terms) { t.Proposer = strings.Repeat("x", 65) }, "proposer"},
		{"acceptor with a line break", goodTerms, func(t *Terms) { t.Acceptor = "a\nb" }, "acceptor"},
		{"acceptor is the proposer", goodTerms, func(t *Terms) { t.Acceptor = t.Proposer }, "acceptor"},
		{"no purpose", goodTerms, func(t *Terms) { t.Purpose = "" }, "purpose"},
		{"blank purpose", goodTerms, func(t *Terms) { t.Purpose = " " }, "purpose"},
		{"purpose too long", goodTerms, func(t *Terms) { t.Purpose = strings.Repeat("x", 1001) }, "purpose"},
		{"purpose that turns its direction", goodTerms, func(t *Terms) { t.Purpose = "a\u202eb" }, "purpose"},
		{"no legal basis", goodTerms, func(t *Terms) { t.LegalBasis = "" }, "legal_basis"},
		{"legal basis of broken encoding", goodTerms, func(t *Terms) { t.LegalBasis = "a\xff" }, "legal_basis"},
		{"no jurisdiction", goodTerms, func(t *Terms) { t.Jurisdictions = nil }, "jurisdictions"},
		{"too many jurisdictions", goodTerms, func(t *Terms) { t.Jurisdictions = make([]string, 33) }, "jurisdictions"},
		{"jurisdiction twice", goodTerms, func(t *Terms) { t.Jurisdictions = []string{"DE", "DE"} }, "jurisdictions"},
		{"jurisdiction in small letters", goodTerms, func(t *Terms) { t.Jurisdictions = []string{"de"} }, "jurisdictions"},
		{"no function", goodTerms, func(t *Terms) { t.Function = "" }, "function"},
		{"unknown function", goodTerms, func(t *Terms) { t.Function = "product" }, "function"},
		{"known function of no use", goodTerms, func(t *Terms) { t.Function = "sum" }, "function"},
		{"no epoch", goodTerms, func(t *Terms) { t.Epoch = "" }, "epoch"},
		{"epoch with a space", goodTerms, func(t *Terms) { t.Epoch = "2026 Q4" }, "epoch"},
		{"epoch with a line break", goodTerms, func(t *Terms) { t.Epoch = "2026\n" }, "epoch"},
		{"no schema hash", goodTerms, func(t *Terms) { t.SchemaHash = Hash{} }, "schema_hash"},
		{"no time of issue", goodTerms, func(t *Terms) { t.Issued = time.Time{} }, "issued"},
		{"no expiry", goodTerms, func(t *Terms) { t.Expires = time.Time{} }, "expires"},
		{"expiry before issue", goodTerms, func(t *Terms) { t.Expires = t.Issued.Add(-time.Second) }, "expires"},

		{"article with a line break", goodTerms, func(t *Terms) { t.Article = "1\n2" }, "article"},
		{"case with a space", goodTerms, func(t *Terms) { t.Case = "case 1" }, "case"},
		{"case not ASCII", goodTerms, func(t *Terms) { t.Case = "Fäll" }, "case"},
		{"offence too long", goodTerms, func(t *Terms) { t.Offence = strings.Repeat("x", 65) }, "offence"},
		{"officer with a tab", goodTerms, func(t *Terms) { t.Officer = "a\tb" }, "officer"},
		{"nine approvers", goodTerms, func(t *Terms) { t.Approvers = strings.Split("a b c d e f g h i", " ") }, "approvers"},
		{"approver twice", goodTerms, func(t *Terms) { t.Approvers = []string{"a", "a"} }, "approvers"},
		{"empty approver", goodTerms, func(t *Terms) { t.Approvers = []string{""} }, "approvers"},
		{"officer approves", goodTerms, func(t *Terms) { t.Approvers = []string{t.Officer} }, "approvers"},
		{"no categories", goodTerms, func(t *Terms) { t.Categories = nil }, "categories"},
		{"unknown category", goodTerms, func(t *Terms) { t.Categories = []string{"relative"} }, "categories"},
		{"category twice", goodTerms, func(t *Terms) { t.Categories = []string{"victim", "victim"} }, "categories"},
		{"no scope", goodTerms, func(t *Terms) { t.Scope = "" }, "scope"},
		{"unknown scope", goodTerms, func(t *Terms) { t.Scope = "trawl" }, "scope"},
		{"too many fields", goodTerms, func(t *Terms) { t.Fields = 65 }, "fields"},
		{"negative candidates", goodTerms, func(t *Terms) { t.MaxCandidates = -1 }, "max_candidates"},
		{"candidates of a count", goodTerms, func(t *Terms) { t.Function, t.MaxCandidates = FunctionCount, 1 }, "max_candidates"},
		{"negative bucket", goodTerms, func(t *Terms) { t.Bucket = -1 }, "bucket"},
		{"too many rules", goodTerms, func(t *Terms) { t.Rules = 1001 }, "rules"},
		{"kept for ever", goodTerms, func(t *Terms) { t.RetentionDays = 36526 }, "retention_days"},
		{"signature without an officer", goodTerms, func(t *Terms) { t.Officer, t.OfficerSignature = "", new(OfficerSignature) }, "officer"},
		{"signature of no key", goodTerms, func(t *Terms) { t.OfficerSignature = new(OfficerSignature) }, "officer_signature"},

		{"unknown suite", goodTerms, func(t *Terms) { t.Suite = "rot13" }, "suite"},
		{"no receiver", goodTerms, func(t *Terms) { t.Receiver = "" }, "receiver"},
		{"both receive", goodTerms, func(t *Terms) { t.Receiver = "both" }, "receiver"},
		{"nothing from the proposer", goodTerms, func(t *Terms) { t.MaxProposer = 0 }, "max_proposer"},
		{"negative size", goodTerms, func(t *Terms) { t.MaxAcceptor = -1 }, "max_acceptor"},
		{"size beyond all bounds", goodTerms, func(t *Terms) { t.MaxAcceptor = math.MaxInt }, "max_acceptor"},
		{"partner in a set", goodTerms, func(t *Terms) { t.Partner = "P" }, "partner"},
		{"config hash in a set", goodTerms, func(t *Terms) { t.ConfigHash = Hash{1} }, "config_hash"},
		{"length in a set", goodTerms, func(t *Terms) { t.Length = 1024 }, "length"},
		{"threshold in a set", goodTerms, func(t *Terms) { t.Threshold = 0.8 }, "threshold"},

		{"bucket for encodings", encodingTerms, func(t *Terms) { t.Bucket = 100 }, "bucket"},
		{"rules for encodings", encodingTerms, func(t *Terms) { t.Rules = 2 }, "rules"},
		{"suite for encodings", encodingTerms, func(t *Terms) { t.Suite = "ecdh-p256" }, "suite"},
		{"receiver for encodings", encodingTerms, func(t *Terms) { t.Receiver = Proposer }, "receiver"},
		{"no encodings", encodingTerms, func(t *Terms) { t.MaxProposer = 0 }, "max_proposer"},
		{"encodings from the unit", encodingTerms, func(t *Terms) { t.MaxAcceptor = 1 }, "max_acceptor"},
		{"no partner", encodingTerms, func(t *Terms) { t.Partner = "" }, "partner"},
		{"proposer as partner", encodingTerms, func(t *Terms) { t.Partner = t.Proposer }, "partner"},
		{"unit as partner", encodingTerms, func(t *Terms) { t.Partner = t.Acceptor }, "partner"},
		{"no config hash", encodingTerms, func(t *Terms) { t.ConfigHash = Hash{} }, "config_hash"},
		{"no length", encodingTerms, func(t *Terms) { t.Length = 0 }, "length"},
		{"odd length", encodingTerms, func(t *Terms) { t.Length = 1000 }, "length"},
		{"no threshold", encodingTerms, func(t *Terms) { t.Threshold = 0 }, "threshold"},
		{"threshold above 1", encodingTerms, func(t *Terms) { t.Threshold = 1.01 }, "threshold"},
		{"threshold not a number", encodingTerms, func(t *Terms) { t.Threshold = math.NaN() }, "threshold"},
	}
	c, _ := agencies(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			terms := complete(t, tt.base(), c)
			tt.change(terms)
			var named *TermError
			if err := terms.Validate(); !errors.As(err, &named) || named.Term != tt.term || !errors.Is(err, ErrTerms) {
				t.Errorf("%v, want term %q and %v", err, tt.term, ErrTerms)
			}
			if !termKeys[tt.term] {
				t.Errorf("%q is not a key of terms", tt.term)
			}
		})
	}
}

// The JSON form is what officers and agencies sign: its keys and their order are
// part of the format.
func TestTermsText(t *testing.T) {
	text, err := fullTerms(t).marshal()
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"version":2,"proposer":"P","acceptor":"A","purpose":"missing persons","legal_basis":"Treaty of 2026, article 9",` +
		`"article":"Article 9 \u003c1\u003e","case":"2026/117","offence":"homicide","officer":"officer-4711","approvers":["p-1","p\u00262"],` +
		`"officer_signature":{"key":"O2onvM62pC1io6jQKm8Nc2UyFXcd4kOmOsBIoYtZ2ik=","signature":"`
	rest, ok := strings.CutPrefix(string(text), want)
	if !ok {
		t.Fatalf("terms begin otherwise:\n%s", text)
	}
	const tail = `"},"jurisdictions":["DE","FR"],"categories":["other"],"scope":"query","function":"set","epoch":"2026-Q4",` +
		`"schema_hash":"df0ad6e43880f09c90ebf95f19110178aba6890df0010ebda7485029e2b543b4","fields":2,"max_proposer":1000,"max_acceptor":2000,` +
		`"max_candidates":10,"bucket":1000,"rules":4,"retention_days":30,"issued":"2001-09-09T01:46:40Z","expires":"2033-05-18T03:33:20Z",` +
		`"suite":"ecdh-p256","receiver":"proposer"}`
	if !strings.HasSuffix(rest, tail) {
		t.Errorf("terms end otherwise:\n%s", text)
	}
}

// Text that the standard decoder would take, with two meanings or more.
func TestParseTermsIsStrict(t *testing.T) {
	c, _ := agencies(t)
	text, err := complete(t, goodTerms(), c).marshal()
	if err != nil {
		t.Fatal(err)
	}
	good := string(text)
	replace := func(old, new string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("terms have no %q", old)
		}
		return strings.Replace(good, old, new, 1)
	}
	for name, text := range map[string]string{
		"empty":               "",
		"null alone":          "null",
		"list":                "[" + good + "]",
		"unfinished":          good[:len(good)-1],
		"unknown key":         replace(`{`, `{"retention":1,`),
		"duplicate key":       replace(`{`, `{"epoch":"2026-Q4",`),
		"null":                replace(`"case":"2026/117"`, `"case":null`),
		"key within":          replace(`{`, `{"officer_signature":{"key":"","signature":"","by":1},`),
		"duplicate within":    replace(`{`, `{"officer_signature":{"key":"","key":"","signature":""},`),
		"duplicate by case":   replace(`{`, `{"Epoch":"2027-Q1",`),
		"key in capitals":     replace(`"epoch"`, `"EPOCH"`),
		"escaped duplicate":   replace(`{`, `{"\u0065poch":"2026-Q4",`),
		"trailing object":     good + "{}",
		"trailing brace":      good + "}",
		"trailing comma":      replace(`"version":2,`, `"version":2,,`),
		"number as text":      replace(`"version":2`, `"version":"2"`),
		"fraction":            replace(`"version":2`, `"version":2.5`),
		"text as list":        replace(`"missing persons"`, `["missing persons"]`),
		"list as text":        replace(`["DE","FR"]`, `"DE"`),
		"nested object":       replace(`"missing persons"`, `{"a":1,"a":2}`),
		"size beyond an int":  replace(`"max_proposer":1000`, `"max_proposer":1e99`),
		"hash in capitals":    replace(schema.String(), strings.ToUpper(schema.String())),
		"hash too short":      replace(schema.String(), schema.String()[2:]),
		"hash of no digits":   replace(schema.String(), strings.Repeat("zz", 32)),
		"time without a zone": replace(`Z"`, `"`),
		"not UTF-8":           replace("missing", "miss\xffng"),
		"too long":            good + strings.Repeat(" ", MaxTerms),
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := ParseTerms([]byte(text)); !errors.Is(err, ErrTerms) {
				t.Errorf("%v, want %v", err, ErrTerms)
			}
		})
	}
	if _, err := ParseTerms([]byte(" \n" + good + "\n")); err != nil {
		t.Errorf("space around terms: %v", err)
	}
}

// Errors of the parser name keys that are known, never what the text holds.
func TestParseTermsRevealsNothing(t *testing.T) {
	const name = "Tintin"
	for _, text := range []string{
		`{"` + name + `":1}`, `{"purpose":{"` + name + `":1}}`, `{"version":"` + name + `"}`, `{"expires":"` + name + `"}`,
		`{"schema_hash":"` + name + `"}`, name, `{"purpose":` + name + `}`, `{"epoch":"` + name + ` "}`,
	} {
		if _, err := ParseTerms([]byte(text)); err == nil || strings.Contains(err.Error(), name) {
			t.Errorf("%v", err)
		}
	}
}

// Dial proposes no terms that are invalid, expired or outside the own policy.
func TestDialChecksItsTerms(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Terms, *Config)
		term   string
		want   error
	}{
		{"another's name", func(t *Terms, _ *Config) { t.Proposer = "X" }, "proposer", ErrTerms},
		{"a stranger", func(t *Terms, _ *Config) { t.Acceptor = "X" }, "acceptor", ErrTerms},
		{"one of two peers", func(terms *Terms, c *Config) { c.Peers = append(c.Peers, identity(t, "X").Peer()) }, "acceptor", ErrTerms},
		{"expired", func(t *Terms, _ *Config) {
			t.Issued, t.Expires = time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour)
		}, "expires", ErrExpired},
		{"not yet issued", func(t *Terms, _ *Config) { t.Issued = time.Now().Add(10 * time.Minute) }, "issued", nil},
		{"own policy", func(_ *Terms, c *Config) { c.Policy = &Policy{} }, "acceptor", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, _ := agencies(t)
			terms := goodTerms()
			tt.change(terms, c)
			_, err := Dial(t.Context(), "127.0.0.1:1", terms, c)
			var named *TermError
			if !errors.As(err, &named) || named.Term != tt.term || tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("%v, want term %q and %v", err, tt.term, tt.want)
			}
		})
	}
	c, _ := agencies(t)
	if _, err := Dial(t.Context(), "127.0.0.1:1", nil, c); !errors.Is(err, ErrTerms) {
		t.Errorf("no terms: %v, want %v", err, ErrTerms)
	}
}

// fullTerms state all that is optional.
func fullTerms(t testing.TB) *Terms {
	t.Helper()
	terms := goodTerms()
	terms.Version, terms.Proposer, terms.Acceptor, terms.Suite = Version, "P", "A", "ecdh-p256"
	terms.Article, terms.Offence, terms.Approvers = "Article 9 <1>", "homicide", []string{"p-1", "p&2"}
	terms.MaxCandidates, terms.Bucket, terms.Rules = 10, 1000, 4
	terms.Issued, terms.Expires = time.Unix(1e9, 0).UTC(), time.Unix(2e9, 0).UTC()
	if err := SignOfficer(ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)), terms); err != nil {
		t.Fatal(err)
	}
	return terms
}

func FuzzParseTerms(f *testing.F) {
	full := fullTerms(f)
	for _, terms := range []*Terms{goodTerms(), encodingTerms(), full} {
		if terms != full {
			terms.Version, terms.Proposer, terms.Acceptor = Version, "P", "A"
			terms.Issued, terms.Expires = time.Unix(1e9, 0).UTC(), time.Unix(2e9, 0).UTC()
			if terms.Function == FunctionSet {
				terms.Suite = "ecdh-p256"
			}
		}
		text, err := terms.marshal()
		if err != nil {
			f.Fatal(err)
		}
		if _, err := ParseTerms(text); err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte(`{"purpose":"a","purpose":"b"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		terms, err := ParseTerms(text)
		if err != nil {
			return
		}
		again, err := terms.marshal()
		if err != nil {
			t.Fatal(err)
		}
		back, err := ParseTerms(again)
		if err != nil {
			t.Fatalf("terms that were read cannot be read again: %v", err)
		}
		if diff := cmp.Diff(terms, back); diff != "" {
			t.Errorf("(-first +second):\n%s", diff)
		}
		var loose map[string]any
		if json.Unmarshal(text, &loose) != nil {
			t.Error("the standard decoder refuses what was read")
		}
	})
}
