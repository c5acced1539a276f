package okvs

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/comity-prl/comity/internal/gf128"
)

// Encode returns a table of l.Len() slots that decodes to values[i] at keys[i]. The
// keys must be distinct, and no more than the layout is for. It runs on all cores,
// and needs 6 bytes a key beside the table, and 65 for those of a bin a core.
func (l *Layout) Encode(ctx context.Context, keys, values []gf128.Element) ([]gf128.Element, error) {
	if len(keys) != len(values) || len(keys) > l.keys {
		return nil, ErrLengths
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	p, bins := l.partition(keys), l.eachBin()
	table := make([]gf128.Element, l.Len())
	room := p.largest()
	g, ctx := errgroup.WithContext(ctx)
	for range min(workers(len(keys)), l.bins) {
		g.Go(func() error {
			s := newSolver(l)
			buf := make([]gf128.Element, 2*room)
			for b := range bins {
				if err := ctx.Err(); err != nil {
					return err
				}
				order := p.bin(b)
				hashes, wanted := buf[:len(order)], buf[room:room+len(order)]
				gather(hashes, keys, order)
				gather(wanted, values, order)
				l.hash.Hash(hashes, hashes)
				if err := s.solve(hashes, wanted, l.slots(table, b)); err != nil {
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
