package psi

import (
	"net"
	"slices"
	"testing"
)

// found runs both sides over a and b and returns for each item that the receiver
// looks for, in the suite's order, whether it is one of the sender's.
func found(t *testing.T, suite Suite, f Function, a, b net.Conn, receiver, sender *Set) []bool {
	t.Helper()
	p := &Params{Suite: suite, Function: f, MaxSender: 100, MaxReceiver: 100}
	done := make(chan error)
	go func() {
		_, err := Send(t.Context(), b, p, sender)
		done <- err
	}()
	handles, _, err := receive(t.Context(), a, p, receiver, f)
	if errS := <-done; err != nil || errS != nil {
		t.Fatalf("receiver: %v; sender: %v", err, errS)
	}
	hits := make([]bool, len(handles))
	for i, h := range handles {
		hits[i] = h != absent
	}
	return hits
}

// Where the tag of an item comes in a count is chance: it tells nothing of the order
// in which the receiver asked. With an intersection the places are the items'.
func TestCountIsShuffled(t *testing.T) {
	const n, runs = 8, 40
	receiver := specSet(n)
	sender := NewSet(receiver.items[:n/2], receiver.binding)
	first := append(slices.Repeat([]bool{true}, n/2), make([]bool, n/2)...)
	run := func(f Function) []bool {
		a, b := net.Pipe()
		return found(t, ECDHRistretto255(), f, a, b, receiver, sender)
	}
	var times [n]int
	for range runs {
		for place, hit := range run(Cardinality) {
			if hit {
				times[place]++
			}
		}
	}
	for place, k := range times {
		if k < runs/2-19 || k > runs/2+19 { // six sigma
			t.Errorf("place %d had a shared item in %d runs of %d", place, k, runs)
		}
	}
	if got := run(Intersection); !slices.Equal(got, first) {
		t.Errorf("an intersection found %v", got)
	}
}
