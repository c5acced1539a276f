// Package wiretest injects faults into streams of package wire's frames, for the
// tests of protocols that run over them.
package wiretest

import (
	"encoding/binary"
	"io"
	"net"
)

const headerSize = 5

// Tamper changes one frame of a stream on its way to the reader.
type Tamper struct {
	net.Conn
	// Frame is the number of the frame, from 0.
	Frame int
	// Change returns what takes the place of the frame, header included; nil ends
	// the stream there.
	Change func(frame []byte) []byte

	seen  int
	ready []byte
}

// Read reads the frames, one of them changed.
func (c *Tamper) Read(p []byte) (int, error) {
	if len(c.ready) == 0 {
		head := make([]byte, headerSize)
		if _, err := io.ReadFull(c.Conn, head); err != nil {
			return 0, err
		}
		frame := append(head, make([]byte, binary.BigEndian.Uint32(head[1:]))...)
		if _, err := io.ReadFull(c.Conn, frame[headerSize:]); err != nil {
			return 0, err
		}
		if c.seen == c.Frame {
			frame = c.Change(frame)
		}
		c.seen++
		if frame == nil {
			return 0, io.EOF
		}
		c.ready = frame
	}
	n := copy(p, c.ready)
	c.ready = c.ready[n:]
	return n, nil
}

// Payload makes a change of a frame out of one of its payload, and puts the length
// right.
func Payload(change func(payload []byte) []byte) func(frame []byte) []byte {
	return func(frame []byte) []byte {
		p := change(frame[headerSize:])
		return append(binary.BigEndian.AppendUint32([]byte{frame[0]}, uint32(len(p))), p...)
	}
}

// Changes of a frame whose payload has a byte too few, or too many.
var (
	Cut  = Payload(func(p []byte) []byte { return p[:len(p)-1] })
	Grow = Payload(func(p []byte) []byte { return append(p, 0) })
)
