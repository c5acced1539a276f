package bloomlink

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

func randomCLKs(n, length int) *CLKs {
	r := rand.New(rand.NewPCG(uint64(n), uint64(length)))
	c := &CLKs{Bits: length}
	for range n {
		x := make(Encoding, (length+63)/64)
		for i := range length {
			x[i/64] |= uint64(r.IntN(2)) << (i % 64)
		}
		c.Encodings = append(c.Encodings, x)
	}
	return c
}

// bitsOf shows encodings to cmp, which their own methods hide.
func bitsOf(c *CLKs) [][]uint64 {
	var all [][]uint64
	for _, x := range c.Encodings {
		all = append(all, x)
	}
	return all
}

func TestCLKFiles(t *testing.T) {
	for _, length := range []int{1, 7, 8, 64, 100, 1000, 1024, MaxLength} {
		for _, n := range []int{0, 1, 5} {
			t.Run(fmt.Sprintf("%d of %d", n, length), func(t *testing.T) {
				c := randomCLKs(n, length)
				for _, blocks := range [][][]string{nil, make([][]string, n)} {
					c.Blocks = blocks
					for i := range blocks {
						blocks[i] = []string{"a", fmt.Sprint(i)}
					}
					var file bytes.Buffer
					if err := c.WriteJSON(&file); err != nil {
						t.Fatal(err)
					}
					got, err := ReadCLKs(iotest.OneByteReader(&file), n)
					if err != nil {
						t.Fatal(err)
					}
					if n > 0 && got.Bits != (length+7)/8*8 {
						t.Errorf("%d bits", got.Bits)
					}
					if diff := cmp.Diff(bitsOf(c), bitsOf(got)); diff != "" {
						t.Error("JSON changes bits")
					}
					if diff := cmp.Diff(c.Blocks, got.Blocks); diff != "" {
						t.Errorf("blocks (-want +got):\n%s", diff)
					}
				}
				var file bytes.Buffer
				if err := c.WriteBinary(&file); err != nil {
					t.Fatal(err)
				}
				got, err := ReadCLKBinary(iotest.OneByteReader(&file), n, (length+7)/8)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(bitsOf(c), bitsOf(got)); diff != "" {
					t.Error("the binary form changes bits")
				}
			})
		}
	}
}

// What clkhash wrote is read and written as it was.
func TestCLKVectors(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(dataFolder(t, "vectors"), "clk_dev.json"))
	if err != nil {
		t.Fatal(err)
	}
	var v struct {
		Cases []struct {
			Name, Secret string
			Schema       json.RawMessage
			Rows         [][]string
			CLKs         []string `json:"clk_base64"`
			Popcount     []int
			Bits         int
		}
	}
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	if len(v.Cases) == 0 {
		t.Fatal("no case in the vectors")
	}
	for _, c := range v.Cases {
		t.Run(c.Name, func(t *testing.T) {
			e := clkEncoder(t, string(c.Schema), c.Secret)
			var own []string
			for i, row := range c.Rows {
				x := encode(t, e, row...)
				if x.Count() != c.Popcount[i] {
					t.Errorf("row %d has %d bits, want %d", i, x.Count(), c.Popcount[i])
				}
				own = append(own, base64.StdEncoding.EncodeToString(appendCLK(nil, x, c.Bits)))
			}
			if diff := cmp.Diff(c.CLKs, own); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if c.Bits > MaxLength {
				return
			}
			file, err := json.Marshal(map[string]any{"clks": c.CLKs})
			if err != nil {
				t.Fatal(err)
			}
			got, err := ReadCLKs(bytes.NewReader(file), len(c.CLKs))
			if err != nil {
				t.Fatal(err)
			}
			var again bytes.Buffer
			if err := got.WriteJSON(&again); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(file), strings.NewReplacer(" ", "", "\n", "").Replace(again.String())); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestReadCLKsWithBlocks(t *testing.T) {
	for _, name := range []string{"clknblocks", "clksnblocks"} {
		got, err := ReadCLKs(strings.NewReader(`{"`+name+`": [["gAE=", "x"], ["AAA="]]}`), 2)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([][]string{{"x"}, {}}, got.Blocks); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if diff := cmp.Diff([][]uint64{{1 | 1<<15}, {0}}, bitsOf(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestReadCLKsErrors(t *testing.T) {
	for text, want := range map[string]error{
		``:                                 ErrTruncated,
		`{`:                                ErrTruncated,
		`[]`:                               ErrFormat,
		`{}`:                               ErrFormat,
		`{"clk": []}`:                      ErrFormat,
		`{"clks": {}}`:                     ErrFormat,
		`{"clks": ["AA=="`:                 ErrTruncated,
		`{"clks": ["AA=="]`:                ErrTruncated,
		`{"clks": ["AA=="]} x`:             ErrFormat,
		`{"clks": ["AA=="]} {}`:            ErrFormat,
		`{"clks": ["AA=="], "clks": []}`:   ErrFormat,
		`{"clks": [7]}`:                    ErrFormat,
		`{"clks": [""]}`:                   ErrFormat,
		`{"clks": ["A"]}`:                  ErrFormat,
		`{"clks": [["AA=="]]}`:             ErrFormat,
		`{"clks": ["AA==", "AAA="]}`:       ErrEncoding,
		`{"clks": ["AA==", "AA==", "AA"]}`: ErrTooLarge,
		`{"clknblocks": ["AA=="]}`:         ErrFormat,
		`{"clknblocks": [[]]}`:             ErrFormat,
		`{"clknblocks": [["AA==", 1]]}`:    ErrFormat,
		`{"clks": ["` + strings.Repeat("A", MaxLength) + `"]}`: ErrFormat,
		strings.Repeat(" ", 1<<16) + `{}`:                      ErrTooLarge,
	} {
		if _, err := ReadCLKs(strings.NewReader(text), 2); !errors.Is(err, want) {
			t.Errorf("%.40q: %v, want %v", text, err, want)
		}
	}
	for _, n := range []int{-1, MaxRows + 1} {
		if _, err := ReadCLKs(strings.NewReader(""), n); !errors.Is(err, ErrTooLarge) {
			t.Errorf("%d rows: %v", n, err)
		}
		if _, err := ReadCLKBinary(strings.NewReader(""), n, 8); !errors.Is(err, ErrTooLarge) {
			t.Errorf("%d rows: %v", n, err)
		}
	}
	for _, size := range []int{0, MaxLength/8 + 1} {
		if _, err := ReadCLKBinary(strings.NewReader(""), 0, size); !errors.Is(err, ErrFormat) {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
	if _, err := ReadCLKBinary(strings.NewReader("12345"), 3, 2); !errors.Is(err, ErrTruncated) {
		t.Errorf("cut off: %v", err)
	}
	if _, err := ReadCLKBinary(strings.NewReader("12345"), 2, 2); !errors.Is(err, ErrFormat) {
		t.Errorf("too long: %v", err)
	}
	bad := errors.New("bad")
	if _, err := ReadCLKBinary(iotest.ErrReader(bad), 2, 2); !errors.Is(err, bad) {
		t.Errorf("a reader's error: %v", err)
	}
	if _, err := ReadCLKs(iotest.ErrReader(bad), 2); !errors.Is(err, bad) {
		t.Errorf("a reader's error: %v", err)
	}
}

func TestWriteCLKsErrors(t *testing.T) {
	for name, tt := range map[string]struct {
		c    CLKs
		want error
	}{
		"no length": {CLKs{}, ErrFormat},
		"too long":  {CLKs{Bits: MaxLength + 1}, ErrFormat},
		"a length":  {CLKs{Bits: 65, Encodings: []Encoding{{1}}}, ErrEncoding},
		"blocks":    {CLKs{Bits: 64, Encodings: []Encoding{{1}}, Blocks: [][]string{}}, ErrFormat},
	} {
		for _, write := range []func(*CLKs) error{
			func(c *CLKs) error { return c.WriteJSON(new(bytes.Buffer)) },
			func(c *CLKs) error { return c.WriteBinary(new(bytes.Buffer)) },
		} {
			if err := write(&tt.c); !errors.Is(err, tt.want) {
				t.Errorf("%s: %v, want %v", name, err, tt.want)
			}
		}
	}
}

// A file is refused or read, and what was read is written and read the same.
func FuzzReadCLKs(f *testing.F) {
	f.Add(`{"clks": ["AAA=", "gAE="]}`)
	f.Add(`{"clknblocks": [["AAA=", "1", "2"], ["gAE="]]}`)
	f.Add(`{"clks": [`)
	f.Fuzz(func(t *testing.T, text string) {
		c, err := ReadCLKs(strings.NewReader(text), 8)
		if err != nil || len(c.Encodings) == 0 {
			return
		}
		var file bytes.Buffer
		if err := c.WriteJSON(&file); err != nil {
			t.Fatal(err)
		}
		again, err := ReadCLKs(&file, 8)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(bitsOf(c), bitsOf(again)); diff != "" || c.Bits != again.Bits {
			t.Fatal("bits change")
		}
	})
}

func FuzzReadCLKBinary(f *testing.F) {
	f.Add([]byte("0123456789abcdef"), 2, 8)
	f.Add([]byte("0"), 1<<30, 1024)
	f.Add([]byte{}, 0, 1)
	f.Fuzz(func(t *testing.T, data []byte, count, size int) {
		c, err := ReadCLKBinary(bytes.NewReader(data), count, size)
		if err != nil {
			return
		}
		var file bytes.Buffer
		if err := c.WriteBinary(&file); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(file.Bytes(), data) {
			t.Fatal("bytes change")
		}
	})
}
