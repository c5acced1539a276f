//go:build !amd64 || purego

package aeshash

import "github.com/comity-prl/comity/internal/gf128"

func expandKey(*schedule, gf128.Element) {}

func hash(k *Key, dst, src []gf128.Element)       { hashGeneric(k, dst, src) }
func expand(left, right, parents []gf128.Element) { expandGeneric(left, right, parents) }
func expandInterleaved(children, parents []gf128.Element) {
	expandInterleavedGeneric(children, parents)
}
func hashKeyed(dst, keys, msgs []gf128.Element) { hashKeyedGeneric(dst, keys, msgs) }
