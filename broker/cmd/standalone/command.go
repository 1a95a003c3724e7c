package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/spf13/cobra"

	"github.com/efa-broker/efa-broker/broker/internal/config"
	"github.com/efa-broker/efa-broker/contracts"
)

// Main is the program; tests start it like a user does.
type Main struct {
	Args           []string
	Environ        []string
	Stdout, Stderr io.Writer
}

// Exit statuses. The demo has one of its own, so that a pipeline can tell a broker that did not start from a run that
// was not whole.
const (
	exitOK         = 0
	exitFailed     = 1
	exitUsage      = 2
	exitIncomplete = 3
)

var errIncomplete = errors.New("not every step of the demo was seen")

// Run runs the program and returns its exit status.
func (m Main) Run(ctx context.Context) int {
	root := m.root() //nolint:contextcheck // commands get the context of ExecuteContext
	root.SetArgs(m.Args)
	root.SetOut(m.Stdout)
	root.SetErr(m.Stderr)
	err := root.ExecuteContext(ctx)
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errIncomplete):
		m.explain(hinted(err, "the lines above show what was seen; DATA/broker.log holds the causes"))
		return exitIncomplete
	case contracts.KindOf(err) == contracts.Invalid:
		m.explain(err)
		return exitUsage
	}
	m.explain(err)
	return exitFailed
}

// say writes to a terminal; one that is gone is no reason to stop.
func say(w io.Writer, format string, args ...any) { _, _ = fmt.Fprintf(w, format, args...) }

// explain writes the error with everything that is wrong, and a hint.
func (m Main) explain(err error) {
	problems := contracts.ProblemsOf(err)
	if len(problems) == 0 {
		say(m.Stderr, "standalone: %v\n", err)
	}
	for _, p := range problems {
		say(m.Stderr, "standalone: %s: %s\n", p.Pointer, p.Detail)
	}
	hint := "standalone --help explains commands, settings and exit codes"
	if h, ok := errors.AsType[hintError](err); ok {
		hint = h.hint
	}
	say(m.Stderr, "hint: %s\n", hint)
}

// hintError carries what to do beside an error.
type hintError struct {
	error
	hint string
}

// Unwrap returns the error.
func (h hintError) Unwrap() error { return h.error }

// hinted adds a hint to err.
func hinted(err error, hint string) error { return hintError{err, hint} }

// exitCodes stands in the help.
const exitCodes = `

Exit codes:
  0  ended as asked; the demo with --exit has seen every step
  1  the broker did not start, or its work ended
  2  the command line or a setting is wrong
  3  the demo with --exit did not see every step`

func (m Main) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "standalone",
		Short: "The EfA broker with everything that it needs, in one process",
		Long:  "The EfA broker with Temporal, Kafka's protocol, an OpenID provider and SQLite embedded: for trying out and small sites." + exitCodes,
		Args:  cobra.ArbitraryArgs,
		RunE:  unknownCommand,

		SuggestionsMinimumDistance: 2,
		SilenceErrors:              true,
		SilenceUsage:               true,
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error {
		return contracts.Errorf(contracts.Invalid, "read command line", "%w", err)
	})
	root.AddCommand(
		command(m, "demo", "Start the broker and play the move of a business from Nürnberg to München", m.demo),
		command(m, "serve", "Start the broker", m.serve),
		command(m, "openid", "Start the OpenID provider alone, for brokers on outside engines", m.openid),
		m.benchCommand(),
		command(m, "config", "Show the effective settings", m.config),
	)
	return root
}

// unknownCommand is what runs when no sub-command was found.
func unknownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return cmd.Help()
	}
	err := contracts.Errorf(contracts.Invalid, "read command line", "unknown command %q", args[0])
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		return hinted(err, "did you mean: "+strings.Join(near, ", ")+"?")
	}
	return err
}

// noArgs refuses arguments: every setting is a flag.
func noArgs(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return contracts.Errorf(contracts.Invalid, "read command line", "want no argument, got %q; settings are flags", args[0])
	}
	return nil
}

// settings is a pointer to the configuration C of a command.
type settings[C any] interface {
	*C
	config.Settings
}

// command makes a sub-command that takes every setting of its configuration as a flag.
func command[C any, S settings[C]](m Main, name, short string, run func(ctx context.Context, cfg C, origins config.Origins) error) *cobra.Command {
	cmd := &cobra.Command{Use: name, Short: short, Args: noArgs}
	config.AddFlags(cmd.Flags(), S(new(C)))
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		var cfg C
		origins, err := config.Load(S(&cfg), config.Source{Environ: m.Environ, Flags: cmd.Flags()})
		if err != nil {
			return err
		}
		return run(cmd.Context(), cfg, origins)
	}
	return cmd
}

func (m Main) config(_ context.Context, cfg config.Standalone, origins config.Origins) error {
	return config.WriteYAML(m.Stdout, config.Effective(&cfg, origins))
}

// logger writes to w in the configured form.
func logger(w io.Writer, cfg config.Log) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(cfg.Level)); err != nil {
		level = slog.LevelInfo // Validate has refused anything else
	}
	options := &slog.HandlerOptions{Level: level}
	if cfg.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}
