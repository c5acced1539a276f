package bloomlink

import (
	"cmp"
	"context"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"slices"

	"github.com/comity-prl/comity/internal/parallel"
)

// blocked is a Blocking at work. Every key of a row is a pass: rows are sorted by
// it, and those of both sides with the same meet.
type blocked struct {
	*Blocking
	passes []*pass
	report BlockingReport
}

// pass is one key of all rows. Its splits are complete before a task of it is made.
type pass struct {
	place   int            // of a key that is given, or -1
	sample  []uint16       // the positions of one that is not
	further []uint16       // the positions by which blocks are split
	splits  map[uint64]int // how many of them, by key
}

func newBlocked(b *Blocking, s *search) (*blocked, error) {
	if err := b.check(s); err != nil {
		return nil, err
	}
	k := &blocked{Blocking: b}
	positions := telling(s.a, s.b, 2*b.bits())
	for i := range b.places() + b.Tables {
		// The same in every run, so that its result is. It is no secret.
		r := rand.New(rand.NewPCG(uint64(i), 0x626c6f636b73))
		drawn := slices.Clone(positions)
		r.Shuffle(len(drawn), func(i, j int) { drawn[i], drawn[j] = drawn[j], drawn[i] })
		place, sampled := i, 0
		if i >= b.places() {
			place, sampled = -1, b.bits()
		}
		further := drawn[sampled:min(sampled+64, len(drawn))]
		k.passes = append(k.passes, &pass{place, drawn[:sampled], further, make(map[uint64]int)})
	}
	return k, nil
}

// telling returns the positions at which encodings of both sides differ most: those
// that a fifth to three fifths have set, and if these are fewer than wanted, all.
func telling(a, b *Index, wanted int) []uint16 {
	var all, some []uint16
	for i := range a.length {
		having, of := uint64(a.having[i])+uint64(b.having[i]), uint64(a.Len()+b.Len())
		if 5*having >= of && 5*having <= 3*of {
			some = append(some, uint16(i))
		}
		all = append(all, uint16(i))
	}
	if len(some) < wanted {
		return all
	}
	return some
}

// gather returns the bits of an encoding at so many positions, at most 64.
func gather(e []uint64, positions []uint16) uint64 {
	var key uint64
	for _, p := range positions {
		key = key<<1 | e[p/64]>>(p%64)&1
	}
	return key
}

// key returns that of a place, and whether it has one.
func (p *pass) key(x *Index, keys [][]string, place int) (uint64, bool) {
	if x.counts[place] == 0 {
		return 0, false
	}
	if p.place < 0 {
		return gather(x.at(place), p.sample), true
	}
	s := keys[x.rows[place]][p.place]
	h := fnv.New64a() // two keys of one hash cost comparisons alone
	_, _ = io.WriteString(h, s)
	return h.Sum64(), s != ""
}

// meet reports whether a pass compares two places.
func (k *blocked) meet(p *pass, s *search, a, b int) bool {
	x, hasX := p.key(s.a, k.KeysA, a)
	y, hasY := p.key(s.b, k.keysB(s), b)
	if !hasX || !hasY || x != y {
		return false
	}
	by := p.further[:p.splits[x]]
	return gather(s.a.at(a), by) == gather(s.b.at(b), by)
}

// entry is a place and its key.
type entry struct {
	key   uint64
	place uint32
}

// entries returns those of all places that have one, in ascending order.
func (p *pass) entries(x *Index, keys [][]string) []entry {
	all := make([]entry, x.Len())
	parallel.Do(x.Len(), func(lo, hi int) {
		for place := lo; place < hi; place++ {
			all[place].place = noPlace
			if key, ok := p.key(x, keys, place); ok {
				all[place] = entry{key, uint32(place)}
			}
		}
	})
	all = slices.DeleteFunc(all, func(e entry) bool { return e.place == noPlace })
	return sortByKey(all)
}

const noPlace = 1<<32 - 1 // an index has fewer

// sortByKey sorts entries of ascending place, digit by digit from the least.
func sortByKey(es []entry) []entry {
	other := make([]entry, len(es))
	const digit = 11
	for shift := 0; shift < 64; shift += digit {
		var starts [1<<digit + 1]int
		for _, e := range es {
			starts[e.key>>shift&(1<<digit-1)+1]++
		}
		if slices.Contains(starts[:], len(es)) {
			continue // all are the same
		}
		for i := range starts[1:] {
			starts[i+1] += starts[i]
		}
		for _, e := range es {
			d := e.key >> shift & (1<<digit - 1)
			other[starts[d]] = e
			starts[d]++
		}
		es, other = other, es
	}
	return es
}

// group is the entries of both sides that have one key.
type group struct{ a, b []entry }

func (g group) comparisons(self bool) int64 {
	if self {
		return int64(len(g.a)) * int64(len(g.a)-1) / 2
	}
	return int64(len(g.a)) * int64(len(g.b))
}

// groups calls f for each key that entries of both sides have.
func groups(a, b []entry, f func(g group)) {
	for len(a) > 0 && len(b) > 0 {
		key := min(a[0].key, b[0].key)
		na, nb := alike(a, key), alike(b, key)
		if na > 0 && nb > 0 {
			f(group{a[:na], b[:nb]})
		}
		a, b = a[na:], b[nb:]
	}
}

// alike returns how many entries have the key, from the first on.
func alike(es []entry, key uint64) int {
	n := slices.IndexFunc(es, func(e entry) bool { return e.key != key })
	if n < 0 {
		return len(es)
	}
	return n
}

// split cuts a group by as few further bits as bring all parts within the limit.
func (p *pass) split(s *search, g group, limit int) []group {
	key := g.a[0].key
	depth := 1
	for n := g.comparisons(s.self()) / 4; n > int64(limit) && depth < len(p.further); n /= 4 {
		depth++ // a bit halves either side at best
	}
	parts := []group{g}
	for ; depth <= len(p.further); depth++ {
		by := func(x *Index, es []entry) []entry {
			sub := make([]entry, len(es))
			for i, e := range es {
				sub[i] = entry{gather(x.at(int(e.place)), p.further[:depth]), e.place}
			}
			slices.SortFunc(sub, func(x, y entry) int { return cmp.Or(cmp.Compare(x.key, y.key), cmp.Compare(x.place, y.place)) })
			return sub
		}
		largest := int64(0)
		parts = nil
		groups(by(s.a, g.a), by(s.b, g.b), func(part group) {
			parts = append(parts, part)
			largest = max(largest, part.comparisons(s.self()))
		})
		p.splits[key] = depth
		if largest <= int64(limit) {
			break
		}
	}
	return parts
}

// meeting is a task: some groups of a pass.
type meeting struct {
	*blocked
	pass   int
	groups []group
	rows   int // of a, an equal share
}

func (m *meeting) size() int { return m.rows }

// taskPairs is about how many comparisons make a task.
const taskPairs = 1 << 18

// total returns how many rows go through all passes.
func (k *blocked) total(s *search) int { return len(k.passes) * s.a.Len() }

func (k *blocked) tasks(s *search) func() task {
	k.report = BlockingReport{Pairs: int64(s.a.Len()) * int64(s.b.Len())}
	if s.self() {
		k.report.Pairs = int64(s.a.Len()) * int64(s.a.Len()-1) / 2
	}
	var ready []*meeting
	next := 0
	return func() task {
		for ; len(ready) == 0 && next < len(k.passes); next++ {
			ready = k.prepare(s, next)
		}
		if len(ready) == 0 {
			return nil
		}
		t := ready[0]
		ready = ready[1:]
		return t
	}
}

// prepare makes the tasks of a pass.
func (k *blocked) prepare(s *search, pass int) []*meeting {
	p := k.passes[pass]
	a := p.entries(s.a, k.KeysA)
	b := a
	if !s.self() {
		b = p.entries(s.b, k.KeysB)
	}
	tasks := []*meeting{{blocked: k, pass: pass}}
	pairs := int64(0)
	add := func(g group) {
		if pairs >= taskPairs {
			tasks, pairs = append(tasks, &meeting{blocked: k, pass: pass}), 0
		}
		t := tasks[len(tasks)-1]
		t.groups = append(t.groups, g)
		pairs += g.comparisons(s.self())
		k.report.Compared += g.comparisons(s.self())
	}
	groups(a, b, func(g group) {
		k.report.Blocks++
		if g.comparisons(s.self()) <= int64(k.maxBlock()) {
			add(g)
			return
		}
		k.report.Split++
		for _, part := range p.split(s, g, k.maxBlock()) {
			add(part)
		}
	})
	for i, t := range tasks {
		t.rows = (i+1)*s.a.Len()/len(tasks) - i*s.a.Len()/len(tasks)
	}
	return tasks
}

// compare scores every pair of the groups, and passes on those that no earlier pass
// has compared.
func (m *meeting) compare(ctx context.Context, c *comparer, found func(a, b uint32, score float64)) {
	for _, g := range m.groups {
		for i, x := range g.a {
			if ctx.Err() != nil {
				return
			}
			others := g.b
			if c.self() {
				others = g.a[i+1:]
			}
			for _, y := range others {
				p, q := int(x.place), int(y.place)
				score, enough := c.search.score(c.a, p, c.b, q)
				if !enough || m.met(c.search, p, q) {
					continue
				}
				a, b := c.a.rows[p], c.b.rows[q]
				if c.self() && b < a {
					a, b = b, a
				}
				found(a, b, score)
			}
		}
	}
}

// met reports whether an earlier pass has compared two places.
func (m *meeting) met(s *search, p, q int) bool {
	return slices.ContainsFunc(m.passes[:m.pass], func(earlier *pass) bool { return m.meet(earlier, s, p, q) })
}
