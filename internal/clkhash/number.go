package clkhash

import (
	"encoding/json"
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxDigits is the longest decimal that Python reads or writes as an integer.
const maxDigits = 4300

const (
	blanks = " \t\n\v\f\r"
	digits = `[0-9](?:_?[0-9])*`
)

var floatSyntax = regexp.MustCompile(`^[+-]?(?:` + digits + `(?:\.(?:` + digits + `)?)?|\.` + digits + `)(?:[eE][+-]?` + digits + `)?$`)

// toASCII writes the digits and spaces of all scripts as those of ASCII, as Python
// does before it reads a number, and what else is beyond ASCII as a question mark.
func toASCII(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r < utf8.RuneSelf:
			return r
		case unicode.IsSpace(r):
			return ' '
		case unicode.Is(unicode.Nd, r):
			return '0' + digit(r)
		}
		return '?'
	}, s)
}

// digit is the value of a character of class Nd. Each script has its ten in a row,
// from 0 to 9 (The Unicode Standard, section 4.6).
func digit(r rune) rune {
	if r < utf8.RuneSelf {
		return r - '0'
	}
	if r >= 0x1d7ce && r <= 0x1d7ff { // five sets without a gap
		return (r - 0x1d7ce) % 10
	}
	zero := r
	for unicode.Is(unicode.Nd, zero-1) && r-zero < 9 {
		zero--
	}
	return r - zero
}

// parseInteger is Python's int(s, 10).
func parseInteger(s string) (*big.Int, bool) {
	if len(s) < 20 { // most are short, and mean the same to Go
		if n, err := strconv.ParseInt(s, 10, 64); err == nil {
			return big.NewInt(n), true
		}
	}
	s = strings.Trim(toASCII(s), blanks)
	digits := strings.TrimPrefix(strings.TrimPrefix(s, "-"), "+")
	if len(s)-len(digits) > 1 || !areDigits(digits) {
		return nil, false
	}
	digits = strings.ReplaceAll(digits, "_", "")
	if len(digits) > maxDigits {
		return nil, false
	}
	n, ok := new(big.Int).SetString(digits, 10)
	if ok && s[0] == '-' {
		n.Neg(n)
	}
	return n, ok
}

// areDigits says whether s has digits alone, but for single underscores between.
func areDigits(s string) bool {
	between := false // after a digit, where an underscore can be
	for i := range len(s) {
		digit := s[i] >= '0' && s[i] <= '9'
		if !digit && !(s[i] == '_' && between) {
			return false
		}
		between = digit
	}
	return between
}

// parseFloat is Python's float(s), but for infinities and what is no number, which
// have no token.
func parseFloat(s string) (float64, bool) {
	s = strings.Trim(toASCII(s), blanks)
	if !floatSyntax.MatchString(s) {
		return 0, false
	}
	f, _ := strconv.ParseFloat(strings.ReplaceAll(s, "_", ""), 64) // infinite beyond its range
	return f, !math.IsInf(f, 0)
}

// numeric compares numbers: the nearer they are, the more tokens they share
// (Vatsalan and Christen, Journal of Biomedical Informatics 59, 2016).
type numeric struct {
	interval   *big.Int // between tokens, in units of 10^-precision / (2·resolution)
	half       *big.Float
	resolution int
	precision  int
}

func numericOf(v value) comparison {
	v.object("thresholdDistance", "resolution")
	c := &numeric{
		resolution: v.get("resolution").integer(1, maxResolution, 1),
		precision:  v.get("fractional_precision").integer(0, maxPrecision, 0),
	}
	distance := v.get("thresholdDistance")
	n, ok := distance.raw.(json.Number)
	t, err := strconv.ParseFloat(n.String(), 64)
	if !ok || err != nil || t <= 0 {
		distance.fail("want a number above 0")
		return c
	}
	if isFloat(n) {
		c.interval, ok = round(t, c.precision)
	} else {
		c.interval, ok = distance.whole(), true
		c.interval.Mul(c.interval, power(c.precision))
	}
	if !ok || c.interval.Sign() == 0 {
		distance.fail("fractional_precision %d cannot express it", c.precision)
		return c
	}
	// Python halves it as a float.
	c.half = new(big.Float).SetPrec(53).SetInt(c.interval)
	c.half.SetMantExp(c.half, -1)
	return c
}

func power(precision int) *big.Int {
	return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(precision)), nil)
}

// round returns f·10^precision to the nearest whole number, to the even one of
// two, where the product is that of floats.
func round(f float64, precision int) (*big.Int, bool) {
	scale, _ := strconv.ParseFloat("1e"+strconv.Itoa(precision), 64)
	f = math.RoundToEven(f * scale)
	if math.IsInf(f, 0) {
		return nil, false
	}
	n, _ := big.NewFloat(f).Int(nil)
	return n, true
}

func (c *numeric) tokens(word string, out *tokens) string {
	if word == "" {
		return ""
	}
	n, ok := parseInteger(word)
	if ok {
		n.Mul(n, power(c.precision))
	} else if n, ok = c.scaled(word); !ok {
		return "not a number"
	}
	n.Mul(n, big.NewInt(int64(2*c.resolution)))
	rest := new(big.Int)
	new(big.Int).DivMod(n, c.interval, rest) // Euclidean, which is floor for a divisor above 0
	n.Sub(n, rest)
	if rest.Sign() != 0 && new(big.Float).SetInt(rest).Cmp(c.half) >= 0 {
		n.Add(n, c.interval)
	}
	n.Sub(n, new(big.Int).Mul(c.interval, big.NewInt(int64(c.resolution))))
	for range 2*c.resolution + 1 {
		token := n.String()
		if len(strings.TrimPrefix(token, "-")) > maxDigits {
			return "too large a number"
		}
		out.add(token)
		n.Add(n, c.interval)
	}
	return ""
}

// scaled reads a number that is not written as a whole one. Without a fractional
// precision it is cut off, and with one rounded.
func (c *numeric) scaled(word string) (*big.Int, bool) {
	f, ok := parseFloat(word)
	if !ok {
		return nil, false
	}
	if c.precision == 0 {
		f = math.Trunc(f)
	}
	return round(f, c.precision)
}
