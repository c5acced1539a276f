package protocol_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log"
	"time"

	"github.com/comity-prl/comity/protocol"
	"github.com/comity-prl/comity/psi"
)

// Two agencies agree on terms and intersect their tokens. In earnest the tokens
// and the hashes come from package tokenize, and each agency got the other's Peer
// over a channel that it trusts.
func Example() {
	hash := func(s string) [32]byte { return sha256.Sum256([]byte(s)) }
	bound := psi.Binding{Epoch: "2026-Q4", Config: hash("fields and rules"), Key: hash("confirmation key")}
	arcadia, err := protocol.NewIdentity("Police of Arcadia", 0)
	if err != nil {
		log.Fatal(err)
	}
	borduria, err := protocol.NewIdentity("Bureau of Borduria", 0)
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()

	// Borduria waits for proposals, and says what it permits.
	listener, err := protocol.Listen("127.0.0.1:0", &protocol.Config{
		Identity: borduria,
		Peers:    []protocol.Peer{arcadia.Peer()},
		Policy: &protocol.Policy{Rules: []protocol.Rule{{
			Name:          "missing persons of Arcadia",
			Peers:         []string{arcadia.Name()},
			Purposes:      []string{"missing persons"},
			LegalBases:    []string{"Treaty of 2026"},
			Articles:      []string{"article 9"},
			Jurisdictions: []string{"DE", "FR"},
			Categories:    []string{protocol.CategoryVictim, protocol.CategoryOther},
			Scopes:        []string{protocol.ScopeQuery},
			Functions:     []string{protocol.FunctionSet},
			Epochs:        []string{bound.Epoch},
			Suites:        []string{psi.ECDHRistretto255().String()},
			Receivers:     []protocol.Role{protocol.Proposer},
			Schemas:       []protocol.Hash{bound.Config},
			MaxProposer:   100,
			MaxAcceptor:   100,
			Retention:     protocol.RetentionBounds{MaxDays: 30},
		}}},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer listener.Close()
	kept := make(chan *psi.Handles)
	go func() {
		session, err := listener.Accept(ctx)
		if err != nil {
			log.Fatal(err)
		}
		defer session.Close()
		set := psi.NewSet([][32]byte{hash("ana"), hash("boris"), hash("chen")}, bound)
		handles, err := session.Send(ctx, set)
		if err != nil {
			log.Fatal(err)
		}
		kept <- handles
	}()

	// Arcadia proposes terms, and receives.
	session, err := protocol.Dial(ctx, listener.Addr().String(), &protocol.Terms{
		Purpose:       "missing persons",
		LegalBasis:    "Treaty of 2026",
		Article:       "article 9",
		Case:          "2026/117",
		Officer:       "officer-4711",
		Jurisdictions: []string{"DE", "FR"},
		Categories:    []string{protocol.CategoryOther},
		Scope:         protocol.ScopeQuery,
		Fields:        2,
		RetentionDays: 30,
		Function:      protocol.FunctionSet,
		Receiver:      protocol.Proposer,
		Epoch:         bound.Epoch,
		SchemaHash:    bound.Config,
		MaxProposer:   100,
		MaxAcceptor:   100,
		Expires:       time.Now().Add(time.Hour),
	}, &protocol.Config{Identity: arcadia, Peers: []protocol.Peer{borduria.Peer()}})
	if err != nil {
		log.Fatal(err)
	}
	defer session.Close()
	result, err := session.Receive(ctx, psi.NewSet([][32]byte{hash("boris"), hash("dora")}, bound))
	if err != nil {
		log.Fatal(err)
	}
	handles := <-kept

	agreement := session.Agreement()
	fmt.Println("signed by both:", agreement.Verify() == nil)
	for m := range result.All() {
		fmt.Printf("Arcadia's item %d is known to Borduria\n", m.Item)
		for handle, item := range handles.All() {
			if handle == m.Handle {
				fmt.Printf("Borduria's item %d is the one\n", item)
			}
		}
	}
	// Output:
	// signed by both: true
	// Arcadia's item 0 is known to Borduria
	// Borduria's item 1 is the one
}
