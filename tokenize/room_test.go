package tokenize_test

import (
	"context"
	"sync"

	"github.com/comity-prl/comity/tokenize"
)

// room is where the members of an example's ceremony meet. Members of different
// agencies would send their rounds over mutually authenticated TLS.
type room struct {
	members int
	mu      sync.Mutex
	sent    map[int][]tokenize.Round // by round
	all     *sync.Cond
}

func newRoom(members int) *room {
	r := &room{members: members, sent: map[int][]tokenize.Round{}}
	r.all = sync.NewCond(&r.mu)
	return r
}

// each runs f for all members at once.
func (r *room) each(f func(member int, x tokenize.Exchange)) {
	var wg sync.WaitGroup
	for i := range r.members {
		wg.Go(func() {
			f(i+1, func(_ context.Context, round tokenize.Round) ([]tokenize.Received, error) {
				return r.exchange(i, round), nil
			})
		})
	}
	wg.Wait()
}

func (r *room) exchange(self int, round tokenize.Round) []tokenize.Received {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.sent[round.Number] == nil {
		r.sent[round.Number] = make([]tokenize.Round, r.members)
	}
	sent := r.sent[round.Number]
	sent[self] = round
	r.all.Broadcast()
	for {
		in, missing := make([]tokenize.Received, r.members), 0
		for i, m := range sent {
			if m.Number == 0 {
				missing++
				continue
			}
			in[i].Broadcast = m.Broadcast
			if m.Private != nil {
				in[i].Private = m.Private[self]
			}
		}
		if missing == 0 {
			return in
		}
		r.all.Wait()
	}
}
