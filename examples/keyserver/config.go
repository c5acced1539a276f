package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"

	"github.com/comity-prl/comity/tokenize"
)

// config is config.json of a server's folder. Files are named from the folder.
type config struct {
	Listen string        `json:"listen"` // of peers
	Admin  string        `json:"admin"`  // of /healthz and /metrics, in clear: loopback or a private network
	Quotas limits        `json:"quotas"`
	Scopes []scopeConfig `json:"scopes"`
	Peers  []peerConfig  `json:"peers"`
}

// scopeConfig is one live epoch of one purpose.
type scopeConfig struct {
	Project string         `json:"project"`
	Purpose string         `json:"purpose"`
	Epoch   tokenize.Epoch `json:"epoch"`
	Key     string         `json:"key"`     // file of a sealed key or share
	Primary bool           `json:"primary"` // whether new tokens are made in this epoch
}

func (s scopeConfig) scope() tokenize.Scope {
	return tokenize.Scope{Project: s.Project, Purpose: s.Purpose, Epoch: s.Epoch}
}

// peerConfig is an agency that may ask.
type peerConfig struct {
	Name        string   `json:"name"`
	Certificate pin      `json:"certificate"`
	Projects    []string `json:"projects"`
}

// pin is the SHA-256 hash of a certificate, in hexadecimal.
type pin [sha256.Size]byte

func (p *pin) UnmarshalText(text []byte) error {
	b, err := hex.DecodeString(string(text))
	if err != nil || len(b) != len(p) {
		return errors.New("a certificate is pinned by 64 hexadecimal digits")
	}
	*p = pin(b)
	return nil
}

func (p pin) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(p[:])), nil }

// nameForm is that of peers and officers.
var nameForm = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

func readConfig(path string) (*config, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	c, err := parseConfig(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

func parseConfig(text []byte) (*config, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	c := new(config)
	if err := d.Decode(c); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("data after the JSON value")
	}
	return c, c.validate()
}

func (c *config) validate() error {
	if err := c.Quotas.validate(); err != nil {
		return err
	}
	type purpose struct{ project, purpose string }
	scopes, primaries := map[tokenize.Scope]bool{}, map[purpose]int{}
	for _, s := range c.Scopes {
		if err := s.scope().Validate(); err != nil {
			return err
		}
		if scopes[s.scope()] {
			return fmt.Errorf("epoch %q of %s/%s is there twice", string(s.Epoch), s.Project, s.Purpose)
		}
		scopes[s.scope()] = true
		p := purpose{s.Project, s.Purpose}
		n := primaries[p]
		if s.Primary {
			n++
		}
		primaries[p] = n
	}
	for p, n := range primaries {
		if n != 1 {
			return fmt.Errorf("%s/%s has %d primary epochs, not one", p.project, p.purpose, n)
		}
	}
	for i, p := range c.Peers {
		if !nameForm.MatchString(p.Name) || len(p.Projects) == 0 {
			return fmt.Errorf("peer %d has no name of letters, digits, dots, underscores and hyphens, or no projects", i+1)
		}
		if slices.ContainsFunc(c.Peers[:i], func(q peerConfig) bool { return q.Name == p.Name || q.Certificate == p.Certificate }) {
			return fmt.Errorf("peer %q is there twice, or has another's certificate", p.Name)
		}
	}
	return nil
}

// publicKey is a scope as peers see it.
type publicKey struct {
	Project string         `json:"project"`
	Purpose string         `json:"purpose"`
	Epoch   tokenize.Epoch `json:"epoch"`
	Primary bool           `json:"primary"`
	Key     string         `json:"key"` // base64 of tokenize.PublicKey
}

func (s scopeConfig) public(k *tokenize.PublicKey) publicKey {
	return publicKey{s.Project, s.Purpose, s.Epoch, s.Primary, base64.StdEncoding.EncodeToString(k.Bytes())}
}

func (k publicKey) parse() (tokenize.Scope, *tokenize.PublicKey, error) {
	b, err := base64.StdEncoding.DecodeString(k.Key)
	if err != nil {
		return tokenize.Scope{}, nil, err
	}
	p, err := tokenize.ParsePublicKey(b)
	return tokenize.Scope{Project: k.Project, Purpose: k.Purpose, Epoch: k.Epoch}, p, err
}
