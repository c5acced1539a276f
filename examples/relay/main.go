// Relay lets two agencies run sessions that cannot reach one another, but can both
// reach a third place. It forwards ciphertext and holds no key: the agencies
// authenticate each other by TLS through it, as package protocol does.
//
//	Agency A                      hub                       Agency B
//	                      relay hub --listen :7800
//	                                                pairmatch serve --listen 127.0.0.1:7700
//	                                                relay accept --hub hub:7800 --session S
//	                                                    --to 127.0.0.1:7700
//	relay dial --hub hub:7800 --session S
//	    --listen 127.0.0.1:7701
//	pairmatch link --connect 127.0.0.1:7701
//
// S is a name that the two agreed on, such as "relay name" prints. The hub joins
// whoever brings the same one, and never both of one kind; a stranger who guesses it
// can take a place and then fails to authenticate. The hub learns addresses, times
// and sizes. Its limits bound connections, waiting, silence, time and bytes.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"os/signal"
	"syscall"

	"github.com/urfave/cli/v3"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	log.SetFlags(log.LstdFlags | log.LUTC)
	if err := newCommand(os.Stdout).Run(ctx, os.Args); err != nil {
		fmt.Fprintf(os.Stderr, "relay: %v\n", err)
		os.Exit(1)
	}
}

func newCommand(out io.Writer) *cli.Command {
	return &cli.Command{
		Name:           "relay",
		Usage:          "forward ciphertext between agencies that cannot reach one another",
		Writer:         out,
		ExitErrHandler: func(context.Context, *cli.Command, error) {}, // main prints errors
		Commands:       []*cli.Command{hubCommand(), acceptCommand(), dialCommand(), nameCommand()},
	}
}

// toHub returns the flags of what goes to the hub.
func toHub(more ...cli.Flag) []cli.Flag {
	return append([]cli.Flag{
		&cli.StringFlag{Name: "hub", Usage: "`HOST:PORT` of the hub", Required: true},
		&cli.StringFlag{Name: "session", Usage: "`NAME` that both agencies agreed on", Required: true,
			Validator: checkSession},
	}, more...)
}

func hubCommand() *cli.Command {
	return &cli.Command{
		Name:  "hub",
		Usage: "join agencies that bring the same name",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "listen", Usage: "`HOST:PORT` to listen on", Value: ":7800"},
			&cli.IntFlag{Name: "connections", Usage: "how many at once", Value: defaultLimits.Connections},
			&cli.IntFlag{Name: "per-host", Usage: "how many of these from one address", Value: defaultLimits.PerHost},
			&cli.DurationFlag{Name: "wait", Usage: "how long one side waits for the other", Value: defaultLimits.Wait},
			&cli.DurationFlag{Name: "idle", Usage: "how long both may be silent", Value: defaultLimits.Idle},
			&cli.DurationFlag{Name: "time", Usage: "how long a session may last", Value: defaultLimits.Session},
			&cli.Int64Flag{Name: "bytes", Usage: "how much a session may carry, both ways together", Value: defaultLimits.Bytes},
		},
		Action: func(ctx context.Context, cmd *cli.Command) error {
			limits := Limits{
				Connections: cmd.Int("connections"), PerHost: cmd.Int("per-host"), Hello: defaultLimits.Hello, Wait: cmd.Duration("wait"),
				Idle: cmd.Duration("idle"), Session: cmd.Duration("time"), Bytes: cmd.Int64("bytes"),
			}
			if limits.Connections < 2 || limits.PerHost < 1 || limits.Wait <= 0 || limits.Idle <= 0 || limits.Session <= 0 || limits.Bytes <= 0 {
				return errors.New("limits must be more than 0, and there must be 2 connections")
			}
			ln, err := net.Listen("tcp", cmd.String("listen"))
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.Root().Writer, "listening on %s\n", ln.Addr())
			return NewHub(limits, log.Printf).Serve(ctx, ln)
		},
	}
}

func acceptCommand() *cli.Command {
	return &cli.Command{
		Name:  "accept",
		Usage: "take sessions from the hub to an own server",
		Flags: toHub(
			&cli.StringFlag{Name: "to", Usage: "`HOST:PORT` of the own server, such as pairmatch serve", Required: true},
		),
		Action: func(ctx context.Context, cmd *cli.Command) error {
			return acceptFrom(ctx, cmd.String("hub"), cmd.String("session"), cmd.String("to"), log.Printf)
		},
	}
}

func dialCommand() *cli.Command {
	return &cli.Command{
		Name:  "dial",
		Usage: "take connections of an own client to the hub",
		Flags: toHub(
			&cli.StringFlag{Name: "listen", Usage: "`HOST:PORT` for the own client, such as pairmatch link", Value: "127.0.0.1:7701"},
		),
		Action: func(ctx context.Context, cmd *cli.Command) error {
			ln, err := net.Listen("tcp", cmd.String("listen"))
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.Root().Writer, "listening on %s\n", ln.Addr())
			return dialInto(ctx, ln, cmd.String("hub"), cmd.String("session"), log.Printf)
		},
	}
}

func nameCommand() *cli.Command {
	return &cli.Command{
		Name:  "name",
		Usage: "print a name that nobody guesses",
		Action: func(_ context.Context, cmd *cli.Command) error {
			_, err := fmt.Fprintln(cmd.Root().Writer, rand.Text())
			return err
		},
	}
}
