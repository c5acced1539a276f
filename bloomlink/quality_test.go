package bloomlink

import (
	"fmt"
	"testing"
)

// dataset is public data with the truth. Where b is a itself, it is searched for
// duplicates.
type dataset struct {
	name, a, b, links string
	columns           []string
}

var (
	febrlFields  = []string{"given_name", "surname", "street_number", "address_1", "address_2", "suburb", "postcode", "state", "date_of_birth"}
	splinkFields = []string{"first_name", "surname", "dob", "city", "email"}
)

var datasets = []dataset{
	{"febrl1", "febrl1.csv", "febrl1.csv", "febrl1_links.csv", febrlFields}, // where thresholds come from
	{"febrl4", "febrl4_a.csv", "febrl4_b.csv", "febrl4_links.csv", febrlFields},
	{"febrl4_partial", "febrl4_partial_a.csv", "febrl4_partial_b.csv", "febrl4_partial_links.csv", febrlFields},
	{"febrl2", "febrl2.csv", "febrl2.csv", "febrl2_links.csv", febrlFields},
	{"febrl3", "febrl3.csv", "febrl3.csv", "febrl3_links.csv", febrlFields},
	{"dirty1000", "dirty1000_a.csv", "dirty1000_b.csv", "dirty1000_links.csv", febrlFields},
	{"geco5", "geco5_p1.csv", "geco5_p2.csv", "geco5_links.csv", []string{"givenname", "surname", "dob", "gender", "city", "income", "phone number"}},
	{"german", "german_a.csv", "german_b.csv", "german_links.csv", []string{"first_name", "last_name", "date_of_birth", "plz", "city"}},
	{"opentoken", "opentoken_a.csv", "opentoken_b.csv", "opentoken_links.csv", []string{"FirstName", "LastName", "BirthDate", "PostalCode", "Sex"}},
	{"splink_fake_1000", "splink_fake_1000.csv", "splink_fake_1000.csv", "splink_fake_1000_links.csv", splinkFields},
	{"splink_fake_1000_demos", "splink_fake_1000_demos.csv", "splink_fake_1000_demos.csv", "splink_fake_1000_demos_links.csv", splinkFields},
}

func (d *dataset) dedup() bool { return d.a == d.b }

// truth returns the true pairs by rows, the smaller first for duplicates.
func (d *dataset) truth(t testing.TB, a, b *table) map[[2]int]bool {
	links := readTable(t, d.links)
	place := func(x *table) map[string][]int {
		rows := make(map[string][]int)
		for i, r := range x.rows {
			rows[r[0]] = append(rows[r[0]], i)
		}
		return rows
	}
	rowsA, rowsB := place(a), place(b)
	truth := make(map[[2]int]bool)
	for _, l := range links.rows {
		if len(l) == 4 { // of many parties
			if l[0] != "p1" || l[2] != "p2" {
				continue
			}
			l = []string{l[1], l[3]}
		}
		for _, i := range rowsA[l[0]] {
			for _, j := range rowsB[l[1]] {
				if d.dedup() {
					i, j = min(i, j), max(i, j)
				}
				truth[[2]int{i, j}] = true
			}
		}
	}
	if len(truth) == 0 {
		t.Fatalf("%s has no true pair", d.name)
	}
	return truth
}

// quality counts what was found.
type quality struct{ right, found, all int }

func (q quality) precision() float64 { return float64(q.right) / float64(max(1, q.found)) }
func (q quality) recall() float64    { return float64(q.right) / float64(q.all) }
func (q quality) f1() float64        { return 2 * float64(q.right) / float64(q.found+q.all) }
func (q quality) String() string {
	return fmt.Sprintf("%.3f / %.3f / %.3f", q.precision(), q.recall(), q.f1())
}

func judge(pairs []Pair, truth map[[2]int]bool) quality {
	q := quality{found: len(pairs), all: len(truth)}
	for _, p := range pairs {
		if truth[[2]int{p.A, p.B}] {
			q.right++
		}
	}
	return q
}

// qualityEncoders are those of whose quality there are figures, with the least F1
// on sets by name, of mutual best or, for duplicates, of all pairs.
var qualityEncoders = []qualityEncoder{
	{"plain, 10 bits a q-gram of 1024", 1024, 10, &Hardening{}, map[string]float64{"febrl4_partial": .990, "geco5": .90}},
	{"plain, 4 bits a q-gram of 1024", 1024, 4, &Hardening{}, map[string]float64{"febrl4_partial": .990, "geco5": .92}},
	{"hardened, 12 bits a q-gram of 2048", 2048, 12, Hardened(), map[string]float64{"dirty1000": .990, "german": .87}},
}

type qualityEncoder struct {
	name         string
	length, bits int
	h            *Hardening
	floors       map[string]float64
}

func (q *qualityEncoder) encoder(t testing.TB, d *dataset) *Encoder {
	s := &Schema{Length: q.length}
	for _, c := range d.columns {
		s.Features = append(s.Features, Feature{Name: c, Q: 2, Bits: q.bits})
	}
	return hardenedEncoder(t, s, 1, q.h)
}

// join returns the pairs over a threshold, and the truth.
func (d *dataset) join(t testing.TB, e *Encoder, threshold float64) ([]Pair, map[[2]int]bool) {
	a, b := readTable(t, d.a), readTable(t, d.b)
	index := func(x *table) *Index {
		xs, err := e.EncodeAll(t.Context(), x.values(d.columns...))
		if err != nil {
			t.Fatal(err)
		}
		return testIndex(t, xs)
	}
	var pairs []Pair
	for _, p := range collect(t, index(a), index(b), threshold) {
		if !d.dedup() || p.A < p.B {
			pairs = append(pairs, p)
		}
	}
	return pairs, d.truth(t, a, b)
}

// fix returns the threshold of the best F1 on a set: the middle of those that are
// as good.
func (d *dataset) fix(t testing.TB, e *Encoder) float64 {
	const low, steps = 0.54, 40 // of 0.01
	pairs, truth := d.join(t, e, low)
	at := make([]quality, steps)
	for _, p := range pairs {
		for i := range min(steps, int((p.Score-low)*100+1e-9)+1) {
			at[i].found++
			if truth[[2]int{p.A, p.B}] {
				at[i].right++
			}
		}
	}
	best, sum, n := 0.0, 0.0, 0.0
	for i, q := range at {
		q.all = len(truth)
		switch f1 := q.f1(); {
		case f1 > best:
			best, sum, n = f1, low+float64(i)/100, 1
		case f1 == best:
			sum, n = sum+low+float64(i)/100, n+1
		}
	}
	return sum / n
}

// Figures for every set, by `go test -run TestQuality -v`, at the one threshold that
// is best on febrl1: no other set has a part in choosing it. None uses soc_sec_id.
// Without -v there are only the sets with a floor.
func TestQuality(t *testing.T) {
	for _, q := range qualityEncoders {
		t.Run(q.name, func(t *testing.T) {
			threshold := datasets[0].fix(t, q.encoder(t, &datasets[0]))
			t.Logf("%s: threshold %.3f; P / R / F1", q.name, threshold)
			for _, d := range datasets {
				if q.floors[d.name] == 0 && !testing.Verbose() {
					continue
				}
				pairs, truth := d.join(t, q.encoder(t, &d), threshold)
				all := judge(pairs, truth)
				one, text := all, ""
				if !d.dedup() {
					one = judge(Assign(pairs), truth)
					text = fmt.Sprintf("   mutual best %v", one)
				}
				t.Logf("%-24s all pairs %v%s", d.name, all, text)
				if floor := q.floors[d.name]; one.f1() < floor {
					t.Errorf("%s: F1 %.4f, want %.3f", d.name, one.f1(), floor)
				}
			}
		})
	}
}
