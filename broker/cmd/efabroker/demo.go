package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"

	"github.com/spf13/cobra"

	offices "github.com/efa-broker/efa-broker/adapters/backoffice/demo"
	"github.com/efa-broker/efa-broker/broker/cmd/efabroker/connection"
	"github.com/efa-broker/efa-broker/broker/cmd/internal/demo"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/api/client"
	"github.com/efa-broker/efa-broker/contracts/authority"
)

// demoCommand plays the main job against any broker: the same steps as standalone demo.
func (s *session) demoCommand() *cobra.Command {
	var example string
	var noOffices bool
	c := s.command("demo", "Play the move of a business against a running broker", func(ctx context.Context, _ []string) error {
		return s.playDemo(ctx, example, !noOffices)
	})
	c.Flags().StringVar(&example, "example", "", "example application to file, by file name")
	c.Flags().BoolVar(&noOffices, "no-offices", false, "do not play the back offices, because they run elsewhere")
	return c
}

func (s *session) playDemo(ctx context.Context, example string, withOffices bool) (err error) {
	e, err := connection.Find(s.cfg)
	if err != nil {
		return err
	}
	if withOffices {
		played, err := s.offices(ctx, e)
		if err != nil {
			return err
		}
		if err := played.Start(context.WithoutCancel(ctx)); err != nil {
			return fmt.Errorf("start back offices: %w", err)
		}
		defer func() { err = errors.Join(err, played.Stop(context.WithoutCancel(ctx))) }()
	}
	report, err := demo.Run(ctx, demo.Config{
		API: e.API, Issuer: e.Issuer, Credentials: s.credentials, Example: example, Out: s.program.Stdout, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return fmt.Errorf("play the demo: %w", err)
	}
	if len(report.Missing) > 0 {
		return contracts.Errorf(contracts.Internal, "play the demo", "%d steps were not seen", len(report.Missing))
	}
	return nil
}

func (s *session) credentials(id string) (client.Credentials, error) {
	return connection.Credentials(s.cfg, id)
}

// offices are the back offices of every authority that the broker knows, with their journals in the data directory.
func (s *session) offices(ctx context.Context, e connection.Endpoint) (*offices.Offices, error) {
	operator, err := s.operator()
	if err != nil {
		return nil, err
	}
	answer, err := operator.ListAuthoritiesWithResponse(ctx)
	if err != nil {
		return nil, fmt.Errorf("list authorities: %w", err)
	}
	list, err := client.Value(answer, answer.JSON200)
	if err != nil {
		return nil, fmt.Errorf("list authorities: %w", err)
	}
	dir := filepath.Join(s.cfg.Data, "offices")
	played, err := offices.New(offices.Config{
		API: e.API, Issuer: e.Issuer, Authorities: list.Authorities, State: filepath.Join(dir, "journal"), Dir: dir,
		Credentials: func(id authority.ID) (client.Credentials, error) { return s.credentials(string(id)) },
	})
	if err != nil {
		return nil, fmt.Errorf("open back offices: %w", err)
	}
	return played, nil
}
