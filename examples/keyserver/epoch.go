package main

import (
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"

	"github.com/comity-prl/comity/tokenize"
)

// addEpoch gives each purpose of a server an epoch with a new key of the suite and
// mode of its primary one, whose place it takes, and writes the new public keys.
// The server has them once it is started anew. Purposes whose primary key is a
// share are left out: their servers run generate.
func addEpoch(dir, sealingPath string, e tokenize.Epoch, w io.Writer) error {
	path := filepath.Join(dir, fileConfig)
	c, err := readConfig(path)
	if err != nil {
		return err
	}
	a, err := sealing(sealingPath)
	if err != nil {
		return err
	}
	public := []publicKey{}
	for i := range c.Scopes {
		s := c.Scopes[i]
		if !s.Primary {
			continue
		}
		k, share, err := loadKey(filepath.Join(dir, s.Key), a)
		if err != nil {
			return err
		}
		if share {
			continue
		}
		next, err := tokenize.GenerateKey(k.Public().Suite(), k.Public().Mode())
		if err != nil {
			return err
		}
		s.Epoch, s.Key = e, fmt.Sprintf("%s.%s.%s.key", s.Project, s.Purpose, e)
		c.Scopes[i].Primary = false
		c.Scopes = append(c.Scopes, s)
		public = append(public, s.public(next.Public()))
		if err := c.validate(); err != nil {
			return err
		}
		if err := writeNew(filepath.Join(dir, s.Key), next.Seal(a)); err != nil {
			return err
		}
	}
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	if err := replace(path, append(text, '\n')); err != nil {
		return err
	}
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	return out.Encode(public)
}
