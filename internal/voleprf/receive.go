package voleprf

import (
	"crypto/rand"
	"crypto/sha256"

	"github.com/comity-prl/comity/internal/gf128"
	"github.com/comity-prl/comity/internal/okvs"
	"github.com/comity-prl/comity/internal/vole"
	"github.com/comity-prl/comity/internal/wire"
)

// Receive takes the receiver's part and returns the function's values at keys, which
// must be distinct, in their order.
func Receive(c *wire.Conn, kind wire.Kind, keys []Element, p *Params) ([]Element, error) {
	var seed [gf128.Size]byte
	rand.Read(seed[:])
	layout, err := okvs.NewLayout(p.Keys, p.Lambda, gf128.FromBytes(seed[:]))
	if err != nil {
		return nil, err
	}
	var commitment [sha256.Size]byte
	if !p.SemiHonest {
		in, err := c.ReadExact(kind+kindCommitment, len(commitment))
		if err != nil {
			return nil, err
		}
		copy(commitment[:], in)
	}
	// The table does not depend on the vectors, so that both are made at once.
	hashes := make([]Element, len(keys))
	var a, cc, table []Element
	err = c.Run(
		func() (err error) { a, cc, err = vole.Receive(c, kind, layout.Len(), p.vole()); return err },
		func() (err error) {
			each(len(keys), func(lo, hi int) { hashKey.Hash(hashes[lo:hi], keys[lo:hi]) })
			table, err = layout.Encode(c.Context(), keys, hashes)
			return err
		},
	)
	if err != nil {
		return nil, err
	}
	gf128.AddTo(table, a)
	seeds := append(seed[:], p.newShare()...)
	opening := make([]byte, p.shareSize()+sha256.Size)
	values := hashes // which are of no more use
	err = c.Run(
		func() error { return sendTable(c, kind, seeds, table) },
		func() error { layout.Decode(values, cc, keys); return nil },
		func() error {
			in, err := c.ReadExact(kind+kindOpening, len(opening))
			copy(opening, in)
			return err
		},
	)
	if err != nil {
		return nil, err
	}
	share, receipt := opening[:p.shareSize()], opening[p.shareSize():]
	if !p.SemiHonest && p.commitment(share) != commitment {
		return nil, ErrCommitment
	}
	if p.receipt(seeds) != [sha256.Size]byte(receipt) {
		return nil, ErrSeeds
	}
	w := p.joined(share, seeds[gf128.Size:])
	each(len(keys), func(lo, hi int) { p.output(values[lo:hi], keys[lo:hi], w) })
	return values, nil
}

func sendTable(c *wire.Conn, kind wire.Kind, seeds []byte, table []Element) error {
	if err := c.Write(kind+kindSeeds, seeds); err != nil {
		return err
	}
	buf := make([]byte, frameSlots*gf128.Size)
	for len(table) > 0 {
		n := min(frameSlots, len(table))
		gf128.Encode(buf, table[:n])
		if err := c.Write(kind+kindTable, buf[:n*gf128.Size]); err != nil {
			return err
		}
		table = table[n:]
	}
	return nil
}
