package protocol

import (
	"fmt"
	"testing"
)

// BenchmarkLog measures an entry to disk, and the check of a whole log.
func BenchmarkLog(b *testing.B) {
	for _, n := range []int{0, 1000} {
		l, _ := logOf(b, identity(b, "A"), 0)
		many := make([]*Entry, n)
		for i := range many {
			many[i] = testEntry(i % 50)
		}
		if err := l.Append(many...); err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprintf("verify/%d", n), func(b *testing.B) {
			for b.Loop() {
				if _, err := l.Verify(nil); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("append/%d", n), func(b *testing.B) {
			for b.Loop() {
				if err := l.Append(testEntry(1)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
