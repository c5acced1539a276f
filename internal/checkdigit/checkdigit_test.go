package checkdigit

import (
	"strings"
	"testing"
)

// Published examples, by the place where they are found.
func TestPublished(t *testing.T) {
	mrz := func(s string) bool { return MRZ(s[:len(s)-1]) == s[len(s)-1] }
	for _, tt := range []struct {
		name   string
		check  func(string) bool
		values string
	}{
		{"ICAO Doc 9303-3 section 4.9 and 9303-4 to 6, appendices", mrz, "5207273 AB2134<<<5 D231458907 L898902C36 7408122 1204159 HA672242<6 6958<<<0"},
		{"ICAO composite, Doc 9303-4 appendix B", mrz, "L898902C3674081221204159ZE184226B<<<<<10"},
		{"IMEI, 3GPP TS 23.003 annex B and GSMA TS.06", Luhn, "490154203237518 352099001761481"},
		{"IBAN, registry examples", IBAN, `AD1200012030200359100100 AE070331234567890123456 AL47212110090000000235698741 AT611904300234573201 AZ21NABZ00000000137010001944
			BE68539007547034 BG80BNBG96611020345678 BH67BMAG00001299123456 BR9700360305000010009795493P1 CH9300762011623852957 CY17002001280000001200527600
			CZ6508000000192000145399 DE89370400440532013000 DK5000400440116243 EE382200221020145685 ES9121000418450200051332 FI2112345600000785 FR1420041010050500013M02606
			GB29NWBK60161331926819 GE29NB0000000101904917 GR1601101250000000012300695 HR1210010051863000160 HU42117730161111101800000000 IE29AIBK93115212345678
			IL620108000000099999999 IS140159260076545510730339 IT60X0542811101000000123456 KZ86125KZT5004100100 LT121000011101001000 LU280019400644750000 LV80BANK0000435195001
			MT84MALT011000012345MTLCAST001S NL91ABNA0417164300 NO9386011117947 PL61109010140000071219812874 PT50000201231234567890154 QA58DOHB00001234567890ABCDEFG
			RO49AAAA1B31007593840000 RS35260005601001611379 SA0380000000608010167519 SE4550000000058398257466 SI56263300012039086 SK3112000000198742637541 TR330006100519786457841326
			UA213223130000026007233566001 VG96VPVG0000012345678901 XK051212012345678906`},
		{"LEI, GLEIF", Mod97, "5493000IBP32UQZ0KL24 506700GE1G29325QX363 529900T8BM49AURSDO55"},
		{"VIN, 49 CFR 565 and ISO 3779", VIN, "1M8GDM9AXKP042788 11111111111111111 1HGCM82633A004352 5GZCZ43D13S812715"},
		{"IMO", IMO, "9074729 9176187 8814275"},
		{"Verhoeff", Verhoeff, "2363 123451"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for v := range strings.FieldsSeq(tt.values) {
				if !tt.check(v) {
					t.Errorf("%s fails", v)
				}
				// None of these lets a change of one digit pass.
				for i := range v {
					if v[i] < '0' || v[i] > '9' {
						continue
					}
					wrong := v[:i] + string('0'+(v[i]-'0'+1)%10) + v[i+1:]
					if tt.check(wrong) {
						t.Errorf("%s passes", wrong)
					}
				}
			}
		})
	}
}

// Examples of the issuers and of Wikipedia's articles on each number.
var examples = map[string]string{
	"AR": "20055361682", "AT": "1237010180", "AU": "123456782", "BA": "0101006500006", "BE": "85073003328", "BG": "7523169263 8032056031",
	"BR": "39053344705 11144477735", "CA": "046454286", "CH": "7569217076985", "CL": "125319092", "CN": "11010519491231002X 440524188001010014",
	"CZ": "7103192745", "DE": "36574261809 86095742719 47036892816 65929970489 15070649C103", "DO": "00113918205", "EC": "1714307103", "EE": "37605030299",
	"ES": "54362315K 12345678Z X2482300W X1234567L", "FI": "131052308T 010101A0101", "FR": "295109912611193 253072B07300470", "GB": "9434765919 AB123456C",
	"GR": "01013099997", "HK": "A1234563", "HR": "33392005961", "IE": "1234567T 6433435F 1234567FA", "IL": "039337423", "IN": "234123412346", "IR": "0499370899",
	"IS": "1201743399", "IT": "RCCMNL83S18D969H MRTMTT25D09F205Z", "JP": "123456789018", "KR": "9710139019902", "LT": "33309240064", "LU": "1893120105732",
	"LV": "16117519997", "MX": "BOXW310820HNERXN09", "NL": "111222333", "NO": "15108695088", "PL": "44051401359 02070803628", "PT": "501964843",
	"RO": "1630615123457", "RS": "0101006500006", "RU": "500100732259 11223344595", "SE": "8803200016 198803200016 8112189876", "SG": "S1234567D G1612348Q M1234567K",
	"SI": "0101006500006", "SK": "7103192745", "TH": "1101700230708", "TR": "17291716060", "TW": "A123456789", "UA": "1759013776", "US": "536904399",
	"UY": "12345672", "ZA": "8001015009087 7503305044089",
}

// unchecked have no check digit.
var unchecked = map[string]bool{"DK": true, "US": true}

func TestNational(t *testing.T) {
	for country := range schemes {
		if examples[country] == "" && country != "DK" && country != "ME" && country != "MK" { // which are those of RS
			t.Errorf("%s has no example", country)
		}
	}
	tried, passed := 0, make(map[string]int)
	for country, list := range examples {
		for n := range strings.FieldsSeq(list) {
			canonical, valid, known := National(country, n)
			if !valid || !known {
				t.Errorf("%s %s fails", country, n)
			}
			if again, valid, _ := National(country, canonical); again != canonical || !valid {
				t.Errorf("%s %s is not its own canonical form", country, canonical)
			}
			if unchecked[country] || n == "AB123456C" {
				continue
			}
			for i := range n {
				if n[i] < '0' || n[i] > '9' {
					continue
				}
				wrong := n[:i] + string('0'+(n[i]-'0'+1)%10) + n[i+1:]
				tried++
				if _, valid, _ := National(country, wrong); valid {
					passed[country]++
				}
			}
		}
	}
	// One wrong digit shows, but where a weight has a factor of 10 or the digit is of a
	// century.
	for country, n := range passed {
		if n > 2 {
			t.Errorf("%s: %d wrong digits pass", country, n)
		}
	}
	if len(passed) > tried/50 {
		t.Errorf("wrong digits pass in %d countries", len(passed))
	}
}

func TestNationalForms(t *testing.T) {
	for _, tt := range []struct {
		country, n, canonical string
		valid, known          bool
	}{
		{"SE", "198803200016", "8803200016", true, true},
		{"FR", "295109912611193", "2951099126111", true, true},
		{"FR", "2951099126111", "2951099126111", true, true},
		{"FR", "253072B07300470", "253072B073004", true, true},
		{"GR", "1013099997", "01013099997", true, true},
		{"IL", "39337423", "039337423", true, true},
		{"IR", "499370899", "0499370899", true, true},
		{"BG", "80320560", "80320560", false, true},
		{"PL", "44051401358", "44051401358", false, true},
		{"PL", "", "", false, true},
		{"PL", "A4051401358", "A4051401358", false, true},
		{"US", "000123456", "000123456", false, true},
		{"US", "666123456", "666123456", false, true},
		{"US", "123004567", "123004567", false, true},
		{"US", "123450000", "123450000", false, true},
		{"DK", "0101014567", "0101014567", true, true},
		{"LV", "32123456789", "32123456789", true, true},
		{"KR", "2101013000007", "2101013000007", true, true},
		{"SG", "X1234567D", "X1234567D", false, true},
		{"ES", "A1234567L", "A1234567L", false, true},
		{"ZZ", "123", "123", false, false},
	} {
		canonical, valid, known := National(tt.country, tt.n)
		if canonical != tt.canonical || valid != tt.valid || known != tt.known {
			t.Errorf("%s %s: %s %v %v", tt.country, tt.n, canonical, valid, known)
		}
	}
}

func TestWallet(t *testing.T) {
	for _, tt := range []struct {
		address      string
		valid, known bool
	}{
		// Bitcoin wiki and BIP 13; BIP 173 and 350; ERC-55; Litecoin, Tron.
		{"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", true, true},
		{"1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2", true, true},
		{"1111111111111111111114oLvT2", true, true},
		{"3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy", true, true},
		{"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb", false, true},
		{"LM2WMpR1Rp6j3Sa59cMXMs1SPzj9eXpGc1", true, true},
		{"TJCnKsPa7y5okkXvQAidZBzqx3QyQ6sxMW", true, true},
		{"BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4", true, true},
		{"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", true, true},
		{"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5", false, true},
		{"bc1Qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", false, true},
		{"bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0", true, true},
		{"bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd", false, true}, // bech32, not bech32m
		{"BC1S0XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ54WELL", false, true},
		{"tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7", true, true},
		{"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", true, true},
		{"0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359", true, true},
		{"0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB", true, true},
		{"0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb", true, true},
		{"0x52908400098527886E0F7030069857D2E4169EE7", true, true},
		{"0xde709f2102306220921060314715629080e2fb77", true, true},
		{"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD", false, true},
		{"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAe", false, false},
		{"hello", false, false},
		{"", false, false},
		{strings.Repeat("1", 91), false, false},
		{"0OIl", false, false},
	} {
		canonical, valid, known := Wallet(tt.address)
		if valid != tt.valid || known != tt.known {
			t.Errorf("%s: %v %v", tt.address, valid, known)
		}
		if again, _, _ := Wallet(canonical); again != canonical {
			t.Errorf("%s is not its own canonical form", canonical)
		}
	}
}

func TestDihedral(t *testing.T) {
	for a := range 10 {
		for b := range 10 {
			for c := range 10 {
				if dihedral(dihedral(a, b), c) != dihedral(a, dihedral(b, c)) {
					t.Fatalf("(%d %d) %d is not associative", a, b, c)
				}
			}
		}
		if dihedral(0, a) != a || dihedral(a, 0) != a {
			t.Errorf("0 is not the unit for %d", a)
		}
	}
}

// Nothing that a file may hold makes a check panic.
func FuzzChecks(f *testing.F) {
	for country, list := range examples {
		f.Add(country, strings.Fields(list)[0])
	}
	for _, s := range []string{"", "<", "1M8GDM9AXKP042788", "DE89370400440532013000", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"} {
		f.Add("DE", s)
	}
	f.Fuzz(func(t *testing.T, country, s string) {
		for _, check := range []func(string) bool{Luhn, Mod97, IMO, VIN, IBAN, Verhoeff, NorthAmerican} {
			check(s)
		}
		if c := MRZ(s); c != 0xff && (c < '0' || c > '9') {
			t.Errorf("the check digit of a field is %q", c)
		}
		Wallet(s)
		if len(s) < 100 {
			canonical, valid, _ := National(country, s)
			if again, still, _ := National(country, canonical); again != canonical || valid && !still {
				t.Error("not its own canonical form")
			}
		}
	})
}
