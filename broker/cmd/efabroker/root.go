package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/efa-broker/efa-broker/broker/cmd/efabroker/failure"
	"github.com/efa-broker/efa-broker/broker/cmd/efabroker/service"
	"github.com/efa-broker/efa-broker/broker/internal/config"
)

// root is the list of commands.
func (s *session) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "efabroker",
		Short: "Speak to an EfA broker, or be one",
		Long: "efabroker speaks to a running broker over HTTP. It finds a standalone broker by its data directory (--data), " +
			"any other by --server and --issuer. serve, worker, migrate and restored are the broker itself, against outside engines.\n\nOutput is for people; --json makes it for machines, with the names of the API.",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	s.flags = root.PersistentFlags()
	s.flags.SortFlags = false
	config.AddFlags(s.flags, &config.Client{})
	s.flags.BoolVar(&s.asJSON, "json", false, "output for machines, the same as --output json")
	root.AddCommand(
		s.caseCommand(), s.taskCommand(), s.disclosureCommand(), s.authorityCommand(), s.competenceCommand(),
		s.ledgerCommand(), s.reconcileCommand(), s.outboxCommand(), s.deadletterCommand(), s.actCommand(), s.keyCommand(), s.backupCommand(),
		s.restoreCommand(), s.configCommand(), s.versionCommand(), s.demoCommand(),
		&cobra.Command{Use: "exit-codes", Short: "What the exit codes mean", Long: failure.ExitCodes()},
	)
	root.AddCommand(service.Commands(s.program.Environ, s.program.Stdout, s.program.Stderr)...)
	return root
}

// group is a command that only holds others.
func group(use, short string, commands ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, SuggestionsMinimumDistance: 2}
	c.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return cmd.Help()
		}
		hint := "efabroker " + use + " --help lists the commands"
		if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
			hint = "did you mean: " + strings.Join(near, ", ") + "?"
		}
		return failure.Usage(hint, "%s has no command %q", use, args[0])
	}
	c.AddCommand(commands...)
	return c
}

// command is a command that needs the configuration. Its arguments are named in use: "show CASE".
func (s *session) command(use, short string, run func(ctx context.Context, args []string) error) *cobra.Command {
	want := strings.Fields(use)[1:]
	return &cobra.Command{
		Use:   use,
		Short: short,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != len(want) {
				return failure.Usage("usage: efabroker … "+use, "want %d arguments, got %d", len(want), len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := s.load(); err != nil {
				return err
			}
			return run(cmd.Context(), args)
		},
	}
}
