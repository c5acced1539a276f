package main

import (
	"errors"
	"slices"
	"strings"

	"github.com/comity-prl/comity/bloomlink"
	"github.com/comity-prl/comity/tokenize"
)

// standardRules are in order of strength. Each is proposed where the file has all
// its fields. Together they tolerate one field that differs or is missing. None
// is content with an address or a birth date and little else, which households
// and twins share.
var standardRules = []struct{ name, parts string }{
	{"names + birth date", "family_name given_name birth_date"},
	{"sound of names + birth date", "family_name/soundex given_name/soundex birth_date"},
	{"family name + initial + birth date", "family_name given_name/initial birth_date"},
	{"given name + initial + birth date", "given_name family_name/initial birth_date"},
	{"names + postcode", "family_name given_name postcode"},
	{"initial + birth date + postcode", "given_name/initial birth_date postcode"},
	{"family initial + birth date + postcode", "family_name/initial birth_date postcode"},
	{"given name + address", "given_name street street_number"},
	{"birth date + address", "birth_date street street_number"},
	{"full name + birth date", "full_name birth_date"},
	{"full name + postcode", "full_name postcode"},
	{"birth name + birth date", "birth_name given_name birth_date"},
	{"e-mail", "email"},
	{"phone + given name", "phone given_name"},
	{"passport", "passport"},
	{"national number + family name", "national_number family_name"},
	{"national number + given name", "national_number given_name"},
	{"licence plate + family name", "licence_plate family_name"},
	{"account + given name", "iban given_name"},
	{"vehicle + family name", "vin family_name"},
	{"device + given name", "imei given_name"},
	{"wallet", "wallet"},
}

// encodingLength is that of an encoding, in bits: long enough for all standard
// features to set about two fifths of a filter, which is what hardening wants.
const encodingLength = 2048

// standardFeatures are the fields that an encoding covers, where the file has
// them. Names and birth date weigh most, as they tell the members of a household
// apart; an address has many letters and so fewer bits for each.
var standardFeatures = []bloomlink.Feature{
	{Name: "given_name", Q: 2, Bits: 18}, {Name: "family_name", Q: 2, Bits: 12}, {Name: "birth_date", Q: 2, Bits: 21},
	{Name: "sex", Q: 2, Bits: 30}, {Name: "street", Q: 2, Bits: 8}, {Name: "street_number", Q: 2, Bits: 9},
	{Name: "postcode", Q: 2, Bits: 12}, {Name: "city", Q: 2, Bits: 8}, {Name: "phone", Q: 2, Bits: 9}, {Name: "email", Q: 2, Bits: 6},
}

// newLinkage proposes a linkage file for the fields that a CSV file has.
func newLinkage(found map[string]int) (*linkage, error) {
	l := &linkage{Version: 1, Encoding: encoding{Length: encodingLength, Threshold: 1}}
	has := func(field string) bool { _, ok := found[field]; return ok }
	for _, f := range standardFields {
		if !has(f.name) {
			continue
		}
		spec := tokenize.FieldSpec{Name: f.name}
		if err := spec.Kind.UnmarshalText([]byte(f.kind)); err != nil {
			return nil, err
		}
		l.Fields = append(l.Fields, spec)
	}
	for _, r := range standardRules {
		rule := tokenize.Rule{Name: r.name}
		for text := range strings.FieldsSeq(r.parts) {
			var p tokenize.Part
			if err := p.UnmarshalText([]byte(text)); err != nil {
				return nil, err
			}
			rule.Parts = append(rule.Parts, p)
		}
		if !slices.ContainsFunc(rule.Parts, func(p tokenize.Part) bool { return !has(p.Field) }) {
			l.Rules = append(l.Rules, rule)
		}
	}
	for _, f := range standardFeatures {
		if has(f.Name) {
			l.Encoding.Features = append(l.Encoding.Features, f)
		}
	}
	if len(l.Rules) == 0 || len(l.Encoding.Features) == 0 {
		return nil, errors.New("too few columns are known for a rule: it takes names and a birth date, or the like; " +
			"name the columns so, or write the linkage file by hand")
	}
	if err := l.validate(); err != nil {
		return nil, err
	}
	return l, l.calibrate()
}
