package protocol_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/comity-prl/comity/protocol"
	"github.com/comity-prl/comity/psi"
)

// Two agencies share a folder, and neither waits for the other: each runs now and then
// until it is done.
func ExampleSteps() {
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
	dir, err := os.MkdirTemp("", "comity")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	shared := filepath.Join(dir, "shared")
	if err := os.Mkdir(shared, 0o700); err != nil {
		log.Fatal(err)
	}

	side := func(id, peer *protocol.Identity, policy *protocol.Policy, names ...string) *protocol.Steps {
		var items [][32]byte
		for _, name := range names {
			items = append(items, hash(name))
		}
		return &protocol.Steps{
			Mailbox: &protocol.Mailbox{Dir: shared},
			Dir:     filepath.Join(dir, id.Name()), // of its own, on its own disk
			Config:  &protocol.Config{Identity: id, Peers: []protocol.Peer{peer.Peer()}, Policy: policy},
			Set:     func(*protocol.Terms) (*psi.Set, error) { return psi.NewSet(items, bound), nil },
			Done: func(r *protocol.StepResult) error {
				if r.Handles != nil {
					fmt.Printf("%s keeps %d handles\n", id.Name(), r.Handles.Len())
					return nil
				}
				for m := range r.Result.All() {
					fmt.Printf("%s has %s in common with its peer\n", id.Name(), names[m.Item])
				}
				return nil
			},
		}
	}
	a := side(arcadia, borduria, nil, "boris", "dora")
	b := side(borduria, arcadia, &protocol.Policy{Rules: []protocol.Rule{{
		Name:          "missing persons of Arcadia",
		Peers:         []string{arcadia.Name()},
		Purposes:      []string{"missing persons"},
		LegalBases:    []string{"Treaty of 2026"},
		Jurisdictions: []string{"DE", "FR"},
		Categories:    []string{protocol.CategoryOther},
		Scopes:        []string{protocol.ScopeQuery},
		Functions:     []string{protocol.FunctionSet},
		Epochs:        []string{bound.Epoch},
		Suites:        []string{psi.ECDHRistretto255().String()},
		Receivers:     []protocol.Role{protocol.Proposer},
		Schemas:       []protocol.Hash{bound.Config},
		MaxProposer:   100,
		MaxAcceptor:   100,
		MaxLifetime:   protocol.Duration(7 * 24 * time.Hour),
		Retention:     protocol.RetentionBounds{MaxDays: 30},
	}}}, "ana", "boris", "chen")

	propose := &protocol.Terms{
		Purpose:       "missing persons",
		LegalBasis:    "Treaty of 2026",
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
		Expires:       time.Now().Add(5 * 24 * time.Hour),
	}
	for range 3 { // on as many days
		for _, s := range []*protocol.Steps{a, b} {
			status, err := s.Run(context.Background(), propose)
			if err != nil {
				log.Fatal(err)
			}
			for _, session := range status {
				if session.Err != nil {
					log.Fatal(session.Err)
				}
			}
			propose = nil
		}
	}
	// Output:
	// Police of Arcadia has boris in common with its peer
	// Bureau of Borduria keeps 3 handles
}
