package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/comity-prl/comity/examples/keyserver/transport"
	"github.com/comity-prl/comity/tokenize"
)

// check has each key evaluate one input.
func check(ctx context.Context, dir, officer string) error {
	text, err := os.ReadFile(filepath.Join(dir, fileServer))
	if err != nil {
		return err
	}
	var known serverFile
	if err := json.Unmarshal(text, &known); err != nil {
		return fmt.Errorf("%s: %w", fileServer, err)
	}
	own, err := identity(dir)
	if err != nil {
		return err
	}
	client := transport.Client(own, known.Certificate)
	defer client.CloseIdleConnections()
	for _, k := range known.Keys {
		s, public, err := k.parse()
		if err != nil {
			return fmt.Errorf("%s: %w", fileServer, err)
		}
		prf, err := tokenize.NewOPRF(public, s, transport.New(client, known.URL, officer), nil)
		if err != nil {
			return err
		}
		if _, err := prf.Evaluate(ctx, [][]byte{[]byte("check")}); err != nil {
			return err
		}
		fmt.Printf("%s/%s, epoch %s: one token under the key that is pinned\n", s.Project, s.Purpose, string(s.Epoch))
	}
	return nil
}
