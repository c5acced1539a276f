// Keyserver evaluates tokens for agencies under a key that only it holds, over
// HTTPS with mutual TLS, and counts how many each may have. See README.md.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/comity-prl/comity/tokenize"
)

func main() { os.Exit(run(os.Args)) }

func run(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := newCommand().Run(ctx, args); err != nil {
		fmt.Fprintf(os.Stderr, "keyserver: %v\n", err)
		return 1
	}
	return 0
}

func newCommand() *cli.Command {
	dir := &cli.StringFlag{Name: "dir", Usage: "`FOLDER` of the server", Value: "server"}
	sealingKey := &cli.StringFlag{Name: "sealing-key", Usage: "`FILE` of the key that seals keys, best outside of the folder (default: sealing.key in the folder)"}
	plan := &cli.StringFlag{Name: "plan", Usage: "`FILE` that all members have", Required: true}
	share := &cli.StringFlag{Name: "share", Usage: "`FILE` of the sealed share, in the folder", Required: true}
	timeout := &cli.DurationFlag{Name: "timeout", Usage: "how long a round waits for the missing", Value: time.Minute}
	return &cli.Command{
		Name:  "keyserver",
		Usage: "evaluate tokens for agencies under a key that only this server holds",
		Commands: []*cli.Command{
			{
				Name:  "init",
				Usage: "make a folder for a server with a key, and one beside it for each peer",
				Flags: []cli.Flag{
					dir, sealingKey,
					&cli.StringSliceFlag{Name: "peer", Usage: "`NAME` of an agency; several times for several", Required: true},
					&cli.StringFlag{Name: "project", Value: "demo"},
					&cli.StringFlag{Name: "purpose", Value: "linkage"},
					&cli.StringFlag{Name: "epoch", Value: "2026-Q4"},
					&cli.StringFlag{Name: "listen", Value: "127.0.0.1:7800", Usage: "`ADDRESS` for peers"},
					&cli.StringFlag{Name: "admin", Value: "127.0.0.1:7801", Usage: "`ADDRESS` for /healthz and /metrics"},
				},
				Action: func(_ context.Context, c *cli.Command) error { return initialise(c) },
			},
			{
				Name:  "serve",
				Usage: "answer peers until interrupted",
				Flags: []cli.Flag{dir, sealingKey},
				Action: func(ctx context.Context, c *cli.Command) error {
					return serve(ctx, c.String("dir"), sealingPath(c))
				},
			},
			{
				Name:  "epoch",
				Usage: "add an epoch with a key of its own to each purpose, as the primary one, and print the keys for the peers",
				Flags: []cli.Flag{dir, sealingKey, &cli.StringFlag{Name: "epoch", Usage: "`NAME` of the new epoch", Required: true}},
				Action: func(_ context.Context, c *cli.Command) error {
					return addEpoch(c.String("dir"), sealingPath(c), tokenize.Epoch(c.String("epoch")), os.Stdout)
				},
			},
			{
				Name:  "generate",
				Usage: "make a key with other servers that none of them holds, while not serving",
				Flags: []cli.Flag{dir, sealingKey, plan, share, timeout},
				Action: func(ctx context.Context, c *cli.Command) error {
					return runCeremony(ctx, c.String("dir"), sealingPath(c), c.String("plan"), c.String("share"), false, c.Duration("timeout"), newLog())
				},
			},
			{
				Name:  "refresh",
				Usage: "replace the shares of such a key, while not serving",
				Flags: []cli.Flag{dir, sealingKey, plan, share, timeout},
				Action: func(ctx context.Context, c *cli.Command) error {
					return runCeremony(ctx, c.String("dir"), sealingPath(c), c.String("plan"), c.String("share"), true, c.Duration("timeout"), newLog())
				},
			},
			{
				Name:  "check",
				Usage: "ask a server for one token as a peer, and verify its proof",
				Flags: []cli.Flag{
					&cli.StringFlag{Name: "dir", Usage: "`FOLDER` of the peer", Required: true},
					&cli.StringFlag{Name: "officer", Value: "check"},
				},
				Action: func(ctx context.Context, c *cli.Command) error {
					return check(ctx, c.String("dir"), c.String("officer"))
				},
			},
		},
	}
}

func newLog() *slog.Logger { return slog.New(slog.NewJSONHandler(os.Stderr, nil)) }

func sealingPath(c *cli.Command) string {
	if path := c.String("sealing-key"); path != "" {
		return path
	}
	return filepath.Join(c.String("dir"), fileSealing)
}

func serve(ctx context.Context, dir, sealingPath string) (err error) {
	c, err := readConfig(filepath.Join(dir, fileConfig))
	if err != nil {
		return err
	}
	a, err := sealing(sealingPath)
	if err != nil {
		return err
	}
	keys, err := loadKeys(dir, c, a)
	if err != nil {
		return err
	}
	own, err := identity(dir)
	if err != nil {
		return err
	}
	l, err := openLedger(filepath.Join(dir, fileUsage), c.Quotas)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	k, err := newKeyServer(c, keys, l, newLog())
	if err != nil {
		return err
	}
	peers, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return err
	}
	admin, err := net.Listen("tcp", c.Admin)
	if err != nil {
		return errors.Join(err, peers.Close())
	}
	return k.serve(ctx, peers, admin, own)
}
