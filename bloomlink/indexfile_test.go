package bloomlink

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"testing/iotest"
)

func written(t testing.TB, x *Index) []byte {
	t.Helper()
	var file bytes.Buffer
	n, err := x.WriteTo(&file)
	if err != nil || n != int64(file.Len()) {
		t.Fatalf("%d bytes said, %d written: %v", n, file.Len(), err)
	}
	return file.Bytes()
}

// An index that was written and read back, or extended, is as if it were new.
func TestIndexFile(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	for _, length := range []int{64, 1024, 8192} {
		for _, n := range []int{0, 1, 255, 256, 257} {
			xs := random(r, n, length)
			o := &IndexOptions{Length: length, Config: [32]byte{1, 2, 3}}
			x, err := NewIndex(xs, o)
			if err != nil {
				t.Fatal(err)
			}
			got, err := OpenIndex(bytes.NewReader(written(t, x)), o)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(x, got) {
				t.Fatalf("%d rows of %d bits differ when read back", n, length)
			}
			half, err := NewIndex(xs[:n/2], o)
			if err != nil {
				t.Fatal(err)
			}
			before := written(t, half)
			got, err = half.Extend(xs[n/2:])
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(x, got) {
				t.Fatalf("%d rows of %d bits differ when extended", n, length)
			}
			if !bytes.Equal(before, written(t, half)) {
				t.Error("an index changed as it was extended")
			}
			other := random(r, 100, length)
			y, err := NewIndex(other, o)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(joined(t, x, y, 0.6, nil), joined(t, got, y, 0.6, nil)) {
				t.Error("other pairs")
			}
		}
	}
}

func TestOpenIndexRefuses(t *testing.T) {
	config := [32]byte{7}
	x, err := NewIndex([]Encoding{{1}, {2}, {3}}, &IndexOptions{Config: config})
	if err != nil {
		t.Fatal(err)
	}
	good := written(t, x)
	change := func(at int, b ...byte) []byte {
		bad := slices.Clone(good)
		copy(bad[at:], b)
		return bad
	}
	for name, tt := range map[string]struct {
		file []byte
		o    *IndexOptions
		want error
	}{
		"magic":         {change(0, 'B'), nil, ErrIndex},
		"version":       {change(8, 0, 2), nil, ErrIndex},
		"length 0":      {change(10, 0, 0), nil, ErrIndex},
		"length 65":     {change(10, 0, 65), nil, ErrIndex},
		"length 65472":  {change(10, 0xff, 0xc0), nil, ErrIndex},
		"rows":          {change(12, 0, 0, 0, 4), nil, ErrIndex},
		"fewer rows":    {change(12, 0, 0, 0, 2), nil, ErrIndex},
		"all rows":      {change(12, 0x40, 0, 0, 0), nil, ErrIndex},
		"too many rows": {change(12, 0x40, 0, 0, 1), nil, ErrTooLarge},
		"most rows":     {change(12, 0xff, 0xff, 0xff, 0xff), nil, ErrTooLarge},
		"a bit":         {change(indexHeader, good[indexHeader]^1), nil, ErrIndex},
		"config bit":    {change(16, 8), nil, ErrIndex},
		"more":          {append(slices.Clone(good), 0), nil, ErrIndex},
		"other config":  {good, &IndexOptions{Config: [32]byte{8}}, ErrConfig},
		"other length":  {good, &IndexOptions{Length: 128}, ErrEncoding},
		"maximum":       {good, &IndexOptions{MaxRows: 2}, ErrTooLarge},
	} {
		if _, err := OpenIndex(bytes.NewReader(tt.file), tt.o); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
	for n := range good {
		if _, err := OpenIndex(bytes.NewReader(good[:n]), nil); !errors.Is(err, ErrIndex) {
			t.Errorf("the first %d bytes: %v, want %v", n, err, ErrIndex)
		}
	}
	if _, err := OpenIndex(failing{}, nil); !errors.Is(err, iotest.ErrTimeout) {
		t.Errorf("%v, want the reader's", err)
	}
	if _, err := x.WriteTo(writeFails{}); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("%v, want the writer's", err)
	}
	var at *EncodingError
	if _, err := x.Extend([]Encoding{{1}, {1, 2}}); !errors.As(err, &at) || at.Row != 1 {
		t.Errorf("%v, want row 1", err)
	}
}

type failing struct{}

func (failing) ReadAt([]byte, int64) (int, error) { return 0, iotest.ErrTimeout }

type writeFails struct{}

func (writeFails) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

// A claim of many rows takes no memory that the file does not back.
func TestOpenIndexTakesMemoryAsItReads(t *testing.T) {
	header := append([]byte(indexMagic), 0, indexVersion, 0x20, 0, 0x40, 0, 0, 0)
	header = append(header, make([]byte, 32)...)
	per := testing.AllocsPerRun(1, func() {
		if _, err := OpenIndex(bytes.NewReader(header), nil); !errors.Is(err, ErrIndex) {
			t.Error(err)
		}
	})
	if per > 50 {
		t.Errorf("%v allocations", per)
	}
}

func FuzzOpenIndex(f *testing.F) {
	x, err := NewIndex([]Encoding{{1, 2}, {3, 4}, {0, 0}}, &IndexOptions{Config: [32]byte{9}})
	if err != nil {
		f.Fatal(err)
	}
	good := written(f, x)
	f.Add(good)
	f.Add(good[:len(good)-40])
	f.Add(append(slices.Clone(good), 1))
	f.Add([]byte(indexMagic))
	for _, at := range []int{8, 10, 12, 16, indexHeader} {
		bad := slices.Clone(good)
		bad[at] ^= 1
		f.Add(bad)
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		x, err := OpenIndex(bytes.NewReader(file), &IndexOptions{MaxRows: 1 << 20})
		if err != nil {
			if !errors.Is(err, ErrIndex) && !errors.Is(err, ErrTooLarge) {
				t.Fatal(err)
			}
			return
		}
		if !bytes.Equal(file, written(t, x)) {
			t.Error("what was read is not what is written")
		}
		if n := binary.BigEndian.Uint32(file[12:]); x.Len() != int(n) {
			t.Errorf("%d rows of %d", x.Len(), n)
		}
	})
}
