package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/urfave/cli/v3"
)

var demoCommand = &cli.Command{
	Name:  "demo",
	Usage: "make two agencies with invented people and link them, in real processes",
	Description: `Runs this command's own init, schema, invite, accept, serve, link, unit and
score over loopback TLS, and compares what they find with the truth, which
only the demo knows. Nothing is kept unless --keep says where.`,
	Flags: []cli.Flag{
		&cli.StringFlag{Name: "keep", Usage: "`FOLDER` to keep all files in"},
		&cli.IntFlag{Name: "seed", Usage: "which people to invent", Value: 1},
		flagJSON,
	},
	Action: func(ctx context.Context, cmd *cli.Command) error {
		if _, err := arguments(cmd); err != nil {
			return err
		}
		d := &demo{con: newConsole(cmd), seed: uint64(cmd.Int("seed"))}
		folder, clean, err := demoFolder(cmd.String("keep"))
		if err != nil {
			return err
		}
		defer clean()
		d.folder = folder
		if d.self, err = os.Executable(); err != nil {
			return err
		}
		report, err := d.run(ctx)
		if err != nil {
			if ctx.Err() != nil {
				return context.Canceled
			}
			return err
		}
		return d.con.result(report)
	},
}

// demoFolder returns a new folder, and what to do with it at the end.
func demoFolder(keep string) (folder string, clean func(), err error) {
	if keep == "" {
		folder, err = os.MkdirTemp("", "pairmatch-demo-")
		return folder, func() { os.RemoveAll(folder) }, err
	}
	if err := mayWrite(false, keep); err != nil {
		return "", nil, err
	}
	return keep, func() {}, os.MkdirAll(keep, privateFolder)
}

// demo runs the agencies.
type demo struct {
	con    *console
	folder string // working folder of every process
	self   string // this program
	seed   uint64
	people invented
}

// report is what demo says to programs.
type report struct {
	Modes []mode `json:"modes"`
}

// mode is the outcome of one way to link.
type mode struct {
	Mode      string  `json:"mode"`
	Precision float64 `json:"precision"`
	Recall    float64 `json:"recall"`
	F1        float64 `json:"f1"`
	BytesA    int64   `json:"bytes_a"`
	BytesB    int64   `json:"bytes_b"`
	Seconds   float64 `json:"seconds"`
}

func (d *demo) run(ctx context.Context) (*report, error) {
	ctx, cancel := context.WithCancel(ctx) // ends what still runs when a step fails
	defer cancel()
	if err := d.invent(); err != nil {
		return nil, err
	}
	if err := d.agree(ctx); err != nil {
		return nil, err
	}
	tokens, err := d.tokens(ctx)
	if err != nil {
		return nil, err
	}
	bloom, err := d.bloom(ctx)
	if err != nil {
		return nil, err
	}
	return &report{[]mode{*tokens, *bloom}}, nil
}

// agree makes three identities, and lets the agencies agree with each other and
// with the unit.
func (d *demo) agree(ctx context.Context) error {
	d.con.say("\n1. Identities, and two lines of text to agree on fields, rules and a secret")
	for _, line := range []string{
		"init --dir a --name A",
		"init --dir b --name B",
		"init --dir u --name U",
		"schema a.csv -o linkage.json --columns a.columns",
		"invite --dir a --linkage linkage.json --epoch demo -o invite.txt",
		"accept --dir b invite.txt -o reply.txt",
		"accept --dir a reply.txt",
		"schema b.csv --dir b --columns b.columns",
		"invite --dir u --unit -o unit.txt",
		"accept --dir a unit.txt -o a.txt",
		"accept --dir b unit.txt -o b.txt",
		"accept --dir u a.txt",
		"accept --dir u b.txt",
	} {
		if _, err := d.command(ctx, line); err != nil {
			return err
		}
	}
	return nil
}

// command runs one command to its end and returns its standard output.
func (d *demo) command(ctx context.Context, line string, extra ...string) ([]byte, error) {
	p, err := d.start(ctx, line, extra...)
	if err != nil {
		return nil, err
	}
	return p.wait()
}

// process is a command that runs.
type process struct {
	line     string
	cmd      *exec.Cmd
	out, err bytes.Buffer

	ended  chan struct{}
	result error // once ended
}

// start shows a command to people and runs it; extra arguments are not shown.
func (d *demo) start(ctx context.Context, line string, extra ...string) (*process, error) {
	d.con.say("   $ pairmatch %s", line)
	arguments := append(strings.Fields(line), extra...)
	p := &process{line: line, cmd: exec.CommandContext(ctx, d.self, arguments...), ended: make(chan struct{})}
	p.cmd.Dir = d.folder
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.err
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		p.result = p.cmd.Wait()
		close(p.ended)
	}()
	return p, nil
}

// wait returns the standard output of a command that ended well.
func (p *process) wait() ([]byte, error) {
	<-p.ended
	var exit *exec.ExitError
	if errors.As(p.result, &exit) {
		lines := strings.Split(strings.TrimSpace(p.err.String()), "\n")
		said := strings.TrimPrefix(lines[len(lines)-1], "pairmatch: ")
		return nil, &failure{exit.ExitCode(), fmt.Sprintf("demo: %q failed: %s", "pairmatch "+p.line, said), ""}
	}
	return p.out.Bytes(), p.result
}

// address waits until a server has written its address to a file, or has ended.
func (d *demo) address(ctx context.Context, p *process, file string) (string, error) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		text, err := os.ReadFile(filepath.Join(d.folder, file))
		if err == nil {
			return strings.TrimSpace(string(text)), nil
		}
		select {
		case <-tick.C:
		case <-p.ended:
			_, err := p.wait()
			return "", err
		case <-ctx.Done():
			return "", context.Cause(ctx)
		}
	}
}

// last returns the last JSON value of a command's output.
func last(out []byte) (s summary, err error) {
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		if err := d.Decode(&s); errors.Is(err, io.EOF) {
			return s, nil
		} else if err != nil {
			return s, err
		}
	}
}
