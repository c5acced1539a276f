package main

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"io/fs"
	"path/filepath"

	"github.com/urfave/cli/v3"

	"github.com/comity-prl/comity/protocol"
)

var flagOfficerKey = &cli.StringFlag{Name: "officer-key", Usage: "`FILE` of the requesting officer's own key, which signs the terms too (see pairmatch officer-key)"}

const pemOfficerKey = "PRIVATE KEY" // PKCS #8

var officerKeyCommand = &cli.Command{
	Name:  "officer-key",
	Usage: "make a key with which an officer signs requests",
	Description: `The file holds an Ed25519 key as PEM (PKCS #8): it is the officer's, and for no
one else. link --officer-key signs with it. A policy that lists the public key
under officer_keys takes requests with such a signature only; which officer it
belongs to is the agency's word.`,
	Flags: []cli.Flag{
		&cli.StringFlag{Name: "o", Aliases: []string{"output"}, Usage: "`FILE` for the key", Required: true},
		flagForce, flagJSON,
	},
	Action: func(_ context.Context, cmd *cli.Command) error {
		if _, err := arguments(cmd); err != nil {
			return err
		}
		path := cmd.String("o")
		if err := mayWrite(cmd.Bool("force"), path); err != nil {
			return err
		}
		public, key, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			return err
		}
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			return err
		}
		if err := writeFile(path, pem.EncodeToMemory(&pem.Block{Type: pemOfficerKey, Bytes: der})); err != nil {
			return err
		}
		con := newConsole(cmd)
		con.say("wrote %s", path)
		con.say("  public key  %s", base64.StdEncoding.EncodeToString(public))
		con.say("")
		con.say("Next: put the public key into officer_keys of the policies that shall want it, and")
		con.say("sign requests with pairmatch link --officer ID --officer-key %s", path)
		return con.result(struct {
			File   string            `json:"file"`
			Public ed25519.PublicKey `json:"public_key"`
		}{path, public})
	},
}

// officerKey returns the key of --officer-key, or nil.
func officerKey(cmd *cli.Command) (crypto.Signer, error) {
	path := cmd.String(flagOfficerKey.Name)
	if path == "" {
		return nil, nil
	}
	if cmd.String("officer") == "" {
		return nil, usagef("--officer-key needs --officer: the signature is that officer's")
	}
	folder := &folder{path: filepath.Dir(path)}
	text, err := folder.read(filepath.Base(path))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, inputf(path, "there is no such file: make one with pairmatch officer-key")
	}
	if err != nil {
		return nil, err
	}
	block, rest := pem.Decode(text)
	if block == nil || block.Type != pemOfficerKey || len(rest) > 0 {
		return nil, inputf(path, "not one PEM block %q", pemOfficerKey)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	officer, ok := key.(ed25519.PrivateKey)
	if err != nil || !ok { // the error may quote the file
		return nil, inputf(path, "not an Ed25519 key in PKCS #8")
	}
	return officer, nil
}

// signedBy returns the terms as they will be proposed, signed by the officer too.
func signedBy(officer crypto.Signer, t *protocol.Terms, c *protocol.Config) (*protocol.Terms, error) {
	if officer == nil {
		return t, nil
	}
	t, err := c.Complete(t)
	if err != nil {
		return nil, err
	}
	return t, protocol.SignOfficer(officer, t)
}
