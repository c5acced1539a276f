package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// The test binary is pairmatch, and the helpers of the scripts.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"pairmatch": func() {
			setClock(os.Getenv("PAIRMATCH_TEST_CLOCK"))
			main()
		},
		"exits": func() { os.Exit(exits(os.Args[1:])) },
		"cut":   func() { os.Exit(cut(os.Args[1:])) },
	})
}

// setClock makes the clock wrong by so much.
func setClock(offset string) {
	if offset == "" {
		return
	}
	d, err := time.ParseDuration(offset)
	if err != nil {
		panic(err)
	}
	clock = func() time.Time { return time.Now().Add(d) }
}

func TestScripts(t *testing.T) {
	var files []string
	for _, name := range scripts {
		found, err := filepath.Glob(filepath.Join("testdata", "script", name+".txtar"))
		if err != nil || len(found) == 0 {
			t.Fatalf("no script %q: %v", name, err)
		}
		files = append(files, found...)
	}
	testscript.Run(t, testscript.Params{
		Files: files,
		Setup: func(env *testscript.Env) error {
			env.Setenv("HOME", env.WorkDir)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"address":  address,
			"agree":    agree,
			"damage":   damage,
			"edit":     edit,
			"insert":   insert,
			"logpath":  logPath,
			"mail":     mail,
			"people":   people,
			"post":     post,
			"results":  results,
			"same":     same,
			"samecode": sameCode,
			"unutf8":   unUTF8,
			"utf16":    toUTF16,
		},
		RequireExplicitExec: true,
	})
}

// exits runs a command and reports whether it ended with the given code:
//
//	exec exits CODE COMMAND ARG...
func exits(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	want, err := strconv.Atoi(args[0])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	cmd := exec.CommandContext(ctx, args[1], args[2:]...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	err = cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) && ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if got := cmd.ProcessState.ExitCode(); got != want {
		fmt.Fprintf(os.Stderr, "exit code %d, want %d\n", got, want)
		return 1
	}
	return 0
}

// cut passes on one connection after another, and cuts each after so many bytes of the
// answer; "whole" cuts none:
//
//	exec cut TO-ADDRESS ADDRESS-FILE BYTES...
func cut(args []string) int {
	err := func() error {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		defer l.Close()
		if err := writeFile(args[1], []byte(l.Addr().String())); err != nil {
			return err
		}
		for _, bytes := range args[2:] {
			n, err := strconv.ParseInt(bytes, 10, 64)
			if bytes == "whole" {
				n, err = math.MaxInt64, nil
			}
			if err != nil {
				return err
			}
			if err := passOn(l, args[0], n); err != nil && !errors.Is(err, io.EOF) {
				return err
			}
		}
		return nil
	}()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func passOn(l net.Listener, to string, n int64) error {
	near, err := l.Accept()
	if err != nil {
		return err
	}
	defer near.Close()
	far, err := net.Dial("tcp", to)
	if err != nil {
		return err
	}
	defer far.Close()
	go io.Copy(far, near)
	_, err = io.CopyN(near, far, n)
	return err
}

// address waits for the file that a server writes its address to, and puts the
// address in a variable:
//
//	address VARIABLE FILE
func address(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: address VARIABLE FILE")
	}
	for range 600 {
		if text, err := os.ReadFile(ts.MkAbs(args[1])); err == nil {
			ts.Setenv(args[0], strings.TrimSpace(string(text)))
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	ts.Fatalf("no address in %s", args[1])
}

// damage changes a character in the middle of the last line of a file:
//
//	damage FILE
func damage(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: damage FILE")
	}
	path := ts.MkAbs(args[0])
	text, err := os.ReadFile(path)
	ts.Check(err)
	at := len(text) - 20
	text[at] = map[bool]byte{true: 'B', false: 'A'}[text[at] == 'A']
	ts.Check(os.WriteFile(path, text, 0o600))
}

// insert puts what a regular expression captures in one file in the place of a mark in
// another:
//
//	insert FILE MARK FROM REGEXP
func insert(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 4 {
		ts.Fatalf("usage: insert FILE MARK FROM REGEXP")
	}
	found := regexp.MustCompile(args[3]).FindStringSubmatch(ts.ReadFile(args[2]))
	if len(found) != 2 {
		ts.Fatalf("nothing in %s to insert", args[2])
	}
	text := strings.ReplaceAll(ts.ReadFile(args[0]), args[1], found[1])
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
}

// edit writes a copy of a file in which what first matches is replaced by a text:
//
//	edit COPY FILE REGEXP TEXT
func edit(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 4 {
		ts.Fatalf("usage: edit COPY FILE REGEXP TEXT")
	}
	re, err := regexp.Compile(args[2])
	ts.Check(err)
	text := ts.ReadFile(args[1])
	at := re.FindStringIndex(text)
	if at == nil {
		ts.Fatalf("%s does not match %s", args[1], args[2])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text[:at[0]]+args[3]+text[at[1]:]), 0o600))
}

// results puts in a variable the path, without ending, of the one result of a kind
// that serve kept in a folder of its own:
//
//	results VARIABLE FOLDER KIND
func results(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: results VARIABLE FOLDER KIND")
	}
	found, err := filepath.Glob(filepath.Join(ts.MkAbs(args[1]), "*", args[2]+".terms.json"))
	ts.Check(err)
	if len(found) != 1 {
		ts.Fatalf("%d results in %s", len(found), args[1])
	}
	ts.Setenv(args[0], strings.TrimSuffix(found[0], ".terms.json"))
}

// logPath puts the folder of an agency's audit log in a variable:
//
//	logpath VARIABLE FOLDER
func logPath(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: logpath VARIABLE FOLDER")
	}
	found, err := filepath.Glob(filepath.Join(ts.MkAbs(args[1]), auditFolder, "*"))
	ts.Check(err)
	if len(found) != 1 {
		ts.Fatalf("%d logs in %s", len(found), args[1])
	}
	ts.Setenv(args[0], found[0])
}

// agree makes the agencies a and b and lets them agree on what schema proposes
// for a.csv:
//
//	agree EPOCH
func agree(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: agree EPOCH")
	}
	for _, line := range []string{
		"init --dir a --name A",
		"init --dir b --name B",
		"schema a.csv -o linkage.json",
		"invite --dir a --linkage linkage.json --epoch " + args[0] + " -o invite.txt",
		"accept --dir b invite.txt -o reply.txt",
		"accept --dir a reply.txt",
	} {
		ts.Check(ts.Exec("pairmatch", strings.Fields(line)...))
	}
}

// mail breaks the lines of a file and quotes them, between a greeting and a
// signature:
//
//	mail FILE
func mail(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: mail FILE")
	}
	path := ts.MkAbs(args[0])
	text, err := os.ReadFile(path)
	ts.Check(err)
	var b strings.Builder
	b.WriteString("Dear colleague,\n\n")
	for line := range slices.Chunk(bytes.TrimSpace(text), 70) {
		fmt.Fprintf(&b, "> %s\r\n", line)
	}
	b.WriteString("\nKind regards\n")
	ts.Check(os.WriteFile(path, []byte(b.String()), 0o600))
}

// post carries files of a session in steps to another folder, whole, or at their first
// half, or with a byte changed and the checksum of that:
//
//	post FROM TO [torn|forged]
func post(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: post FROM TO [torn|forged]")
	}
	files, err := filepath.Glob(filepath.Join(ts.MkAbs(args[0]), "comity-step1-*"))
	ts.Check(err)
	for _, path := range files {
		data, err := os.ReadFile(path)
		ts.Check(err)
		switch {
		case len(args) == 2:
		case args[2] == "torn":
			data = data[:len(data)/2]
		case args[2] == "forged":
			const head, sum = 41, 73 // before the checksum, and behind it
			data[len(data)-1] ^= 1
			s := sha256.Sum256(append(data[:head:head], data[sum:]...))
			copy(data[head:], s[:])
		}
		ts.Check(os.WriteFile(filepath.Join(ts.MkAbs(args[1]), filepath.Base(path)), data, 0o600))
	}
}

// same compares what matches first in two files:
//
//	same FILE FILE REGEXP
func same(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: same FILE FILE REGEXP")
	}
	re, err := regexp.Compile("(?m)" + args[2])
	ts.Check(err)
	if a, b := re.FindString(ts.ReadFile(args[0])), re.FindString(ts.ReadFile(args[1])); a == "" || a != b {
		ts.Fatalf("they differ in %s", args[2])
	}
}

// sameCode compares the codes that two outputs show:
//
//	samecode FILE FILE
func sameCode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: samecode FILE FILE")
	}
	code := regexp.MustCompile(`\d{5}( \d{5}){4}`)
	a, b := code.FindString(ts.ReadFile(args[0])), code.FindString(ts.ReadFile(args[1]))
	if a == "" || a != b {
		ts.Fatalf("the codes are %q and %q", a, b)
	}
}

// unUTF8 puts a byte that is not UTF-8 in the place of each question mark:
//
//	unutf8 FILE
func unUTF8(ts *testscript.TestScript, neg bool, args []string) {
	rewrite(ts, neg, args, func(text []byte) []byte { return bytes.ReplaceAll(text, []byte("?"), []byte{0xe9}) })
}

// toUTF16 writes a file of ASCII as UTF-16:
//
//	utf16 FILE
func toUTF16(ts *testscript.TestScript, neg bool, args []string) {
	rewrite(ts, neg, args, func(text []byte) []byte {
		out := []byte{0xff, 0xfe}
		for _, c := range text {
			out = append(out, c, 0)
		}
		return out
	})
}

func rewrite(ts *testscript.TestScript, neg bool, args []string, change func([]byte) []byte) {
	if neg || len(args) != 1 {
		ts.Fatalf("the command takes one file")
	}
	path := ts.MkAbs(args[0])
	text, err := os.ReadFile(path)
	ts.Check(err)
	ts.Check(os.WriteFile(path, change(text), 0o600))
}

// people writes a CSV file of so many persons:
//
//	people FILE COUNT
func people(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: people FILE COUNT")
	}
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	var b strings.Builder
	b.WriteString("given_name,family_name,birth_date\n")
	for i := range n {
		letters := fmt.Sprintf("%c%c", 'a'+i%26, 'a'+i/26%26)
		fmt.Fprintf(&b, "Vim%s,Ko%sberg,19%02d-0%d-1%d\n", letters, letters, i%100, 1+i%9, i%10)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(b.String()), 0o600))
}
