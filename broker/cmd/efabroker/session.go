package main

import (
	"github.com/spf13/pflag"

	"github.com/efa-broker/efa-broker/broker/cmd/efabroker/connection"
	"github.com/efa-broker/efa-broker/broker/cmd/efabroker/failure"
	"github.com/efa-broker/efa-broker/broker/cmd/efabroker/output"
	"github.com/efa-broker/efa-broker/broker/internal/config"
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
		return failure.Hinted(err, "efabroker config --reference lists every setting")
	}
	s.origins = origins
	return nil
}

// machine reports whether the output is for machines.
func (s *session) machine() bool { return s.asJSON || s.cfg.Output == "json" }

func (s *session) printer() output.Printer {
	return output.Printer{Out: s.program.Stdout, JSON: s.machine(), Zone: s.program.Zone}
}

// as opens the API as one client.
func (s *session) as(clientID string) (*client.ClientWithResponses, error) {
	return connection.Open(s.cfg, clientID)
}

// operator opens the API as the client that acts for no office.
func (s *session) operator() (*client.ClientWithResponses, error) { return s.as(s.cfg.Client) }

// office opens the API as the system of an authority, whose key lies beside the operator's.
func (s *session) office(id string) (*client.ClientWithResponses, error) {
	parsed, err := authority.ParseID(id)
	if err != nil {
		return nil, failure.Usage("efabroker authority list shows the ids", "--as: %w", err)
	}
	return s.as(string(parsed))
}
