//go:build race

package main

const raceDetector = true

// Under the race detector each process takes a while to start, and scripts start
// hundreds. These run what is concurrent: sessions of every kind.
var scripts = []string{"count", "hangup", "ledger", "link", "mailbox", "step", "unit"}
