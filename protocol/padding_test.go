package protocol

import (
	"errors"
	"fmt"
	"testing"

	"github.com/comity-prl/comity/psi"
)

// paddedTerms ask for three items a record and a multiple of 64.
func paddedTerms() *Terms {
	t := goodTerms()
	t.Bucket, t.Rules = 64, 3
	return t
}

func TestPadded(t *testing.T) {
	tests := []struct {
		items, records, bucket, rules int
		want                          int
		term                          string // at fault
	}{
		{items: 10, want: 10},
		{items: 10, records: 7, want: 10},
		{items: 0, bucket: 64, want: 64},
		{items: 1, bucket: 64, want: 64},
		{items: 64, bucket: 64, want: 64},
		{items: 65, bucket: 64, want: 128},
		{items: 10, records: 7, rules: 3, want: 21},
		{items: 21, records: 7, rules: 3, want: 21},
		{items: 10, records: 7, rules: 3, bucket: 16, want: 32},
		{items: 0, records: 0, rules: 3, want: 0},
		{items: 0, records: 0, rules: 3, bucket: 16, want: 16},
		{items: 960, bucket: 500, want: 1000},
		{items: 22, records: 7, rules: 3, term: "rules"},
		{items: 1, records: 0, rules: 3, term: "rules"},
		{items: 1, records: -5, rules: 3, term: "rules"},
		{items: 1, records: 334, rules: 3, term: "max_proposer"},
		{items: 1, records: 1 << 60, rules: 1, term: "max_proposer"},
		{items: 1, bucket: 1001, term: "max_proposer"},
		{items: 961, bucket: 960, term: "max_proposer"},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%+v", tt), func(t *testing.T) {
			terms := goodTerms()
			terms.Bucket, terms.Rules = tt.bucket, tt.rules
			own := recorded(items(0, tt.items), tt.records)
			set, err := terms.padded(own, Proposer, own.Pad)
			if tt.term != "" {
				var at *TermError
				if !errors.As(err, &at) || at.Term != tt.term || set != nil {
					t.Fatalf("%v, want a complaint of %q", err, tt.term)
				}
				if errors.Is(err, psi.ErrTooLarge) != (tt.term == "max_proposer") {
					t.Errorf("%v wraps the wrong error", err)
				}
				return
			}
			if err != nil || set.Len() != tt.want {
				t.Errorf("%v, want %d items", err, tt.want)
			}
			if n, err := terms.FilledUp(recorded(items(0, tt.items), tt.records)); err != nil || n != tt.want {
				t.Errorf("filled up to %d, %v; want %d", n, err, tt.want)
			}
		})
	}
	terms := paddedTerms()
	terms.Bucket = 1024
	own := recorded(items(0, 3), 1)
	if set, err := terms.padded(own, Acceptor, own.Pad); err != nil || set.Len() != 1024 {
		t.Errorf("the acceptor's maximum is its own: %v", err)
	}
}

// Peers and logs of peers see filled-up sizes; the result is that of the sets.
func TestPaddedSession(t *testing.T) {
	for _, suite := range []string{"ecdh-ristretto255", "vole-malicious"} {
		t.Run(suite, func(t *testing.T) {
			pc, ac := agencies(t)
			terms := paddedTerms()
			terms.Suite = suite
			p, a := met(t, terms, pc, ac)
			o := intersect(t.Context(), p, a, recorded(items(0, 30), 10), recorded(items(20, 70), 50))
			if o.receiveErr != nil || o.sendErr != nil {
				t.Fatalf("receive: %v; send: %v", o.receiveErr, o.sendErr)
			}
			if o.result.Len() != 10 || o.result.PeerSize != 192 || o.handles.PeerSize != 64 {
				t.Errorf("%d matches, sizes %d and %d; want 10, 192, 64", o.result.Len(), o.result.PeerSize, o.handles.PeerSize)
			}
		})
	}
	t.Run("too few records", func(t *testing.T) {
		pc, ac := agencies(t)
		p, a := met(t, paddedTerms(), pc, ac)
		o := intersect(t.Context(), p, a, recorded(items(0, 30), 9), recorded(items(20, 70), 50))
		var at *TermError
		if !errors.As(o.receiveErr, &at) || at.Term != "rules" || !errors.Is(o.sendErr, psi.ErrAborted) {
			t.Errorf("receive: %v; send: %v", o.receiveErr, o.sendErr)
		}
	})
}
