package main

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v3"

	"github.com/comity-prl/comity/tokenize"
)

// defaultQuotas are for a trial: an agency of a million records with five rules, and
// an officer who looks up persons.
var defaultQuotas = limits{Epoch: 20_000_000, Peer: 5_000_000, Officer: 10_000}

// serverFile is what a peer knows of a server, from a source that it trusts.
type serverFile struct {
	URL         string      `json:"url"`
	Certificate pin         `json:"certificate"`
	Keys        []publicKey `json:"keys"`
}

func initialise(c *cli.Command) error {
	dir := c.String("dir")
	if _, err := os.Stat(filepath.Join(dir, fileConfig)); err == nil {
		return fmt.Errorf("%s is a server's folder already", dir)
	}
	own, err := newIdentity(dir, "keyserver")
	if err != nil {
		return err
	}
	raw := make([]byte, 32)
	rand.Read(raw)
	if err := writeNew(sealingPath(c), []byte(hex.EncodeToString(raw)+"\n")); err != nil {
		return err
	}
	a, err := sealing(sealingPath(c))
	if err != nil {
		return err
	}
	key, err := tokenize.GenerateKey(tokenize.Ristretto255, tokenize.VOPRF)
	if err != nil {
		return err
	}
	epoch := tokenize.Epoch(c.String("epoch"))
	s := scopeConfig{Project: c.String("project"), Purpose: c.String("purpose"), Epoch: epoch, Key: string(epoch) + ".key", Primary: true}
	conf := &config{Listen: c.String("listen"), Admin: c.String("admin"), Quotas: defaultQuotas, Scopes: []scopeConfig{s}}
	known := serverFile{URL: "https://" + conf.Listen, Certificate: own, Keys: []publicKey{s.public(key.Public())}}
	for _, name := range c.StringSlice("peer") {
		if !nameForm.MatchString(name) {
			return errors.New("the name of a peer is 1 to 64 letters, digits, dots, underscores and hyphens")
		}
		folder := filepath.Join(filepath.Dir(filepath.Clean(dir)), name)
		p, err := newIdentity(folder, name)
		if err != nil {
			return err
		}
		if err := writeJSON(filepath.Join(folder, fileServer), known); err != nil {
			return err
		}
		conf.Peers = append(conf.Peers, peerConfig{Name: name, Certificate: p, Projects: []string{s.Project}})
	}
	if err := conf.validate(); err != nil {
		return err
	}
	return errors.Join(writeNew(filepath.Join(dir, s.Key), key.Seal(a)), writeJSON(filepath.Join(dir, fileConfig), conf))
}
