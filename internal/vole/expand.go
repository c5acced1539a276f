package vole

import "github.com/comity-prl/comity/internal/parallel"

const (
	// A record of a pick holds the output's number within a tile and the row's within
	// a window of the tail.
	windowBits = 16
	tile       = 1 << (32 - windowBits)
	window     = 1 << windowBits

	// near is the size of a tail, in elements, that can be read in any order: what
	// the caches and the translation buffer hold on most machines.
	near = 1 << 18
)

// expander adds rows of a tail to some of the outputs.
//
// A row of a long tail costs a miss in the caches and one in the translation buffer
// if all rows are equally likely to be next. Slots within a segment are read as they
// come, each for all outputs in turn; picks of the others are made a tile of outputs
// at a time, sorted by the window of the tail that they are in, and read a window at
// a time. As sums commute, the order is no part of the code. Each slot is taken in
// turn there too, so that an output is not changed twice within a few steps.
type expander struct {
	*encoder
	tail    []Element
	width   int
	words   []Element
	records []uint32 // of each window, room for the same number
	starts  []uint64 // where those of a window begin, in records
	ends    []uint64 // and end
	room    uint64
}

// expand adds rows of the tail to out, and, where rows have two elements, the second
// ones to second, on all cores.
func (e *encoder) expand(tail, out, second []Element) error {
	width := len(tail) / e.tail
	parts := (len(out)-1)/batch + 1
	return parallel.Spread(parts, func(lo, hi int) error {
		first, last := lo*batch, min(hi*batch, len(out))
		return newExpander(e, tail, width).add(first, out[first:last], part(second, first, last))
	})
}

func newExpander(e *encoder, tail []Element, width int) *expander {
	x := &expander{encoder: e, tail: tail, width: width, words: make([]Element, batch/4)}
	if len(tail) > near {
		// A quarter above the average: a window that fills up is only read early.
		windows := (e.tail-1)/window + 1
		x.allot(uint64(len(e.slots)/2*tile/windows*5/4 + batch))
	}
	return x
}

// allot makes room for records, at least batch in each window.
func (x *expander) allot(room uint64) {
	windows := (x.encoder.tail-1)/window + 1
	x.room = room
	x.records = make([]uint32, room*uint64(windows))
	x.starts, x.ends = make([]uint64, windows), make([]uint64, windows)
	for w := range x.starts {
		x.starts[w], x.ends[w] = room*uint64(w), room*uint64(w)
	}
}

// add adds to outputs from number first on, a multiple of batch.
func (x *expander) add(first int, out, second []Element) error {
	for _, s := range x.slots {
		if !s.segment && x.records != nil {
			continue
		}
		rows := x.tail[s.start*x.width : (s.start+s.count)*x.width]
		for from := 0; from < len(out); from += batch {
			if err := x.stop(); err != nil {
				return err
			}
			to := min(from+batch, len(out))
			x.draw(s, first+from, to-from)
			pick(out[from:to], part(second, from, to), rows, x.words)
		}
	}
	if x.records == nil {
		return nil
	}
	for from := 0; from < len(out); from += tile {
		to := min(from+tile, len(out))
		if err := x.addTile(first+from, out[from:to], part(second, from, to)); err != nil {
			return err
		}
	}
	return nil
}

// addTile adds what slots that are no segments choose.
func (x *expander) addTile(first int, out, second []Element) error {
	for _, s := range x.slots {
		if s.segment {
			continue
		}
		for from := 0; from < len(out); from += batch {
			if err := x.stop(); err != nil {
				return err
			}
			for w, end := range x.ends {
				if end+batch > x.starts[w]+x.room {
					x.flush(out, second, w)
				}
			}
			n := min(batch, len(out)-from)
			x.draw(s, first+from, n)
			scatter(x.records, x.ends, s.count, x.words, from, n)
		}
	}
	for w := range x.starts {
		x.flush(out, second, w)
	}
	return nil
}

// flush adds the rows of a window's records.
func (x *expander) flush(out, second []Element, w int) {
	records := x.records[x.starts[w]:x.ends[w]]
	x.ends[w] = x.starts[w]
	if len(records) > 0 {
		flush(out, second, x.window(w), x.window((w+1)%len(x.starts)), records)
	}
}

func (x *expander) window(w int) []Element {
	return x.tail[w*window*x.width : min((w+1)*window*x.width, len(x.tail))]
}

// draw makes the words of a slot for n outputs from number first on.
func (x *expander) draw(s slot, first, n int) {
	words(x.streams[2], x.words[:(n+3)/4], first/4, s.number)
}

// part is xs[from:to], or nil of nil.
func part(xs []Element, from, to int) []Element {
	if xs == nil {
		return nil
	}
	return xs[from:to]
}

// at turns a random word into one of count positions. Some are likelier than others
// by a factor of up to 1 + count/2^32, which a public matrix can bear.
func at(word uint32, count int) int { return int(uint64(word) * uint64(count) >> 32) }

// addRow adds row p to output i.
func addRow(out, second []Element, i int, rows []Element, p int) {
	if second == nil {
		out[i] = out[i].Add(rows[p])
		return
	}
	out[i], second[i] = out[i].Add(rows[2*p]), second[i].Add(rows[2*p+1])
}

// pickGeneric adds to each output the one of rows that its word chooses.
func pickGeneric(out, second, rows, buf []Element) {
	count := len(rows)
	if second != nil {
		count /= 2
	}
	for i := range out {
		addRow(out, second, i, rows, at(word(buf, i), count))
	}
}

// scatterGeneric makes records of the picks of n outputs from first on.
func scatterGeneric(records []uint32, ends []uint64, count int, buf []Element, first, n int) {
	for i := range n {
		p := at(word(buf, i), count)
		w := p / window
		records[ends[w]] = uint32(first+i)<<windowBits | uint32(p%window)
		ends[w]++
	}
}

// flushGeneric adds the rows of a window that records name to the outputs that they
// name.
func flushGeneric(out, second, rows []Element, records []uint32) {
	for _, r := range records {
		addRow(out, second, int(r>>windowBits), rows, int(r%window))
	}
}
