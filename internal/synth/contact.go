package synth

import (
	"strconv"
	"strings"
)

const (
	noPhone     = 8  // people in a hundred with no telephone number on file
	noEmail     = 25 // people in a hundred with no e-mail address on file
	useLandline = 30 // members in a hundred who give the number of their home
)

// phone draws the number that a member of a household gives.
func (g *Generator) phone(h *home) string {
	if g.percent(noPhone) {
		return ""
	}
	if h.landline != "" && g.percent(useLandline) {
		return h.landline
	}
	return g.mobile(h.country)
}

// mobile draws a mobile number; where these have no range of their own, one of
// some city.
func (g *Generator) mobile(c *country) string {
	if len(c.mobiles) == 0 {
		return g.landline(c, c.cities[c.cityRank.draw(g.r)].area)
	}
	b := []byte(c.mobiles[g.r.IntN(len(c.mobiles))])
	for i := range b {
		if b[i] == '#' {
			b[i] = g.digit()
		}
	}
	return string(b)
}

// landline draws a subscriber number under a dialling code. It starts with no 0
// or 1, which are trunk and service prefixes.
func (g *Generator) landline(c *country, area string) string {
	b := append([]byte(c.dial), area...)
	b = append(b, byte('2'+g.r.IntN(8)))
	for len(b) < len(c.dial)+c.national {
		b = append(b, g.digit())
	}
	return string(b)
}

// domains are reserved by RFC 2606, sections 2 and 3, the common ones first.
var (
	domains    = []string{"mail.example", "post.example", "web.example", "example.com", "inbox.example", "example.net", "online.example", "example.org"}
	domainRank = harmonic(len(domains), 1)
)

// email draws an address made of a name, or "".
func (g *Generator) email(c *country, p *Person) string {
	if g.percent(noEmail) {
		return ""
	}
	return g.newEmail(c, p)
}

func (g *Generator) newEmail(c *country, p *Person) string {
	given, family := mailbox(c, p.GivenName), mailbox(c, paternal(p.FamilyName))
	if given == "" || family == "" {
		given, family = "user", strconv.Itoa(g.r.IntN(million))
	}
	var box string
	switch g.r.IntN(12) {
	case 0, 1, 2, 3:
		box = given + "." + family
	case 4, 5:
		box = given[:1] + "." + family
	case 6:
		box = given + family
	case 7:
		box = given[:1] + family
	case 8:
		box = family + "." + given
	case 9:
		box = given + "_" + family
	case 10:
		box = given
	default:
		box = family
	}
	// Short boxes are long taken, so that the later ones carry a number.
	if short := !strings.ContainsAny(box, "._"); short || g.percent(30) {
		if y := birthYear(p); y > 0 && g.percent(60) {
			box += strconv.Itoa(y)[2*g.r.IntN(2):]
		} else {
			box += strconv.Itoa(1 + g.r.IntN(999))
		}
	}
	return box + "@" + domains[domainRank.draw(g.r)]
}

// mailbox writes a name with the letters of a local part: a to z. German speakers
// write ü as ue there, the others as u.
func mailbox(c *country, name string) string {
	if c.code == "DE" {
		name = transliterate(name)
	}
	b := make([]byte, 0, len(name))
	for _, r := range strings.ToLower(dropAccents(name)) {
		if r >= 'a' && r <= 'z' {
			b = append(b, byte(r))
		}
	}
	return string(b)
}
