package tokenize

import (
	"regexp"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// phoneMetadata is the version of the table of the world's telephone numbers, which
// has a part in canonical forms.
const phoneMetadata = "phonenumbers v1.8.1"

const maxPhone = 15 // digits

const notAPhone = "not a telephone number of 5 to 15 digits"

// phoneExtension is one within a company, which is left out.
var phoneExtension = regexp.MustCompile(`(?i)[ ,;]*(?:ext\.?|x|#|доб\.?)[ .:]*\d{1,6}$`)

// normalisePhone brings international numbers, and with a region national ones, to
// ITU-T E.164: "+" and digits. It begins with "+" or "00". A number that is not in
// use in its country keeps its digits and is Doubtful, and so does a national one
// without a region.
func normalisePhone(raw string, r *Reading) (Field, string) {
	s := plain(raw)
	if placeholder(folded(s)) == "" {
		return Field{}, ""
	}
	s = phoneExtension.ReplaceAllString(s, "")
	digits, international := strings.CutPrefix(s, "+")
	if strings.Trim(digits, "0123456789 -./()") != "" {
		return Field{}, notAPhone
	}
	if international || strings.HasPrefix(s, "00") {
		digits = strings.Replace(digits, "(0)", "", 1) // for callers within the country
	}
	digits = strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, digits)
	if rest, ok := strings.CutPrefix(digits, "00"); ok && !international {
		digits, international = rest, true
	}
	// E.164 allows 15 digits and no country code with a 0 first; fewer than 5 digits
	// are no subscriber's.
	if len(digits) < 5 || len(digits) > maxPhone || international && digits[0] == '0' {
		return Field{}, notAPhone
	}
	if international {
		digits = "+" + digits
	} else if r.Region == "" {
		return Field{Value: digits}, ""
	}
	n, err := phonenumbers.Parse(digits, r.Region)
	if err != nil || !phonenumbers.IsValidNumber(n) {
		return Field{Value: digits, Flags: Doubtful}, ""
	}
	e164 := phonenumbers.Format(n, phonenumbers.E164)
	if len(e164) > len("+")+maxPhone { // as the table has some of
		return Field{Value: digits, Flags: Doubtful}, ""
	}
	return Field{Value: e164}, ""
}
