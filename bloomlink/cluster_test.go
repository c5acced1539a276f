package bloomlink

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var clusterMethods = []struct {
	name    string
	cluster func([]Edge, *ClusterOptions) []Cluster
}{{"greedy", ClusterGreedy}, {"connected", ClusterConnected}, {"star", ClusterStar}}

// edges writes "a1b2" as an edge of row 1 of party 0 and row 2 of party 1, each
// edge worse than the one before.
func edges(names ...string) []Edge {
	var all []Edge
	record := func(s string) Record { return Record{int(s[0] - 'a'), int(s[1] - '0')} }
	for i, n := range names {
		all = append(all, Edge{record(n[:2]), record(n[2:]), 1 - float64(i)/100})
	}
	return all
}

func show(clusters []Cluster) []string {
	var all []string
	for _, c := range clusters {
		s := ""
		for _, r := range c {
			s += fmt.Sprintf("%c%d", 'a'+r.Party, r.Row)
		}
		all = append(all, s)
	}
	return all
}

func TestClusters(t *testing.T) {
	many := &ClusterOptions{ManyPerParty: true}
	half := &ClusterOptions{Agreement: 0.5}
	for _, tt := range []struct {
		name  string
		edges []Edge
		o     *ClusterOptions
		want  [3][]string // greedy, connected, star
	}{
		{"none", nil, nil, [3][]string{}},
		{"a pair", edges("a1b2"), nil, [3][]string{{"a1b2"}, {"a1b2"}, {"a1b2"}}},
		{"itself", edges("a1a1"), many, [3][]string{}},
		{"a chain", edges("a1b1", "b1c1", "c1d1"), nil, [3][]string{{"a1b1", "c1d1"}, {"a1b1c1d1"}, {"a1b1", "c1d1"}}},
		{"a chain, half", edges("a1b1", "b1c1", "c1d1"), half, [3][]string{{"a1b1c1"}, {"a1b1c1d1"}, {"a1b1", "c1d1"}}},
		{"a triangle", edges("a1b1", "b1c1", "a1c1"), nil, [3][]string{{"a1b1c1"}, {"a1b1c1"}, {"a1b1c1"}}},
		{"two of a party", edges("a1b1", "a1b2"), nil, [3][]string{{"a1b1"}, {"a1b1"}, {"a1b1"}}},
		{"two of a party allowed", edges("a1b1", "a1b2"), many, [3][]string{{"a1b1"}, {"a1b1b2"}, {"a1b1b2"}}},
		{"duplicates", edges("a1a2", "a1b1", "a2b1"), many, [3][]string{{"a1a2b1"}, {"a1a2b1"}, {"a1a2b1"}}},
		{"duplicates not allowed", edges("a1a2", "a1b1", "a2b1"), nil, [3][]string{{"a1b1"}, {"a1b1"}, {"a1b1"}}},
		{"the last edge joins", edges("a1b1", "c1d1", "a1c1", "a1d1", "b1c1", "b1d1"), nil, [3][]string{{"a1b1c1d1"}, {"a1b1c1d1"}, {"a1b1", "c1d1"}}},
		{"one edge is missing", edges("a1b1", "c1d1", "a1c1", "a1d1", "b1c1"), nil, [3][]string{{"a1b1", "c1d1"}, {"a1b1c1d1"}, {"a1b1", "c1d1"}}},
		{"one is missing, half", edges("a1b1", "c1d1", "a1c1", "a1d1"), half, [3][]string{{"a1b1c1d1"}, {"a1b1c1d1"}, {"a1b1", "c1d1"}}},
		{"twice is not two", append(edges("a1b1", "b1c1"), edges("b1c1")...), nil, [3][]string{{"a1b1"}, {"a1b1c1"}, {"a1b1"}}},
	} {
		for i, m := range clusterMethods {
			if diff := cmp.Diff(tt.want[i], show(m.cluster(tt.edges, tt.o))); diff != "" {
				t.Errorf("%s, %s (-want +got):\n%s", tt.name, m.name, diff)
			}
		}
	}
}

// Of equal scores, parties go before rows.
func TestClusterTies(t *testing.T) {
	tied := edges("a1c0", "a2b0", "a1b0")
	for i := range tied {
		tied[i].Score = 0.5
	}
	if diff := cmp.Diff([]string{"a1b0"}, show(ClusterGreedy(tied, nil))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func randomEdges(r *rand.Rand) []Edge {
	var all []Edge
	for range r.IntN(60) {
		a, b := Record{r.IntN(4), r.IntN(6)}, Record{r.IntN(4), r.IntN(6)}
		all = append(all, Edge{a, b, float64(r.IntN(5)) / 4})
	}
	return all
}

// What holds for every method: a record is in one cluster, with one of each party
// where that is asked for, whatever the order of the edges and of their ends; and
// clusters are connected. Greedy ones with all links have them all, and stars have
// a centre.
func TestClusterProperties(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		all := randomEdges(r)
		linked := make(map[[2]Record]bool)
		for _, e := range all {
			linked[[2]Record{e.A, e.B}], linked[[2]Record{e.B, e.A}] = true, true
		}
		for _, m := range clusterMethods {
			for _, o := range []*ClusterOptions{nil, {ManyPerParty: true}, {Agreement: 0.4}} {
				got := m.cluster(all, o)
				turned := slices.Clone(all)
				r.Shuffle(len(turned), func(i, j int) { turned[i], turned[j] = turned[j], turned[i] })
				for i, e := range turned {
					if r.IntN(2) == 0 {
						turned[i].A, turned[i].B = e.B, e.A
					}
				}
				if diff := cmp.Diff(got, m.cluster(turned, o)); diff != "" {
					t.Fatalf("%s: the order of the edges counts: %s", m.name, diff)
				}
				seen := make(map[Record]bool)
				for _, c := range got {
					parties, links, center := 0, 0, 0
					for _, a := range c {
						if seen[a] {
							t.Fatalf("%s: a record is in two clusters", m.name)
						}
						seen[a] = true
						own := 0
						for _, b := range c {
							if a != b && linked[[2]Record{a, b}] {
								own++
							}
							if a != b && a.Party == b.Party {
								parties++
							}
						}
						links, center = links+own, max(center, own)
					}
					n := len(c)
					switch {
					case n < 2 || links/2 < n-1:
						t.Fatalf("%s: %d links of %d records", m.name, links/2, n)
					case parties > 0 && (o == nil || !o.ManyPerParty):
						t.Fatalf("%s: two records of a party", m.name)
					case m.name == "greedy" && links != n*(n-1) && (o == nil || o.Agreement == 0):
						t.Fatalf("greedy: %d links of %d records", links/2, n)
					case m.name == "star" && center != n-1:
						t.Fatal("a star without a centre")
					}
				}
			}
		}
	}
}

// Connected components, with nothing to hold them back, are those of a search.
func TestConnectedAgainstSearch(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 500 {
		all := randomEdges(r)
		next := make(map[Record][]Record)
		for _, e := range all {
			next[e.A], next[e.B] = append(next[e.A], e.B), append(next[e.B], e.A)
		}
		var want []Cluster
		seen := make(map[Record]bool)
		for first := range next {
			var c Cluster
			for todo := []Record{first}; len(todo) > 0; {
				x := todo[len(todo)-1]
				todo = todo[:len(todo)-1]
				if seen[x] {
					continue
				}
				seen[x] = true
				c, todo = append(c, x), append(todo, next[x]...)
			}
			if len(c) > 1 {
				slices.SortFunc(c, compareRecords)
				want = append(want, c)
			}
		}
		slices.SortFunc(want, func(x, y Cluster) int { return compareRecords(x[0], y[0]) })
		if diff := cmp.Diff(want, ClusterConnected(all, &ClusterOptions{ManyPerParty: true})); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	}
}

// For two parties without duplicates the greedy clusters are the greedy pairs.
func TestGreedyClustersAreGreedyPairs(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 500 {
		var pairs []Pair
		for range r.IntN(40) {
			pairs = append(pairs, Pair{r.IntN(8), r.IntN(8), float64(r.IntN(6)) / 5})
		}
		var want []Cluster
		for _, p := range AssignGreedy(pairs) {
			want = append(want, Cluster{{0, p.A}, {1, p.B}})
		}
		for _, o := range []*ClusterOptions{nil, {ManyPerParty: true}} {
			if diff := cmp.Diff(want, ClusterGreedy(Edges(0, 1, pairs), o)); diff != "" {
				t.Fatalf("(-want +got):\n%s", diff)
			}
		}
	}
}

// The pairs and groups of anonlink's own code.
func TestAnonlinkVectors(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(dataFolder(t, "vectors"), "anonlink_dev.json"))
	if err != nil {
		t.Fatal(err)
	}
	var v struct {
		Cases []struct {
			Name          string
			Threshold     float64
			K             int
			CLKs          [][]string
			Candidates    [][5]float64
			Greedy        [][][2]int
			Half          [][][2]int `json:"probabilistic_0.5_dedup"`
			HalfMany      [][][2]int `json:"probabilistic_0.5_nodedup"`
			Probabilistic [][][2]int `json:"probabilistic_0.8"`
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
			var parties []*Index
			for _, clks := range c.CLKs {
				var xs []Encoding
				for _, s := range clks {
					raw, err := base64.StdEncoding.DecodeString(s)
					if err != nil {
						t.Fatal(err)
					}
					xs = append(xs, parseCLK(raw))
				}
				parties = append(parties, testIndex(t, xs))
			}
			var all []Edge
			for a := range parties {
				for b := a + 1; b < len(parties); b++ {
					pairs := collect(t, parties[a], parties[b], c.Threshold)
					if c.K > 0 {
						pairs = Top(pairs, c.K)
					}
					all = append(all, Edges(a, b, pairs)...)
				}
			}
			var want []Edge
			for _, x := range c.Candidates {
				want = append(want, Edge{Record{int(x[1]), int(x[2])}, Record{int(x[3]), int(x[4])}, x[0]})
			}
			if diff := cmp.Diff(want, ordered(all)); diff != "" {
				t.Errorf("candidates (-want +got):\n%s", diff)
			}
			for _, method := range []struct {
				name string
				want [][][2]int
				o    *ClusterOptions
			}{
				{"greedy", c.Greedy, &ClusterOptions{ManyPerParty: true}},
				{"probabilistic, half", c.Half, &ClusterOptions{Agreement: 0.5}},
				{"probabilistic, half, many", c.HalfMany, &ClusterOptions{Agreement: 0.5, ManyPerParty: true}},
				{"probabilistic, 0.8", c.Probabilistic, &ClusterOptions{Agreement: 0.8}},
			} {
				var want []Cluster
				for _, g := range method.want {
					var x Cluster
					for _, r := range g {
						x = append(x, Record{r[0], r[1]})
					}
					slices.SortFunc(x, compareRecords)
					want = append(want, x)
				}
				slices.SortFunc(want, func(x, y Cluster) int { return compareRecords(x[0], y[0]) })
				if diff := cmp.Diff(want, ClusterGreedy(all, method.o)); diff != "" {
					t.Errorf("%s (-want +got):\n%s", method.name, diff)
				}
			}
			if len(parties) == 2 {
				greedy := 0
				var pairs []Pair
				for _, e := range all {
					pairs = append(pairs, Pair{e.A.Row, e.B.Row, e.Score})
				}
				for _, p := range AssignGreedy(pairs) {
					if slices.ContainsFunc(c.Greedy, func(g [][2]int) bool {
						return slices.Contains(g, [2]int{0, p.A}) && slices.Contains(g, [2]int{1, p.B})
					}) {
						greedy++
					}
				}
				if greedy != len(c.Greedy) {
					t.Errorf("AssignGreedy finds %d of %d groups", greedy, len(c.Greedy))
				}
			}
		})
	}
}
