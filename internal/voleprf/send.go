package voleprf

import (
	"github.com/comity-prl/comity/internal/gf128"
	"github.com/comity-prl/comity/internal/okvs"
	"github.com/comity-prl/comity/internal/vole"
	"github.com/comity-prl/comity/internal/wire"
)

// Function is the sender's: it can be evaluated anywhere. It is safe for concurrent
// use.
type Function struct {
	params *Params
	layout *okvs.Layout
	table  []Element // K
	delta  Element
	w      Element
}

// Send takes the sender's part and returns the function.
func Send(c *wire.Conn, kind wire.Kind, p *Params) (*Function, error) {
	slots, err := p.Slots()
	if err != nil {
		return nil, err
	}
	share := p.newShare()
	if !p.SemiHonest {
		commitment := p.commitment(share)
		if err := c.Write(kind+kindCommitment, commitment[:]); err != nil {
			return nil, err
		}
	}
	delta, b, err := vole.Send(c, kind, slots, p.vole())
	if err != nil {
		return nil, err
	}
	f := &Function{params: p, delta: delta, table: b}
	in, err := c.ReadExact(kind+kindSeeds, gf128.Size+p.shareSize())
	if err != nil {
		return nil, err
	}
	receipt := p.receipt(in)
	if f.layout, err = okvs.NewLayout(p.Keys, p.Lambda, gf128.FromBytes(in)); err != nil {
		return nil, err
	}
	f.w = p.joined(share, in[gf128.Size:])
	if err := f.receiveTable(c, kind); err != nil {
		return nil, err
	}
	// The receiver can choose no key any more: its table has come.
	if err := c.Write(kind+kindOpening, append(share, receipt[:]...)); err != nil {
		return nil, err
	}
	return f, nil
}

// receiveTable makes K of B.
func (f *Function) receiveTable(c *wire.Conn, kind wire.Kind) error {
	buf := make([]Element, frameSlots)
	for rest := f.table; len(rest) > 0; {
		n := min(frameSlots, len(rest))
		in, err := c.ReadExact(kind+kindTable, n*gf128.Size)
		if err != nil {
			return err
		}
		gf128.Decode(buf[:n], in)
		gf128.MulAddTo(rest[:n], buf[:n], f.delta)
		rest = rest[n:]
	}
	return nil
}

// Evaluate sets dst[i] to the function's value at keys[i]. The slices must be of one
// length and must not overlap. It runs on all cores.
func (f *Function) Evaluate(dst, keys []Element) {
	f.layout.Decode(dst, f.table, keys)
	each(len(keys), func(lo, hi int) {
		var buf [batch]Element
		hashes, sums := buf[:hi-lo], dst[lo:hi]
		hashKey.Hash(hashes, keys[lo:hi])
		gf128.MulAddTo(sums, hashes, f.delta)
		f.params.output(sums, keys[lo:hi], f.w)
	})
}
