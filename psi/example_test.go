package psi_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net"

	"github.com/comity-prl/comity/psi"
)

// Two agencies intersect the tokens of their records. In earnest the tokens come
// from package tokenize and the stream from package protocol.
func Example() {
	token := func(s string) [32]byte { return sha256.Sum256([]byte(s)) }
	bound := psi.Binding{Epoch: "2026-Q4", Config: token("rules"), Key: token("confirmation key")}
	params := &psi.Params{
		Suite:       psi.ECDHRistretto255(),
		MaxSender:   100,
		MaxReceiver: 100,
		Session:     []byte("hash of the agreed terms"),
	}
	ctx := context.Background()
	here, there := net.Pipe()

	kept := make(chan *psi.Handles)
	go func() {
		set := psi.NewSet([][32]byte{token("ana"), token("boris"), token("chen")}, bound)
		handles, err := psi.Send(ctx, there, params, set)
		if err != nil {
			fmt.Println(err)
		}
		kept <- handles
	}()

	set := psi.NewSet([][32]byte{token("boris"), token("dora")}, bound)
	result, err := psi.Receive(ctx, here, params, set)
	if err != nil {
		fmt.Println(err)
		return
	}
	handles := <-kept
	for m := range result.All() {
		fmt.Printf("the receiver's item %d is known to the sender\n", m.Item)
		for handle, item := range handles.All() {
			if handle == m.Handle {
				fmt.Printf("the sender's item %d is the one\n", item)
			}
		}
	}
	// Output:
	// the receiver's item 0 is known to the sender
	// the sender's item 1 is the one
}
