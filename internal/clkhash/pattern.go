package clkhash

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// What Python's classes are in patterns of text, for use within brackets.
const (
	spaceClass = `\t-\r\x1c-\x20\x85\p{Z}`
	digitClass = `\p{Nd}`
	wordClass  = `\p{L}\p{N}_`
)

// patternOf reads a regular expression of Python that a whole value must match.
// What needs backtracking, which is to say a look around or a group's text again,
// is refused: an expression must not decide how long a value takes.
func patternOf(v value) pattern {
	t := translator{rest: v.text("")}
	re, err := regexp.Compile(`^(?:` + t.all() + `)\z`)
	if t.err != nil {
		err = t.err
	}
	if err != nil {
		v.fail("%v", err)
	}
	return pattern{re}
}

// translator writes an expression of Python (docs.python.org/3.11/library/re) as
// one of package regexp.
type translator struct {
	rest string
	out  strings.Builder
	err  error
}

func (t *translator) refuse(what string) {
	if t.err == nil {
		t.err = fmt.Errorf("cannot use %s in a pattern", what)
	}
}

func (t *translator) next() rune {
	r, n := utf8.DecodeRuneInString(t.rest)
	t.rest = t.rest[n:]
	return r
}

func (t *translator) all() string {
	for t.rest != "" && t.err == nil {
		switch r := t.next(); r {
		case '\\':
			t.escape(false)
		case '[':
			t.class()
		case '$': // at the end: a line break before it would be left over
			t.out.WriteString(`\z`)
		case '(':
			t.group()
		case '{':
			t.repeat()
		case '.', '^', '*', '+', '?', ')', '|':
			t.out.WriteRune(r)
		default:
			t.out.WriteString(regexp.QuoteMeta(string(r)))
		}
	}
	return t.out.String()
}

var (
	groupSyntax  = regexp.MustCompile(`^\?(?::|P<[A-Za-z_]\w*>|[ims]+\)|[ims]*-[ims]+:|[ims]+:)`)
	repeatSyntax = regexp.MustCompile(`^(\d*)(,?)(\d*)\}`)
)

func (t *translator) group() {
	t.out.WriteByte('(')
	if !strings.HasPrefix(t.rest, "?") {
		return
	}
	head := groupSyntax.FindString(t.rest)
	if head == "" {
		t.refuse("a group that looks around, is a condition or sets flags other than i, m and s")
	}
	if strings.Contains(head, "m") && !strings.HasPrefix(head, "?P") {
		t.refuse("the flag m")
	}
	t.out.WriteString(head)
	t.rest = t.rest[len(head):]
}

// repeat reads what follows a brace, which Python takes for itself if it does not
// say how often.
func (t *translator) repeat() {
	m := repeatSyntax.FindStringSubmatch(t.rest)
	if m == nil || m[1]+m[2]+m[3] == "" {
		t.out.WriteString(`\{`)
		return
	}
	t.rest = t.rest[len(m[0]):]
	if m[1] == "" {
		m[1] = "0"
	}
	t.out.WriteString("{" + m[1] + m[2] + m[3] + "}")
}

func (t *translator) class() {
	t.out.WriteByte('[')
	if strings.HasPrefix(t.rest, "^") {
		t.out.WriteRune(t.next())
	}
	for first := true; t.rest != "" && t.err == nil; first = false {
		switch r := t.next(); {
		case r == ']' && !first:
			t.out.WriteByte(']')
			return
		case r == '\\':
			t.escape(true)
		case r == '-':
			t.out.WriteByte('-')
		default:
			t.out.WriteString(regexp.QuoteMeta(string(r)))
		}
	}
	t.refuse("an open bracket")
}

// escape reads what follows a backslash.
func (t *translator) escape(inClass bool) {
	if t.rest == "" {
		t.refuse("a backslash at the end")
		return
	}
	r := t.next()
	class := func(members string) {
		if inClass {
			t.out.WriteString(members)
		} else {
			t.out.WriteString("[" + members + "]")
		}
	}
	not := func(members string) {
		if inClass {
			t.refuse("the complement of a class within brackets")
		}
		t.out.WriteString("[^" + members + "]")
	}
	switch {
	case r == 'd':
		class(digitClass)
	case r == 's':
		class(spaceClass)
	case r == 'w':
		class(wordClass)
	case r == 'D':
		class(`\P{Nd}`)
	case r == 'S':
		not(spaceClass)
	case r == 'W':
		not(wordClass)
	case r == 'A' && !inClass:
		t.out.WriteString(`\A`)
	case r == 'Z' && !inClass:
		t.out.WriteString(`\z`)
	case r == 'x':
		t.hex(2)
	case r == 'u':
		t.hex(4)
	case r == 'U':
		t.hex(8)
	case r == '0':
		t.out.WriteString(`\x00`)
		if t.rest != "" && t.rest[0] >= '0' && t.rest[0] <= '7' {
			t.refuse("octal numbers")
		}
	case strings.ContainsRune("afnrtv", r):
		t.out.WriteString(`\` + string(r))
	case r == 'b' && inClass:
		t.out.WriteString(`\x08`)
	case r < utf8.RuneSelf && (r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z'):
		t.refuse(`\` + string(r))
	case r == '-':
		t.out.WriteString(`\-`)
	default:
		t.out.WriteString(regexp.QuoteMeta(string(r)))
	}
}

func (t *translator) hex(digits int) {
	if len(t.rest) < digits {
		t.refuse("a number without all digits")
		return
	}
	n, err := strconv.ParseUint(t.rest[:digits], 16, 32)
	if err != nil || !utf8.ValidRune(rune(n)) {
		t.refuse("a number that is no character")
		return
	}
	t.rest = t.rest[digits:]
	fmt.Fprintf(&t.out, `\x{%x}`, n)
}
