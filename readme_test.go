package comity_test

import (
	"os"
	"strings"
	"testing"
)

// The Go code in the README is that of the examples, which compile and run.
func TestREADME(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	blocks := 0
	for rest := string(readme); ; blocks++ {
		_, after, found := strings.Cut(rest, "```go\n")
		if !found {
			break
		}
		code, next, closed := strings.Cut(after, "```")
		if !closed || !strings.Contains(string(example), code) {
			t.Errorf("block %d of Go code is not part of example_test.go", blocks+1)
		}
		rest = next
	}
	if blocks == 0 {
		t.Error("there is no Go code")
	}
}
