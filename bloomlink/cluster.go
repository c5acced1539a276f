package bloomlink

import (
	"cmp"
	"slices"
)

// Record names a record of one of several parties.
type Record struct {
	Party int // from 0
	Row   int
}

// Edge says how alike two records are. They may be of one party, which then has
// records that are alike among its own.
type Edge struct {
	A, B  Record
	Score float64
}

// Cluster is a cluster of records that are taken for one person, in ascending order
// of party, then row. It has two or more.
type Cluster []Record

// ClusterOptions change how records are clustered. The zero value is strict.
type ClusterOptions struct {
	// ManyPerParty allows several records of one party in a cluster, which is right
	// where a party has not removed its duplicates. Otherwise there is at most one.
	ManyPerParty bool
	// Agreement is what share of the pairs between two groups must be linked for
	// ClusterGreedy to join them, above 0 and at most 1. Zero is 1: all of them.
	Agreement float64
}

// Edges are pairs of rows of two parties, or of one, among many.
func Edges(a, b int, pairs []Pair) []Edge {
	edges := make([]Edge, len(pairs))
	for i, p := range pairs {
		edges[i] = Edge{Record{a, p.A}, Record{b, p.B}, p.Score}
	}
	return edges
}

// ClusterGreedy takes the edges from the best on, and joins the groups of the two
// records once enough of the pairs between the groups have come. With Agreement 1
// every two records of a cluster are linked, at the price that a record of several
// good links can stay alone. It is anonlink's solver: the greedy one with
// ManyPerParty, the probabilistic one with less than 1.
//
// Best means the highest score; among equals, as with anonlink, that of the smaller
// parties, then of the smaller rows. So it does in all methods here, and the result
// depends on the edges alone, not on their order: clusters come in ascending order
// of their first record.
func ClusterGreedy(edges []Edge, o *ClusterOptions) []Cluster {
	c := newClusters(o)
	for _, e := range ordered(edges) {
		a, b := c.cluster(e.A), c.cluster(e.B)
		if a == b {
			continue
		}
		a.count(b, 1)
		b.count(a, 1)
		share := float64(a.linked[b]) / float64(len(a.records)*len(b.records))
		if share >= c.agreement && c.compatible(a, b) {
			c.join(a, b)
		}
	}
	return c.clusters()
}

// ClusterConnected joins whatever is linked, from the best link on: without limits
// a cluster is a connected component. It finds most, and one false link joins two
// persons with all they have. With at most one record a party, a link that would
// break the rule is left out.
func ClusterConnected(edges []Edge, o *ClusterOptions) []Cluster {
	c := newClusters(o)
	for _, e := range ordered(edges) {
		a, b := c.cluster(e.A), c.cluster(e.B)
		if a != b && c.compatible(a, b) {
			c.join(a, b)
		}
	}
	return c.clusters()
}

// ClusterStar makes stars: a record is a centre, or linked with the centre of its
// cluster. Of the best link between two records that are neither, A becomes a
// centre (the CENTER algorithm in Hassanzadeh and others, PVLDB 2(1), 2009). Chains cannot grow, so that clusters are small and precise.
func ClusterStar(edges []Edge, o *ClusterOptions) []Cluster {
	c := newClusters(o)
	for _, e := range ordered(edges) {
		a, b := c.cluster(e.A), c.cluster(e.B)
		if len(b.records) > 1 && len(a.records) == 1 { // let a be the centre's
			e.A, a, b = e.B, b, a
		}
		if len(b.records) == 1 && a != b && a.records[0] == e.A && c.compatible(a, b) {
			c.join(a, b)
		}
	}
	return c.clusters()
}

// ordered returns the edges from the best on, each with its smaller record first,
// and of several between two records only the best.
func ordered(edges []Edge) []Edge {
	edges = slices.Clone(edges)
	for i, e := range edges {
		if compareRecords(e.A, e.B) > 0 {
			edges[i].A, edges[i].B = e.B, e.A
		}
	}
	byRecords := func(p, q Edge) int {
		return cmp.Or(cmp.Compare(p.A.Party, q.A.Party), cmp.Compare(p.B.Party, q.B.Party),
			cmp.Compare(p.A.Row, q.A.Row), cmp.Compare(p.B.Row, q.B.Row))
	}
	byScore := func(p, q Edge) int { return cmp.Compare(q.Score, p.Score) }
	slices.SortFunc(edges, func(p, q Edge) int { return cmp.Or(byRecords(p, q), byScore(p, q)) })
	edges = slices.CompactFunc(edges, func(p, q Edge) bool { return byRecords(p, q) == 0 })
	slices.SortStableFunc(edges, byScore)
	return edges
}

func compareRecords(a, b Record) int {
	return cmp.Or(cmp.Compare(a.Party, b.Party), cmp.Compare(a.Row, b.Row))
}

// clusters are clusters in the making.
type clusters struct {
	manyPerParty bool
	agreement    float64
	all          map[Record]*cluster
}

// cluster begins with one record and counts its links with other clusters.
type cluster struct {
	records []Record
	linked  map[*cluster]int
}

func (g *cluster) count(other *cluster, links int) {
	if g.linked == nil {
		g.linked = make(map[*cluster]int)
	}
	g.linked[other] += links
}

func newClusters(o *ClusterOptions) *clusters {
	if o == nil {
		o = &ClusterOptions{}
	}
	c := &clusters{manyPerParty: o.ManyPerParty, agreement: o.Agreement, all: make(map[Record]*cluster)}
	if c.agreement <= 0 {
		c.agreement = 1
	}
	return c
}

func (c *clusters) cluster(r Record) *cluster {
	g := c.all[r]
	if g == nil {
		g = &cluster{records: []Record{r}}
		c.all[r] = g
	}
	return g
}

// compatible says whether two clusters may be one. With one record a party none has
// more records than there are parties.
func (c *clusters) compatible(a, b *cluster) bool {
	if c.manyPerParty {
		return true
	}
	for _, r := range a.records {
		if slices.ContainsFunc(b.records, func(s Record) bool { return s.Party == r.Party }) {
			return false
		}
	}
	return true
}

// join puts the records of the smaller cluster, which is b if none is, behind those
// of the other.
func (c *clusters) join(a, b *cluster) {
	if len(a.records) < len(b.records) {
		a, b = b, a
	}
	a.records = append(a.records, b.records...)
	for _, r := range b.records {
		c.all[r] = a
	}
	delete(a.linked, b)
	for g, n := range b.linked {
		delete(g.linked, b)
		if g != a {
			a.count(g, n)
			g.count(a, n)
		}
	}
}

func (c *clusters) clusters() []Cluster {
	var all []Cluster
	for first, g := range c.all {
		if len(g.records) > 1 && g.records[0] == first {
			all = append(all, slices.SortedFunc(slices.Values(g.records), compareRecords))
		}
	}
	slices.SortFunc(all, func(x, y Cluster) int { return compareRecords(x[0], y[0]) })
	return all
}
