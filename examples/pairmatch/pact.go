package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// pact is what two agencies agreed on for one epoch.
type pact struct {
	epoch   string
	linkage *linkage
	secret  secret
	code    string // what both compared by telephone
	agreed  time.Time
}

// storedPact is a pact's file. The secret stands in it in the clear: see folder.
type storedPact struct {
	Version int       `json:"version"`
	Epoch   string    `json:"epoch"`
	Linkage *linkage  `json:"linkage"`
	Secret  []byte    `json:"secret"`
	Code    string    `json:"code"`
	Agreed  time.Time `json:"agreed"`
}

const pactPrefix = "epoch-"

func pactFile(epoch string) string { return pactPrefix + epoch + ".json" }

// pacts returns what was agreed with a peer, the latest first.
func (f *folder) pacts(k known) ([]pact, error) {
	entries, err := os.ReadDir(f.join(peersFolder, k.slot))
	if err != nil {
		return nil, err
	}
	var pacts []pact
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), pactPrefix) || filepath.Ext(e.Name()) != ".json" {
			continue
		}
		p, err := f.readPact(peersFolder, k.slot, e.Name())
		if err != nil {
			return nil, err
		}
		pacts = append(pacts, p)
	}
	slices.SortFunc(pacts, func(a, b pact) int { return b.agreed.Compare(a.agreed) })
	return pacts, nil
}

func (f *folder) readPact(elem ...string) (pact, error) {
	var s storedPact
	if err := f.readJSON(&s, elem...); err != nil {
		return pact{}, err
	}
	if s.Version != 1 || len(s.Secret) != secretSize || s.Linkage == nil {
		return pact{}, inputf(f.join(elem...), "not what this version writes: invite and accept anew, with --replace")
	}
	if err := s.Linkage.validate(); err != nil {
		return pact{}, inputf(f.join(elem...), "%s", flat(err))
	}
	return pact{s.Epoch, s.Linkage, s.Secret, s.Code, s.Agreed}, nil
}

// pact returns what was agreed with a peer for an epoch; without an epoch, what
// was agreed last.
func (f *folder) pact(k known, epoch string) (pact, error) {
	pacts, err := f.pacts(k)
	if err != nil {
		return pact{}, err
	}
	for _, p := range pacts {
		if epoch == "" || p.epoch == epoch {
			return p, nil
		}
	}
	if epoch == "" {
		return pact{}, &failure{exitSetUp, fmt.Sprintf("nothing is agreed with %q yet", k.Name), "invite it, or accept its invitation"}
	}
	return pact{}, &failure{exitSetUp, fmt.Sprintf("nothing is agreed with %q for epoch %q", k.Name, epoch),
		"invite it for that epoch, or accept its invitation"}
}

// mayAgree reports whether a pact with the peer may be stored for the epoch.
func (f *folder) mayAgree(k known, epoch string, replace bool) error {
	if _, err := os.Stat(f.join(peersFolder, k.slot, pactFile(epoch))); err == nil && !replace {
		return &failure{exitSetUp, fmt.Sprintf("a secret is agreed with %q for epoch %q already", k.Name, epoch),
			"use a new epoch, or --replace on both sides"}
	}
	return nil
}

// agree stores a pact.
func (f *folder) agree(k known, p pact) error {
	s := storedPact{Version: 1, Epoch: p.epoch, Linkage: p.linkage, Secret: p.secret, Code: p.code, Agreed: p.agreed}
	return f.writeJSON(s, peersFolder, k.slot, pactFile(p.epoch))
}
