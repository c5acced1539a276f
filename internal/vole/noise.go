package vole

import (
	"crypto/rand"
	"crypto/sha256"
	"math/big"

	"github.com/comity-prl/comity/internal/gf128"
	"github.com/comity-prl/comity/internal/ot"
	"github.com/comity-prl/comity/internal/parallel"
	"github.com/comity-prl/comity/internal/wire"
)

// noiseWeight is t, the number of noise values. With one in each of t blocks of a
// vector of length 2m, the best choice of m positions has none of them with
// probability 2^-t: the cost of guessing an information set without errors.
const noiseWeight = ot.ChunkSize

// shape is what follows from the length of the vectors.
type shape struct {
	params Params
	m      int // length of the result
	t      int // number of blocks and of noise values
	block  int // length of a block
	n      int // length of the noise: t·block, at least 2m and m + 256
}

func newShape(m int, p *Params) (*shape, error) {
	if m < 1 || m > MaxLength {
		return nil, ErrParams
	}
	s := &shape{m: m, t: noiseWeight}
	if p != nil {
		s.params = *p
	}
	if err := s.params.Code.complete(); err != nil {
		return nil, err
	}
	s.block = max(4, (2*m+s.t-1)/s.t) // at least 4: see Code on short tails
	s.n = s.t * s.block
	return s, nil
}

// chunks is the number of chunks of rows: one a noise value, one for the check,
// and one a level of the trees.
func (s *shape) chunks() int { return s.t + 1 + ot.Depth(s.block) }

// noise is a regular sparse vector: value j at position points[j] of block j.
type noise struct {
	points []int
	values []Element
	extra  Element // masks the value that the check opens
}

func (s *shape) newNoise() *noise {
	random := randomElements(s.t + 1)
	e := &noise{points: make([]int, s.t), values: random[:s.t], extra: random[s.t]}
	for j := range e.points {
		p, err := rand.Int(rand.Reader, big.NewInt(int64(s.block)))
		if err != nil {
			panic("vole: " + err.Error()) // crypto/rand does not fail
		}
		e.points[j] = int(p.Int64())
	}
	return e
}

// place is the position of value j in the whole vector.
func (s *shape) place(e *noise, j int) int { return j*s.block + e.points[j] }

// choices are the bits of the extension's rows. Of the chunk of a level, bit j is
// what tree j asks for: the side that the path to its point does not take.
func (s *shape) choices(e *noise) []Element {
	out := make([]Element, 0, s.chunks())
	out = append(append(out, e.values...), e.extra)
	for level := ot.Depth(s.block) - 1; level >= 0; level-- {
		var bits [2]uint64
		for j, p := range e.points {
			bits[j/64] |= uint64(^p>>level&1) << (j % 64)
		}
		out = append(out, Element{Lo: bits[0], Hi: bits[1]})
	}
	return out
}

// treeSize is how many blocks the sender sends for a tree: its corrections, and
// the sum of its leaves plus b_j.
func (s *shape) treeSize() int { return ot.Corrections(s.block) + 1 }

// sendTrees fills v with the leaves of the trees, a block each, and sends what
// punctures them (2020/925, Figure 7).
func (s *shape) sendTrees(c *wire.Conn, kind wire.Kind, v []Element, rows *ot.Sent) (digest, error) {
	levels := ot.Depth(s.block)
	keys := make([]*[ot.ChunkSize][2]Element, levels)
	parallel.Do(levels, func(lo, hi int) {
		for l := lo; l < hi; l++ {
			keys[l] = rows.Keys(s.t + 1 + l)
		}
	})
	size := s.treeSize()
	out := make([]Element, s.t*size)
	err := parallel.Spread(s.t, func(lo, hi int) error {
		own := make([][2]Element, levels)
		for j := lo; j < hi; j++ {
			if err := c.Context().Err(); err != nil {
				return err
			}
			for l := range own {
				own[l] = keys[l][j]
			}
			frame := out[j*size : (j+1)*size]
			sum := ot.BuildPPRF(v[j*s.block:(j+1)*s.block], own, frame[:size-1])
			frame[size-1] = sum.Add(rows.Packed(j))
		}
		return nil
	})
	if err != nil {
		return digest{}, err
	}
	frame := make([]byte, len(out)*gf128.Size)
	gf128.Encode(frame, out)
	return sha256.Sum256(frame), c.Write(kind, frame)
}

// receiveTrees fills v with the sender's leaves plus the noise times Δ.
//
// The noise's positions are secret and index memory, here and where the noise is
// added later. How many steps are done does not depend on them, so that they could
// show only in the caches of the own machine.
func (s *shape) receiveTrees(c *wire.Conn, kind wire.Kind, v []Element, e *noise, rows *ot.Received) (digest, error) {
	levels := ot.Depth(s.block)
	keys := make([]*[ot.ChunkSize]Element, levels)
	parallel.Do(levels, func(lo, hi int) {
		for l := lo; l < hi; l++ {
			keys[l] = rows.Keys(s.t + 1 + l)
		}
	})
	size := s.treeSize()
	in, err := c.ReadExact(kind, s.t*size*gf128.Size)
	if err != nil {
		return digest{}, err
	}
	trees := sha256.Sum256(in)
	all := make([]Element, s.t*size)
	gf128.Decode(all, in)
	err = parallel.Spread(s.t, func(lo, hi int) error {
		own := make([]Element, levels)
		for j := lo; j < hi; j++ {
			if err := c.Context().Err(); err != nil {
				return err
			}
			for l := range own {
				own[l] = keys[l][j]
			}
			frame := all[j*size : (j+1)*size]
			sum := ot.EvalPPRF(v[j*s.block:(j+1)*s.block], e.points[j], own, frame[:size-1])
			// The leaf plus b_j, and c_j = b_j + y_j·Δ.
			v[s.place(e, j)] = frame[size-1].Add(sum).Add(rows.Packed(j))
		}
		return nil
	})
	return trees, err
}
