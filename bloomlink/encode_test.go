package bloomlink

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestQgrams(t *testing.T) {
	tests := []struct {
		value string
		q     int
		want  string
	}{
		{"", 2, ""},
		{"a", 1, "a0"},
		{"a", 2, "_a0 a_0"},
		{"a", 3, "__a0 _a_0 a__0"},
		{"abc", 2, "_a0 ab0 bc0 c_0"},
		{"abc", 1, "a0 b0 c0"},
		{"aaa", 2, "_a0 aa0 aa1 a_0"},
		{"ananan", 3, "__a0 _an0 ana0 nan0 ana1 nan1 an_0 n__0"},
		{"éß", 2, "_é0 éß0 ß_0"},
		{"日本", 4, "___日0 __日本0 _日本_0 日本__0 本___0"},
		{strings.Repeat("ab", 20), 1, func() string { // more than are looked at one by one
			var all []string
			for i := range 20 {
				all = append(all, fmt.Sprintf("a%d b%d", i, i))
			}
			return strings.Join(all, " ")
		}()},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%s/%d", tt.value, tt.q), func(t *testing.T) {
			var got []string
			qgrams(tt.value, tt.q, new(counter), func(gram []byte, nth uint32) {
				got = append(got, fmt.Sprintf("%s%d", strings.ReplaceAll(string(gram), pad, "_"), nth))
			})
			if diff := cmp.Diff(tt.want, strings.Join(got, " ")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Encodings must never change within a version: both owners would get fewer
// matches and no error.
func TestGoldenEncodings(t *testing.T) {
	h := sha256.New()
	for _, length := range []int{64, 512, 960, 1024, 8192} {
		for q := 1; q <= MaxQ; q++ {
			for _, bits := range []int{1, 8, 9, 30, MaxBits} {
				s := &Schema{Length: length, Features: []Feature{{"name", q, bits}, {"date", q, bits}}}
				for _, project := range []string{"", "p"} {
					e, err := NewEncoder(s, bytes.Repeat([]byte{9}, 40), &EncoderOptions{Project: project, Hardening: &Hardening{}})
					if err != nil {
						t.Fatal(err)
					}
					for _, name := range []string{"", "a", "anna", "jonsdottir", "日本"} {
						h.Write(appendRow(nil, encode(t, e, name, "19700102")))
					}
				}
			}
		}
	}
	const want = "0e0736348b68560cc8251d3bfc396633ba02ca6cdd2b7e08bd5d4e89b503ad96"
	if got := hex.EncodeToString(h.Sum(nil)); got != want {
		t.Errorf("encodings hash to %s, want %s", got, want)
	}
}

func TestEncode(t *testing.T) {
	e := testEncoder(t, testSchema(), 1)
	x := encode(t, e, "ludmilla", "petrosjan", "19900506")
	if diff := cmp.Diff([]uint64(x), []uint64(encode(t, testEncoder(t, testSchema(), 1), "ludmilla", "petrosjan", "19900506"))); diff != "" {
		t.Error("two encoders of one set-up differ")
	}
	if x.Len() != 1024 {
		t.Errorf("%d bits", x.Len())
	}
	similar := Dice(x, encode(t, e, "ludmila", "petrosjan", "19900506"))
	other := Dice(x, encode(t, e, "zenobia", "okonkwo", "19811130"))
	if similar < 0.85 || similar == 1 || other > 0.5 {
		t.Errorf("one letter less scores %.2f, another person %.2f", similar, other)
	}
	swapped := Dice(x, encode(t, e, "petrosjan", "ludmilla", "19900506"))
	if swapped > 0.7 {
		t.Errorf("names swapped score %.2f", swapped)
	}
}

// A missing value sets nothing, so that it makes no two records alike.
func TestMissing(t *testing.T) {
	e := testEncoder(t, testSchema(), 1)
	none := encode(t, e, "", "", "")
	if none.Count() != 0 || Dice(none, none) != 0 {
		t.Errorf("an empty record has %d bits and scores %v with itself", none.Count(), Dice(none, none))
	}
	union := make(Encoding, len(none))
	for i := range 3 {
		values := []string{"ana", "bo", "1990"}
		for j := range values {
			if i != j {
				values[j] = ""
			}
		}
		for w, bits := range encode(t, e, values...) {
			union[w] |= bits
		}
	}
	if diff := cmp.Diff([]uint64(encode(t, e, "ana", "bo", "1990")), []uint64(union)); diff != "" {
		t.Error("a record is more than its values")
	}
}

// The hash of this encoding comes from an implementation of its own, in Python and
// from the description alone.
func TestEncodingByAnotherImplementation(t *testing.T) {
	x := encode(t, testEncoder(t, testSchema(), 1), "ludmilla", "", "1990日aaaa")
	const want = "d1d42842744af316dc7510f7472ecee56a99b7692a60a8932f967a6ad8b07eb0"
	sum := sha256.Sum256(appendRow(nil, x))
	if got := hex.EncodeToString(sum[:]); got != want {
		t.Errorf("the encoding hashes to %s, want %s", got, want)
	}
}

// One value in two fields, under two secrets, or in two projects has bits that
// have nothing to do with each other: what they share is chance.
func TestEncodingsAreSeparate(t *testing.T) {
	s := &Schema{Length: 8192, Features: []Feature{{"x", 2, 30}, {"y", 2, 30}}}
	value := "the same value in both"
	first := testEncoder(t, s, 1)
	x := encode(t, first, value, "")
	project, err := NewEncoder(s, bytes.Repeat([]byte{1}, MinSecret), &EncoderOptions{Project: "other", Hardening: &Hardening{}})
	if err != nil {
		t.Fatal(err)
	}
	for name, y := range map[string]Encoding{
		"fields":   encode(t, first, "", value),
		"secrets":  encode(t, testEncoder(t, s, 2), value, ""),
		"projects": encode(t, project, value, ""),
	} {
		common := 0
		for i := range x {
			common += Encoding{x[i] & y[i]}.Count()
		}
		n, m := float64(x.Count()), float64(y.Count())
		mean := n * m / 8192
		if d := math.Abs(float64(common) - mean); d > 6*math.Sqrt(mean) {
			t.Errorf("%s: %d bits in common, %.0f by chance", name, common, mean)
		}
	}
}

// The weight of a feature is the bits of each of its q-grams, and bits are drawn
// evenly.
func TestWeights(t *testing.T) {
	for _, bits := range []int{1, 7, 8, 9, 16, 256} {
		e := testEncoder(t, &Schema{Length: 8192, Features: []Feature{{"x", 1, bits}}}, 1)
		total := 0
		const grams = 64
		for i := range grams {
			n := encode(t, e, string(rune('0'+i))).Count()
			if n > bits {
				t.Fatalf("%d bits of a q-gram, want at most %d", n, bits)
			}
			total += n
		}
		mean := 8192 * (1 - math.Pow(1-1.0/8192, float64(bits))) // some coincide
		if got := float64(total) / grams; math.Abs(got-mean) > 0.02*mean+0.1 {
			t.Errorf("%.2f bits of a q-gram, %.2f expected of %d", got, mean, bits)
		}
	}
	const length = 192 // no power of two
	e := testEncoder(t, &Schema{Length: length, Features: []Feature{{"x", 2, 4}}}, 1)
	var hits [length]int
	const draws = 4 * 3000
	for i := range 3000 {
		x := encode(t, e, string(rune(0x4e00+i)))
		for p := range length {
			hits[p] += int(x[p/64] >> (p % 64) & 1)
		}
	}
	for p, n := range hits { // two q-grams a value
		if mean := 2 * draws / length; math.Abs(float64(n-mean)) > 6*math.Sqrt(float64(mean)) {
			t.Errorf("position %d was drawn %d times, about %d expected", p, n, mean)
		}
	}
}

func TestRepeatedQgramsCount(t *testing.T) {
	e := testEncoder(t, &Schema{Length: 1024, Features: []Feature{{"x", 2, 10}}}, 1)
	short, long := encode(t, e, "aaa"), encode(t, e, "aaaaaaaa")
	if short.Count() >= long.Count() || Dice(short, long) > 0.8 {
		t.Errorf("%d and %d bits, alike by %.2f", short.Count(), long.Count(), Dice(short, long))
	}
}

func TestEncodeErrors(t *testing.T) {
	e := testEncoder(t, testSchema(), 1)
	for _, values := range [][]string{nil, {"a", "b"}, {"a", "b", "c", "d"}} {
		if _, err := e.Encode(values); !errors.Is(err, ErrValue) {
			t.Errorf("%d values: %v, want %v", len(values), err, ErrValue)
		}
	}
	_, err := e.Encode([]string{"a", "Vanderst\xffeen", "c"})
	var f *FeatureError
	if !errors.As(err, &f) || f.Feature != 1 || !errors.Is(err, ErrValue) || strings.Contains(err.Error(), "Vander") {
		t.Errorf("not UTF-8: %v", err)
	}
	for _, n := range []int{0, 16, 31} {
		if _, err := NewEncoder(testSchema(), make([]byte, n), nil); !errors.Is(err, ErrSecret) {
			t.Errorf("a secret of %d bytes: %v, want %v", n, err, ErrSecret)
		}
	}
	if _, err := NewEncoder(testSchema(), make([]byte, 32), &EncoderOptions{Project: strings.Repeat("p", 256)}); !errors.Is(err, ErrSchema) {
		t.Errorf("a long project: %v", err)
	}
}

func TestEncodeAll(t *testing.T) {
	e := testEncoder(t, testSchema(), 1)
	var records [][]string
	for i := range 100 {
		records = append(records, []string{fmt.Sprint("name", i), "x", "1990"})
	}
	all, err := e.EncodeAll(t.Context(), records)
	if err != nil || len(all) != len(records) {
		t.Fatalf("%d encodings, %v", len(all), err)
	}
	for i, x := range all {
		if !slices.Equal(x, encode(t, e, records[i]...)) {
			t.Fatalf("record %d is encoded in another way", i)
		}
	}
	if all, err := e.EncodeAll(t.Context(), nil); err != nil || len(all) != 0 {
		t.Errorf("%d encodings of nothing, %v", len(all), err)
	}
	records[77] = []string{"a", "Vanderst\xffeen", "b"}
	_, err = e.EncodeAll(t.Context(), records)
	var f *FeatureError
	if !errors.As(err, &f) || f.Feature != 1 || !strings.HasPrefix(err.Error(), "record 77: ") || strings.Contains(err.Error(), "Vander") {
		t.Errorf("a record that is not UTF-8: %v", err)
	}
	ctx, stop := context.WithCancelCause(t.Context())
	enough := errors.New("enough")
	stop(enough)
	if _, err := e.EncodeAll(ctx, records); !errors.Is(err, enough) {
		t.Errorf("cancelled: %v", err)
	}
}

// Encoders are shared: with -race this finds state that is not.
func TestEncoderIsShared(t *testing.T) {
	e := testEncoder(t, testSchema(), 1)
	want := encode(t, e, "ana", "bo", "1990")
	for range 4 {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			for range 50 {
				if Dice(want, encode(t, e, "ana", "bo", "1990")) != 1 {
					t.Fatal("the encoding changed")
				}
			}
		})
	}
}

// Whatever the value, encoding it neither fails nor depends on anything else, and
// sets at most the bits of its q-grams.
func FuzzEncode(f *testing.F) {
	f.Add("ludmilla", 2)
	f.Add("", 1)
	f.Add("aaaa日", 4)
	f.Add("\xff", 3)
	f.Fuzz(func(t *testing.T, value string, q int) {
		if q < 1 || q > MaxQ || len(value) > 1000 {
			return
		}
		e := testEncoder(t, &Schema{Length: 512, Features: []Feature{{"x", q, 5}}}, 1)
		x, err := e.Encode([]string{value})
		if err != nil {
			if !errors.Is(err, ErrValue) || usable(value) {
				t.Fatal("a usable value was refused")
			}
			return
		}
		grams := 0
		if value != "" {
			grams = len([]rune(value)) + q - 1
		}
		if n := x.Count(); n > 5*grams || value != "" && n == 0 {
			t.Fatalf("%d bits of %d q-grams", n, grams)
		}
		if value != "" && Dice(x, encode(t, e, value)) != 1 {
			t.Fatal("encoded again, it differs")
		}
	})
}

func TestDice(t *testing.T) {
	tests := []struct {
		a, b Encoding
		want float64
	}{
		{Encoding{0}, Encoding{0}, 0},
		{nil, nil, 0},
		{Encoding{0}, Encoding{7}, 0},
		{Encoding{7}, Encoding{7}, 1},
		{Encoding{0b0011}, Encoding{0b0110}, 0.5},
		{Encoding{1, 1}, Encoding{1, 0}, 2.0 / 3},
		{Encoding{1, 1}, Encoding{1}, 2.0 / 3},
	}
	for _, tt := range tests {
		if got := Dice(tt.a, tt.b); got != tt.want {
			t.Errorf("%v, want %v", got, tt.want)
		}
		if got := Dice(tt.b, tt.a); got != tt.want {
			t.Errorf("the other way round: %v, want %v", got, tt.want)
		}
	}
}
