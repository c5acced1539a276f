//go:build !purego

package aeshash

import (
	"golang.org/x/sys/cpu"

	"github.com/comity-prl/comity/internal/gf128"
)

// hasAES is what the 128-bit kernels need, hasVAES the 256-bit ones. For VAES
// x/sys asks that the processor has AVX-512 too, which it need not.
var (
	hasAES  = cpu.X86.HasAES && cpu.X86.HasAVX
	hasVAES = hasAES && cpu.X86.HasAVX2 && cpuid7()>>9&1 == 1
)

func expandKey(round *schedule, key gf128.Element) {
	if hasAES {
		expandKeyAES(round, key.Lo, key.Hi)
	}
}

func hash(k *Key, dst, src []gf128.Element) {
	switch {
	case len(dst) == 0:
	case hasVAES:
		hashVAES(&k.round, &dst[0].Lo, &src[0].Lo, len(dst))
	case hasAES:
		hashAES(&k.round, &dst[0].Lo, &src[0].Lo, len(dst))
	default:
		hashGeneric(k, dst, src)
	}
}

func expand(left, right, parents []gf128.Element) {
	switch {
	case len(parents) == 0:
	case hasVAES:
		expandVAES(&leftKey.round, &rightKey.round, &left[0].Lo, &right[0].Lo, &parents[0].Lo, len(parents))
	case hasAES:
		expandAES(&leftKey.round, &rightKey.round, &left[0].Lo, &right[0].Lo, &parents[0].Lo, len(parents))
	default:
		expandGeneric(left, right, parents)
	}
}

func expandInterleaved(children, parents []gf128.Element) {
	switch {
	case len(parents) == 0:
	case hasVAES:
		expandInterleavedVAES(&leftKey.round, &rightKey.round, &children[0].Lo, &parents[0].Lo, len(parents))
	case hasAES:
		expandInterleavedAES(&leftKey.round, &rightKey.round, &children[0].Lo, &parents[0].Lo, len(parents))
	default:
		expandInterleavedGeneric(children, parents)
	}
}

func hashKeyed(dst, keys, msgs []gf128.Element) {
	switch {
	case len(dst) == 0:
	case hasVAES:
		hashKeyedVAES(&dst[0].Lo, &keys[0].Lo, &msgs[0].Lo, len(dst))
	case hasAES:
		hashKeyedAES(&dst[0].Lo, &keys[0].Lo, &msgs[0].Lo, len(dst))
	default:
		hashKeyedGeneric(dst, keys, msgs)
	}
}
