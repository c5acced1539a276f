package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v3"
)

var flagLineOut = &cli.StringFlag{Name: "o", Aliases: []string{"output"}, Usage: "`FILE` for the line (default: standard output)"}

// lineOut is where a statement for all peers goes.
type lineOut struct {
	folder *folder
	con    *console
	path   string // "": standard output

	say func(format string, args ...any) // to people
}

// openLineOut finds out, before any work, whether the line can be written.
func openLineOut(cmd *cli.Command) (*lineOut, error) {
	f, err := openFolder(cmd.String("dir"))
	if err != nil {
		return nil, err
	}
	l := &lineOut{folder: f, con: newConsole(cmd), path: cmd.String("o")}
	if l.say = l.con.say; l.path == "" {
		l.say = l.con.note // standard output is for the line
		return l, nil
	}
	return l, mayWrite(cmd.Bool("force"), l.path)
}

// send writes the line and says whom it is for.
func (l *lineOut) send(prefix string, message []byte) error {
	line, err := seal(prefix, message)
	if err != nil {
		return err
	}
	peers, err := l.folder.peers()
	if err != nil {
		return err
	}
	file := "line.txt"
	if l.path == "" {
		if _, err := fmt.Fprintln(l.con.out, line); err != nil {
			return err
		}
	} else {
		if err := writeFile(l.path, []byte(line+"\n")); err != nil {
			return err
		}
		l.say("wrote %s", l.path)
		file = filepath.Base(l.path)
	}
	l.say("")
	if len(peers) == 0 {
		l.say("No peer is known yet that the line is for.")
		return nil
	}
	names := make([]string, len(peers))
	for i, k := range peers {
		names[i] = fmt.Sprintf("%q", k.Name)
	}
	l.say("Next: send the line to %s; each accepts it:", strings.Join(names, ", "))
	l.say("  pairmatch accept --dir FOLDER %s", file)
	return nil
}
