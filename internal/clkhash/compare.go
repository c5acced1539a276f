package clkhash

import (
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// comparison cuts a value into tokens, of which alike values share most. Tokens
// are a list: one that comes twice counts twice.
type comparison interface {
	tokens(word string, out *tokens) (reason string)
}

type exact struct{}

func (exact) tokens(word string, out *tokens) string {
	if word != "" {
		out.add(word)
	}
	return ""
}

type ngram struct {
	n          int
	positional bool
}

func (c ngram) tokens(word string, out *tokens) string {
	if word == "" {
		return ""
	}
	runes := out.runes[:0]
	pad := func() {
		for range c.n - 1 {
			runes = append(runes, ' ')
		}
	}
	pad()
	for _, r := range word {
		runes = append(runes, r)
	}
	pad()
	out.runes = runes
	for i := 0; i+c.n <= len(runes); i++ {
		out.begin()
		if c.positional {
			for _, digit := range strconv.Itoa(i + 1) {
				out.put(digit)
			}
			out.put(' ')
		}
		for _, r := range runes[i : i+c.n] {
			out.put(r)
		}
		out.end()
	}
	return ""
}

// charset is how the characters of a token become bytes.
type charset int

const (
	utf8Charset charset = iota
	asciiCharset
	utf16Charset
	utf32Charset
)

var charsets = map[string]charset{"utf-8": utf8Charset, "ascii": asciiCharset, "utf-16": utf16Charset, "utf-32": utf32Charset}

// tokens collects the tokens of one value, in one piece of memory.
type tokens struct {
	charset charset
	runes   []rune // room for a padded value
	bytes   []byte
	ends    []int // of each token, in bytes
	foreign bool  // a character that the charset has not
}

func (t *tokens) reset(c charset) {
	t.charset, t.bytes, t.ends, t.foreign = c, t.bytes[:0], t.ends[:0], false
}

func (t *tokens) add(token string) {
	t.begin()
	for _, r := range token {
		t.put(r)
	}
	t.end()
}

// begin opens a token. Python's utf-16 and utf-32 put a byte order mark before
// each, and bytes in the order of the machine: that of all where it is in use.
func (t *tokens) begin() {
	switch t.charset {
	case utf16Charset, utf32Charset:
		t.put('\ufeff')
	}
}

func (t *tokens) put(r rune) {
	switch t.charset {
	case utf16Charset:
		if hi, lo := utf16.EncodeRune(r); hi != utf8.RuneError {
			t.bytes = append(t.bytes, byte(hi), byte(hi>>8), byte(lo), byte(lo>>8))
			return
		}
		t.bytes = append(t.bytes, byte(r), byte(r>>8))
	case utf32Charset:
		t.bytes = append(t.bytes, byte(r), byte(r>>8), byte(r>>16), byte(r>>24))
	default:
		t.foreign = t.foreign || t.charset == asciiCharset && r >= utf8.RuneSelf
		t.bytes = utf8.AppendRune(t.bytes, r)
	}
}

func (t *tokens) end() { t.ends = append(t.ends, len(t.bytes)) }
