package psi_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"log"

	"github.com/comity-prl/comity/psi"
)

// Two agencies that never run at the same time pass messages to and fro. In earnest
// package protocol carries them, and keeps the states on disk.
func ExampleSteps() {
	token := func(s string) [32]byte { return sha256.Sum256([]byte(s)) }
	bound := psi.Binding{Epoch: "2026-Q4", Config: token("rules"), Key: token("confirmation key")}
	params := &psi.Params{MaxSender: 100, MaxReceiver: 100, Session: []byte("hash of the agreed terms")}
	sets := []*psi.Set{
		psi.NewSet([][32]byte{token("boris"), token("dora")}, bound),
		psi.NewSet([][32]byte{token("ana"), token("boris"), token("chen")}, bound),
	}
	var states [2][]byte
	for i := range states {
		first := i == 0 // and receives
		steps, err := psi.NewSteps(params, sets[i], first, first)
		if err != nil {
			log.Fatal(err)
		}
		states[i] = steps.State()
	}

	var message bytes.Buffer
	for turn := 0; ; turn = 1 - turn {
		steps, err := psi.RestoreSteps(states[turn], params, sets[turn])
		if err != nil {
			log.Fatal(err)
		}
		var answer bytes.Buffer
		if err := steps.Step(context.Background(), &message, &answer); err != nil {
			log.Fatal(err)
		}
		states[turn], message = steps.State(), answer
		if !steps.Done() {
			continue
		}
		if turn == 1 {
			fmt.Println("the sender keeps", steps.Handles().Len(), "handles")
			return
		}
		for m := range steps.Result().All() {
			fmt.Printf("the receiver's item %d is known to the sender\n", m.Item)
		}
	}
	// Output:
	// the receiver's item 0 is known to the sender
	// the sender keeps 3 handles
}
