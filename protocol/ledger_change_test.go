package protocol

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/comity-prl/comity/bloomlink"
	"github.com/comity-prl/comity/psi"
)

func setOf(lo, n int) *psi.Set { return psi.NewSet(items(lo, n), binding) }

// putIn books a session of bulk scope over n items, numbered from lo.
func putIn(t testing.TB, l *Ledger, at time.Time, limits Limits, approvers []string, lo, n int) error {
	t.Helper()
	terms := asked(func(t *Terms) { t.Scope, t.Approvers = ScopeBulk, approvers })
	h, err := l.reserve(at, claimOf(terms, "", Acceptor, limits, "rule 1"))
	if err != nil {
		t.Fatal(err)
	}
	return h.begin(at, setOf(lo, n).Items())
}

func TestMinChange(t *testing.T) {
	type step struct {
		after     time.Duration
		lo, n     int
		minChange int // 0: 50
		approvers []string
		want      string
	}
	const refused = "scope"
	two := []string{"a-1", "a-2"}
	for _, test := range []struct {
		name  string
		steps []step
	}{
		{"unchanged", []step{{n: 1000}, {n: 1000}, {n: 1000}}},
		{"one more", []step{{n: 1000}, {n: 1001, want: refused}, {n: 1000}}},
		{"one less", []step{{n: 1000}, {n: 999, want: refused}}},
		{"one replaced", []step{{n: 1000}, {lo: 1, n: 1000, want: refused}}},
		{"just below", []step{{n: 1000}, {n: 1049, want: refused}}},
		{"just as many", []step{{n: 1000}, {n: 1050}}},
		{"just as many replaced", []step{{n: 1000}, {lo: 24, n: 1000, want: refused}, {lo: 25, n: 1000}}},
		{"another set", []step{{n: 1000}, {lo: 5000, n: 1000}}},
		{"an older one", []step{{n: 1000}, {lo: 5000, n: 1000}, {after: 29 * day, n: 1001, want: refused}}},
		{"a refused set is not kept", []step{{n: 1000}, {n: 1001, want: refused}, {lo: 1, n: 1060}, {n: 1060, want: refused}}},
		{"in the window", []step{{n: 1000}, {after: 30 * day, n: 1001, want: refused}}},
		{"past the window", []step{{n: 1000}, {after: 30*day + time.Millisecond, n: 1001}}},
		{"clock set back", []step{{after: day, n: 1000}, {n: 1001, want: refused}}},
		{"approved", []step{{n: 1000}, {n: 1001, approvers: two[:1], want: refused}, {n: 1001, approvers: two}, {n: 1002, want: refused}}},
		{"small sets", []step{{n: 1}, {n: 2, want: refused}, {n: 1}, {lo: 1, n: 1, want: refused}, {n: 60}}},
		{"empty set", []step{{n: 0}, {n: 0}, {n: 10, want: refused}}},
		{"limit lowered", []step{{n: 1000, minChange: 500}, {n: 1020, minChange: 10}, {n: 1021, minChange: 10, want: refused}}},
		{"limit raised", []step{{n: 1000, minChange: 10}, {n: 1020, minChange: 4096, want: refused}, {lo: 9000, n: 8000, minChange: 4096}}},
		{"limit raised, sizes equal", []step{
			{n: 1000, minChange: 10}, {lo: 9000, n: 1000, minChange: 2000, want: refused}, // cannot be told
		}},
		{"limit off", []step{{n: 1000}, {n: 1001, minChange: 1}, {n: 1002, want: refused}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := newLedger(t)
			for i, s := range test.steps {
				limits := Limits{MinChange: 50, ChangeApprovals: 2}
				if s.minChange != 0 {
					limits.MinChange = s.minChange
				}
				t.Run(fmt.Sprint(i+1), func(t *testing.T) {
					wantTerm(t, putIn(t, l, noon.Add(s.after), limits, s.approvers, s.lo, s.n), s.want)
				})
			}
			if err := l.Verify(); err != nil {
				t.Error(err)
			}
		})
	}
}

// Without ChangeApprovals no number of approvers lifts the limit.
func TestMinChangeUnlifted(t *testing.T) {
	l := newLedger(t)
	limits := Limits{MinChange: 50}
	all := []string{"1", "2", "3", "4", "5", "6", "7", "8"}
	wantTerm(t, putIn(t, l, noon, limits, all, 0, 1000), "")
	wantTerm(t, putIn(t, l, noon, limits, all, 0, 1001), "scope")
}

// Queries are not compared, and peers not with each other.
func TestMinChangeElsewhere(t *testing.T) {
	l := newLedger(t)
	limits := Limits{MinChange: 50}
	for i, change := range []func(*Terms){
		func(t *Terms) { t.Scope = ScopeBulk },
		nil,
		func(t *Terms) { t.Scope, t.Proposer = ScopeBulk, "Syldavia" },
	} {
		h, err := l.reserve(noon, claimOf(asked(change), "", Acceptor, limits, "rule 1"))
		if err != nil {
			t.Fatal(err)
		}
		wantTerm(t, h.begin(noon, setOf(i, 1000).Items()), "")
	}
}

// Encodings are compared as sets of rows: neither order nor number of equal ones
// counts.
func TestMinChangeEncodings(t *testing.T) {
	encodings := func(rows ...uint64) *bloomlink.Set {
		var es []bloomlink.Encoding
		for _, r := range rows {
			h := sha256.Sum256(fmt.Append(nil, r))
			es = append(es, bloomlink.Encoding{r, uint64(h[0])})
		}
		s, err := bloomlink.NewSet(es, bloomlink.Binding{Length: 128})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	l := newLedger(t)
	for _, step := range []struct {
		rows []uint64
		want string
	}{
		{[]uint64{1, 2, 3, 4}, ""},
		{[]uint64{4, 3, 2, 1}, ""},
		{[]uint64{1, 1, 2, 3, 4, 4, 4}, ""},
		{[]uint64{1, 2, 3, 5}, "scope"},
		{[]uint64{1, 2, 3, 4, 5}, "scope"},
		{[]uint64{1, 2, 3, 4, 5, 6, 7}, ""},
	} {
		terms := asked(func(t *Terms) { t.Scope, t.Function, t.Receiver = ScopeBulk, FunctionEncodings, "" })
		h, err := l.reserve(noon, claimOf(terms, "", Acceptor, Limits{MinChange: 3}, "rule 1"))
		if err != nil {
			t.Fatal(err)
		}
		wantTerm(t, h.begin(noon, encodingItems(encodings(step.rows...))), step.want)
	}
	if n := len(slices.Collect(encodingItems(encodings(1, 2, 2)))); n != 2 {
		t.Errorf("%d items of two distinct rows", n)
	}
}
