package bloomlink

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
)

// # Index file, version 1
//
//	magic     8   "bloomidx"
//	version   2   big endian, as the numbers below
//	length    2   of an encoding in bits
//	rows      4
//	config   32   IndexOptions.Config
//	encodings     in the order of NewIndex, as on the wire
//	digest   32   SHA-256 of all before: for accidents, not against forgery
//
// It holds the encodings alone, for from these the rest is made again faster than
// it could be checked.
const (
	indexMagic   = "bloomidx"
	indexVersion = 1
	indexHeader  = len(indexMagic) + 2 + 2 + 4 + 32
)

// WriteTo writes the index so that OpenIndex can read it. What it writes is
// personal data, as encodings are.
func (x *Index) WriteTo(w io.Writer) (int64, error) {
	digest := sha256.New()
	out := bufio.NewWriterSize(w, 1<<16)
	all := io.MultiWriter(out, digest)
	var n int64
	write := func(b []byte) error {
		k, err := all.Write(b)
		n += int64(k)
		return err
	}
	header := []byte(indexMagic)
	header = binary.BigEndian.AppendUint16(header, indexVersion)
	header = binary.BigEndian.AppendUint16(header, uint16(x.length))
	header = binary.BigEndian.AppendUint32(header, uint32(x.Len()))
	if err := write(append(header, x.config[:]...)); err != nil {
		return n, err
	}
	var row []byte
	for _, e := range x.inOrder() {
		row = appendRow(row[:0], e)
		if err := write(row); err != nil {
			return n, err
		}
	}
	k, err := out.Write(digest.Sum(nil))
	n += int64(k)
	return n, errors.Join(err, out.Flush())
}

// inOrder returns the encodings in the order of NewIndex. They are the index's own.
func (x *Index) inOrder() []Encoding {
	xs := make([]Encoding, x.Len())
	for place, row := range x.rows {
		xs[row] = x.at(place)
	}
	return xs
}

// OpenIndex reads what WriteTo wrote. It takes memory as it reads, no more than a
// small multiple of what is there, and at most for o.MaxRows. If o has a Config or a
// Length, that of the file must be the same: ErrConfig, ErrEncoding. Other errors are
// ErrTooLarge, ErrIndex where r holds no index or a damaged one, and those of r.
func OpenIndex(r io.ReaderAt, o *IndexOptions) (*Index, error) {
	if o == nil {
		o = &IndexOptions{}
	}
	digest := sha256.New()
	file := bufio.NewReaderSize(io.NewSectionReader(r, 0, 1<<62), 1<<16)
	in := io.TeeReader(file, digest)
	header := make([]byte, indexHeader)
	if err := readIndex(in, header); err != nil {
		return nil, err
	}
	length, rows, config, err := parseIndexHeader(header, o)
	if err != nil {
		return nil, err
	}
	const batch = 1 << 10 // rows
	var xs []Encoding
	for left := rows; left > 0; left -= min(left, batch) {
		some := make([]byte, min(left, batch)*length/8)
		if err := readIndex(in, some); err != nil {
			return nil, err
		}
		xs = append(xs, parseRows(some, length/64)...)
	}
	sum := digest.Sum(nil)
	found := make([]byte, len(sum))
	if err := readIndex(file, found); err != nil {
		return nil, err
	}
	if !slices.Equal(sum, found) {
		return nil, fmt.Errorf("%w: another digest", ErrIndex)
	}
	switch _, err := file.ReadByte(); {
	case err == nil:
		return nil, fmt.Errorf("%w: bytes after the end", ErrIndex)
	case err != io.EOF:
		return nil, err
	}
	return newIndex(xs, length, config), nil
}

// readIndex fills b.
func readIndex(r io.Reader, b []byte) error {
	_, err := io.ReadFull(r, b)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: cut short", ErrIndex)
	}
	return err
}

func parseIndexHeader(in []byte, o *IndexOptions) (length, rows int, config [32]byte, err error) {
	magic, in := string(in[:len(indexMagic)]), in[len(indexMagic):]
	version := binary.BigEndian.Uint16(in)
	length = int(binary.BigEndian.Uint16(in[2:]))
	n := binary.BigEndian.Uint32(in[4:])
	copy(config[:], in[8:])
	switch {
	case magic != indexMagic:
		err = fmt.Errorf("%w: it starts differently", ErrIndex)
	case version != indexVersion:
		err = fmt.Errorf("%w: version %d, here %d", ErrIndex, version, indexVersion)
	case !validLength(length):
		err = fmt.Errorf("%w: encodings of %d bits", ErrIndex, length)
	case o.Length != 0 && o.Length != length:
		err = fmt.Errorf("%w: the index has %d bits, want %d", ErrEncoding, length, o.Length)
	case o.Config != [32]byte{} && o.Config != config:
		err = fmt.Errorf("%w: the hashes begin %x and %x", ErrConfig, o.Config[:4], config[:4])
	case n > uint32(o.maxRows()):
		err = badRows(int(n), o.maxRows())
	}
	return length, int(n), config, err
}

// Extend returns an index of what x holds and more encodings, whose rows are numbered
// on from x.Len(). x stays as it is. It takes as long as to make one of all. Errors
// are those of NewIndex.
func (x *Index) Extend(more []Encoding) (*Index, error) {
	if x.Len() > MaxRows-len(more) {
		return nil, badRows(x.Len()+len(more), MaxRows)
	}
	if err := checkLengths(more, x.length); err != nil {
		return nil, err
	}
	return newIndex(append(x.inOrder(), more...), x.length, x.config), nil
}
