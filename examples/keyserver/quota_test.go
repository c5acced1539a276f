package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/comity-prl/comity/examples/keyserver/transport"
	"github.com/comity-prl/comity/tokenize"
)

// Quotas count elements, and a request that one of them refuses costs nothing.
func TestQuotas(t *testing.T) {
	dir := folders(t)
	i := start(t, dir, func(c *config, _ map[tokenize.Scope]tokenize.Key) {
		c.Quotas = limits{Officer: 10, Peer: 15, Epoch: 20}
	})
	for _, step := range []struct {
		peer, officer string
		n             int
		refused       string
	}{
		{"a", "o1", 8, ""},
		{"a", "o1", 3, "officer has 2"},
		{"a", "o1", 2, ""},
		{"a", "o1", 1, "officer has 0"},
		{"a", "o2", 6, "peer has 5"},
		{"a", "o2", 5, ""},
		{"b", "o1", 6, "epoch has 5"},
		{"b", "o1", 5, ""},
		{"b", "o2", 1, "epoch has 0"},
	} {
		_, err := prfOf(t, dir, step.peer, i.url, step.officer).Evaluate(t.Context(), inputs(step.n))
		if step.refused == "" && err != nil {
			t.Fatalf("%+v: %v", step, err)
		}
		if step.refused != "" && (!errors.Is(err, transport.ErrQuota) || !strings.Contains(err.Error(), step.refused)) {
			t.Fatalf("%+v: %v", step, err)
		}
	}
	if got := get(t, i.admin+"/metrics"); !strings.Contains(got, `comity_keyserver_quota_refusals_total{peer="a",quota="officer"} 2`) {
		t.Error("metrics lack the refusals")
	}
}

// Ten thousand guessed names are stopped at the quota, across any number of
// requests and officers.
func TestEnumerationStopsAtTheQuota(t *testing.T) {
	dir := folders(t)
	const quota = 50
	i := start(t, dir, func(c *config, _ map[tokenize.Scope]tokenize.Key) {
		c.Quotas = limits{Officer: quota, Peer: quota, Epoch: 1000}
	})
	client, known := peerOf(t, dir, "a")
	s, public, err := known.Keys[0].parse()
	if err != nil {
		t.Fatal(err)
	}
	got := 0
	for officer := range 4 {
		f, err := tokenize.NewOPRF(public, s, transport.New(client, i.url, fmt.Sprint("o", officer)), &tokenize.OPRFOptions{Batch: 7})
		if err != nil {
			t.Fatal(err)
		}
		for range 10000 / 7 / 4 {
			if _, err := f.Evaluate(t.Context(), inputs(7)); err != nil {
				if !errors.Is(err, transport.ErrQuota) {
					t.Fatal(err)
				}
				break
			}
			got += 7
		}
	}
	if got == 0 || got > quota {
		t.Errorf("%d tokens for guesses, the quota is %d", got, quota)
	}
}

// A count that cannot be read counts as all, and a limit that was lowered below
// what is used leaves nothing.
func TestLedger(t *testing.T) {
	path := filepath.Join(t.TempDir(), fileUsage)
	s := tokenize.Scope{Project: "p", Purpose: "q", Epoch: "e"}
	reopen := func(l limits) *ledger {
		led, err := openLedger(path, l)
		if err != nil {
			t.Fatal(err)
		}
		return led
	}
	l := reopen(limits{10, 10, 10})
	if err := l.charge(s, "a", "o", 6); err != nil {
		t.Fatal(err)
	}
	other := s
	other.Epoch = "f"
	if err := l.charge(other, "a", "o", 10); err != nil {
		t.Errorf("another epoch: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = reopen(limits{10, 10, 5})
	defer l.Close()
	spent := (*quotaError)(nil)
	if err := l.charge(s, "a", "o", 1); !errors.As(err, &spent) || spent.which != "officer" || spent.left != 0 {
		t.Errorf("a lowered limit: %v", err)
	}
	if err := l.charge(s, "a", "o2", 4); err != nil {
		t.Errorf("what is left of the peer's: %v", err)
	}
	if err := l.db.Update(func(tx *bbolt.Tx) error {
		return tx.Bucket(usageBucket).Put(usageKey(s, "b"), []byte("rubbish"))
	}); err != nil {
		t.Fatal(err)
	}
	if err := l.charge(s, "b", "o", 0); err != nil {
		t.Errorf("nothing: %v", err)
	}
	if err := l.charge(s, "b", "o", 1); !errors.As(err, &spent) || spent.which != "peer" {
		t.Errorf("a count that cannot be read: %v", err)
	}
}
