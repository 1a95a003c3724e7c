package main

import (
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"

	"github.com/efa-broker/efa-broker/broker/cmd/efabroker/output"
	"github.com/efa-broker/efa-broker/broker/internal/config"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/api/client"
	"github.com/efa-broker/efa-broker/contracts/authority"
)

// session is one run of the program: its configuration and the clients that it opens.
type session struct {
	program Program
	cfg     config.Client
	origins config.Origins
	flags   *pflag.FlagSet
	asJSON  bool
}

// load reads the configuration. Every command does it first.
func (s *session) load() error {
	origins, err := config.Load(&s.cfg, config.Source{Environ: s.program.Environ, Flags: s.flags})
	if err != nil {
		return hinted(err, "efabroker config --reference lists every setting")
	}
	s.origins = origins
	return nil
}

// machine reports whether the output is for machines.
func (s *session) machine() bool { return s.asJSON || s.cfg.Output == "json" }

func (s *session) printer() output.Printer {
	return output.Printer{Out: s.program.Stdout, JSON: s.machine(), Zone: s.program.Zone}
}

// endpoint is what a standalone broker writes about itself.
type endpoint struct {
	API    string `json:"api"`
	Issuer string `json:"issuer"`
}

// endpoint finds the broker: by configuration, else by the data directory.
func (s *session) endpoint() (endpoint, error) {
	if s.cfg.Server != "" {
		return endpoint{s.cfg.Server, s.cfg.Issuer}, nil
	}
	const op = "find broker"
	path := filepath.Join(s.cfg.Data, "endpoint.json")
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return endpoint{}, hinted(contracts.Errorf(contracts.Unavailable, op, "%s does not exist", path),
			"start a broker (standalone serve --data "+s.cfg.Data+"), or name one with --server and --issuer")
	}
	if err != nil {
		return endpoint{}, contracts.Errorf(contracts.Internal, op, "%w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return endpoint{}, hinted(contracts.Errorf(contracts.Denied, op, "%s has mode %04o; others could send this client elsewhere", path, info.Mode().Perm()),
			"chmod 600 "+path)
	}
	raw, err := os.ReadFile(path) //nolint:gosec // the user names the own data directory
	if err != nil {
		return endpoint{}, contracts.Errorf(contracts.Internal, op, "%w", err)
	}
	var e endpoint
	if err := json.Unmarshal(raw, &e); err != nil || e.API == "" {
		return endpoint{}, contracts.Errorf(contracts.Invalid, op, "%s names no address", path)
	}
	return e, nil
}

// as opens the API as one client.
func (s *session) as(clientID string) (*client.ClientWithResponses, error) {
	e, err := s.endpoint()
	if err != nil {
		return nil, err
	}
	cfg := client.Config{API: e.API, Issuer: e.Issuer, HTTP: &http.Client{Timeout: s.cfg.Timeout}}
	if s.cfg.Token != "" {
		cfg.Tokens = client.StaticToken(s.cfg.Token)
		return client.Open(cfg)
	}
	path := filepath.Join(s.cfg.ClientsDir(), clientID+".json")
	cfg.Credentials, err = client.ReadCredentials(path)
	if err != nil {
		return nil, s.explain(err, clientID, path)
	}
	if named := cfg.Credentials.ClientID; named != clientID {
		return nil, hinted(contracts.Errorf(contracts.Denied, "read client credentials", "%s holds the key of %s, not of %s", path, named, clientID),
			"put the key of "+clientID+" there, or act as "+named)
	}
	return client.Open(cfg)
}

// explain adds to an error of a credentials file what to do.
func (s *session) explain(err error, clientID, path string) error {
	if contracts.KindOf(err) == contracts.NotFound {
		return hinted(err, "the key of "+clientID+" is not in "+s.cfg.ClientsDir()+"; name its directory with --clients")
	}
	if contracts.KindOf(err) == contracts.Denied {
		return hinted(err, "chmod 600 "+path+", or make a new key if others could read it")
	}
	return err
}

// operator opens the API as the client that acts for no office.
func (s *session) operator() (*client.ClientWithResponses, error) { return s.as(s.cfg.Client) }

// office opens the API as the system of an authority, whose key lies beside the operator's.
func (s *session) office(id string) (*client.ClientWithResponses, error) {
	parsed, err := authority.ParseID(id)
	if err != nil {
		return nil, usage("efabroker authority list shows the ids", "--as: %w", err)
	}
	return s.as(string(parsed))
}
