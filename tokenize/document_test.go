package tokenize

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The numbers are examples of ICAO Doc 9303, the registries and the issuers; more of
// them are in internal/checkdigit.
func TestDocuments(t *testing.T) {
	for _, tt := range []struct {
		kind   Kind
		region string
		raw    string
		want   Field
	}{
		{Passport, "", "L898902C3", Field{Value: "L898902C3"}},
		{Passport, "", "L898902C36", Field{Value: "L898902C3"}},
		{Passport, "", "L898902C37", Field{Value: "L898902C37", Variants: []string{"L898902C3"}, Flags: BadCheck}},
		{Passport, "", "UTO:L898902C36", Field{Value: "UTO:L898902C3"}},
		{Passport, "", "D231458907", Field{Value: "D23145890"}},
		{Passport, "", "HA672242<6", Field{Value: "HA672242"}},
		{Passport, "DE", "c01x 00t47", Field{Value: "DE:C01X00T47"}},
		{Passport, "DE", "C01X00T478", Field{Value: "DE:C01X00T47"}},
		{Passport, "DE", "C01X00T479", Field{Value: "DE:C01X00T479", Variants: []string{"DE:C01X00T47"}, Flags: BadCheck}},
		{Passport, "FR", "D<<: C01X00T47", Field{Value: "DE:C01X00T47"}},
		{Passport, "", "DEU:C01X00T47", Field{Value: "DE:C01X00T47"}},
		{Passport, "", "UNO:123456789", Field{Value: "UNO:123456789"}},
		{Passport, "DE", "", Field{}},
		{Passport, "DE", "n/a", Field{}},
		{Passport, "DE", "<<<<<<<<<0", Field{}},

		{National, "PL", "44051401359", Field{Value: "PL:44051401359"}},
		{National, "PL", "44051401358", Field{Value: "PL:44051401358", Flags: BadCheck}},
		{National, "DE", "PL:440514 01359", Field{Value: "PL:44051401359"}},
		{National, "DE", "36 574 261 809", Field{Value: "DE:36574261809"}},
		{National, "FR", "2 95 10 99 126 111 93", Field{Value: "FR:2951099126111"}},
		{National, "SE", "19880320-0016", Field{Value: "SE:8803200016"}},
		{National, "FI", "131052-308T", Field{Value: "FI:131052308T"}},
		{National, "IT", "rcc mnl 83s18 d969h", Field{Value: "IT:RCCMNL83S18D969H"}},
		{National, "GR", "1013099997", Field{Value: "GR:01013099997"}},
		{National, "PE", "12345678", Field{Value: "PE:12345678"}}, // nothing to verify it by
		{National, "", "44051401358", Field{Value: "44051401358"}},
		{National, "PL", "-", Field{}},

		{Plate, "DE", "M-XY 123", Field{Value: "DE:MXY123"}},
		{Plate, "", "UA: АА 1234 ВХ", Field{Value: "UA:AA1234BX"}},
		{Plate, "GR", "ΙΚΥ-1234", Field{Value: "GR:IKY1234"}},
		{Plate, "", "ab 12 cde", Field{Value: "AB12CDE"}},

		{IBAN, "", "IBAN DE89 3704 0044 0532 0130 00", Field{Value: "DE89370400440532013000"}},
		{IBAN, "", "gb29 nwbk 6016 1331 9268 19", Field{Value: "GB29NWBK60161331926819"}},
		{IBAN, "", "DE88370400440532013000", Field{Value: "DE88370400440532013000", Flags: BadCheck}},
		{IBAN, "", "DE893704004405320130", Field{Value: "DE893704004405320130", Flags: BadCheck}},

		{VIN, "", "1M8GDM9AXKP042788", Field{Value: "1M8GDM9AXKP042788"}},
		{VIN, "", "1M8GDM9A1KP042788", Field{Value: "1M8GDM9A1KP042788", Flags: BadCheck}},
		{VIN, "", "WBA3A5C50CF256651", Field{Value: "WBA3A5C50CF256651"}}, // Europe: not bound to the check
		{VIN, "", "1M8GDM9AXKPO42788", Field{Value: "1M8GDM9AXKP042788", Flags: Doubtful}},

		{IMEI, "", "49-015420-323751-8", Field{Value: "49015420323751"}},
		{IMEI, "", "49015420323751", Field{Value: "49015420323751"}},
		{IMEI, "", "4901542032375101", Field{Value: "49015420323751"}},
		{IMEI, "", "490154203237519", Field{Value: "49015420323751", Flags: BadCheck}},

		{LEI, "", "5493 00IB P32U QZ0K L24", Field{Flags: Unreadable}},
		{LEI, "", "5493 000I BP32 UQZ0 KL24", Field{Value: "5493000IBP32UQZ0KL24"}},
		{LEI, "", "5493000IBP32UQZ0KL25", Field{Value: "5493000IBP32UQZ0KL25", Flags: BadCheck}},

		{IMO, "", "IMO 9074729", Field{Value: "9074729"}},
		{IMO, "", "9074728", Field{Value: "9074728", Flags: BadCheck}},

		{Wallet, "", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", Field{Value: "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"}},
		{Wallet, "", "bitcoin:1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb?amount=1", Field{Value: "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb", Flags: BadCheck}},
		{Wallet, "", "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4", Field{Value: "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"}},
		{Wallet, "", "ethereum:pay-0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed@1", Field{Value: "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed"}},
		{Wallet, "", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD", Field{Value: "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed", Flags: BadCheck}},
		{Wallet, "", "unknown", Field{}},

		{Phone, "DE", "0170/1234567", Field{Value: "+491701234567"}},
		{Phone, "DE", "+49 (0)170 123-4567 ext. 12", Field{Value: "+491701234567"}},
		{Phone, "DE", "00 33 1 42 68 53 00", Field{Value: "+33142685300"}},
		{Phone, "US", "(202) 456-1111", Field{Value: "+12024561111"}},
		{Phone, "US", "1-202-456-1111", Field{Value: "+12024561111"}},
		{Phone, "IT", "06 6982", Field{Value: "+39066982"}},
		{Phone, "DE", "00000", Field{Flags: Unreadable}},
		{Phone, "US", "555-0100", Field{Value: "5550100", Flags: Doubtful}},
		{Phone, "", "+999 123 456", Field{Value: "+999123456", Flags: Doubtful}},
		{Phone, "", "0170 1234567", Field{Value: "01701234567"}},
		{Phone, "", "٠٠٤٩ ١٧٠ ١٢٣٤٥٦٧", Field{Value: "+491701234567"}},
	} {
		t.Run(tt.kind.String()+" "+tt.raw, func(t *testing.T) {
			s := &Schema{Fields: []FieldSpec{{Name: "f", Kind: tt.kind}}}
			if tt.region != "" {
				s.Readings = map[string]Reading{"f": {Region: tt.region}}
			}
			if err := s.Validate(); err != nil {
				t.Fatal(err)
			}
			got, err := s.Normalize(Record{tt.raw})
			if err != nil != (tt.want.Flags == Unreadable) {
				t.Error(err)
			}
			if diff := cmp.Diff([]Field{tt.want}, got); diff != "" {
				t.Errorf("fields (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDocumentsRefused(t *testing.T) {
	for _, tt := range []struct {
		kind Kind
		raw  string
		want string
	}{
		{IBAN, "12345", "not an IBAN: two letters, two digits and an account"},
		{IBAN, "DE8", "not an IBAN: two letters, two digits and an account"},
		{VIN, "1M8GDM9AXKP04278", "not a vehicle identification number of 17 characters"},
		{IMEI, "4901542032375", "not an IMEI of 14 to 16 digits"},
		{IMEI, "A0000000000000", "not an IMEI of 14 to 16 digits"},
		{LEI, "5493000IBP32UQZ0KL2", "not a legal entity identifier of 20 characters"},
		{IMO, "907472", "not an IMO number of 7 digits"},
		{Wallet, "my wallet", "not the address of a wallet in a form that is known"},
	} {
		if f, reason := tt.kind.read(tt.raw, &Reading{}); reason != tt.want || f.Value != "" {
			t.Errorf("%v %s: %q, want %q", tt.kind, tt.raw, reason, tt.want)
		}
	}
}

func TestLowEntropyRules(t *testing.T) {
	s := &Schema{Fields: []FieldSpec{
		{"name", Name}, {"birth", Date}, {"phone", Phone}, {"plate", Plate}, {"national", National}, {"sex", Sex}, {"country", Country},
		{"postcode", Postcode}, {"number", Number}, {"imei", IMEI}, {"imo", IMO},
		{"email", Email}, {"passport", Passport}, {"document", Document}, {"iban", IBAN}, {"vin", VIN}, {"lei", LEI}, {"wallet", Wallet}, {"text", Text},
	}}
	prf, err := NewHMAC(secret, "2026-Q4")
	if err != nil {
		t.Fatal(err)
	}
	oprf := client(t, secretKey(t, Ristretto255, VOPRF).Public(), scope, nil, nil)
	rotatable, err := NewRotatable(oprf, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, list := range []string{
		"birth", "birth/year", "phone", "plate", "national", "sex", "country", "postcode", "postcode/first2", "number", "imei", "imo",
		"birth sex", "birth phone plate national sex country postcode number",
	} {
		if _, err := New(s, rules(t, "name birth", list), prf); !errors.Is(err, ErrLowEntropy) || !errors.Is(err, ErrRule) {
			t.Errorf("%q: %v, want %v", list, err, ErrLowEntropy)
		}
		for name, f := range map[string]PRF{"an OPRF": oprf, "a rotatable OPRF": rotatable} {
			if _, err := New(s, rules(t, "name birth", list), f); err != nil {
				t.Errorf("%q by %s: %v", list, name, err)
			}
		}
	}
	for _, list := range []string{"name", "name/initial birth", "email", "passport", "document", "iban", "vin", "lei", "wallet", "text birth", "birth sex passport"} {
		if _, err := New(s, rules(t, list), prf); err != nil {
			t.Errorf("%q: %v", list, err)
		}
	}
	if Kind(0).LowEntropy() || Kind(200).LowEntropy() {
		t.Error("no kind at all is of low entropy")
	}
}

// The table of telephone numbers is the one that go.mod names: it shapes canonical
// forms.
func TestPhoneMetadata(t *testing.T) {
	text, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "github.com/nyaruka/"+phoneMetadata+"\n") {
		t.Errorf("go.mod has no line for %s: change phoneMetadata with it", phoneMetadata)
	}
}
