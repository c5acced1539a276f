package bloomlink

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// table is a file of records, or of links, by column.
type table struct {
	columns []string
	rows    [][]string
}

func readTable(t testing.TB, name string) *table {
	t.Helper()
	f, err := os.Open(filepath.Join(dataFolder(t, "data"), name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return &table{rows[0], rows[1:]}
}

// values returns the records with the named columns alone, "" for one that is not.
func (x *table) values(columns ...string) [][]string {
	out := make([][]string, len(x.rows))
	for i, row := range x.rows {
		for _, c := range columns {
			value := ""
			if j := slices.Index(x.columns, c); j >= 0 {
				value = row[j]
			}
			out[i] = append(out[i], value)
		}
	}
	return out
}

var febrlColumns = []string{"given_name", "surname", "street_number", "address_1", "suburb", "postcode", "state", "date_of_birth"}

// febrlSchema has a filter's eight fields of FEBRL.
func febrlSchema() *Schema {
	s := &Schema{Length: 1024}
	for _, c := range febrlColumns {
		s.Features = append(s.Features, Feature{Name: c, Q: 2, Bits: 8})
	}
	return s
}

// febrlCLKSchema is of the kind that clkhash's tutorial has for the same fields.
const febrlCLKSchema = `{"version": 3,
 "clkConfig": {"l": 1024, "kdf": {"type": "HKDF", "keySize": 64}},
 "features": [
  {"identifier": "given_name", "format": {"type": "string", "maxLength": 64},
   "hashing": {"comparison": {"type": "ngram", "n": 2}, "strategy": {"bitsPerFeature": 200}}},
  {"identifier": "surname", "format": {"type": "string", "maxLength": 64},
   "hashing": {"comparison": {"type": "ngram", "n": 2}, "strategy": {"bitsPerFeature": 200}}},
  {"identifier": "street_number", "format": {"type": "integer"},
   "hashing": {"comparison": {"type": "ngram", "n": 1, "positional": true}, "strategy": {"bitsPerFeature": 100}, "missingValue": {"sentinel": ""}}},
  {"identifier": "address_1", "format": {"type": "string"},
   "hashing": {"comparison": {"type": "ngram", "n": 2}, "strategy": {"bitsPerFeature": 100}}},
  {"identifier": "suburb", "format": {"type": "string"},
   "hashing": {"comparison": {"type": "ngram", "n": 2}, "strategy": {"bitsPerFeature": 100}}},
  {"identifier": "postcode", "format": {"type": "integer", "minimum": 50, "maximum": 9999},
   "hashing": {"comparison": {"type": "ngram", "n": 1, "positional": true}, "strategy": {"bitsPerFeature": 100}}},
  {"identifier": "state", "format": {"type": "string"},
   "hashing": {"comparison": {"type": "ngram", "n": 2}, "strategy": {"bitsPerFeature": 100}}},
  {"identifier": "date_of_birth", "format": {"type": "date", "format": "%Y%m%d"},
   "hashing": {"comparison": {"type": "ngram", "n": 1, "positional": true}, "strategy": {"bitsPerFeature": 200}, "missingValue": {"sentinel": ""}}}]}`
