package okvs

import "github.com/comity-prl/comity/internal/gf128"

// Decode sets dst[i] to what table holds at keys[i], or to something arbitrary if
// that key was not encoded. The table must have l.Len() slots, and dst and keys one
// length; dst may be keys. It is linear in the table. It runs on all cores, and
// needs 6 bytes a key of scratch space, and 16 for those of a bin a core.
func (l *Layout) Decode(dst, table, keys []gf128.Element) {
	table, keys = table[:l.Len()], keys[:len(dst)]
	if l.bins == 1 {
		spread(len(dst), workers(len(dst)), func(_, from, to int) {
			l.hash.Hash(dst[from:to], keys[from:to])
			l.decodeBin(dst[from:to], table)
		})
		return
	}
	p, bins := l.partition(keys), l.eachBin()
	room := p.largest()
	spread(l.bins, min(workers(len(dst)), l.bins), func(int, int, int) {
		buf := make([]gf128.Element, room)
		for b := range bins {
			order := p.bin(b)
			values := buf[:len(order)]
			gather(values, keys, order)
			l.hash.Hash(values, values)
			l.decodeBin(values, l.slots(table, b))
			for i, at := range order {
				dst[at] = values[i]
			}
		}
	})
}

// decodeBin replaces hashes of keys by what the bin holds there. Positions are ready
// before their slots are read: the loads of a loop that does nothing else overlap.
func (l *Layout) decodeBin(hashes, slots []gf128.Element) {
	var sums, terms [batch]gf128.Element
	var rows [batch][3]uint32
	sparse, dense := slots[:l.sparse], slots[l.sparse:]
	for len(hashes) > 0 {
		hs := hashes[:min(batch, len(hashes))]
		hashes = hashes[len(hs):]
		acc, ts := sums[:len(hs)], terms[:len(hs)]
		for i, h := range hs {
			rows[i] = l.positions(h)
		}
		// The dense part by Horner's rule, of which the sparse part is the constant.
		for i := range acc {
			acc[i] = dense[l.dense-1]
		}
		for j := l.dense - 2; j >= 0; j-- {
			for i := range ts {
				ts[i] = dense[j]
			}
			gf128.Horner(acc, hs, ts)
		}
		for i := range ts {
			r := &rows[i]
			ts[i] = sparse[r[0]].Add(sparse[r[1]]).Add(sparse[r[2]])
		}
		gf128.Horner(acc, hs, ts)
		copy(hs, acc)
	}
}
