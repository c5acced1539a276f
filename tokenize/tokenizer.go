package tokenize

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
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
	fields [][]int // of each rule's parts, by their place in the schema
	prf    PRF
	hash   [32]byte
}

// New makes a tokenizer of a schema, an ordered list of rules, the strongest
// first, and a PRF. Two rules must not have the same parts in the same order.
// Errors are ErrSchema, ErrRule and ErrEpoch.
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
	t := &Tokenizer{schema: &Schema{Fields: slices.Clone(s.Fields)}, prf: f}
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
		for j, other := range t.rules {
			if slices.Equal(other.Parts, r.Parts) {
				return nil, fmt.Errorf("%w: rules %d and %d are the same", ErrRule, j+1, i+1)
			}
		}
		t.rules = append(t.rules, Rule{Name: r.Name, Parts: slices.Clone(r.Parts)})
		t.fields = append(t.fields, at)
	}
	t.hash = t.configuration()
	return t, nil
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
			at := t.fields[i][j]
			if _, seen := numbers[at]; !seen {
				numbers[at] = uint16(len(numbers))
			}
			b = binary.BigEndian.AppendUint16(b, numbers[at])
			text(t.schema.Fields[at].Kind.String())
			text(string(p.form))
			b = append(b, byte(p.n))
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
	b := append([]byte("comity tokenize v1"), purpose, byte(len(t.Epoch())))
	b = append(b, t.Epoch()...)
	return append(b, t.hash[:]...)
}

// Entry is one token and where it comes from.
type Entry struct {
	Row   int // of the record, from 0
	Rule  int // from 0
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
		flush := func() bool {
			ok := t.batch(ctx, row, batch, yield)
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

// batch yields the tokens of a batch. It reports whether to go on.
func (t *Tokenizer) batch(ctx context.Context, row int, records []Record, yield func(Entry, error) bool) bool {
	if ctx.Err() != nil {
		yield(Entry{}, context.Cause(ctx))
		return false
	}
	parts := min(len(records), runtime.GOMAXPROCS(0))
	shares := make([]share, parts)
	var wg sync.WaitGroup
	for p := range parts {
		lo, hi := p*len(records)/parts, (p+1)*len(records)/parts
		wg.Go(func() { shares[p].work(ctx, t, row+lo, records[lo:hi]) })
	}
	wg.Wait()
	for i := range shares {
		if !shares[i].yield(yield) {
			return false
		}
	}
	return true
}

// share is one core's part of a batch.
type share struct {
	entries []Entry
	bad     []*RecordError // in order of row
	err     error
}

func (s *share) work(ctx context.Context, t *Tokenizer, row int, records []Record) {
	inputs := make([][]byte, 0, len(records)*len(t.rules))
	s.entries = make([]Entry, 0, cap(inputs))
	w := writer{prefix: t.input(forToken)}
	for i, r := range records {
		fields, err := t.schema.Normalize(r)
		if err != nil {
			s.bad = append(s.bad, &RecordError{Row: row + i, Err: err})
		}
		if fields == nil {
			continue
		}
		for rule := range t.rules {
			before := len(inputs)
			inputs = t.readings(inputs, &w, rule, fields)
			for range inputs[before:] {
				s.entries = append(s.entries, Entry{Row: row + i, Rule: rule})
			}
		}
	}
	tokens, err := t.prf.Evaluate(ctx, inputs)
	if err == nil && len(tokens) != len(inputs) {
		err = errors.New("tokenize: the PRF did not return one token an input")
	}
	if s.err = err; err != nil {
		return
	}
	for i, token := range tokens {
		s.entries[i].Token = token
	}
}

// writer makes the inputs of a PRF in large pieces of memory.
type writer struct {
	prefix []byte
	space  []byte
	parts  []string // of the rule at hand
}

// readings appends the PRF's inputs for one record under one rule: none if a part
// is missing. Number, rule and length of each part keep two inputs from being
// alike.
func (t *Tokenizer) readings(inputs [][]byte, w *writer, rule int, fields []Field) [][]byte {
	w.parts = w.parts[:0]
	var starts, heads [maxParts]int // of each part: its options in w.parts; the readings before it
	n, longest := 1, len(w.prefix)+2
	for i, p := range t.rules[rule].Parts {
		start := len(w.parts)
		w.parts = p.options(w.parts, &fields[t.fields[rule][i]])
		if len(w.parts) == start {
			return inputs
		}
		size := 0
		for _, option := range w.parts[start:] {
			size = max(size, len(option))
		}
		longest += 4 + size
		heads[i] = n
		n = min(n*(len(w.parts)-start), maxReadings)
		starts[i] = start
	}
	for reading := range n {
		if cap(w.space)-len(w.space) < longest {
			w.space = make([]byte, 0, max(longest, 64<<10))
		}
		start := len(w.space)
		b := append(w.space, w.prefix...)
		b = append(b, byte(rule>>8), byte(rule))
		// The first part's options take turns fastest.
		for i := range t.rules[rule].Parts {
			at := reading
			for j := len(t.rules[rule].Parts) - 1; j > i; j-- {
				at %= heads[j]
			}
			option := w.parts[starts[i]+at/heads[i]]
			b = binary.BigEndian.AppendUint32(b, uint32(len(option)))
			b = append(b, option...)
		}
		w.space = b
		inputs = append(inputs, b[start:len(b):len(b)])
	}
	return inputs
}

// yield passes on errors and entries in order of row, and reports whether to go
// on.
func (s *share) yield(yield func(Entry, error) bool) bool {
	if s.err != nil {
		yield(Entry{}, s.err)
		return false
	}
	bad := s.bad
	for _, e := range s.entries {
		for len(bad) > 0 && bad[0].Row <= e.Row {
			if !yield(Entry{Row: bad[0].Row}, bad[0]) {
				return false
			}
			bad = bad[1:]
		}
		if !yield(e, nil) {
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
