package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/urfave/cli/v3"
	"golang.org/x/term"
)

// plainEvery is how often a step that is not shown as a bar says how far it is.
const plainEvery = 5 * time.Second

// console is where a command speaks: results go to out, everything else to err.
type console struct {
	out, err io.Writer
	json     bool // out carries JSON and nothing else
	quiet    bool // no notes and no progress

	mu    sync.Mutex
	phase phase
	bar   *progressbar.ProgressBar // nil: none is drawn
}

// phase is a stretch of work whose parts run side by side.
type phase struct {
	name  string
	parts map[string]extent
	shown extent
	spoke time.Time
}

type extent struct{ done, total int }

func newConsole(cmd *cli.Command) *console {
	root := cmd.Root()
	return &console{out: root.Writer, err: root.ErrWriter, json: cmd.Bool(flagJSON.Name), quiet: cmd.Bool(flagQuiet.Name)}
}

// say prints a line of the result for people.
func (c *console) say(format string, args ...any) {
	if !c.json {
		fmt.Fprintf(c.out, format+"\n", args...)
	}
}

// result prints the result for programs, where they asked for it.
func (c *console) result(v any) error {
	if !c.json {
		return nil
	}
	return json.NewEncoder(c.out).Encode(v)
}

// note prints a line about what is going on.
func (c *console) note(format string, args ...any) {
	if c.quiet {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.endBar()
	c.phase = phase{} // what is said next is about something else
	fmt.Fprintf(c.err, format+"\n", args...)
}

// warn prints a line that nobody may miss.
func (c *console) warn(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.endBar()
	fmt.Fprintf(c.err, "pairmatch: warning: "+format+"\n", args...)
}

// progress shows how far a part of a phase has come: as a bar on a terminal, else
// as a line every few seconds and at the end.
func (c *console) progress(name, part string, done, total int) {
	if c.quiet || total == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.phase.name != name {
		c.endBar()
		c.phase = phase{name: name, parts: make(map[string]extent), spoke: time.Now()}
	}
	c.phase.parts[part] = extent{done, total}
	var sum extent
	for _, e := range c.phase.parts {
		sum.done += e.done
		sum.total += e.total
	}
	if sum == c.phase.shown {
		return
	}
	if c.terminal() {
		c.phase.shown = sum
		c.showBar(sum)
		return
	}
	if sum.done < sum.total && time.Since(c.phase.spoke) < plainEvery {
		return
	}
	c.phase.shown, c.phase.spoke = sum, time.Now()
	fmt.Fprintf(c.err, "%s: %d of %d\n", name, sum.done, sum.total)
}

func (c *console) showBar(e extent) {
	if c.bar == nil {
		c.bar = progressbar.NewOptions(e.total,
			progressbar.OptionSetWriter(c.err),
			progressbar.OptionSetDescription(c.phase.name),
			progressbar.OptionShowCount(),
			progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionClearOnFinish(),
		)
	}
	c.bar.ChangeMax(e.total)
	_ = c.bar.Set(e.done) // a bar that cannot be drawn is no reason to stop
}

func (c *console) endBar() {
	if c.bar != nil {
		_ = c.bar.Clear()
		c.bar = nil
	}
}

func (c *console) terminal() bool {
	file, ok := c.err.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}
