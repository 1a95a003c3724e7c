package play

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"

	offices "github.com/efa-broker/efa-broker/adapters/backoffice/demo"
	"github.com/efa-broker/efa-broker/broker/cmd/efabroker/connection"
	"github.com/efa-broker/efa-broker/broker/cmd/internal/demo"
	"github.com/efa-broker/efa-broker/broker/internal/config"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/api/client"
	"github.com/efa-broker/efa-broker/contracts/authority"
)

// Config says which broker is played against.
type Config struct {
	Client config.Client
	// Example is an example application by file name; empty for the first.
	Example string
	// Offices plays the back offices too.
	Offices bool
	Out     io.Writer
}

// Demo plays until everything was seen. A step that was not seen is Internal.
func Demo(ctx context.Context, cfg Config) (err error) {
	e, err := connection.Find(cfg.Client)
	if err != nil {
		return err
	}
	if cfg.Offices {
		played, err := open(ctx, cfg, e)
		if err != nil {
			return err
		}
		if err := played.Start(context.WithoutCancel(ctx)); err != nil {
			return fmt.Errorf("start back offices: %w", err)
		}
		defer func() { err = errors.Join(err, played.Stop(context.WithoutCancel(ctx))) }()
	}
	report, err := demo.Run(ctx, demo.Config{
		API: e.API, Issuer: e.Issuer, Operator: cfg.Client.Client, Portal: cfg.Client.Portal, Example: cfg.Example, Out: cfg.Out, Log: slog.New(slog.DiscardHandler),
		Credentials: func(id string) (client.Credentials, error) { return connection.Credentials(cfg.Client, id) },
	})
	if err != nil {
		return fmt.Errorf("play the demo: %w", err)
	}
	if len(report.Missing) > 0 {
		return contracts.Errorf(contracts.Internal, "play the demo", "%d steps were not seen", len(report.Missing))
	}
	return nil
}

// open opens the back offices of every authority that the broker knows, with their journals in the data directory.
func open(ctx context.Context, cfg Config, e connection.Endpoint) (*offices.Offices, error) {
	operator, err := connection.Open(cfg.Client, cfg.Client.Client)
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
	dir := filepath.Join(cfg.Client.Data, "offices")
	played, err := offices.New(offices.Config{
		API: e.API, Issuer: e.Issuer, Authorities: list.Authorities, State: filepath.Join(dir, "journal"), Dir: dir,
		Credentials: func(id authority.ID) (client.Credentials, error) {
			return connection.Credentials(cfg.Client, string(id))
		},
	})
	if err != nil {
		return nil, fmt.Errorf("open back offices: %w", err)
	}
	return played, nil
}
