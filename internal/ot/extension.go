package ot

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"hash"

	"github.com/comity-prl/comity/internal/gf128"
	"github.com/comity-prl/comity/internal/parallel"
	"github.com/comity-prl/comity/internal/wire"
)

// The extension is Roy's subspace VOLE (2022/192, Figure 8) for the repetition
// code, on top of his small-field VOLE (Figure 7) out of punctured PRFs (Figures
// 13 and 14).
//
// Δ is 128/k elements Δ_i of GF(2^k), each a k-bit string. For each, the receiver
// of transfers has 2^k random vectors r_x of bits, one bit a row; the sender has
// all of them but r_{Δ_i}. With u_i the sum of r_x, the receiver's v_i = Σ x·r_x
// and the sender's w_i = Σ (Δ_i + x)·r_x satisfy
//
//	w_i = v_i + Δ_i·u_i.
//
// The receiver sends d_i = u_i + u for the bits u that it wants, and the sender
// adds Δ_i·d_i. As u is a vector of bits, Δ_i·u is the bits of Δ_i where u is 1:
// the field's multiplication is never needed, and bit c of a row is column c.

// frameChunks is how many chunks' corrections fit a frame for every k.
const frameChunks = wire.MaxPayload / (128 * gf128.Size)

// Send makes 128·chunks rows q as the sender of transfers: q = t + u·Δ for the
// rows t and bits u of the other side, which is [Receive]. It draws Δ, which a
// malicious receiver of transfers can guess bits of only at the risk of being
// caught with probability 1/2 a bit.
func Send(c *wire.Conn, kind wire.Kind, chunks int, o *Options) (*Sent, error) {
	if o == nil {
		o = new(Options)
	}
	f, err := o.field()
	if err != nil || chunks < 1 || chunks > MaxChunks {
		return nil, ErrOptions
	}
	var out *Sent
	err = c.Run(func() (err error) {
		x := &extension{conn: c, kind: kind, field: f, checked: !o.SemiHonest, session: newSession(o.Session)}
		x.transcript = x.session.transcript()
		out, err = x.send(chunks)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Receive is the other side of [Send]: bit i of choices[j] is the u of row
// 128·j + i.
func Receive(c *wire.Conn, kind wire.Kind, choices []Element, o *Options) (*Received, error) {
	if o == nil {
		o = new(Options)
	}
	f, err := o.field()
	if err != nil || len(choices) < 1 || len(choices) > MaxChunks {
		return nil, ErrOptions
	}
	var out *Received
	err = c.Run(func() (err error) {
		x := &extension{conn: c, kind: kind, field: f, checked: !o.SemiHonest, session: newSession(o.Session)}
		x.transcript = x.session.transcript()
		out, err = x.receive(choices)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// extension is one run of the protocol, on either side.
type extension struct {
	conn       *wire.Conn
	kind       wire.Kind
	field      field
	checked    bool
	session    session
	transcript hash.Hash
}

// total is the number of chunks to make for the wanted number: the check takes
// one to mask the bits that it opens.
func (x *extension) total(chunks int) int {
	if x.checked {
		return chunks + 1
	}
	return chunks
}

func (x *extension) send(chunks int) (*Sent, error) {
	var raw [gf128.Size]byte
	rand.Read(raw[:])
	delta := gf128.FromBytes(raw[:])
	choices := make([]byte, 128)
	for i := range choices {
		choices[i] = byte(1 ^ bit(delta, i))
	}
	keys, err := baseReceive(x.conn, x.kind, choices, &x.session, x.transcript)
	if err != nil {
		return nil, err
	}
	trees, err := x.receiveTrees(delta, keys)
	if err != nil {
		return nil, err
	}
	total := x.total(chunks)
	columns := make([]Element, total*128)
	if err := parallel.Spread(x.field.instances, func(lo, hi int) error {
		for i := lo; i < hi; i++ {
			x.senderColumns(columns, trees, delta, i)
		}
		return nil
	}); err != nil {
		return nil, err
	}
	if err := x.receiveCorrections(columns, delta); err != nil {
		return nil, err
	}
	if x.checked {
		if err := x.verify(columns, delta); err != nil {
			return nil, err
		}
	}
	return &Sent{Delta: delta, session: x.session, columns: columns[:chunks*128]}, nil
}

func (x *extension) receive(choices []Element) (*Received, error) {
	keys, err := baseSend(x.conn, x.kind, 128, &x.session, x.transcript)
	if err != nil {
		return nil, err
	}
	trees, err := x.sendTrees(keys)
	if err != nil {
		return nil, err
	}
	total := x.total(len(choices))
	wanted := make([]Element, total)
	copy(wanted, choices)
	if x.checked {
		var raw [gf128.Size]byte
		rand.Read(raw[:])
		wanted[total-1] = gf128.FromBytes(raw[:])
	}
	columns := make([]Element, total*128)
	corrections := make([]Element, total*x.field.instances)
	if err := parallel.Spread(x.field.instances, func(lo, hi int) error {
		for i := lo; i < hi; i++ {
			x.receiverColumns(columns, corrections, trees, wanted, i)
		}
		return nil
	}); err != nil {
		return nil, err
	}
	if err := x.sendCorrections(corrections); err != nil {
		return nil, err
	}
	if x.checked {
		if err := x.answer(columns, wanted); err != nil {
			return nil, err
		}
	}
	return &Received{session: x.session, columns: columns[:len(choices)*128]}, nil
}

// receiverColumns fills the columns of v_i and the corrections d_i.
func (x *extension) receiverColumns(columns, corrections, trees, wanted []Element, i int) {
	f := x.field
	g := newGenerator(len(wanted))
	for j, u := range wanted {
		corrections[j*f.instances+i] = u
	}
	for leaf := range f.size {
		for j, r := range g.stream(trees[i*f.size+leaf]) {
			d := &corrections[j*f.instances+i]
			*d = d.Add(r)
			for b := range f.bits {
				if leaf>>b&1 == 1 {
					v := &columns[j*128+i*f.bits+b]
					*v = v.Add(r)
				}
			}
		}
	}
}

// senderColumns fills the columns of w_i, but for d_i. The leaf that is missing
// has the factor zero.
func (x *extension) senderColumns(columns, trees []Element, delta Element, i int) {
	f := x.field
	g := newGenerator(len(columns) / 128)
	for leaf := range f.size {
		var factor [8]uint64
		for b := range f.bits {
			factor[b] = bit(delta, i*f.bits+b) ^ uint64(leaf>>b&1)
		}
		for j, r := range g.stream(trees[i*f.size+leaf]) {
			for b := range f.bits {
				w := &columns[j*128+i*f.bits+b]
				*w = w.Add(r.Masked(factor[b]))
			}
		}
	}
}

func (x *extension) sendCorrections(d []Element) error {
	per := frameChunks * x.field.instances
	out := make([]byte, min(len(d), per)*gf128.Size)
	for len(d) > 0 {
		n := min(len(d), per)
		frame := out[:n*gf128.Size]
		gf128.Encode(frame, d[:n])
		x.transcript.Write(frame)
		if err := x.conn.Write(x.kind+kindCorrections, frame); err != nil {
			return err
		}
		d = d[n:]
	}
	return nil
}

// receiveCorrections adds Δ_i·d_i to the columns.
func (x *extension) receiveCorrections(columns []Element, delta Element) error {
	f := x.field
	var factor [128]uint64
	for c := range factor {
		factor[c] = bit(delta, c)
	}
	for len(columns) > 0 {
		n := min(len(columns)/128, frameChunks)
		in, err := x.conn.ReadExact(x.kind+kindCorrections, n*f.instances*gf128.Size)
		if err != nil {
			return err
		}
		x.transcript.Write(in)
		for j := range n {
			for c := range 128 {
				d := gf128.FromBytes(in[(j*f.instances+c/f.bits)*gf128.Size:])
				columns[j*128+c] = columns[j*128+c].Add(d.Masked(factor[c]))
			}
		}
		columns = columns[n*128:]
	}
	return nil
}

// generator turns a leaf into a vector of bits: AES-128 in counter mode.
type generator struct {
	bytes []byte
	out   []Element
}

func newGenerator(chunks int) *generator {
	return &generator{make([]byte, chunks*gf128.Size), make([]Element, chunks)}
}

// stream returns the vector of a leaf. It is valid until the next call.
func (g *generator) stream(leaf Element) []Element {
	cipherBlock, err := aes.NewCipher(leaf.AppendBytes(make([]byte, 0, gf128.Size)))
	if err != nil {
		panic("ot: " + err.Error()) // only for another length than 16 bytes
	}
	clear(g.bytes)
	cipher.NewCTR(cipherBlock, make([]byte, aes.BlockSize)).XORKeyStream(g.bytes, g.bytes)
	gf128.Decode(g.out, g.bytes)
	return g.out
}
