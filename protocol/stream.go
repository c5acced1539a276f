package protocol

import (
	"errors"
	"fmt"
	"io"
	"time"
)

// stream is the byte stream of one run, in data frames. What runs over it sees
// neither frames nor signs of life.
type stream struct {
	*flow
	rest    []byte // of the data frame at hand
	readErr error  // what ended reading

	// say and hear, if set, come before the first Write and the first Read that follow.
	say, hear func() error
}

func (s *stream) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if s.hear != nil {
		if err := s.hear(); err != nil {
			s.readErr = err
			return 0, ended(err)
		}
		s.hear = nil
	}
	if len(s.rest) == 0 {
		data, err := s.read(frameData)
		if err != nil {
			s.readErr = err
			return 0, ended(err)
		}
		s.rest = data
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

// ended marks what the peer did as an end of the stream, so that the inner
// protocol does not answer it.
func ended(err error) error {
	var aborted *AbortError
	if errors.As(err, &aborted) || errors.Is(err, ErrHangUp) {
		return fmt.Errorf("%w: %w", io.ErrUnexpectedEOF, err)
	}
	return err
}

func (s *stream) Write(p []byte) (int, error) {
	if s.say != nil {
		if err := s.say(); err != nil {
			return 0, err
		}
		s.say = nil
	}
	for n := 0; n < len(p); n += maxData {
		if err := s.write(frameData, p[n:min(n+maxData, len(p))]); err != nil {
			return n, err
		}
	}
	return len(p), nil
}

// The inner protocol's deadlines.

func (s *stream) SetDeadline(t time.Time) error {
	return errors.Join(s.SetReadDeadline(t), s.SetWriteDeadline(t))
}
func (s *stream) SetReadDeadline(t time.Time) error {
	s.reads.set(t)
	return nil
}
func (s *stream) SetWriteDeadline(t time.Time) error {
	s.writes.set(t)
	return nil
}
