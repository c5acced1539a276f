package netsim

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// server takes connections and hands them out.
func server(t *testing.T) (addr string, conns <-chan *net.TCPConn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	accepted := make(chan *net.TCPConn, 16)
	go func() {
		defer close(accepted)
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			accepted <- c.(*net.TCPConn)
		}
	}()
	t.Cleanup(func() { ln.Close() })
	return ln.Addr().String(), accepted
}

// through returns both ends of a connection by way of a proxy.
func through(t *testing.T, seed uint64, p Profile) (x *Proxy, near, far *net.TCPConn) {
	t.Helper()
	addr, conns := server(t)
	x, err := NewProxy(addr, seed, p)
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", x.Addr())
	if err != nil {
		t.Fatal(err)
	}
	near, far = c.(*net.TCPConn), <-conns
	t.Cleanup(func() { near.Close(); far.Close(); x.Close() })
	return x, near, far
}

// records returns n of 100 bytes and their headers.
func records(n int) []byte {
	var b []byte
	for i := range n {
		b = append(b, 23, 3, 3, 0, 100)
		b = append(b, bytes.Repeat([]byte{byte(i)}, 100)...)
	}
	return b
}

func write(t *testing.T, c *net.TCPConn, p []byte) {
	t.Helper()
	if _, err := c.Write(p); err != nil {
		t.Error(err)
	}
}

func TestWhole(t *testing.T) {
	for name, p := range map[string]Profile{
		"as it comes": {},
		"all faults":  {Latency: time.Millisecond, Jitter: 2 * time.Millisecond, Bandwidth: 1 << 20, Piece: 50, Hold: time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			x, near, far := through(t, 1, p)
			up, down := records(100), records(30)
			go func() {
				write(t, near, up)
				near.CloseWrite()
			}()
			go func() {
				write(t, far, down)
				far.CloseWrite()
			}()
			for _, way := range []struct {
				to   io.Reader
				want []byte
			}{{far, up}, {near, down}} {
				got, err := io.ReadAll(way.to)
				if err != nil || !bytes.Equal(got, way.want) {
					t.Errorf("%d bytes of %d came, %v", len(got), len(way.want), err)
				}
			}
			want := []Traffic{{Bytes: [2]int64{10500, 3150}, Frames: [2]int{100, 30}}}
			if diff := cmp.Diff(want, x.Traffic()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// So much comes, and no more, and each end sees of it what the mode says.
func TestCuts(t *testing.T) {
	for _, mode := range []Mode{Close, Reset, HalfOpen, Silent} {
		for _, d := range []Direction{Up, Down} {
			for _, at := range []struct {
				frames int
				bytes  int64
				want   int
			}{{0, 0, 0}, {0, 3, 3}, {3, 0, 315}, {3, 7, 322}, {0, 250, 250}} {
				if mode == Reset && at.want == 0 {
					continue // it may come before the connection is made at this end
				}
				t.Run(fmt.Sprintf("%v/%v/%d+%d", mode, d, at.frames, at.bytes), func(t *testing.T) {
					x, near, far := through(t, 2, Profile{Piece: 40, Cuts: []Cut{{mode, d, at.frames, at.bytes}}})
					from, to := near, far
					if d == Down {
						from, to = far, near
					}
					from.Write(records(10)) // may find the connection ended
					got := make([]byte, 2000)
					to.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
					n, err := io.ReadFull(to, got)
					if mode != Reset && n != at.want || n > at.want {
						t.Errorf("%d bytes came, want %d", n, at.want)
					}
					if silent := errors.Is(err, os.ErrDeadlineExceeded); silent != (mode == HalfOpen || mode == Silent) {
						t.Errorf("the receiver sees %v", err)
					}
					from.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
					_, err = from.Read(got)
					if silent := errors.Is(err, os.ErrDeadlineExceeded); err == nil || silent != (mode == Silent) {
						t.Errorf("the sender sees %v", err)
					}
					if !x.Traffic()[0].Cut {
						t.Error("the traffic tells of no cut")
					}
				})
			}
		}
	}
}

// The first connections are cut, and a while later one is let through whole.
func TestOutage(t *testing.T) {
	x, near, far := through(t, 3, Profile{Cuts: []Cut{{Mode: Close}}, Outage: 200 * time.Millisecond})
	if _, err := near.Read(make([]byte, 1)); err == nil {
		t.Fatal("no cut")
	}
	far.Close()
	began := time.Now()
	turned := 0
	for {
		c, err := net.Dial("tcp", x.Addr())
		if err != nil {
			t.Fatal(err)
		}
		c.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
		_, err = c.Read(make([]byte, 1))
		c.Close()
		if errors.Is(err, os.ErrDeadlineExceeded) {
			break
		}
		turned++
		time.Sleep(5 * time.Millisecond)
	}
	if turned == 0 || time.Since(began) < 150*time.Millisecond {
		t.Errorf("%d connections turned away in %v", turned, time.Since(began))
	}
}

// The delays are at least what the profile says.
func TestSlow(t *testing.T) {
	for name, tt := range map[string]struct {
		p     Profile
		least time.Duration
	}{
		"latency":   {Profile{Latency: 100 * time.Millisecond}, 100 * time.Millisecond},
		"bandwidth": {Profile{Bandwidth: 105_000}, 100 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			_, near, far := through(t, 4, tt.p)
			began := time.Now()
			write(t, near, records(100))
			if _, err := io.ReadFull(far, make([]byte, 10500)); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(began); took < tt.least {
				t.Errorf("it took %v, at least %v expected", took, tt.least)
			}
		})
	}
}

// A connection that waits is overtaken by one made later.
func TestHold(t *testing.T) {
	const hold = time.Second
	held := func(seed uint64, i uint64) time.Duration { return upTo(source(seed, 3*i), hold) }
	seed := uint64(0)
	for held(seed, 0) < 9*hold/10 || held(seed, 1) > hold/10 {
		seed++
	}
	addr, conns := server(t)
	x, err := NewProxy(addr, seed, Profile{Hold: hold})
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	for i := range 2 {
		c, err := net.Dial("tcp", x.Addr())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		write(t, c.(*net.TCPConn), []byte{byte(i)})
	}
	var order []byte
	for range 2 {
		c := <-conns
		defer c.Close()
		first := make([]byte, 1)
		if _, err := io.ReadFull(c, first); err != nil {
			t.Fatal(err)
		}
		order = append(order, first...)
	}
	if !bytes.Equal(order, []byte{1, 0}) {
		t.Errorf("they came in the order %v", order)
	}
}

// The same seed draws the same, whatever the bytes come in, and another does not.
func TestReproducible(t *testing.T) {
	p := Profile{Piece: 30, Jitter: time.Second, Framing: TLSRecords}
	draw := func(seed uint64, chunks ...int) (ends []int, delays []time.Duration) {
		s := schedule{Profile: p, r: source(seed, 1)}
		at := 0
		for _, n := range chunks {
			for n > 0 {
				size, delay := s.next(n)
				n -= size
				at += size
				if s.left == 0 {
					ends = append(ends, at)
				}
				delays = append(delays, delay)
			}
		}
		return ends, delays
	}
	ends, delays := draw(5, 1000)
	again, same := draw(5, 1000)
	if !slices.Equal(ends, again) || !slices.Equal(delays, same) {
		t.Error("the same seed draws otherwise")
	}
	if len(ends) < 1000/30 {
		t.Errorf("%d pieces", len(ends))
	}
	other, _ := draw(6, 1000)
	if slices.Equal(ends, other) {
		t.Error("another seed draws the same")
	}
}

// A stream is split where the schedule says, and not more seldom.
func TestPieces(t *testing.T) {
	_, near, far := through(t, 7, Profile{Piece: 10, Latency: time.Millisecond, Jitter: 5 * time.Millisecond})
	for range 100 { // the reader may be late, and then finds several pieces together
		write(t, near, records(1))
		reads := 0
		for got := 0; got < 105; reads++ {
			n, err := far.Read(make([]byte, 1000))
			if err != nil {
				t.Fatal(err)
			}
			got += n
		}
		if reads > 1 {
			return
		}
	}
	t.Error("all came in one read, each time")
}

// A target that is not there is a connection that ends.
func TestNoTarget(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	x, err := NewProxy(ln.Addr().String(), 1, Profile{})
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	c, err := net.Dial("tcp", x.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Read(make([]byte, 1)); err == nil {
		t.Error("somebody answered")
	}
}

// Nothing is left of a proxy, whatever its connections were at.
func TestNothingLeft(t *testing.T) {
	goroutines, descriptors := resources(t)
	for _, mode := range []Mode{Whole, Close, Reset, HalfOpen, Silent} {
		for _, open := range []bool{false, true} {
			addr, conns := server(t)
			x, err := NewProxy(addr, 8, Profile{Latency: time.Millisecond, Cuts: []Cut{{Mode: mode, Bytes: 50}}})
			if err != nil {
				t.Fatal(err)
			}
			c, err := net.Dial("tcp", x.Addr())
			if err != nil {
				t.Fatal(err)
			}
			far := <-conns
			c.Write(records(1)) // may find the connection ended
			if !open {
				c.Close()
				far.Close()
			}
			x.Close()
			c.Close()
			far.Close()
		}
	}
	for range 5000 {
		if g, d := resources(t); g <= goroutines+10 && d <= descriptors+10 { // the servers, which end with the test
			return
		}
		time.Sleep(time.Millisecond)
	}
	g, d := resources(t)
	t.Errorf("%d goroutines and %d descriptors, %d and %d before", g, d, goroutines, descriptors)
}

func resources(t *testing.T) (goroutines, descriptors int) {
	t.Helper()
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil && runtime.GOOS == "linux" {
		t.Fatal(err)
	}
	return runtime.NumGoroutine(), len(fds)
}
