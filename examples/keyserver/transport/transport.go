// Package transport carries requests for tokens to a key server over HTTPS.
package transport

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/comity-prl/comity/tokenize"
)

// Officer is the header that names on whose behalf a request is: a name or
// pseudonym of 1 to 64 of A-Z, a-z, 0-9, dot, underscore and hyphen, for which the
// peer answers.
const Officer = "Comity-Officer"

// Evaluate is the path of requests.
const Evaluate = "/v1/evaluate"

// Timeout bounds a request from its first byte to the last of the answer.
const Timeout = time.Minute

// Errors of a key server.
var (
	ErrQuota  = errors.New("transport: the quota does not allow so many evaluations")
	ErrServer = errors.New("transport: the key server is not the one that was pinned")
)

// StatusError is any other answer than 200 OK.
type StatusError struct {
	Code int    // of HTTP
	Text string // what the server says
}

func (e *StatusError) Error() string { return fmt.Sprintf("key server: %s (%d)", e.Text, e.Code) }

// Unwrap returns ErrQuota where that is why.
func (e *StatusError) Unwrap() error {
	if e.Code == http.StatusTooManyRequests {
		return ErrQuota
	}
	return nil
}

// Client returns an HTTP client that shows the own certificate and talks to the
// server whose certificate has this SHA-256 hash, and to no other.
func Client(own tls.Certificate, server [sha256.Size]byte) *http.Client {
	return &http.Client{
		Timeout: Timeout,
		Transport: &http.Transport{
			ForceAttemptHTTP2: true,
			TLSClientConfig: &tls.Config{
				MinVersion:   tls.VersionTLS13,
				Certificates: []tls.Certificate{own},
				// The pin takes the place of a chain to a root and of a host name.
				InsecureSkipVerify: true,
				VerifyConnection: func(s tls.ConnectionState) error {
					if !Pinned(s.PeerCertificates, server, time.Now()) {
						return ErrServer
					}
					return nil
				},
			},
		},
	}
}

// Pinned reports whether the first certificate has the hash and is valid at a time.
func Pinned(chain []*x509.Certificate, hash [sha256.Size]byte, now time.Time) bool {
	if len(chain) == 0 || now.Before(chain[0].NotBefore) || now.After(chain[0].NotAfter) {
		return false
	}
	got := sha256.Sum256(chain[0].Raw)
	return subtle.ConstantTimeCompare(got[:], hash[:]) == 1
}

// maxAnswer bounds what is read: elements and proof are shorter than a request.
const maxAnswer = tokenize.MaxRequest

// New returns the transport to a server at a base URL, on behalf of an officer. It
// fails with a *StatusError, which wraps ErrQuota if the quota is spent.
func New(c *http.Client, url, officer string) tokenize.Transport {
	return func(ctx context.Context, request []byte) ([]byte, error) {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, url+Evaluate, bytes.NewReader(request))
		if err != nil {
			return nil, err
		}
		r.Header.Set(Officer, officer)
		r.Header.Set("Content-Type", "application/octet-stream")
		answer, err := c.Do(r)
		if err != nil {
			return nil, err
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
		if err != nil {
			return nil, err
		}
		if answer.StatusCode != http.StatusOK {
			text := strings.TrimSpace(string(body[:min(len(body), 200)]))
			return nil, &StatusError{Code: answer.StatusCode, Text: strings.ToValidUTF8(text, "?")}
		}
		return body, nil
	}
}
