package bloomlink_test

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"net"
	"os"
	"sync"

	"github.com/comity-prl/comity/bloomlink"
)

// Two agencies link records that have errors, by a unit that has neither records
// nor the secret. In earnest the values come from package tokenize in canonical
// form, and the streams from package protocol.
func Example() {
	schema := &bloomlink.Schema{Length: 1024, Features: []bloomlink.Feature{
		{Name: "given_name", Q: 2, Bits: 10},
		{Name: "family_name", Q: 2, Bits: 10},
		{Name: "birth_date", Q: 2, Bits: 10},
	}}
	secret := bytes.Repeat([]byte{7}, 32) // 32 random bytes that both owners hold
	ctx := context.Background()

	submit := func(rw net.Conn, session string, records [][]string) *bloomlink.Groups {
		encoder, err := bloomlink.NewEncoder(schema, secret, nil)
		if err != nil {
			log.Fatal(err)
		}
		var encodings []bloomlink.Encoding
		for _, r := range records {
			e, err := encoder.Encode(r)
			if err != nil {
				log.Fatal(err)
			}
			encodings = append(encodings, e)
		}
		set, err := bloomlink.NewSet(encodings, encoder.Binding("2026-Q4"))
		if err != nil {
			log.Fatal(err)
		}
		params := &bloomlink.Params{MaxRows: 100, Threshold: 0.8, Session: []byte(session)}
		groups, err := bloomlink.Submit(ctx, rw, params, set)
		if err != nil {
			log.Fatal(err)
		}
		return groups
	}

	ownerA, unitA := net.Pipe()
	ownerB, unitB := net.Pipe()
	var a, b *bloomlink.Groups
	var owners sync.WaitGroup
	owners.Go(func() {
		a = submit(ownerA, "terms of A", [][]string{
			{"quirin", "vandersteen", "19700102"},
			{"ludmilla", "petrosjan", "19900506"},
			{"zenobia", "okonkwo", "19811130"},
		})
	})
	owners.Go(func() {
		b = submit(ownerB, "terms of B", [][]string{
			{"ludmila", "petrosjan", "19900506"},
			{"quirin", "vandersten", "19700102"},
			{"sigrun", "jonsdottir", "19550708"},
		})
	})
	sum, err := bloomlink.Link(ctx, unitA, unitB, &bloomlink.UnitParams{
		Length: 1024, Threshold: 0.8, MaxA: 100, MaxB: 100,
		SessionA: []byte("terms of A"), SessionB: []byte("terms of B"),
	})
	if err != nil {
		log.Fatal(err)
	}
	owners.Wait()

	fmt.Printf("the unit: %d groups among %d and %d rows\n", sum.Groups, sum.A, sum.B)
	rows := make(map[uint32]int) // B's, by group
	for m := range b.All() {
		rows[m.Group] = m.Row
	}
	for m := range a.All() {
		fmt.Printf("A's row %d and B's row %d are in one group\n", m.Row, rows[m.Group])
	}
	// Output:
	// the unit: 2 groups among 3 and 3 rows
	// A's row 0 and B's row 1 are in one group
	// A's row 1 and B's row 0 are in one group
}

// Records encoded as clkhash encodes them, in the file that anonlink's entity
// service takes in.
func ExampleNewCLKEncoder() {
	schema, err := bloomlink.ParseCLKSchema([]byte(`{
		"version": 3,
		"clkConfig": {"l": 64, "kdf": {"type": "HKDF"}},
		"features": [
			{"identifier": "id", "ignored": true},
			{"identifier": "name", "format": {"type": "string"},
			 "hashing": {"comparison": {"type": "ngram", "n": 2}, "strategy": {"bitsPerToken": 2}}}
		]}`))
	if err != nil {
		log.Fatal(err)
	}
	encoder, err := bloomlink.NewCLKEncoder(schema, []byte("horse staple battery"))
	if err != nil {
		log.Fatal(err)
	}
	encodings, err := encoder.EncodeAll(context.Background(), [][]string{{"1", "ludmilla"}, {"2", "ludmila"}})
	if err != nil {
		log.Fatal(err)
	}
	clks := &bloomlink.CLKs{Bits: schema.Bits(), Encodings: encodings}
	if err := clks.WriteJSON(os.Stdout); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("alike by %.2f\n", bloomlink.Dice(encodings[0], encodings[1]))
	// Output:
	// {"clks": ["gcAiEQQUdwE=", "gcAiEAAUdwE="]}
	// alike by 0.94
}

// Three parties know one person: two pairs of records are alike enough, and that
// makes a cluster of three only where not every pair has to be.
func ExampleClusterGreedy() {
	edges := append(
		bloomlink.Edges(0, 1, []bloomlink.Pair{{A: 7, B: 3, Score: 0.91}}),
		bloomlink.Edges(1, 2, []bloomlink.Pair{{A: 3, B: 5, Score: 0.85}})...)
	fmt.Println(bloomlink.ClusterGreedy(edges, nil))
	fmt.Println(bloomlink.ClusterGreedy(edges, &bloomlink.ClusterOptions{Agreement: 0.5}))
	// Output:
	// [[{0 7} {1 3}]]
	// [[{0 7} {1 3} {2 5}]]
}
