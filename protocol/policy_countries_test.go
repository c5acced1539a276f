package protocol

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// countryPolicy reads the example policy of a country. Limits are the ledger's to
// test.
func countryPolicy(t testing.TB, country string) *Policy {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "policies", country+".json"))
	if err != nil {
		t.Fatal(err)
	}
	p, err := ParsePolicy(text)
	if err != nil {
		t.Fatalf("%s: %v", country, err)
	}
	for i := range p.Rules {
		p.Rules[i].Limits = Limits{}
	}
	return p
}

// Terms that both countries' policies permit.
func investigation() *Terms {
	return &Terms{
		Purpose: "criminal investigation", LegalBasis: "Regulation (EU) 2024/982", Article: "Article 26",
		Case: "2026/117", Offence: "homicide", Officer: "o-4711", Approvers: []string{"p-1", "p-2"},
		Jurisdictions: []string{"AR", "BO"}, Categories: []string{CategorySuspect}, Scope: ScopeQuery,
		Function: FunctionSet, Suite: "ecdh-p256", Receiver: Proposer, Epoch: "2026-Q4", SchemaHash: schema,
		Fields: 3, MaxProposer: 50, MaxAcceptor: 1000, MaxCandidates: 10, RetentionDays: 20,
		Expires: time.Now().Add(30 * time.Minute),
	}
}

func statistics() *Terms {
	return &Terms{
		Purpose: "crime statistics", LegalBasis: "Regulation (EU) 2024/982", Article: "Article 72",
		Officer: "o-4711", Approvers: []string{"p-1", "p-2", "p-3"},
		Jurisdictions: []string{"AR", "BO"}, Categories: []string{CategorySuspect, CategoryConvicted}, Scope: ScopeBulk,
		Function: FunctionCount, Suite: "ecdh-ristretto255", Receiver: Proposer, Epoch: "2026-Q4", SchemaHash: schema,
		Fields: 2, MaxProposer: 2000, MaxAcceptor: 2000, Bucket: 1000, Rules: 4, RetentionDays: 30,
		Expires: time.Now().Add(time.Hour),
	}
}

func missingPersons() *Terms {
	t := investigation()
	t.Purpose, t.LegalBasis, t.Article, t.Offence = "missing persons", "Act on Missing Persons", "", ""
	t.Categories, t.Suite, t.Fields = []string{CategoryOther}, "vole-malicious", 1
	return t
}

// Two agencies under different laws. Arcadia's policy wants case, offence and two
// approvals, has results erased within thirty days and leaves out witnesses and
// victims; Borduria's wants three fields and has results kept for some days. What
// runs lies inside both: each row says which side refuses the proposal, because of
// which term and by which of its rules.
func TestTwoCountries(t *testing.T) {
	const (
		prüm   = "Prüm queries"
		joint  = "joint statistics"
		lost   = "missing persons"
		invest = "investigations"
		stats  = "statistics"
	)
	arcadia, borduria, syldavia := identity(t, "Police of Arcadia"), identity(t, "Bureau of Borduria"), identity(t, "Customs of Syldavia")
	policies := map[*Identity]*Policy{arcadia: countryPolicy(t, "arcadia"), borduria: countryPolicy(t, "borduria")}
	tests := []struct {
		name     string
		from, to *Identity
		base     func() *Terms
		change   func(*Terms)
		refuses  Role // "": neither
		term     string
		rule     string
	}{
		// Arcadia proposes an investigation.
		{"an investigation", arcadia, borduria, investigation, nil, "", "", ""},
		{"the other article", arcadia, borduria, investigation, func(t *Terms) { t.Article = "Article 25" }, "", "", ""},
		{"one jurisdiction", arcadia, borduria, investigation, func(t *Terms) { t.Jurisdictions = []string{"BO"} }, "", "", ""},
		{"convicted and suspect", arcadia, borduria, investigation, func(t *Terms) { t.Categories = []string{CategoryConvicted, CategorySuspect} }, "", "", ""},
		{"more approvers", arcadia, borduria, investigation, func(t *Terms) { t.Approvers = append(t.Approvers, "p-3") }, "", "", ""},
		{"kept for a month", arcadia, borduria, investigation, func(t *Terms) { t.RetentionDays = 30 }, "", "", ""},
		{"more fields", arcadia, borduria, investigation, func(t *Terms) { t.Fields = 5 }, "", "", ""},
		{"another purpose", arcadia, borduria, investigation, func(t *Terms) { t.Purpose = "tax arrears" }, Proposer, "purpose", ""},
		{"a treaty that Arcadia is not bound by", arcadia, borduria, investigation, func(t *Terms) { t.LegalBasis = "Treaty of 2026" }, Proposer, "legal_basis", prüm},
		{"no article", arcadia, borduria, investigation, func(t *Terms) { t.Article = "" }, Proposer, "article", prüm},
		{"an article of another matter", arcadia, borduria, investigation, func(t *Terms) { t.Article = "Article 72" }, Proposer, "article", prüm},
		{"no case", arcadia, borduria, investigation, func(t *Terms) { t.Case = "" }, Proposer, "case", prüm},
		{"no offence", arcadia, borduria, investigation, func(t *Terms) { t.Offence = "" }, Proposer, "offence", prüm},
		{"an offence in Borduria's list alone", arcadia, borduria, investigation, func(t *Terms) { t.Offence = "fraud" }, Proposer, "offence", prüm},
		{"an offence in Arcadia's list alone", arcadia, borduria, investigation, func(t *Terms) { t.Offence = "robbery" }, Acceptor, "offence", invest},
		{"no officer", arcadia, borduria, investigation, func(t *Terms) { t.Officer = "" }, Proposer, "officer", prüm},
		{"one approver", arcadia, borduria, investigation, func(t *Terms) { t.Approvers = t.Approvers[:1] }, Proposer, "approvers", prüm},
		{"no approver", arcadia, borduria, investigation, func(t *Terms) { t.Approvers = nil }, Proposer, "approvers", prüm},
		{"a third country", arcadia, borduria, investigation, func(t *Terms) { t.Jurisdictions = []string{"AR", "BO", "XX"} }, Proposer, "jurisdictions", prüm},
		{"a jurisdiction that Arcadia alone takes", arcadia, borduria, investigation, func(t *Terms) { t.Jurisdictions = []string{"AR", "EU"} }, Acceptor, "jurisdictions", invest},
		{"a witness", arcadia, borduria, investigation, func(t *Terms) { t.Categories = []string{CategoryWitness} }, Proposer, "categories", prüm},
		{"a victim among suspects", arcadia, borduria, investigation, func(t *Terms) { t.Categories = []string{CategorySuspect, CategoryVictim} }, Proposer, "categories", prüm},
		{"in bulk", arcadia, borduria, investigation, func(t *Terms) { t.Scope = ScopeBulk }, Proposer, "scope", prüm},
		{"only how many", arcadia, borduria, investigation, func(t *Terms) { t.Function, t.MaxCandidates = FunctionCount, 0 }, Proposer, "function", prüm},
		{"last quarter's key", arcadia, borduria, investigation, func(t *Terms) { t.Epoch = "2026-Q3" }, Proposer, "epoch", prüm},
		{"another schema", arcadia, borduria, investigation, func(t *Terms) { t.SchemaHash[0]++ }, Proposer, "schema_hash", prüm},
		{"fields not stated", arcadia, borduria, investigation, func(t *Terms) { t.Fields = 0 }, Proposer, "fields", prüm},
		{"one field", arcadia, borduria, investigation, func(t *Terms) { t.Fields = 1 }, Proposer, "fields", prüm},
		{"two fields, enough for Arcadia alone", arcadia, borduria, investigation, func(t *Terms) { t.Fields = 2 }, Acceptor, "fields", invest},
		{"too many persons at once", arcadia, borduria, investigation, func(t *Terms) { t.MaxProposer = 51 }, Proposer, "max_proposer", prüm},
		{"more than Borduria shows", arcadia, borduria, investigation, func(t *Terms) { t.MaxAcceptor = 1001 }, Acceptor, "max_acceptor", invest},
		{"more than both show", arcadia, borduria, investigation, func(t *Terms) { t.MaxAcceptor = 2001 }, Proposer, "max_acceptor", prüm},
		{"any number of matches", arcadia, borduria, investigation, func(t *Terms) { t.MaxCandidates = 0 }, Proposer, "max_candidates", prüm},
		{"eleven matches", arcadia, borduria, investigation, func(t *Terms) { t.MaxCandidates = 11 }, Proposer, "max_candidates", prüm},
		{"retention not stated", arcadia, borduria, investigation, func(t *Terms) { t.RetentionDays = 0 }, Proposer, "retention_days", prüm},
		{"kept too long for Arcadia", arcadia, borduria, investigation, func(t *Terms) { t.RetentionDays = 31 }, Proposer, "retention_days", prüm},
		{"kept too briefly for Borduria", arcadia, borduria, investigation, func(t *Terms) { t.RetentionDays = 4 }, Acceptor, "retention_days", invest},
		{"valid too long for Arcadia", arcadia, borduria, investigation, func(t *Terms) { t.Expires = time.Now().Add(2 * time.Hour) }, Proposer, "expires", prüm},
		{"a suite that Arcadia alone takes", arcadia, borduria, investigation, func(t *Terms) { t.Suite = "ecdh-ristretto255" }, Acceptor, "suite", invest},
		{"a suite that neither takes", arcadia, borduria, investigation, func(t *Terms) { t.Suite = "vole" }, Proposer, "suite", prüm},
		{"Borduria learns", arcadia, borduria, investigation, func(t *Terms) { t.Receiver = Acceptor }, Proposer, "receiver", prüm},

		// Borduria proposes the same: now its own law comes first.
		{"an investigation the other way", borduria, arcadia, investigation, nil, "", "", ""},
		{"by treaty", borduria, arcadia, investigation, func(t *Terms) { t.LegalBasis = "Treaty of 2026" }, Acceptor, "legal_basis", prüm},
		{"no article the other way", borduria, arcadia, investigation, func(t *Terms) { t.Article = "" }, Acceptor, "article", prüm},
		{"fraud the other way", borduria, arcadia, investigation, func(t *Terms) { t.Offence = "fraud" }, Acceptor, "offence", prüm},
		{"robbery the other way", borduria, arcadia, investigation, func(t *Terms) { t.Offence = "robbery" }, Proposer, "offence", invest},
		{"no approver the other way", borduria, arcadia, investigation, func(t *Terms) { t.Approvers = nil }, Acceptor, "approvers", prüm},
		{"no officer the other way", borduria, arcadia, investigation, func(t *Terms) { t.Officer = "" }, Proposer, "officer", invest},
		{"a witness the other way", borduria, arcadia, investigation, func(t *Terms) { t.Categories = []string{CategoryWitness} }, Acceptor, "categories", prüm},
		{"a victim the other way", borduria, arcadia, investigation, func(t *Terms) { t.Categories = []string{CategoryVictim} }, Proposer, "categories", invest},
		{"in bulk the other way", borduria, arcadia, investigation, func(t *Terms) { t.Scope = ScopeBulk }, Acceptor, "scope", prüm},
		{"in bulk with one approver", borduria, arcadia, investigation, func(t *Terms) { t.Scope, t.Approvers = ScopeBulk, t.Approvers[:1] }, Proposer, "approvers", invest},
		{"sixty persons", borduria, arcadia, investigation, func(t *Terms) { t.MaxProposer = 60 }, Acceptor, "max_proposer", prüm},
		{"any number of matches the other way", borduria, arcadia, investigation, func(t *Terms) { t.MaxCandidates = 0 }, Acceptor, "max_candidates", prüm},
		{"kept for a year", borduria, arcadia, investigation, func(t *Terms) { t.RetentionDays = 365 }, Acceptor, "retention_days", prüm},
		{"valid for a day", borduria, arcadia, investigation, func(t *Terms) { t.Expires = time.Now().Add(20 * time.Hour) }, Acceptor, "expires", prüm},

		// Statistics, in bulk.
		{"statistics", arcadia, borduria, statistics, nil, "", "", ""},
		{"two approvers, enough for Arcadia alone", arcadia, borduria, statistics, func(t *Terms) { t.Approvers = t.Approvers[:2] }, Acceptor, "approvers", stats},
		{"one approver for bulk", arcadia, borduria, statistics, func(t *Terms) { t.Approvers = t.Approvers[:1] }, Proposer, "approvers", joint},
		{"no padding", arcadia, borduria, statistics, func(t *Terms) { t.Bucket = 0 }, Proposer, "bucket", joint},
		{"buckets of 500", arcadia, borduria, statistics, func(t *Terms) { t.Bucket = 500 }, Proposer, "bucket", joint},
		{"missing fields show", arcadia, borduria, statistics, func(t *Terms) { t.Rules = 0 }, Acceptor, "rules", stats},
		{"who, not how many", arcadia, borduria, statistics, func(t *Terms) { t.Function = FunctionSet }, Proposer, "function", joint},
		{"only Borduria learns how many", arcadia, borduria, statistics, func(t *Terms) { t.Receiver = Acceptor }, Acceptor, "receiver", stats},
		{"statistics for Borduria", borduria, arcadia, statistics, nil, "", "", ""},
		{"statistics without an officer", borduria, arcadia, statistics, func(t *Terms) { t.Officer = "" }, Acceptor, "officer", joint},
		{"statistics of witnesses", borduria, arcadia, statistics, func(t *Terms) { t.Categories = []string{CategoryWitness} }, Acceptor, "categories", joint},

		// What one country knows and the other does not.
		{"missing persons, which Arcadia has no rule for", arcadia, borduria, missingPersons, nil, Proposer, "purpose", ""},
		{"missing persons, asked of Arcadia", borduria, arcadia, missingPersons, nil, Acceptor, "purpose", ""},
		{"missing persons who are suspects", borduria, arcadia, missingPersons, func(t *Terms) { t.Categories = []string{CategorySuspect} }, Proposer, "categories", lost},
		{"missing persons kept too briefly", borduria, arcadia, missingPersons, func(t *Terms) { t.RetentionDays = 9 }, Proposer, "retention_days", lost},
		{"a third agency that Borduria has no rule for", syldavia, borduria, investigation, nil, Acceptor, "proposer", ""},
		{"Borduria asks the third", borduria, syldavia, investigation, nil, Proposer, "acceptor", ""},
		{"the third asks Arcadia", syldavia, arcadia, investigation, nil, "", "", ""},
		{"the third asks Arcadia for statistics", syldavia, arcadia, statistics, nil, Acceptor, "purpose", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			pc := &Config{Identity: tt.from, Peers: []Peer{tt.to.Peer()}, Policy: policies[tt.from]}
			ac := &Config{Identity: tt.to, Peers: []Peer{tt.from.Peer()}, Policy: policies[tt.to]}
			terms := tt.base()
			if tt.change != nil {
				tt.change(terms)
			}
			var named *TermError
			if tt.refuses == Proposer {
				_, err := Dial(t.Context(), "127.0.0.1:1", terms, pc)
				if !errors.As(err, &named) || named.Term != tt.term || named.Rule != tt.rule {
					t.Errorf("%v, want term %q by rule %q", err, tt.term, tt.rule)
				}
				return
			}
			if _, err := pc.Complete(terms); err != nil {
				t.Fatal(err)
			}
			e := meet(t, terms, pc, ac)
			if tt.refuses == Acceptor {
				checkRefused(t, tt.term, e.proposerErr, e.acceptorErr)
				if errors.As(e.acceptorErr, &named) && named.Rule != tt.rule {
					t.Errorf("%v, want rule %q", e.acceptorErr, tt.rule)
				}
				return
			}
			if e.proposerErr != nil || e.acceptorErr != nil {
				t.Fatalf("proposer: %v; acceptor: %v", e.proposerErr, e.acceptorErr)
			}
			if diff := slices.Compare(e.proposer.Terms().Approvers, e.acceptor.Terms().Approvers); diff != 0 {
				t.Error("the two agreed on different terms")
			}
			closeAll(e.proposer, e.acceptor)
		})
	}
}
