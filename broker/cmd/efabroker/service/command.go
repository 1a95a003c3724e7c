package service

import (
	"context"
	"io"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/efa-broker/efa-broker/broker/cmd/efabroker/failure"
	"github.com/efa-broker/efa-broker/broker/internal/config"
)

// Commands are the commands that are the broker itself; each has the broker's settings as flags. environ are variables
// as os.Environ lists them.
func Commands(environ []string, out, log io.Writer) []*cobra.Command {
	command := func(name, short string, run func(Service, context.Context) error) *cobra.Command {
		c := &cobra.Command{Use: name, Short: short, Args: cobra.NoArgs}
		c.Flags().SortFlags = false
		config.AddFlags(c.Flags(), &config.Broker{})
		c.RunE = func(cmd *cobra.Command, _ []string) error {
			var cfg config.Broker
			if _, err := config.Load(&cfg, config.Source{Environ: environ, Flags: cmd.Flags()}); err != nil {
				return failure.Hinted(err, "efabroker config --reference lists every setting")
			}
			return run(Service{Config: cfg, Out: out, Log: logger(log, cfg.Log)}, cmd.Context())
		}
		return c
	}
	restored := command("restored", "Make a ledger fit to go on that PostgreSQL's own tools have restored", Service.Restored)
	restored.Long = restored.Short + ".\n\nNo replica runs meanwhile. Inboxes get a new epoch, so that old cursors miss nothing; every event is published " +
		"again, and handed over again to a process engine that is empty. The journal of erasures is applied when the first replica starts."
	return []*cobra.Command{
		command("serve", "Serve the API and move events, against outside engines", Service.Serve),
		command("worker", "Run the permit processes, against outside engines", Service.Work),
		command("migrate", "Bring ledger and key store to this program's version", Service.Migrate),
		restored,
		benchCommand(environ, out, log),
	}
}

// logger writes in the configured form.
func logger(w io.Writer, cfg config.Log) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(cfg.Level)); err != nil {
		level = slog.LevelInfo // the settings allow nothing else
	}
	options := &slog.HandlerOptions{Level: level}
	if cfg.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}
