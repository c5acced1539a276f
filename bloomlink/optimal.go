package bloomlink

import (
	"cmp"
	"container/heap"
	"math"
	"slices"
)

// AssignOptimal makes pairs one-to-one so that the total of the scores is as large
// as can be, to within 2^-41 a pair. It may break up a good pair for two mediocre
// ones, so that it is not the method for linking persons; it serves where every
// row is known to have a partner. Scores must be between 0 and 1; pairs without a
// score above 0 are not kept. The result depends on the pairs alone, not on their
// order, and comes in ascending order of A.
//
// It takes the rows of one side in turn and augments along shortest paths (Jonker
// and Volgenant, Computing 38, 1987, over sparse rows as in section 6 there), so
// that time is at most rows × pairs × log rows, and far less where few pairs
// compete. Memory grows with the pairs.
func AssignOptimal(pairs []Pair) []Pair {
	m := newMatching(pairs)
	for row := range m.rowOf {
		m.augment(row)
	}
	var kept []Pair
	for row, e := range m.edgeOf {
		if e >= 0 {
			kept = append(kept, Pair{m.rowOf[row], m.colOf[m.edges[e].col], m.edges[e].score})
		}
	}
	return byRow(kept)
}

// unitScore is a score of 1 in fixed point: sums of millions are exact.
const unitScore = 1 << 40

type edge struct {
	col    int
	weight int64
	score  float64
}

// matching is a maximum-weight matching of the rows augmented so far, with dual
// variables that prove it: u and v are not negative, u[row]+v[col] is at least the
// weight of every edge and equal to it where matched, and zero where a row or
// column is free. So the sum of u and v bounds the weight of every matching, and
// this one reaches it.
type matching struct {
	rowOf, colOf []int  // the caller's numbers
	edges        []edge // of row r: edges[first[r]:first[r+1]]
	first        []int

	edgeOf []int // of each row: the matched edge, or -1
	mate   []int // of each column: the matched row, or -1
	u, v   []int64

	dist    []int64 // of each column, from the row at hand
	through []int   // the edge by which dist is reached
	from    []int   // the row of that edge
	visited []bool
	touched []int // columns whose dist is set
	queue   queue
}

func newMatching(pairs []Pair) *matching {
	sorted := slices.SortedFunc(slices.Values(pairs), func(p, q Pair) int {
		return cmp.Or(cmp.Compare(p.A, q.A), cmp.Compare(p.B, q.B), cmp.Compare(q.Score, p.Score))
	})
	sorted = slices.CompactFunc(sorted, func(p, q Pair) bool { return p.A == q.A && p.B == q.B })
	sorted = slices.DeleteFunc(sorted, func(p Pair) bool { return !(p.Score > 0) })
	m := &matching{}
	for _, p := range sorted {
		m.colOf = append(m.colOf, p.B)
	}
	slices.Sort(m.colOf)
	m.colOf = slices.Compact(m.colOf)
	for i, p := range sorted {
		if i == 0 || p.A != sorted[i-1].A {
			m.rowOf = append(m.rowOf, p.A)
			m.first = append(m.first, i)
		}
		col, _ := slices.BinarySearch(m.colOf, p.B)
		weight := int64(math.Round(min(p.Score, 1) * unitScore))
		m.edges = append(m.edges, edge{col, weight, p.Score})
	}
	m.first = append(m.first, len(sorted))
	rows, cols := len(m.rowOf), len(m.colOf)
	m.edgeOf, m.u = filled(rows, -1), make([]int64, rows)
	m.mate, m.v = filled(cols, -1), make([]int64, cols)
	m.dist, m.visited = make([]int64, cols), make([]bool, cols)
	m.through, m.from = filled(cols, -1), make([]int, cols)
	return m
}

func filled(n, value int) []int {
	s := make([]int, n)
	for i := range s {
		s[i] = value
	}
	return s
}

// augment brings one more row into the matching. It searches by Dijkstra, over
// alternating paths with u+v-weight for the length of an edge, for the nearest
// place to end: a free column, or a row on the way that is let go, at the length
// of its u. Then it shifts the duals by what is left of that distance.
func (m *matching) augment(root int) {
	m.u[root] = 0
	for _, e := range m.edges[m.first[root]:m.first[root+1]] {
		m.u[root] = max(m.u[root], e.weight-m.v[e.col])
	}
	tree := []reached{{root, 0}}
	loser, end, nearest := root, -1, m.u[root]
	m.relax(root, 0)
	for m.queue.Len() > 0 {
		c := heap.Pop(&m.queue).(candidate)
		if m.visited[c.col] {
			continue
		}
		if c.dist > nearest {
			break
		}
		if m.mate[c.col] < 0 {
			end, nearest = c.col, c.dist
			break
		}
		m.visited[c.col] = true
		row := m.mate[c.col]
		tree = append(tree, reached{row, c.dist})
		if d := c.dist + m.u[row]; d < nearest {
			loser, nearest = row, d
		}
		m.relax(row, c.dist)
	}
	for _, r := range tree {
		m.u[r.row] -= nearest - r.dist
	}
	for _, col := range m.touched {
		if m.visited[col] {
			m.v[col] += nearest - m.dist[col]
		}
	}
	if end < 0 {
		end = m.release(loser)
	}
	m.flip(root, end)
	for _, col := range m.touched {
		m.visited[col], m.through[col] = false, -1
	}
	m.touched, m.queue = m.touched[:0], m.queue[:0]
}

// reached is a row of the search tree and its distance from the root.
type reached struct {
	row  int
	dist int64
}

// relax offers the columns next to a row a way over it.
func (m *matching) relax(row int, dist int64) {
	for i := m.first[row]; i < m.first[row+1]; i++ {
		e := m.edges[i]
		if m.visited[e.col] {
			continue
		}
		d := dist + m.u[row] + m.v[e.col] - e.weight
		if m.through[e.col] >= 0 && d >= m.dist[e.col] {
			continue
		}
		if m.through[e.col] < 0 {
			m.touched = append(m.touched, e.col)
		}
		m.dist[e.col], m.through[e.col], m.from[e.col] = d, i, row
		heap.Push(&m.queue, candidate{d, e.col})
	}
}

// release lets a row go and returns the column that becomes free, or -1 if it had
// none.
func (m *matching) release(row int) int {
	e := m.edgeOf[row]
	if e < 0 {
		return -1
	}
	m.edgeOf[row] = -1
	return m.edges[e].col
}

// flip matches along the path that ends in a free column.
func (m *matching) flip(root, col int) {
	for col >= 0 {
		row := m.from[col]
		before := m.edgeOf[row]
		m.edgeOf[row], m.mate[col] = m.through[col], row
		if row == root {
			return
		}
		col = m.edges[before].col
	}
}

// candidate is a column and its distance at some time; a later one may be nearer.
type candidate struct {
	dist int64
	col  int
}

// queue is a heap, the nearest first.
type queue []candidate

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	return q[i].dist < q[j].dist || q[i].dist == q[j].dist && q[i].col < q[j].col
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)   { *q = append(*q, x.(candidate)) }
func (q *queue) Pop() any {
	last := len(*q) - 1
	c := (*q)[last]
	*q = (*q)[:last]
	return c
}
