// Package spectest holds the vectors of psi's SPEC.md against the code, for the tests
// of the packages that make them.
package spectest

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Check compares the cells of the only table under a heading, its head left out, with
// what the code makes of them.
func Check(t testing.TB, page, heading string, got [][]string) {
	t.Helper()
	if diff := cmp.Diff(Table(t, page, heading), got); diff != "" {
		t.Errorf("%s (-page +code):\n%s", heading, diff)
	}
}

// Table returns the cells of the only table under a heading, without its head.
func Table(t testing.TB, page, heading string) [][]string {
	t.Helper()
	var rows [][]string
	found := false
	for _, line := range lines(t, page) {
		if strings.HasPrefix(line, "#") {
			found = strings.TrimLeft(line, "# ") == heading
			continue
		}
		if found && strings.HasPrefix(line, "|") {
			cells := strings.Split(strings.Trim(line, "|"), "|")
			for i := range cells {
				cells[i] = strings.TrimSpace(cells[i])
			}
			rows = append(rows, cells)
		}
	}
	if len(rows) < 3 || strings.Trim(rows[1][0], "-") != "" {
		t.Fatalf("%s has no table under %q", page, heading)
	}
	return rows[2:]
}

// Headings returns the headings that begin with a prefix, in order.
func Headings(t testing.TB, page, prefix string) []string {
	t.Helper()
	var found []string
	for _, line := range lines(t, page) {
		if h := strings.TrimLeft(line, "# "); strings.HasPrefix(line, "#") && strings.HasPrefix(h, prefix) {
			found = append(found, h)
		}
	}
	return found
}

func lines(t testing.TB, page string) []string {
	t.Helper()
	b, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(string(b), "\n")
}

// Block is the page's B(n), of 16 bytes.
func Block(n int) []byte {
	h := sha256.Sum256(binary.LittleEndian.AppendUint64(nil, uint64(n)))
	return h[:16]
}

// Name is the page's name of a run: 00, 01 and so on to 27, hexadecimal.
func Name() []byte {
	name := make([]byte, 40)
	for i := range name {
		name[i] = byte(i)
	}
	return name
}

// Cells is a row of a table: bytes are shown in hexadecimal.
func Cells(xs ...any) []string {
	row := make([]string, len(xs))
	for i, x := range xs {
		if b, ok := x.([]byte); ok {
			row[i] = fmt.Sprintf("%x", b)
		} else {
			row[i] = fmt.Sprint(x)
		}
	}
	return row
}
