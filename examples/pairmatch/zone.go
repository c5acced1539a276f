package main

import "github.com/comity-prl/comity/tokenize"

// mrzValues are the fields that a machine-readable zone can fill.
var mrzValues = map[string]func(*tokenize.MRZ) string{
	"family_name": func(m *tokenize.MRZ) string { return m.FamilyName },
	"given_name":  func(m *tokenize.MRZ) string { return m.GivenNames },
	"full_name":   func(m *tokenize.MRZ) string { return m.GivenNames + " " + m.FamilyName },
	"birth_date":  func(m *tokenize.MRZ) string { return m.BirthDate },
	"sex":         func(m *tokenize.MRZ) string { return m.Sex },
	"nationality": func(m *tokenize.MRZ) string { return m.Nationality },
	"passport":    func(m *tokenize.MRZ) string { return m.Issuer + ":" + m.Number },
}

// fillFromZone gives a record the values of a zone where it has none. It reports
// whether the zone can be read; a field of which the check digit is wrong stays
// without a value.
func fillFromZone(r tokenize.Record, fields []tokenize.FieldSpec, zone string) bool {
	m, err := tokenize.ParseMRZ(zone)
	if err != nil {
		return false
	}
	bad := make(map[string]bool)
	for _, part := range m.BadChecks {
		bad[part] = true
	}
	for i, spec := range fields {
		value := mrzValues[spec.Name]
		if r[i] != "" || value == nil || bad["number"] && spec.Name == "passport" || bad["birth date"] && spec.Name == "birth_date" {
			continue
		}
		r[i] = value(m)
	}
	return len(m.BadChecks) == 0
}
