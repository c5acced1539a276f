package protocol

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	bolt "go.etcd.io/bbolt"
)

func newLedger(t testing.TB) *Ledger {
	t.Helper()
	l, err := OpenLedger(filepath.Join(t.TempDir(), "ledger"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// noon is the time of most sessions in these tests.
var noon = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

// asked returns terms for a ledger, with what f changes.
func asked(f func(*Terms)) *Terms {
	t := &Terms{
		Proposer: "Arcadia", Acceptor: "Borduria", Purpose: "missing persons", Officer: "o-1",
		Function: FunctionSet, Receiver: Proposer, MaxProposer: 100, MaxAcceptor: 2000, Scope: "query",
	}
	if f != nil {
		f(t)
	}
	return t
}

// book reserves a session of the acceptor's, if the limits permit it, and begins its
// run.
func book(l *Ledger, at time.Time, limits Limits, terms *Terms) error {
	h, err := l.reserve(at, claimOf(terms, "text", Acceptor, limits, "rule 1"))
	if err != nil {
		return err
	}
	return h.begin(at, nil)
}

// wantTerm reports an error that is not of the term, or that is one where none is
// wanted.
func wantTerm(t testing.TB, err error, term string) {
	t.Helper()
	var at *TermError
	switch {
	case term == "" && err != nil:
		t.Errorf("%v", err)
	case term != "" && (!errors.As(err, &at) || at.Term != term || at.Rule != "rule 1" || at.Reason == "" || !errors.Is(err, ErrLimit)):
		t.Errorf("%v, want one of term %q under the rule", err, term)
	}
}

func TestLimits(t *testing.T) {
	count := func(t *Terms) { t.Function = FunctionCount }
	other := func(t *Terms) { t.Purpose = "stolen cars" }
	colleague := func(t *Terms) { t.Officer = "o-2" }
	stranger := func(t *Terms) { t.Proposer = "Syldavia" }
	sends := func(t *Terms) { t.Receiver = Acceptor }
	rows := func(t *Terms) { t.Function, t.Receiver, t.MaxAcceptor = FunctionEncodings, "", 0 }
	size := func(n int) func(*Terms) { return func(t *Terms) { t.MaxProposer = n } }
	type step struct {
		after  time.Duration // noon
		change func(*Terms)
		want   string // the term refused
	}
	hour := time.Hour
	for _, test := range []struct {
		name   string
		limits Limits
		steps  []step
	}{
		{"none", Limits{}, []step{{}, {}, {}}},
		{"sessions with the peer", Limits{PeerSessions: 2}, []step{
			{}, {change: other}, {want: "proposer"}, {change: count, want: "proposer"}, {change: stranger},
			{after: 12*hour - 1, want: "proposer"}, {after: 12 * hour}, {after: 13 * hour}, {after: 14 * hour, want: "proposer"},
		}},
		{"sessions for the purpose", Limits{PurposeSessions: 1}, []step{
			{}, {want: "purpose"}, {change: colleague, want: "purpose"}, {change: other}, {change: stranger}, {after: 12 * hour},
		}},
		{"sessions of the officer", Limits{OfficerSessions: 1}, []step{
			{}, {want: "officer"}, {change: other, want: "officer"}, {change: colleague}, {change: stranger}, {after: 12 * hour},
		}},
		{"sessions without an officer", Limits{OfficerSessions: 1}, []step{
			{change: func(t *Terms) { t.Officer = "" }}, {change: func(t *Terms) { t.Officer = "" }, want: "officer"}, {},
		}},
		{"items of the proposer", Limits{Items: 250}, []step{
			{}, {}, {want: "max_proposer"}, {change: size(50)}, {change: size(1), want: "max_proposer"},
			{change: stranger}, {after: 12 * hour},
		}},
		{"items of both directions", Limits{Items: 2100}, []step{
			{}, {change: sends}, {change: sends, want: "max_acceptor"}, {change: size(1), want: "max_proposer"},
		}},
		{"items of encodings", Limits{Items: 100}, []step{{change: rows}, {change: rows, want: "max_proposer"}}},
		{"more items than any", Limits{Items: 1}, []step{{want: "max_proposer"}, {change: size(1)}}},
		{"counts", Limits{Counts: 1}, []step{
			{}, {change: count}, {change: count, want: "function"}, {}, {change: stranger}, {after: 12 * hour, change: count},
		}},
		{"cooldown", Limits{Cooldown: Duration(2 * hour)}, []step{
			{}, {want: "issued"}, {after: 2*hour - time.Millisecond, want: "issued"}, {change: other}, {change: stranger},
			{after: 2 * hour}, {after: 3 * hour, want: "issued"},
		}},
		{"cooldown over days", Limits{Cooldown: Duration(10 * day)}, []step{
			{}, {after: 9 * day, want: "issued"}, {after: 10*day - time.Millisecond, want: "issued"}, {after: 10 * day},
		}},
		{"clock set back", Limits{PeerSessions: 1}, []step{
			{after: 24 * hour}, {want: "proposer"}, {after: 24 * hour, want: "proposer"}, {after: 36 * hour},
			{after: 24 * hour, want: "proposer"}, {want: "proposer"},
		}},
		{"clock set back over what was dropped", Limits{PeerSessions: 1}, []step{
			{}, {after: 59 * hour}, {after: 0, want: "proposer"},
		}},
		{"clock set back under a cooldown", Limits{Cooldown: Duration(hour)}, []step{{}, {after: -day, want: "issued"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := newLedger(t)
			for i, s := range test.steps {
				t.Run(fmt.Sprint(i+1), func(t *testing.T) {
					wantTerm(t, book(l, noon.Add(s.after), test.limits, asked(s.change)), s.want)
				})
			}
		})
	}
}

// The day is that of UTC, whatever the zone of the clock.
func TestLedgerZone(t *testing.T) {
	l := newLedger(t)
	limits := Limits{PeerSessions: 1}
	zone := time.FixedZone("", 13*3600)
	late := time.Date(2026, 11, 27, 12, 59, 59, 0, zone) // 23:59:59 the day before, in UTC
	wantTerm(t, book(l, late, limits, asked(nil)), "")
	wantTerm(t, book(l, late.Add(999*time.Millisecond), limits, asked(nil)), "proposer")
	wantTerm(t, book(l, late.Add(time.Second), limits, asked(nil)), "")
}

// The proposer counts what it asks of the acceptor.
func TestLedgerProposer(t *testing.T) {
	l := newLedger(t)
	_, err := l.reserve(noon, claimOf(asked(nil), "", Proposer, Limits{PeerSessions: 1}, "rule 1"))
	wantTerm(t, err, "")
	_, err = l.reserve(noon, claimOf(asked(nil), "", Proposer, Limits{PeerSessions: 1}, "rule 1"))
	wantTerm(t, err, "acceptor")
}

func usage(t testing.TB, l *Ledger, at time.Time) *Usage {
	t.Helper()
	u, err := l.Usage(at, "Arcadia")
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// A hold is settled once its run has begun, or given back before, and not both.
func TestHold(t *testing.T) {
	l := newLedger(t)
	reserve := func(at time.Time) *hold {
		t.Helper()
		h, err := l.reserve(at, claimOf(asked(nil), "", Acceptor, Limits{}, ""))
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
	}
	day0 := noon.Truncate(day)
	want := func(sessions, unsettled int, items uint64) {
		t.Helper()
		w := &Usage{Day: day0, Sessions: sessions, Unsettled: unsettled, Items: items, Purposes: map[string]int{}, Officers: map[string]int{}}
		if sessions > 0 {
			w.Purposes["missing persons"], w.Officers["o-1"] = sessions, sessions
		}
		if diff := cmp.Diff(w, usage(t, l, noon)); diff != "" {
			t.Errorf("usage (-want +got):\n%s", diff)
		}
	}
	want(0, 0, 0)

	h := reserve(noon)
	want(1, 1, 100)
	check(h.settle(1)) // not begun
	want(1, 1, 100)
	check(h.release())
	want(0, 0, 0)
	check(h.release())
	if err := h.begin(noon, nil); !errors.Is(err, ErrClosed) {
		t.Errorf("begin after release: %v", err)
	}

	h = reserve(noon)
	check(h.begin(noon, nil))
	check(h.release()) // too late
	want(1, 1, 100)
	check(h.settle(40))
	want(1, 0, 40)
	check(h.settle(10)) // once
	want(1, 0, 40)

	h = reserve(noon)
	check(h.begin(noon, nil))
	check(h.settle(1000)) // more than the terms allow
	want(2, 0, 140)
	h = reserve(noon)
	check(h.begin(noon, nil))
	check(h.settle(-1))
	want(3, 0, 140)

	h = reserve(noon)
	check(h.begin(noon, nil))
	reserve(noon.Add(4 * day)) // drops what no longer counts
	check(h.settle(1))
	check(l.Verify())

	h = nil // without a ledger
	check(h.begin(noon, nil))
	check(h.settle(1))
	check(h.release())
}

// What counts no more is dropped.
func TestLedgerDrops(t *testing.T) {
	l := newLedger(t)
	limits := Limits{MinChange: 10, Window: Duration(3 * day)}
	bookings := func() (n, sketches int) {
		t.Helper()
		err := l.view(func(tx *bolt.Tx, _ *bolt.Bucket) error {
			peer := tx.Bucket(peersBucket).Bucket([]byte("Arcadia"))
			return errors.Join(
				eachOf(peer, bookingKind, func(uint64, []byte) error { n++; return nil }),
				eachOf(peer, sketchKind, func(uint64, []byte) error { sketches++; return nil }))
		})
		if err != nil {
			t.Fatal(err)
		}
		return n, sketches
	}
	for i, want := range []struct{ bookings, sketches int }{
		{1, 1}, {2, 2}, {3, 3}, {3, 4}, {3, 5}, {3, 5}, // two days of grace, and the day or the window
	} {
		at := noon.Add(time.Duration(i) * day)
		if err := putIn(t, l, at, limits, nil, 0, 10); err != nil {
			t.Fatal(err)
		}
		if n, sketches := bookings(); n != want.bookings || sketches != want.sketches {
			t.Errorf("day %d: %d bookings, %d sketches, want %+v", i, n, sketches, want)
		}
	}
}

func TestLedgerFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger")
	l, err := OpenLedger(path)
	if err != nil {
		t.Fatal(err)
	}
	limits := Limits{PeerSessions: 1}
	wantTerm(t, book(l, noon, limits, asked(nil)), "")
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if mode := info.Mode().Perm(); runtime.GOOS != "windows" && mode != 0o600 {
		t.Errorf("mode %v", mode)
	}
	again, err := OpenLedger(path) // while the first is open
	if err != nil {
		t.Fatal(err)
	}
	wantTerm(t, book(again, noon, limits, asked(nil)), "proposer")
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := book(l, noon, limits, asked(nil)); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	if err := os.Remove(path); err != nil {
		t.Skip("the system keeps open files:", err)
	}
	if err := book(again, noon, limits, asked(nil)); !errors.Is(err, ErrLedger) {
		t.Errorf("with the file deleted: %v", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file came back: %v", err)
	}
}

// Many at once get no more than the limit, and no less.
func TestLedgerConcurrent(t *testing.T) {
	const limit, each, ledgers = 25, 10, 4
	path := filepath.Join(t.TempDir(), "ledger")
	var wg sync.WaitGroup
	var mu sync.Mutex
	permitted := 0
	for range ledgers { // as if of several processes
		l, err := OpenLedger(path)
		if err != nil {
			t.Fatal(err)
		}
		for range each {
			wg.Go(func() {
				err := book(l, noon, Limits{PeerSessions: limit}, asked(nil))
				if err == nil {
					mu.Lock()
					permitted++
					mu.Unlock()
					return
				}
				wantTerm(t, err, "proposer")
			})
		}
	}
	wg.Wait()
	if permitted != limit {
		t.Errorf("%d of %d permitted, want %d", permitted, ledgers*each, limit)
	}
}

func TestLimitsCheck(t *testing.T) {
	for _, test := range []struct {
		limits Limits
		ok     bool
	}{
		{Limits{}, true},
		{Limits{PeerSessions: 1, PurposeSessions: 1, OfficerSessions: 1, Items: 1 << 40, Counts: 1, Cooldown: Duration(366 * day),
			Window: Duration(day), MinChange: 4096, ChangeApprovals: 2}, true},
		{Limits{PeerSessions: -1}, false},
		{Limits{PurposeSessions: maxBookings + 1}, false},
		{Limits{OfficerSessions: -1}, false},
		{Limits{Items: -1}, false},
		{Limits{Counts: -1}, false},
		{Limits{MinChange: 4097}, false},
		{Limits{MinChange: -1}, false},
		{Limits{ChangeApprovals: -1}, false},
		{Limits{Cooldown: Duration(367 * day)}, false},
		{Limits{Window: -1}, false},
	} {
		if err := test.limits.check(); (err == nil) != test.ok {
			t.Errorf("%+v: %v", test.limits, err)
		}
	}
}

func BenchmarkLedger(b *testing.B) {
	l := newLedger(b)
	for _, limits := range []struct {
		name string
		Limits
	}{{"limits", Limits{Items: 1 << 40}}, {"limits+change", Limits{Items: 1 << 40, MinChange: 100, ChangeApprovals: 1}}} {
		b.Run(limits.name, func(b *testing.B) {
			terms := asked(func(t *Terms) { t.Scope, t.Approvers = ScopeBulk, []string{"a-1"} })
			set := setOf(0, 1000)
			at := noon
			for b.Loop() {
				at = at.Add(4 * day) // so that the ledger does not grow
				h, err := l.reserve(at, claimOf(terms, "", Acceptor, limits.Limits, ""))
				if err != nil {
					b.Fatal(err)
				}
				if err := h.begin(at, set.Items()); err != nil {
					b.Fatal(err)
				}
				if err := h.settle(50); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
