package psi

import "iter"

// Match says that an own item is in the sender's set too.
type Match struct {
	// Item is the item's index in the slice that NewSet was given.
	Item int
	// Handle is the item's place in the sender's shuffled list, which only the
	// sender can turn into one of its items.
	Handle uint32
}

// Result is what the receiver learns.
type Result struct {
	// PeerSize is the number of distinct items in the sender's set, dummies included.
	PeerSize int

	matches []Match
}

// Len returns the number of matches.
func (r *Result) Len() int { return len(r.matches) }

// All yields the matches, in ascending order of item. An item that NewSet was
// given twice yields two matches of the same handle.
func (r *Result) All() iter.Seq[Match] {
	return func(yield func(Match) bool) {
		for _, m := range r.matches {
			if !yield(m) {
				return
			}
		}
	}
}

// Count is what the receiver learns by ReceiveCount.
type Count struct {
	// PeerSize is the number of distinct items in the sender's set, dummies included.
	PeerSize int
	// N is how many distinct items of the receiver the sender has too.
	N int
}

// Handles is what the sender keeps to itself: which of its items each handle
// stands for. It holds no item. After a run of Cardinality there are none.
type Handles struct {
	// PeerSize is the number of distinct items in the receiver's set, as it declared,
	// dummies included.
	PeerSize int
	// PeerBound is the largest number of items that the receiver can have put in,
	// which is what a quota should count. It is PeerSize except under
	// VOLEMalicious, where it holds for a receiver that departs from the protocol
	// too, but for a chance of 2^-40.
	PeerBound int

	set   *Set
	order []uint32 // order[handle] indexes set.items, or is absent
}

// Len returns the number of handles. Some may stand for no item: dummies do, and
// large sets are filled up.
func (h *Handles) Len() int { return len(h.order) }

// All yields each handle with the index, in the slice that NewSet was given, of
// the item that it stands for, in ascending order of handle. A handle whose item
// was given twice comes twice.
func (h *Handles) All() iter.Seq2[uint32, int] {
	return func(yield func(uint32, int) bool) {
		for handle, i := range h.order {
			if i == absent {
				continue
			}
			for _, place := range h.set.places(int(i)) {
				if !yield(uint32(handle), int(place)) {
					return
				}
			}
		}
	}
}
