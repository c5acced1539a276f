package protocol

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/comity-prl/comity/psi"
)

// Version is the version of the wire format and of terms.
const Version = 2

// Role is a side of a session.
type Role string

// The roles.
const (
	Proposer Role = "proposer" // dials, and signs terms first
	Acceptor Role = "acceptor" // listens, checks them against its policy, and countersigns
)

func (r Role) other() Role {
	if r == Proposer {
		return Acceptor
	}
	return Proposer
}

// Functions that terms can agree on. Validate also knows "sum" and "labels", which
// this version does not carry out.
const (
	// FunctionSet tells one side which of its tokens the other has too.
	FunctionSet = "set"
	// FunctionCount tells one side how many of its tokens the other has too.
	FunctionCount = "count"
	// FunctionEncodings lets the acceptor, a linkage unit, compare the proposer's
	// Bloom encodings with those of one other owner.
	FunctionEncodings = "encodings"
)

// Scopes of a session.
const (
	ScopeQuery = "query" // one case asks about the persons in it
	ScopeBulk  = "bulk"  // whole sets are compared
)

// Categories of data subjects: those of Directive (EU) 2016/680, article 6.
const (
	CategorySuspect   = "suspect"
	CategoryConvicted = "convicted"
	CategoryVictim    = "victim"
	CategoryWitness   = "witness" // and contacts and associates
	CategoryOther     = "other"
)

var categories = []string{CategorySuspect, CategoryConvicted, CategoryVictim, CategoryWitness, CategoryOther}

// MaxTerms is the size of the longest terms, in bytes of JSON.
const MaxTerms = 16 << 10

// Terms are what both sides sign: why, on what ground, who asks, about whom, with
// what, how much, and until when. Their JSON form is signed byte for byte. It holds
// no personal data and no secret: case, officer and approvers are ids that mean
// something to the agency alone.
//
// A version takes in what is stated; which of the optional terms must be stated is
// for the policies to say. Nothing of the law is filled in: Dial supplies version,
// names, suite and time of issue.
type Terms struct {
	Version int `json:"version"` // 0 in Dial: Version

	// Proposer and Acceptor are the names of the identities. Empty in Dial: the
	// own name, and the only peer's.
	Proposer string `json:"proposer"`
	Acceptor string `json:"acceptor"`

	// Purpose, LegalBasis (the instrument) and Article are for people: 1 to 1000
	// printable runes. Article is optional.
	Purpose    string `json:"purpose"`
	LegalBasis string `json:"legal_basis"`
	Article    string `json:"article,omitempty"`

	// Case, Offence, Officer and Approvers are optional ids of 1 to 64 printable
	// ASCII characters without a space: the case reference, the offence's code, who
	// asks, and up to 8 others, none of them the officer, who approved. Who they are is
	// the proposer's assertion: the acceptor verifies an agency, not a person.
	Case      string   `json:"case,omitempty"`
	Offence   string   `json:"offence,omitempty"`
	Officer   string   `json:"officer,omitempty"`
	Approvers []string `json:"approvers,omitempty"`
	// OfficerSignature is the officer's own, where there is one: SignOfficer.
	OfficerSignature *OfficerSignature `json:"officer_signature,omitempty"`

	// Jurisdictions are 1 to 32 codes such as "DE", "US-CA" or "EU".
	Jurisdictions []string `json:"jurisdictions"`
	// Categories are those of the data subjects in either set, at least one.
	Categories []string `json:"categories"`
	Scope      string   `json:"scope"` // ScopeQuery or ScopeBulk

	Function string `json:"function"` // FunctionSet, FunctionCount or FunctionEncodings
	// Epoch names the key period, as in tokenize.Epoch.
	Epoch string `json:"epoch"`
	// SchemaHash is the hash of fields, rules and versions that prepared the
	// records: tokenize.Tokenizer.Hash.
	SchemaHash Hash `json:"schema_hash"`
	// Fields is how many distinct fields of a record the least demanding rule of the
	// schema combines, up to 64; 0: not stated. The hash binds the schema, so that the
	// number can be checked by who has that.
	Fields int `json:"fields,omitempty"`
	// MaxProposer and MaxAcceptor bound the sets, in distinct items, or rows for
	// encodings. A linkage unit brings none: its MaxAcceptor is 0.
	MaxProposer int `json:"max_proposer"`
	MaxAcceptor int `json:"max_acceptor"`
	// MaxCandidates is how many matches a result may hold; a result with more is
	// withheld by the side that learns it, if that is honest. 0: no bound. Not for
	// FunctionCount.
	MaxCandidates int `json:"max_candidates,omitempty"`
	// Bucket, if not 0, has each side fill its set up with dummies to the next
	// multiple, and Rules, if not 0, count each record as so many items before, up to
	// 1000. Not for FunctionEncodings.
	Bucket int `json:"bucket,omitempty"`
	Rules  int `json:"rules,omitempty"`
	// RetentionDays is how long the side that learns the result may keep it, up to
	// 36525; 0: not stated.
	RetentionDays int `json:"retention_days,omitempty"`

	// Issued and Expires bound when a run may begin. Zero Issued in Dial: now.
	Issued  time.Time `json:"issued"`
	Expires time.Time `json:"expires"`

	// Suite names the suite of package psi. Not for FunctionEncodings. Empty in Dial:
	// the default of package psi.
	Suite string `json:"suite,omitempty"`
	// Receiver is the direction: who learns the result. Not for FunctionEncodings.
	Receiver Role `json:"receiver,omitempty"`

	// Partner is the name of the other owner. FunctionEncodings only.
	Partner string `json:"partner,omitempty"`
	// ConfigHash is the hash of how encodings are made: bloomlink.Binding.Config.
	// FunctionEncodings only.
	ConfigHash Hash `json:"config_hash,omitzero"`
	// Length is that of an encoding in bits, and Threshold the least Dice
	// coefficient of a match, above 0 and at most 1. FunctionEncodings only.
	Length    int     `json:"length,omitempty"`
	Threshold float64 `json:"threshold,omitempty"`
}

var termKeys = jsonKeys(reflect.TypeFor[Terms]())

// ParseTerms reads terms from JSON and validates them. Unknown and duplicate keys
// and trailing data are refused. Errors are ErrTerms, or *TermError where one
// term is at fault.
func ParseTerms(text []byte) (*Terms, error) {
	if len(text) > MaxTerms {
		return nil, fmt.Errorf("%w: %d bytes, at most %d allowed", ErrTerms, len(text), MaxTerms)
	}
	t := new(Terms)
	if err := decodeStrict(text, t); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTerms, err)
	}
	if err := t.Validate(); err != nil {
		return nil, err
	}
	return t, nil
}

// marshal returns the bytes that are signed.
func (t *Terms) marshal() ([]byte, error) {
	text, err := json.Marshal(t)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTerms, err)
	}
	if len(text) > MaxTerms {
		return nil, fmt.Errorf("%w: %d bytes, at most %d allowed", ErrTerms, len(text), MaxTerms)
	}
	return text, nil
}

// clone returns a copy that shares nothing.
func (t *Terms) clone() *Terms {
	if t == nil {
		return &Terms{}
	}
	d := *t
	d.Approvers = slices.Clone(t.Approvers)
	d.Jurisdictions = slices.Clone(t.Jurisdictions)
	d.Categories = slices.Clone(t.Categories)
	if s := t.OfficerSignature; s != nil {
		d.OfficerSignature = &OfficerSignature{slices.Clone(s.Key), slices.Clone(s.Signature)}
	}
	return &d
}

// Complete returns terms as Dial proposes them, for SignOfficer.
func (c *Config) Complete(t *Terms) (*Terms, error) {
	d, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	t = t.withDefaults(d)
	return t, t.Validate()
}

// withDefaults returns a copy with what Dial fills in, not yet validated.
func (t *Terms) withDefaults(c *Config) *Terms {
	d := t.clone()
	if d.Version == 0 {
		d.Version = Version
	}
	if d.Proposer == "" {
		d.Proposer = c.Identity.Name()
	}
	if d.Acceptor == "" && len(c.Peers) == 1 {
		d.Acceptor = c.Peers[0].Name
	}
	if d.exact() && d.Suite == "" {
		d.Suite = psi.ECDHRistretto255().String()
	}
	if d.Issued.IsZero() {
		d.Issued = c.Clock().UTC().Truncate(time.Second)
	}
	return d
}

// exact reports whether the function is one of package psi.
func (t *Terms) exact() bool { return t.Function == FunctionSet || t.Function == FunctionCount }

// name returns the name of a side.
func (t *Terms) name(r Role) string {
	if r == Proposer {
		return t.Proposer
	}
	return t.Acceptor
}
