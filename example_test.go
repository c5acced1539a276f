package comity_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net"
	"slices"

	"github.com/comity-prl/comity/bloomlink"
	"github.com/comity-prl/comity/psi"
	"github.com/comity-prl/comity/tokenize"
)

// What the two agencies agreed on: fields, rules, a secret and an epoch.
var (
	agreedSchema = []byte(`{"fields": [
		{"name": "given", "kind": "name"}, {"name": "family", "kind": "name"}, {"name": "birth", "kind": "date"}]}`)
	agreedRules = []byte(`[
		{"name": "names and birth date", "parts": ["family", "given", "birth"]},
		{"name": "sound, initial and birth date", "parts": ["family/soundex", "given/initial", "birth"]}]`)
	agreedSecret = []byte("32 random bytes that both agreed")
)

const agreedEpoch = "2026-Q4"

// The records of two agencies. Each is in the order of the schema.
var (
	recordsOfA = []tokenize.Record{
		{"Jürgen", "Strauß", "25.01.1978"},
		{"Ana", "Pérez", "1990-05-06"},
		{"Chen", "Li", "1981-11-30"},
	}
	recordsOfB = []tokenize.Record{
		{"ANA", "PERES", "1990-05-06"},
		{"Dora", "Novak", "1955-07-08"},
		{"Juergen", "Strauss", "1978-01-25"},
	}
)

// setOf turns records into tokens, and says where each token comes from.
func setOf(ctx context.Context, records []tokenize.Record) (*psi.Set, []tokenize.Entry, error) {
	schema, err := tokenize.ParseSchema(agreedSchema)
	if err != nil {
		return nil, nil, err
	}
	var rules []tokenize.Rule
	if err := json.Unmarshal(agreedRules, &rules); err != nil {
		return nil, nil, err
	}
	prf, err := tokenize.NewHMAC(agreedSecret, agreedEpoch)
	if err != nil {
		return nil, nil, err
	}
	tokenizer, err := tokenize.New(schema, rules, prf)
	if err != nil {
		return nil, nil, err
	}
	key, err := tokenizer.Confirmation(ctx)
	var tokens []tokenize.Token
	var entries []tokenize.Entry
	for entry, bad := range tokenizer.Tokens(ctx, slices.Values(records)) {
		err = errors.Join(err, bad)
		tokens, entries = append(tokens, entry.Token), append(entries, entry)
	}
	binding := psi.Binding{Epoch: agreedEpoch, Config: tokenizer.Hash(), Key: key}
	return psi.NewSet(tokens, binding), entries, err
}

// The exact path: tokens, intersected. A learns which of its rows match, and B
// nothing but how many tokens A has. Between agencies the stream is a session of
// package protocol, whose terms give params.
func Example() {
	ctx := context.Background()
	streamA, streamB := net.Pipe()
	params := &psi.Params{MaxSender: 100, MaxReceiver: 100}

	go func() { // agency B
		set, _, err := setOf(ctx, recordsOfB)
		if err != nil {
			log.Fatal(err)
		}
		if _, err := psi.Send(ctx, streamB, params, set); err != nil {
			log.Fatal(err)
		}
	}()

	set, entries, err := setOf(ctx, recordsOfA)
	if err != nil {
		log.Fatal(err)
	}
	result, err := psi.Receive(ctx, streamA, params, set)
	if err != nil {
		log.Fatal(err)
	}
	for match := range result.All() {
		fmt.Printf("row %d is known to B, by rule %d\n", entries[match.Item].Row, entries[match.Item].Rule)
	}
	// Output:
	// row 0 is known to B, by rule 0
	// row 0 is known to B, by rule 1
	// row 1 is known to B, by rule 1
}

// encodingsOf turns an agency's records into Bloom encodings.
func encodingsOf(records []tokenize.Record) (*bloomlink.Set, error) {
	schema, err := tokenize.ParseSchema(agreedSchema)
	if err != nil {
		return nil, err
	}
	features := []bloomlink.Feature{{Name: "given", Q: 2, Bits: 10}, {Name: "family", Q: 2, Bits: 10}, {Name: "birth", Q: 2, Bits: 10}}
	encoder, err := bloomlink.NewEncoder(&bloomlink.Schema{Length: 1024, Features: features}, agreedSecret, nil)
	if err != nil {
		return nil, err
	}
	var encodings []bloomlink.Encoding
	for _, r := range records {
		fields, err := schema.Normalize(r)
		if err != nil {
			return nil, err
		}
		e, err := encoder.Encode([]string{fields[0].Value, fields[1].Value, fields[2].Value})
		if err != nil {
			return nil, err
		}
		encodings = append(encodings, e)
	}
	return bloomlink.NewSet(encodings, encoder.Binding(agreedEpoch))
}

// The approximate path: Bloom encodings, compared by a linkage unit that holds no
// key. Each agency learns the group numbers of its own rows.
func Example_approximate() {
	ctx := context.Background()
	const threshold, limit = 0.7, 100
	ownerA, unitA := net.Pipe()
	ownerB, unitB := net.Pipe()

	go func() { // the linkage unit
		params := &bloomlink.UnitParams{Length: 1024, Threshold: threshold, MaxA: limit, MaxB: limit}
		if _, err := bloomlink.Link(ctx, unitA, unitB, params); err != nil {
			log.Fatal(err)
		}
	}()
	owner := func(stream net.Conn, records []tokenize.Record) *bloomlink.Groups {
		set, err := encodingsOf(records)
		if err != nil {
			log.Fatal(err)
		}
		groups, err := bloomlink.Submit(ctx, stream, &bloomlink.Params{MaxRows: limit, Threshold: threshold}, set)
		if err != nil {
			log.Fatal(err)
		}
		return groups
	}
	atB := make(chan *bloomlink.Groups)
	go func() { atB <- owner(ownerB, recordsOfB) }()
	groupsA := owner(ownerA, recordsOfA)
	groupsB := <-atB

	for a := range groupsA.All() {
		for b := range groupsB.All() {
			if a.Group == b.Group {
				fmt.Printf("row %d of A and row %d of B are one group\n", a.Row, b.Row)
			}
		}
	}
	// Output:
	// row 0 of A and row 2 of B are one group
	// row 1 of A and row 0 of B are one group
}
