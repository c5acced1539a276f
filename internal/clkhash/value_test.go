package clkhash

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode"

	"golang.org/x/crypto/blake2b"
)

// What Python 3.11 makes of texts as numbers; "" where it raises ValueError.
func TestNumbers(t *testing.T) {
	nines := strings.Repeat("9", maxDigits)
	for _, tt := range []struct{ in, integer, float string }{
		{"0", "0", "0"}, {"007", "7", "7"}, {"-0", "0", "-0"}, {" +7\t", "7", "7"}, {"- 7", "", ""}, {"", "", ""}, {"+", "", ""},
		{"1_0", "10", "10"}, {"1__0", "", ""}, {"_1", "", ""}, {"1_", "", ""}, {"0x10", "", ""}, {"1.5", "", "1.5"}, {"1e3", "", "1000"},
		{"٣٤", "34", "34"}, {"１２", "12", "12"}, {"𝟘𝟙𝟚", "12", "12"}, {"𝟿", "9", "9"}, {"१२३", "123", "123"}, {"²", "", ""}, {"①", "", ""},
		{"\u00a09\u2003", "9", "9"}, {"\x1c9", "", ""}, {"\x1c٩", "", ""}, {"9\x00", "", ""},
		{"1.", "", "1"}, {".5", "", "0.5"}, {".", "", ""}, {"1_0.2_5", "", "10.25"}, {"1._5", "", ""}, {"1_.5", "", ""}, {"1e1_0", "", "1e+10"},
		{"1e", "", ""}, {"1e+3", "", "1000"}, {"0x1p3", "", ""}, {"-1E-5", "", "-1e-05"}, {"٣.٥", "", "3.5"},
		{"inf", "", ""}, {"nan", "", ""}, {"1e400", "", ""}, // floats to Python, but without a token
		{nines, nines, ""}, {nines + "9", "", ""},
	} {
		integer, float := "", ""
		if n, ok := parseInteger(tt.in); ok {
			integer = n.String()
		}
		if f, ok := parseFloat(tt.in); ok {
			float = fmt.Sprint(f)
		}
		if integer != tt.integer || float != tt.float {
			t.Errorf("%.20q: %.20q and %q, want %.20q and %q", tt.in, integer, float, tt.integer, tt.float)
		}
	}
}

// Every digit of Unicode has the value that its place among its ten gives it.
func TestDigits(t *testing.T) {
	n := 0
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if !unicode.Is(unicode.Nd, r) {
			continue
		}
		if d := digit(r); int(d) != n%10 {
			t.Errorf("%U has the value %d, want %d", r, d, n%10)
		}
		n++
	}
	if n < 600 {
		t.Errorf("%d digits", n)
	}
}

// What Python 3.11 makes of dates; "" where it raises ValueError.
func TestDates(t *testing.T) {
	for _, tt := range []struct{ format, in, want string }{
		{"%Y-%m-%d", "1999-12-31", "19991231"},
		{"%Y-%m-%d", "2000-1-2", "20000102"},
		{"%Y-%m-%d", "2000-01- 2", "20000102"},
		{"%Y-%m-%d", "0999-03-04", "9990304"},
		{"%Y-%m-%d", "0000-01-01", ""},
		{"%Y-%m-%d", "2021-02-29", ""},
		{"%Y-%m-%d", "2020-02-29 ", ""},
		{"%Y-%m-%d", "２０２０-02-03", "20200203"},
		{"%d/%m/%y", "1/2/68", "20680201"},
		{"%d/%m/%y", "1/2/69", "19690201"},
		{"%Y%m%d", "1980033", "19800303"},
		{"%d %b %Y", "3 mAR 1980", "19800303"},
		{"%d %b %Y", "3 \u2003 Mar\u00a01980", "19800303"},
		{"%d %b %Y", "3 ſep 1980", ""},
		{"%A %d %B %Y", "monday 31 december 1999", "19991231"}, // the day of the week is not checked
		{"%m/%d", "02/28", "19000228"},
		{"%m/%d", "02/29", ""},
		{"%Y", "2020", "20200101"},
		{"%Y%j", "2020366", "20201231"},
		{"%Y%j", "2021366", "20220101"},
		{"%j %m %d", "1 2 29", "19000101"},
		{"%Y-%U-%w", "2021-00-5", "20210101"},
		{"%Y-%U-%w", "2021-00-3", "20201230"},
		{"%Y-%U-%w", "0001-00-0", ""},
		{"%Y-W%W-%a", "2021-W01-Mon", "20210104"},
		{"%G-W%V-%u", "2020-W53-7", "20210103"},
		{"%G-W%V-%u", "2021-W53-7", "20220109"},
		{"%G-W%V-%u", "0001-W01-1", "10101"},
		{"%G-W%V-%u", "9999-W53-7", ""},
		{"%G %V", "2020 1", ""},
		{"%Y %V %u", "2020 1 1", ""},
		{"%c", "Mon Jan  5 09:05:06 2015", "20150105"},
		{"%x %X", "01/02/03 04:05:06", "20030102"},
		{"%H:%M:%S %Y", "23:59:59 1999", "19990101"},
		{"%H:%M:%S %Y", "23:59:60 1999", ""},
		{"%Y %I %p", "1999 12 pm", "19990101"},
		{"%Y %Z", "1999 utc", "19990101"},
		{"%Y%z", "1999+0130", "19990101"},
		{"%Y%z", "1999+01:30:15.5", "19990101"},
		{"%Y%z", "1999+01:3015", ""},
		{"%Y%z", "1999+0130:15", ""},
		{"%Y%z", "1999+2400", ""},
		{"%Y%z", "1999Z", "19990101"},
		{"%Y%z", "1999z", ""},
		{"%Y%% (%m) [%d]", "1999% (1) [2]", "19990102"},
	} {
		v := value{doc: &document{}, raw: tt.format, present: true}
		d := dateOf(v)
		if v.doc.err != nil {
			t.Errorf("%s: %v", tt.format, v.doc.err)
			continue
		}
		if got, _ := d.canonical(tt.in); got != tt.want {
			t.Errorf("%q as %s: %q, want %q", tt.in, tt.format, got, tt.want)
		}
	}
}

// What matches an expression of Python as a whole.
func TestPatterns(t *testing.T) {
	for _, tt := range []struct {
		pattern string
		yes, no []string
	}{
		{`[0-9]{4}`, []string{"1234"}, []string{"12345", "x1234", "1234\n", ""}},
		{`\d+`, []string{"1٣"}, []string{"²", "a"}},
		{`\w*`, []string{"aé_1²日"}, []string{"a-b", "e\u0301"}},
		{`\s\S`, []string{"\u00a0a", "\x1ca"}, []string{"a ", "  "}},
		{`[\w\s'\-]{1,5}`, []string{"O'Br-", "a b"}, []string{"a.b", "abcdef"}},
		{`[^\d\]]\D[\D]`, []string{"abc"}, []string{"1bc", "]bc", "ab1"}},
		{`^a$`, []string{"a"}, []string{"a\n"}},
		{`a\Z`, []string{"a"}, []string{"ab"}},
		{`a{,3}b{x}c{2}{`, []string{"aab{x}cc{"}, []string{"aaaab{x}cc{"}},
		{`(?P<x>a|b)(?:c)?(?i:d)`, []string{"acD", "bd"}, []string{"ab"}},
		{`(?i)abc`, []string{"aBc"}, []string{"ab"}},
		{`.*`, []string{"", "日本"}, []string{"a\nb"}},
		{`(?s).*`, []string{"a\nb"}, nil},
		{`\x41\u00e9\U0001F600\0[\b]\-\é`, []string{"Aé😀\x00\b-é"}, nil},
		{`[]a]+[[:]`, []string{"]a[", "a:"}, []string{"b:"}},
		{`a-b&é`, []string{"a-b&é"}, nil},
	} {
		v := value{doc: &document{}, raw: tt.pattern, present: true}
		p := patternOf(v)
		if v.doc.err != nil {
			t.Errorf("%s: %v", tt.pattern, v.doc.err)
			continue
		}
		for _, s := range tt.yes {
			if _, reason := p.canonical(s); reason != "" {
				t.Errorf("%q does not match %s", s, tt.pattern)
			}
		}
		for _, s := range tt.no {
			if _, reason := p.canonical(s); reason == "" {
				t.Errorf("%q matches %s", s, tt.pattern)
			}
		}
	}
	for _, pattern := range []string{
		`(`, `[a`, `a**`, `*a`, `\q`, `\`, `(?=a)`, `(?!a)`, `(?<=a)b`, `(a)\1`, `(?P=x)`, `(?x)a`, `(?m)a`, `a\b`, `[\S]`,
		`\x4`, `\uzzzz`, `\ud800`, `\012`, `\Qa\E`, `\pL`, `a++`,
	} {
		v := value{doc: &document{}, raw: pattern, present: true}
		if patternOf(v); v.doc.err == nil {
			t.Errorf("%s is accepted", pattern)
		}
	}
}

func TestLetterCase(t *testing.T) {
	for _, tt := range []struct {
		s            string
		upper, lower bool
	}{
		{"", true, true}, {"A1", true, false}, {"a1", false, true}, {"ß", false, true}, {"ẞ", true, false}, {"ŉ", false, true},
		{"İ", true, false}, {"ﬁ", false, true}, {"ǅ", false, false}, {"ΣΑΣ", true, false}, {"ς", false, true}, {"日本", true, true}, {"ᾈ", false, false},
	} {
		if isUpper(tt.s) != tt.upper || isLower(tt.s) != tt.lower {
			t.Errorf("%s: upper %v, lower %v", tt.s, isUpper(tt.s), isLower(tt.s))
		}
	}
}

// Python's base64.b64decode skips what is not of the alphabet; "!" stands for an error.
func TestBase64(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "QUJD": "ABC", "QUI=": "AB", "QQ==": "A", "QUJD!REVG": "ABCDEF", "QQ==QUJD": "A", "QU JD\n": "ABC",
		"Q": "!", "QQ": "!", "QQ=": "!", "Q===": "!", "=QQ==": "A", "QQ=Q": "!", "=": "", "a-_b": "!",
	} {
		v := value{doc: &document{}, raw: in, present: true}
		got := string(base64Of(v))
		if v.doc.err != nil {
			got = "!"
		}
		if got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// The numeric tokens of clkhash, worked out by hand: 2·2·25 = 100, to a multiple of
// 8 is 104, and two intervals to each side.
func TestNumericTokens(t *testing.T) {
	for _, tt := range []struct{ comparison, in, want string }{
		{`{"thresholdDistance": 8, "resolution": 2}`, "25", "88 96 104 112 120"},
		{`{"thresholdDistance": 8, "resolution": 2}`, "-25", "-112 -104 -96 -88 -80"},
		{`{"thresholdDistance": 8, "resolution": 2}`, "25.9", "88 96 104 112 120"},
		{`{"thresholdDistance": 2.5, "resolution": 1}`, "1", "0 2 4"},
		{`{"thresholdDistance": 0.5, "resolution": 1, "fractional_precision": 1}`, "0.25", "0 5 10"},
		{`{"thresholdDistance": 1, "resolution": 1}`, "", ""},
	} {
		var raw any
		d := json.NewDecoder(strings.NewReader(tt.comparison))
		d.UseNumber()
		if err := d.Decode(&raw); err != nil {
			t.Fatal(err)
		}
		v := value{doc: &document{version: 3}, raw: raw, present: true}
		c := numericOf(v)
		if v.doc.err != nil {
			t.Fatal(v.doc.err)
		}
		var out tokens
		if reason := c.tokens(tt.in, &out); reason != "" {
			t.Errorf("%s: %s", tt.in, reason)
		}
		var got []string
		begin := 0
		for _, end := range out.ends {
			got = append(got, string(out.bytes[begin:end]))
			begin = end
		}
		if s := strings.Join(got, " "); s != tt.want {
			t.Errorf("%s of %s: %s, want %s", tt.in, tt.comparison, s, tt.want)
		}
	}
}

// Without a salt it is keyed BLAKE2b, and with one what Python's hashlib makes.
func TestSaltedBlake(t *testing.T) {
	key := []byte("a key of 22 characters")
	h := newBlake(key, 1024).salted("")
	h.Write([]byte("message"))
	plain, err := blake2b.New512(key)
	if err != nil {
		t.Fatal(err)
	}
	plain.Write([]byte("message"))
	if got, want := h.Sum(nil), plain.Sum(nil); string(got) != string(want) {
		t.Errorf("%x, want %x", got, want)
	}
	h = newBlake(key, 1024).salted("12")
	h.Write([]byte("message"))
	sum := md5.Sum(h.Sum(nil))
	if got := hex.EncodeToString(sum[:]); got != "1b87eaf93f024f8f0cee2613eb6f7c11" {
		t.Errorf("with a salt its MD5 is %s", got)
	}
}
