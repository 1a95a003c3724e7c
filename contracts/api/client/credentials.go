package client

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/uuid"

	"github.com/efa-broker/efa-broker/contracts"
)

// Credentials are what a machine client proves itself with: its id and its private key. The OpenID provider holds the
// public half only.
type Credentials struct {
	// ClientID names the client at the OpenID provider and in the broker's own row.
	ClientID string `json:"client_id"`
	// Key is the private key, a JWK on P-256 for ES256.
	Key jose.JSONWebKey `json:"key"`
}

// Generate makes credentials with a fresh key. Its key id is random.
func Generate(clientID string) (Credentials, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Credentials{}, contracts.Errorf(contracts.Internal, "generate client key", "%w", err)
	}
	return Credentials{ClientID: clientID, Key: jose.JSONWebKey{
		Key: key, KeyID: uuid.NewString(), Algorithm: string(jose.ES256), Use: "sig",
	}}, nil
}

// ReadCredentials reads a file that Save wrote. A file that others than its owner may read or write is refused, because
// a key that was readable must be taken for known.
func ReadCredentials(path string) (Credentials, error) {
	const op = "read client credentials"
	info, err := os.Stat(path)
	if err != nil {
		return Credentials{}, contracts.Errorf(fileKind(err), op, "%w", err)
	}
	if !info.Mode().IsRegular() || info.Mode().Perm()&0o077 != 0 {
		return Credentials{}, contracts.Errorf(contracts.Denied, op,
			"%s has mode %04o and may be read by others; make a new key, or: chmod 600 %s", path, info.Mode().Perm(), path)
	}
	raw, err := os.ReadFile(path) //nolint:gosec // the caller names the file of its own key
	if err != nil {
		return Credentials{}, contracts.Errorf(fileKind(err), op, "%w", err)
	}
	var c Credentials
	if err := json.Unmarshal(raw, &c); err != nil {
		return Credentials{}, contracts.Errorf(contracts.Invalid, op, "%s is no credentials file: want client_id and key", path)
	}
	if err := c.Validate(); err != nil {
		return Credentials{}, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

func fileKind(err error) contracts.Kind {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return contracts.NotFound
	case errors.Is(err, fs.ErrPermission):
		return contracts.Denied
	}
	return contracts.Internal
}

// Save writes the credentials to a new file with mode 0600. It refuses to replace a file.
func (c Credentials) Save(path string) (err error) {
	const op = "save client credentials"
	raw, err := json.Marshal(c)
	if err != nil {
		return contracts.Errorf(contracts.Internal, op, "%w", err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) //nolint:gosec // the caller names the file
	if err != nil {
		return contracts.Errorf(contracts.Internal, op, "%w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err := f.Write(append(raw, '\n')); err != nil {
		return contracts.Errorf(contracts.Internal, op, "%w", err)
	}
	return f.Sync()
}

// Validate refuses credentials without client id, and any key but a private one on P-256.
func (c Credentials) Validate() error {
	const op = "check client credentials"
	if c.ClientID == "" {
		return contracts.Errorf(contracts.Invalid, op, "client_id is missing")
	}
	key, ok := c.Key.Key.(*ecdsa.PrivateKey)
	if !ok || key.Curve != elliptic.P256() {
		return contracts.Errorf(contracts.Invalid, op, "key is no private JWK for ES256")
	}
	return nil
}

// Public is the public half of the key, for the provider's register of clients.
func (c Credentials) Public() jose.JSONWebKey { return c.Key.Public() }

// LogValue names the client without its key.
func (c Credentials) LogValue() slog.Value { return slog.StringValue(c.ClientID) }
