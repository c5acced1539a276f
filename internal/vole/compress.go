package vole

//go:generate go run -C _asm . -out ../vole_amd64.s -stubs ../stubs_amd64.go -pkg vole

// Kernels of the convolution and the expander work on rows of one element, or of
// two: the receiver multiplies two vectors by the same matrix, and when they lie
// interleaved one random access serves both.

const (
	// batch is how many steps' or outputs' random words are made at a time: few
	// enough to stay in the nearer caches. A multiple of 4.
	batch = 4096

	// head is how many steps are done one by one until the kernels take over: those
	// that have no 25 rows before them, up to a multiple of 4.
	head = 28
)

// compress multiplies by the matrix of the code. The result is the start of v. It
// gives up when stop returns an error.
func (s *shape) compress(v []Element, stop func() error) ([]Element, error) {
	e := s.encoder(stop)
	tail := v[s.m:]
	if err := e.convolve(tail, 1); err != nil {
		return nil, err
	}
	return v[:s.m:s.m], e.expand(tail, v[:s.m], nil)
}

// compressBoth multiplies v and the noise by the matrix, and returns the noise's
// product first. Both results lie where v was.
func (s *shape) compressBoth(v []Element, e *noise, stop func() error) (a, cc []Element, err error) {
	enc := s.encoder(stop)
	tail := make([]Element, 2*enc.tail)
	for i, x := range v[s.m:] {
		tail[2*i] = x
	}
	cc, a = v[:s.m:s.m], v[s.m:2*s.m:2*s.m]
	clear(a)
	for j, y := range e.values {
		if i := s.place(e, j); i < s.m {
			a[i] = y
		} else {
			tail[2*(i-s.m)+1] = y
		}
	}
	if err := enc.convolve(tail, 2); err != nil {
		return nil, nil, err
	}
	return a, cc, enc.expand(tail, cc, a)
}

// convolve runs both convolutions over rows of the given width.
func (e *encoder) convolve(z []Element, width int) error {
	buf := make([]Element, batch/4)
	for pass := range 2 {
		steps := e.tail + taps + 1
		for first := 0; first < steps; first += batch {
			if err := e.stop(); err != nil {
				return err
			}
			words(e.streams[pass], buf, first/4, 0)
			last := min(first+batch, steps)
			k := first
			for ; k < min(last, head); k++ {
				step(z, width, k, word(buf, k-first))
			}
			if n := min(last, e.tail) - k; n > 0 {
				convolve(z, width, k, n, buf[(k-first)/4:])
				k += n
			}
			for ; k < last; k++ {
				step(z, width, k, word(buf, k-first))
			}
		}
	}
	return nil
}

// step is step k of a convolution over a tail of len(z)/width rows, where k runs 25
// steps beyond the tail's end to wrap around. Bit j−1 of bits is for z_{k−j}.
func step(z []Element, width, k int, bits uint32) {
	tail := len(z) / width
	for lane := range width {
		x := &z[k%tail*width+lane]
		sum := *x
		if k > taps {
			sum = sum.Add(z[(k-taps-1)*width+lane]).TimesX()
		}
		for j := 1; j <= min(taps, k); j++ {
			if k-j < tail {
				sum = sum.Add(z[(k-j)*width+lane].Masked(uint64(bits >> (j - 1) & 1)))
			}
		}
		*x = sum
	}
}

// convolveGeneric is step for k from first on, n times, within the tail and beyond
// its first 25 rows.
func convolveGeneric(z []Element, width, first, n int, buf []Element) {
	for i := range n {
		bits := word(buf, i)
		k := (first + i) * width
		for lane := range width {
			sum := z[k+lane].Add(z[k-(taps+1)*width+lane]).TimesX()
			for j := 1; j <= taps; j++ {
				sum = sum.Add(z[k-j*width+lane].Masked(uint64(bits >> (j - 1) & 1)))
			}
			z[k+lane] = sum
		}
	}
}
