package service

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"time"

	"github.com/efa-broker/efa-broker/adapters/eventlog"
	"github.com/efa-broker/efa-broker/adapters/eventlog/kafkalog"
	"github.com/efa-broker/efa-broker/broker/cmd/internal/assembly"
	"github.com/efa-broker/efa-broker/broker/internal/config"
	"github.com/efa-broker/efa-broker/broker/internal/httpserver"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/authority"
)

// Service is one process of the broker.
type Service struct {
	Config config.Broker
	// Out gets a line when the process is ready and when it stops.
	Out io.Writer
	Log *slog.Logger
}

// Migrate applies the migrations that ledger and key store lack.
func (s Service) Migrate(ctx context.Context) error {
	if err := assembly.Migrate(ctx, s.assembly(false)); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return s.say("migrated")
}

// Restored prepares a ledger that came back from a backup; see package backup.
func (s Service) Restored(ctx context.Context) error {
	if err := assembly.Restored(ctx, s.assembly(true)); err != nil {
		return fmt.Errorf("prepare restored ledger: %w", err)
	}
	return s.say("prepared; start worker and serve")
}

// Serve serves the API and moves events until ctx ends or something fails.
func (s Service) Serve(ctx context.Context) error {
	return s.run(ctx, func(ctx context.Context, r *running) error {
		if err := s.admit(ctx, r.broker); err != nil {
			return err
		}
		kafka, err := s.kafka()
		if err != nil {
			return err
		}
		events, err := kafkalog.New(kafka)
		if err != nil {
			return err
		}
		r.closes(func(context.Context) error { return events.Close() })
		if err := r.broker.StartServing(ctx, s.engines(events)); err != nil {
			return err
		}
		handler, err := r.broker.Handler(ctx)
		if err != nil {
			return err
		}
		server := httpserver.New(httpserver.ServerConfig{Address: s.Config.Listen, Handler: handler, Logger: s.Log})
		if err := server.Start(ctx); err != nil {
			return contracts.Errorf(contracts.Unavailable, "serve", "%w", err)
		}
		r.stops(server.Stop)
		return s.say("ready api=http://" + server.Addr())
	})
}

// Work runs permit processes until ctx ends or something fails.
func (s Service) Work(ctx context.Context) error {
	return s.run(ctx, func(ctx context.Context, r *running) error {
		if err := r.broker.StartWorking(ctx, s.engines(nil)); err != nil {
			return err
		}
		return s.say("ready temporal=" + s.Config.Temporal.Address)
	})
}

// running is what has to be undone at the end: first what serves, then the broker, then what it used.
type running struct {
	broker       *assembly.Broker
	first, after []func(context.Context) error
}

func (r *running) stops(f func(context.Context) error)  { r.first = append(r.first, f) }
func (r *running) closes(f func(context.Context) error) { r.after = append(r.after, f) }

func (r *running) stop(ctx context.Context) error {
	var errs []error
	for _, f := range slices.Concat(r.first, []func(context.Context) error{r.broker.Stop}, r.after) {
		errs = append(errs, f(ctx))
	}
	return errors.Join(errs...)
}

// run opens the stores, starts, waits for the end and stops in order.
func (s Service) run(ctx context.Context, start func(context.Context, *running) error) (err error) {
	broker, err := assembly.Open(ctx, s.assembly(true))
	if err != nil {
		return err
	}
	r := &running{broker: broker}
	defer func() {
		stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.Config.ShutdownTimeout)
		defer cancel()
		err = errors.Join(err, r.stop(stopping))
	}()
	if err := start(context.WithoutCancel(ctx), r); err != nil {
		return err
	}
	select {
	case err := <-broker.Failed():
		return fmt.Errorf("background work ended: %w", err)
	case <-ctx.Done():
	}
	broker.Drain()
	if err := s.say("stopping"); err != nil {
		s.Log.WarnContext(ctx, "nobody reads the output", "error", err)
	}
	select {
	case err := <-broker.Failed():
		return fmt.Errorf("background work ended: %w", err)
	case <-time.After(s.Config.DrainDelay):
		return nil
	}
}

func (s Service) assembly(migrated bool) assembly.Config {
	return assembly.Config{
		Dir: s.Config.Data, KeystoreBackup: s.Config.KeystoreBackup, LedgerURL: s.Config.Ledger.URL, KeysURL: s.Config.Keystore.URL, Migrated: migrated,
		Operator: authority.OperatorID(s.Config.Operator), Log: s.Log,
	}
}

func (s Service) engines(events eventlog.Log) assembly.Engines {
	return assembly.Engines{Events: events, Temporal: s.Config.Temporal.Address, Namespace: s.Config.Temporal.Namespace}
}

func (s Service) admit(ctx context.Context, b *assembly.Broker) error {
	authorities, err := b.Authorities(ctx)
	if err != nil {
		return err
	}
	further, err := s.principals()
	if err != nil {
		return err
	}
	operator := authority.OperatorID(s.Config.Operator)
	return b.Admit(ctx, assembly.Gate{
		Issuer: s.Config.OpenID.Issuer, Audience: s.Config.OpenID.Audience, JWKSURL: s.Config.OpenID.JWKS,
		Principals: append(assembly.Machines(operator, authorities), further...),
	})
}

func (s Service) say(line string) error {
	if _, err := fmt.Fprintln(s.Out, line); err != nil {
		return contracts.Errorf(contracts.Internal, "write output", "%w", err)
	}
	return nil
}
