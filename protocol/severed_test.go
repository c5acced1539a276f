package protocol

import (
	"io"
	"net"
	"sync"
)

// severed is a connection that breaks once so many bytes have been written to it or
// read from it; negative: never. The bytes up to then pass.
type severed struct {
	net.Conn
	mu          sync.Mutex
	write, read int
	deaf        bool // what it breaks off from does not notice
	broken      bool
}

func (s *severed) pass(left *int, n int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken || *left < 0 {
		if s.broken {
			return 0
		}
		return n
	}
	n = min(n, *left)
	*left -= n
	return n
}

func (s *severed) sever() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken = true
	if !s.deaf {
		_ = s.Conn.Close()
	}
}

func (s *severed) Write(p []byte) (int, error) {
	n := s.pass(&s.write, len(p))
	k, err := s.Conn.Write(p[:n])
	if err == nil && n < len(p) {
		s.sever()
		err = io.ErrClosedPipe
	}
	return k, err
}

func (s *severed) Read(p []byte) (int, error) {
	n, err := s.Conn.Read(p)
	if k := s.pass(&s.read, n); err == nil && k < n {
		s.sever()
		return k, io.ErrUnexpectedEOF
	}
	return n, err
}

func (s *severed) CloseWrite() error { return s.Conn.(*net.TCPConn).CloseWrite() }

// wrapped makes of each connection of a listener another one.
type wrapped struct {
	net.Listener
	wrap func(net.Conn) net.Conn
}

func (w wrapped) Accept() (net.Conn, error) {
	c, err := w.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return w.wrap(c), nil
}
