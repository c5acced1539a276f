package main

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"
)

const (
	// maxRecord bounds one record of a CSV file, in bytes, so that a quote that is
	// never closed does not read the whole file into one field.
	maxRecord = 1 << 20
	// maxHeader is how much of a file is looked at to find out the delimiter.
	maxHeader = 64 << 10
)

// csvFile reads a CSV file: a header line, then records of as many fields, UTF-8
// with or without a byte order mark, separated by commas, semicolons or tabs.
type csvFile struct {
	path   string
	header []string // without spaces at either end; no two are the same to sameName

	file   *os.File
	source *boundedReader
	reader *csv.Reader
	line   int // where the last good record starts
}

func openCSV(path string) (*csvFile, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	f := &csvFile{path: path, file: file}
	if err := f.readHeader(); err != nil {
		file.Close()
		return nil, err
	}
	return f, nil
}

func (f *csvFile) Close() error { return f.file.Close() }

func (f *csvFile) readHeader() error {
	buffered := bufio.NewReaderSize(f.file, maxHeader)
	start, err := buffered.Peek(maxHeader)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if bytes.HasPrefix(start, []byte("\xff\xfe")) || bytes.HasPrefix(start, []byte("\xfe\xff")) {
		return inputf(f.path, "the file is UTF-16: save it as CSV in UTF-8")
	}
	if mark := []byte("\ufeff"); bytes.HasPrefix(start, mark) {
		start = start[len(mark):]
		if _, err := buffered.Discard(len(mark)); err != nil {
			return err
		}
	}
	f.source = &boundedReader{r: buffered}
	f.reader = csv.NewReader(f.source)
	f.reader.Comma = delimiter(start)
	header, _, err := f.next()
	if errors.Is(err, io.EOF) {
		return inputf(f.path, "the file is empty: it needs a header line with the names of the columns")
	}
	if err != nil {
		return err
	}
	for i := range header {
		header[i] = strings.TrimSpace(header[i])
		for j := range i {
			if sameName(header[i], header[j]) {
				return inputf(f.path, "line 1: columns %d and %d have the same name: rename one", j+1, i+1)
			}
		}
	}
	f.header = header
	return nil
}

// delimiter returns the one that occurs most often in the first line.
func delimiter(start []byte) rune {
	line, _, _ := bytes.Cut(start, []byte("\n"))
	best := ','
	for _, d := range ";\t" {
		if bytes.Count(line, []byte(string(d))) > bytes.Count(line, []byte(string(best))) {
			best = d
		}
	}
	return best
}

// next returns the next record and the line that it starts on, or io.EOF. The
// records may be kept.
func (f *csvFile) next() (record []string, line int, err error) {
	f.source.allow(f.reader.InputOffset())
	record, err = f.reader.Read()
	if err != nil {
		return nil, 0, f.explain(err)
	}
	for i, value := range record {
		if !utf8.ValidString(value) {
			return nil, 0, f.notUTF8(i, value)
		}
	}
	f.line, _ = f.reader.FieldPos(0)
	return record, f.line, nil
}

// explain names where in the file the parser stopped.
func (f *csvFile) explain(err error) error {
	var parse *csv.ParseError
	switch {
	case errors.Is(err, errLongRecord):
		return inputf(f.path, "after line %d: a record is longer than %d bytes: is a quote not closed?", f.line, maxRecord)
	case !errors.As(err, &parse):
		return err
	case errors.Is(err, csv.ErrFieldCount):
		return inputf(f.path, "line %d: the record has not as many fields as the header", parse.StartLine)
	case errors.Is(err, csv.ErrBareQuote), errors.Is(err, csv.ErrQuote):
		return inputf(f.path, "line %d, column %d: a quote out of place: a field that holds quotes is quoted, and each quote in it doubled",
			parse.Line, parse.Column)
	}
	return inputf(f.path, "line %d, column %d: malformed CSV", parse.Line, parse.Column)
}

// notUTF8 names the field that is not valid UTF-8, by its column and where it
// stands. Quotes and line breaks within the field are not counted in the column.
func (f *csvFile) notUTF8(field int, value string) error {
	good := 0
	for good < len(value) {
		r, n := utf8.DecodeRuneInString(value[good:])
		if r == utf8.RuneError && n == 1 {
			break
		}
		good += n
	}
	line, column := f.reader.FieldPos(field)
	line += strings.Count(value[:good], "\n")
	where := fmt.Sprintf("line %d, column %d", line, column+good)
	if f.header != nil {
		where += fmt.Sprintf(" (%q)", f.header[field])
	}
	return inputf(f.path, "%s: not valid UTF-8: save the file as CSV in UTF-8", where)
}

var errLongRecord = errors.New("record too long")

// boundedReader fails once more than a record's worth of bytes is read beyond
// what allow was told.
type boundedReader struct {
	r           io.Reader
	read, limit int64
}

func (b *boundedReader) allow(from int64) { b.limit = from + maxRecord }

func (b *boundedReader) Read(p []byte) (int, error) {
	if b.read >= b.limit {
		return 0, errLongRecord
	}
	n, err := b.r.Read(p)
	b.read += int64(n)
	return n, err
}

// sameName reports whether two names of columns differ in nothing but case,
// spaces, underscores and the like.
func sameName(a, b string) bool { return foldName(a) == foldName(b) }
