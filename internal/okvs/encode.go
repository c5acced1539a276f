package okvs

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/comity-prl/comity/internal/gf128"
)

// Encode returns a table of l.Len() slots that decodes to values[i] at keys[i]. The
// keys must be distinct, and no more than the layout is for. It runs on all cores,
// and needs 34 bytes a key beside the table.
func (l *Layout) Encode(ctx context.Context, keys, values []gf128.Element) ([]gf128.Element, error) {
	if len(keys) != len(values) || len(keys) > l.keys {
		return nil, ErrLengths
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	p := l.partition(keys)
	wanted := p.sorted(values)
	table := make([]gf128.Element, l.Len())
	bins := l.eachBin()
	g, ctx := errgroup.WithContext(ctx)
	for range min(workers(len(keys)), l.bins) {
		g.Go(func() error {
			s := newSolver(l)
			for b := range bins {
				if err := ctx.Err(); err != nil {
					return err
				}
				if err := s.solve(p.bin(p.hashes, b), p.bin(wanted, b), l.slots(table, b)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return table, nil
}
