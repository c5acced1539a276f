package psi

import "iter"

// Items yields the distinct items, in ascending order, without dummies.
func (s *Set) Items() iter.Seq[[32]byte] {
	return func(yield func([32]byte) bool) {
		for i, item := range s.items {
			if len(s.places(i)) > 0 && !yield(item) { // a dummy has no place
				return
			}
		}
	}
}
