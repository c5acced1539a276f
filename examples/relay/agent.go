package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"
)

const (
	// maxForwarded bounds the sessions of one agent at once.
	maxForwarded = 64

	// answerWithin bounds the wait of a client for its session. It is longer than
	// a handshake of package protocol may take.
	answerWithin = 30 * time.Second

	firstPause = 100 * time.Millisecond
	lastPause  = 30 * time.Second
)

// errTurnedAway is what the hub answers where it does not join.
var errTurnedAway = errors.New("relay: the hub turned this side away")

// visit goes to the hub and waits until it is joined, for so long at most; 0 waits
// as long as the hub lets it.
func visit(ctx context.Context, hub, session string, k kind, wait time.Duration) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", hub)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	if wait > 0 {
		_ = conn.SetReadDeadline(time.Now().Add(wait)) // a closed connection fails below
	}
	_, err = conn.Write([]byte(hello(k, session)))
	var answer string
	if err == nil {
		answer, err = readLine(conn, maxReply, errReply)
	}
	if err == nil && answer != joined {
		err = fmt.Errorf("%w: %q", errTurnedAway, strings.TrimPrefix(answer, "relay: "))
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return conn, conn.SetReadDeadline(time.Time{})
}

// acceptFrom takes sessions from the hub to a server until ctx ends.
func acceptFrom(ctx context.Context, hub, session, to string, logf func(string, ...any)) error {
	var work sync.WaitGroup
	defer work.Wait()
	slots := make(chan struct{}, maxForwarded)
	pause := firstPause
	for ctx.Err() == nil {
		slots <- struct{}{}
		far, err := visit(ctx, hub, session, accepts, 0)
		if err != nil {
			<-slots
			if ctx.Err() != nil {
				break
			}
			logf("no session, next try in %v: %v", pause, err)
			select {
			case <-time.After(pause):
			case <-ctx.Done():
			}
			pause = min(2*pause, lastPause)
			continue
		}
		pause = firstPause
		work.Go(func() {
			defer func() { <-slots }()
			var d net.Dialer
			near, err := d.DialContext(ctx, "tcp", to)
			if err != nil {
				far.Close()
				logf("the own server cannot be reached: %v", err)
				return
			}
			forward(ctx, near, far, logf)
		})
	}
	return nil
}

// dialInto takes the connections of a client to the hub until ctx ends.
func dialInto(ctx context.Context, ln net.Listener, hub, session string, logf func(string, ...any)) error {
	var work sync.WaitGroup
	defer work.Wait()
	stop := context.AfterFunc(ctx, func() { ln.Close() })
	defer stop()
	slots := make(chan struct{}, maxForwarded)
	for {
		near, err := ln.Accept()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		slots <- struct{}{}
		work.Go(func() {
			defer func() { <-slots }()
			far, err := visit(ctx, hub, session, dials, answerWithin)
			if err != nil {
				near.Close()
				logf("no session: %v", err)
				return
			}
			forward(ctx, near, far, logf)
		})
	}
}

// forward passes on until both sides have ended. The hub's limits bind here too.
func forward(ctx context.Context, near, far net.Conn, logf func(string, ...any)) {
	stop := context.AfterFunc(ctx, func() { near.Close(); far.Close() })
	defer stop()
	if _, err := splice(near, far, Limits{}); err != nil && ctx.Err() == nil {
		logf("a session ended in disorder: %v", err)
	}
}
