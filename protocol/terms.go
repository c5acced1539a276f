package protocol

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/comity-prl/comity/psi"
)

// Version is the version of the wire format and of terms.
const Version = 1

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

// Functions that terms can agree on.
const (
	// FunctionSet tells one side which of its tokens the other has too.
	FunctionSet = "set"
	// FunctionEncodings lets the acceptor, a linkage unit, compare the proposer's
	// Bloom encodings with those of one other owner.
	FunctionEncodings = "encodings"
)

// MaxTerms is the size of the longest terms, in bytes of JSON.
const MaxTerms = 16 << 10

const (
	maxText          = 1000 // runes in a purpose or legal basis
	maxJurisdictions = 32
)

// Terms are what both sides sign: why, on what ground, with what, how much, and
// until when. Their JSON form is signed byte for byte. It holds no personal data
// and no secret.
type Terms struct {
	Version int `json:"version"` // 0 in Dial: Version

	// Proposer and Acceptor are the names of the identities. Empty in Dial: the
	// own name, and the only peer's.
	Proposer string `json:"proposer"`
	Acceptor string `json:"acceptor"`

	// Purpose and LegalBasis are for people: 1 to 1000 printable runes.
	Purpose    string `json:"purpose"`
	LegalBasis string `json:"legal_basis"`
	// Jurisdictions are 1 to 32 codes such as "DE", "US-CA" or "EU".
	Jurisdictions []string `json:"jurisdictions"`

	Function string `json:"function"` // FunctionSet or FunctionEncodings
	// Epoch names the key period, as in tokenize.Epoch.
	Epoch string `json:"epoch"`
	// SchemaHash is the hash of fields, rules and versions that prepared the
	// records: tokenize.Tokenizer.Hash.
	SchemaHash Hash `json:"schema_hash"`
	// MaxProposer and MaxAcceptor bound the sets, in distinct items, or rows for
	// encodings. A linkage unit brings none: its MaxAcceptor is 0.
	MaxProposer int `json:"max_proposer"`
	MaxAcceptor int `json:"max_acceptor"`

	// Issued and Expires bound when a run may begin. Zero Issued in Dial: now.
	Issued  time.Time `json:"issued"`
	Expires time.Time `json:"expires"`

	// Suite names the suite of package psi. FunctionSet only. Empty in Dial: the
	// default of package psi.
	Suite string `json:"suite,omitempty"`
	// Receiver is who learns the matches. FunctionSet only.
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

// withDefaults returns a copy with what Dial fills in, not yet validated.
func (t *Terms) withDefaults(c *Config) *Terms {
	if t == nil {
		t = &Terms{}
	}
	d := *t
	d.Jurisdictions = slices.Clone(t.Jurisdictions)
	if d.Version == 0 {
		d.Version = Version
	}
	if d.Proposer == "" {
		d.Proposer = c.Identity.Name()
	}
	if d.Acceptor == "" && len(c.Peers) == 1 {
		d.Acceptor = c.Peers[0].Name
	}
	if d.Function == FunctionSet && d.Suite == "" {
		d.Suite = psi.ECDHRistretto255().String()
	}
	if d.Issued.IsZero() {
		d.Issued = c.Clock().UTC().Truncate(time.Second)
	}
	return &d
}

func invalid(term, format string, args ...any) error {
	return &TermError{Term: term, Reason: fmt.Sprintf(format, args...), cause: ErrTerms}
}

var (
	epochForm        = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)
	jurisdictionForm = regexp.MustCompile(`^[A-Z0-9]+(-[A-Z0-9]+)*$`)
)

// Validate reports the first term that is missing, malformed, or does not belong
// to the function, as a *TermError.
func (t *Terms) Validate() error {
	switch {
	case t.Version != Version:
		return invalid("version", "%d, here %d", t.Version, Version)
	case checkName(t.Proposer) != nil:
		return invalid("proposer", "not a name of 1 to %d printable characters", maxName)
	case checkName(t.Acceptor) != nil:
		return invalid("acceptor", "not a name of 1 to %d printable characters", maxName)
	case t.Acceptor == t.Proposer:
		return invalid("acceptor", "the same as the proposer")
	case !isText(t.Purpose):
		return invalid("purpose", "not 1 to %d printable characters", maxText)
	case !isText(t.LegalBasis):
		return invalid("legal_basis", "not 1 to %d printable characters", maxText)
	case len(t.Jurisdictions) < 1 || len(t.Jurisdictions) > maxJurisdictions:
		return invalid("jurisdictions", "not 1 to %d", maxJurisdictions)
	case !epochForm.MatchString(t.Epoch):
		return invalid("epoch", "not 1 to 64 of A-Z, a-z, 0-9, dot, underscore and hyphen")
	case t.SchemaHash.IsZero():
		return invalid("schema_hash", "missing")
	case t.Issued.IsZero():
		return invalid("issued", "missing")
	case !t.Expires.After(t.Issued):
		return invalid("expires", "not after issued")
	}
	for i, j := range t.Jurisdictions {
		if len(j) < 2 || len(j) > 16 || !jurisdictionForm.MatchString(j) {
			return invalid("jurisdictions", "number %d is not a code of 2 to 16 capital letters, digits and hyphens", i+1)
		}
		if slices.Contains(t.Jurisdictions[:i], j) {
			return invalid("jurisdictions", "number %d occurs twice", i+1)
		}
	}
	switch t.Function {
	case FunctionSet:
		return t.validateSet()
	case FunctionEncodings:
		return t.validateEncodings()
	}
	return invalid("function", "not known")
}

func isText(s string) bool {
	return s != "" && utf8.RuneCountInString(s) <= maxText && printable(s)
}

func (t *Terms) validateSet() error {
	if _, err := psi.SuiteByName(t.Suite); err != nil {
		return invalid("suite", "not known")
	}
	switch {
	case t.Receiver != Proposer && t.Receiver != Acceptor:
		return invalid("receiver", "neither %q nor %q", Proposer, Acceptor)
	case !isSize(t.MaxProposer):
		return invalid("max_proposer", "not between 1 and %d", int64(psi.MaxItems))
	case !isSize(t.MaxAcceptor):
		return invalid("max_acceptor", "not between 1 and %d", int64(psi.MaxItems))
	case t.Partner != "":
		return invalid("partner", "only for function %q", FunctionEncodings)
	case !t.ConfigHash.IsZero():
		return invalid("config_hash", "only for function %q", FunctionEncodings)
	case t.Length != 0:
		return invalid("length", "only for function %q", FunctionEncodings)
	case t.Threshold != 0:
		return invalid("threshold", "only for function %q", FunctionEncodings)
	}
	return nil
}

func isSize(n int) bool { return n >= 1 && int64(n) <= psi.MaxItems }

func (t *Terms) validateEncodings() error {
	switch {
	case t.Suite != "":
		return invalid("suite", "only for function %q", FunctionSet)
	case t.Receiver != "":
		return invalid("receiver", "only for function %q", FunctionSet)
	case !isSize(t.MaxProposer):
		return invalid("max_proposer", "not between 1 and %d", int64(psi.MaxItems))
	case t.MaxAcceptor != 0:
		return invalid("max_acceptor", "not 0: a linkage unit brings no records")
	case checkName(t.Partner) != nil:
		return invalid("partner", "not a name of 1 to %d printable characters", maxName)
	case t.Partner == t.Proposer || t.Partner == t.Acceptor:
		return invalid("partner", "the same as the proposer or the acceptor")
	case t.ConfigHash.IsZero():
		return invalid("config_hash", "missing")
	case t.Length < 64 || t.Length > 8192 || t.Length%64 != 0:
		return invalid("length", "not a multiple of 64 between 64 and 8192")
	case !(t.Threshold > 0 && t.Threshold <= 1): // NaN fails too
		return invalid("threshold", "not above 0 and at most 1")
	}
	return nil
}

// timely reports whether a run under the terms may begin now.
func (t *Terms) timely(now time.Time, skew time.Duration) error {
	if t.Issued.After(now.Add(skew)) {
		return &TermError{Term: "issued", Reason: "lies in the future"}
	}
	if !now.Before(t.Expires) {
		return &TermError{Term: "expires", Reason: "has passed", cause: ErrExpired}
	}
	return nil
}
