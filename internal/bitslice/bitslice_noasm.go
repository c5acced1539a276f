//go:build !amd64 || purego

package bitslice

// Tiers returns those that run here.
func Tiers() []Tier { return []Tier{Portable} }

func (s *Scanner) scanAVX2([]uint64, *Lists, int, int, int, int, func(int, *Mask)) {
	panic("bitslice: no AVX2 here")
}
