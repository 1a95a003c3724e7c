// Package connection finds the broker and opens its API as one of the clients of a data directory.
package connection

import (
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"

	"github.com/efa-broker/efa-broker/broker/cmd/efabroker/failure"
	"github.com/efa-broker/efa-broker/broker/internal/config"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/api/client"
)

// Endpoint is what a standalone broker writes about itself.
type Endpoint struct {
	API    string `json:"api"`
	Issuer string `json:"issuer"`
}

// Find finds the broker: by configuration, else by the data directory.
func Find(cfg config.Client) (Endpoint, error) {
	if cfg.Server != "" {
		return Endpoint{cfg.Server, cfg.Issuer}, nil
	}
	const op = "find broker"
	path := filepath.Join(cfg.Data, "endpoint.json")
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Endpoint{}, failure.Hinted(contracts.Errorf(contracts.Unavailable, op, "%s does not exist", path),
			"start a broker (standalone serve --data "+cfg.Data+"), or name one with --server and --issuer")
	}
	if err != nil {
		return Endpoint{}, contracts.Errorf(contracts.Internal, op, "%w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return Endpoint{}, failure.Hinted(contracts.Errorf(contracts.Denied, op, "%s has mode %04o; others could send this client elsewhere", path, info.Mode().Perm()),
			"chmod 600 "+path)
	}
	raw, err := os.ReadFile(path) //nolint:gosec // the user names the own data directory
	if err != nil {
		return Endpoint{}, contracts.Errorf(contracts.Internal, op, "%w", err)
	}
	var e Endpoint
	if err := json.Unmarshal(raw, &e); err != nil || e.API == "" {
		return Endpoint{}, contracts.Errorf(contracts.Invalid, op, "%s names no address", path)
	}
	return e, nil
}

// Open opens the API as one client, by its token or by the key in the directory of clients.
func Open(cfg config.Client, clientID string) (*client.ClientWithResponses, error) {
	e, err := Find(cfg)
	if err != nil {
		return nil, err
	}
	opened := client.Config{API: e.API, Issuer: e.Issuer, HTTP: &http.Client{Timeout: cfg.Timeout}}
	if cfg.Token != "" {
		opened.Tokens = client.StaticToken(cfg.Token)
		return client.Open(opened)
	}
	if opened.Credentials, err = Credentials(cfg, clientID); err != nil {
		return nil, err
	}
	return client.Open(opened)
}

// Credentials reads the key of a client in the directory of clients.
func Credentials(cfg config.Client, clientID string) (client.Credentials, error) {
	path := filepath.Join(cfg.ClientsDir(), clientID+".json")
	c, err := client.ReadCredentials(path)
	if err != nil {
		return c, explain(cfg, err, clientID, path)
	}
	if named := c.ClientID; named != clientID {
		return client.Credentials{}, failure.Hinted(contracts.Errorf(contracts.Denied, "read client credentials", "%s holds the key of %s, not of %s", path, named, clientID),
			"put the key of "+clientID+" there, or act as "+named)
	}
	return c, nil
}

// explain adds to an error of a credentials file what to do.
func explain(cfg config.Client, err error, clientID, path string) error {
	if contracts.KindOf(err) == contracts.NotFound {
		return failure.Hinted(err, "the key of "+clientID+" is not in "+cfg.ClientsDir()+"; name its directory with --clients")
	}
	if contracts.KindOf(err) == contracts.Denied {
		return failure.Hinted(err, "chmod 600 "+path+", or make a new key if others could read it")
	}
	return err
}
