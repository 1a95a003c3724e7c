package main

import (
	"context"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/efa-broker/efa-broker/broker/cmd/efabroker/failure"
	"github.com/efa-broker/efa-broker/broker/cmd/efabroker/service"
	"github.com/efa-broker/efa-broker/broker/internal/config"
)

func (s *session) serveCommand() *cobra.Command {
	return s.process("serve", "Serve the API and move events, against outside engines", service.Service.Serve)
}

func (s *session) workerCommand() *cobra.Command {
	return s.process("worker", "Run the permit processes, against outside engines", service.Service.Work)
}

func (s *session) migrateCommand() *cobra.Command {
	return s.process("migrate", "Bring ledger and key store to this program's version", service.Service.Migrate)
}

// process is a command that is the broker itself and has the broker's settings, each as a flag.
func (s *session) process(name, short string, run func(service.Service, context.Context) error) *cobra.Command {
	c := &cobra.Command{Use: name, Short: short, Args: cobra.NoArgs}
	c.Flags().SortFlags = false
	config.AddFlags(c.Flags(), &config.Broker{})
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		var cfg config.Broker
		if _, err := config.Load(&cfg, config.Source{Environ: s.program.Environ, Flags: cmd.Flags()}); err != nil {
			return failure.Hinted(err, "efabroker config --reference lists every setting")
		}
		return run(service.Service{Config: cfg, Out: s.program.Stdout, Log: s.logger(cfg.Log)}, cmd.Context())
	}
	return c
}

// logger writes to standard error in the configured form.
func (s *session) logger(cfg config.Log) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(cfg.Level)); err != nil {
		level = slog.LevelInfo // the settings allow nothing else
	}
	options := &slog.HandlerOptions{Level: level}
	if cfg.Format == "json" {
		return slog.New(slog.NewJSONHandler(s.program.Stderr, options))
	}
	return slog.New(slog.NewTextHandler(s.program.Stderr, options))
}
