package main

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/comity-prl/comity/tokenize"
)

// Files of a folder, of the server or of a peer.
const (
	fileConfig      = "config.json"
	fileCertificate = "tls.crt"
	fileTLSKey      = "tls.key"
	fileUsage       = "usage.db"
	fileServer      = "server.json" // of a peer: where the server is
	fileSealing     = "sealing.key"
)

// sealing reads the key under which keys are sealed: 64 hexadecimal digits. In
// earnest a KMS holds it: what the code needs of it is a cipher.AEAD.
func sealing(path string) (cipher.AEAD, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(key) != 32 {
		return nil, fmt.Errorf("%s: a sealing key is 64 hexadecimal digits", path)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// loadKey opens a file that holds a sealed key or a sealed share, and says which.
func loadKey(path string, a cipher.AEAD) (k *tokenize.SecretKey, share bool, err error) {
	sealed, err := os.ReadFile(path)
	if err != nil {
		return nil, false, err
	}
	if k, err := tokenize.OpenKey(a, sealed); err == nil {
		return k, false, nil
	}
	s, err := tokenize.OpenShare(a, sealed)
	if err != nil {
		return nil, false, fmt.Errorf("%s: %w", path, err)
	}
	return s.Key(), true, nil
}

// loadKeys opens the keys of all scopes.
func loadKeys(dir string, c *config, a cipher.AEAD) (map[tokenize.Scope]tokenize.Key, error) {
	keys, files := map[tokenize.Scope]tokenize.Key{}, map[string]tokenize.Key{}
	for _, s := range c.Scopes {
		if files[s.Key] == nil {
			k, _, err := loadKey(filepath.Join(dir, s.Key), a)
			if err != nil {
				return nil, err
			}
			files[s.Key] = k
		}
		keys[s.scope()] = files[s.Key]
	}
	return keys, nil
}

// newIdentity makes a TLS key and a certificate for it in a new folder, and returns
// what to pin. An agency with a PKI of its own brings its own files.
func newIdentity(dir, name string) (pin, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return pin{}, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return pin{}, err
	}
	serial := make([]byte, 16)
	rand.Read(serial)
	template := &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes(serial),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().AddDate(1, 0, 0),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return pin{}, err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return pin{}, err
	}
	err = errors.Join(
		writeNew(filepath.Join(dir, fileCertificate), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		writeNew(filepath.Join(dir, fileTLSKey), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})),
	)
	return fingerprint(tls.Certificate{Certificate: [][]byte{der}}), err
}

func identity(dir string) (tls.Certificate, error) {
	return tls.LoadX509KeyPair(filepath.Join(dir, fileCertificate), filepath.Join(dir, fileTLSKey))
}

// writeNew writes a file that must not exist, for its owner alone.
func writeNew(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s exists", path)
	}
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Sync(), f.Close())
}

// replace writes a file that may exist: whole or not at all.
func replace(path string, data []byte) error {
	temporary := path + ".new"
	if err := os.Remove(temporary); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := writeNew(temporary, data); err != nil {
		return err
	}
	return os.Rename(temporary, path)
}

func writeJSON(path string, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return writeNew(path, append(text, '\n'))
}
