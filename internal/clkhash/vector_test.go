package clkhash

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/bits"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// vectors were made by clkhash 0.18.3 itself.
type vectors struct {
	Cases []struct {
		Name, Secret string
		Schema       json.RawMessage
		Rows         [][]string
		CLKs         []string         `json:"clk_base64"`
		Keys         [][2]string      `json:"keys_hex"`
		Trace        [][]*tracedValue `json:"token_trace_first3"`
		Bits         int
	}
	Validation []struct {
		Name, CSV string
		Schema    json.RawMessage
		Accepted  bool
	}
}

type tracedValue struct {
	Tokens []string
	K      []int
}

func readVectors(t *testing.T) *vectors {
	t.Helper()
	folder := os.Getenv("COMITY_DATA")
	if folder == "" {
		folder = "../../../shared"
	}
	data, err := os.ReadFile(filepath.Join(folder, "vectors", "clk_dev.json"))
	if err != nil {
		t.Skipf("no vectors of clkhash: %v (COMITY_DATA names the folder that has vectors/)", err)
	}
	var v vectors
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	if len(v.Cases) == 0 || len(v.Validation) == 0 {
		t.Fatal("no case in the vectors")
	}
	return &v
}

func serialize(clk []uint64, n int) string {
	out := make([]byte, 0, 8*len(clk))
	for _, w := range clk {
		out = binary.BigEndian.AppendUint64(out, bits.Reverse64(w))
	}
	return base64.StdEncoding.EncodeToString(out[:(n+7)/8])
}

func TestVectors(t *testing.T) {
	for _, c := range readVectors(t).Cases {
		t.Run(c.Name, func(t *testing.T) {
			s, err := Parse(c.Schema)
			if err != nil {
				t.Fatal(err)
			}
			if s.Bits != c.Bits {
				t.Errorf("%d bits, want %d", s.Bits, c.Bits)
			}
			e, err := NewEncoder(s, []byte(c.Secret))
			if err != nil {
				t.Fatal(err)
			}
			keys, err := s.keys([]byte(c.Secret))
			if err != nil {
				t.Fatal(err)
			}
			for i, want := range c.Keys {
				got := [2]string{hex.EncodeToString(keys[i][0]), hex.EncodeToString(keys[i][1])}
				if got != want {
					t.Errorf("keys of feature %d differ", i)
				}
			}
			for i, row := range c.Trace {
				for j, want := range row {
					if want == nil || s.features[j].charset >= utf16Charset {
						continue
					}
					if diff := cmp.Diff(*want, trace(t, &s.features[j], c.Rows[i][j])); diff != "" {
						t.Errorf("row %d, feature %d (-want +got):\n%s", i, j, diff)
					}
				}
			}
			for i, row := range c.Rows {
				clk, err := e.Encode(row)
				if err != nil {
					t.Fatalf("row %d: %v", i, err)
				}
				if got := serialize(clk, s.Bits); got != c.CLKs[i] {
					t.Errorf("row %d: %s, want %s", i, got, c.CLKs[i])
				}
			}
		})
	}
}

func trace(t *testing.T, f *feature, value string) tracedValue {
	t.Helper()
	if f.missing != nil && value == f.missing.sentinel {
		value = f.missing.replacement
	} else {
		var reason string
		if value, reason = f.format.canonical(value); reason != "" {
			t.Fatal(reason)
		}
	}
	var out tokens
	out.reset(f.charset)
	if reason := f.compare.tokens(value, &out); reason != "" {
		t.Fatal(reason)
	}
	got := tracedValue{Tokens: []string{}, K: []int{}}
	begin := 0
	for i, end := range out.ends {
		share, more := f.shares(len(out.ends))
		if i < more {
			share++
		}
		got.Tokens = append(got.Tokens, string(out.bytes[begin:end]))
		got.K = append(got.K, share)
		begin = end
	}
	return got
}

// What clkhash does with a schema, a header and rows: whether it makes CLKs.
func TestValidation(t *testing.T) {
	for _, c := range readVectors(t).Validation {
		t.Run(c.Name, func(t *testing.T) {
			err := encodeAll(c.Schema, c.CSV)
			if (err == nil) != c.Accepted {
				t.Errorf("%v; accepted by clkhash: %v", err, c.Accepted)
			}
		})
	}
}

func encodeAll(schema []byte, text string) error {
	s, err := Parse(schema)
	if err != nil {
		return err
	}
	e, err := NewEncoder(s, []byte("secret"))
	if err != nil {
		return err
	}
	r := csv.NewReader(strings.NewReader(text))
	r.FieldsPerRecord = -1
	rows, err := r.ReadAll()
	if err != nil {
		return err
	}
	if !slices.Equal(rows[0], s.Names()) {
		return fmt.Errorf("another header")
	}
	for _, row := range rows[1:] {
		if len(row) != len(s.features) {
			return fmt.Errorf("%d columns", len(row))
		}
		if _, err := e.Encode(row); err != nil {
			return err
		}
	}
	return nil
}
