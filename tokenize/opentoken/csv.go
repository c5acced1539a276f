package opentoken

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
)

// ErrFile says that a file cannot be read on: it is no CSV, has a record that is too
// long, or lacks a column.
var ErrFile = errors.New("opentoken: unusable file")

// RowError says that one row of a file of tokens is bad. The rows after it are as
// good as ever.
type RowError struct {
	Line int
	Err  error // ErrToken, or that the rule is not known
}

func (e *RowError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }

// Unwrap returns the cause.
func (e *RowError) Unwrap() error { return e.Err }

// personColumns are the names that columns of persons have, in any case.
var personColumns = []struct {
	names []string
	field func(*Person) *string
}{
	{[]string{"RecordId", "Id"}, func(p *Person) *string { return &p.RecordID }},
	{[]string{"FirstName", "GivenName"}, func(p *Person) *string { return &p.FirstName }},
	{[]string{"LastName", "Surname"}, func(p *Person) *string { return &p.LastName }},
	{[]string{"PostalCode", "ZipCode"}, func(p *Person) *string { return &p.PostalCode }},
	{[]string{"Sex", "Gender"}, func(p *Person) *string { return &p.Sex }},
	{[]string{"BirthDate"}, func(p *Person) *string { return &p.BirthDate }},
	{[]string{"SocialSecurityNumber", "NationalIdentificationNumber"}, func(p *Person) *string { return &p.SocialSecurityNumber }},
}

// ReadPersons reads OpenToken's input: CSV with a header. Other columns are ignored;
// those that are not there are missing in every person. Errors are ErrFile and end
// the sequence, which is ranged over once.
func ReadPersons(r io.Reader) iter.Seq2[Person, error] {
	return func(yield func(Person, error) bool) {
		t, err := newTable(r)
		if err != nil {
			yield(Person{}, err)
			return
		}
		at := make([]int, len(personColumns))
		known := false
		for i, c := range personColumns {
			if at[i], err = t.column(c.names...); err != nil {
				yield(Person{}, err)
				return
			}
			known = known || i > 0 && at[i] >= 0
		}
		if !known {
			yield(Person{}, fmt.Errorf("%w: no column has a name that OpenToken knows", ErrFile))
			return
		}
		for {
			row, err := t.next()
			if errors.Is(err, io.EOF) {
				return
			}
			var p Person
			for i, c := range personColumns {
				if err == nil && at[i] >= 0 {
					*c.field(&p) = row[at[i]]
				}
			}
			if !yield(p, err) || err != nil {
				return
			}
		}
	}
}

// ReadTokens reads OpenToken's output: CSV with the columns RecordId, RuleId and
// Token. A cipher opens tokens; nil is for those that were not encrypted. 64 zeros
// are a Blank entry. A bad row is a *RowError, and the sequence goes on; it ends with
// an ErrFile. It is ranged over once.
func ReadTokens(r io.Reader, c *Cipher) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		t, err := newTable(r)
		if err != nil {
			yield(Entry{}, err)
			return
		}
		var at [3]int
		for i, names := range [][]string{{"RecordId"}, {"RuleId"}, {"Token", "TokenId"}} {
			if at[i], err = t.column(names...); err == nil && at[i] < 0 {
				err = fmt.Errorf("%w: there is no column %q", ErrFile, names[0])
			}
			if err != nil {
				yield(Entry{}, err)
				return
			}
		}
		for {
			row, err := t.next()
			switch {
			case errors.Is(err, io.EOF):
				return
			case err != nil:
				yield(Entry{}, err)
				return
			}
			e, err := entry(row[at[0]], row[at[1]], row[at[2]], c)
			if err != nil {
				line, _ := t.csv.FieldPos(0)
				err = &RowError{line, err}
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

var errRule = errors.New("opentoken: not one of the rules T1 to T5")

// blankText is what OpenToken writes where there is no token. It does not encrypt it.
var blankText = strings.Repeat("0", 64)

func entry(id, rule, token string, c *Cipher) (e Entry, err error) {
	e.RecordID = id
	if len(rule) != 2 || rule[0] != 'T' || rule[1] < '1' || rule[1] > '0'+Rules {
		return e, errRule
	}
	e.Rule = Rule(rule[1] - '0')
	switch {
	case token == blankText:
		e.Blank = true
	case c == nil:
		e.Token, err = decode([]byte(token))
	default:
		e.Token, err = c.Open(token)
	}
	return e, err
}

// Writer writes entries as OpenToken does: CSV with the columns RecordId, RuleId and
// Token.
type Writer struct {
	csv    *csv.Writer
	cipher *Cipher
	begun  bool
}

// NewWriter writes to w, and encrypts tokens unless the cipher is nil.
func NewWriter(w io.Writer, c *Cipher) *Writer {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	return &Writer{csv: out, cipher: c}
}

// Write writes one entry.
func (w *Writer) Write(e Entry) error {
	if err := w.begin(); err != nil {
		return err
	}
	text := blankText
	switch {
	case e.Blank:
	case w.cipher == nil:
		text = string(encode(e.Token))
	default:
		text = w.cipher.Seal(e.Token)
	}
	return w.csv.Write([]string{e.RecordID, e.Rule.String(), text})
}

func (w *Writer) begin() error {
	if w.begun {
		return nil
	}
	w.begun = true
	return w.csv.Write([]string{"RecordId", "RuleId", "Token"})
}

// Flush writes what is left, and the header if there was no entry.
func (w *Writer) Flush() error {
	if err := w.begin(); err != nil {
		return err
	}
	w.csv.Flush()
	return w.csv.Error()
}

// maxRecord bounds a record of a file, in bytes, with what a buffer reads ahead.
const maxRecord = 1 << 20

// table is a CSV file with a header.
type table struct {
	csv    *csv.Reader
	bound  *bound
	header []string
}

func newTable(r io.Reader) (*table, error) {
	in := bufio.NewReader(r)
	if mark, _ := in.Peek(3); string(mark) == "\ufeff" {
		in.Discard(len(mark)) // a byte order mark is there: it was peeked at
	}
	t := &table{bound: &bound{r: in}}
	t.csv = csv.NewReader(t.bound)
	t.csv.ReuseRecord = true
	header, err := t.next()
	switch {
	case errors.Is(err, io.EOF):
		return nil, fmt.Errorf("%w: no header", ErrFile)
	case err != nil:
		return nil, err
	}
	t.header = slices.Clone(header)
	return t, nil
}

// column returns the place of the column of one of the names, or -1.
func (t *table) column(names ...string) (int, error) {
	at := -1
	for i, h := range t.header {
		if !slices.ContainsFunc(names, func(name string) bool { return strings.EqualFold(name, h) }) {
			continue
		}
		if at >= 0 {
			return 0, fmt.Errorf("%w: two columns for %q", ErrFile, names[0])
		}
		at = i
	}
	return at, nil
}

// next returns the next row, which is good until the one after it. Errors but io.EOF
// are ErrFile.
func (t *table) next() ([]string, error) {
	t.bound.left = maxRecord
	row, err := t.csv.Read()
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: %w", ErrFile, err)
	}
	return row, err
}

// bound reads a bounded number of bytes.
type bound struct {
	r    io.Reader
	left int
}

var errLong = fmt.Errorf("a record of more than %d bytes", maxRecord)

func (b *bound) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errLong
	}
	n, err := b.r.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}
