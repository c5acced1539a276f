package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

// A guest of the hub first sends one line,
//
//	comity-relay/1 KIND SESSION
//
// with KIND accept or dial, and then nothing. Once a guest of the other kind has
// come with the same SESSION, the hub answers "joined", and from then on passes on
// what either sends. Any other line is the reason why it does not.

// A kind is a guest's side of a session.
type kind string

const (
	accepts kind = "accept"
	dials   kind = "dial"
)

const (
	version  = "comity-relay/1"
	joined   = "joined"
	maxHello = 128
	maxReply = 64
)

var (
	errHello   = errors.New("relay: malformed first line")
	errSession = errors.New("relay: a session's name has 16 to 64 letters, digits, - or _")
	errReply   = errors.New("relay: malformed answer of the hub")
)

// checkSession bounds names from below too, so that nobody takes one that is
// easily guessed.
func checkSession(s string) error {
	const allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
	if len(s) < 16 || len(s) > 64 || strings.Trim(s, allowed) != "" {
		return errSession
	}
	return nil
}

func hello(k kind, session string) string { return fmt.Sprintf("%s %s %s\n", version, k, session) }

func parseHello(line string) (k kind, session string, err error) {
	parts := strings.Split(line, " ")
	if len(parts) != 3 || parts[0] != version {
		return "", "", errHello
	}
	k, session = kind(parts[1]), parts[2]
	if k != accepts && k != dials {
		return "", "", errHello
	}
	return k, session, checkSession(session)
}

// readLine returns a line without its end. It reads byte by byte, as what follows
// is not for it.
func readLine(r io.Reader, max int, tooLong error) (string, error) {
	line := make([]byte, 0, max)
	var b [1]byte
	for len(line) < max {
		if _, err := io.ReadFull(r, b[:]); err != nil {
			return "", err
		}
		if b[0] == '\n' {
			return string(line), nil
		}
		line = append(line, b[0])
	}
	return "", tooLong
}
