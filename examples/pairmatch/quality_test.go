package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// dataFolder returns the folder of public data to measure linkage quality on, or
// skips the test. The data are not part of the project.
func dataFolder(t *testing.T) string {
	t.Helper()
	root := os.Getenv("COMITY_DATA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared")
	}
	folder, err := filepath.Abs(filepath.Join(root, "data"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(folder); err != nil {
		t.Skipf("no public data at %s: set COMITY_DATA to the folder that holds data/", folder)
	}
	return folder
}

// The quality of what schema proposes, on public data, by the real command in
// real processes.
func TestQuality(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector changes no figure and makes this ten times slower; the scripts run under it")
	}
	data := dataFolder(t)
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "quality"),
		Setup: func(env *testscript.Env) error {
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("DATA", data)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"address": address,
			"agree":   agree,
			"atleast": atLeast,
		},
		RequireExplicitExec: true,
	})
}

// atLeast checks what score printed as JSON:
//
//	atleast FILE KEY VALUE
func atLeast(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: atleast FILE KEY VALUE")
	}
	var got map[string]float64
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &got))
	want, err := strconv.ParseFloat(args[2], 64)
	ts.Check(err)
	ts.Logf("%s is %v, at least %v wanted", args[1], got[args[1]], want)
	if !(got[args[1]] >= want) {
		ts.Fatalf("%s is too low", args[1])
	}
}
