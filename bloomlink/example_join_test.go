package bloomlink_test

import (
	"bytes"
	"context"
	"fmt"
	"log"

	"github.com/comity-prl/comity/bloomlink"
)

// A register is indexed once and kept as a file. Later it is opened, takes in new
// records, and is searched for a whole list or for one record.
func ExampleIndex() {
	encoder, err := bloomlink.NewEncoder(&bloomlink.Schema{Length: 1024, Features: []bloomlink.Feature{
		{Name: "name", Q: 2, Bits: 15},
		{Name: "birth_date", Q: 2, Bits: 15},
	}}, bytes.Repeat([]byte{7}, 32), nil)
	if err != nil {
		log.Fatal(err)
	}
	encode := func(records ...[]string) []bloomlink.Encoding {
		var xs []bloomlink.Encoding
		for _, r := range records {
			x, err := encoder.Encode(r)
			if err != nil {
				log.Fatal(err)
			}
			xs = append(xs, x)
		}
		return xs
	}
	// The configuration's hash keeps apart what cannot be compared.
	options := &bloomlink.IndexOptions{Length: 1024, Config: encoder.Binding("2026-Q4").Config}
	index, err := bloomlink.NewIndex(encode(
		[]string{"quirin vandersteen", "19700102"},
		[]string{"ludmilla petrosjan", "19900506"},
	), options)
	if err != nil {
		log.Fatal(err)
	}
	var file bytes.Buffer
	if _, err := index.WriteTo(&file); err != nil {
		log.Fatal(err)
	}

	index, err = bloomlink.OpenIndex(bytes.NewReader(file.Bytes()), options)
	if err != nil {
		log.Fatal(err)
	}
	index, err = index.Extend(encode([]string{"ludmila petrosjan", "19900506"}))
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	for p, err := range bloomlink.Duplicates(ctx, index, 0.8, nil) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("rows %d and %d are alike: %.2f\n", p.A, p.B, p.Score)
	}
	found, err := index.Search(ctx, encode([]string{"quirin vandersten", "19700102"})[0], 0.8, nil)
	if err != nil {
		log.Fatal(err)
	}
	for _, n := range found {
		fmt.Printf("the query resembles row %d: %.2f\n", n.Row, n.Score)
	}
	// Output:
	// rows 1 and 2 are alike: 0.98
	// the query resembles row 0: 0.95
}
