package rewrite

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func concat(head, tail string) string { return head + tail }

func TestRead(t *testing.T) {
	table := Parse(`# A remark.
a     a e:2
b     b
b$    -
^b    p
c     k s:3
c(ei) s
ch    x
(V)d(V) z
d     t
d     never
e     e
i     -
я     ja
`, nil)
	for word, want := range map[string][]Reading{
		"b":   {{"", 0}},
		"bb":  {{"p", 0}},
		"bbe": {{"pbe", 0}},
		"ce":  {{"se", 0}},
		"ca":  {{"ka", 0}, {"ke", 2}, {"sa", 3}, {"se", 5}},
		"che": {{"xe", 0}},
		"da":  {{"ta", 0}, {"te", 2}},
		"ede": {{"eze", 0}},
		"ci":  {{"s", 0}},
		"яd":  {{"jat", 0}},
		"q":   nil,
		"eq":  nil,
		"":    {{"", 0}},
	} {
		if diff := cmp.Diff(want, table.Read(word, 8, concat)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", word, diff)
		}
		if first, ok := table.First(word); ok != (want != nil) || ok && first != want[0].Text {
			t.Errorf("%q: first %q (%v), want that of %v", word, first, ok, want)
		}
	}
	if got := table.Read("cacacaca", 5, concat); len(got) != 5 || got[0] != (Reading{"kakakaka", 0}) {
		t.Errorf("%v, want the five cheapest", got)
	}
}

func TestParseWrites(t *testing.T) {
	table := Parse("a o u\n", func(s string) []Reading { return []Reading{{s + s, 0}, {"", 1}} })
	want := []Reading{{"oo", 0}, {"", 1}, {"uu", 1}}
	if diff := cmp.Diff(want, table.Read("a", 9, concat)); diff != "" {
		t.Errorf("readings (-want +got):\n%s", diff)
	}
	defer func() {
		if recover() == nil {
			t.Error("a malformed cost was accepted")
		}
	}()
	Parse("a b:c\n", nil)
}

func FuzzRead(f *testing.F) {
	table := Parse("a b c:2\nab - d\n^я x\né(V$) y\n", nil)
	for _, s := range []string{"", "a", "abab", "я", "яя", "é", "\xff", strings.Repeat("ab", 50)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, word string) {
		if got := table.Read(word, 4, concat); len(got) > 4 {
			t.Errorf("%d readings", len(got))
		}
	})
}
