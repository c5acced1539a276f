package tokenize

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"maps"
	"runtime"
	"slices"
	"sync"
	"unicode"

	"golang.org/x/text/language/display"
	"golang.org/x/text/unicode/norm"
)

// version counts changes to canonical forms, tables and the layout of a PRF's
// inputs.
const version = 2

const (
	// batchSize is how many records are worked on at once.
	batchSize = 2048
	// maxReadings bounds the tokens of one record by one rule, where several of its
	// fields have variants.
	maxReadings = 32
)

// Tokenizer makes the tokens of records. It is safe for concurrent use.
type Tokenizer struct {
	schema *Schema
	rules  []Rule
	parts  []place // the distinct parts of all rules
	uses   [][]int // of each rule, by their place in parts
	prf    PRF
	hash   [32]byte
}

// place is a part and where its field is in the schema.
type place struct {
	Part
	field int
}

// New makes a tokenizer of a schema, an ordered list of rules, the strongest
// first, and a PRF. Two rules must not have the same parts in the same order.
// A rule of nothing but fields of low entropy takes a PRF that is Oblivious, and is
// ErrLowEntropy otherwise. Errors are ErrSchema, ErrRule and ErrEpoch.
func New(s *Schema, rules []Rule, f PRF) (*Tokenizer, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	if err := f.Epoch().Validate(); err != nil {
		return nil, err
	}
	if len(rules) == 0 || len(rules) > maxRules {
		return nil, fmt.Errorf("%w: there are not 1 to %d", ErrRule, maxRules)
	}
	t := &Tokenizer{schema: &Schema{Fields: slices.Clone(s.Fields), Readings: maps.Clone(s.Readings)}, prf: f}
	for i, r := range rules {
		if len(r.Parts) == 0 || len(r.Parts) > maxParts {
			return nil, fmt.Errorf("%w: rule %d has not 1 to %d parts", ErrRule, i+1, maxParts)
		}
		var at []int
		for j, p := range r.Parts {
			if err := p.validate(s); err != nil {
				return nil, fmt.Errorf("rule %d: %w", i+1, err)
			}
			if slices.Contains(r.Parts[:j], p) {
				return nil, fmt.Errorf("%w: rule %d has the part %q twice", ErrRule, i+1, p)
			}
			at = append(at, s.index(p.Field))
		}
		if _, safe := f.(Oblivious); !safe && !slices.ContainsFunc(at, func(i int) bool { return !s.Fields[i].Kind.LowEntropy() }) {
			return nil, fmt.Errorf("rule %d: %w", i+1, ErrLowEntropy)
		}
		for j, other := range t.rules {
			if slices.Equal(other.Parts, r.Parts) {
				return nil, fmt.Errorf("%w: rules %d and %d are the same", ErrRule, j+1, i+1)
			}
		}
		t.rules = append(t.rules, Rule{Name: r.Name, Parts: slices.Clone(r.Parts)})
		t.uses = append(t.uses, t.place(r.Parts, at))
	}
	t.hash = t.configuration()
	return t, nil
}

// place returns where parts are among the distinct ones, to which it adds new ones.
func (t *Tokenizer) place(parts []Part, fields []int) []int {
	var out []int
	for i, p := range parts {
		new := place{p, fields[i]}
		at := slices.Index(t.parts, new)
		if at < 0 {
			at = len(t.parts)
			t.parts = append(t.parts, new)
		}
		out = append(out, at)
	}
	return out
}

// configuration hashes all that shapes a token but the key. Fields stand in it by
// kind and by a number in the order in which the rules first use them, so that
// their names, their order in a record, and fields that no rule uses do not
// count.
func (t *Tokenizer) configuration() [32]byte {
	b := []byte("comity tokenize configuration")
	text := func(s string) {
		b = binary.BigEndian.AppendUint32(b, uint32(len(s)))
		b = append(b, s...)
	}
	b = append(b, version)
	for _, v := range []string{unicode.Version, norm.Version, display.CLDRVersion} {
		text(v)
	}
	numbers := make(map[int]uint16)
	b = binary.BigEndian.AppendUint16(b, uint16(len(t.rules)))
	for i, r := range t.rules {
		b = binary.BigEndian.AppendUint16(b, uint16(len(r.Parts)))
		for j, p := range r.Parts {
			at := t.parts[t.uses[i][j]].field
			if _, seen := numbers[at]; !seen {
				numbers[at] = uint16(len(numbers))
			}
			b = binary.BigEndian.AppendUint16(b, numbers[at])
			text(t.schema.Fields[at].Kind.String())
			text(string(p.form))
			b = append(b, byte(p.n))
			if t.schema.Fields[at].Kind == Phone {
				text(phoneMetadata)
			}
		}
	}
	return sha256.Sum256(b)
}

// Epoch returns the key period of the tokens.
func (t *Tokenizer) Epoch() Epoch { return t.prf.Epoch() }

// Hash returns the hash of the rules, the kinds of field they use, and the
// versions of normaliser, Unicode and tables. Two tokenizers whose hashes differ
// make tokens that never meet.
func (t *Tokenizer) Hash() [32]byte { return t.hash }

// Confirmation returns a key by which two sides can find out that they hold the
// same secret: it depends on secret, epoch and Hash. It is as secret as they are
// and must not travel; psi.Binding takes it as its Key.
func (t *Tokenizer) Confirmation(ctx context.Context) ([32]byte, error) {
	key, err := t.prf.Evaluate(ctx, [][]byte{t.input(forConfirmation)})
	if err != nil {
		return [32]byte{}, err
	}
	return key[0], nil
}

// What an input of the PRF is for.
const (
	forToken byte = 1 + iota
	forConfirmation
)

// input begins an input of the PRF: a label, what it is for, the epoch, and the
// hash of the configuration.
func (t *Tokenizer) input(purpose byte) []byte {
	epoch := t.Epoch()
	if _, ok := t.prf.(*Rotatable); ok {
		epoch = "" // bound by key and derivation: the element outlives it
	}
	b := append([]byte("comity tokenize v1"), purpose, byte(len(epoch)))
	b = append(b, epoch...)
	return append(b, t.hash[:]...)
}

// Entry is one token, where it comes from, and the key period that made it.
type Entry struct {
	Row   int // of the record, from 0
	Rule  int // from 0
	Epoch Epoch
	Token Token
}

// RecordError says which record has values that cannot be read. It wraps the
// error of Schema.Normalize.
type RecordError struct {
	Row int
	Err error
}

func (e *RecordError) Error() string { return fmt.Sprintf("record %d: %v", e.Row+1, e.Err) }

// Unwrap returns the error of Schema.Normalize.
func (e *RecordError) Unwrap() error { return e.Err }

// Tokens yields the tokens of records, in order of row and rule. A record makes
// one token for each rule whose parts it has; where a field has variants, one for
// each reading, up to 32. Records are read in batches of bounded size, and all
// cores share the work.
//
// A record with values that cannot be read yields a *RecordError, and then the
// tokens of the rules that do without them. Any other error ends the sequence:
// that of the PRF, or the cause of ctx. The sequence can be ranged over as often
// as records can.
func (t *Tokenizer) Tokens(ctx context.Context, records iter.Seq[Record]) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		row := 0
		batch := make([]Record, 0, batchSize)
		shares := make([]share, runtime.GOMAXPROCS(0))
		flush := func() bool {
			ok := t.batch(ctx, row, batch, shares, yield)
			row += len(batch)
			batch = batch[:0]
			return ok
		}
		for r := range records {
			if batch = append(batch, r); len(batch) == cap(batch) && !flush() {
				return
			}
		}
		flush()
	}
}

// batch yields the tokens of a batch, in shares that are used again. It reports
// whether to go on.
func (t *Tokenizer) batch(ctx context.Context, row int, records []Record, shares []share, yield func(Entry, error) bool) bool {
	if ctx.Err() != nil {
		yield(Entry{}, context.Cause(ctx))
		return false
	}
	parts := min(len(records), len(shares))
	var wg sync.WaitGroup
	for p := range parts {
		lo, hi := p*len(records)/parts, (p+1)*len(records)/parts
		wg.Go(func() { shares[p].work(ctx, t, row+lo, records[lo:hi]) })
	}
	wg.Wait()
	for i := range parts {
		if !shares[i].yield(t.Epoch(), yield) {
			return false
		}
	}
	return true
}

// share is one core's part of a batch.
type share struct {
	fields  []Field // of one record
	inputs  inputs
	origins []origin       // of each input
	tokens  []Token        // of each input
	bad     []*RecordError // in order of row
	err     error
}

// origin says what an input was made of.
type origin struct{ row, rule int }

func (s *share) work(ctx context.Context, t *Tokenizer, row int, records []Record) {
	if s.fields == nil {
		s.fields = make([]Field, len(t.schema.Fields))
		n := len(records) * len(t.rules)
		s.origins = make([]origin, 0, n)
		s.inputs = newInputs(t, n)
	}
	s.inputs.data, s.inputs.ends, s.origins, s.bad = s.inputs.data[:0], s.inputs.ends[:0], s.origins[:0], nil
	for i, r := range records {
		whole, err := t.schema.normalizeInto(s.fields, r)
		if err != nil {
			s.bad = append(s.bad, &RecordError{Row: row + i, Err: err})
		}
		if !whole {
			continue
		}
		s.inputs.options(t, s.fields)
		for rule := range t.rules {
			for range s.inputs.add(t, rule) {
				s.origins = append(s.origins, origin{row + i, rule})
			}
		}
	}
	s.tokens, s.err = t.prf.Evaluate(ctx, s.inputs.all())
	if s.err == nil && len(s.tokens) != len(s.origins) {
		s.err = errors.New("tokenize: the PRF did not return one token an input")
	}
}

// inputs gathers the inputs of a PRF behind each other.
type inputs struct {
	head  []byte // of each of them
	data  []byte
	ends  []int      // of each input, in data
	parts [][]string // of one record, what each of the tokenizer's parts can be
	list  [][]byte
}

// usualParts is the length of an input behind its head, as most are.
const usualParts = 64

// newInputs has room for n inputs.
func newInputs(t *Tokenizer, n int) inputs {
	head := t.input(forToken)
	return inputs{
		head:  head,
		data:  make([]byte, 0, n*(len(head)+usualParts)),
		ends:  make([]int, 0, n),
		parts: make([][]string, len(t.parts)),
		list:  make([][]byte, 0, n),
	}
}

// options finds the parts of one record.
func (in *inputs) options(t *Tokenizer, fields []Field) {
	for i, p := range t.parts {
		in.parts[i] = p.options(in.parts[i][:0], &fields[p.field])
	}
}

// add adds the readings of the record under one rule and returns how many there
// are: none if a part is missing. Number, rule and length of each part keep two
// inputs from being alike.
func (in *inputs) add(t *Tokenizer, rule int) int {
	n := 1
	for _, part := range t.uses[rule] {
		n = min(n*len(in.parts[part]), maxReadings)
	}
	for reading := range n {
		in.data = append(append(in.data, in.head...), byte(rule>>8), byte(rule))
		rest := reading // its digits say which option of each part is meant
		for _, part := range t.uses[rule] {
			options := in.parts[part]
			option := options[rest%len(options)]
			rest /= len(options)
			in.data = binary.BigEndian.AppendUint32(in.data, uint32(len(option)))
			in.data = append(in.data, option...)
		}
		in.ends = append(in.ends, len(in.data))
	}
	return n
}

// all lists the inputs, until the next is added.
func (in *inputs) all() [][]byte {
	in.list = in.list[:0]
	start := 0
	for _, end := range in.ends {
		in.list = append(in.list, in.data[start:end:end])
		start = end
	}
	return in.list
}

// yield passes on errors and entries in order of row, and reports whether to go
// on.
func (s *share) yield(epoch Epoch, yield func(Entry, error) bool) bool {
	if s.err != nil {
		yield(Entry{}, s.err)
		return false
	}
	bad := s.bad
	for i, from := range s.origins {
		for len(bad) > 0 && bad[0].Row <= from.row {
			if !yield(Entry{Row: bad[0].Row}, bad[0]) {
				return false
			}
			bad = bad[1:]
		}
		if !yield(Entry{Row: from.row, Rule: from.rule, Epoch: epoch, Token: s.tokens[i]}, nil) {
			return false
		}
	}
	for _, b := range bad {
		if !yield(Entry{Row: b.Row}, b) {
			return false
		}
	}
	return true
}
