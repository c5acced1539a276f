package bitslice

// count returns the lanes that are alive at the end of a list.
func count(block []uint64, list []uint16, start *state, width int, full bool) Mask {
	var lanes Mask
	for w := range lanes {
		lanes[w] = countWord(block[w:], list, start, w, width, full)
	}
	return lanes
}

// countWord is count for the 64 lanes of one word; block begins with that word. A
// chunk of 16 planes goes through a tree of adders, in which one carry of weight 16
// is left for the upper half of the counters.
func countWord(block []uint64, list []uint16, start *state, w, width int, full bool) uint64 {
	w %= planeWords
	c0, c1, c2, c3 := start[0][w], start[1][w], start[2][w], start[3][w]
	c4, c5, c6, c7 := start[4][w], start[5][w], start[6][w], start[7][w]
	alive := start[aliveAt][w]
	var high [wide - narrow]uint64
	for k := range width - narrow {
		high[k] = start[aliveAt+1+k][w]
	}
	for ; len(list) >= chunk && (alive != 0 || full); list = list[chunk:] {
		var twoA, twoB, twoC, twoD, fourA, fourB, eight pair
		twoA, c0 = add(c0, fetch(block, list[0], list[1]), fetch(block, list[2], list[3]))
		twoB, c0 = add(c0, fetch(block, list[4], list[5]), fetch(block, list[6], list[7]))
		fourA, c1 = add(c1, twoA, twoB)
		twoC, c0 = add(c0, fetch(block, list[8], list[9]), fetch(block, list[10], list[11]))
		twoD, c0 = add(c0, fetch(block, list[12], list[13]), fetch(block, list[14], list[15]))
		fourB, c1 = add(c1, twoC, twoD)
		eight, c2 = add(c2, fourA, fourB)
		carry := (eight.x^c3)&eight.both ^ eight.x
		c3 ^= eight.both
		carry, c4 = c4&carry, c4^carry
		carry, c5 = c5&carry, c5^carry
		carry, c6 = c6&carry, c6^carry
		carry, c7 = c7&carry, c7^carry
		for k := range width - narrow {
			carry, high[k] = high[k]&carry, high[k]^carry
		}
		alive &^= carry
	}
	return alive
}

// pair is two bits of one weight: x, and the exclusive or of both.
type pair struct{ x, both uint64 }

func fetch(block []uint64, first, second uint16) pair {
	x := block[first]
	return pair{x, x ^ block[second]}
}

// add returns the sum of a bit and two pairs, and their carries as a pair: 8 gates,
// where two full adders have 10 (Demenkov et al., "New upper bounds on the Boolean
// circuit complexity of symmetric functions", Information Processing Letters 110(7),
// 2010).
func add(z uint64, p, q pair) (carry pair, sum uint64) {
	differ := p.x ^ z | p.both
	between := p.both ^ z
	carry.x = differ ^ between
	carry.both = differ ^ (q.x^between)&^q.both
	return carry, between ^ q.both
}
