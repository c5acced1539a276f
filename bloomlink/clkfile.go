package bloomlink

import (
	"bufio"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/bits"
)

// CLKs are encodings as clkhash writes them and anonlink's entity service takes
// them in: bit 0 is the highest of the first byte, and the last byte is filled up
// with zeros.
type CLKs struct {
	Bits      int // of each, from 1 to MaxLength
	Encodings []Encoding
	// Blocks are the names of the blocks that each is in, or nil where there are
	// none at all.
	Blocks [][]string
}

// MaxBlocks is how many bytes of JSON the blocks of an encoding can take when read.
const MaxBlocks = 4096

func (c *CLKs) check() error {
	if c.Bits < 1 || c.Bits > MaxLength {
		return fmt.Errorf("%w: CLKs of %d bits, want 1 to %d", ErrFormat, c.Bits, MaxLength)
	}
	if c.Blocks != nil && len(c.Blocks) != len(c.Encodings) {
		return fmt.Errorf("%w: blocks of %d encodings for %d", ErrFormat, len(c.Blocks), len(c.Encodings))
	}
	return checkLengths(c.Encodings, (c.Bits+63)/64*64)
}

// appendCLK appends the bytes of an encoding's first n bits.
func appendCLK(out []byte, x Encoding, n int) []byte {
	begin := len(out)
	for _, w := range x {
		out = binary.BigEndian.AppendUint64(out, bits.Reverse64(w))
	}
	return out[:begin+(n+7)/8]
}

func parseCLK(in []byte) Encoding {
	x := make(Encoding, (len(in)+7)/8)
	for i, b := range in {
		x[i/8] |= uint64(bits.Reverse8(b)) << (i % 8 * 8)
	}
	return x
}

// WriteJSON writes the upload format of anonlink's entity service: an object with
// clks, or with clknblocks where there are blocks. Errors are ErrFormat,
// *EncodingError, or those of w.
func (c *CLKs) WriteJSON(w io.Writer) error {
	if err := c.check(); err != nil {
		return err
	}
	out := bufio.NewWriter(w)
	name := "clks"
	if c.Blocks != nil {
		name = "clknblocks"
	}
	fmt.Fprintf(out, `{"%s": [`, name)
	var raw []byte
	for i, x := range c.Encodings {
		raw = appendCLK(raw[:0], x, c.Bits)
		var item any = base64.StdEncoding.EncodeToString(raw)
		if c.Blocks != nil {
			item = append([]string{item.(string)}, c.Blocks[i]...)
		}
		text, err := json.Marshal(item)
		if err != nil {
			return err
		}
		if i > 0 {
			out.WriteString(", ")
		}
		out.Write(text)
	}
	out.WriteString("]}\n")
	return out.Flush() // with the first error of all
}

// ReadCLKs reads what WriteJSON writes, of at most maxRows encodings, in memory
// that grows with what is read. Bits is a multiple of 8: that of the bytes. Errors
// are ErrFormat, ErrTooLarge, *EncodingError where lengths differ, and those of r.
func ReadCLKs(r io.Reader, maxRows int) (*CLKs, error) {
	if maxRows < 0 || maxRows > MaxRows {
		return nil, badMaximum(maxRows)
	}
	limited := &io.LimitedReader{R: r, N: 64 + int64(maxRows+1)*(MaxBlocks+MaxLength/4)}
	d := &clkDecoder{json: json.NewDecoder(limited), maxRows: maxRows}
	c, err := d.document()
	if err != nil && limited.N == 0 {
		return nil, fmt.Errorf("%w: more than %d rows can take", ErrTooLarge, maxRows)
	}
	return c, err
}

type clkDecoder struct {
	json    *json.Decoder
	maxRows int
	clks    CLKs
}

func (d *clkDecoder) document() (*CLKs, error) {
	if err := d.delim('{'); err != nil {
		return nil, err
	}
	name, err := d.json.Token()
	if err != nil {
		return nil, badJSON(err)
	}
	switch name {
	case "clks":
	case "clknblocks", "clksnblocks": // the service has had it by both names
		d.clks.Blocks = [][]string{}
	default:
		return nil, fmt.Errorf("%w: neither clks nor clknblocks", ErrFormat)
	}
	if err := d.delim('['); err != nil {
		return nil, err
	}
	for d.json.More() {
		if len(d.clks.Encodings) == d.maxRows {
			return nil, fmt.Errorf("%w: more than %d rows", ErrTooLarge, d.maxRows)
		}
		if err := d.row(); err != nil {
			return nil, err
		}
	}
	for _, end := range []json.Delim{']', '}'} {
		if err := d.delim(end); err != nil {
			return nil, err
		}
	}
	if _, err := d.json.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: more follows", ErrFormat)
	}
	return &d.clks, nil
}

func (d *clkDecoder) delim(want json.Delim) error {
	got, err := d.json.Token()
	if err != nil {
		return badJSON(err)
	}
	if got != want {
		return fmt.Errorf("%w: not %q where it must be", ErrFormat, want)
	}
	return nil
}

func (d *clkDecoder) row() error {
	var text string
	row := len(d.clks.Encodings)
	if d.clks.Blocks == nil {
		if err := d.json.Decode(&text); err != nil {
			return badJSON(err)
		}
	} else {
		var item []string
		if err := d.json.Decode(&item); err != nil {
			return badJSON(err)
		}
		if len(item) == 0 {
			return fmt.Errorf("%w: row %d is empty", ErrFormat, row)
		}
		text = item[0]
		d.clks.Blocks = append(d.clks.Blocks, item[1:])
	}
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(raw) == 0 || len(raw) > MaxLength/8 {
		return fmt.Errorf("%w: row %d is not base64 of 1 to %d bytes", ErrFormat, row, MaxLength/8)
	}
	if row == 0 {
		d.clks.Bits = 8 * len(raw)
	}
	if 8*len(raw) != d.clks.Bits {
		return &EncodingError{Row: row, Got: 8 * len(raw), Want: d.clks.Bits}
	}
	d.clks.Encodings = append(d.clks.Encodings, parseCLK(raw))
	return nil
}

// badJSON keeps what the JSON was out of the error, as it may hold encodings.
func badJSON(err error) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return fmt.Errorf("%w: not JSON at byte %d", ErrFormat, syntax.Offset)
	case errors.As(err, &kind):
		return fmt.Errorf("%w: not what is wanted at byte %d", ErrFormat, kind.Offset)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return ErrTruncated
	}
	return err
}

// WriteBinary writes the bytes of each encoding, one after the other, and nothing
// else: what the entity service takes in with the headers Hash-Count and
// Hash-Size, which are the number of encodings and of the bytes of one. Blocks are
// left out. Errors are as those of WriteJSON.
func (c *CLKs) WriteBinary(w io.Writer) error {
	if err := c.check(); err != nil {
		return err
	}
	out := bufio.NewWriter(w)
	var raw []byte
	for _, x := range c.Encodings {
		raw = appendCLK(raw[:0], x, c.Bits)
		out.Write(raw)
	}
	return out.Flush() // with the first error of all
}

// ReadCLKBinary reads what WriteBinary writes: count encodings of size bytes, from
// 1 to MaxLength/8, and no more, in memory that grows with what is read. Errors are
// ErrFormat, ErrTooLarge, ErrTruncated, and those of r.
func ReadCLKBinary(r io.Reader, count, size int) (*CLKs, error) {
	if count < 0 || count > MaxRows {
		return nil, badMaximum(count)
	}
	if size < 1 || size > MaxLength/8 {
		return nil, fmt.Errorf("%w: CLKs of %d bytes, want 1 to %d", ErrFormat, size, MaxLength/8)
	}
	c := &CLKs{Bits: 8 * size}
	in := bufio.NewReader(r)
	raw := make([]byte, size)
	for range count {
		if _, err := io.ReadFull(in, raw); errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, ErrTruncated
		} else if err != nil {
			return nil, err
		}
		c.Encodings = append(c.Encodings, parseCLK(raw))
	}
	if _, err := in.ReadByte(); err == nil {
		return nil, fmt.Errorf("%w: more than %d encodings", ErrFormat, count)
	} else if !errors.Is(err, io.EOF) {
		return nil, err
	}
	return c, nil
}
